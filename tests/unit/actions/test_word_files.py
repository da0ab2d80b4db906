"""Files of learned words from other programs: checked, mended and brought into a workspace."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base
from tests.support.tiny_flow import write_tiny_zimage
from tests.support.tiny_sdxl import WIDTHS, write_tiny_sdxl
from tests.support.workspaces import make_workspace, rows

from duktus.actions.import_style import import_style
from duktus.actions.recipes.planning import plan
from duktus.actions.recipes.request import Request
from duktus.actions.style_files import Repair, check_style
from duktus.actions.styles import export_style
from duktus.actions.workspace import Workspace
from duktus.archive import lineage
from duktus.archive.lineage import Kind
from duktus.domain.errors import ConflictError, InputError, MismatchError
from duktus.domain.style import Method, Outcome
from duktus.families.safetensors_header import read_header, tensor_hash
from duktus.rendering import Renderer
from duktus.wiring import workspace_at

WIDTH = 64
"""Of the vectors of the tiny base."""


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {
        "tiny": write_tiny_base(folder / "tiny", channels=(32, 48), sample_size=8, duktus=MINIATURE_DEFAULTS),
        "xl": write_tiny_sdxl(folder / "xl"),
        "z": write_tiny_zimage(folder / "z"),
    }


@pytest.fixture
def workspace(tmp_path: Path, bases: dict[str, Path]) -> Workspace:
    made = make_workspace(tmp_path / "workspace", bases["tiny"])
    with (made.root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.writelines(f'\n[bases.{name}]\nfolder = "{bases[name]}"\n' for name in ("xl", "z"))
    return workspace_at(made.root)


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def saved(path: Path, metadata: dict[str, str] | None = None, **tensors: torch.Tensor) -> Path:
    save_file(tensors, path, metadata)
    return path


def test_a_word_of_diffusers_script_is_recognised_mended_and_then_read_by_all(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = saved(tmp_path / "learned_embeds.safetensors", **{"<cat-toy>": vectors(3, WIDTH)})
    done = check_style(workspace, path, repair=Repair(tmp_path / "mended.safetensors"))
    assert (done.check.method, done.check.vectors) == (Method.TEXTUAL_INVERSION, 3)
    assert (done.check.base, done.check.family, done.check.trigger) == ("tiny", "sd15", "<cat-toy>")
    found = {row.program: row for row in done.check.rows}
    assert not done.check.canonical
    assert done.check.traps
    assert {name for name, row in found.items() if not row.whole} == {"InvokeAI"}
    assert found["diffusers"].proved
    assert found["diffusers"].whole
    assert done.after is not None
    assert done.after.canonical
    assert all(row.whole for row in done.after.rows)
    mended = load_file(tmp_path / "mended.safetensors")
    assert torch.equal(mended["emb_params"], vectors(3, WIDTH))
    with pytest.raises(ConflictError, match="exists already"):
        check_style(workspace, path, repair=Repair(tmp_path / "mended.safetensors"))


def test_it_is_brought_in_drawn_and_handed_on(workspace: Workspace, tmp_path: Path) -> None:
    path = saved(tmp_path / "Cat Toy.safetensors", **{"<cat-toy>": vectors(WIDTH)})
    style = import_style(workspace, path).style
    assert (style.name, style.trigger, style.vectors) == ("cat-toy", "<cat-toy>", 1)
    assert style.method is Method.TEXTUAL_INVERSION
    assert style.verdict.outcome is Outcome.NOT_JUDGED
    assert style.imported is not None
    assert style.imported.mended
    with workspace.archive.read() as connection:
        edges = {edge.kind: edge.parent for edge in lineage.parents(connection, style.hash)}
    assert edges[Kind.BROUGHT_IN_FROM] == style.imported.file_hash
    planned = plan(
        workspace, Request(("a <cat-toy>, a woman",), styles=(("cat-toy", 1.0),), strengths=(0.0, 1.0))
    )
    recipes = planned.recipes
    assert [recipe.adapters[0].word for recipe in recipes] == ["<cat-toy>"] * 2
    renderer = Renderer(workspace.base(), planned.style_files)
    bare, toy = (picture.pixels for picture in renderer.render(recipes))
    assert (bare != toy).any()
    out = export_style(workspace, "cat-toy", tmp_path / "out.safetensors", program="comfyui")
    assert check_style(workspace, out).check.canonical
    assert read_header(out).metadata["modelspec.trigger_phrase"] == "<cat-toy>"


def test_a_canonical_word_is_kept_byte_for_byte_and_named_by_its_file(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = saved(tmp_path / "inkwash.safetensors", emb_params=vectors(2, WIDTH))
    done = import_style(workspace, path, name="mine")
    assert done.style.trigger == "inkwash"
    assert done.style.hash == tensor_hash(path)
    assert done.path.read_bytes() == path.read_bytes()
    said = saved(
        tmp_path / "other.safetensors",
        {"modelspec.trigger_phrase": "washy"},
        emb_params=vectors(2, WIDTH, seed=1),
    )
    assert import_style(workspace, said).style.trigger == "washy"
    assert import_style(workspace, said, name="third", trigger="thirdly").style.trigger == "thirdly"
    for trigger in ("", " a", "a" * 300):
        with pytest.raises(InputError, match="cannot be used"):
            import_style(workspace, said, name="fourth", trigger=trigger)


def test_a_word_for_two_text_encoders(workspace: Workspace, tmp_path: Path) -> None:
    one, two = WIDTHS
    path = saved(tmp_path / "pair.safetensors", clip_l=vectors(2, one), clip_g=vectors(2, two))
    done = check_style(workspace, path).check
    assert (done.base, done.family, done.vectors, done.canonical) == ("xl", "sdxl", 2, True)
    assert all(row.whole for row in done.rows)
    assert {row.program: row.proved for row in done.rows}["diffusers"]
    assert import_style(workspace, path, base="xl").style.vectors == 2
    public = saved(tmp_path / "public.safetensors", clip_l=vectors(1, 768), clip_g=vectors(1, 1280))
    found = check_style(workspace, public).check
    assert (found.architecture, found.base) == ("Stable Diffusion XL", None)
    assert not any(row.proved for row in found.rows)
    uneven = saved(tmp_path / "uneven.safetensors", clip_l=vectors(1, 768), clip_g=vectors(2, 1280))
    with pytest.raises(MismatchError, match="word of another base"):
        check_style(workspace, uneven)


def test_what_does_not_fit_is_refused_with_the_widths_and_nothing_is_kept(
    workspace: Workspace, tmp_path: Path
) -> None:
    before = rows(workspace.root)
    second = saved(tmp_path / "two.safetensors", emb_params=vectors(2, 1024))
    with pytest.raises(MismatchError, match=r"1024 numbers, as those of Stable Diffusion 2\.x have"):
        check_style(workspace, second)
    public = saved(tmp_path / "public.safetensors", emb_params=vectors(2, 768))
    assert check_style(workspace, public).check.architecture == "Stable Diffusion 1.x"
    with pytest.raises(MismatchError, match="768 numbers; looked for: tiny 64"):
        import_style(workspace, public)
    with pytest.raises(InputError, match="no CLIP vocabulary"):
        import_style(workspace, public, base="z")
    broken = saved(tmp_path / "nan.safetensors", emb_params=vectors(2, WIDTH) * torch.nan)
    assert check_style(workspace, broken).check.problems
    with pytest.raises(InputError, match="NaN"):
        import_style(workspace, broken)
    for name, tensor in {
        "many": vectors(76, WIDTH),
        "cube": vectors(2, 2, WIDTH),
        "ids": torch.ones(2, WIDTH).int(),
    }.items():
        stranger = saved(tmp_path / f"{name}.safetensors", emb_params=tensor)
        with pytest.raises(InputError, match="is no style"):
            check_style(workspace, stranger)
    assert rows(workspace.root) == before
