"""What every base in memory does alike: networks out of its folder, pictures through its autoencoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.base import Base
from duktus.families.autoencoding import Autoencoder
from duktus.families.folder_hash import read_json
from duktus.families.holding import Holding
from duktus.families.pretrained import DTYPES, load_network

if TYPE_CHECKING:
    from torch import Tensor, nn


class FolderBase(ABC):
    """Loaded from a diffusers folder; whoever inherits sets ``_pictures`` and the denoiser."""

    _pictures: Autoencoder
    denoiser: nn.Module

    def __init__(self, base: Base, *, device: str, dtype: str, holding: Holding) -> None:
        self.base = base
        self._holding = holding
        self.encoder_bytes = 0
        self.device = torch.device(device)
        self.dtype = DTYPES[dtype]
        self._noise = read_json(base.folder / "scheduler" / "scheduler_config.json")

    def _network(self, kind: Any, name: str, dtype: torch.dtype | None = None) -> Any:
        """The network in that folder of the base, frozen, in the base's own dtype without another."""
        network = load_network(kind, self.base.folder, name, dtype=dtype or self.dtype, device=self.device)
        self.encoder_bytes += bytes_of(network)
        return network

    def _denoiser(self, kind: Any, name: str) -> Any:
        """The network in that folder of the base, its weights held as asked."""
        return load_network(
            kind, self.base.folder, name, dtype=self.dtype, device=self.device, holding=self._holding
        )

    def _autoencoder(
        self, kind: Any, dtype: torch.dtype | None = None, *, scaling: type[Autoencoder] = Autoencoder
    ) -> Autoencoder:
        dtype = dtype or self.dtype
        return scaling(self._network(kind, "vae", dtype), self.device, dtype)

    def encode_pictures(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and deviation of the scaled latents of (n, 3, h, w) pixels, one at a time."""
        return self._pictures.encode(pixels)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (n, 3, h, w) in [-1, 1], decoded picture by picture; once bits are held, together."""
        return self._pictures.decode(latents)

    def latent_to_rgb(self) -> Tensor:
        """(channels + 1, 3): weights and, last, the bias row; least squares over this base's decoder."""
        return self._pictures.latent_to_rgb()

    @property
    def denoiser_bytes(self) -> int:
        """What the denoiser's weights take on the device, as they are held."""
        return bytes_of(self.denoiser)

    def drop_encoders(self) -> None:
        """Free the text encoders and the autoencoder."""
        self.encoder_bytes = 0
        self.drop_pictures()
        self._drop_text_encoders()

    def drop_pictures(self) -> None:
        """Free the autoencoder alone."""
        self._pictures.drop()

    @abstractmethod
    def _drop_text_encoders(self) -> None: ...


def bytes_of(network: nn.Module) -> int:
    """Bytes of the parameters and buffers of a network, each storage once."""
    tensors = (*network.parameters(), *network.buffers())
    storages = (tensor.untyped_storage() for tensor in tensors)
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
