"""What a Z-Image folder holds, checked and hashed without torch."""

from __future__ import annotations

from pathlib import Path

from duktus.domain.base import Base, RenderDefaults, Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import NoiseLevels, Targets
from duktus.families.diffusers_folder import Facts, checked_files, of_readable_configurations, pinned
from duktus.families.family import TeachDefaults
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.flow.folder import check_flow_autoencoder, check_text_encoder, config_of
from duktus.families.folder_hash import read_json
from duktus.families.roles import Told

NETWORKS = {
    "transformer": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
"""Folder of each network and the stem of its weights file."""

SHIFT_TURBO, SHIFT_BASE = 3.0, 6.0
"""``shift`` in the scheduler's configuration: the one recorded fact in which the folders of Z-Image-Turbo and
Z-Image differ; architecture and shapes are the same. De-Turbo is used with Turbo's."""

RENDER_BASE = RenderDefaults(
    width=1024, height=1024, steps=50, cfg=5.0, sampler=Sampler.EULER, schedule=Schedule.NORMAL
)
"""The model card of Z-Image: 28 to 50 steps, ``guidance_scale`` 3 to 5. ``ZImagePipeline`` counts guidance
from 0 where everyone else counts from 1, so its 4 is cfg 5 here."""
RENDER_TURBO = RENDER_BASE.model_copy(update={"steps": 8, "cfg": 1.0})
"""The model card of Z-Image-Turbo: 8 evaluations, ``guidance_scale`` 0."""
RENDER_DE_TURBO = RENDER_BASE.model_copy(update={"steps": 25, "cfg": 3.0})
"""The model card of ostris/Z-Image-De-Turbo: 20 to 30 steps at low cfg, 2 to 3."""

FAMILY_TEACH = TeachDefaults(
    steps=1000,
    learning_rate=1e-4,
    batch=1,
    resolution=512,
    targets=Targets.ATTENTION_FEED_FORWARD,
    source="Z-Image with about ten pictures: learning rate 1e-4 and timesteps shifted by 2 (kohya-ss/"
    "musubi-tuner, docs/zimage.md), 400 to 2000 steps (shootthesound/comfyUI-Realtime-Lora; "
    "ostris/ai-toolkit issue 550), 512 px first, attention and feed-forward of the main layers; not measured",
    min_snr_gamma=None,
    noise_levels=NoiseLevels.SHIFTED,
)


def recognises(folder: Path) -> bool:
    """Whether the configs describe a Z-Image transformer that sees text and one picture, nothing else."""
    try:
        index = read_json(folder / "model_index.json")
        transformer = read_json(folder / "transformer" / "config.json")
    except InputError:
        return False
    return (
        index.get("_class_name") == "ZImagePipeline"
        and transformer.get("_class_name") == "ZImageTransformer2DModel"
        and transformer.get("siglip_feat_dim") is None
    )


@of_readable_configurations
def describe(
    folder: Path, name: str, *, family: str, asked: Role | None, hashes: FileHashes = EVERY_BYTE
) -> Base:
    """The base in ``folder``: every file checked, everything that decides its pictures hashed.

    Raises:
        InputError: names the file that is missing, truncated, not safetensors, or does not fit the others;
            or asks for the role where nothing tells a distilled base from one to teach on.
    """
    if not recognises(folder):
        raise InputError(f"{folder} is not a Z-Image folder.")
    files = checked_files(folder, NETWORKS, ["tokenizer"])
    transformer = config_of(folder, "transformer")
    check_flow_autoencoder(folder, transformer["in_channels"])
    width = config_of(folder, "text_encoder")["hidden_size"]
    check_text_encoder(folder, "text_encoder", width, transformer["cap_feat_dim"])
    shift = _shift(folder)
    facts = Facts(files, _told(shift, asked), lambda role: _render_defaults(role, shift))
    return pinned(facts, name, family=family, asked=asked, hashes=hashes)


def _shift(folder: Path) -> float:
    return float(read_json(folder / "scheduler" / "scheduler_config.json").get("shift", 1.0))


def _told(shift: float, asked: Role | None) -> Told:
    if shift == SHIFT_BASE:
        return Told(Role.TEACH_AND_RENDER, f"Its scheduler shifts by {shift:g}, as Z-Image's does.")
    if shift == SHIFT_TURBO and asked is None:
        return Told(Role.RENDER_ONLY, f"Its scheduler shifts by {shift:g}, as Z-Image-Turbo's does.")
    return Told(
        None,
        f"Architecture and names are the same for all Z-Images; its scheduler shifts by {shift:g}, Turbo's "
        f"(and that of a De-Turbo) by {SHIFT_TURBO:g}, the base's by {SHIFT_BASE:g}.",
    )


def _render_defaults(role: Role, shift: float) -> RenderDefaults:
    if role is Role.RENDER_ONLY:
        return RENDER_TURBO
    return RENDER_DE_TURBO if shift == SHIFT_TURBO else RENDER_BASE
