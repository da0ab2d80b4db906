"""How the frozen weights of a denoiser are held in memory. No torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holding:
    """Stock when nothing is set: every weight on the device, in the dtype that is computed in."""

    int8: bool = False
    """The large weights of the blocks in eight bits, made whole again where they are used."""
    offload: bool = False
    """Those weights away from where they are computed with, near one block at a time. For a CPU they stay in
    their files on the disk, for a GPU in the machine's memory.
    """


STOCK = Holding()
