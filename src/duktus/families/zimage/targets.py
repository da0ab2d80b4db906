"""Which modules of the Z-Image transformer a style may change: the main layers, never the refiners.

So do kohya-ss/musubi-tuner and OneTrainer by default.
"""

from __future__ import annotations

import re

from duktus.domain.style import Targets

ATTENTION = re.compile(r"^layers\.\d+\.attention\.(to_q|to_k|to_v|to_out\.0)$")
FEED_FORWARD = re.compile(r"^layers\.\d+\.feed_forward\.w[123]$")

PATTERNS = {
    Targets.ATTENTION: (ATTENTION,),
    Targets.ATTENTION_FEED_FORWARD: (ATTENTION, FEED_FORWARD),
}
