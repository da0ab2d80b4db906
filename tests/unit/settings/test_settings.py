from __future__ import annotations

from pathlib import Path

import pytest

from duktus.domain.errors import InputError, NotFoundError
from duktus.settings import TEMPLATE, Settings, read_settings
from duktus.wiring import find_root, workspace, workspace_at


def write(folder: Path, text: str) -> Path:
    (folder / "duktus.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_settings(tmp_path, {}) == Settings()


def test_the_file_that_init_writes_says_the_defaults(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, TEMPLATE), {}) == Settings()
    plain = "\n".join(line.removeprefix("# ") for line in TEMPLATE.splitlines()[2:])
    folder = tmp_path / "all"
    folder.mkdir()
    spelled = read_settings(write(folder, plain), {})
    assert (
        spelled.model_copy(update={"bases": {}, "controls": {}, "references": {}, "upscalers": {}})
        == Settings()
    )


def test_the_environment_wins(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, 'device = "cpu"\nbatch = 2'), {"DUKTUS_BATCH": "3", "HOME": "/"})
    assert (settings.device, settings.batch) == ("cpu", 3)


def test_folders_of_bases_are_relative_to_the_workspace(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, '[bases.mine]\nfolder = "models/mine"'), {})
    assert settings.bases["mine"].folder == tmp_path / "models" / "mine"


@pytest.mark.parametrize(
    ("text", "environment", "key", "near"),
    [
        ("devise = 'cpu'", {}, "devise", "'device'"),
        ("[bases.mine]\nfodler = 'x'", {}, "fodler", "'folder'"),
        ("", {"DUKTUS_DEVISE": "cpu"}, "DUKTUS_DEVISE", "'DUKTUS_DEVICE'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(
    tmp_path: Path, text: str, environment: dict[str, str], key: str, near: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(write(tmp_path, text), environment)
    assert f"'{key}'" in caught.value.what
    assert near in caught.value.next_step


@pytest.mark.parametrize(
    ("text", "environment", "where"),
    [
        ("batch = 0", {}, "duktus.toml"),
        ("batch = 'many'", {}, "duktus.toml"),
        ("", {"DUKTUS_BATCH": "many"}, "DUKTUS_BATCH"),
        ("device = 'gpu'", {}, "duktus.toml"),
        ("batch = ", {}, "duktus.toml"),
    ],
)
def test_a_wrong_value_says_where_it_stands(
    tmp_path: Path, text: str, environment: dict[str, str], where: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(write(tmp_path, text), environment)
    assert where in caught.value.what
    assert caught.value.next_step


def test_a_workspace_is_found_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUKTUS_WORKSPACE", raising=False)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_root(below) is None
    monkeypatch.chdir(below)
    with pytest.raises(NotFoundError, match="duktus init"):
        workspace()
    assert workspace(make=True).root == below
    write(tmp_path, "")
    assert find_root(below) == tmp_path
    assert workspace().root == tmp_path


def test_making_a_workspace_object_touches_nothing(tmp_path: Path) -> None:
    here = workspace_at(tmp_path / "new", {})
    assert not (tmp_path / "new").exists()
    with here.archive.read():
        pass
    assert not (tmp_path / "new").exists()
    assert here.prepare()
    assert not here.prepare()
    assert (tmp_path / "new" / "duktus.toml").read_text(encoding="utf-8") == TEMPLATE


def test_a_base_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    here = workspace_at(tmp_path, {"DUKTUS_BASE": "minature"})
    with pytest.raises(NotFoundError, match="'miniature'"):
        here.base()
