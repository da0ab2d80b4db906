"""What a person names as a beginning becomes files and fields; nothing is rendered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.beginnings import photo, write_picture
from tests.support.workspaces import BASE, make_workspace

from duktus.actions.beginnings.beginning_asked import Beginning
from duktus.actions.recipes.planning import Plan, plan
from duktus.actions.recipes.request import Request
from duktus.actions.workspace import Workspace
from duktus.domain.base import Base
from duktus.domain.beginning import Extend, Hires, Variation
from duktus.domain.errors import InputError, NotFoundError, PictureError
from duktus.domain.recipe import Lane


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    def base(self: Workspace, name: str | None = None) -> Base:
        return BASE

    monkeypatch.setattr(Workspace, "base", base)
    write_picture(tmp_path / "photo.png", photo(100, 70))
    return make_workspace(tmp_path / "workspace")


def planned(workspace: Workspace, **asked: object) -> Plan:
    sizes = asked.pop("sizes", ())
    if "image" in asked:
        asked["image"] = str(workspace.root.parent / str(asked["image"]))
    return plan(workspace, Request(("a woman",), sizes=sizes, beginning=Beginning(**asked)))


def test_a_file_becomes_a_plain_picture_in_the_store_and_the_size(workspace: Workspace) -> None:
    made = planned(workspace, image="photo.png")
    (recipe,) = made.recipes
    assert recipe.source is not None
    assert recipe.source.denoise == 0.6
    assert (recipe.width, recipe.height) == (96, 64)
    assert not workspace.store.path(recipe.source.picture).exists(), "a plan writes nothing"
    made.begun.keep(workspace)
    with Image.open(workspace.store.checked(recipe.source.picture)) as kept:
        assert np.array_equal(np.asarray(kept), photo(100, 70))
        assert not kept.info


def test_the_same_pixels_in_another_file_are_the_same_source(workspace: Workspace) -> None:
    folder = workspace.root.parent
    Image.fromarray(photo(100, 70)).save(folder / "other.tiff")
    one, other = (planned(workspace, image=name).recipes[0] for name in ("photo.png", "other.tiff"))
    assert one.id == other.id


def test_a_size_asked_for_wins_and_a_huge_source_is_told_and_shrunk(workspace: Workspace) -> None:
    assert planned(workspace, image="photo.png", sizes=((64, 64),)).recipes[0].picture_size == (64, 64)
    write_picture(workspace.root.parent / "huge.png", photo(640, 320))
    made = planned(workspace, image="huge.png")
    assert made.recipes[0].picture_size == (88, 64)
    assert "640 x 320" in made.notes[0]


def test_masks_add_up_and_can_be_turned_round(workspace: Workspace) -> None:
    folder = workspace.root.parent
    write_picture(folder / "mask.png", np.pad(np.full((10, 10), 255), ((0, 60), (0, 90))))

    def mask(**asked: object) -> np.ndarray:
        made = planned(workspace, image="photo.png", **asked)
        made.begun.keep(workspace)
        found = made.recipes[0].mask
        assert found is not None
        with Image.open(workspace.store.checked(found.picture)) as kept:
            return np.asarray(kept.convert("L"))

    two = (str(folder / "mask.png"), "rect:50,0,10,10")
    both = mask(mask=two)
    assert both[5, 5] == both[5, 55] == 255
    assert both[5, 30] == both[50, 5] == 0
    assert np.array_equal(255 - both, mask(mask=two, mask_inverted=True))


def test_transparent_parts_are_a_mask(workspace: Workspace) -> None:
    alpha = np.full((70, 100), 255, np.uint8)
    alpha[:, :20] = 0
    Image.fromarray(np.dstack([photo(100, 70), alpha])).save(workspace.root.parent / "cut.png")
    made = planned(workspace, image="cut.png", mask=("alpha",))
    made.begun.keep(workspace)
    assert made.recipes[0].mask is not None
    with Image.open(workspace.store.checked(made.recipes[0].mask.picture)) as kept:
        found = np.asarray(kept.convert("L"))
    assert (found[:, :20] == 255).all()
    assert not found[:, 20:].any()


def test_what_is_not_said_follows_from_what_is_asked(workspace: Workspace) -> None:
    def denoise(**asked: object) -> float:
        source = planned(workspace, image="photo.png", **asked).recipes[0].source
        assert source is not None
        return source.denoise

    assert denoise(mask=("circle:20,20,9",)) == 0.75
    assert denoise(extend="left=16") == 1.0
    assert denoise(extend="left=16", denoise=0.3) == 0.3


def test_new_room_comes_on_top_of_the_size(workspace: Workspace) -> None:
    (recipe,) = planned(workspace, image="photo.png", extend="left=16,bottom=8").recipes
    assert recipe.picture_size == (112, 72)
    assert recipe.source is not None
    assert recipe.source.extend == Extend(left=16, bottom=8)


def test_variation_hires_and_draft(workspace: Workspace) -> None:
    (recipe,) = planned(workspace, variation_seed=7, hires="2x", draft=True).recipes
    assert recipe.variation == Variation(seed=7, strength=0.1)
    assert recipe.hires == Hires(width=128, height=128, steps=4, denoise=0.5)
    assert recipe.numerics.lane is Lane.DRAFT
    (plain,) = planned(workspace, variation_seed=7, variation_strength=0.0).recipes
    assert plain.variation is None, "no turn at all is the picture itself"


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"denoise": 0.5}, InputError, "--image"),
        ({"mask": ("alpha",)}, InputError, "--image"),
        ({"image": "photo.png", "mask": ("alpha",)}, InputError, "no transparent"),
        ({"image": "photo.png", "mask": ("none.png",)}, InputError, "neither a file nor a shape"),
        ({"image": "photo.png", "mask": ("circle:900,900,3",)}, InputError, "nothing to paint"),
        ({"image": "photo.png", "denoise": 1.5}, InputError, "denoise 1.5"),
        ({"image": "photo.png", "hires": "2x"}, InputError, "hires"),
        ({"image": "nowhere.png"}, InputError, "neither a file nor a picture"),
        ({"variation_strength": 0.5}, InputError, "--variation-seed"),
        ({"variation_seed": -1}, InputError, "seed -1"),
        ({"hires_denoise": 0.5}, InputError, "--hires 2x"),
        ({"hires": "2x", "hires_denoise": 2}, InputError, "denoise 2"),
        ({"controls": ("pose:photo.png",)}, NotFoundError, r"\[controls.my-pose\]"),
    ],
)
def test_what_cannot_be_used_is_refused(
    workspace: Workspace, asked: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        planned(workspace, **asked)


def test_a_damaged_file_is_named(workspace: Workspace) -> None:
    path = workspace.root.parent / "photo.png"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(PictureError, match=r"photo\.png is damaged"):
        planned(workspace, image="photo.png")
