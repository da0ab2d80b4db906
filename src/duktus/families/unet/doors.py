"""The doors of a family with a U-Net to the networks beside it: what holds its pictures to others, and
what it looks at. Everything but loading and showing works without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.families.unet import controls, ip_adapter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duktus.domain.base import Base
    from duktus.families.control import ControlNetwork, LoadedControl
    from duktus.families.family import LoadedBase
    from duktus.families.reference import LoadedReference, ReferenceNetwork, Shown


class TakesUnetControls:
    """The part of a U-Net family that is :class:`duktus.families.control.Steerable`."""

    def describe_control(self, place: Path) -> ControlNetwork:
        """The ControlNet or T2I-Adapter there, checked and hashed."""
        return controls.describe(place)

    def check_control(self, base: Base, network: ControlNetwork) -> None:
        """Refuse a network of another kind of base."""
        controls.check(base, network)

    def load_control(self, network: ControlNetwork, base: LoadedBase) -> LoadedControl:
        """The network in memory, beside a base of this family."""
        controls.check(base.base, network)
        from duktus.families.unet.base import UnetBase  # noqa: PLC0415 - loads torch

        assert isinstance(base, UnetBase)
        if network.kind == "T2I-Adapter":
            from duktus.families.unet.loaded_adapter import LoadedAdapter  # noqa: PLC0415

            return LoadedAdapter(network, base)
        from duktus.families.unet.loaded_controlnet import LoadedControlNet  # noqa: PLC0415

        return LoadedControlNet(network, base)


class TakesUnetReferences:
    """The part of a U-Net family that is :class:`duktus.families.reference.Referring`."""

    def describe_reference(self, file: Path, encoder: Path) -> ReferenceNetwork:
        """The IP-Adapter with its image encoder, checked and hashed."""
        return ip_adapter.describe(file, encoder)

    def check_reference(self, base: Base, network: ReferenceNetwork) -> None:
        """Refuse an adapter of another kind of base."""
        ip_adapter.check(base, network)

    def load_reference(self, network: ReferenceNetwork, base: LoadedBase) -> LoadedReference:
        """The adapter in memory, beside a base of this family."""
        from duktus.families.unet.loaded_reference import LoadedIpAdapter  # noqa: PLC0415 - loads torch

        ip_adapter.check(base.base, network)
        return LoadedIpAdapter(network, base)

    def show(self, base: LoadedBase, shown: Sequence[Shown]) -> None:
        """Let the U-Net's attention look at these, and at nothing else."""
        from duktus.families.unet.reference_attention import show  # noqa: PLC0415 - loads torch

        show(base.denoiser, shown)
