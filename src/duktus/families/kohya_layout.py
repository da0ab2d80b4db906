"""The one layout of a Stable Diffusion 1.x or SDXL style that loads everywhere the first time.

``lora_unet_<diffusers path with underscores>.lora_down.weight``, ``.lora_up.weight`` and ``.alpha``: the
spelling of kohya-ss/sd-scripts with the module names of diffusers. ComfyUI, A1111, Forge, SD.Next, InvokeAI
and diffusers read it. Dotted paths are never guessed back from underscores: the model's own list of modules
is the dictionary.
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

PREFIX = "lora_unet_"
TEXT_PREFIX = "lora_te"
"""The text-encoder part of a style taught elsewhere; :mod:`duktus.families.text_styles` reads it."""
SUFFIXES = (".lora_down.weight", ".lora_up.weight", ".alpha")
FILE_DTYPE = torch.float32


@dataclass(frozen=True, slots=True)
class KohyaLayout:
    """What the files of one family say of themselves."""

    family: str
    """In words, as in "Export it for ..."."""
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
            stem = PREFIX + module_path.replace(".", "_")
            out[f"{stem}.lora_down.weight"] = down.to(FILE_DTYPE)
            out[f"{stem}.lora_up.weight"] = up.to(FILE_DTYPE)
            out[f"{stem}.alpha"] = torch.tensor(float(alpha))
            ranks.add(down.shape[0])
        if len(out) != len(tensors) * len(SUFFIXES):
            raise InputError("Two modules of the style have the same name when dots become underscores.")
        check_healthy(
            {name: (out[name], out[name]) for name in out if not name.endswith(".alpha")},
            "The style as a file",
        )
        return write_file(path, out, style_metadata(self.metadata, metadata, rank=max(ranks), alpha=alpha))

    def read(self, path: Path, denoiser: nn.Module, base: str) -> dict[str, tuple[Tensor, Tensor, float]]:
        """``{module path: (down, up, alpha / rank)}`` in the order of the denoiser's modules.

        Raises:
            InputError: damaged, truncated, a pickle, NaN, all zero, or incomplete.
            MismatchError: modules or shapes that this base does not have, with "n of m".
        """
        tensors, _ = read_file(path)
        stems: dict[str, set[str]] = {}
        foreign: list[str] = []
        for name in tensors:
            if name.startswith(TEXT_PREFIX):
                continue
            suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)
            if suffix is None or not name.startswith(PREFIX):
                foreign.append(name)
            else:
                stems.setdefault(name.removesuffix(suffix), set()).add(suffix)
        if foreign or not stems:
            example = f", the first is {foreign[0]!r}" if foreign else ""
            raise MismatchError(
                f"{path.name} is not in the layout of this family:",
                f"{len(foreign)} of {len(tensors)} tensors are not named {PREFIX}...{example}.",
                f"Export it for {self.family} in the kohya spelling with diffusers module names.",
            )
        known = {PREFIX + name.replace(".", "_"): name for name, _ in denoiser.named_modules()}
        unknown = sorted(stem for stem in stems if stem not in known)
        if unknown:
            raise MismatchError(
                f"{path.name} is a style of another base than {base}:",
                f"{len(unknown)} of {len(stems)} modules do not exist there, the first is {unknown[0]}.",
                "Render it with the base it was taught on.",
            )
        incomplete = sorted(stem for stem, found in stems.items() if not {*SUFFIXES[:2]} <= found)
        if incomplete:
            raise InputError(f"{path.name} is damaged:", f"{incomplete[0]} lacks its down or up matrix.")
        order = [stem for stem in known if stem in stems]
        pairs = {
            known[stem]: (
                tensors[f"{stem}.lora_down.weight"].float(),
                tensors[f"{stem}.lora_up.weight"].float(),
            )
            for stem in order
        }
        check_healthy(pairs, path.name)
        check_shapes(path, pairs, denoiser, base)
        result: dict[str, tuple[Tensor, Tensor, float]] = {}
        for stem in order:
            down, up = pairs[known[stem]]
            alpha = tensors.get(f"{stem}.alpha")
            scale = 1.0 if alpha is None else float(alpha.float().item()) / down.shape[0]
            result[known[stem]] = (down, up, scale)
        return result
