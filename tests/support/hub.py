"""A hub of one's own on this machine: the part of the hub's protocol that downloading speaks.

Sources: huggingface_hub's client (src/huggingface_hub/hf_api.py and file_download.py), which is what talks to
it here, and https://huggingface.co/docs/hub/api.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

NO_REVISION = (404, "RevisionNotFound")
GATED = (403, "GatedRepo")
ABSENT = (401, "RepoNotFound")


@dataclass
class Hub:
    """What the server gives and what it was asked for; a test changes it as it goes."""

    commits: dict[str, Path]
    """``{commit: folder}`` of the one repository, someone/small."""
    names: dict[str, str]
    """``{branch or tag: commit}``."""
    gated: bool = False
    corrupt: str = ""
    """A file that is given with a wrong last byte."""
    stop: tuple[str, int] | None = None
    """A file, and after how many of its bytes nothing more comes."""
    stopped: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, range) of every request, in order."""
    endpoint: str = ""

    def given(self) -> list[str]:
        """The files whose content was asked for, in order."""
        found = (re.search(r"/resolve/[^/]+/(.+)", path) for method, path, _ in self.asked if method == "GET")
        return [one[1] for one in found if one]


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """The hub at ``hub.endpoint`` while the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, hub))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub: Hub, *args: object) -> None:
        self.hub = hub
        super().__init__(*args)  # pyright: ignore[reportArgumentType]

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""

    def do_HEAD(self) -> None:
        """As GET, without the content."""
        self._answer()

    def do_GET(self) -> None:
        """What the client asks for."""
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, self.headers.get("Range", "")))
        listing = re.fullmatch(r"/api/models/someone/small(?:/(revision|tree)/([^/]+))?", path)
        content = re.fullmatch(r"/someone/small/resolve/([^/]+)/(.+)", path)
        if listing is None and content is None:
            return self._refuse(*ABSENT)
        revision = (listing[2] if listing else content[1] if content else None) or "main"
        commit = self.hub.names.get(revision, revision)
        folder = self.hub.commits.get(commit)
        if folder is None:
            return self._refuse(*NO_REVISION)
        if listing is not None:
            return self._list(folder, commit, tree=listing[1] == "tree")
        assert content is not None
        if self.hub.gated:
            return self._refuse(*GATED)
        return self._file(folder / content[2], commit, content[2])

    def _refuse(self, code: int, why: str) -> None:
        self.send_response(code)
        self.send_header("X-Error-Code", why)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _list(self, folder: Path, commit: str, *, tree: bool) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        named = {path.relative_to(folder).as_posix(): path for path in files}
        entries = [
            {"type": "file", "path": name, "size": path.stat().st_size, "oid": _etag(path)[:40]}
            for name, path in named.items()
        ]
        siblings = [{"rfilename": name} for name in named]
        model = {"id": "someone/small", "sha": commit, "siblings": siblings, "gated": False}
        data = json.dumps(entries if tree else model).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, path: Path, commit: str, name: str) -> None:
        data = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{_etag(path)}"')
        self.send_header("X-Repo-Commit", commit)
        self.end_headers()
        if self.command == "HEAD":
            return
        if name == self.hub.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if self.hub.stop is not None and self.hub.stop[0] == name:
            self.wfile.write(data[start : self.hub.stop[1]])
            self.wfile.flush()
            self.hub.stopped.set()
            self.rfile.read(1)  # until the other side is gone
            return
        self.wfile.write(data[start:])


def _etag(path: Path) -> str:
    """The hub names large files by their SHA-256; here all of them."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
