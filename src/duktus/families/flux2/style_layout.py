"""The layout of a FLUX.2 [klein] style: ``transformer.<diffusers path>``, alpha folded in.

diffusers, ComfyUI (since January 2026: pull requests 11981 and 11997) and InvokeAI (since February 2026: pull
request 8862) read it; InvokeAI refuses a file with alpha beside these names.
"""

from __future__ import annotations

from duktus.families.peft_layout import PeftLayout

LAYOUT = PeftLayout(
    family="FLUX.2 [klein]",
    prefix="transformer.",
    metadata={"modelspec.architecture": "flux-2-klein/lora", "ss_base_model_version": "flux2_klein"},
)
