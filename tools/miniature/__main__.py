"""The two commands."""

from __future__ import annotations

import argparse
from pathlib import Path

WORK = Path.home() / ".cache" / "duktus-miniature"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.miniature", description="The recipe of the miniature."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="draw, train, export and measure; run it again to go on")
    train.add_argument("--out", type=Path, required=True, help="where the finished folder goes")
    train.add_argument("--work", type=Path, default=WORK, help="data, checkpoints, log, sample sheets")
    train.add_argument("--minutes-autoencoder", type=float, default=34.0)
    train.add_argument("--minutes-unet", type=float, default=90.0)
    train.add_argument(
        "--steps", type=int, nargs=3, metavar=("TEXT", "AUTOENCODER", "UNET"), help="steps instead of minutes"
    )
    train.add_argument("--autoencoder", type=Path, help="a trained autoencoder's folder: skips that stage")
    train.add_argument("--portraits", type=int, default=12_000)
    train.add_argument("--textures", type=int, default=3_600)
    train.add_argument("--seed", type=int, default=2026)
    train.add_argument("--n", type=int, default=200, help="fresh prompts in the quality report")
    train.add_argument("--device", default="auto", help="auto, cpu or cuda")
    measure = commands.add_parser("measure", help="the quality report of a finished folder")
    measure.add_argument("folder", type=Path)
    measure.add_argument("--n", type=int, default=200)
    measure.add_argument("--cfg", type=float, default=3.0)
    measure.add_argument("--steps", type=int, default=20)
    measure.add_argument("--karras", action="store_true", help="Karras's schedule instead of trailing steps")
    measure.add_argument("--device", default="auto")
    measure.add_argument(
        "--report", type=Path, help="where report.json and samples.png go (default: the folder)"
    )
    return parser


def main() -> None:
    """Runs the command; torch is loaded only after the arguments are understood."""
    given = _parser().parse_args()
    if given.command == "train":
        from tools.miniature.data import Plan
        from tools.miniature.train import Lengths, run

        steps = None if given.steps is None else (given.steps[0], given.steps[1], given.steps[2])
        lengths = Lengths(autoencoder=given.minutes_autoencoder, unet=given.minutes_unet, steps=steps)
        plan = Plan(given.portraits, given.textures, given.seed)
        run(given.out, given.work, lengths, plan, given.device, given.n, given.autoencoder)
    else:
        from tools.miniature.measure import measure
        from tools.miniature.progress import Log

        where = given.report or given.folder
        log = Log(where / "measure.log")
        measure(given.folder, given.n, log, given.device, given.cfg, given.steps, where, given.karras)


if __name__ == "__main__":
    main()
