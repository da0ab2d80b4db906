"""From a portrait to a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from duktus.miniature.world.contour_wash import contour_wash
from duktus.miniature.world.dry import charcoal, pencil
from duktus.miniature.world.paint import cartoon, photo, watercolour
from duktus.miniature.world.portrait import Medium, Portrait
from duktus.miniature.world.prints import linocut, risograph
from duktus.miniature.world.raster import Array, to_bytes
from duktus.miniature.world.scene import Scene, build_scene

_HANDS: dict[Medium, Callable[[Scene, np.random.Generator], Array]] = {
    Medium.PHOTO: photo,
    Medium.CARTOON: cartoon,
    Medium.PENCIL: pencil,
    Medium.WATERCOLOUR: watercolour,
    Medium.CHARCOAL: charcoal,
    Medium.RISOGRAPH: risograph,
    Medium.CONTOUR_WASH: contour_wash,
    Medium.LINOCUT: linocut,
}


def draw(portrait: Portrait, seed: int, size: int = 128) -> npt.NDArray[np.uint8]:
    """The portrait as a (size, size, 3) picture of bytes.

    The same portrait, seed and size give the same picture. The seed varies head shape, position,
    light and strokes, never what the portrait says. The geometry does not depend on the medium,
    so one seed shows one sitter in every hand.
    """
    shape, touch = np.random.SeedSequence([seed & 0xFFFFFFFFFFFFFFFF, 0xD0C7]).spawn(2)
    scene = build_scene(portrait, np.random.default_rng(shape), size)
    return to_bytes(_HANDS[portrait.medium](scene, np.random.default_rng(touch)))
