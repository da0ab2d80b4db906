"""A Z-Image base in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.base import Base
from duktus.domain.style import NoiseLevels
from duktus.families.flow import flow_matching
from duktus.families.flow.base import FlowBase
from duktus.families.flow.flow_matching import SCALE
from duktus.families.holding import Holding
from duktus.families.picture_by_picture import in_parts
from duktus.families.zimage.targets import PATTERNS
from duktus.families.zimage.words import ZImageConditioning, ZImageWords

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import ZImageTransformer2DModel
from transformers import Qwen2Tokenizer, Qwen3Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from duktus.families.family import Conditioning

TEACH_SHIFT = 2.0
"""Of the noise levels while teaching (kohya-ss/musubi-tuner, docs/zimage.md, ``--discrete_flow_shift``)."""


class LoadedZImage(FlowBase):
    """See :class:`duktus.families.family.LoadedBase`."""

    patterns = PATTERNS
    latents_per_token = 1

    def __init__(self, base: Base, *, device: str, dtype: str, holding: Holding) -> None:
        super().__init__(base, ZImageTransformer2DModel, device=device, dtype=dtype, holding=holding)
        tokenizer: Any = Qwen2Tokenizer.from_pretrained(base.folder / "tokenizer", local_files_only=True)
        self._words: ZImageWords = ZImageWords(self._network(Qwen3Model, "text_encoder"), tokenizer)

    def encode_text(self, texts: Sequence[str]) -> ZImageConditioning:
        """One row per text, each encoded alone: what shares the call never changes it."""
        return self._words.encode(texts)

    def _drop_text_encoders(self) -> None:
        self._words.drop()

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, guidance: Tensor | None = None
    ) -> Tensor:
        """The velocity; ``timesteps`` (n,), or (1,) for all. Texts of unlike length are computed apart."""
        assert isinstance(conditioning, ZImageConditioning)
        assert guidance is None
        n = len(noisy)
        pictures = noisy.to(self.dtype).unsqueeze(2)  # one frame
        times = (SCALE - timesteps.to(self.device).expand(n)) / SCALE

        def compute(index: Tensor) -> Tensor:
            text = conditioning.rows(index.tolist())
            answers = self._transformer(
                [*pictures[index]],
                times[index],
                [row.to(self.dtype) for row in text.hidden],
                return_dict=False,
            )[0]
            return -torch.stack(answers).squeeze(2)  # it answers from noise to picture

        return in_parts(self._parts(conditioning), compute)

    def _parts(self, conditioning: ZImageConditioning) -> Sequence[Sequence[int]]:
        """Places that may be computed together: no text is padded to the length of its neighbour."""
        if self._alone:
            return [[place] for place in range(len(conditioning.hidden))]
        alike: dict[int, list[int]] = {}
        for place, row in enumerate(conditioning.hidden):
            alike.setdefault(len(row), []).append(place)
        return [*alike.values()]

    def sample_timesteps(
        self,
        n: int,
        generator: torch.Generator,
        levels: NoiseLevels = NoiseLevels.UNIFORM,
        shape: tuple[int, int, int] | None = None,  # noqa: ARG002 - this family shifts alike at every size
    ) -> Tensor:
        """Noise levels times 1000."""
        return flow_matching.draw_timesteps(n, generator, levels, TEACH_SHIFT)
