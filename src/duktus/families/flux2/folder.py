"""What a FLUX.2 [klein] folder holds, checked and hashed without torch."""

from __future__ import annotations

from pathlib import Path

from duktus.domain.base import Base, RenderDefaults, Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import NoiseLevels, Targets
from duktus.families.diffusers_folder import Facts, checked_files, missing, of_readable_configurations, pinned
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

TEXT_LAYERS = (9, 18, 27)
"""Of the text encoder's hidden states those that the transformer sees side by side (diffusers
``Flux2KleinPipeline``, ``text_encoder_out_layers``)."""

RENDER_BASE = RenderDefaults(
    width=1024, height=1024, steps=50, cfg=4.0, sampler=Sampler.EULER, schedule=Schedule.NORMAL
)
"""The model cards of FLUX.2 [klein] Base, and the defaults of diffusers' ``Flux2KleinPipeline``."""
RENDER_DISTILLED = RENDER_BASE.model_copy(update={"steps": 4, "cfg": 1.0})
"""The model cards of FLUX.2 [klein]: 4 steps; the pipeline leaves cfg out for a distilled base."""

FAMILY_TEACH = TeachDefaults(
    steps=1000,
    learning_rate=1e-4,
    batch=1,
    resolution=512,
    targets=Targets.ATTENTION_FEED_FORWARD,
    source="FLUX.2 [klein] Base with about ten pictures: learning rate 1e-4 and timesteps shifted with the "
    "size (kohya-ss/musubi-tuner, docs/flux_2.md), 500 steps of 4 pictures (diffusers examples/dreambooth/"
    "README_flux2.md) to 500 to 800 of one for a style (stephen37/workshops, FLUX.2 [klein]), 512 px first, "
    "every linear layer of the blocks; not measured here",
    min_snr_gamma=None,
    noise_levels=NoiseLevels.SHIFTED,
)


def recognises(folder: Path) -> bool:
    """Whether the configs describe a FLUX.2 [klein] transformer without the guidance input that dev has."""
    try:
        index = read_json(folder / "model_index.json")
        transformer = read_json(folder / "transformer" / "config.json")
    except InputError:
        return False
    return (
        index.get("_class_name") == "Flux2KleinPipeline"
        and transformer.get("_class_name") == "Flux2Transformer2DModel"
        and transformer.get("guidance_embeds") is False
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
        raise InputError(f"{folder} is not a FLUX.2 [klein] folder.")
    files = checked_files(folder, NETWORKS, ["tokenizer"])
    _check_frame(folder / "tokenizer")
    transformer = config_of(folder, "transformer")
    check_flow_autoencoder(folder, transformer["in_channels"] // 4)
    _check_text_layers(folder, transformer["joint_attention_dim"])
    facts = Facts(files, _told(folder), _render_defaults)
    return pinned(facts, name, family=family, asked=asked, hashes=hashes)


def _check_frame(tokenizer: Path) -> None:
    """A text is shown to Qwen3 as a message of a user; how, the tokenizer says."""
    if (tokenizer / "chat_template.jinja").is_file():
        return
    config = tokenizer / "tokenizer_config.json"
    if not config.is_file() or "chat_template" not in read_json(config):
        raise missing(tokenizer.parent, "tokenizer/chat_template.jinja")


def _check_text_layers(folder: Path, wanted: int) -> None:
    text = config_of(folder, "text_encoder")
    check_text_encoder(folder, "text_encoder", len(TEXT_LAYERS) * text["hidden_size"], wanted)
    if text["num_hidden_layers"] < max(TEXT_LAYERS):
        raise InputError(
            f"The text encoder text_encoder/ of {folder} does not fit its transformer:",
            f"it has {text['num_hidden_layers']} layers; FLUX.2 [klein] sees the {max(TEXT_LAYERS)}th.",
            "Copy or download the base again, with the text encoder it was trained with.",
        )


def _told(folder: Path) -> Told:
    """``is_distilled`` in model_index.json, by which diffusers' own pipeline leaves cfg out.

    Architecture, scheduler and shapes of the two are the same, and not every folder has the entry.
    """
    distilled = read_json(folder / "model_index.json").get("is_distilled")
    if distilled is True:
        return Told(Role.RENDER_ONLY, "Its model_index.json says is_distilled: true.")
    if distilled is False:
        return Told(Role.TEACH_AND_RENDER, "Its model_index.json says is_distilled: false.")
    return Told(
        None,
        "FLUX.2 [klein] and its Base have the same architecture, and this model_index.json does not say "
        "is_distilled.",
    )


def _render_defaults(role: Role) -> RenderDefaults:
    return RENDER_DISTILLED if role is Role.RENDER_ONLY else RENDER_BASE
