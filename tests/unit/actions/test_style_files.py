"""Style files of other programs: checked, mended and brought into a workspace, on a small base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.support import foreign_styles as foreign
from tests.support.foreign_styles import TAUGHT, TEXT, ab, kohya, save, taught
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base
from tests.support.workspaces import make_workspace, rows, style

from duktus.actions.import_style import import_style
from duktus.actions.recipes.planning import plan
from duktus.actions.recipes.request import Request
from duktus.actions.style_files import Repair, candidates, check_style
from duktus.actions.styles import export_style, full_metadata_of, show_style
from duktus.actions.workspace import Workspace
from duktus.archive import lineage
from duktus.archive.lineage import Kind
from duktus.domain.errors import ConflictError, InputError, MismatchError, NotFoundError
from duktus.domain.style import Outcome
from duktus.families.safetensors_header import read_header, tensor_hash
from duktus.families.style_files.truth import Truth
from duktus.rendering import Renderer

WITH_TEXT = rf"{TAUGHT['sd15']}|{TEXT}"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    return write_tiny_base(folder, channels=(32, 48), sample_size=8, duktus=MINIATURE_DEFAULTS)


@pytest.fixture
def workspace(tmp_path: Path, base: Path) -> Workspace:
    return make_workspace(tmp_path / "workspace", base)


@pytest.fixture
def truth(workspace: Workspace) -> Truth:
    first = candidates(workspace)[0]
    assert first.base == "tiny"
    return first


@pytest.fixture
def peft(truth: Truth, tmp_path: Path) -> Path:
    """As a diffusers script writes it: PEFT names, alpha in the metadata alone."""
    return save(
        tmp_path / "Their Style.safetensors", ab(taught(truth), "unet."), foreign.peft_metadata("unet")
    )


def test_the_diffusers_row_is_proved_on_a_base_at_hand_and_the_copy_is_whole(
    workspace: Workspace, peft: Path
) -> None:
    before = peft.read_bytes()
    done = check_style(workspace, peft, repair=Repair())
    assert (done.check.base, done.check.family) == ("tiny", "sd15")
    by_name = {row.program: row for row in done.check.rows}
    assert by_name["diffusers"].proved
    assert by_name["diffusers"].whole
    assert by_name["ComfyUI"].loaded == done.check.modules // 5
    assert by_name["ComfyUI"].strength == (2.0, 2.0)
    assert done.repaired == peft.with_name("Their Style.mended.safetensors")
    assert done.after is not None
    assert done.after.canonical
    assert all(row.whole for row in done.after.rows)
    assert peft.read_bytes() == before
    with pytest.raises(ConflictError, match="exists already"):
        check_style(workspace, peft, repair=Repair())
    assert check_style(workspace, done.repaired, repair=Repair()).repaired is None


def test_a_mended_style_is_brought_in_with_its_lineage(workspace: Workspace, peft: Path) -> None:
    done = import_style(workspace, peft, trigger="inkwash")
    kept = show_style(workspace, "their-style")
    assert kept == done.style
    assert (kept.trigger, kept.family, kept.base.name) == ("inkwash", "sd15", "tiny")
    assert (kept.settings, kept.verdict.outcome) == (None, Outcome.NOT_JUDGED)
    assert kept.imported is not None
    assert kept.imported.file_name == "Their Style.safetensors"
    assert len(kept.imported.mended) == 2
    assert kept.hash == tensor_hash(done.path) != kept.imported.tensor_hash
    assert workspace.store.read(kept.imported.file_hash) == peft.read_bytes()
    with workspace.archive.read() as connection:
        edges = {(edge.parent, edge.kind) for edge in lineage.parents(connection, kept.hash)}
    assert edges == {
        (workspace.base().weights, Kind.FITS),
        (kept.imported.file_hash, Kind.BROUGHT_IN_FROM),
    }


def test_a_canonical_file_is_kept_byte_for_byte(workspace: Workspace, truth: Truth, tmp_path: Path) -> None:
    given = save(tmp_path / "ink.safetensors", kohya(taught(truth)), {"modelspec.trigger_phrase": "inkwash"})
    done = import_style(workspace, given, name="ink")
    assert done.path.read_bytes() == given.read_bytes()
    assert done.style.trigger == "inkwash"
    assert done.style.imported is not None
    assert done.style.imported.mended == ()
    assert done.style.modules == len(taught(truth))


def test_what_cannot_be_brought_in_leaves_no_trace(
    workspace: Workspace, truth: Truth, peft: Path, tmp_path: Path
) -> None:
    import_style(workspace, peft, name="taken")
    before = rows(workspace.root)
    with pytest.raises(ConflictError, match="taken"):
        import_style(workspace, peft, name="taken")
    with pytest.raises(NotFoundError, match="No base"):
        import_style(workspace, peft, name="new", base="nowhere")
    with pytest.raises(InputError, match="cannot name"):
        import_style(workspace, peft, name="../out")
    pairs = taught(truth)
    alien = save(tmp_path / "alien.safetensors", ab(pairs, "elsewhere."))
    with pytest.raises(MismatchError, match="no style for tiny"):
        import_style(workspace, alien)
    text = save(tmp_path / "text.safetensors", kohya(taught(truth, TEXT)))
    with pytest.raises(InputError, match="text encoder alone"):
        import_style(workspace, text)
    wide = {module: (down.repeat(1, 2), up) for module, (down, up) in pairs.items()}
    other = save(tmp_path / "other.safetensors", kohya(wide))
    with pytest.raises(MismatchError, match="no style for tiny"):
        import_style(workspace, other)
    assert rows(workspace.root) == before


def test_styles_stand_side_by_side_each_with_its_own_strengths(
    workspace: Workspace, truth: Truth, tmp_path: Path
) -> None:
    for number, name in enumerate(("one", "two")):
        pairs = taught(truth, WITH_TEXT if name == "two" else None, seed=number)
        import_style(workspace, save(tmp_path / f"{name}.safetensors", kohya(pairs)), name=name)

    def asked(two: float, text: float) -> Request:
        return Request(
            prompts=("one two, a woman",),
            styles=(("one", 0.05), ("two", two)),
            text_strengths=(("two", text),),
            steps=(2,),
            sizes=((64, 64),),
        )

    points = [(0.0, 0.0), (0.05, 0.0), (0.05, 0.5), (0.0, 0.5)]
    planned = [plan(workspace, asked(*point)) for point in points]
    recipes = [one.recipes[0] for one in planned]
    assert [adapter.strength_text for adapter in recipes[2].adapters] == [None, 0.5]
    renderer = Renderer(workspace.base(), planned[0].style_files, batch=4)
    together = {picture.index: picture.pixels for picture in renderer.render(recipes)}
    assert len({pixels.tobytes() for pixels in together.values()}) == 4
    for index in (2, 1):
        alone = Renderer(workspace.base(), planned[0].style_files)
        assert next(alone.render([recipes[index]])).pixels.tobytes() == together[index].tobytes()
    with pytest.raises(InputError, match="'one' has no text-encoder part"):
        plan(workspace, Request(prompts=("a",), styles=(("one", 1.0),), text_strengths=(("one", 1.0),)))
    default = plan(workspace, Request(prompts=("two",), styles=(("two", 0.7),))).recipes[0]
    assert default.adapters[0].strength_text == 0.7


def test_an_export_is_one_file_for_all_and_says_more_only_when_asked(
    workspace: Workspace, peft: Path, tmp_path: Path
) -> None:
    done = import_style(workspace, peft, name="ink")
    for program in ("comfyui", "a1111", "diffusers", "InvokeAI"):
        out = export_style(workspace, "ink", tmp_path / f"{program}.safetensors", program=program)
        assert out.read_bytes() == done.path.read_bytes()
    with pytest.raises(InputError, match="'fooocus' is unknown"):
        export_style(workspace, "ink", tmp_path / "no.safetensors", program="fooocus")
    out = export_style(workspace, "ink", tmp_path / "full.safetensors", full_metadata=True)
    assert tensor_hash(out) == done.style.hash
    assert read_header(out).metadata["ss_output_name"] == "ink"
    assert read_header(out).metadata["sshs_model_hash"] == done.style.hash
    first, second = load_file(out), load_file(done.path)
    assert all(torch.equal(first[key], second[key]) for key in second)


def test_all_that_is_known_of_a_training_has_captions_and_settings_but_no_folders() -> None:
    taught_here = style().model_copy(update={"captions": ("a woman", "a man", "a woman")})
    told = full_metadata_of(taught_here)
    assert json.loads(told["ss_tag_frequency"]) == {"captions": {"a man": 1, "a woman": 2}}
    assert json.loads(told["duktus.settings"])["rank"] == 16
    assert told["ss_num_train_images"] == "2"
    assert not {"ss_dataset_dirs", "ss_output_dir"} & set(told)


def test_narrow_numbers_are_read_and_an_integer_is_no_reason_to_fall(
    workspace: Workspace, truth: Truth, tmp_path: Path
) -> None:
    tensors = kohya(taught(truth, r"unet\.mid_block.*attn1\.to_[qk]"))
    for kind in (torch.bfloat16, torch.float8_e4m3fn, torch.int64):
        narrow = {
            key: tensor if key.endswith("alpha") else tensor.to(kind) for key, tensor in tensors.items()
        }
        checked = check_style(workspace, save(tmp_path / f"{kind}.safetensors", narrow)).check
        assert (checked.modules, checked.problems) == (2, ())
