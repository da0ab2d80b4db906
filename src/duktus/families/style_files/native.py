"""Names of the original code (which ComfyUI and sd-scripts keep), built forward from the true ones.

Sources: diffusers, scripts/convert_diffusers_to_original_stable_diffusion.py and
convert_flux_to_diffusers.py (Apache-2.0); the key tables of ComfyUI (comfy/utils.py, facts only); checkpoints
of Z-Image as published.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RESNET = {
    "conv1": "in_layers.2",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
UNET_OUTER = {
    "conv_in": "input_blocks.0.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}

FLUX = (
    (r"transformer_blocks\.(\d+)\.attn\.to_[qkv]", r"double_blocks.\1.img_attn.qkv"),
    (r"transformer_blocks\.(\d+)\.attn\.add_[qkv]_proj", r"double_blocks.\1.txt_attn.qkv"),
    (r"transformer_blocks\.(\d+)\.attn\.to_out\.0", r"double_blocks.\1.img_attn.proj"),
    (r"transformer_blocks\.(\d+)\.attn\.to_add_out", r"double_blocks.\1.txt_attn.proj"),
    (r"transformer_blocks\.(\d+)\.ff\.net\.0\.proj", r"double_blocks.\1.img_mlp.0"),
    (r"transformer_blocks\.(\d+)\.ff\.net\.2", r"double_blocks.\1.img_mlp.2"),
    (r"transformer_blocks\.(\d+)\.ff_context\.net\.0\.proj", r"double_blocks.\1.txt_mlp.0"),
    (r"transformer_blocks\.(\d+)\.ff_context\.net\.2", r"double_blocks.\1.txt_mlp.2"),
    (r"transformer_blocks\.(\d+)\.norm1\.linear", r"double_blocks.\1.img_mod.lin"),
    (r"transformer_blocks\.(\d+)\.norm1_context\.linear", r"double_blocks.\1.txt_mod.lin"),
    (r"single_transformer_blocks\.(\d+)\.(?:attn\.to_[qkv]|proj_mlp)", r"single_blocks.\1.linear1"),
    (r"single_transformer_blocks\.(\d+)\.proj_out", r"single_blocks.\1.linear2"),
    (r"single_transformer_blocks\.(\d+)\.norm\.linear", r"single_blocks.\1.modulation.lin"),
    (r"transformer_blocks\.(\d+)\.attn\.norm_q", r"double_blocks.\1.img_attn.norm.query_norm"),
    (r"transformer_blocks\.(\d+)\.attn\.norm_k", r"double_blocks.\1.img_attn.norm.key_norm"),
    (r"transformer_blocks\.(\d+)\.attn\.norm_added_q", r"double_blocks.\1.txt_attn.norm.query_norm"),
    (r"transformer_blocks\.(\d+)\.attn\.norm_added_k", r"double_blocks.\1.txt_attn.norm.key_norm"),
    (r"single_transformer_blocks\.(\d+)\.attn\.norm_q", r"single_blocks.\1.norm.query_norm"),
    (r"single_transformer_blocks\.(\d+)\.attn\.norm_k", r"single_blocks.\1.norm.key_norm"),
    (r"x_embedder", r"img_in"),
    (r"context_embedder", r"txt_in"),
    (r"time_text_embed\.timestep_embedder\.linear_1", r"time_in.in_layer"),
    (r"time_text_embed\.timestep_embedder\.linear_2", r"time_in.out_layer"),
    (r"time_text_embed\.text_embedder\.linear_1", r"vector_in.in_layer"),
    (r"time_text_embed\.text_embedder\.linear_2", r"vector_in.out_layer"),
    (r"time_text_embed\.guidance_embedder\.linear_1", r"guidance_in.in_layer"),
    (r"time_text_embed\.guidance_embedder\.linear_2", r"guidance_in.out_layer"),
    (r"proj_out", r"final_layer.linear"),
)
"""True path -> original name. ``norm_out.linear`` is left out: its two halves are swapped between the two
namings, so a matrix cannot simply be renamed."""

FLUX2 = (
    *(one for one in FLUX if one[0].startswith(r"transformer_blocks\.(\d+)\.attn")),
    (r"transformer_blocks\.(\d+)\.ff\.linear_in", r"double_blocks.\1.img_mlp.0"),
    (r"transformer_blocks\.(\d+)\.ff\.linear_out", r"double_blocks.\1.img_mlp.2"),
    (r"transformer_blocks\.(\d+)\.ff_context\.linear_in", r"double_blocks.\1.txt_mlp.0"),
    (r"transformer_blocks\.(\d+)\.ff_context\.linear_out", r"double_blocks.\1.txt_mlp.2"),
    (r"single_transformer_blocks\.(\d+)\.attn\.to_qkv_mlp_proj", r"single_blocks.\1.linear1"),
    (r"single_transformer_blocks\.(\d+)\.attn\.to_out", r"single_blocks.\1.linear2"),
    (r"single_transformer_blocks\.(\d+)\.attn\.norm_q", r"single_blocks.\1.norm.query_norm"),
    (r"single_transformer_blocks\.(\d+)\.attn\.norm_k", r"single_blocks.\1.norm.key_norm"),
    (r"((?:single|double)_stream_modulation(?:_img|_txt)?)\.linear", r"\1.lin"),
    (r"x_embedder", r"img_in"),
    (r"context_embedder", r"txt_in"),
    (r"time_guidance_embed\.timestep_embedder\.linear_1", r"time_in.in_layer"),
    (r"time_guidance_embed\.timestep_embedder\.linear_2", r"time_in.out_layer"),
    (r"proj_out", r"final_layer.linear"),
)
"""As for FLUX.1; what its single blocks fuse is fused in diffusers too (diffusers,
scripts/convert_flux2_to_diffusers.py)."""

ZIMAGE = (
    (r"((?:layers|noise_refiner|context_refiner)\.\d+)\.attention\.to_[qkv]", r"\1.attention.qkv"),
    (r"((?:layers|noise_refiner|context_refiner)\.\d+)\.attention\.to_out\.0", r"\1.attention.out"),
    (r"((?:layers|noise_refiner|context_refiner)\.\d+)\.attention\.norm_([qk])", r"\1.attention.\2_norm"),
    (r"all_x_embedder\.2-1", r"x_embedder"),
    (r"all_final_layer\.2-1\.(.+)", r"final_layer.\1"),
    (r"(.+)", r"\1"),
)

TABLES = {"flux": FLUX, "flux2": FLUX2, "zimage": ZIMAGE}
"""By family of those with a transformer."""


def native_names(family: str, denoiser: str, modules: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """``{original name: true modules}`` of those that are of the denoiser, ``unet`` or ``transformer``;
    several modules where the original fuses them, in the order of their rows.
    """
    prefix = f"{denoiser}."
    paths = [full.removeprefix(prefix) for full in modules if full.startswith(prefix)]
    named = _unet(paths) if denoiser == "unet" else _by_table(paths, TABLES[family])
    fused: dict[str, list[str]] = {}
    for path, name in named.items():
        fused.setdefault(name, []).append(prefix + path)
    return {name: tuple(sorted(parts, key=_row_order)) for name, parts in fused.items()}


def _row_order(full: str) -> int:
    """q, k, v, then FLUX's ``proj_mlp``: the order in which the original stacks the rows."""
    ends = ("_q", "_k", "_v", "_q_proj", "_k_proj", "_v_proj")
    return next((ends.index(end) % 3 for end in ends if full.endswith(end)), 3)


def _by_table(paths: list[str], table: tuple[tuple[str, str], ...]) -> dict[str, str]:
    out: dict[str, str] = {}
    for path in paths:
        for pattern, name in table:
            match = re.fullmatch(pattern, path)
            if match:
                out[path] = match.expand(name)
                break
    return out


def _unet(paths: list[str]) -> dict[str, str]:
    """Blocks in the order of the network, counted through as the original does."""
    places = _unet_places(paths)
    out: dict[str, str] = {}
    for path in paths:
        whole = UNET_OUTER.get(path) or places.get(path)
        if whole is not None:
            out[path] = whole
            continue
        start = next((start for start in places if path.startswith(f"{start}.")), None)
        if start is None:
            continue
        rest = path[len(start) + 1 :]
        out[path] = f"{places[start]}.{RESNET.get(rest, rest) if '.resnets.' in path else rest}"
    return out


def _unet_places(paths: list[str]) -> dict[str, str]:
    """``{down_blocks.0.resnets.0: input_blocks.1.0, ...}``."""
    found = set(paths)

    def has(start: str) -> bool:
        return any(path.startswith(f"{start}.") for path in found)

    def numbered(side: str) -> list[tuple[int, int]]:
        pattern = re.compile(rf"{side}_blocks\.(\d+)\.resnets\.(\d+)\.conv1$")
        return sorted((int(m[1]), int(m[2])) for m in map(pattern.match, found) if m)

    places = {
        "mid_block.resnets.0": "middle_block.0",
        "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2",
    }
    down, up = numbered("down"), numbered("up")
    number = 1
    for at, (block, layer) in enumerate(down):
        places[f"down_blocks.{block}.resnets.{layer}"] = f"input_blocks.{number}.0"
        places[f"down_blocks.{block}.attentions.{layer}"] = f"input_blocks.{number}.1"
        number += 1
        if (at + 1 == len(down) or down[at + 1][0] != block) and has(f"down_blocks.{block}.downsamplers.0"):
            places[f"down_blocks.{block}.downsamplers.0.conv"] = f"input_blocks.{number}.0.op"
            number += 1
    for number, (block, layer) in enumerate(up):
        places[f"up_blocks.{block}.resnets.{layer}"] = f"output_blocks.{number}.0"
        attention = f"up_blocks.{block}.attentions.{layer}"
        places[attention] = f"output_blocks.{number}.1"
        sampler = 2 if has(attention) else 1
        places[f"up_blocks.{block}.upsamplers.0"] = f"output_blocks.{number}.{sampler}"
    return places
