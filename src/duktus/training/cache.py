"""Pictures and captions turned into what the denoiser sees, once, before training.

Latents are kept as posterior mean and deviation, so that each step still draws a fresh sample: caching one
sample would freeze its noise (https://github.com/unslothai/unsloth/pull/6838 measures the difference).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from duktus.domain.errors import MismatchError
from duktus.domain.style import Method
from duktus.families.family import LearnsWords
from duktus.training.captions import neutral_caption
from duktus.training.pictures import open_picture
from duktus.training.randomness import generator_for, number_for
from duktus.training.training_set import split_class
from duktus.training.word import text_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from duktus.domain.style import TeachSettings
    from duktus.families.family import Conditioning, LoadedBase
    from duktus.training.training_set import TrainingPicture, TrainingSet

SMALLEST_CROP = 0.8
"""A random crop shows at least this part of the largest square's edge."""
_ENCODE_BATCH = 4


@dataclass(frozen=True, slots=True)
class Latents:
    """The variants (crops, flips) of some pictures: scaled latents on the base's device."""

    mean: Tensor
    """(variants, channels, height, width) float32; a picture's first variant is its centre crop."""
    deviation: Tensor
    """Of the same shape."""
    picture: tuple[int, ...]
    """Which picture each variant shows."""
    text: tuple[int, ...]
    """Row of each picture's caption in the conditioning table."""
    keys: tuple[str, ...]
    """SHA-256 of each picture's file."""


@dataclass(frozen=True, slots=True)
class Cache:
    """All that a run needs once the encoders are gone."""

    taught: Latents
    held_out: Latents | None
    conditioning: Conditioning
    """One row per different caption, neutral ones among them, then the empty caption. Where a word is taught,
    rows are encoded when they are asked for.
    """
    empty: int
    """The row of the empty caption."""
    neutral: tuple[int, ...] = ()
    """The row of each taught picture's neutral caption; empty without a self-prior."""
    prior: Latents | None = None
    """The class pictures; None without a prior."""
    prior_kept: Latents | None = None
    """Those of them that are only measured on."""


def build_cache(
    base: LoadedBase,
    taught: TrainingSet,
    held_out: TrainingSet | None,
    settings: TeachSettings,
    prior: TrainingSet | None = None,
) -> Cache:
    """Encode everything and drop the encoders of ``base`` that are no longer needed. ``prior`` are class
    pictures.

    Raises :class:`MismatchError` when a picture changed since it was checked.
    """
    learned, kept = split_class(prior) if prior else (None, None)
    shown = [picture for group in (taught, held_out, prior) if group for picture in group.pictures]
    neutral: list[str] = []
    if settings.self_prior is not None:
        neutral = [neutral_caption(picture.caption, settings) for picture in taught.pictures]
    captions = [*(picture.caption for picture in shown), *neutral]
    texts = [*dict.fromkeys(caption for caption in captions if caption), ""]
    rows = {text: row for row, text in enumerate(texts)}
    with torch.no_grad():
        conditioning = text_table(base, texts, settings)
        once = [
            _encode(base, group.pictures, rows, settings) if group and group.pictures else None
            for group in (held_out, learned, kept)
        ]
        cache = Cache(
            _encode(base, taught.pictures, rows, settings, settings.crops, flip=settings.flip),
            once[0],
            conditioning,
            rows[""],
            neutral=tuple(rows[caption] for caption in neutral),
            prior=once[1],
            prior_kept=once[2],
        )
    if settings.method is Method.TEXTUAL_INVERSION and isinstance(base, LearnsWords):
        base.drop_pictures()  # the text encoders take part in every step
    else:
        base.drop_encoders()
    return cache


def data_order(variants: int, batch: int, step: int, seed: int) -> list[int]:
    """Which variants step ``step`` (from 0) shows: each once per round, every round shuffled anew."""
    places = range(step * batch, (step + 1) * batch)
    rounds = {place // variants for place in places}
    order = {n: torch.randperm(variants, generator=generator_for(seed, "order", n)).tolist() for n in rounds}
    return [order[place // variants][place % variants] for place in places]


def squares(
    pixels: NDArray[np.uint8], resolution: int, crops: int, *, flip: bool, seed: int
) -> Iterator[NDArray[np.uint8]]:
    """The centre square of a picture and ``crops - 1`` random ones, each followed by its mirror image
    when ``flip``; all (resolution, resolution, 3) uint8. ``seed`` decides the random ones.
    """
    image = Image.fromarray(pixels)
    short = min(image.size)
    draw = np.random.default_rng(seed)
    for number in range(crops):
        edge = short if number == 0 else round(short * draw.uniform(SMALLEST_CROP, 1))
        room = (image.width - edge, image.height - edge)
        place = (0.5, 0.5) if number == 0 else tuple(draw.uniform(size=2))
        left, top = round(room[0] * place[0]), round(room[1] * place[1])
        box = (left, top, left + edge, top + edge)
        square = np.asarray(image.resize((resolution, resolution), Image.Resampling.LANCZOS, box=box))
        yield square
        if flip:
            yield square[:, ::-1].copy()


def _encode(
    base: LoadedBase,
    pictures: Sequence[TrainingPicture],
    rows: dict[str, int],
    settings: TeachSettings,
    crops: int = 1,
    *,
    flip: bool = False,
) -> Latents:
    shown: list[int] = []
    means: list[Tensor] = []
    deviations: list[Tensor] = []
    waiting: list[NDArray[np.uint8]] = []

    def encode_waiting() -> None:
        pixels = torch.from_numpy(np.stack(waiting)).permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1
        mean, deviation = base.encode_pictures(pixels.to(base.device))
        means.append(mean.float())
        deviations.append(deviation.float())
        waiting.clear()

    for index, picture in enumerate(pictures):
        seed = number_for(settings.seed, "crops", picture.sha256)
        for square in squares(_pixels(picture), settings.resolution, crops, flip=flip, seed=seed):
            waiting.append(square)
            shown.append(index)
            if len(waiting) == _ENCODE_BATCH:
                encode_waiting()
    if waiting:
        encode_waiting()
    return Latents(
        torch.cat(means),
        torch.cat(deviations),
        tuple(shown),
        tuple(rows[picture.caption] for picture in pictures),
        tuple(picture.sha256 for picture in pictures),
    )


def _pixels(picture: TrainingPicture) -> NDArray[np.uint8]:
    opened = open_picture(picture.path)
    if opened.sha256 != picture.sha256:
        raise MismatchError(
            f"{picture.path.name} changed after it was checked.",
            "What is learned must be what was checked and recorded.",
            "Start again once the folder is still.",
        )
    return opened.pixels
