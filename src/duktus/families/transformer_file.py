"""A transformer in one file, put beside the other parts of a base: a diffusers folder of them all.

The file may be in the spelling it was first published in, which fuses some matrices, or in diffusers' own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from torch import Tensor

from duktus.domain.errors import InputError, MismatchError
from duktus.families.diffusers_folder import UNSAFE, checked_files
from duktus.families.folder_hash import read_json
from duktus.families.safetensors_header import read_header
from duktus.families.single_file import denoiser_in, denoiser_prefix
from duktus.families.style_files.native import native_names
from duktus.families.style_files.truth import build

if TYPE_CHECKING:
    from duktus.domain.base import Role
    from duktus.families.single_file import Parts

FOLDER = "transformer"
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
GUIDANCE = "time_text_embed.guidance_embedder."
SWAPPED = {"norm_out.linear": "final_layer.adaLN_modulation.1"}
"""FLUX.1: diffusers has scale before shift, the original shift before scale (diffusers,
scripts/convert_flux_to_diffusers.py)."""
LEAVES = {"query_norm.weight": "query_norm.scale", "key_norm.weight": "key_norm.scale"}
"""Where the original calls a parameter otherwise."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A transformer in one file, and where the rest of its base is."""

    path: Path
    family: str
    lacks: Parts
    parts: Path
    """A diffusers folder with all that is lacking."""


def put_together(pieces: Pieces, target: Path, role: Role) -> None:
    """Write the base of those pieces to the folder ``target``; the role is kept in ``duktus.json``.

    The parts are linked where the disk can, copied where it cannot.

    Raises:
        InputError: a part is missing or damaged, or the file is quantised.
        MismatchError: the transformer is not of the size that the configuration of the parts says.
    """
    checked_files(pieces.parts, pieces.lacks.networks, pieces.lacks.tokenizers)
    transformer = _transformer(pieces)
    transformer.save_pretrained(target / FOLDER, safe_serialization=True)
    for part in (*pieces.lacks.networks, *pieces.lacks.tokenizers, "scheduler"):
        unsafe = shutil.ignore_patterns(*UNSAFE)
        shutil.copytree(pieces.parts / part, target / part, copy_function=_linked, ignore=unsafe)
    shutil.copy(pieces.parts / "model_index.json", target)
    (target / "duktus.json").write_text(json.dumps({"role": role.value}), encoding="utf-8")


def _transformer(pieces: Pieces) -> Any:
    """The network with the tensors of the file, in the dtype that most of them are in."""
    header = read_header(pieces.path)
    entries = denoiser_in(header)
    kinds = [entry.dtype for entry in entries.values()]
    quantised = sorted(set(kinds) - set(DTYPES))
    if quantised:
        raise InputError(
            f"{pieces.path.name} is quantised: it holds {', '.join(quantised)}.",
            "A style is taught on whole weights, and duktus renders with them.",
            "Take the file in float32, bfloat16 or float16.",
        )
    configuration = read_json(pieces.parts / FOLDER / "config.json")
    if "guidance_embeds" in configuration:
        guided = any(name.startswith(("guidance_in.", GUIDANCE)) for name in entries)
        configuration = configuration | {"guidance_embeds": guided}
    transformer = build(FOLDER, configuration)
    wanted = {name: tuple(one.shape) for name, one in transformer.state_dict().items()}
    prefix = denoiser_prefix(header)
    with safe_open(pieces.path, framework="pt") as file:
        tensors = {name: file.get_tensor(prefix + name) for name in entries}
    found = in_diffusers_spelling(tensors, pieces.family, wanted)
    _check_whole(pieces, found, wanted)
    dtype = DTYPES[max(sorted(set(kinds)), key=kinds.count)]
    transformer.load_state_dict({name: one.to(dtype) for name, one in found.items()}, assign=True)
    return transformer


def in_diffusers_spelling(
    tensors: Mapping[str, Tensor], family: str, wanted: Mapping[str, tuple[int, ...]]
) -> dict[str, Tensor]:
    """The tensors of a transformer under diffusers' names; what is not there is left out.

    ``wanted`` are diffusers' names with their shapes: fused matrices are parted by their rows.
    """
    if all(name in tensors for name in wanted):
        return {name: tensors[name] for name in wanted}
    paths = dict.fromkeys(name.rpartition(".")[0] for name in wanted)
    natives = native_names(family, FOLDER, [f"{FOLDER}.{path}" for path in paths])
    places = {path: (name, modules) for name, modules in natives.items() for path in modules}
    found: dict[str, Tensor] = {}
    for name, (rows, *_) in wanted.items():
        path, _, leaf = name.rpartition(".")
        native, modules = places.get(f"{FOLDER}.{path}", (SWAPPED.get(path, path), (f"{FOLDER}.{path}",)))
        original = f"{native}.{leaf}" if path else leaf
        for ours, theirs in LEAVES.items():
            original = re.sub(f"{re.escape(ours)}$", theirs, original)
        whole = tensors.get(original)
        if whole is not None:
            before = _rows_before(f"{FOLDER}.{path}", modules, leaf, wanted)
            part = whole[before : before + rows]
            found[name] = torch.cat([*reversed(part.chunk(2))]) if path in SWAPPED else part
    return found


def _rows_before(
    full: str, modules: tuple[str, ...], leaf: str, wanted: Mapping[str, tuple[int, ...]]
) -> int:
    """Rows of a fused matrix that belong to the modules above this one."""
    above = modules[: modules.index(full)]
    return sum(wanted[f"{one.removeprefix(FOLDER + '.')}.{leaf}"][0] for one in above)


def _check_whole(pieces: Pieces, found: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]]) -> None:
    missing = [name for name in wanted if name not in found]
    unlike = [name for name, one in found.items() if tuple(one.shape) != wanted[name]]
    if missing or unlike:
        raise MismatchError(
            f"The transformer in {pieces.path.name} is not of the size that {pieces.parts} says:",
            f"of {len(wanted)} tensors {len(missing)} are missing and {len(unlike)} have another shape, "
            f"the first is {[*missing, *unlike][0]}.",
            "Name the parts of the base that this transformer was made from.",
        )


def _linked(source: str, target: str) -> None:
    whole = Path(source).resolve()  # a downloaded folder may hold links into a cache
    try:
        os.link(whole, target)
    except OSError:
        shutil.copy2(whole, target)
