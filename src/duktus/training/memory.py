"""How much memory is free, what a base takes of it, and whether a run fits beside it."""

from __future__ import annotations

import ctypes
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import torch

from duktus.families import at_use
from duktus.families.pretrained import DTYPES
from duktus.families.safetensors_header import read_header

if TYPE_CHECKING:
    from duktus.domain.base import Base
    from duktus.families.family import LoadedBase
    from duktus.families.holding import Holding
    from duktus.training.measures import Measures

SHARE = 0.8
"""Of the free memory that a step may keep; the rest is for what comes and goes within an operation."""
CGROUP = Path("/sys/fs/cgroup")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MOST_IN_HEAP = 32 * 2**20
"""As far as glibc's own threshold goes, mallopt(3)."""
DENOISERS = ("unet", "transformer")
"""What the folder of a denoiser is called."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A run with some measures against the memory that is free. Sizes in bytes."""

    measures: Measures
    held: int
    """By the denoiser's weights."""
    step: int
    """What a step keeps beside them."""
    room: int
    """Free once the encoders are gone, beside the denoiser."""
    asked: bool
    """Whether the settings say so, not the memory."""
    slower: float = 1.0
    """How many times as long a step takes as without the measures."""

    @property
    def needed(self) -> int:
        """By the run in all."""
        return self.held + self.step

    @property
    def free(self) -> int:
        """For the run in all."""
        return self.held + self.room

    @property
    def fits(self) -> bool:
        """Whether it is safe."""
        return self.step <= SHARE * self.room

    @property
    def words(self) -> str:
        """Measures, sizes and cost in a sentence or two."""
        done = self.measures.words
        needs = f"he run needs about {size(self.needed)} of {size(self.free)} free"
        said = f"With {done}, t{needs}" if done else f"T{needs}"
        if done:
            said += f"; steps take {self.slower:.1f} times as long as without"
        said += ", as asked." if done and self.asked else "."
        if self.measures.int8:
            said += (
                " The base's large weights are about 1 % off while it is taught; the style file is one for "
                "the whole base."
            )
        if self.measures.offload:
            said += " They" if self.measures.int8 else " The base's large weights"
            said += " are brought block by block for each step; what is learned is the same."
        if not self.fits:
            said += " That is hardly enough: close other programs, or lower --batch or --resolution."
        return said


def size(count: int) -> str:
    """Bytes as people say them."""
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"


def expected_bytes(base: Base, dtype: str, holding: Holding) -> int:
    """What all networks of a base take on the device once it is loaded, by the headers of its files alone;
    rather less.
    """
    return sum(
        _bytes(path, dtype, holding, denoiser=path.parent.name in DENOISERS)
        for path in sorted(base.folder.glob("*/*.safetensors"))
    )


def _bytes(path: Path, dtype: str, holding: Holding, *, denoiser: bool) -> int:
    each = DTYPES[dtype].itemsize
    total = 0
    for entry in read_header(path).tensors.values():
        large = denoiser and len(entry.shape) > 1
        total += entry.values * (0 if large and holding.offload else 1 if large and holding.int8 else each)
    return total


def free_memory(device: torch.device) -> int:
    """Bytes that can still be taken on that device, within the limits that hold for this process."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    free = psutil.virtual_memory().available
    within = cgroup_room(CGROUP)
    return free if within is None else min(free, within)


def cgroup_room(folder: Path) -> int | None:
    """What a container's limit (cgroup v2) leaves; None without one. Cached files give way."""
    try:
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        facts = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        cached = next(int(line.split()[1]) for line in facts if line.startswith("inactive_file "))
    except (OSError, ValueError, StopIteration):  # "max" is no number: there is no limit
        return None
    return max(0, limit - used + cached)


def keep_freed_memory() -> None:
    """Let the C library keep what a step frees for the next, in this process from now on; glibc only.

    By default it hands the end of its heap back to the system after each pass and asks for it again, page
    by page: 4,500 page faults and a twentieth of a step's time on the miniature. Blocks of more than 32 MB,
    as full-size bases use, are handed back as before; :func:`release` hands back the rest.
    """
    if (library := _glibc()) is not None:
        library.mallopt(_M_MMAP_THRESHOLD, _MOST_IN_HEAP)
        library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def release(base: LoadedBase) -> None:
    """Free a base now: its modules hang together in circles that Python would find late. Nothing else may
    be asked of it.
    """
    for convoy in at_use.convoys(base.denoiser):
        convoy.forget()
    base.denoiser.to("meta")
    base.drop_encoders()
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def out_of_memory(error: BaseException) -> bool:
    """Whether that is torch's word for too little memory, on a GPU or a CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)
