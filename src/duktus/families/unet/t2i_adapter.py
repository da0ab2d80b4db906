"""T2I-Adapters (arXiv 2302.08453): what one is told by its tensors, and which U-Net it fits. No torch.

The three architectures and their spelling are those of diffusers' ``T2IAdapter``; the weights tell them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from duktus.domain.errors import InputError
from duktus.families.folder_hash import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from duktus.families.safetensors_header import Header

Architecture = Literal["full_adapter", "full_adapter_xl", "light_adapter"]

ENTRANCES = {64: (1, 8), 192: (3, 8), 256: (1, 16), 768: (3, 16)}
"""Values that an adapter's first convolution takes per place -> (colours, pixels per place along an edge)."""
_FIRST = ("adapter.conv_in.weight", "adapter.body.0.in_conv.weight")


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """How an adapter is built."""

    architecture: Architecture
    colours: int
    """1: it sees grey pictures."""
    channels: tuple[int, ...]
    """Of what it gives at each level, as diffusers' configuration names them."""
    blocks: int
    """Residual blocks per level."""
    factor: int
    """Pixels per place of its first level along an edge."""

    @property
    def multiple(self) -> int:
        """Pixels; the sides of its pictures must be multiples of it."""
        return self.factor

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """(channels, pixels per place along an edge) of everything it gives."""
        if self.architecture == "full_adapter_xl":
            return tuple(
                (width, self.factor * (1 if place < 2 else 2)) for place, width in enumerate(self.channels)
            )
        more = self.channels[-1:] if self.architecture == "light_adapter" else ()
        return tuple((width, self.factor * 2**place) for place, width in enumerate((*self.channels, *more)))


def is_one(header: Header) -> bool:
    """Whether the tensors are those of an adapter."""
    return any(name in header.tensors for name in _FIRST)


def is_original(header: Header) -> bool:
    """Whether they are in the spelling of TencentARC/T2I-Adapter, which numbers the blocks of all levels."""
    return "body.0.block1.weight" in header.tensors or "body.0.body.0.block1.weight" in header.tensors


def settings(place: Path, header: Header) -> AdapterSettings:
    """How the adapter in that folder or file is built, from its configuration or its shapes.

    Raises:
        InputError: neither tells, or they contradict each other.
    """
    told = _from_shapes(place, header)
    if place.is_file():
        return told
    given = read_json(place / "config.json")
    said = {
        "architecture": given.get("adapter_type", "full_adapter"),
        "colours": given.get("in_channels", 3),
        "channels": tuple(given.get("channels") or (320, 640, 1280, 1280)),
        "blocks": given.get("num_res_blocks", 2),
        "factor": given.get("downscale_factor", 8),
    }
    wrong = [name for name, value in said.items() if getattr(told, name) != value]
    if wrong:
        raise InputError(
            f"The weights in {place} are not those that its config.json describes.",
            f"Its {wrong[0]} is {said[wrong[0]]} there, {getattr(told, wrong[0])} by the weights.",
            "Download the folder again.",
        )
    return told


def _from_shapes(place: Path, header: Header) -> AdapterSettings:
    shapes = {name: entry.shape for name, entry in header.tensors.items()}
    first = next((shapes[name] for name in _FIRST if name in shapes), ())
    ends = [
        (int(found[1]), shape[0])
        for name, shape in shapes.items()
        if len(shape) == 4
        and (found := re.fullmatch(r"adapter\.body\.(\d+)\.resnets\.\d+\.block2\.weight", name))
    ]
    levels = {level for level, _ in ends}
    if len(first) != 4 or first[1] not in ENTRANCES or levels != set(range(len(levels))) or not levels:
        raise InputError(
            f"{place.name} is no T2I-Adapter that duktus knows.",
            "Its shapes are those of none of full_adapter, full_adapter_xl and light_adapter.",
            "Download it again, or take another one.",
        )
    colours, factor = ENTRANCES[first[1]]
    blocks = sum(1 for level, _ in ends if level == 0)
    if "adapter.conv_in.weight" in shapes:
        widths = tuple(dict(ends)[level] for level in sorted(levels))
        return AdapterSettings(
            "full_adapter_xl" if factor == 16 else "full_adapter", colours, widths, blocks, factor
        )
    outs = [shapes.get(f"adapter.body.{level}.out_conv.weight", (0,))[0] for level in sorted(levels)]
    return AdapterSettings("light_adapter", colours, tuple(outs[:-1]), blocks, factor)


def unfit(unet: dict[str, Any], shrink: int, found: AdapterSettings) -> str | None:
    """Why the adapter does not fit a U-Net of that configuration; None when it does.

    What it gives at a level is added where the U-Net's block of that level is widest: in a block with
    attention before it goes down, in one without after; one more may go to the middle. ``shrink`` is pixels
    per latent along an edge.
    """
    kinds = [str(one) for one in unet.get("down_block_types") or ()]
    widths = [int(one) for one in unet.get("block_out_channels") or ()]
    last = len(kinds) - 1
    wanted = [
        (width, shrink * 2 ** (place if "CrossAttn" in kind or place == last else place + 1))
        for place, (kind, width) in enumerate(zip(kinds, widths, strict=True))
    ]
    given = list(found.levels)
    if given in (wanted, [*wanted, (widths[-1], shrink * 2**last)]):
        return None
    return f"It gives {_listed(given)}, the base's blocks hold {_listed(wanted)} (channels at pixels)."


def _listed(levels: list[tuple[int, int]]) -> str:
    return ", ".join(f"{width} at 1/{factor}" for width, factor in levels)
