"""FLUX.1, FLUX.2 and Z-Image as a person meets them: added, told apart, refused for teaching."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.single_files import write_transformer_file
from tests.support.tiny_flow import SCHNELL, write_tiny_flux, write_tiny_flux2, write_tiny_zimage
from tests.support.workspaces import make_workspace

from duktus.actions.add_base import Wanted, add_base
from duktus.actions.recipes.planning import plan
from duktus.actions.recipes.request import Request
from duktus.actions.render import render
from duktus.actions.teach_style import teach_style
from duktus.actions.teaching.lesson import Lesson
from duktus.actions.verify import verify
from duktus.actions.workspace import Workspace
from duktus.domain.base import Role
from duktus.domain.errors import InputError
from duktus.families.registry import family, family_of


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "ws")


@pytest.fixture(scope="module")
def turbo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_zimage(tmp_path_factory.mktemp("bases") / "z", shift=3.0)


def test_a_turbo_is_added_for_rendering_and_refused_for_teaching(
    workspace: Workspace, turbo: Path, tmp_path: Path
) -> None:
    added = add_base(workspace, Wanted(str(turbo), name="turbo"))
    assert (added.base.family, added.base.role) == ("zimage", Role.RENDER_ONLY)
    assert "teach on Z-Image (the base) or De-Turbo" in added.words
    lesson = Lesson(
        write_pictures(tmp_path / "p", 5), "hand", TRIGGER, base="turbo", changes=(("resolution", 64),)
    )
    with pytest.raises(InputError, match=r"Nothing can be taught on turbo.*teach on Z-Image"):
        teach_style(workspace, lesson)
    assert not (workspace.root / "runs").exists()
    named = add_base(workspace, Wanted(str(turbo), name="de-turbo", role=Role.TEACH_AND_RENDER))
    assert named.base.role is Role.TEACH_AND_RENDER
    assert workspace.base("de-turbo").role is Role.TEACH_AND_RENDER


def test_a_picture_is_rendered_kept_and_verified(workspace: Workspace, turbo: Path) -> None:
    add_base(workspace, Wanted(str(turbo), name="turbo"))
    (asset,) = render(
        workspace, Request(("a woman",), sizes=((64, 64),), steps=(2,), bases=("turbo",))
    ).assets
    assert (asset.recipe.cfg, asset.recipe.guidance) == (1.0, None)
    assert verify(workspace, asset.id).identical


def test_sizes_that_tokens_do_not_fill_are_refused_before_anything(workspace: Workspace, turbo: Path) -> None:
    add_base(workspace, Wanted(str(turbo), name="turbo"))
    with pytest.raises(InputError, match="multiples of 16"):
        plan(workspace, Request(("a woman",), sizes=((72, 64),), bases=("turbo",)))


def test_schnell_and_dev_are_told_apart(workspace: Workspace, tmp_path: Path) -> None:
    dev = write_tiny_flux(tmp_path / "dev")
    schnell = write_tiny_flux(tmp_path / "schnell", guidance=False, noise=SCHNELL)
    assert add_base(workspace, Wanted(str(dev), name="dev")).base.role is Role.TEACH_AND_RENDER
    added = add_base(workspace, Wanted(str(schnell), name="schnell"))
    assert added.base.role is Role.RENDER_ONLY
    assert "teach on FLUX.1 [dev]" in added.words
    with pytest.raises(InputError, match="cannot be taught on"):
        add_base(workspace, Wanted(str(schnell), name="again", role=Role.TEACH_AND_RENDER))


def test_klein_and_its_base_are_told_apart_and_otherwise_asked_about(
    workspace: Workspace, tmp_path: Path
) -> None:
    """What it is called says nothing: each folder has the other's name."""
    base = write_tiny_flux2(tmp_path / "klein")
    klein = write_tiny_flux2(tmp_path / "klein-base", distilled=True)
    silent = write_tiny_flux2(tmp_path / "klein-base-4b", distilled=None)
    assert add_base(workspace, Wanted(str(base), name="klein")).base.role is Role.TEACH_AND_RENDER
    added = add_base(workspace, Wanted(str(klein), name="base"))
    assert (added.base.family, added.base.role) == ("flux2", Role.RENDER_ONLY)
    assert "teach on FLUX.2 [klein] Base" in added.words
    lesson = Lesson(
        write_pictures(tmp_path / "p", 5), "hand", TRIGGER, base="base", changes=(("resolution", 64),)
    )
    with pytest.raises(InputError, match=r"Nothing can be taught on base.*teach on FLUX\.2"):
        teach_style(workspace, lesson)
    with pytest.raises(InputError, match=r"cannot be told from its files.*does not say is_distilled"):
        add_base(workspace, Wanted(str(silent), name="which"))
    named = add_base(workspace, Wanted(str(silent), name="which", role=Role.TEACH_AND_RENDER))
    assert named.base.role is Role.TEACH_AND_RENDER


def test_kleins_transformer_alone_and_the_parts_of_a_folder_become_the_same_base(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = write_tiny_flux2(tmp_path / "base")
    path = write_transformer_file(folder, "flux2", tmp_path / "t.safetensors")
    with pytest.raises(InputError, match="cannot be told from its files"):
        add_base(workspace, Wanted(str(path), name="one", parts=str(folder)))
    wanted = Wanted(str(path), name="one", role=Role.TEACH_AND_RENDER, parts=str(folder))
    one = family("flux2").load(add_base(workspace, wanted).base).denoiser.state_dict()
    other = family("flux2").load(family_of(folder).describe(folder, "x")).denoiser.state_dict()
    assert set(one) == set(other)
    assert all(torch.equal(one[name], tensor) for name, tensor in other.items())
