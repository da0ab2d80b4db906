"""A base of one's own, from adding it to a verified picture."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.journey.conftest import STYLE, Studio, new_workspace
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.single_files import write_single_file
from tests.support.tiny_flow import write_tiny_flux
from tests.support.tiny_sdxl import write_tiny_sdxl
from tests.support.workspaces import Ran, environment

import duktus
from duktus.domain.errors import InputError

Cli = Callable[..., Ran]
QUICK = ("--steps", "2", "--size", "64x64", "--json")


def test_the_whole_way_on_sdxl(cli: Cli, tmp_path: Path, bases: dict[str, Path]) -> None:
    root = new_workspace(tmp_path / "workspace", bases)
    large = write_tiny_sdxl(tmp_path / "large")
    added = cli(root, "base", "add", str(large), "--json").document["base"]
    assert (added["name"], added["family"], added["role"]) == ("large", "sdxl", "teach and render")
    pictures = write_pictures(tmp_path / "pictures", 5)
    lesson = ("--steps", "2", "--resolution", "64", "--batch", "1", "--rank", "2")
    named = ("--name", "hand", "--trigger", TRIGGER, "--base", "large")
    taught = cli(root, "style", "teach", str(pictures), *named, *lesson, "--json")
    assert taught.code == 0, taught.err
    assert taught.document["style"]["base"]["name"] == "large"
    asked = (f"{TRIGGER}, a woman", "--style", "hand", "--base", "large", *QUICK)
    swept = cli(root, "sweep", *asked, "--strength", "0,1", "--name", "s")
    assert swept.code == 0, swept.err
    drawn = cli(root, "render", *asked, "--seed", "1").document["assets"][0]
    assert drawn["recipe"]["base"]["name"] == "large"
    assert cli(root, "verify", drawn["id"], "--json").document["verify"]["identical"]
    refused = cli(root, "render", TRIGGER, "--style", "hand", *QUICK)
    assert refused.code == 2
    assert "another family" in refused.err
    assert "--base large" in refused.err
    gone = cli(root, "base", "remove", "large", "--json").document["removed"]
    assert gone["styles"] == ["hand"]
    assert "base that is not here: large" in cli(root, "verify", drawn["id"]).err


KILLED = """
import sys
from pathlib import Path
from duktus.actions import add_base
from duktus.domain.base import Role
from duktus.families import unpacking
from duktus.wiring import workspace

place, when, root, file, config = sys.argv[1:]

def hang(*_):
    print("now", flush=True)
    sys.stdin.read()  # until killed

kept = {"unpack": unpacking, "write": add_base.base_records}[place]
honest = getattr(kept, place)

def then_hang(*given):
    if when == "after":
        honest(*given)
    hang()

setattr(kept, place, then_hang)
wanted = add_base.Wanted(file, name="mine", role=Role.RENDER_ONLY, config=config)
add_base.add_base(workspace(Path(root)), wanted)
"""


@pytest.mark.parametrize(("place", "when"), [("unpack", "after"), ("write", "before")])
def test_killed_while_adding_nothing_is_half_added_and_nothing_is_left(
    cli: Cli, tmp_path: Path, bases: dict[str, Path], place: str, when: str
) -> None:
    """With SIGKILL, once while the files are built and once before the base is written down."""
    root = new_workspace(tmp_path / "workspace", bases)
    known = cli(root, "base", "list", "--json").document["bases"]
    large = write_tiny_sdxl(tmp_path / "large")
    file = write_single_file(large, tmp_path / "large.safetensors")
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, place, when, str(root), str(file), str(large)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "now\n"
        child.kill()
    assert len([*(root / "bases").iterdir()]) == 1, "this test is about what is left"
    assert cli(root, "base", "list", "--json").document["bases"] == known
    assert cli(root, "base", "show", "mine").code == 2
    again = ("base", "add", str(file), "--name", "mine", "--role", "render only", "--config", str(large))
    assert cli(root, *again).code == 0
    assert sorted(path.name for path in (root / "bases").iterdir()) == ["mine", "mine.json"]


def test_a_style_renders_on_another_base_of_its_family(cli: Cli, studio: Studio) -> None:
    done = cli(studio.root, "render", TRIGGER, "--style", STYLE, "--base", "other", "--seed", "1", *QUICK)
    assert done.code == 0, done.err
    (note,) = done.document["notes"]
    assert "taught on tiny and is rendered on other" in note
    drawn = done.document["assets"][0]
    assert drawn["recipe"]["base"]["name"] == "other"
    assert cli(studio.root, "verify", drawn["id"], "--json").document["verify"]["identical"]


def test_a_base_that_cannot_weight_words_says_so(cli: Cli, tmp_path: Path, bases: dict[str, Path]) -> None:
    root = new_workspace(tmp_path / "workspace", bases)
    flow = write_tiny_flux(tmp_path / "flow")
    assert cli(root, "base", "add", str(flow), "--json").code == 0
    for verb in ("render", "sweep"):
        refused = cli(root, verb, "a (red:1.3) hat", "--base", "flow", "--seed", "1")
        assert refused.code == 2
        assert "flow cannot weight words: '(red:1.3)'" in refused.err
        assert "weights belong to the CLIP families" in refused.err
    ws = duktus.open(root)
    with pytest.raises(InputError, match="cannot weight words"):
        ws.render("a (red:1.3) hat", base="flow")
    assert ws.plan("a (red) hat", base="flow").plan.recipes[0].weighting is None, "brackets as people write"


def test_a_refiner_finishes_what_the_base_began(cli: Cli, tmp_path: Path, bases: dict[str, Path]) -> None:
    root = new_workspace(tmp_path / "workspace", bases)
    for name in ("large", "last"):
        folder = write_tiny_sdxl(tmp_path / name, refiner=name == "last")
        assert cli(root, "base", "add", str(folder), "--json").code == 0
    asked = ("a woman", "--base", "large", "--seed", "1", *QUICK)
    first = cli(root, "render", *asked)
    assert first.code == 0, first.err
    plain = first.document["assets"][0]
    assert "refine" not in plain["recipe"]
    done = cli(root, "render", *asked, "--refiner", "last", "--refine-at", "0.5")
    assert done.code == 0, done.err
    drawn = done.document["assets"][0]
    assert drawn["recipe"]["refine"]["name"] == "last"
    assert drawn["recipe"]["refine"]["at"] == 0.5
    assert drawn["pixel_hash"] != plain["pixel_hash"]
    assert cli(root, "verify", drawn["id"], "--json").document["verify"]["identical"]
    ws = duktus.open(root)
    (again,) = ws.render(
        "a woman", base="large", seed=1, steps=2, size=(64, 64), refiner="last", refine_at=0.5
    )
    assert again.id == drawn["id"]
    # Under another name it is found by its hash, past a base that is gone.
    assert cli(root, "base", "remove", "last").code == 0
    assert cli(root, "base", "add", str(tmp_path / "last"), "--name", "polish").code == 0
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[bases.gone]\nfolder = "nowhere"\n')
    assert duktus.open(root).verify(drawn["id"]).identical
    assert cli(root, "base", "add", str(tmp_path / "last"), "--name", "last").code == 0
    for options, why in (
        (("--refine-at", "0.5"), "without a refiner"),
        (("--refiner", "large", "--base", "miniature"), "hands no latents over"),
        (("--refiner", "nobody"), "No base is named 'nobody'"),
        (("--refiner", "last", "--hires", "2x"), "in one pass"),
    ):
        refused = cli(root, "render", *asked, *options)
        assert refused.code == 2
        assert why in refused.err
