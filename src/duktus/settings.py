"""Settings of a workspace: ``duktus.toml`` and the environment, read once, typed, unknown keys refused.

A value from the environment (``DUKTUS_DEVICE=cpu``) wins over the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from duktus.domain.base import Role
from duktus.domain.beginning import ControlKind
from duktus.domain.errors import InputError, StorageError

FILE_NAME = "duktus.toml"
PREFIX = "DUKTUS_"
PLACE = "DUKTUS_WORKSPACE"
"""Names the workspace's folder itself, so it cannot stand in the workspace's file."""
_OTHERS = {PLACE, "DUKTUS_SKIP_BROWSER"}
_TABLES = {"bases", "controls", "references", "upscalers"}
"""Only the file can hold these."""

TEMPLATE = """\
# A duktus workspace. Every line is optional; what is written out here are the defaults.

# base = "miniature"     # the base model that commands use; further ones stand below
# device = "auto"        # auto, cpu, cuda or mps
# batch = 6              # pictures rendered together; never changes a pixel
# author = ""            # who takes decisions here; empty: the name you are logged in with

# [bases.my-sd15]
# folder = "/models/my-sd15"   # a folder in the diffusers layout

# [controls.my-lines]
# folder = "/models/control-lineart"   # a ControlNet or T2I-Adapter in the diffusers layout
# kind = "line"                        # canny, line, depth or pose

# [references.my-adapter]
# file = "/models/ip-adapter_sd15.safetensors"   # a plain or plus IP-Adapter
# encoder = "/models/image_encoder"              # the folder of its image encoder

# [upscalers.my-upscaler]
# path = "/models/swin2sr-x2"          # a Swin2SR folder, or a safetensors file for spandrel
"""


class BaseSettings(BaseModel):
    """Where one further base model lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    """In the diffusers layout; relative to the workspace, or absolute."""
    role: Role | None = None
    """Where the base's own files do not tell it."""


class ControlSettings(BaseModel):
    """Where one control network lies, and what its pictures show."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    """A ControlNet or T2I-Adapter in the diffusers layout, or an adapter's safetensors file; relative to the
    workspace, or absolute.
    """
    kind: ControlKind


class ReferenceSettings(BaseModel):
    """Where one IP-Adapter lies, and its image encoder; relative to the workspace, or absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    """A plain or plus IP-Adapter, as safetensors."""
    encoder: Path
    """A CLIP vision model, as transformers saves it."""


class UpscalerSettings(BaseModel):
    """Where one upscaler lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A Swin2SR folder, or a safetensors file of the Real-ESRGAN kind."""


class Settings(BaseModel):
    """Everything that can be set for a workspace."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(default="miniature", min_length=1)
    """The base that commands use."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    batch: int = Field(default=6, ge=1, le=256)
    """Pictures rendered together; never changes a pixel of the proof lane."""
    author: str = ""
    """Who takes decisions; empty means the login name."""
    bases: Mapping[str, BaseSettings] = {}
    controls: Mapping[str, ControlSettings] = {}
    references: Mapping[str, ReferenceSettings] = {}
    upscalers: Mapping[str, UpscalerSettings] = {}


def read_settings(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the workspace in ``folder``; defaults where neither file nor environment speak.

    :class:`InputError` names the key, what is wrong, and the nearest known key.
    """
    path = folder / FILE_NAME
    values = _from_file(path)
    origin = dict.fromkeys(values, str(path))
    for key, value in _from_environment(os.environ if environment is None else environment).items():
        values[key] = value
        origin[key] = f"{PREFIX}{key.upper()}"
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _words(error, origin, str(path)) from error
    return settings.model_copy(
        update={
            "bases": {
                name: BaseSettings(folder=folder / base.folder.expanduser(), role=base.role)
                for name, base in settings.bases.items()
            },
            "controls": {
                name: ControlSettings(folder=folder / one.folder.expanduser(), kind=one.kind)
                for name, one in settings.controls.items()
            },
            "references": {
                name: ReferenceSettings(
                    file=folder / one.file.expanduser(), encoder=folder / one.encoder.expanduser()
                )
                for name, one in settings.references.items()
            },
            "upscalers": {
                name: UpscalerSettings(path=folder / one.path.expanduser())
                for name, one in settings.upscalers.items()
            },
        }
    )


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read.", f"{error.strerror}.", "Check its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text.", "It is not UTF-8.", "Write it again.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML.", f"{error}.", "Correct that line.") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields if name not in _TABLES}
    found: dict[str, str] = {}
    for key, value in environment.items():
        if not key.startswith(PREFIX) or key in _OTHERS:
            continue
        if key not in known:
            raise _unknown(key, {*known, *_OTHERS}, "the environment")
        found[known[key]] = value
    return found


def _unknown(key: str, known: Iterable[str], where: str) -> InputError:
    names = sorted(known)
    near = get_close_matches(key, names, 1, cutoff=0.5)
    return InputError(
        f"The setting '{key}' in {where} is unknown.",
        f"Known: {', '.join(names)}.",
        f"Did you mean '{near[0]}'?" if near else "Remove it.",
    )


def _words(error: ValidationError, origin: Mapping[str, str], path: str) -> InputError:
    unknown_first = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    first = unknown_first[0]
    place = [str(part) for part in first["loc"]]
    key = ".".join(place)
    where = origin.get(place[0], path) if place else path
    if first["type"] == "extra_forbidden":
        tables = {
            "bases": BaseSettings,
            "controls": ControlSettings,
            "references": ReferenceSettings,
            "upscalers": UpscalerSettings,
        }
        within = (tables[place[0]] if len(place) > 1 else Settings).model_fields
        return _unknown(key if len(place) == 1 else place[-1], within, where)
    return InputError(
        f"The setting '{key}' in {where} cannot be used.",
        f"{first['msg']}; given was {first['input']!r}.",
        "Correct it, or remove it to use the default.",
    )
