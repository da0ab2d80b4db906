"""Commands believe remembered hashes; what proves something reads every byte."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.forged_hashes import forge, later
from tests.support.tiny_base import write_tiny_base
from tests.support.workspaces import Ran, make_workspace

from duktus.actions.add_base import Wanted, add_base
from duktus.actions.bases import check_base
from duktus.actions.beginnings.upscalers import upscaler_for
from duktus.actions.doctor import doctor
from duktus.actions.recipes.request import Request
from duktus.actions.render import render
from duktus.actions.sweep import sweep
from duktus.actions.verify import verify, verify_series
from duktus.actions.workspace import Workspace
from duktus.domain.canonical import sha256_hex
from duktus.domain.errors import MismatchError
from duktus.families.file_hashes import Remembered, tells_changes
from duktus.miniature import upscaler_folder, weights_folder

FALSE = "f" * 64
UNET = Path("unet", "diffusion_pytorch_model.safetensors")


@pytest.fixture
def memory(tmp_path: Path) -> Remembered:
    if not tells_changes(str(tmp_path)):
        pytest.skip("the file system of temporary files does not tell changes")
    return Remembered(tmp_path / "ws" / "archive" / "hashes", least=0, clock=later)


@pytest.fixture
def workspace(tmp_path: Path, memory: Remembered) -> Workspace:
    base = write_tiny_base(
        tmp_path / "base", channels=(32, 48), sample_size=8, prediction="epsilon", latent_channels=4
    )
    made = replace(make_workspace(tmp_path / "ws"), hashes=memory)
    add_base(made, Wanted(str(base), name="mine"))
    return made


def asked(**more: object) -> Request:
    return Request(("a woman",), sizes=((64, 64),), steps=(1,), bases=("mine",), **more)  # type: ignore[arg-type]


def test_adding_a_base_notes_its_hashes(workspace: Workspace, memory: Remembered) -> None:
    unet = workspace.base("mine").folder / UNET
    right = sha256_hex(unet.read_bytes())
    assert right in " ".join(note.read_text() for note in memory.folder.iterdir())


def test_weights_that_changed_without_a_trace_are_found_by_every_proof(
    workspace: Workspace, memory: Remembered
) -> None:
    (asset,) = render(workspace, asked()).assets
    swept = sweep(workspace, asked(), name="two")
    assert swept
    assert verify(workspace, asset.id).identical
    unet = workspace.base("mine").folder / UNET
    before = unet.read_bytes()
    unet.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    proofs: list[Callable[[], object]] = [
        lambda: verify(workspace, asset.id),
        lambda: verify_series(workspace, "two"),
        lambda: workspace.proving().base("mine"),
    ]
    for proof in proofs:
        forge(memory, unet, sha256_hex(before))
        assert workspace.base("mine").weights == asset.recipe.base.weights, "the note was not believed"
        with pytest.raises(MismatchError, match="is not the one that was added"):
            proof()
    forge(memory, unet, sha256_hex(before))
    assert not check_base(workspace, "mine").well
    with pytest.raises(MismatchError):  # what the proof had read is noted, so now everyone knows
        workspace.base("mine")
    forge(memory, unet, sha256_hex(before))
    assert any(
        one.name == "base" and one.ok for one in doctor(replace(workspace, base_name="mine"), quick=True)
    )
    assert not any(one.name == "base" and one.ok for one in doctor(workspace, base="mine"))


def test_adding_a_base_believes_no_note(workspace: Workspace, memory: Remembered) -> None:
    folder = workspace.base("mine").folder
    right = workspace.base("mine").weights
    forge(memory, folder / UNET, FALSE)
    assert add_base(workspace, Wanted(str(folder), name="again")).base.weights == right


def test_networks_beside_the_base_are_remembered_and_proved_alike(
    workspace: Workspace, memory: Remembered
) -> None:
    _, right = upscaler_for(workspace, "miniature")
    forge(memory, upscaler_folder() / "model.safetensors", FALSE)
    assert upscaler_for(workspace, "miniature")[1].hash != right.hash
    assert upscaler_for(workspace.proving(), "miniature")[1].hash == right.hash


def test_the_wiring_remembers_in_the_workspace_and_base_check_does_not_believe_it(
    cli: Callable[..., Ran], tmp_path: Path
) -> None:
    base = tmp_path / "large"
    shutil.copytree(weights_folder(), base)
    if not tells_changes(str(base)):
        pytest.skip("the file system of temporary files does not tell changes")
    root = make_workspace(tmp_path / "ws", base).root
    right = cli(root, "base", "show", "tiny", "--json").document["base"]["weights"]
    memory = Remembered(root / "archive" / "hashes")
    forge(memory, base / UNET, FALSE)
    assert cli(root, "base", "show", "tiny", "--json").document["base"]["weights"] != right
    assert right[:16] in json.dumps(cli(root, "base", "check", "tiny", "--json").document)
