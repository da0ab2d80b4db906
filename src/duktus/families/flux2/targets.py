"""Which modules of the FLUX.2 transformer a style may change.

A single block has two matrices, one into attention and feed-forward together and one out of both. They go
with the attention, as in diffusers' examples/dreambooth/train_dreambooth_lora_flux2_klein.py.
"""

from __future__ import annotations

import re

from duktus.domain.style import Targets

ATTENTION = re.compile(
    r"^(transformer_blocks\.\d+\.attn\.(to_q|to_k|to_v|to_out\.0|add_q_proj|add_k_proj|add_v_proj|to_add_out)"
    r"|single_transformer_blocks\.\d+\.attn\.(to_qkv_mlp_proj|to_out))$"
)
FEED_FORWARD = re.compile(r"^transformer_blocks\.\d+\.(ff|ff_context)\.(linear_in|linear_out)$")

PATTERNS = {
    Targets.ATTENTION: (ATTENTION,),
    Targets.ATTENTION_FEED_FORWARD: (ATTENTION, FEED_FORWARD),
}
