from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.workspaces import BASE, asset, make_workspace

from duktus.actions import doctor as module
from duktus.actions.doctor import Finding, doctor
from duktus.archive import assets


@pytest.fixture(autouse=True)
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_devices", lambda: Finding("devices", ok=True, found="cpu"))


def found(root: Path) -> dict[str, Finding]:
    return {one.name: one for one in doctor(make_workspace(root))}


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
    monkeypatch.setattr(module, "LEAST_MEMORY", 1 << 60)
    monkeypatch.setattr(module, "LEAST_DISK", 1 << 60)
    findings = found(tmp_path)
    for name in ("memory", "disk"):
        assert not findings[name].ok
        assert findings[name].next_step


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIBRARIES", ("pydantic", "no-such-library"))
    assert found(tmp_path)["missing"].next_step == "Install them: pip install no-such-library."


def test_outside_a_workspace_the_machine_alone_is_looked_at() -> None:
    findings = {one.name: one for one in doctor(None)}
    assert findings["workspace"].found == "none here"
    assert "archive" not in findings
