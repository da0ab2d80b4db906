"""Commands in a process of their own, to see what they load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.workspaces import environment


def loaded(arguments: Sequence[str], cwd: Path) -> set[str]:
    """The top-level packages in memory after a command."""
    code = (
        "import sys\nfrom duktus.cli.app import run\ncode = run(sys.argv[1:])\n"
        "print('\\nLOADED', *sorted({name.partition('.')[0] for name in sys.modules}))\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())
