"""Rows of pictures as one PNG, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def write_sheet(path: Path, rows: Sequence[Tensor]) -> None:
    """Each row is (n, 3, h, w) in -1..1; the file is replaced whole."""
    width = max(row.shape[0] for row in rows)
    lines = []
    for row in rows:
        blank = torch.ones(width - row.shape[0], *row.shape[1:])
        lines.append(torch.cat([*torch.cat([row, blank])], 2))
    picture = ((torch.cat(lines, 1).clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0)
    part = path.with_suffix(".part.png")
    Image.fromarray(np.asarray(picture)).save(part)
    part.rename(path)
