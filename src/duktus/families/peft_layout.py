"""The one layout of a FLUX.1, FLUX.2 or Z-Image style that loads everywhere the first time.

``<prefix><diffusers path>.lora_A.weight`` (down) and ``.lora_B.weight`` (up), with alpha folded into ``up``
and no alpha beside it: InvokeAI refuses or ignores ``.alpha`` next to these names, and where nothing is said
every reader takes alpha for the rank. Module paths are written as they are, dots and all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import InputError, MismatchError
from duktus.families.style_file import check_healthy, check_shapes, read_file, write_file
from duktus.families.style_metadata import style_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

DOWN, UP = ".lora_A.weight", ".lora_B.weight"
FILE_DTYPE = torch.float32


@dataclass(frozen=True, slots=True)
class PeftLayout:
    """What the files of one family look like."""

    family: str
    """In words, as in "Export it for ..."."""
    prefix: str
    """Before every module path, with its dot."""
    metadata: Mapping[str, str]
    """What readers classify the file by."""

    def write(
        self,
        path: Path,
        tensors: Mapping[str, tuple[Tensor, Tensor]],
        *,
        alpha: float,
        metadata: Mapping[str, str],
    ) -> str:
        """Write ``{module path: (down, up)}``; return the tensor hash.

        ``metadata`` takes what :func:`duktus.families.style_metadata.style_metadata` takes.
        """
        check_healthy(tensors, "The style")
        out: dict[str, Tensor] = {}
        ranks: set[int] = set()
        for module_path, (down, up) in tensors.items():
            out[f"{self.prefix}{module_path}{DOWN}"] = down.to(FILE_DTYPE)
            out[f"{self.prefix}{module_path}{UP}"] = up.to(FILE_DTYPE) * (alpha / down.shape[0])
            ranks.add(down.shape[0])
        check_healthy({name: (out[name], out[name]) for name in out}, "The style as a file")
        return write_file(
            path, out, style_metadata(self.metadata, metadata, rank=max(ranks), alpha=float(max(ranks)))
        )

    def read(self, path: Path, denoiser: nn.Module, base: str) -> dict[str, tuple[Tensor, Tensor, float]]:
        """``{module path: (down, up, 1.0)}`` in the order of the denoiser's modules.

        Raises:
            InputError: damaged, truncated, a pickle, NaN, all zero, or incomplete.
            MismatchError: modules or shapes that this base does not have, with "n of m".
        """
        tensors, _ = read_file(path)
        found: dict[str, set[str]] = {}
        foreign: list[str] = []
        for name in tensors:
            suffix = next((suffix for suffix in (DOWN, UP) if name.endswith(suffix)), None)
            if suffix is None or not name.startswith(self.prefix):
                foreign.append(name)
            else:
                found.setdefault(name.removeprefix(self.prefix).removesuffix(suffix), set()).add(suffix)
        if foreign or not found:
            example = f", the first is {foreign[0]!r}" if foreign else ""
            raise MismatchError(
                f"{path.name} is not in the layout of this family:",
                f"{len(foreign)} of {len(tensors)} tensors are not named "
                f"{self.prefix}...{DOWN} or {UP}{example}.",
                f"Export it for {self.family} in the spelling of diffusers, with alpha folded in.",
            )
        order = [name for name, _ in denoiser.named_modules() if name in found]
        if len(order) < len(found):
            unknown = sorted(set(found) - set(order))
            raise MismatchError(
                f"{path.name} is a style of another base than {base}:",
                f"{len(unknown)} of {len(found)} modules do not exist there, the first is {unknown[0]}.",
                "Render it with the base it was taught on.",
            )
        incomplete = sorted(name for name, halves in found.items() if halves != {DOWN, UP})
        if incomplete:
            raise InputError(f"{path.name} is damaged:", f"{incomplete[0]} lacks its down or up matrix.")
        pairs = {
            name: (
                tensors[f"{self.prefix}{name}{DOWN}"].float(),
                tensors[f"{self.prefix}{name}{UP}"].float(),
            )
            for name in order
        }
        check_healthy(pairs, path.name)
        check_shapes(path, pairs, denoiser, base)
        return {name: (down, up, 1.0) for name, (down, up) in pairs.items()}
