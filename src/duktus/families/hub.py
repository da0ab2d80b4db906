"""Bases from the Hugging Face hub: only the files that loading reads, at one pinned commit, resumable."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duktus.domain.errors import InputError, StorageError
from duktus.families.hub_files import fetch, remember

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HTTPError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)

HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
IGNORED = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that no family of duktus loads."""
_SHARD = re.compile(r"-\d{5}-of-\d{5}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A downloaded base: its folder and the commit it is."""

    folder: Path
    revision: str


def is_hub_id(text: str) -> bool:
    """Whether a text can be a hub id: an owner and a name."""
    return bool(HUB_ID.fullmatch(text))


def download(
    hub_id: str, *, revision: str | None = None, weights: bool = True, say: Callable[[str], object]
) -> Snapshot:
    """The base's files, from the cache where they are there; an interrupted download goes on.

    With ``HF_HUB_OFFLINE=1`` only the cache is read. ``weights=False`` gets configurations and vocabularies.

    Raises:
        InputError: no such model, gated, not reachable, not in the diffusers layout, or pickles only.
        StorageError: the disk is full.
    """
    try:
        if constants.HF_HUB_OFFLINE:
            folder = _cached(hub_id, revision)
            return Snapshot(folder, folder.name)
        info = HfApi().model_info(hub_id, revision=revision)
        wanted = wanted_files([one.rfilename for one in info.siblings or ()], hub_id, weights=weights)
        commit = info.sha or revision or "main"
        say(f"Downloading {len(wanted)} files of {hub_id} at {commit[:12]}; what is there already is kept.")
        fetch(hub_id, [name for name in wanted if name.endswith(".safetensors")], commit, say)
        folder = Path(snapshot_download(hub_id, revision=commit, allow_patterns=wanted))
        remember(hub_id, revision or constants.DEFAULT_REVISION, commit)
        return Snapshot(folder, commit)
    except (HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, RevisionResolutionError) as error:
        raise hub_error(hub_id, revision, error) from error
    except OSError as error:
        raise StorageError(
            f"{hub_id} could not be downloaded.",
            f"{error.strerror or error}.",
            "Make room on the disk of the cache (HF_HOME names it), then give the same command again.",
        ) from error


def _cached(hub_id: str, revision: str | None) -> Path:
    try:
        return Path(snapshot_download(hub_id, revision=revision, local_files_only=True))
    except IncompleteSnapshotError as error:  # of the repository; the base is looked at later
        return Path(error.snapshot_path)


def wanted_files(names: Sequence[str], hub_id: str, *, weights: bool = True) -> list[str]:
    """Of a repository's files those that loading reads: configurations, vocabularies, and of each network
    its weights once, in full precision where there are several editions.
    """
    if "model_index.json" not in names:
        raise InputError(
            f"{hub_id} is not in the diffusers layout.",
            "It has no model_index.json.",
            "Download its .safetensors file and name that: duktus base add FILE.",
        )
    wanted = ["model_index.json"]
    networks: dict[str, list[str]] = defaultdict(list)
    for name in names:
        part, _, rest = name.partition("/")
        if not rest or "/" in rest or part in IGNORED:
            continue
        if rest.endswith((".safetensors", ".bin", ".safetensors.index.json")):
            networks[part].append(rest)
        elif rest.endswith((".json", ".txt", ".model", ".jinja")) and ".index." not in rest:
            wanted.append(name)
    if weights:
        for part, files in networks.items():
            wanted += [f"{part}/{name}" for name in _edition(files, f"{hub_id}/{part}")]
    return wanted


def _edition(files: Sequence[str], where: str) -> list[str]:
    """One edition of a network's weights: plain, or else fp16."""
    safe = [name for name in files if ".safetensors" in name]
    for variant in ("", ".fp16"):
        found = [name for name in safe if _variant(name) == variant]
        if found:
            return found
    raise InputError(
        f"{where} holds no safetensors weights.",
        f"It holds {', '.join(sorted(files)[:3])}: pickles can run any code when they are loaded.",
        "Take a safetensors edition of this base.",
    )


def _variant(name: str) -> str:
    """What stands between the stem and the suffix, e.g. ``.fp16``; empty for the plain edition."""
    stem = name.removesuffix(".index.json").removesuffix(".safetensors")
    plain = _SHARD.sub("", stem)
    return f".{plain.partition('.')[2]}" if "." in plain else ""


def hub_error(hub_id: str, revision: str | None, error: Any) -> InputError:
    """What the hub's answer means for the person."""
    page = f"https://huggingface.co/{hub_id}"
    if isinstance(error, GatedRepoError):
        return InputError(
            f"{hub_id} is gated: its makers ask you to accept their licence first.",
            "The hub does not give it to people who are not signed in or have not accepted.",
            f"Open {page}, accept, make a token at https://huggingface.co/settings/tokens, "
            "run 'hf auth login' (or set HF_TOKEN), then give the same command again.",
        )
    if isinstance(error, RevisionNotFoundError):
        return InputError(f"{hub_id} has no revision {revision}.", "", f"See {page}/commits for its own.")
    if isinstance(error, RepositoryNotFoundError):
        return InputError(
            f"The hub knows no model {hub_id}.",
            "It does not exist, or it is private.",
            "Check the spelling (OWNER/NAME); for a private one run 'hf auth login' first.",
        )
    if constants.HF_HUB_OFFLINE or isinstance(error, OfflineModeIsEnabled):
        return InputError(
            f"{hub_id} is not on this machine.",
            "Offline mode is on (HF_HUB_OFFLINE), so nothing is fetched.",
            "Unset HF_HUB_OFFLINE and give the command again, or name a local folder.",
        )
    return InputError(
        f"The hub did not give {hub_id}.",
        f"{error}".strip().splitlines()[0] if str(error).strip() else type(error).__name__,
        "Check the connection and give the same command again: it goes on where it stopped.",
    )
