"""What is to be taught, before anything is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base

from duktus.actions.teaching.lesson import Lesson, held_out_as_said, prepare
from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.families.registry import family_of


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = write_tiny_base(tmp_path_factory.mktemp("base"), duktus=MINIATURE_DEFAULTS)
    return family_of(folder).describe(folder, "tiny")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("portfolio") / "mine", 6)


def test_held_out_is_a_number_or_a_folder(base: Base, pictures: Path) -> None:
    by_rule = prepare(base, Lesson(pictures, "mine", TRIGGER))
    assert (by_rule.settings.held_out, by_rule.held_out) == (None, None)
    counted = prepare(base, Lesson(pictures, "mine", TRIGGER, held_out=3))
    assert [len(one.pictures) for one in counted.pictures.split(counted.settings.held_out)] == [3, 3]
    none = prepare(base, Lesson(pictures, "mine", TRIGGER, held_out=0))
    assert [len(one.pictures) for one in none.pictures.split(none.settings.held_out)] == [6, 0]
    further = prepare(base, Lesson(pictures, "mine", TRIGGER, held_out=pictures))
    assert further.held_out is not None
    assert len(further.held_out.pictures) == 6
    with pytest.raises(InputError, match="held_out -1"):
        prepare(base, Lesson(pictures, "mine", TRIGGER, held_out=-1))


def test_a_folder_may_be_called_by_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert held_out_as_said("2") == 2
    (tmp_path / "2").mkdir()
    assert held_out_as_said("2") == Path("2")
    assert held_out_as_said("more/") == Path("more")
