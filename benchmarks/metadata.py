"""10,000 mutated metadata blocks and 1,000 damaged pictures through import and show.

``python benchmarks/metadata.py [--blocks N] [--pictures N] [--seed S]``: prints one JSON document and ends 1
when a promise was broken: no crash, at most 2 s (processor time) a file, nothing lost, every refusal
explained. The suite runs the same with fewer.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.foreign_pictures.hostile_run import hostile_run
from tools.foreign_pictures.mutations import damaged_pictures, mutated_blocks

LONGEST = 2.0
"""Seconds."""


def main() -> int:
    """Run and print; the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=10_000)
    parser.add_argument("--pictures", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = itertools.chain(
            mutated_blocks(given.blocks, given.seed), damaged_pictures(given.pictures, given.seed)
        )
        run = hostile_run(Path(folder), cases)
    slow = max(run.slowest_show[0], run.slowest_import[0]) > LONGEST
    document = {
        **vars(given),
        **asdict(run),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    print(json.dumps(document, indent=2))
    return 1 if run.wrong or slow else 0


if __name__ == "__main__":
    sys.exit(main())
