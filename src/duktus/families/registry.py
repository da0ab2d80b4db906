"""Every family, one line each; the only place that knows the concrete ones. Loads no torch."""

from __future__ import annotations

from pathlib import Path

from duktus.domain.base import Base
from duktus.domain.errors import InputError, MismatchError, NotFoundError
from duktus.families.control import Steerable
from duktus.families.family import Family, HandsOver, ReadsSingleFiles
from duktus.families.flux import Flux
from duktus.families.flux2 import Flux2
from duktus.families.reference import Referring
from duktus.families.sd15 import Sd15
from duktus.families.sdxl import Sdxl
from duktus.families.single_file import SingleFile, check_parts, checked_header, unknown_architecture
from duktus.families.zimage import ZImage

FAMILIES: dict[str, Family] = {
    "sd15": Sd15(),
    "sdxl": Sdxl(),
    "flux": Flux(),
    "zimage": ZImage(),
    "flux2": Flux2(),
}


def family(name: str) -> Family:
    """The family of that name; :class:`NotFoundError` naming those there are."""
    try:
        return FAMILIES[name]
    except KeyError:
        known = ", ".join(sorted(FAMILIES))
        raise NotFoundError(f"There is no family {name!r}.", f"duktus knows: {known}.") from None


def family_of(folder: Path) -> Family:
    """The family that recognises a diffusers folder; :class:`InputError` when none does."""
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder.", next_step="Name the folder that holds model_index.json."
        )
    for candidate in FAMILIES.values():
        if candidate.recognises(folder):
            return candidate
    known = ", ".join(sorted(FAMILIES))
    raise InputError(
        f"No family of duktus recognises {folder}.",
        f"A base is a folder in the diffusers layout (model_index.json, unet/, vae/, ...) of: {known}.",
        "Check that the folder is complete and of such a model.",
    )


def family_of_file(path: Path) -> tuple[Family, SingleFile]:
    """The family that recognises a single .safetensors file, and what it says of it.

    :class:`InputError` for what is no base, or of no family.
    """
    header = checked_header(path)
    for candidate in FAMILIES.values():
        if isinstance(candidate, ReadsSingleFiles):
            found = candidate.recognises_file(header)
            if found is not None:
                if found.lacks is None:
                    check_parts(path, header)
                return candidate, found
    check_parts(path, header)
    raise unknown_architecture(path, FAMILIES)


def steerable(name: str) -> Steerable:
    """The family of that name with its control side; :class:`MismatchError` when it has none."""
    found = family(name)
    if not isinstance(found, Steerable):
        raise MismatchError(
            f"Bases of family {name} take no control pictures here.",
            "duktus has no control networks for that architecture.",
            "Use a base of Stable Diffusion 1.x or SDXL, or leave the controls out.",
        )
    return found


def referring(name: str) -> Referring:
    """The family of that name with its side for references; :class:`MismatchError` when it has none."""
    found = family(name)
    if not isinstance(found, Referring):
        raise MismatchError(
            f"Bases of family {name} take no reference pictures here.",
            "duktus has no IP-Adapters for that architecture.",
            "Use a base of Stable Diffusion 1.x or SDXL, or leave the references out.",
        )
    return found


def check_refiner(base: Base, refiner: Base) -> None:
    """:class:`MismatchError` when ``refiner`` cannot finish what ``base`` began."""
    found = family(base.family)
    if not isinstance(found, HandsOver):
        raise MismatchError(
            f"Pictures of {base.name} cannot be finished by another base.",
            f"duktus hands no latents over in the family {base.family}; SDXL has a refiner.",
            "Leave the refiner out.",
        )
    found.check_refiner(base, refiner)
