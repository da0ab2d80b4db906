"""The layout of an SDXL style: that of kohya-ss/sd-scripts, with this family's words."""

from __future__ import annotations

from duktus.families.kohya_layout import KohyaLayout
from duktus.families.word_layout import WordLayout

LAYOUT = KohyaLayout(
    family="SDXL",
    metadata={
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
        "ss_base_model_version": "sdxl_base_v1-0",  # A1111 tells SDXL styles from others by this
        "ss_v2": "False",
    },
)

WORD_LAYOUT = WordLayout(
    names={"text_encoder": "clip_l", "text_encoder_2": "clip_g"},
    metadata={
        "modelspec.architecture": "stable-diffusion-xl-v1-base/textual-inversion",
        "ss_base_model_version": "sdxl_base_v1-0",
    },
)
