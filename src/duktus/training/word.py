"""Teaching a word: textual inversion (Gal et al. 2022, arXiv 2208.01618).

Only the vectors of the word have gradients; denoiser and text encoders stay as they are. The word begins as
the vectors of an initialising text, spread over as many as are taught as A1111 does. After every step a
vector that has grown longer than any in the encoder's own vocabulary is brought back to that length: its
direction carries the meaning, and vectors that grow on drown the words around them (Kim et al. 2025,
"Directional Textual Inversion", arXiv 2512.13672).
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from duktus.domain.errors import InputError, TrainingError
from duktus.domain.style import Method
from duktus.families import registry
from duktus.families.family import LearnsWords, TeachesWords
from duktus.training.checkpoint import storage_error
from duktus.training.export import Exported, style_metadata

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from duktus.domain.base import Base
    from duktus.domain.style import TeachSettings
    from duktus.families.family import Conditioning, LoadedBase


class WordTexts:
    """Texts that are encoded whenever they are asked for, for a word in them changes; a ``Conditioning``."""

    def __init__(self, base: LearnsWords, texts: Sequence[str]) -> None:
        self._base = base
        self._texts = tuple(texts)

    def rows(self, index: Sequence[int]) -> Conditioning:
        """The conditioning of the texts at ``index`` as they are now, each encoded once."""
        once = list(dict.fromkeys(index))
        encoded = self._base.encode_anew([self._texts[place] for place in once])
        return encoded.rows([once.index(place) for place in index])


def text_table(base: LoadedBase, texts: Sequence[str], settings: TeachSettings) -> Conditioning:
    """One row per text: what each becomes, once for all, or at every moment of a run that teaches a word."""
    if settings.method is not Method.TEXTUAL_INVERSION:
        with torch.no_grad():
            return base.encode_text(texts)
    if not isinstance(base, LearnsWords):
        raise cannot_learn(base.base)
    return WordTexts(base, texts)


class WordLearning:
    """See :class:`duktus.training.learning.Learning`."""

    def __init__(self, base: LoadedBase, settings: TeachSettings) -> None:
        if not isinstance(base, LearnsWords):
            raise cannot_learn(base.base)
        self._base = base
        self._about = base.base
        self._denoiser = base.denoiser
        self._settings = settings
        self._first = first_vectors(base, settings)
        self._longest = base.longest_vectors()
        self.named = {f"word.{encoder}": nn.Parameter(own.clone()) for encoder, own in self._first.items()}
        base.learned_words.teach(settings.trigger, self._vectors)

    @property
    def _vectors(self) -> dict[str, Tensor]:
        return {name.removeprefix("word."): parameter for name, parameter in self.named.items()}

    def settle(self) -> None:
        """No vector stays longer than the longest of the vocabulary."""
        with torch.no_grad():
            for encoder, vectors in self._vectors.items():
                lengths = vectors.norm(dim=1, keepdim=True)
                vectors.mul_((self._longest[encoder] / lengths).clamp(max=1))

    @contextmanager
    def silenced(self) -> Generator[None]:
        """Within, the word stands for what it began as."""
        self._base.learned_words.teach(self._settings.trigger, self._first)
        try:
            yield
        finally:
            self._base.learned_words.teach(self._settings.trigger, self._vectors)

    def fault(self) -> str:
        """Why nothing can come of it, or nothing."""
        if not all(bool(torch.isfinite(vectors).all()) for vectors in self._vectors.values()):
            return "not finite"
        same = all(torch.equal(vectors, self._first[name]) for name, vectors in self._vectors.items())
        return "the word stands for what it began as" if same else ""

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy values of the same names."""
        with torch.no_grad():
            for name, parameter in self.named.items():
                parameter.copy_(tensors[name])

    def write(self, path: Path, step: int) -> str:
        """Write the file of the word; return its tensor hash."""
        family = registry.family(self._about.family)
        assert isinstance(family, TeachesWords)
        told = style_metadata(self._about, self._settings, step)
        try:
            return family.write_word(path, self._vectors, told)
        except OSError as error:
            raise storage_error(path, error) from error

    def export(self, path: Path, step: int) -> Exported:
        """Write the file and prove it: read back, it holds the very numbers."""
        tensor_hash = self.write(path, step)
        family = registry.family(self._about.family)
        assert isinstance(family, TeachesWords)
        back = family.read_word(path, self._base)
        same = set(back) == set(self._vectors)
        if not same or not all(torch.equal(back[name], own) for name, own in self._vectors.items()):
            raise TrainingError(
                f"{path.name} does not hold what was taught.",
                "The family's file layout lost some of it.",
                "This is a fault of duktus; please report it.",
            )
        return Exported(path, tensor_hash, hashlib.sha256(path.read_bytes()).hexdigest(), 0, 0.0)

    def remove(self) -> None:
        """Forget the word."""
        self._base.learned_words.forget()

    def release(self) -> None:
        """Forget the word: its few vectors are no burden, but the text encoders are."""
        self._base.learned_words.forget()
        self._base.drop_encoders()


def first_vectors(base: LearnsWords, settings: TeachSettings) -> dict[str, Tensor]:
    """What the word begins as, (vectors, width) for each encoder: the initialising text's own vectors, taken
    at equal distances as A1111 takes them.

    Raises:
        InputError: no initialising text, or one that the vocabulary reads as nothing.
    """
    count = settings.vectors
    own = base.vectors_of(settings.init_word or "")
    if not all(len(vectors) for vectors in own.values()):
        raise InputError(
            f"The initialising word {settings.init_word!r} is no word for this base.",
            "Its vocabulary reads nothing in it.",
            "Name a word that comes near the hand, e.g. --init-word painting.",
        )
    return {
        encoder: vectors[[place * len(vectors) // count for place in range(count)]].clone()
        for encoder, vectors in own.items()
    }


def cannot_learn(base: Base) -> InputError:
    """The error for a base whose family has no vocabulary of vectors to extend."""
    able = ", ".join(sorted(name for name, one in registry.FAMILIES.items() if isinstance(one, TeachesWords)))
    return InputError(
        f"{base.name} cannot be taught a word: textual inversion is for CLIP text encoders.",
        f"Its family, {base.family}, reads prompts with another kind of text model, for whose vectors no "
        "program has a file.",
        f"Teach it a LoRA (leave --method out), or teach the word on a base of {able}.",
    )
