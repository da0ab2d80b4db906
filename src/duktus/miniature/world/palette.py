"""The colours behind the words, as plain sRGB triples in 0..1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from duktus.miniature.world.portrait import BackgroundColour, ClothesColour, HairColour, Skin
from duktus.miniature.world.raster import Array

Triple = npt.NDArray[np.float32]


def rgb(code: str) -> Triple:
    """A triple in 0..1 from six hexadecimal digits."""
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / np.float32(255)


BACKGROUND: dict[BackgroundColour, Triple] = {
    BackgroundColour.BLUE: rgb("3f78c9"),
    BackgroundColour.GREEN: rgb("4aa05a"),
    BackgroundColour.YELLOW: rgb("f2d13c"),
    BackgroundColour.PINK: rgb("f09ab8"),
    BackgroundColour.ORANGE: rgb("ee8130"),
    BackgroundColour.PURPLE: rgb("7f52ad"),
    BackgroundColour.WHITE: rgb("f3f2ee"),
    BackgroundColour.GREY: rgb("86888c"),
}

HAIR: dict[HairColour, Triple] = {
    HairColour.BLACK: rgb("1e1c22"),
    HairColour.BROWN: rgb("6b3f22"),
    HairColour.BLONDE: rgb("ecc865"),
    HairColour.RED: rgb("c8401c"),
    HairColour.GREY: rgb("b4b6ba"),
    HairColour.BLUE: rgb("2f62d0"),
}

SKIN: dict[Skin, Triple] = {
    Skin.PALE: rgb("f7d8c4"),
    Skin.TAN: rgb("dca67c"),
    Skin.BROWN: rgb("a56a44"),
    Skin.DARK: rgb("6e4330"),
}

LIPS: dict[Skin, Triple] = {
    Skin.PALE: rgb("cc5f5c"),
    Skin.TAN: rgb("b5504a"),
    Skin.BROWN: rgb("8c3a3a"),
    Skin.DARK: rgb("a85a55"),
}

CLOTHES: dict[ClothesColour, Triple] = {
    ClothesColour.RED: rgb("cb2a2f"),
    ClothesColour.BLUE: rgb("2750a8"),
    ClothesColour.GREEN: rgb("27804a"),
    ClothesColour.YELLOW: rgb("f0c325"),
    ClothesColour.BLACK: rgb("25252b"),
    ClothesColour.WHITE: rgb("f4f3ef"),
}

IRIS: tuple[Triple, ...] = (rgb("4b76a8"), rgb("4f7f4a"), rgb("6a4325"), rgb("3a2a22"))


def mix(one: npt.ArrayLike, other: npt.ArrayLike, share: float) -> Triple:
    """`one` with `share` of `other`."""
    first = np.asarray(one, np.float32)
    return np.asarray(first + share * (np.asarray(other, np.float32) - first), np.float32)


def saturate(picture: Array, factor: float) -> Array:
    """A picture (or triple) with its chroma scaled by `factor`."""
    grey = np.asarray(picture @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)[..., None]
    return np.asarray(np.clip(grey + factor * (picture - grey), 0.0, 1.0), np.float32)


def luminance_of(colour: Triple) -> float:
    """How light a triple is, 0..1."""
    return float(colour @ np.array([0.299, 0.587, 0.114], np.float32))
