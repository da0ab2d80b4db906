"""The layout of a Z-Image style: ``diffusion_model.<diffusers path>``, q, k and v apart, alpha folded in.

ComfyUI (since December 2025), diffusers, InvokeAI and the Forge line that knows Z-Image read it. Files in the
kohya spelling do not load whole anywhere but in diffusers: ComfyUI then takes the feed-forwards only.
"""

from __future__ import annotations

from duktus.families.peft_layout import PeftLayout

LAYOUT = PeftLayout(
    family="Z-Image",
    prefix="diffusion_model.",
    metadata={"modelspec.architecture": "Z-Image/lora", "ss_base_model_version": "zimage"},
)
