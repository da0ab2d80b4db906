"""Style files as other programs write them, on narrow networks of the true depth.

Rank 4 and alpha 2, so that an alpha that is lost shows as twice the strength. The layouts are stated here on
their own, not through the code under test: what they say comes from those programs' files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from duktus.families.style_files.truth import Truth

RANK = 4
ALPHA = 2.0

CLIP = {
    "vocab_size": 99,
    "bos_token_id": 97,
    "eos_token_id": 98,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "projection_dim": 16,
}
NARROW: dict[str, dict[str, dict[str, Any]]] = {
    "sd15": {
        "unet": {
            "_class_name": "UNet2DConditionModel",
            "block_out_channels": (16, 32, 32, 32),
            "cross_attention_dim": 16,
            "norm_num_groups": 8,
        },
        "text_encoder": CLIP,
    },
    "sdxl": {
        "unet": {
            "_class_name": "UNet2DConditionModel",
            "block_out_channels": (16, 32, 32),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 2, 10),
            "attention_head_dim": (2, 4, 4),
            "cross_attention_dim": 24,
            "use_linear_projection": True,
            "norm_num_groups": 8,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 40,
        },
        "text_encoder": CLIP,
        "text_encoder_2": CLIP,
    },
    "flux": {
        "transformer": {
            "_class_name": "FluxTransformer2DModel",
            "in_channels": 4,
            "attention_head_dim": 8,
            "num_attention_heads": 2,
            "joint_attention_dim": 16,
            "pooled_projection_dim": 16,
            "axes_dims_rope": (2, 2, 4),
        }
    },
    "flux2": {
        "transformer": {
            "_class_name": "Flux2Transformer2DModel",
            "in_channels": 8,
            "num_layers": 5,
            "num_single_layers": 20,
            "attention_head_dim": 8,
            "num_attention_heads": 2,
            "joint_attention_dim": 16,
            "axes_dims_rope": (2, 2, 2, 2),
            "guidance_embeds": False,
        }
    },
    "zimage": {
        "transformer": {
            "_class_name": "ZImageTransformer2DModel",
            "dim": 32,
            "n_layers": 4,
            "n_heads": 2,
            "n_kv_heads": 2,
            "cap_feat_dim": 16,
            "in_channels": 4,
            "axes_dims": (4, 6, 6),
            "axes_lens": (16, 16, 16),
        }
    },
}
"""True depth and true names, small widths (Z-Image: 4 of its layers)."""

TAUGHT = {
    "sd15": r"unet\..*\.(attn[12]\.to_(q|k|v|out\.0)|ff\.net\.(0\.proj|2))",
    "sdxl": r"unet\..*\.(attn[12]\.to_(q|k|v|out\.0)|ff\.net\.(0\.proj|2))",
    "flux": r"transformer\..*\.(to_(q|k|v|out\.0|add_out)|add_[qkv]_proj|net\.(0\.proj|2)|proj_mlp)"
    r"|transformer\.single_transformer_blocks\.\d+\.proj_out",
    "flux2": r"transformer\..*\.(to_(q|k|v|out|out\.0|add_out|qkv_mlp_proj)|add_[qkv]_proj|linear_(in|out))",
    "zimage": r"transformer\.layers\..*\.(to_(q|k|v|out\.0)|w[123])",
}
TEXT = r"text_encoder(_2)?\..*\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])"

Pairs = Mapping[str, tuple[Tensor, Tensor]]


def taught(truth: Truth, pattern: str | None = None, *, seed: int = 0) -> dict[str, tuple[Tensor, Tensor]]:
    """A taught-looking style of rank 4 on the modules that match."""
    draw = torch.Generator().manual_seed(seed)
    wanted = re.compile(pattern or TAUGHT[truth.family])
    out: dict[str, tuple[Tensor, Tensor]] = {}
    for module, (outer, *inner) in truth.modules.items():
        if wanted.fullmatch(module):
            up = torch.randn(outer, RANK, *(1,) * (len(inner) - 1), generator=draw)
            out[module] = (torch.randn(RANK, *inner, generator=draw), up)
    return out


def _bare(module: str) -> str:
    return module.partition(".")[2]


def _kohya(stem: str, down: Tensor, up: Tensor, alpha: float | None) -> dict[str, Tensor]:
    out = {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up}
    return out if alpha is None else {**out, f"{stem}.alpha": torch.tensor(alpha)}


def _ab(stem: str, down: Tensor, up: Tensor, alpha: float | None) -> dict[str, Tensor]:
    out = {f"{stem}.lora_A.weight": down, f"{stem}.lora_B.weight": up}
    return out if alpha is None else {**out, f"{stem}.alpha": torch.tensor(alpha)}


def kohya(pairs: Pairs, prefix: str = "lora_unet_") -> dict[str, Tensor]:
    """Underscored names of diffusers with alpha; text encoders as ``lora_te_``, or ``lora_te1_`` and 2."""
    two = any(module.startswith("text_encoder_2.") for module in pairs)
    out: dict[str, Tensor] = {}
    for module, (down, up) in pairs.items():
        stem = prefix
        if module.startswith("text_encoder"):
            number = "2" if module.startswith("text_encoder_2") else "1" if two else ""
            stem = f"lora_te{number}_"
        out |= _kohya(stem + _bare(module).replace(".", "_"), down, up, ALPHA)
    return out


def ab(pairs: Pairs, prefix: str, *, fold: bool = False, alpha: bool = False) -> dict[str, Tensor]:
    """``prefix`` + dotted name + ``lora_A``/``lora_B``; alpha folded, as a tensor, or lost."""
    out: dict[str, Tensor] = {}
    for module, (down, up) in pairs.items():
        factor = ALPHA / RANK if fold else 1
        out |= _ab(prefix + _bare(module), down, up * factor, ALPHA if alpha else None)
    return out


def processors(pairs: Pairs) -> dict[str, Tensor]:
    """Attention of a U-Net as diffusers wrote it before it used PEFT; without alpha."""
    out: dict[str, Tensor] = {}
    for module, (down, up) in pairs.items():
        stem = module.replace(".to_out.0", ".to_out").replace(".to_", ".processor.to_")
        out |= {f"{stem}_lora.down.weight": down, f"{stem}_lora.up.weight": up}
    return out


def named(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As in the state dict of a PEFT model, with the name of its adapter."""
    return {key.replace(".weight", ".default.weight"): tensor for key, tensor in tensors.items()}


def without_text_model(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As a saver writes it that takes the names of transformers 5."""
    return {key.replace("text_model_", ""): tensor for key, tensor in tensors.items()}


def fused(pairs: Pairs, groups: Mapping[str, tuple[str, ...]], write: Callable[..., dict[str, Tensor]],
          prefix: str, *, scaled: bool) -> dict[str, Tensor]:  # fmt: skip
    """Several modules as one block-diagonal pair of n times the rank; alpha times n only when ``scaled``."""
    out: dict[str, Tensor] = {}
    for name, members in groups.items():
        if not all(member in pairs for member in members):
            continue
        down = torch.cat([pairs[member][0] for member in members])
        up = torch.block_diag(*(pairs[member][1] for member in members))
        alpha = ALPHA * (len(members) if scaled else 1)
        stem = prefix + (name if prefix.endswith(".") else name.replace(".", "_"))
        out |= write(stem, down, up, alpha)
    return out


def zimage_groups(layers: int = 4) -> dict[str, tuple[str, ...]]:
    """Original weights of Z-Image and the modules they fuse."""
    out: dict[str, tuple[str, ...]] = {}
    for layer in range(layers):
        start = f"transformer.layers.{layer}."
        out[f"layers.{layer}.attention.qkv"] = tuple(f"{start}attention.to_{part}" for part in "qkv")
        out[f"layers.{layer}.attention.out"] = (f"{start}attention.to_out.0",)
        for part in ("w1", "w2", "w3"):
            out[f"layers.{layer}.feed_forward.{part}"] = (f"{start}feed_forward.{part}",)
    return out


def flux_groups() -> dict[str, tuple[str, ...]]:
    """Original weights of FLUX.1 and the modules they fuse."""
    out: dict[str, tuple[str, ...]] = {}
    for block in range(19):
        start, name = f"transformer.transformer_blocks.{block}.", f"double_blocks.{block}."
        out[f"{name}img_attn.qkv"] = tuple(f"{start}attn.to_{part}" for part in "qkv")
        out[f"{name}txt_attn.qkv"] = tuple(f"{start}attn.add_{part}_proj" for part in "qkv")
        out[f"{name}img_attn.proj"] = (f"{start}attn.to_out.0",)
        out[f"{name}txt_attn.proj"] = (f"{start}attn.to_add_out",)
        for side, feed in (("img", "ff"), ("txt", "ff_context")):
            out[f"{name}{side}_mlp.0"] = (f"{start}{feed}.net.0.proj",)
            out[f"{name}{side}_mlp.2"] = (f"{start}{feed}.net.2",)
    for block in range(38):
        start, name = f"transformer.single_transformer_blocks.{block}.", f"single_blocks.{block}."
        parts = (*(f"attn.to_{part}" for part in "qkv"), "proj_mlp")
        out[f"{name}linear1"] = tuple(start + part for part in parts)
        out[f"{name}linear2"] = (f"{start}proj_out",)
    return out


def flux2_groups() -> dict[str, tuple[str, ...]]:
    """Original weights of FLUX.2 [klein] 4B and the modules they fuse."""
    out: dict[str, tuple[str, ...]] = {}
    for block in range(5):
        start, name = f"transformer.transformer_blocks.{block}.", f"double_blocks.{block}."
        out[f"{name}img_attn.qkv"] = tuple(f"{start}attn.to_{part}" for part in "qkv")
        out[f"{name}txt_attn.qkv"] = tuple(f"{start}attn.add_{part}_proj" for part in "qkv")
        out[f"{name}img_attn.proj"] = (f"{start}attn.to_out.0",)
        out[f"{name}txt_attn.proj"] = (f"{start}attn.to_add_out",)
        for side, feed in (("img", "ff"), ("txt", "ff_context")):
            out[f"{name}{side}_mlp.0"] = (f"{start}{feed}.linear_in",)
            out[f"{name}{side}_mlp.2"] = (f"{start}{feed}.linear_out",)
    for block in range(20):
        start, name = f"transformer.single_transformer_blocks.{block}.attn.", f"single_blocks.{block}."
        out[f"{name}linear1"] = (f"{start}to_qkv_mlp_proj",)
        out[f"{name}linear2"] = (f"{start}to_out",)
    return out


def unet_original(pairs: Pairs) -> dict[str, tuple[str, ...]]:
    """Original names of the attention blocks of Stable Diffusion 1.x and XL: blocks counted through, three
    to a level below (two with attention and the sampler), three to a level above.
    """
    out: dict[str, tuple[str, ...]] = {}
    for module in pairs:
        path = _bare(module)
        path = re.sub(r"^down_blocks\.(\d)\.attentions\.(\d)",
                      lambda m: f"input_blocks.{3 * int(m[1]) + int(m[2]) + 1}.1", path)  # fmt: skip
        path = re.sub(r"^up_blocks\.(\d)\.attentions\.(\d)",
                      lambda m: f"output_blocks.{3 * int(m[1]) + int(m[2])}.1", path)  # fmt: skip
        out[path.replace("mid_block.attentions.0", "middle_block.1")] = (module,)
    return out


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> Path:
    """Write the file as the safetensors library does."""
    save_file(
        {key: tensor.contiguous().clone() for key, tensor in tensors.items()}, path, dict(metadata or {})
    )
    return path


def peft_metadata(part: str) -> dict[str, str]:
    """What diffusers writes beside a PEFT state dict."""
    content = {f"{part}.r": RANK, f"{part}.lora_alpha": ALPHA, f"{part}.target_modules": ["to_q"]}
    return {"format": "pt", "lora_adapter_metadata": json.dumps(content)}
