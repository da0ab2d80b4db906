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


SHARED = {
    "x_embedder": "img_in", "context_embedder": "txt_in", "proj_out": "final_layer.linear",
    "time_text_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_text_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
    "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
    "time_text_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_text_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
}  # fmt: skip
DOUBLE = {
    "norm1.linear": "img_mod.lin", "norm1_context.linear": "txt_mod.lin", "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj", "ff.net.0.proj": "img_mlp.0", "ff.net.2": "img_mlp.2",
    "ff_context.net.0.proj": "txt_mlp.0", "ff_context.net.2": "txt_mlp.2",
}  # fmt: skip
NORMS = {
    "double": {
        "attn.norm_q": "img_attn.norm.query_norm", "attn.norm_k": "img_attn.norm.key_norm",
        "attn.norm_added_q": "txt_attn.norm.query_norm", "attn.norm_added_k": "txt_attn.norm.key_norm",
    },
    "single": {"attn.norm_q": "norm.query_norm", "attn.norm_k": "norm.key_norm"},
}  # fmt: skip


def flux_transformer(there: Tensors) -> Tensors:
    """FLUX.1's transformer as black-forest-labs first published it."""
    out: Tensors = {}
    for leaf in ("weight", "bias"):
        out |= {f"{new}.{leaf}": there[f"{name}.{leaf}"]
                for name, new in SHARED.items() if f"{name}.{leaf}" in there}  # fmt: skip
        scale, shift = there[f"norm_out.linear.{leaf}"].chunk(2)
        out[f"final_layer.adaLN_modulation.1.{leaf}"] = torch.cat([shift, scale])
        for block in _blocks(there, "transformer_blocks"):
            old, new = f"transformer_blocks.{block}", f"double_blocks.{block}"
            for name, other in DOUBLE.items():
                out[f"{new}.{other}.{leaf}"] = there[f"{old}.{name}.{leaf}"]
            for stream, parts in (
                ("img", ("to_q", "to_k", "to_v")),
                ("txt", ("add_q_proj", "add_k_proj", "add_v_proj")),
            ):
                rows = [there[f"{old}.attn.{part}.{leaf}"] for part in parts]
                out[f"{new}.{stream}_attn.qkv.{leaf}"] = torch.cat(rows)
        for block in _blocks(there, "single_transformer_blocks"):
            old, new = f"single_transformer_blocks.{block}", f"single_blocks.{block}"
            parts = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")
            out[f"{new}.linear1.{leaf}"] = torch.cat([there[f"{old}.{part}.{leaf}"] for part in parts])
            out[f"{new}.linear2.{leaf}"] = there[f"{old}.proj_out.{leaf}"]
            out[f"{new}.modulation.lin.{leaf}"] = there[f"{old}.norm.linear.{leaf}"]
    return out | _norms(there)


def _norms(there: Tensors) -> Tensors:
    """Those of queries and keys, which both FLUX name alike."""
    out: Tensors = {}
    for kind, prefix in (("double", "transformer_blocks"), ("single", "single_transformer_blocks")):
        for block in _blocks(there, prefix):
            for name, other in NORMS[kind].items():
                out[f"{kind}_blocks.{block}.{other}.scale"] = there[f"{prefix}.{block}.{name}.weight"]
    return out


def _blocks(there: Tensors, prefix: str) -> list[int]:
    return sorted({int(name.split(".")[1]) for name in there if name.startswith(f"{prefix}.")})


def zimage_transformer(there: Tensors) -> Tensors:
    """Z-Image's transformer as Tongyi-MAI's own code names it: query, key and value in one matrix."""
    out: Tensors = {}
    for name, tensor in there.items():
        if name.endswith("attention.to_q.weight"):
            rows = [there[name.replace("to_q", part)] for part in ("to_q", "to_k", "to_v")]
            out[name.replace("to_q", "qkv")] = torch.cat(rows)
        elif not name.endswith(("attention.to_k.weight", "attention.to_v.weight")):
            new = name.replace("all_x_embedder.2-1.", "x_embedder.")
            new = new.replace("all_final_layer.2-1.", "final_layer.").replace("to_out.0.", "out.")
            out[re.sub(r"attention\.norm_([qk])", r"attention.\1_norm", new)] = tensor
    return out


FLUX2_SHARED = {
    "x_embedder": "img_in", "context_embedder": "txt_in", "proj_out": "final_layer.linear",
    "time_guidance_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_guidance_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
    "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
    "single_stream_modulation.linear": "single_stream_modulation.lin",
}  # fmt: skip
FLUX2_DOUBLE = {
    "attn.to_out.0": "img_attn.proj", "attn.to_add_out": "txt_attn.proj", "ff.linear_in": "img_mlp.0",
    "ff.linear_out": "img_mlp.2", "ff_context.linear_in": "txt_mlp.0", "ff_context.linear_out": "txt_mlp.2",
}  # fmt: skip


def flux2_transformer(there: Tensors) -> Tensors:
    """FLUX.2's transformer as black-forest-labs first published it: no biases, modulations for all blocks."""
    out = {f"{new}.weight": there[f"{name}.weight"] for name, new in FLUX2_SHARED.items()}
    scale, shift = there["norm_out.linear.weight"].chunk(2)
    out["final_layer.adaLN_modulation.1.weight"] = torch.cat([shift, scale])
    for block in _blocks(there, "transformer_blocks"):
        old, new = f"transformer_blocks.{block}", f"double_blocks.{block}"
        for name, other in FLUX2_DOUBLE.items():
            out[f"{new}.{other}.weight"] = there[f"{old}.{name}.weight"]
        for stream, parts in (("img", "to_{}"), ("txt", "add_{}_proj")):
            rows = [there[f"{old}.attn.{parts.format(part)}.weight"] for part in "qkv"]
            out[f"{new}.{stream}_attn.qkv.weight"] = torch.cat(rows)
    for block in _blocks(there, "single_transformer_blocks"):
        old, new = f"single_transformer_blocks.{block}.attn", f"single_blocks.{block}"
        out[f"{new}.linear1.weight"] = there[f"{old}.to_qkv_mlp_proj.weight"]
        out[f"{new}.linear2.weight"] = there[f"{old}.to_out.weight"]
    return out | _norms(there)


TRANSFORMERS = {"flux": flux_transformer, "flux2": flux2_transformer, "zimage": zimage_transformer}


def write_transformer_file(folder: Path, family: str, path: Path, *, prefix: str = "") -> Path:
    """The transformer of a diffusers folder as one file in its first spelling, with a prefix."""
    tensors = TRANSFORMERS[family](load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors"))
    save_file({prefix + name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path
