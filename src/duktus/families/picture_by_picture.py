"""A batch taken apart, for networks whose pictures had better not meet.

A flow transformer of billions of weights keeps a processor busy with one picture, so computing pictures one
after the other costs little, and it holds the bits whatever shares the batch: one picture alone is the
definition of the proof lane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from duktus.families.lora import only_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor


def in_parts(parts: Sequence[Sequence[int]], compute: Callable[[Tensor], Tensor]) -> Tensor:
    """What ``compute`` gives for the pictures at each part's places (m,), put back in order.

    ``parts`` together name every place of the batch once. Adapters see the strengths of those pictures.
    """
    if len(parts) == 1:
        return compute(torch.tensor(parts[0]))
    answers: list[Tensor] = []
    for part in parts:
        index = torch.tensor(part)
        with only_rows(index):
            answers.append(compute(index))
    order = torch.tensor([place for part in parts for place in part]).argsort()
    return torch.cat(answers)[order.to(answers[0].device)]
