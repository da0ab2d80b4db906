"""Which modules of a Stable Diffusion U-Net a style may change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torch import nn

from duktus.domain.style import Targets
from duktus.families.known_targets import check_known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ATTENTION = re.compile(r"\.attn[12]\.(to_q|to_k|to_v|to_out\.0)$")
FEED_FORWARD = re.compile(r"\.ff\.net\.(0\.proj|2)$")
CONVOLUTION = re.compile(
    r"\.(resnets\.\d+\.(conv1|conv2|conv_shortcut)|(down|up)samplers\.0\.conv|proj_in|proj_out)$"
)
"""``proj_in`` and ``proj_out`` around each transformer are 1x1 convolutions in Stable Diffusion 1.x (and
matrices that do the same in SDXL), so they come with the convolutions. kohya-ss/sd-scripts adds them to every
style; we keep "attention + feed-forward" to what its words say: the 160 modules of Stable Diffusion 1.5 and
the 700 of SDXL that every program loads alike."""

PATTERNS: Mapping[Targets, Sequence[re.Pattern[str]]] = {
    Targets.ATTENTION: (ATTENTION,),
    Targets.ATTENTION_FEED_FORWARD: (ATTENTION, FEED_FORWARD),
    Targets.ATTENTION_FEED_FORWARD_CONV: (ATTENTION, FEED_FORWARD, CONVOLUTION),
}


def target_modules(
    unet: nn.Module, targets: Targets, patterns: Mapping[Targets, Sequence[re.Pattern[str]]] = PATTERNS
) -> Sequence[str]:
    """True paths of the Linear and Conv2d modules those targets name, in the network's order.

    :class:`InputError` for targets that the family does not have.
    """
    check_known(targets, patterns)
    return [
        path
        for path, module in unet.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
        and any(pattern.search(path) for pattern in patterns[targets])
    ]
