"""The modules an architecture really has: the dictionary that names in style files are looked up in.

Nothing is copied by hand: the lists come from the architecture itself, built by diffusers and transformers on
the meta device (no memory, no weights) from the model's public configuration.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from duktus.domain.errors import InputError
from duktus.families.folder_hash import read_json
from duktus.families.style_files.native import native_names

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
import diffusers
import transformers

if TYPE_CHECKING:
    from pathlib import Path

CLIP_L = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": 768,
}
CLIP_BIG_G = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "projection_dim": 1280,
}

Configs = Mapping[str, Mapping[str, Any]]
"""``{part: configuration}`` of a base."""

PUBLIC: dict[str, dict[str, dict[str, Any]]] = {
    "sd15": {
        "unet": {"_class_name": "UNet2DConditionModel", "sample_size": 64, "cross_attention_dim": 768},
        "text_encoder": CLIP_L,
    },
    "sdxl": {
        "unet": {
            "_class_name": "UNet2DConditionModel",
            "sample_size": 128,
            "block_out_channels": (320, 640, 1280),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 2, 10),
            "attention_head_dim": (5, 10, 20),
            "cross_attention_dim": 2048,
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        },
        "text_encoder": CLIP_L,
        "text_encoder_2": CLIP_BIG_G,
    },
    "flux": {
        "transformer": {"_class_name": "FluxTransformer2DModel", "guidance_embeds": True},
        "text_encoder": CLIP_L,
    },
    "zimage": {"transformer": {"_class_name": "ZImageTransformer2DModel"}},
    "flux2": {
        "transformer": {
            "_class_name": "Flux2Transformer2DModel",
            "num_layers": 5,
            "num_single_layers": 20,
            "num_attention_heads": 24,
            "joint_attention_dim": 7680,
            "guidance_embeds": False,
        }
    },
}
"""What differs from the classes' own defaults, per part. Sources: the ``config.json`` files of
stable-diffusion-v1-5/stable-diffusion-v1-5, stabilityai/stable-diffusion-xl-base-1.0,
black-forest-labs/FLUX.1-dev and Tongyi-MAI/Z-Image-Turbo; for FLUX.2 [klein] (4B) diffusers,
scripts/convert_flux2_to_diffusers.py. T5 and Qwen3 are left out: they are rarely taught and no two programs
agree on their names."""

OTHER_SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "flux2": {
        "transformer": PUBLIC["flux2"]["transformer"]
        | {
            "num_layers": 8,
            "num_single_layers": 24,
            "num_attention_heads": 32,
            "joint_attention_dim": 12288,
        }
    }
}
"""The same for families that are published in a second size: FLUX.2 [klein] 9B (same source)."""

FAMILY_WORDS = {
    "sd15": "Stable Diffusion 1.x",
    "sdxl": "Stable Diffusion XL",
    "flux": "FLUX.1",
    "zimage": "Z-Image",
    "flux2": "FLUX.2 [klein]",
}

TEXT_PARTS = ("text_encoder", "text_encoder_2")


@dataclass(frozen=True)
class Truth:
    """The modules of one architecture: ``{part.path: weight shape}`` of every Linear and Conv2d.

    ``part`` is ``unet``, ``transformer``, ``text_encoder`` or ``text_encoder_2``, ``path`` the true dotted
    module path; text encoders are named as in files, with ``text_model.`` (transformers 5 dropped it).
    """

    family: str
    name: str
    """The base's own name, or the family's for people."""
    modules: Mapping[str, tuple[int, ...]]
    base: str | None = None
    """The name of the base these are the modules of; None for the public architecture."""

    @property
    def denoiser(self) -> str:
        """The part a style is mainly taught on."""
        return "transformer" if self.family in {"flux", "zimage", "flux2"} else "unet"

    @cached_property
    def native(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the original code and ComfyUI, each with the module or fused modules it stands for."""
        return native_names(self.family, self.denoiser, self.modules)


@cache
def of_family(family: str) -> tuple[Truth, ...]:
    """The public architecture of a family, in each size that it is published in."""
    sizes = [PUBLIC[family], *([OTHER_SIZES[family]] if family in OTHER_SIZES else [])]
    return tuple(from_configs(family, size, name=FAMILY_WORDS[family]) for size in sizes)


@cache
def of_folder(folder: Path, family: str, name: str) -> Truth:
    """The architecture of a base in the diffusers layout, from its configurations."""
    return from_configs(family, configs_of(folder), name=name, base=name)


def configs_of(folder: Path) -> dict[str, dict[str, Any]]:
    """``{part: configuration}`` of the parts of a base that a style can change."""
    paths = {part: folder / part / "config.json" for part in ("unet", "transformer", *TEXT_PARTS)}
    return {part: read_json(path) for part, path in paths.items() if path.is_file()}


def from_configs(
    family: str, configs: Mapping[str, Mapping[str, Any]], *, name: str, base: str | None = None
) -> Truth:
    """The architecture those configurations describe."""
    modules: dict[str, tuple[int, ...]] = {}
    for part, config in configs.items():
        network = build(part, config)
        if network is None:
            continue
        for path, module in network.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                modules[f"{part}.{file_path(part, path)}"] = tuple(module.weight.shape)
    return Truth(family, name, modules, base)


def file_path(part: str, path: str) -> str:
    """A module path as files name it: text encoders always with ``text_model.``."""
    if part in TEXT_PARTS and path.startswith(("encoder.", "embeddings.")):
        return f"text_model.{path}"
    return path


def build(part: str, config: Mapping[str, Any], device: str = "meta") -> Any:
    """The network of one part, without weights; None for a text encoder that is no CLIP."""
    try:
        with torch.device(device):
            if part in TEXT_PARTS:
                if config.get("model_type", "clip_text_model") != "clip_text_model":
                    return None
                plain = {key: value for key, value in config.items() if not key.startswith("_")}
                clip: Any = transformers.CLIPTextConfig(**plain)
                second = part == "text_encoder_2"
                kind = transformers.CLIPTextModelWithProjection if second else transformers.CLIPTextModel
                return kind(clip)
            kind = getattr(diffusers, str(config["_class_name"]))
            return kind.from_config(dict(config))
    except (KeyError, AttributeError, TypeError, ValueError, ImportError) as error:
        raise InputError(f"The configuration of {part} describes no network:", f"{error}.") from error
