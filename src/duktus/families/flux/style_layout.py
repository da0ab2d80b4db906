"""The layout of a FLUX.1 style: ``transformer.<diffusers path>``, alpha folded in.

ComfyUI, Forge, diffusers and InvokeAI read it; InvokeAI only with block 0 of both kinds among the modules,
which every one of our targets has.
"""

from __future__ import annotations

from duktus.families.peft_layout import PeftLayout

LAYOUT = PeftLayout(
    family="FLUX.1",
    prefix="transformer.",
    metadata={"modelspec.architecture": "flux-1-dev/lora", "ss_base_model_version": "flux1"},
)
