"""A picture in one line, ours or imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.cli.explaining import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duktus.domain.asset import Asset
    from duktus.domain.decision import Standing
    from duktus.domain.foreign import Picture
    from duktus.domain.series import Axis


def in_short(picture: Picture) -> str:
    """Its program when it is not ours, then cfg, seed and styles as far as they are known."""
    from duktus.domain.asset import Asset

    said = picture.recipe if isinstance(picture, Asset) else picture.said
    parts = [] if isinstance(picture, Asset) else [picture.tool or "unknown program"]
    if said is not None:
        parts += [] if said.cfg is None else [f"cfg {said.cfg:g}"]
        parts += [] if said.seed is None else [f"seed {said.seed}"]
        parts += [" ".join(f"{style.name}:{style.strength:g}" for style in said.adapters)]
    return harmless("  ".join(parts))


def axes_lines(axes: Sequence[Axis]) -> list[str]:
    """Each axis with its values; texts that hold commas are parted by bars."""
    wide = max((len(axis.name) for axis in axes), default=0)
    lines: list[str] = []
    for axis in axes:
        values = [str(value) or "(none)" for value in axis.values]
        between = " | " if any("," in value for value in values) else ", "
        lines.append(harmless(f"{axis.name:<{wide}}  {between.join(values)}"))
    return lines


def made_line(asset: Asset, path: Path) -> str:
    """A picture that was just made: its id, seed and file, and of a draft how far it is from proof."""
    draft = asset.facts.draft
    said = ""
    if draft is not None:
        said = f"  draft, {'as proof' if draft.psnr is None else f'{draft.psnr:.1f} dB from proof'}"
    return f"{asset.id}  seed {asset.recipe.seed}{said}  {path}"


def decided(standing: Standing) -> str:
    """What counts for it: ``keep **** red``; empty where nothing was said."""
    said = (
        standing.verdict.value if standing.verdict else "",
        "*" * (standing.stars or 0),
        standing.label or "",
    )
    return " ".join(filter(None, said))


def prompt_of(picture: Picture, letters: int) -> str:
    """The beginning of its prompt; empty when it says none."""
    from duktus.domain.asset import Asset

    said = picture.recipe if isinstance(picture, Asset) else picture.said
    prompt = harmless((said.prompt or "") if said else "")
    return prompt if len(prompt) <= letters else f"{prompt[: letters - 1]}…"
