"""Enlarging a finished picture with a network, in tiles that overlap so that no seam shows.

Every tile is computed alone at one shape, so the bits depend on the picture, the network and the tiling, and
memory on the tile alone.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from duktus.domain.errors import InputError, MismatchError
from duktus.families.upscaler import UpscalerKind, UpscalerNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from duktus.domain.beginning import Upscale
    from duktus.rendering.compare import Pixels

NEEDED = ("spandrel", "torchvision")


class Upscaler:
    """A network in memory. ``factor`` is how many times wider and higher its pictures become."""

    def __init__(self, network: UpscalerNetwork, device: str = "cpu") -> None:
        self.device = torch.device(device)
        made = _swin2sr(network) if network.kind is UpscalerKind.SWIN2SR else _spandrel(network)
        self._module, self.factor = made
        self._module.to(self.device).eval().requires_grad_(requires_grad=False)

    def enlarge(
        self, pixels: Pixels, how: Upscale, on_tile: Callable[[int, int], None] | None = None
    ) -> Pixels:
        """(h * factor, w * factor, 3) of (h, w, 3).

        Tiles of ``how.tile`` pixels overlap by ``how.overlap`` on each side; there the answers are mixed
        linearly. ``on_tile`` gets tiles done and tiles in all.
        """
        if how.factor != self.factor:
            raise MismatchError(
                f"The upscaler enlarges {self.factor} times, the recipe asks for {how.factor}.",
                "The network or its configuration was exchanged.",
                "Use the network that the recipe names.",
            )
        height, width = pixels.shape[:2]
        total = np.zeros((height * self.factor, width * self.factor, 3), np.float64)
        weights = np.zeros(total.shape[:2], np.float64)
        tiles = [(y, x) for y in places(height, how) for x in places(width, how)]
        for done, (y, x) in enumerate(tiles, start=1):
            tile = pixels[y : y + how.tile, x : x + how.tile]
            answer = self._answer(tile)
            share = _share(tile.shape[:2], (y, x), (height, width), how.overlap, self.factor)
            rows = slice(y * self.factor, y * self.factor + answer.shape[0])
            columns = slice(x * self.factor, x * self.factor + answer.shape[1])
            total[rows, columns] += answer * share[:, :, None]
            weights[rows, columns] += share
            if on_tile is not None:
                on_tile(done, len(tiles))
        return np.rint(np.clip(total / weights[:, :, None], 0, 1) * 255).astype(np.uint8)

    def _answer(self, tile: Pixels) -> NDArray[np.float64]:
        seen = torch.from_numpy(tile.copy()).permute(2, 0, 1)[None].float().to(self.device) / 255
        with torch.inference_mode():
            found: Any = self._module(seen)
        answer: Tensor = getattr(found, "reconstruction", found)
        expected = (tile.shape[0] * self.factor, tile.shape[1] * self.factor)
        if answer.shape[1:] != (3, *expected) or not bool(torch.isfinite(answer).all()):
            raise InputError(
                "The upscaler gave no picture.",
                f"Its answer has the shape {tuple(answer.shape)} or is not finite.",
                "Its files are damaged, or it is a network for something else.",
            )
        return answer[0].permute(1, 2, 0).cpu().double().numpy()


def places(length: int, how: Upscale) -> list[int]:
    """Where tiles begin along one side, the last one flush with the end."""
    if length <= how.tile:
        return [0]
    step = how.tile - 2 * how.overlap
    count = -(-(length - how.tile) // step)
    return [min(number * step, length - how.tile) for number in range(count + 1)]


def _share(
    size: tuple[int, int], at: tuple[int, int], whole: tuple[int, int], overlap: int, factor: int
) -> NDArray[np.float64]:
    """How much a tile counts at each of its places: less towards those edges that others overlap."""
    sides: list[NDArray[np.float64]] = []
    for length, begin, end in zip(size, at, whole, strict=True):
        side = np.ones(length * factor)
        if overlap:
            reach = min(2 * overlap, length) * factor
            ramp = (np.arange(reach) + 0.5) / reach
            if begin > 0:
                side[:reach] *= ramp
            if begin + length < end:
                side[-reach:] *= ramp[::-1]
        sides.append(side)
    return sides[0][:, None] * sides[1][None, :]


def _swin2sr(network: UpscalerNetwork) -> tuple[Any, int]:
    from transformers import Swin2SRForImageSuperResolution  # noqa: PLC0415 - only who enlarges needs it
    from transformers.utils import logging  # noqa: PLC0415

    loading: Any = Swin2SRForImageSuperResolution
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        module = loading.from_pretrained(network.path, local_files_only=True, use_safetensors=True)
    finally:
        if bars:
            logging.enable_progress_bar()
    return module.float(), int(module.config.upscale)  # half-precision files compute in float32 as others do


def _spandrel(network: UpscalerNetwork) -> tuple[Any, int]:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{network.path.name} cannot be loaded: {' and '.join(missing)} not installed.",
            "Files of the Real-ESRGAN kind are read by spandrel, an optional part that needs torchvision.",
            "Install it with pip install 'duktus[upscalers]', or use a Swin2SR folder, which needs neither.",
        )
    import spandrel  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    reading: Any = spandrel
    try:
        found = reading.ModelLoader().load_from_state_dict(load_file(network.path))
    except Exception as error:  # spandrel's own errors are of no common kind
        raise InputError(
            f"{network.path.name} is no upscaler that spandrel knows.",
            f"{str(error).rstrip('.') or 'Its tensors are those of no architecture in its list'}.",
            "Take another file.",
        ) from error
    if not isinstance(found, reading.ImageModelDescriptor) or found.input_channels != 3:
        raise InputError(f"{network.path.name} does not enlarge colour pictures.", "", "Take another file.")
    return found.model, int(found.scale)
