"""What this machine brings: versions, devices, and what they can compute in, found out by trying it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from packaging.requirements import Requirement

from duktus.domain.base import Role
from duktus.domain.errors import InputError
from duktus.domain.style import TeachSettings
from duktus.families.registry import family

if TYPE_CHECKING:
    from collections.abc import Callable

    from duktus.domain.base import Base
    from duktus.training.probe import Survey, Trial

GB = 1024**3
LEAST_MEMORY = 2 * GB
LEAST_DISK = 1 * GB
LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "huggingface-hub", "numpy", "pillow")
OPTIONAL = {
    "peft": "with it, style check proves its diffusers row by really loading the file",
    "spandrel": "with it, upscale reads upscaler networks",
}
NVIDIA = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``ok``, what was found, line by line if there is more, and what to do when it is
    not well.
    """

    name: str
    ok: bool
    found: str
    next_step: str = ""
    details: tuple[str, ...] = ()


def python() -> Finding:
    """The interpreter and the system it runs on."""
    system = f"{platform.system()} {platform.machine()}"
    if platform.system() == "Darwin":
        system = f"macOS {platform.mac_ver()[0]} {platform.machine()}"
    found = f"{platform.python_version()} on {system}"
    if emulated():
        return Finding(
            "python",
            ok=False,
            found=f"{found}, emulated on Apple silicon",
            next_step="Install Python for arm64: this one is slow and cannot reach the GPU.",
        )
    way_out = "" if sys.version_info >= (3, 11) else "Install Python 3.11 or newer."
    return Finding("python", ok=not way_out, found=found, next_step=way_out)


def emulated() -> bool:
    """Whether this is an Intel Python on an Apple processor: the kernel tells its own kind."""
    return platform.system() == "Darwin" and platform.machine() == "x86_64" and "ARM64" in platform.version()


def libraries() -> Iterator[Finding]:
    """The versions that matter; those that are missing, or not the ones duktus is made for."""
    wanted = _wanted()
    there: list[str] = []
    missing: list[str] = []
    other: list[tuple[str, str]] = []
    for name in LIBRARIES:
        version = _version(name)
        if version is None:
            missing.append(name)
            continue
        there.append(f"{name} {version}")
        asked = wanted.get(name)
        if asked is not None and not asked.specifier.contains(version.partition("+")[0], prereleases=True):
            other.append((f"{name} {version}, where duktus is made for {asked.specifier}", str(asked)))
    absent = [f"{name} is not installed: {gain}" for name, gain in OPTIONAL.items() if not _version(name)]
    yield Finding("libraries", ok=not missing, found=", ".join(there), details=tuple(absent))
    if missing:
        yield Finding(
            "missing",
            ok=False,
            found=", ".join(missing),
            next_step=f"Install them: pip install {' '.join(missing)}.",
        )
    if other:
        yield Finding(
            "versions",
            ok=False,
            found="; ".join(words for words, _ in other),
            next_step="Another program may have replaced them. Give duktus an environment of its own, or: "
            f"pip install {' '.join(repr(asked) for _, asked in other)}.",
        )


def _wanted() -> dict[str, Requirement]:
    """What duktus itself asks for, by name; nothing where it runs without being installed."""
    try:
        asked = importlib.metadata.requires("duktus") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found = [Requirement(line) for line in asked]
    return {one.name.lower(): one for one in found if one.marker is None or one.marker.evaluate()}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def devices() -> Finding:
    """The processors PyTorch can use, with the free memory of each, and a GPU that it cannot."""
    try:
        import torch  # noqa: PLC0415 - a broken torch is a finding, not a crash
    except (ImportError, OSError) as error:
        return Finding(
            "devices",
            ok=False,
            found=f"PyTorch cannot be loaded: {error}",
            next_step="Install it again: pip install --force-reinstall torch.",
        )
    found = [f"cpu ({os.cpu_count()} cores, {torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            free, whole = torch.cuda.mem_get_info(number)
            memory = f"{free / GB:.1f} of {whole / GB:.1f} GB free"
            found.append(f"cuda ({torch.cuda.get_device_name(number)}, {memory}, CUDA {torch.version.cuda})")
    elif torch.backends.mps.is_available():
        room = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        found.append(f"mps ({room / GB:.1f} GB to use)")
    way_out = _unused_gpu(cuda=torch.cuda.is_available(), built=torch.version.cuda is not None)
    return Finding("devices", ok=not way_out, found=", ".join(found), next_step=way_out)


def _unused_gpu(*, cuda: bool, built: bool) -> str:
    """What to do about a GPU that is in this machine and that PyTorch does not see; empty without one."""
    if cuda or not (NVIDIA.is_file() or shutil.which("nvidia-smi")):
        return ""
    if not built:
        return (
            "There is an NVIDIA GPU here, and this PyTorch is built without CUDA: install the edition that "
            "pytorch.org names under Get Started for your driver."
        )
    return (
        "There is an NVIDIA GPU here that PyTorch cannot reach: look whether nvidia-smi answers and whether "
        "CUDA_VISIBLE_DEVICES hides it, then bring the driver up to date."
    )


def memory() -> Finding:
    """Free memory of the machine."""
    there = psutil.virtual_memory()
    well = there.available >= LEAST_MEMORY
    found = f"{there.available / GB:.1f} of {there.total / GB:.1f} GB free"
    way_out = "Close other programs: teaching on the miniature needs about 2 GB."
    return Finding("memory", ok=well, found=found, next_step="" if well else way_out)


def disk(place: Path) -> Finding:
    """Free room where the workspace is or would be."""
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    well = free >= LEAST_DISK
    way_out = "Free some space before teaching or a large sweep."
    found = f"{free / GB:.1f} GB free at {existing}"
    return Finding("disk", ok=well, found=found, next_step="" if well else way_out)


def trials(base: Base, say: Callable[[str], object]) -> Finding:
    """One picture forward and back on this base, on every device and in every arithmetic."""
    from duktus.training.probe import survey  # noqa: PLC0415 - loads torch

    if base.role in (Role.RENDER_ONLY, Role.INPAINTING):
        say(f"{base.name} is not for teaching; what it computes in is tried all the same.")
    settings = _settings(base)
    done = survey(base, settings, say)
    return _tried(done, f"{base.name} at {settings.resolution} px")


def _settings(base: Base) -> TeachSettings:
    own = family(base.family).teach_defaults(base)
    return TeachSettings(
        trigger="duktus",
        steps=own.steps,
        learning_rate=own.learning_rate,
        resolution=own.resolution,
        targets=own.targets,
        min_snr_gamma=own.min_snr_gamma,
        noise_levels=own.noise_levels,
        batch=1,
    )


def _tried(done: Survey, where: str) -> Finding:
    details = tuple(_line(trial) for trial in done.trials)
    if done.taken is not None:
        best = f"{done.taken.device} in {done.taken.dtype}"
        return Finding("computes", ok=True, found=f"best on {best}; tried on {where}", details=details)
    return Finding(
        "computes",
        ok=False,
        found=f"nothing works on {where}",
        next_step="Name a smaller base with --base, free some memory, or update PyTorch.",
        details=details,
    )


def _line(trial: Trial) -> str:
    if trial.fault.startswith("failed") and trial.device == "mps":
        return f"{trial.words}; PYTORCH_ENABLE_MPS_FALLBACK=1 lets the CPU do what this GPU lacks"
    return trial.words


def known(base: Base) -> Finding:
    """The base that was tried, in short."""
    size = f"{base.render.width} x {base.render.height} px"
    return Finding("base", ok=True, found=f"{base.name} ({base.family}, {base.role.value}, {size})")


def check_quick(base: str | None, *, quick: bool) -> None:
    """:class:`InputError` for a base to try when nothing is to be tried."""
    if quick and base is not None:
        raise InputError("--quick tries nothing, --base names what to try.", next_step="Leave one out.")
