"""What a FLUX.1 folder holds, checked and hashed without torch."""

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
    "text_encoder_2": "model",
}
"""Folder of each network and the stem of its weights file."""
TOKENIZERS = ("tokenizer", "tokenizer_2")

RENDER_DEV = RenderDefaults(
    width=1024,
    height=1024,
    steps=28,
    cfg=1.0,
    guidance=3.5,
    sampler=Sampler.EULER,
    schedule=Schedule.NORMAL,
)
"""The defaults of diffusers' ``FluxPipeline`` (28 steps, ``guidance_scale`` 3.5, no true cfg)."""
RENDER_SCHNELL = RENDER_DEV.model_copy(update={"steps": 4, "guidance": None})
"""The model card of FLUX.1 [schnell]: 1 to 4 steps, no guidance."""
RENDER_UNDISTILLED = RENDER_DEV.model_copy(update={"cfg": 3.5, "guidance": None})
"""Without the guidance input a base needs true cfg, which dev's guidance of 3.5 was distilled from."""

FAMILY_TEACH = TeachDefaults(
    steps=1000,
    learning_rate=1e-4,
    batch=1,
    resolution=512,
    targets=Targets.ATTENTION_FEED_FORWARD,
    source="FLUX.1 [dev] with about ten pictures: learning rate 1e-4 (kohya-ss/sd-scripts, docs/"
    "flux_train_network.md; ostris/ai-toolkit), 500 to 1500 steps (diffusers "
    "examples/dreambooth/README_flux.md; ai-toolkit), 512 px first, every linear layer of the blocks, "
    "guidance 1 while teaching, timesteps shifted with the size (sd-scripts flux_shift); not measured here",
    min_snr_gamma=None,
    noise_levels=NoiseLevels.SHIFTED,
)


def recognises(folder: Path) -> bool:
    """Whether the configs describe a FLUX.1 transformer that sees a picture's latents and nothing else."""
    try:
        index = read_json(folder / "model_index.json")
        transformer = read_json(folder / "transformer" / "config.json")
    except InputError:
        return False
    return (
        index.get("_class_name") == "FluxPipeline"
        and transformer.get("_class_name") == "FluxTransformer2DModel"
        and transformer.get("out_channels") in (None, transformer.get("in_channels"))
    )


def takes_guidance(folder: Path) -> bool:
    """Whether the transformer has guidance as an input: it was distilled from true cfg, as dev was."""
    return bool(read_json(folder / "transformer" / "config.json").get("guidance_embeds"))


@of_readable_configurations
def describe(
    folder: Path, name: str, *, family: str, asked: Role | None, hashes: FileHashes = EVERY_BYTE
) -> Base:
    """The base in ``folder``: every file checked, everything that decides its pictures hashed.

    Raises:
        InputError: names the file that is missing, truncated, not safetensors, or does not fit the others.
    """
    if not recognises(folder):
        raise InputError(f"{folder} is not a FLUX.1 folder.")
    files = checked_files(folder, NETWORKS, TOKENIZERS)
    transformer = config_of(folder, "transformer")
    check_flow_autoencoder(folder, transformer["in_channels"] // 4)
    for part, width, wanted in (
        ("text_encoder", "hidden_size", "pooled_projection_dim"),
        ("text_encoder_2", "d_model", "joint_attention_dim"),
    ):
        check_text_encoder(folder, part, config_of(folder, part)[width], transformer[wanted])
    told, render = _told(folder)
    return pinned(Facts(files, told, lambda _: render), name, family=family, asked=asked, hashes=hashes)


def few_steps(folder: Path) -> bool:
    """Whether the base is distilled to few steps: neither a guidance input nor noise shifted with the size.

    So the configs of FLUX.1 [schnell] differ from [dev]'s: ``guidance_embeds`` and ``use_dynamic_shifting``
    are false (Apache-2.0 repository black-forest-labs/FLUX.1-schnell).
    """
    noise = read_json(folder / "scheduler" / "scheduler_config.json")
    return not takes_guidance(folder) and not noise.get("use_dynamic_shifting")


def _told(folder: Path) -> tuple[Told, RenderDefaults]:
    if takes_guidance(folder):
        why = "Its transformer takes guidance as an input, as dev's does: not distilled to few steps."
        return Told(Role.TEACH_AND_RENDER, why), RENDER_DEV
    if few_steps(folder):
        why = "It takes no guidance and its noise is not shifted, as schnell's: distilled to few steps."
        return Told(Role.RENDER_ONLY, why), RENDER_SCHNELL
    why = "Its noise is shifted with the size, as dev's is, and it takes no guidance: not distilled."
    return Told(Role.TEACH_AND_RENDER, why), RENDER_UNDISTILLED
