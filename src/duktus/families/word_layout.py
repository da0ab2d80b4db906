"""The file of a learned word: textual inversion as other programs read it.

With one text encoder (Stable Diffusion 1.x) the file holds one tensor (vectors, width) named ``emb_params``,
with two (SDXL) one for each, ``clip_l`` and ``clip_g``; both as kohya-ss/sd-scripts writes them
(``train_textual_inversion.py`` and ``sdxl_train_textual_inversion.py``). Who reads them:

- A1111 (``modules/textual_inversion/textual_inversion.py``): the only tensor of a file whatever its name, or
  ``clip_l`` and ``clip_g``; the word is the name of the file;
- ComfyUI (``comfy/sd1_clip.py``, ``load_embed``): the tensor named after the encoder, else the first one; the
  word is ``embedding:`` and the name of the file;
- diffusers (``loaders/textual_inversion.py``): the only tensor of a file with ``token=WORD``; of two tensors
  each by itself, with the encoder and the tokenizer it is for;
- InvokeAI (``textual_inversion.py``, ``TextualInversionModelRaw``): ``emb_params``, or ``clip_g`` and
  ``clip_l``; tells the base by the width of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import InputError, MismatchError
from duktus.families.family import LearnsWords
from duktus.families.style_file import read_file, write_file
from duktus.families.style_metadata import word_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from duktus.families.family import LoadedBase
    from duktus.families.learned_words import Vectors


@dataclass(frozen=True, slots=True)
class WordLayout:
    """How one family's files name the vectors of each text encoder, and what they say of themselves."""

    names: Mapping[str, str]
    """``text_encoder``, ``text_encoder_2`` -> the tensor's name."""
    metadata: Mapping[str, str]

    def write(self, path: Path, vectors: Vectors, metadata: Mapping[str, str]) -> str:
        """Write the vectors (n, width) of each encoder in float32; return the tensor hash.

        ``metadata`` takes what :func:`duktus.families.style_metadata.word_metadata` takes.
        """
        assert set(vectors) == set(self.names)
        check_vectors(vectors, "The word")
        tensors = {self.names[encoder]: tensor.detach().float().cpu() for encoder, tensor in vectors.items()}
        count = len(next(iter(vectors.values())))
        return write_file(path, tensors, word_metadata(self.metadata, metadata, vectors=count))

    def read(self, path: Path, base: LoadedBase) -> dict[str, Tensor]:
        """The vectors of each encoder of ``base``, on its device.

        Raises:
            InputError: damaged, truncated, a pickle, NaN or infinite.
            MismatchError: other tensors, or of another width than this base's vectors.
        """
        tensors, _ = read_file(path)
        if set(tensors) != set(self.names.values()):
            raise MismatchError(
                f"{path.name} is not in the layout of this family:",
                f"it holds {', '.join(sorted(tensors)[:4])}, and a word {', '.join(self.names.values())}.",
                "Bring it in with duktus style import.",
            )
        assert isinstance(base, LearnsWords)
        widths = {encoder: own.shape[1] for encoder, own in base.vectors_of("").items()}
        vectors = {encoder: tensors[name].float().to(base.device) for encoder, name in self.names.items()}
        vectors = {encoder: vectors[encoder] for encoder in widths if encoder in vectors}
        for encoder, tensor in vectors.items():
            if tensor.ndim != 2 or tensor.shape[1] != widths[encoder]:
                raise MismatchError(
                    f"{path.name} is a word of another base than {base.base.name}:",
                    f"its vectors are of shape {tuple(tensor.shape)}; here a vector has {widths[encoder]} "
                    "numbers.",
                    "Render it with the base it was taught on.",
                )
        check_vectors(vectors, path.name)
        return vectors


def check_vectors(vectors: Vectors, what: str) -> None:
    """:class:`InputError` for vectors that are no numbers, and for encoders with more of them than others."""
    if not all(bool(torch.isfinite(tensor).all()) for tensor in vectors.values()):
        raise InputError(
            f"{what} is damaged:", "its vectors hold NaN or infinite values.", "Teach or copy it again."
        )
    if len({len(tensor) for tensor in vectors.values()}) != 1:
        raise InputError(
            f"{what} is damaged:",
            "it holds another number of vectors for each text encoder.",
            "Copy it again.",
        )
