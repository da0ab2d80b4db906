"""The command line. Each command reads its options, calls one action and prints what came of it.

Nothing here loads torch, and the entry point loads nothing but Typer: actions are imported when their
command runs.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and leave with its exit code."""
    import sys

    from duktus.cli.app import run

    sys.exit(run(sys.argv[1:]))
