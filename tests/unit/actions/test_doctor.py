from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

import pytest
import torch
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_flow import write_tiny_zimage
from tests.support.workspaces import BASE, asset, make_workspace

from duktus.actions import machine
from duktus.actions.doctor import doctor
from duktus.actions.machine import Finding
from duktus.archive import assets
from duktus.domain.errors import InputError
from duktus.families.holding import STOCK, Holding
from duktus.training import probe
from duktus.training.memory import expected_bytes


def found(root: Path) -> dict[str, Finding]:
    return {one.name: one for one in doctor(make_workspace(root), quick=True)}


def test_a_base_that_is_not_there_is_one_finding_among_others(tmp_path: Path) -> None:
    findings = {one.name: one for one in doctor(make_workspace(tmp_path, tmp_path / "nowhere"))}
    assert not findings["base"].ok
    assert findings["base"].next_step
    assert findings["python"].ok
    assert findings["archive"].found == "sound, 0 pictures"


def test_pictures_missing_from_the_store_are_counted(tmp_path: Path) -> None:
    with make_workspace(tmp_path).archive.write() as connection:
        assets.add(connection, BASE, asset())
    assert found(tmp_path)["archive"].found == "1 of 1 pictures are missing from the store"


def test_little_room_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LEAST_MEMORY", 1 << 60)
    monkeypatch.setattr(machine, "LEAST_DISK", 1 << 60)
    findings = found(tmp_path)
    for name in ("memory", "disk"):
        assert not findings[name].ok
        assert findings[name].next_step


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LIBRARIES", ("pydantic", "no-such-library"))
    assert found(tmp_path)["missing"].next_step == "Install them: pip install no-such-library."


def test_a_library_that_was_replaced_is_named_with_the_one_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version
    assert "versions" not in found(tmp_path)
    monkeypatch.setattr(metadata, "version", lambda name: "1.0" if name == "diffusers" else real(name))
    finding = found(tmp_path)["versions"]
    assert not finding.ok
    assert finding.found.startswith("diffusers 1.0, where duktus is made for")
    assert "pip install 'diffusers" in finding.next_step


def test_a_gpu_that_pytorch_cannot_use_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "version"
    driver.write_text("NVRM version")
    monkeypatch.setattr(machine, "NVIDIA", driver)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for built, words in ((None, "built without CUDA"), ("13.0", "bring the driver up to date")):
        monkeypatch.setattr(torch.version, "cuda", built)
        finding = found(tmp_path)["devices"]
        assert not finding.ok
        assert words in finding.next_step


def test_an_intel_python_on_an_apple_processor_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "version", lambda: "Darwin Kernel Version 25.1.0 RELEASE_ARM64_T6000")
    for kind, well in (("arm64", True), ("x86_64", False)):
        monkeypatch.setattr(platform, "machine", lambda kind=kind: kind)
        assert found(tmp_path)["python"].ok is well


def test_what_the_machine_computes_in_is_tried_on_the_base(tmp_path: Path) -> None:
    """Each arithmetic with its time, and its error against float32."""
    workspace = make_workspace(tmp_path / "ws", write_tiny_base(tmp_path / "b", channels=(32, 48)))
    said: list[str] = []

    class Watching:
        def say(self, text: str) -> None:
            said.append(text)

    (tried,) = [
        one
        for one in doctor(workspace, progress=Watching())  # pyright: ignore[reportArgumentType]
        if one.name == "computes"
    ]
    assert tried.ok
    assert tried.found.startswith("best on ")
    cpu = [line for line in tried.details if line.startswith("cpu ")]
    assert cpu[0].startswith("cpu float32: ")
    assert "s a picture forward and back" in cpu[0]
    assert "error" not in cpu[0]
    assert cpu[1].startswith("cpu bfloat16: ")
    assert ", error " in cpu[1]
    assert [line for line in said if "on cpu in" in line] == [
        "Trying tiny on cpu in float32.",
        "Trying tiny on cpu in bfloat16.",
    ]


def test_what_has_no_room_is_not_tried_and_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path / "ws", write_tiny_zimage(tmp_path / "b"))
    base = workspace.base()
    whole = expected_bytes(base, "float32", STOCK)
    assert whole == 2 * expected_bytes(base, "bfloat16", STOCK)
    size = sum(path.stat().st_size for path in base.folder.rglob("*.safetensors"))
    assert 0.95 * size < whole < size, "what is left over are the headers"
    monkeypatch.setattr(probe, "free_memory", lambda _: 0)
    (tried,) = [one for one in doctor(workspace) if one.name == "computes"]
    assert not tried.ok
    assert tried.next_step
    assert all("not tried: its weights take" in line for line in tried.details)


def test_a_small_memory_is_told_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace(tmp_path / "ws", write_tiny_base(tmp_path / "b", channels=(32, 48)))
    small = expected_bytes(workspace.base(), "float32", Holding(offload=True))
    monkeypatch.setattr(probe, "free_memory", lambda _: small)
    (tried,) = [one for one in doctor(workspace) if one.name == "computes"]
    assert tried.ok
    assert "with gradient checkpointing and group offload" in tried.details[0]


def test_nothing_to_try_and_what_to_try_on_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--quick tries nothing"):
        doctor(make_workspace(tmp_path), base="miniature", quick=True)


def test_outside_a_workspace_the_machine_alone_is_looked_at() -> None:
    findings = {one.name: one for one in doctor(None)}
    assert findings["workspace"].found == "none here"
    assert "archive" not in findings
