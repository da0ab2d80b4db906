"""What a Stable Diffusion 1.x folder holds, checked and hashed without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from duktus.domain.base import Base, RenderDefaults, Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import Targets
from duktus.families.family import TeachDefaults
from duktus.families.folder_hash import folder_hash, read_json
from duktus.families.safetensors_header import read_header

NETWORKS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
"""Folder of each network and the stem of its weights file."""

FAMILY_RENDER = RenderDefaults(
    width=512, height=512, steps=25, cfg=7.0, sampler=Sampler.DPMPP_2M, schedule=Schedule.KARRAS
)
FAMILY_TEACH = TeachDefaults(
    steps=800,
    learning_rate=1e-4,
    batch=1,
    resolution=512,
    targets=Targets.ATTENTION_FEED_FORWARD,
    source="common practice for Stable Diffusion 1.5 with about ten pictures (diffusers "
    "examples/text_to_image/train_text_to_image_lora.py and kohya-ss/sd-scripts); not measured here",
)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights file of one network; ``variant`` as diffusers names it (``fp16`` or none)."""

    path: Path
    variant: str | None


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Teach(_Strict):
    steps: int = Field(ge=1, le=100_000)
    learning_rate: float = Field(gt=0, le=1)
    batch: int = Field(ge=1, le=256)
    resolution: int = Field(ge=64, le=4096, multiple_of=8)
    targets: Targets
    source: str
    min_snr_gamma: float | None = Field(default=5.0, gt=0)


class _DuktusJson(_Strict):
    """``duktus.json`` beside ``model_index.json``: what a base says of itself."""

    name: str | None = None
    role: Role = Role.TEACH_AND_RENDER
    render: RenderDefaults | None = None
    teach: _Teach | None = None


def recognises(folder: Path) -> bool:
    """Whether the configs describe one U-Net with cross-attention to one CLIP text encoder."""
    try:
        index = read_json(folder / "model_index.json")
        unet = read_json(folder / "unet" / "config.json")
    except InputError:
        return False
    return (
        index.get("_class_name") == "StableDiffusionPipeline"
        and "text_encoder_2" not in index
        and unet.get("_class_name") == "UNet2DConditionModel"
        and any("CrossAttn" in str(block) for block in unet.get("down_block_types") or ())
        and unet.get("addition_embed_type") is None
    )


def weights_of(folder: Path, network: str) -> Weights:
    """The weights file that loading will use; :class:`InputError` when it is missing or no safetensors."""
    stem = NETWORKS[network]
    for variant in (None, "fp16"):
        path = folder / network / f"{stem}{f'.{variant}' if variant else ''}.safetensors"
        if path.is_file():
            return Weights(path=path, variant=variant)
    unsafe = sorted(
        path.name for kind in ("*.bin", "*.ckpt", "*.pt") for path in (folder / network).glob(kind)
    )
    if unsafe:
        raise InputError(
            f"{network}/ holds {unsafe[0]} but no safetensors file.",
            "A .bin, .pt or .ckpt file is a Python pickle, which can run any code when it is loaded; "
            "duktus never opens one.",
            "Take the safetensors edition of this base.",
        )
    raise _missing(folder, f"{network}/{stem}.safetensors")


def describe(folder: Path, name: str, *, family: str) -> Base:
    """The base in ``folder``: every file checked, everything that decides its pictures hashed.

    Raises:
        InputError: names the file that is missing, truncated or not safetensors.
    """
    if not recognises(folder):
        raise InputError(f"{folder} is not a Stable Diffusion 1.x folder.")
    weights = [weights_of(folder, network).path for network in NETWORKS]
    for path in weights:
        read_header(path)
    configurations = [folder / network / "config.json" for network in NETWORKS]
    configurations.append(folder / "scheduler" / "scheduler_config.json")
    for path in configurations:
        if not path.is_file():
            raise _missing(folder, path.relative_to(folder).as_posix())
    vocabulary = _vocabulary(folder)
    note = _duktus_json(folder)
    return Base(
        name=name,
        family=family,
        weights=folder_hash(folder, [*weights, *vocabulary], configurations),
        folder=folder.absolute(),
        role=note.role,
        render=note.render or _render_defaults(folder),
    )


def _vocabulary(folder: Path) -> list[Path]:
    """The tokenizer's files, in the older spelling, the newer, or both."""
    older = [folder / "tokenizer" / name for name in ("vocab.json", "merges.txt")]
    newer = folder / "tokenizer" / "tokenizer.json"
    found = [path for path in (*older, newer) if path.is_file()]
    if newer not in found and len(found) < len(older):
        raise _missing(folder, "tokenizer/vocab.json or tokenizer/merges.txt")
    return found


def _missing(folder: Path, name: str) -> InputError:
    return InputError(f"{name} is missing in {folder}.", next_step="Copy or download the base again.")


def teach_defaults(folder: Path) -> TeachDefaults:
    """From ``duktus.json`` when it has them, else the family's."""
    teach = _duktus_json(folder).teach
    return FAMILY_TEACH if teach is None else TeachDefaults(**teach.model_dump())


def _render_defaults(folder: Path) -> RenderDefaults:
    """The family's, at the size the U-Net was made for."""
    size = int(read_json(folder / "unet" / "config.json").get("sample_size") or 64)
    scale = 2 ** (len(read_json(folder / "vae" / "config.json").get("block_out_channels") or [0] * 4) - 1)
    return FAMILY_RENDER.model_copy(update={"width": size * scale, "height": size * scale})


def _duktus_json(folder: Path) -> _DuktusJson:
    path = folder / "duktus.json"
    if not path.exists():
        return _DuktusJson()
    content: dict[str, Any] = read_json(path)
    try:
        return _DuktusJson.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path} cannot be used:", f"{place}: {first['msg']}.") from error
