"""Which modules of the FLUX.1 transformer a style may change."""

from __future__ import annotations

import re

from duktus.domain.style import Targets

ATTENTION = re.compile(
    r"^(transformer_blocks\.\d+\.attn\.(to_q|to_k|to_v|to_out\.0|add_q_proj|add_k_proj|add_v_proj|to_add_out)"
    r"|single_transformer_blocks\.\d+\.attn\.(to_q|to_k|to_v))$"
)
FEED_FORWARD = re.compile(
    r"^(transformer_blocks\.\d+\.(ff|ff_context)\.net\.(0\.proj|2)"
    r"|single_transformer_blocks\.\d+\.(proj_mlp|proj_out))$"
)
"""A single block closes attention and feed-forward with one ``proj_out``; it goes with the feed-forward."""

PATTERNS = {
    Targets.ATTENTION: (ATTENTION,),
    Targets.ATTENTION_FEED_FORWARD: (ATTENTION, FEED_FORWARD),
}
