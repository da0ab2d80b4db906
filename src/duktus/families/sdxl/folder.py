"""What an SDXL folder holds, base or refiner, checked and hashed without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duktus.domain.base import Base, RenderDefaults, Role
from duktus.domain.errors import InputError, MismatchError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import Targets
from duktus.families.diffusers_folder import Facts, checked_files, missing, of_readable_configurations, pinned
from duktus.families.family import TeachDefaults, WordDefaults
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.folder_hash import read_json
from duktus.families.roles import Told
from duktus.families.unet.folder import check_autoencoder, sized_render_defaults, told_by_unet_folder

STEMS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
}
"""Folder of each network and the stem of its weights file; a refiner has no ``text_encoder``."""
OWN_LAYER = 2
"""Of the text encoders, counted from the last: texts are read before it, through no norm."""
SIZES, REFINER_SIZES = 6, 5
"""Numbers of the size conditioning: three pairs, or two pairs and an aesthetic score."""

FAMILY_RENDER = RenderDefaults(
    width=1024, height=1024, steps=30, cfg=6.0, sampler=Sampler.DPMPP_2M, schedule=Schedule.KARRAS
)
FAMILY_TEACH = TeachDefaults(
    steps=1000,
    learning_rate=1e-4,
    batch=1,
    resolution=1024,
    targets=Targets.ATTENTION_FEED_FORWARD,
    source="common practice for SDXL with about ten pictures (diffusers "
    "examples/text_to_image/train_text_to_image_lora_sdxl.py and kohya-ss/sd-scripts); not measured here",
)
FAMILY_WORD = WordDefaults(
    steps=500,
    learning_rate=2e-3,
    vectors=1,
    init_word="painting",
    source="the worked example of huggingface/diffusers (examples/textual_inversion/README_sdxl.md): 500 "
    "steps at 5e-4 times its batch of four; one vector as there; not measured here",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which of the two SDXL models a folder holds."""

    refiner: bool

    @property
    def networks(self) -> dict[str, str]:
        """Folder of each network that there must be -> stem of its weights file."""
        return {name: stem for name, stem in STEMS.items() if not (self.refiner and name == "text_encoder")}

    @property
    def tokenizers(self) -> tuple[str, ...]:
        """Folders of the tokenizers, in the order of the text encoders."""
        return ("tokenizer_2",) if self.refiner else ("tokenizer", "tokenizer_2")


def recognises(folder: Path) -> bool:
    """Whether the configs describe a U-Net that is told the pooled text and the picture's size."""
    try:
        index = read_json(folder / "model_index.json")
        unet = read_json(folder / "unet" / "config.json")
    except InputError:
        return False
    return (
        str(index.get("_class_name")).startswith("StableDiffusionXL")
        and unet.get("_class_name") == "UNet2DConditionModel"
        and unet.get("addition_embed_type") == "text_time"
    )


def layout_of(folder: Path) -> Layout:
    """Base or refiner, from what the U-Net takes; :class:`InputError` when its text encoders do not fit."""
    unet = read_json(folder / "unet" / "config.json")
    second = _text_config(folder, "text_encoder_2")
    taken = unet.get("projection_class_embeddings_input_dim") or 0
    sizes = unet.get("addition_time_embed_dim") or 0
    pooled = second.get("projection_dim") or 0
    refiner = taken == pooled + REFINER_SIZES * sizes
    if not refiner and taken != pooled + SIZES * sizes:
        raise _unfit(folder, f"its pooled text has {pooled} numbers, the U-Net takes {taken - SIZES * sizes}")
    width = second["hidden_size"] + (0 if refiner else _text_config(folder, "text_encoder")["hidden_size"])
    if width != unet.get("cross_attention_dim"):
        raise _unfit(
            folder, f"they give {width} numbers a token, the U-Net takes {unet['cross_attention_dim']}"
        )
    return Layout(refiner=refiner)


def _text_config(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name / "config.json"
    if not path.is_file():
        raise missing(folder, f"the text encoder {name}/config.json")
    return read_json(path)


def _unfit(folder: Path, why: str) -> InputError:
    return InputError(
        f"The text encoders of {folder} do not fit its U-Net:",
        f"{why}.",
        "Copy or download the base again, with the text encoders it was trained with.",
    )


@of_readable_configurations
def describe(
    folder: Path, name: str, *, family: str, asked: Role | None, hashes: FileHashes = EVERY_BYTE
) -> Base:
    """The base in ``folder``: every file checked, everything that decides its pictures hashed.

    Raises:
        InputError: names the file that is missing, truncated, not safetensors, or does not fit the others;
            or asks for the role where the files do not tell.
    """
    if not recognises(folder):
        raise InputError(f"{folder} is not an SDXL folder.")
    layout = layout_of(folder)
    files = checked_files(folder, layout.networks, layout.tokenizers)
    check_autoencoder(folder, scales_of_others={0.18215: "Stable Diffusion 1.x"})
    facts = Facts(files, _told(folder, layout), lambda _: sized_render_defaults(folder, FAMILY_RENDER))
    return pinned(facts, name, family=family, asked=asked, hashes=hashes)


LEVELS = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "timestep_spacing",
    "steps_offset",
)
"""Settings of a scheduler that decide which noise levels the steps stand at."""


def check_refiner(base: Base, refiner: Base) -> None:
    """:class:`MismatchError` when ``refiner`` cannot go on with the latents of ``base``."""
    why = None
    if refiner.family != base.family:
        why = f"{refiner.name} is of the family {refiner.family}, {base.name} of {base.family}."
    elif layout_of(base.folder).refiner:
        why = f"{base.name} is a refiner itself: it finishes what SDXL base began."
    else:
        ours, theirs = (
            read_json(one.folder / "scheduler" / "scheduler_config.json") for one in (base, refiner)
        )
        unlike = [name for name in LEVELS if ours.get(name) != theirs.get(name)]
        if unlike:
            why = f"Their noise levels differ: {', '.join(unlike)} in scheduler/scheduler_config.json."
    if why is not None:
        raise MismatchError(
            f"{refiner.name} cannot finish what {base.name} began.",
            why,
            "Name SDXL's refiner, or another SDXL base with the same noise levels.",
        )


def _told(folder: Path, layout: Layout) -> Told:
    if layout.refiner:
        return Told(Role.RENDER_ONLY, "It is SDXL's refiner, which finishes what SDXL base began.")
    return told_by_unet_folder(folder)
