"""``python -m tools.miniature_control``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.miniature_control", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    control = commands.add_parser("control", help="a ControlNet for the miniature: lines and depth")
    upscaler = commands.add_parser("upscaler", help="a Swin2SR that doubles the miniature's pictures")
    for command, minutes in ((control, 25.0), (upscaler, 20.0)):
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--base", type=Path, help="the miniature's folder (default: the shipped one)")
        command.add_argument("--minutes", type=float, default=minutes)
        command.add_argument("--steps", type=int, help="steps instead of minutes")
        command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    return parser


def main() -> None:
    """Trains, measures and prints the report."""
    given = _parser().parse_args()
    from duktus.domain.beginning import ControlKind
    from duktus.miniature import weights_folder
    from tools.miniature.progress import Budget
    from tools.miniature_control import control, upscaler

    base = given.base or weights_folder()
    budget = Budget(given.minutes, given.steps)
    if given.command == "control":
        kinds = (ControlKind.LINE, ControlKind.DEPTH)
        control.train(base, given.out, kinds, budget, given.device)
        report = {kind.value: control.measure(base, given.out, kind) for kind in kinds}
    else:
        upscaler.train(base, given.out, budget, given.device)
        report = upscaler.measure(base, given.out)
    text = json.dumps(report, indent=1)
    (given.out / "report.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
