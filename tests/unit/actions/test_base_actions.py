"""Bases added, refused, shown, checked and removed; each from real files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline, StableDiffusionXLInpaintPipeline
from safetensors.torch import load_file, save_file
from tests.support.beginnings import photo, write_picture
from tests.support.recipes import recipe, write_random_style
from tests.support.single_files import write_single_file
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_sdxl import write_tiny_sdxl
from tests.support.workspaces import make_workspace, style

from duktus.actions.add_base import Wanted, add_base
from duktus.actions.bases import check_base, list_bases, remove_base, show_base
from duktus.actions.recipes.planning import plan
from duktus.actions.recipes.request import Request
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.domain.base import Role
from duktus.domain.beginning import Extend, Source
from duktus.domain.errors import ConflictError, InputError, MismatchError, NotFoundError
from duktus.families.registry import family
from duktus.rendering import Materials
from duktus.rendering.renderer import Renderer
from duktus.training.preflight import check_role
from duktus.wiring import workspace_at


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "sd15"
    return write_tiny_base(folder, channels=(32, 48), sample_size=8, prediction="epsilon", latent_channels=4)


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_sdxl(tmp_path_factory.mktemp("bases") / "sdxl")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "ws")


def nothing_added(workspace: Workspace) -> bool:
    left = (
        [path.name for path in workspace.base_records.rglob("*")] if workspace.base_records.exists() else []
    )
    return not left and list(workspace.known_bases()) == ["miniature"]


def test_a_folder_is_added_in_place_and_used_under_its_name(workspace: Workspace, sd15: Path) -> None:
    added = add_base(workspace, Wanted(str(sd15), name="mine"))
    assert added.base.family == "sd15"
    assert added.base.role is Role.TEACH_AND_RENDER
    assert "can be taught" in added.words
    assert added.record.folder == sd15
    assert plan(workspace, Request(("a woman",), bases=("mine",))).recipes[0].base == added.base.ref
    assert plan(workspace, Request(("a woman",))).recipes[0].base.name == "miniature"
    assert [(one.name, one.default) for one in list_bases(workspace)] == [
        ("mine", False),
        ("miniature", True),
    ]
    shown = show_base(workspace, "mine")
    assert shown.size > 10_000
    assert shown.record == added.record
    assert check_base(workspace, "mine").well
    more_than_is_said(Path(shutil.copytree(sd15, workspace.root / "other")))
    there = replace(workspace, base_folders={**workspace.base_folders, "other": workspace.root / "other"})
    assert "weights in unet/" in check_base(there, "other").found
    assert remove_base(workspace, "mine").folder is None
    assert nothing_added(workspace)
    assert (sd15 / "model_index.json").is_file()


INPAINTING = {
    "sd15": (
        partial(write_tiny_base, channels=(32, 48), latent_channels=4),
        StableDiffusionInpaintPipeline,
        {"safety_checker": None},
    ),
    "sdxl": (write_tiny_sdxl, StableDiffusionXLInpaintPipeline, {"add_watermarker": False}),
}


@pytest.mark.parametrize("kind", INPAINTING)
def test_a_single_file_for_inpainting_is_told_by_its_first_layer(
    workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    """It holds what diffusers reads from it, paints as the folder it was made of, and is not taught on."""
    write, pipeline, without = INPAINTING[kind]
    folder = write(tmp_path / "within", inpainting=True)
    file = write_single_file(folder, tmp_path / "a-plain-base.safetensors")
    with pytest.raises(InputError, match="is a base for inpainting"):
        add_base(workspace, Wanted(str(file), role=Role.RENDER_ONLY, config=str(folder)))
    assert nothing_added(workspace)
    added = add_base(workspace, Wanted(str(file), config=str(folder)))
    assert (added.base.family, added.base.role) == (kind, Role.INPAINTING)
    assert "inpainting" in added.words
    with pytest.raises(InputError, match=r"Nothing can be taught on.*take the plain edition"):
        check_role(added.base)
    theirs = pipeline.from_single_file(str(file), config=str(folder), local_files_only=True, **without)
    for part in ("unet", "vae", "text_encoder", *(("text_encoder_2",) if kind == "sdxl" else ())):
        weights = "model" if part.startswith("text") else "diffusion_pytorch_model"
        ours = load_file(added.base.folder / part / f"{weights}.safetensors")
        their = getattr(theirs, part).state_dict()
        assert ours.keys() == their.keys()
        assert all(torch.equal(tensor, their[name]) for name, tensor in ours.items()), part
    source, path = write_picture(tmp_path / "photo.png", photo())
    begun = Source(picture=source, denoise=1.0, extend=Extend(right=32))
    drawn = []
    for base in (added.base, family(kind).describe(folder, "x")):
        renderer = Renderer(base, {}, materials=Materials({source: path}))
        (picture,) = renderer.render([recipe(base, steps=2, width=96, source=begun)])
        drawn.append(picture.pixels)
    assert np.array_equal(*drawn)
    assert np.array_equal(drawn[0][:, :64], photo()), "what was there comes back exactly"
    assert drawn[0][:, 64:].std() > 1, "the new room is painted"


@pytest.mark.parametrize("kind", INPAINTING)
def test_a_single_file_for_inpainting_is_not_read_as_a_plain_base(
    workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    write, *_ = INPAINTING[kind]
    file = write_single_file(write(tmp_path / "within", inpainting=True), tmp_path / "within.safetensors")
    with pytest.raises(InputError, match=r"does not hold what its family needs.*--config"):
        add_base(workspace, Wanted(str(file), config=str(write(tmp_path / "plain"))))
    assert nothing_added(workspace)


def test_a_base_that_changed_afterwards_is_refused(workspace: Workspace, sd15: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sd15, tmp_path / "copy"))
    add_base(workspace, Wanted(str(folder), name="mine"))
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(MismatchError, match="not the one that was added"):
        workspace.base("mine")
    assert not check_base(workspace, "mine").well
    shutil.rmtree(folder)
    with pytest.raises(NotFoundError, match="files of the base 'mine' are gone"):
        workspace.base("mine")


def truncated(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])


def pickled(folder: Path) -> None:
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    path.rename(path.with_suffix(".bin"))


def without_text(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder")


def foreign_autoencoder(folder: Path) -> None:
    path = folder / "vae" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"scaling_factor": 0.13025}))


def unknown(folder: Path) -> None:
    path = folder / "model_index.json"
    path.write_text(path.read_text().replace("StableDiffusionPipeline", "CascadePipeline"))


def edited(folder: Path, name: str, **changes: object) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def another_network(folder: Path) -> None:
    shutil.copy(*(folder / part / "diffusion_pytorch_model.safetensors" for part in ("vae", "unet")))


def autoencoder_of_another_size(folder: Path) -> None:
    """Its configuration says nothing of it."""
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    save_file({name: torch.cat([one, one]) for name, one in load_file(path).items()}, path, {"format": "pt"})


def more_than_is_said(folder: Path) -> None:
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    layer = {"down_blocks.0.resnets.7.conv1.weight": torch.ones(1)}
    save_file(load_file(path) | layer, path, {"format": "pt"})


def text_of_another_size(folder: Path) -> None:
    path = folder / "text_encoder" / "model.safetensors"
    save_file(
        {name: one[..., :-1].contiguous() for name, one in load_file(path).items()}, path, {"format": "pt"}
    )


def half_a_text_encoder(folder: Path) -> None:
    path = folder / "text_encoder" / "model.safetensors"
    save_file({k: v for k, v in load_file(path).items() if ".layers.1." not in k}, path, {"format": "pt"})


def no_network(folder: Path) -> None:
    edited(folder, "vae/config.json", norm_num_groups="some")


def no_kind(folder: Path) -> None:
    edited(folder, "vae/config.json", _class_name="AutoencoderOfTomorrow")


def no_size(folder: Path) -> None:
    edited(folder, "unet/config.json", sample_size="large")


def unknown_prediction(folder: Path) -> None:
    edited(folder, "scheduler/scheduler_config.json", prediction_type="sample")


def unknown_noise(folder: Path) -> None:
    edited(folder, "scheduler/scheduler_config.json", beta_schedule="zigzag")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (another_network, r"weights in unet/ of .* are missing"),
        (autoencoder_of_another_size, r"weights in vae/ of .* have another shape"),
        (more_than_is_said, r"weights in unet/ of .* 0 are missing .* 1 more have no place"),
        (text_of_another_size, r"weights in text_encoder/ of .* have another shape"),
        (half_a_text_encoder, r"weights in text_encoder/ of .* tensors 1\d are missing"),
        (no_network, r"vae/config\.json of .* describes no network"),
        (no_kind, r"vae/config\.json of .* describes no network.*AutoencoderOfTomorrow"),
        (no_size, r"configurations in .* do not describe a base.*large"),
        (unknown_prediction, "mine predicts 'sample'"),
        (unknown_noise, "noise levels of mine cannot be made.*zigzag"),
        (truncated, r"vae/diffusion_pytorch_model\.safetensors is damaged"),
        (pickled, "Python pickle"),
        (without_text, r"text_encoder/model\.safetensors is missing"),
        (foreign_autoencoder, "The VAE in .* is that of SDXL"),
        (unknown, "No family of duktus recognises"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_and_nothing_is_added(
    workspace: Workspace, sd15: Path, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    folder = Path(shutil.copytree(sd15, tmp_path / "copy"))
    damage(folder)
    with pytest.raises(InputError, match=words):
        add_base(workspace, Wanted(str(folder), name="mine"))
    assert nothing_added(workspace)


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_a_single_file_becomes_the_same_base(
    workspace: Workspace, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Every tensor arrives; the role is asked for, since a file does not tell it."""
    folder: Path = request.getfixturevalue(kind)
    path = write_single_file(folder, tmp_path / "a-turbo-lightning-lora.safetensors")
    with pytest.raises(InputError, match=r"cannot be told from its files.*--role"):
        add_base(workspace, Wanted(str(path), name="one", config=str(folder)))
    assert nothing_added(workspace)
    wanted = Wanted(str(path), name="one", role=Role.RENDER_ONLY, config=str(folder))
    added = add_base(workspace, wanted)
    assert added.base.family == kind
    assert added.base.role is Role.RENDER_ONLY
    assert added.record.source_hash is not None
    one, other = (family(kind).load(base) for base in (added.base, family(kind).describe(folder, "x")))
    for name, tensor in other.denoiser.state_dict().items():
        assert torch.equal(one.denoiser.state_dict()[name], tensor), name
    noisy = torch.randn(1, *one.latent_shape(64, 64))
    with torch.no_grad():
        answers = [
            base.predict(noisy, torch.tensor([500]), base.encode_text(["a woman"])) for base in (one, other)
        ]
    assert torch.equal(*answers)
    assert torch.equal(one.decode(noisy), other.decode(noisy))
    assert remove_base(workspace, "one").folder == workspace.base_records / "one"
    assert nothing_added(workspace)


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ("text_encoder/model", "a text encoder alone"),
        ("vae/diffusion_pytorch_model", "a VAE alone"),
        ("unet/diffusion_pytorch_model", "a denoiser without its text encoder and its VAE"),
    ],
)
def test_one_network_given_as_a_base_is_named(
    workspace: Workspace, sd15: Path, tmp_path: Path, taken: str, words: str
) -> None:
    path = Path(shutil.copy(sd15 / f"{taken}.safetensors", tmp_path / "base.safetensors"))
    with pytest.raises(InputError, match=words):
        add_base(workspace, Wanted(str(path), role=Role.RENDER_ONLY, config=str(sd15)))
    save_file({"emb_params": torch.ones(2, 768)}, path)
    with pytest.raises(InputError, match="a textual inversion, not a base"):
        add_base(workspace, Wanted(str(path)))
    assert nothing_added(workspace)


def test_a_style_given_as_a_base_is_told_so(workspace: Workspace, sd15: Path, tmp_path: Path) -> None:
    write_random_style(family("sd15").describe(sd15, "m"), tmp_path / "base.safetensors")
    with pytest.raises(InputError, match=r"is a style .*not a base.*duktus style import"):
        add_base(workspace, Wanted(str(tmp_path / "base.safetensors")))
    assert nothing_added(workspace)


@pytest.mark.parametrize(
    ("dropped", "words"),
    [
        ("cond_stage_model.", "without its text encoder"),
        ("first_stage_model.", "without its VAE"),
        ("model.diffusion_model.", "a VAE alone"),
        ("model.diffusion_model.input_blocks.1.", "architecture that duktus does not know"),
    ],
)
def test_a_file_that_lacks_a_part_is_refused(
    workspace: Workspace, sd15: Path, tmp_path: Path, dropped: str, words: str
) -> None:
    path = write_single_file(sd15, tmp_path / "base.safetensors")
    save_file({k: v for k, v in load_file(path).items() if not k.startswith(dropped)}, path)
    with pytest.raises(InputError, match=words):
        add_base(workspace, Wanted(str(path), name="mine", role=Role.RENDER_ONLY, config=str(sd15)))
    assert nothing_added(workspace)


def test_a_file_that_is_damaged_within_leaves_nothing(
    workspace: Workspace, sd15: Path, sdxl: Path, tmp_path: Path
) -> None:
    path = write_single_file(sd15, tmp_path / "base.safetensors")
    wanted = Wanted(str(path), name="mine", role=Role.RENDER_ONLY, config=str(sdxl))
    with pytest.raises(InputError, match="not of the family of"):
        add_base(workspace, wanted)
    save_file({k: v for k, v in load_file(path).items() if ".middle_block.0." not in k}, path)
    with pytest.raises(InputError, match="does not hold what its family needs"):
        add_base(workspace, Wanted(str(path), name="mine", role=Role.RENDER_ONLY, config=str(sd15)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="is damaged"):
        add_base(workspace, Wanted(str(path), name="mine", role=Role.RENDER_ONLY, config=str(sd15)))
    assert nothing_added(workspace)


def files_in(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("damage", ["at a glance", "within"])
def test_a_refused_base_leaves_the_workspace_as_it_was(
    workspace: Workspace, sd15: Path, tmp_path: Path, damage: str
) -> None:
    path = write_single_file(sd15, tmp_path / "base.safetensors")
    if damage == "at a glance":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        save_file({k: v for k, v in load_file(path).items() if ".middle_block.0." not in k}, path)
    before = files_in(workspace.root)
    with pytest.raises(InputError, match="is damaged" if damage == "at a glance" else "does not hold"):
        add_base(workspace, Wanted(str(path), name="mine", role=Role.RENDER_ONLY, config=str(sd15)))
    assert files_in(workspace.root) == before


@pytest.mark.parametrize("source", ["base.safetensors", "base.ckpt", "nowhere at all", "folder"])
def test_what_is_no_base_makes_no_workspace(tmp_path: Path, source: str) -> None:
    (tmp_path / "given" / "folder").mkdir(parents=True)
    for name in ("base.safetensors", "base.ckpt"):
        (tmp_path / "given" / name).write_bytes(b"\xff" * 64)
    fresh = workspace_at(tmp_path / "fresh", {})
    with pytest.raises(InputError):
        add_base(fresh, Wanted(str(tmp_path / "given" / source)))
    assert not fresh.root.exists()


@pytest.mark.parametrize("name", ["model.ckpt", "model.bin"])
def test_a_pickle_is_never_opened(workspace: Workspace, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x02not read")
    with pytest.raises(InputError, match="pickle can run any code"):
        add_base(workspace, Wanted(str(tmp_path / name)))
    (tmp_path / "m.safetensors").write_bytes(b"\x80\x02not read, more bytes")
    with pytest.raises(InputError, match="Python pickle"):
        add_base(workspace, Wanted(str(tmp_path / "m.safetensors")))
    assert nothing_added(workspace)


def test_names_are_kept_and_what_is_not_there_is_said(workspace: Workspace, sd15: Path) -> None:
    add_base(workspace, Wanted(str(sd15), name="mine"))
    with pytest.raises(ConflictError, match="already a base named 'mine'"):
        add_base(workspace, Wanted(str(sd15), name="mine"))
    with pytest.raises(InputError, match="cannot name a base"):
        add_base(workspace, Wanted(str(sd15), name="../mine"))
    with pytest.raises(InputError, match="neither a folder, nor a file, nor a hub id"):
        add_base(workspace, Wanted("nowhere at all"))
    with pytest.raises(NotFoundError, match="Did you mean 'mine'"):
        workspace.base("mina")
    with pytest.raises(InputError, match="not added with duktus base add"):
        remove_base(workspace, "miniature")


def test_a_style_renders_on_its_family_with_a_note_and_nowhere_else(
    workspace: Workspace, sd15: Path, sdxl: Path, tmp_path: Path
) -> None:
    other = write_tiny_base(
        tmp_path / "other", 7, channels=(32, 48), sample_size=8, prediction="epsilon", latent_channels=4
    )
    for name, folder in (("first", sd15), ("second", other), ("large", sdxl)):
        add_base(workspace, Wanted(str(folder), name=name))
    first = workspace.base("first")
    path = tmp_path / "hand.safetensors"
    digest = write_random_style(first, path)
    workspace.store.put_file(path)
    taught = style(base=first).model_copy(
        update={"hash": digest, "file_hash": workspace.store.put(path.read_bytes())}
    )
    with workspace.archive.write() as connection:
        styles.add(connection, first, taught)
    asked = {"prompts": ("sportrait-laz",), "styles": (("hand", 1.0),)}
    assert plan(workspace, Request(**asked, bases=("first",))).notes == ()
    (note,) = plan(workspace, Request(**asked, bases=("second",))).notes
    assert "taught on first and is rendered on second" in note
    with pytest.raises(MismatchError, match=r"another family.*--base first"):
        plan(workspace, Request(**asked, bases=("large",)))
