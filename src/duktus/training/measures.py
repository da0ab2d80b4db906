"""What a run may do where memory is short, from the mildest to the dearest: the ladder.

Gradient checkpointing costs time and changes nothing that is learned, so it comes first. Eight bits for the
frozen weights cost little time, but the style is then learned beside weights that are about one percent off.
Group offload is exact again, but each step moves the whole base, however long that takes, so it comes last.
docs/decisions/0009 says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duktus.domain.errors import InputError
from duktus.families.holding import Holding

if TYPE_CHECKING:
    from duktus.domain.style import TeachSettings


@dataclass(frozen=True, slots=True, order=True)
class Measures:
    """One rung. They compare by what they cost: the first field that differs decides."""

    offload: bool = False
    """The frozen base's large weights away from where they are computed with."""
    int8: bool = False
    """Those weights in eight bits."""
    recompute: bool = False
    """Gradient checkpointing."""

    @property
    def holding(self) -> Holding:
        """How the base is to be loaded."""
        return Holding(int8=self.int8, offload=self.offload)

    @property
    def words(self) -> str:
        """What is done, to stand in a sentence; empty for nothing."""
        every = (
            (self.recompute, "gradient checkpointing"),
            (self.int8, "8-bit base weights"),
            (self.offload, "group offload"),
        )
        done = [name for on, name in every if on]
        return " and ".join([", ".join(done[:-1]), done[-1]] if len(done) > 1 else done)


NOTHING = Measures()


def ladder(settings: TeachSettings, device: str) -> tuple[Measures, ...]:
    """The rungs that the settings leave open on a device (``cpu``, ``cuda``, ``mps``), mildest first.

    Raises :class:`InputError` where the settings ask for what the device cannot do.
    """
    every = (
        Measures(offload, int8, recompute)
        for offload in _open(settings.group_offload)
        for int8 in _open(settings.int8_base)
        for recompute in _open(settings.gradient_checkpointing)
    )
    rungs = tuple(sorted(rung for rung in every if _can(rung, device)))
    if not rungs:
        raise _impossible(device)
    return rungs


def asked(settings: TeachSettings, device: str) -> Measures:
    """What the settings ask for, and nothing that they leave open."""
    return ladder(settings, device)[0]


def _can(measures: Measures, device: str) -> bool:
    if not measures.offload:
        return True
    return not device.startswith("mps") and not (device.startswith("cpu") and measures.int8)


def _impossible(device: str) -> InputError:
    if device.startswith("mps"):
        why = "An Apple GPU shares the machine's memory, so there is nowhere for the weights to rest."
        return InputError("There is no group offload here.", why, "Leave out --group-offload on.")
    return InputError(
        "Group offload and 8-bit base weights exclude each other on a CPU.",
        "Offloaded weights stay in the base's files there, and those hold whole ones.",
        "Leave out --group-offload on, or --int8-base on.",
    )


def _open(setting: str) -> tuple[bool, ...]:
    return (False, True) if setting == "auto" else (setting == "on",)
