"""Large files of the hub, fetched so that a download that was cut off goes on where it stopped.

The hub's own client begins a file anew after an interruption: what came of it lies under a name that nobody
looks for again (huggingface_hub pull request 4228). Here it lies under the hash of the file, and the finished
file is put where that client keeps its own, which then finds it there.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlparse

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.file_download import HfFileMetadata, http_get, repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers

from duktus.domain.errors import InputError

SHA256 = re.compile(r"[0-9a-f]{64}")
PART = ".duktus-part"
PIECE = 1 << 22


def fetch(hub_id: str, names: Sequence[str], commit: str, say: Callable[[str], object]) -> None:
    """Bring files of a commit into the hub's cache; those that are there already are left alone.

    Raises:
        InputError: a file came other than the hub says it is.
    """
    folder = repo_folder_name(repo_id=hub_id, repo_type="model")
    cache = Path(constants.HF_HUB_CACHE)
    for name in names:
        url = hf_hub_url(hub_id, name, revision=commit)
        facts = get_hf_file_metadata(url, headers=build_hf_headers())
        if facts.etag is None or facts.size is None:  # the hub's client fetches it then
            continue
        lock = cache / ".locks" / folder / f"{facts.etag}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            _one(url, facts, cache / folder / "blobs" / facts.etag, f"{hub_id}/{name}", say)


def remember(hub_id: str, revision: str, commit: str) -> None:
    """Which commit a branch or tag was, so that it is found in the cache without a network."""
    if revision == commit:
        return
    folder = repo_folder_name(repo_id=hub_id, repo_type="model")
    reference = Path(constants.HF_HUB_CACHE) / folder / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(commit, encoding="ascii")


def _one(url: str, facts: HfFileMetadata, target: Path, called: str, say: Callable[[str], object]) -> None:
    assert facts.size is not None
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    there = part.stat().st_size if part.exists() else 0
    if there > facts.size:
        part.unlink()
        there = 0
    if there:
        say(f"Going on with {called} at {there / 1e9:.2f} of {facts.size / 1e9:.2f} GB.")
    headers = build_hf_headers()
    if urlparse(facts.location).netloc != urlparse(url).netloc:  # a token is for the hub alone
        headers.pop("authorization", None)
    with part.open("ab") as file:
        if there < facts.size:
            http_get(
                facts.location,
                file,
                resume_size=there,
                headers=headers,
                expected_size=facts.size,
                displayed_filename=called,
            )
        file.flush()
        os.fsync(file.fileno())
    if not _is_that(part, target.name):
        part.unlink()
        raise InputError(
            f"{called} came other than the hub says it is.",
            "Its SHA-256 does not match; what came was thrown away.",
            "Give the same command again.",
        )
    part.replace(target)


def _is_that(part: Path, etag: str) -> bool:
    """Whether a file has the SHA-256 by which the hub names large files; small ones are named otherwise."""
    if not SHA256.fullmatch(etag):
        return True
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest() == etag
