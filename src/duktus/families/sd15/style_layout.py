"""The layout of a Stable Diffusion 1.x style: that of kohya-ss/sd-scripts, with this family's words."""

from __future__ import annotations

from duktus.families.kohya_layout import KohyaLayout
from duktus.families.word_layout import WordLayout

LAYOUT = KohyaLayout(
    family="Stable Diffusion 1.x",
    metadata={
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "ss_base_model_version": "sd_v1",
        "ss_v2": "False",
    },
)

WORD_LAYOUT = WordLayout(
    names={"text_encoder": "emb_params"},
    metadata={
        "modelspec.architecture": "stable-diffusion-v1/textual-inversion",
        "ss_base_model_version": "sd_v1",
    },
)
