"""A small random-weight Stable Diffusion 1.x folder with the miniature's exact shape of things.

f = 8 with 16 latent channels, cross-attention, v-prediction, a real (small) CLIP vocabulary. Nothing in it is
trained; every piece that diffusers initialises with zeros gets random values, so that prompts, strengths
and seeds change the picture. Deterministic from its seed; writes in about a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers import (
    DDIMScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from tests.support.tiny_parts import (
    autoencoder,
    clip_config,
    clip_tokenizer,
    no_zeros,
    noted,
    quiet,
    vocabulary,
    write_vocabulary,
)
from transformers import CLIPTextModel


def write_tiny_base(
    folder: Path,
    seed: int = 0,
    *,
    channels: tuple[int, ...] = (32, 64, 96),
    prediction: str = "v_prediction",
    latent_channels: int = 16,
    sample_size: int = 16,
    inpainting: bool = False,
    duktus: dict[str, object] | None = None,
) -> Path:
    """Write the folder and return it. ``duktus`` becomes ``duktus.json`` when given; a U-Net for
    ``inpainting`` also takes a mask and what it leaves.
    """
    text_width = 64
    noise: Any = DDIMScheduler  # the stubs of diffusers and transformers are narrower than their code
    whole: Any = StableDiffusionInpaintPipeline if inpainting else StableDiffusionPipeline
    with quiet(seed):
        unet = UNet2DConditionModel(
            sample_size=sample_size,
            in_channels=2 * latent_channels + 1 if inpainting else latent_channels,
            out_channels=latent_channels,
            down_block_types=(*("CrossAttnDownBlock2D",) * (len(channels) - 1), "DownBlock2D"),
            up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * (len(channels) - 1)),
            block_out_channels=channels,
            layers_per_block=1,
            cross_attention_dim=text_width,
            attention_head_dim=4,
            norm_num_groups=16,
        )
        vae = autoencoder(latent_channels=latent_channels, scale=0.5, sample_size=sample_size * 8)
        text = CLIPTextModel(clip_config(vocabulary()[0], text_width, projection_dim=text_width))
        no_zeros((unet, vae, text))
    scheduler = noise(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=prediction,
        timestep_spacing="leading" if prediction == "epsilon" else "trailing",
    )
    pipeline = whole(
        vae=vae.eval(),
        text_encoder=text.eval(),
        tokenizer=clip_tokenizer(),
        unet=unet.eval(),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    write_vocabulary(folder / "tokenizer")
    return noted(folder, duktus)


MINIATURE_DEFAULTS: dict[str, object] = {
    "name": "miniature",
    "role": "teach and render",
    "render": {
        "width": 128,
        "height": 128,
        "steps": 20,
        "cfg": 3.0,
        "sampler": "DPM++ 2M",
        "schedule": "Karras",
    },
    "teach": {
        "steps": 120,
        "learning_rate": 1e-3,
        "batch": 4,
        "resolution": 128,
        "targets": "attention + feed-forward + convolutions",
        "source": "random weights: values of the trial, not measured here",
    },
}
