"""A base from the hub, over HTTP from a server on this machine that speaks its protocol."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.support.hub import Hub, serving
from tests.support.single_files import write_single_file
from tests.support.tiny_base import write_tiny_base
from tests.support.workspaces import Ran, command, environment

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
NEW, OLD = "1" * 40, "2" * 40
SMALL_PIECES = """
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = 4096  # of 10 MB, which is more than the whole file here
import runpy
runpy.run_module("duktus", run_name="__main__")
"""
BIG = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two commits; the newer one also has what nobody loads."""
    folder = tmp_path_factory.mktemp("hub")
    commits = {
        commit: write_tiny_base(
            folder / commit, seed, channels=(32, 48), sample_size=8, prediction="epsilon", latent_channels=4
        )
        for seed, commit in enumerate((NEW, OLD))
    }
    (commits[NEW] / "README.md").write_text("A model card.")
    (commits[NEW] / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x02a pickle")
    return commits


@pytest.fixture
def hub(repository: dict[str, Path]) -> Generator[Hub]:
    with serving(Hub(repository, {"main": NEW, "v1": OLD})) as running:
        yield running


def place(hub: Hub, root: Path, **more: str) -> dict[str, str]:
    """The environment of a command that knows no other hub."""
    return {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(root / "home"),
        "HF_HUB_CACHE": str(root / "home" / "hub"),
        "HF_HUB_DISABLE_XET": "1",
        "no_proxy": "127.0.0.1",
        **more,
    }


def add(hub: Hub, root: Path, *more: str, **environment: str) -> Ran:
    asked = ["base", "add", "someone/small", "--json", *more]
    return command(asked, root, place(hub, root, **environment))


def test_a_base_is_downloaded_pinned_and_found_again_without_a_network(
    hub: Hub, repository: dict[str, Path], tmp_path: Path
) -> None:
    done = add(hub, tmp_path, "--name", "new")
    assert done.code == 0, done.err
    record = done.document["base"]["record"]
    assert record["revision"] == NEW
    assert "Downloading 12 files of someone/small" in done.err
    assert sorted(set(hub.given())) == sorted(hub.given()), "every file once"
    assert not [name for name in hub.given() if name.endswith((".bin", ".md"))]
    hub.asked.clear()
    older = add(hub, tmp_path, "--name", "old", "--revision", "v1")
    assert older.document["base"]["record"]["revision"] == OLD
    assert older.document["base"]["weights"] != done.document["base"]["weights"]
    hub.asked.clear()
    offline = add(hub, tmp_path, "--name", "offline", HF_HUB_OFFLINE="1")
    assert offline.code == 0, offline.err
    assert offline.document["base"]["record"]["revision"] == NEW
    assert offline.document["base"]["weights"] == done.document["base"]["weights"]
    assert hub.asked == []
    unet = Path(record["folder"]) / BIG
    assert unet.read_bytes() == (repository[NEW] / BIG).read_bytes()


def test_a_download_that_was_killed_goes_on_within_the_file(
    hub: Hub, repository: dict[str, Path], tmp_path: Path
) -> None:
    size = (repository[NEW] / BIG).stat().st_size
    hub.stop = (BIG, size // 2)
    with subprocess.Popen(
        [sys.executable, "-c", SMALL_PIECES, "base", "add", "someone/small", "--name", "mine"],
        cwd=tmp_path,
        env=environment(place(hub, tmp_path)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert hub.stopped.wait(120)
        blobs = tmp_path / "home" / "hub" / "models--someone--small" / "blobs"
        while not [one for one in blobs.glob("*.duktus-part") if one.stat().st_size]:
            os.sched_yield()
        child.kill()
    (part,) = blobs.glob("*.duktus-part")
    came = part.stat().st_size
    assert 0 < came <= size // 2
    assert not [*(tmp_path / "bases").glob("*")], "nothing is half added"
    hub.stop = None
    hub.asked.clear()
    done = add(hub, tmp_path, "--name", "mine")
    assert done.code == 0, done.err
    assert "Going on with someone/small/" + BIG in done.err
    ranges = [asked for method, path, asked in hub.asked if method == "GET" and path.endswith(BIG)]
    assert ranges == [f"bytes={came}-"]
    assert not [*blobs.glob("*.duktus-part")]


def test_a_file_that_came_damaged_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    hub.corrupt = BIG
    done = add(hub, tmp_path)
    assert done.code == 2
    assert f"someone/small/{BIG} came other than the hub says" in done.err
    assert not [*(tmp_path / "home").rglob("*.duktus-part")]
    assert not [*(tmp_path / "bases").glob("*")]


def test_the_refusals_of_the_hub_say_what_to_do(hub: Hub, tmp_path: Path) -> None:
    hub.gated = True
    gated = add(hub, tmp_path)
    assert gated.code == 2
    assert "someone/small is gated" in gated.err
    assert "hf auth login" in gated.err
    hub.gated = False
    unknown = add(hub, tmp_path, "--revision", "v9")
    assert unknown.code == 2
    assert "no revision v9" in unknown.err
    absent = command(["base", "add", "someone/absent"], tmp_path, place(hub, tmp_path))
    assert absent.code == 2
    assert "knows no model someone/absent" in absent.err
    assert not [*(tmp_path / "bases").glob("*")]


def test_without_a_connection_it_is_said_and_not_taken_for_offline_mode(hub: Hub, tmp_path: Path) -> None:
    closed = place(hub, tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    done = command(["base", "add", "someone/small"], tmp_path, closed)
    assert done.code == 2
    assert "The hub did not give someone/small" in done.err
    assert "offline" not in done.err.lower()


def test_settings_alone_are_taken_for_a_single_file(
    hub: Hub, repository: dict[str, Path], tmp_path: Path
) -> None:
    """And no weights come with them."""
    file = write_single_file(repository[NEW], tmp_path / "one.safetensors")
    asked = ["base", "add", str(file), "--role", "render only", "--config", "someone/small", "--json"]
    done = command(asked, tmp_path, place(hub, tmp_path))
    assert done.code == 0, done.err
    assert hub.given()
    assert not [name for name in hub.given() if name.endswith(".safetensors")]
    shutil.rmtree(tmp_path / "home")
    hub.gated = True
    refused = command([*asked, "--name", "gated"], tmp_path, place(hub, tmp_path))
    assert refused.code == 2
    assert "someone/small is gated" in refused.err
