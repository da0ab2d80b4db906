"""Folders of other programs into the archive."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image
from tests.support.workspaces import BASE, adapter, make_workspace, recipe, rows, style
from tools.foreign_pictures import written
from tools.foreign_pictures.written import NAMES, golden, picture_of, png, with_comment

from duktus.actions.foreign.completing import complete
from duktus.actions.import_pictures import Fate, import_pictures
from duktus.actions.progress import Silent
from duktus.actions.show import show
from duktus.actions.workspace import Workspace
from duktus.archive import foreign, styles
from duktus.domain.errors import NotFoundError, UserError
from duktus.domain.foreign import ForeignAdapter, ForeignModel, ForeignRecipe, Tool
from duktus.domain.recipe import Schedule
from duktus.rendering.files import encode_png
from duktus.rendering.metadata.explain import explain


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "workspace")


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """An output folder with one picture of every program, in folders by day."""
    folder = tmp_path / "outputs"
    for number, name in enumerate(NAMES):
        day = folder / f"2026-08-{number % 3 + 1:02}"
        day.mkdir(parents=True, exist_ok=True)
        (day / f"{number:05}-{name}.png").write_bytes(picture_of(name, number))
    (folder / "log.html").write_text("<html>", encoding="utf-8")
    return folder


def test_a_folder_is_taken_in_once_and_nothing_outside_changes(here: Workspace, outputs: Path) -> None:
    before = {path: path.read_bytes() for path in outputs.rglob("*") if path.is_file()}
    first = import_pictures(here, outputs)
    assert [one.fate for one in first.taken] == [Fate.NEW] * len(NAMES)
    assert first.tools == {"ComfyUI": 2, "Fooocus": 2, "A1111": 1, "Forge": 1, "InvokeAI": 1, "SwarmUI": 1}
    assert dict(first.passed_over) == {".html": 1}
    again = import_pictures(here, outputs)
    assert [one.id for one in again.taken] == [one.id for one in first.taken]
    assert {one.fate for one in again.taken} == {Fate.KNOWN}
    assert {path: path.read_bytes() for path in outputs.rglob("*") if path.is_file()} == before
    for one in first.taken:
        shown = show(here, one.id)
        assert shown.imported is not None
        assert shown.path.read_bytes() == one.source.read_bytes()
        assert shown.path.parent == here.root / "pictures" / "imported"
        assert shown.imported.foreign == explain(one.source.read_bytes(), "a").foreign


def test_the_same_file_in_two_places_is_one_picture_with_both_places(here: Workspace, outputs: Path) -> None:
    one = next(outputs.rglob("*.png"))
    (outputs / "copy.png").write_bytes(one.read_bytes())
    report = import_pictures(here, outputs)
    assert len(report.with_fate(Fate.NEW)) == len(NAMES)
    [known] = report.with_fate(Fate.KNOWN)
    with here.archive.read() as connection:
        picture = foreign.get(connection, known.id)
        assert set(foreign.sources(connection, picture.file_hash)) == {str(one), str(outputs / "copy.png")}


class StopsAfter(Silent):
    """Asks to stop when so many files were begun."""

    def __init__(self, files: int) -> None:
        self.left = files

    def stopped(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_stopping_keeps_what_was_done_and_the_next_time_goes_on(here: Workspace, outputs: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        import_pictures(here, outputs, progress=StopsAfter(3))
    assert len(rows(here.root)["foreign_pictures"]) in {2, 3}
    done = len(rows(here.root)["foreign_pictures"])
    report = import_pictures(here, outputs)
    assert len(report.with_fate(Fate.KNOWN)) == done
    assert len(report.with_fate(Fate.NEW)) == len(NAMES) - done


def test_what_cannot_be_taken_is_named_with_its_reason(here: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("remember the scan", encoding="utf-8")
    (folder / "cut.png").write_bytes(picture_of("a1111.txt")[:-40])
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "around").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.png")
    (folder / "no-ending").write_bytes(png())
    Image.new("RGB", (4, 4)).save(folder / "old.gif")
    report = import_pictures(here, folder)
    why = {one.source.name: " ".join(one.why) for one in report.with_fate(Fate.REFUSED)}
    assert set(why) == {"empty.png", "text.png", "cut.png", "gone.png", "loop.png", "around", "pipe.png"}
    assert "no bytes" in why["empty.png"]
    assert "PNG, JPEG" in why["text.png"] or "begins with" in why["text.png"]
    assert "damaged" in why["cut.png"]
    for name in ("gone.png", "loop.png", "around"):
        assert "link" in why[name]
    assert "not a file" in why["pipe.png"]
    assert [one.source.name for one in report.with_fate(Fate.NEW)] == ["no-ending"]
    assert dict(report.passed_over) == {".gif": 1}
    with pytest.raises(NotFoundError):
        import_pictures(here, tmp_path / "nowhere")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_and_folders_are_named(here: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    (folder / "inside").mkdir(parents=True)
    (folder / "a.png").write_bytes(png())
    (folder / "a.png").chmod(0)
    (folder / "inside").chmod(0)
    try:
        report = import_pictures(here, folder)
    finally:
        (folder / "inside").chmod(0o755)
    assert len(report.with_fate(Fate.REFUSED)) == 2


def test_a_picture_with_damaged_settings_is_kept_and_the_damage_told(here: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png({"invokeai_metadata": "{", "parameters": '{"sui_image_params": 3}'}))
    [taken] = import_pictures(here, tmp_path / "a.png").taken
    assert taken.fate is Fate.NEW
    assert len(taken.why) == 2
    shown = show(here, taken.id)
    assert shown.recipe is None
    assert len(shown.explained.damage) == 2


def test_a_text_file_beside_a_picture_is_read_at_import(here: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "a.txt").write_text(golden("a1111.txt"), encoding="utf-8")
    [taken] = import_pictures(here, tmp_path / "a.png").taken
    assert taken.tool == "A1111"
    (tmp_path / "a.txt").unlink()
    shown = show(here, taken.id)
    assert shown.completed is not None
    assert "base: 'sd_xl_base_1.0' (31e35c80fc) is not known here" in shown.completed.missing


def test_our_own_pictures_from_elsewhere_keep_their_recipe(here: Workspace, tmp_path: Path) -> None:
    ours = recipe(prompt="from another workspace")
    (tmp_path / "a.png").write_bytes(encode_png(written.pixels(), ours))
    [taken] = import_pictures(here, tmp_path / "a.png").taken
    assert taken.tool == "duktus"
    assert show(here, taken.id).recipe == ours
    assert show(here, str(tmp_path / "a.png")).imported is not None


def test_the_workspace_does_not_import_itself(here: Workspace, tmp_path: Path) -> None:
    import_pictures(here, make_outputs(tmp_path))
    report = import_pictures(here, here.root)
    assert report.taken == []


def make_outputs(tmp_path: Path) -> Path:
    folder = tmp_path / "few"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(with_comment("JPEG", golden("forge.txt")))
    return folder


def test_names_that_are_no_text_are_no_obstacle(here: Workspace, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff\xfe odd.png"
    with open(odd, "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write(png())
    [taken] = import_pictures(here, Path(os.fsdecode(odd))).taken
    assert taken.fate is Fate.NEW


def test_a_description_of_our_own_becomes_a_recipe_again(tmp_path: Path) -> None:
    """The text that remains when a platform has thrown away every other chunk."""
    here = make_workspace(tmp_path / "w")
    known = style("laz")
    with here.archive.write() as connection:
        styles.add(connection, BASE, known)
    one = recipe(adapters=(adapter(known, 0.85),), negative_prompt="blurry")
    text = explain(encode_png(written.pixels(), one), "a")
    assert text.recipe == one
    claimed = ForeignRecipe(
        tool=Tool.DUKTUS, prompt="a woman", seed=1, steps=4, cfg=3.0, sampler="DPM++ 2M", schedule="Karras",
        width=64, height=64, noise="cpu", model=ForeignModel(name="miniature"),
        adapters=(ForeignAdapter(name="renamed", strength=0.85, hash=known.hash[:12]),),
    )  # fmt: skip
    found = complete(here, claimed)
    assert found.recipe is not None
    assert found.recipe.adapters[0].style == known.hash
    assert found.recipe.schedule is Schedule.KARRAS
    assert "taken by its name" in found.cautions[0]
    other = claimed.model_copy(update={"adapters": (ForeignAdapter(name="laz", strength=1, hash="0" * 12),)})
    assert complete(here, other).recipe is None
    odd = complete(here, claimed.model_copy(update={"width": 63}))
    assert "width" in odd.missing[0]


def test_show_refuses_what_is_no_picture(here: Workspace, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    for name in (str(tmp_path / "empty.png"), str(tmp_path / "text.png"), str(tmp_path), "f-00000000", "f-%"):
        with pytest.raises(UserError) as caught:
            show(here, name)
        assert caught.value.why
