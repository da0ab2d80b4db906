"""A diffusers folder as one checkpoint file, in the spelling that the models were first published in.

The names are those of CompVis/stable-diffusion and Stability-AI/generative-models: the way back of what
diffusers' ``from_single_file`` does, for small random bases.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

Tensors = dict[str, Tensor]

RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
    "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
OUTER = {
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
}  # fmt: skip
MIDDLE = {"resnets.0": "0", "attentions.0": "1", "resnets.1": "2"}


def write_single_file(folder: Path, path: Path) -> Path:
    """Everything in a diffusers folder of Stable Diffusion 1.x or SDXL as one file; its path."""
    out = {f"model.diffusion_model.{name}": tensor for name, tensor in unet(folder / "unet").items()}
    out |= {f"first_stage_model.{name}": tensor for name, tensor in autoencoder(folder / "vae").items()}
    first, second = folder / "text_encoder", folder / "text_encoder_2"
    if not second.is_dir():
        out |= {f"cond_stage_model.transformer.{name}": tensor for name, tensor in clip(first).items()}
    else:
        place = 0
        if first.is_dir():
            out |= {f"conditioner.embedders.0.transformer.{name}": one for name, one in clip(first).items()}
            place = 1
        out |= {f"conditioner.embedders.{place}.model.{name}": one for name, one in open_clip(second).items()}
    save_file({name: tensor.contiguous() for name, tensor in out.items()}, path)
    return path


def unet(folder: Path) -> Tensors:
    """The U-Net's tensors under the names of its first publication."""
    layers = json.loads((folder / "config.json").read_text())["layers_per_block"]
    tensors = load_file(folder / "diffusion_pytorch_model.safetensors")
    attended = {name.rpartition(".attentions.")[0] for name in tensors if ".attentions." in name}
    return {_unet_name(name, layers, attended): tensor for name, tensor in tensors.items()}


def _unet_name(name: str, layers: int, attended: set[str]) -> str:
    module, _, leaf = name.rpartition(".")
    if module in OUTER:
        return f"{OUTER[module]}.{leaf}"
    middle = re.match(r"mid_block\.(resnets\.\d|attentions\.\d)\.(.+)", name)
    if middle:
        return f"middle_block.{MIDDLE[middle[1]]}.{_inner(middle[1], middle[2])}"
    way, block, kind, place, rest = re.match(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", name).groups()  # pyright: ignore[reportOptionalMemberAccess]
    if way == "down":
        row = 1 + int(block) * (layers + 1)
        if kind == "downsamplers":
            return f"input_blocks.{row + layers}.0.op.{leaf}"
        return f"input_blocks.{row + int(place)}.{int(kind == 'attentions')}.{_inner(kind, rest)}"
    row = int(block) * (layers + 1)
    if kind == "upsamplers":
        behind = 2 if f"up_blocks.{block}" in attended else 1
        return f"output_blocks.{row + layers}.{behind}.conv.{leaf}"
    return f"output_blocks.{row + int(place)}.{int(kind == 'attentions')}.{_inner(kind, rest)}"


def _inner(kind: str, rest: str) -> str:
    module, _, leaf = rest.rpartition(".")
    return f"{RESNET[module]}.{leaf}" if kind.startswith("resnets") else rest


def autoencoder(folder: Path) -> Tensors:
    """The autoencoder's tensors likewise; one without attention in its middle."""
    tensors = load_file(folder / "diffusion_pytorch_model.safetensors")
    last = max(int(found[1]) for name in tensors if (found := re.search(r"up_blocks\.(\d+)", name)))
    out: Tensors = {}
    for name, tensor in tensors.items():
        new = re.sub(r"up_blocks\.(\d+)", lambda found: f"up.{last - int(found[1])}", name)
        new = re.sub(r"down_blocks\.(\d+)", r"down.\1", new)
        new = re.sub(r"(down|up)\.(\d+)\.resnets\.(\d+)", r"\1.\2.block.\3", new)
        new = new.replace("downsamplers.0", "downsample").replace("upsamplers.0", "upsample")
        new = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", new)
        new = new.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        out[new] = tensor
    return out


def clip(folder: Path) -> Tensors:
    """OpenAI's CLIP text encoder: always with the wrapper that newer libraries leave out."""
    tensors = load_file(folder / "model.safetensors")
    return {f"text_model.{name.removeprefix('text_model.')}": tensor for name, tensor in tensors.items()}


def open_clip(folder: Path) -> Tensors:
    """OpenCLIP's text encoder: query, key and value in one matrix, the projection transposed."""
    there = {name.removeprefix("text_model."): tensor
             for name, tensor in load_file(folder / "model.safetensors").items()}  # fmt: skip
    out: Tensors = {
        "token_embedding.weight": there["embeddings.token_embedding.weight"],
        "positional_embedding": there["embeddings.position_embedding.weight"],
        "text_projection": there["text_projection.weight"].T,
        "logit_scale": torch.tensor(1.0),
    }
    names = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
             "self_attn.out_proj": "attn.out_proj"}  # fmt: skip
    for name, tensor in there.items():
        if name.startswith("final_layer_norm."):
            out[name.replace("final_layer_norm", "ln_final")] = tensor
        layer = re.match(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if layer is None:
            continue
        stem = f"transformer.resblocks.{layer[1]}"
        if layer[2] in names:
            out[f"{stem}.{names[layer[2]]}.{layer[3]}"] = tensor
        elif layer[2] == "self_attn.q_proj":
            parts = [there[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            out[f"{stem}.attn.in_proj_{layer[3]}"] = torch.cat(parts)
    return out
