"""Which modules of SDXL's U-Net a style may change, beyond what every U-Net has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from duktus.domain.style import Targets
from duktus.families.unet.targets import PATTERNS as OF_EVERY_UNET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STYLE_BLOCK = re.compile(r"^up_blocks\.0\.attentions\.1\..*\.attn[12]\.(to_q|to_k|to_v|to_out\.0)$")
"""The second transformer of the first up block carries colours and strokes, the one before it what is seen:
Frenkel et al. 2024, B-LoRA, arXiv 2403.14572, section 4; the names and that it is the attention alone, from
``BLOCKS`` and ``get_target_modules`` in ``blora_utils.py`` of github.com/yardenfren1996/B-LoRA. 80 modules of
the full network."""

PATTERNS: Mapping[Targets, Sequence[re.Pattern[str]]] = {
    **OF_EVERY_UNET,
    Targets.STYLE_BLOCKS: (STYLE_BLOCK,),
}
