"""Which modules of a transformer without convolutions a style may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from duktus.families.known_targets import check_known

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from duktus.domain.style import Targets


def target_modules(
    denoiser: nn.Module, targets: Targets, patterns: Mapping[Targets, Sequence[re.Pattern[str]]]
) -> Sequence[str]:
    """True paths of the Linear modules those targets name, in the network's order.

    :class:`InputError` for targets that the family does not have.
    """
    check_known(targets, patterns)
    return [
        path
        for path, module in denoiser.named_modules()
        if isinstance(module, nn.Linear) and any(pattern.search(path) for pattern in patterns[targets])
    ]
