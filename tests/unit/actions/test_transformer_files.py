"""FLUX.1 and Z-Image from a file that holds the transformer alone, and a folder with the other parts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.support.single_files import write_transformer_file
from tests.support.tiny_flow import write_tiny_flux, write_tiny_zimage
from tests.support.workspaces import make_workspace

from duktus.actions.add_base import Wanted, add_base
from duktus.actions.workspace import Workspace
from duktus.archive.store import file_sha256
from duktus.domain.base import Role
from duktus.domain.errors import InputError, MismatchError
from duktus.families import single_file
from duktus.families.registry import family

WEIGHTS = Path("transformer") / "diffusion_pytorch_model.safetensors"
WRITERS = {"flux": write_tiny_flux, "zimage": write_tiny_zimage}


@pytest.fixture(scope="module", params=["flux", "zimage"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A family and a base of it in the diffusers layout."""
    kind: str = request.param
    return kind, WRITERS[kind](tmp_path_factory.mktemp(kind) / "whole")


@pytest.fixture(scope="module")
def parts(whole: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without the weights of its transformer."""
    folder = Path(shutil.copytree(whole[1], tmp_path_factory.mktemp("parts") / "parts"))
    (folder / WEIGHTS).unlink()
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "ws")


def nothing_added(workspace: Workspace) -> bool:
    left = [*workspace.base_records.rglob("*")] if workspace.base_records.exists() else []
    return not left and list(workspace.known_bases()) == ["miniature"]


def in_its_own_spelling(whole: tuple[str, Path], path: Path) -> Path:
    return Path(shutil.copy(whole[1] / WEIGHTS, path))


def in_the_first(whole: tuple[str, Path], path: Path) -> Path:
    return write_transformer_file(whole[1], whole[0], path)


def within_a_checkpoint(whole: tuple[str, Path], path: Path) -> Path:
    write_transformer_file(whole[1], whole[0], path, prefix="model.diffusion_model.")
    save_file(load_file(path) | {"text_encoders.t5.shared.weight": torch.ones(2, 2)}, path)
    return path


@pytest.mark.parametrize("spelled", [in_the_first, in_its_own_spelling, within_a_checkpoint])
def test_a_transformer_and_the_other_parts_become_the_same_base(
    workspace: Workspace, whole: tuple[str, Path], parts: Path, tmp_path: Path, spelled
) -> None:
    """Every tensor arrives, and it draws: the folder is whole afterwards, whatever happens to the parts."""
    kind, folder = whole
    path = spelled(whole, tmp_path / "a-turbo.safetensors")
    wanted = Wanted(str(path), name="one", role=Role.TEACH_AND_RENDER, parts=str(parts))
    added = add_base(workspace, wanted)
    assert added.base.family == kind
    assert added.base.role is Role.TEACH_AND_RENDER
    assert added.record.source_hash is not None
    one, other = (family(kind).load(base) for base in (added.base, family(kind).describe(folder, "x")))
    for name, tensor in other.denoiser.state_dict().items():
        assert torch.equal(one.denoiser.state_dict()[name], tensor), name
    noisy = torch.randn(1, *one.latent_shape(64, 64))
    with torch.no_grad():
        answers = [
            base.predict(noisy, torch.tensor([500.0]), base.encode_text(["a woman"])) for base in (one, other)
        ]
    assert torch.equal(*answers)


def test_what_is_missing_is_named_and_how_to_give_it(
    workspace: Workspace, whole: tuple[str, Path], parts: Path, tmp_path: Path
) -> None:
    path = in_the_first(whole, tmp_path / "t.safetensors")
    wanted = Wanted(str(path), role=Role.TEACH_AND_RENDER)
    with pytest.raises(InputError, match=r"holds a transformer.*vae, text_encoder.*tokenizer.*with --parts"):
        add_base(workspace, wanted)
    with pytest.raises(InputError, match="neither a folder nor a base here"):
        add_base(workspace, Wanted(str(path), role=Role.TEACH_AND_RENDER, parts="nowhere"))
    fewer = Path(shutil.copytree(parts, tmp_path / "fewer"))
    (fewer / "text_encoder" / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"text_encoder/model\.safetensors is missing in .*fewer"):
        add_base(workspace, Wanted(str(path), role=Role.TEACH_AND_RENDER, parts=str(fewer)))
    with pytest.raises(InputError, match="The settings come with the parts"):
        add_base(
            workspace,
            Wanted(str(path), role=Role.TEACH_AND_RENDER, parts=str(parts), config=str(parts)),
        )
    assert nothing_added(workspace)


def test_a_file_that_does_not_tell_its_role_is_asked_about(
    workspace: Workspace, whole: tuple[str, Path], parts: Path, tmp_path: Path
) -> None:
    """Z-Image and Z-Image-Turbo look alike; dev shows itself by the input that schnell lacks."""
    kind, _ = whole
    path = in_the_first(whole, tmp_path / "turbo.safetensors")
    if kind == "flux":
        assert add_base(workspace, Wanted(str(path), parts=str(parts))).base.role is Role.TEACH_AND_RENDER
        save_file({k: v for k, v in load_file(path).items() if "guidance_in" not in k}, path)
    with pytest.raises(InputError, match=r"cannot be told from its files.*--role"):
        add_base(workspace, Wanted(str(path), name="other", parts=str(parts)))


def test_a_published_file_is_told_by_its_hash(
    workspace: Workspace,
    whole: tuple[str, Path],
    parts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And a distilled one stays for rendering, whatever is asked for and however it is called."""
    path = in_the_first(whole, tmp_path / "base-for-teaching.safetensors")
    known = {file_sha256(path): ("Something-Turbo", Role.RENDER_ONLY)}
    monkeypatch.setattr(single_file, "KNOWN_FILES", known)
    with pytest.raises(InputError, match=r"cannot be taught on.*Something-Turbo, by the hash of its file"):
        add_base(workspace, Wanted(str(path), role=Role.TEACH_AND_RENDER, parts=str(parts)))
    assert nothing_added(workspace)
    assert add_base(workspace, Wanted(str(path), name="one", parts=str(parts))).base.role is Role.RENDER_ONLY


def test_parts_of_another_size_another_family_and_quantised_files_are_refused(
    workspace: Workspace, whole: tuple[str, Path], parts: Path, tmp_path: Path
) -> None:
    kind, _ = whole
    path = in_the_first(whole, tmp_path / "t.safetensors")
    tensors = load_file(path)
    role = Role.TEACH_AND_RENDER
    later = ("single_blocks.1.linear1.weight", "layers.1.attention.qkv.weight")
    first = next(name for name in tensors if name in later)
    save_file({name: one for name, one in tensors.items() if name != first}, path)
    with pytest.raises(MismatchError, match="are missing and 0 have another shape"):
        add_base(workspace, Wanted(str(path), role=role, parts=str(parts)))
    save_file({name: one.to(torch.float8_e4m3fn) for name, one in tensors.items()}, path)
    with pytest.raises(InputError, match="quantised: it holds F8_E4M3"):
        add_base(workspace, Wanted(str(path), role=role, parts=str(parts)))
    save_file(tensors, path)
    other = next(write for name, write in WRITERS.items() if name != kind)(tmp_path / "other")
    with pytest.raises(InputError, match=f"of family {kind} with --parts"):
        add_base(workspace, Wanted(str(path), role=role, parts=str(other)))
    assert nothing_added(workspace)
