"""Small random-weight FLUX.1, FLUX.2 [klein] and Z-Image folders with the true structure of things.

Block kinds, module names, latent packing, VAE scale and shift, text encoders and their tokenizers are those
of the real models; only widths and depths are small. Deterministic from their seeds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLFlux2,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    FluxPipeline,
    FluxTransformer2DModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tests.support.tiny_parts import (
    WORDS,
    autoencoder,
    bytes_to_unicode,
    clip_config,
    clip_tokenizer,
    noted,
    quiet,
    vocabulary,
)
from transformers import (
    CLIPTextModel,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

WIDTH = 32
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)
"""What Qwen3's own template says for one message of a user."""

DEV = {"shift": 3.0, "use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}
KLEIN_TOKENS = 96
"""How much text the small FLUX.2 [klein] reads; the real one reads 512."""
SCHNELL = {"shift": 1.0, "use_dynamic_shifting": False, "base_shift": 0.5, "max_shift": 1.15}


def write_tiny_flux(
    folder: Path,
    seed: int = 0,
    *,
    guidance: bool = True,
    noise: dict[str, Any] | None = None,
    duktus: dict[str, object] | None = None,
) -> Path:
    """FLUX.1 [dev] in small; [schnell] with ``guidance=False, noise=SCHNELL``. Returns the folder."""
    with quiet(seed):
        transformer = FluxTransformer2DModel(
            in_channels=64,
            num_layers=2,
            num_single_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            guidance_embeds=guidance,
            axes_dims_rope=(4, 6, 6),
        )
        clip = CLIPTextModel(clip_config(vocabulary()[0], WIDTH))
        t5_tokenizer = _t5_tokenizer()
        t5 = T5EncoderModel(
            T5Config(
                vocab_size=len(t5_tokenizer),
                d_model=WIDTH,
                d_kv=8,
                d_ff=2 * WIDTH,
                num_layers=2,
                num_heads=4,
                feed_forward_proj="gated-gelu",
            )
        )
        _save(
            FluxPipeline,
            folder,
            transformer=transformer,
            vae=_vae(),
            text_encoder=clip,
            tokenizer=clip_tokenizer(),
            text_encoder_2=t5,
            tokenizer_2=t5_tokenizer,
            scheduler=FlowMatchEulerDiscreteScheduler(**(noise or DEV)),
        )
    return noted(folder, duktus)


def write_tiny_zimage(
    folder: Path, seed: int = 0, *, shift: float = 6.0, duktus: dict[str, object] | None = None
) -> Path:
    """Z-Image in small; Z-Image-Turbo's folder has ``shift=3.0``. Returns the folder."""
    with quiet(seed):
        transformer = ZImageTransformer2DModel(
            in_channels=16,
            dim=64,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=WIDTH,
            axes_dims=[8, 12, 12],
            axes_lens=[1024, 512, 512],
        )
        for name in ("x_pad_token", "cap_pad_token"):  # zeros would hide what padding does
            getattr(transformer, name).data.normal_()
        tokenizer = _qwen_tokenizer()
        encoder = Qwen3Model(_qwen_config(tokenizer, layers=3))
        _save(
            ZImagePipeline,
            folder,
            transformer=transformer,
            vae=_vae(),
            text_encoder=encoder,
            tokenizer=tokenizer,
            scheduler=FlowMatchEulerDiscreteScheduler(shift=shift),
        )
    return noted(folder, duktus)


def write_tiny_flux2(
    folder: Path, seed: int = 0, *, distilled: bool | None = False, duktus: dict[str, object] | None = None
) -> Path:
    """FLUX.2 [klein] Base in small, the distilled one, or (None) one that does not say. Returns the folder.

    Its text encoder has as many layers as are looked at, and a head that nobody needs.
    """
    with quiet(seed):
        transformer = Flux2Transformer2DModel(
            in_channels=32,
            num_layers=2,
            num_single_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=3 * WIDTH,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        )
        for name in (
            "double_stream_modulation_img",
            "double_stream_modulation_txt",
            "single_stream_modulation",
        ):
            getattr(transformer, name).linear.weight.data.mul_(10)  # its gates open: else no block is seen
        tokenizer = _qwen_tokenizer(model_max_length=KLEIN_TOKENS)
        config = _qwen_config(tokenizer, layers=28)
        _save(
            Flux2KleinPipeline,
            folder,
            transformer=transformer,
            vae=_patched_vae(),
            text_encoder=Qwen3ForCausalLM(config),
            tokenizer=tokenizer,
            scheduler=FlowMatchEulerDiscreteScheduler(**DEV),
            is_distilled=bool(distilled),
        )
    if distilled is None:
        index = folder / "model_index.json"
        known = json.loads(index.read_text())
        del known["is_distilled"]
        index.write_text(json.dumps(known))
    return noted(folder, duktus)


def _patched_vae() -> Any:
    """Four times the channels of its latents are evened out by statistics that are not 0 and 1."""
    kind: Any = AutoencoderKLFlux2
    vae = kind(
        block_out_channels=(8, 16, 16, 16),
        layers_per_block=1,
        latent_channels=8,
        norm_num_groups=8,
        sample_size=64,
        mid_block_add_attention=False,
    )
    vae.bn.running_mean.normal_(std=0.5)
    vae.bn.running_var.uniform_(0.3, 2)
    return vae


def _vae() -> Any:
    return autoencoder(
        latent_channels=16, scale=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False
    )


def _t5_tokenizer() -> Any:
    """Words, letters, and T5's own special tokens; reads 24 tokens."""
    pieces = [*dict.fromkeys("▁" + word for word in WORDS), *"abcdefghijklmnopqrstuvwxyz,▁-0123456789"]
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    kind: Any = T5Tokenizer
    return kind(
        vocab=[*special, *((piece, -float(len(pieces) - n)) for n, piece in enumerate(pieces))],
        extra_ids=0,
        additional_special_tokens=[],
        model_max_length=24,
    )


def _qwen_config(tokenizer: Any, layers: int) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
    )


def _qwen_tokenizer(**more: Any) -> Any:
    tokens = [*bytes_to_unicode(), "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    kind: Any = Qwen2Tokenizer
    tokenizer = kind(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=[],
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        **more,
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def _save(kind: Any, folder: Path, **parts: Any) -> None:
    for part in parts.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    kind(**parts).save_pretrained(folder)
