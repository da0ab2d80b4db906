"""``style teach --method textual-inversion``: taught, killed, resumed, drawn, swept and verified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.journey.conftest import STYLE, Studio
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.workspaces import Ran, rows

import duktus
from duktus.actions.teaching.lesson import Lesson, prepare
from duktus.miniature import portraits_folder
from duktus.training import Taught
from duktus.training.teach import teach

Cli = Callable[..., Ran]
WORD = "wordhand"
TEACH = (
    "style",
    "teach",
    "pictures",
    "--name",
    "word",
    "--trigger",
    WORD,
    "--template",
    "{trigger}, {caption}",
)
INVERSION = (
    *TEACH,
    "--method",
    "textual-inversion",
    "--vectors",
    "2",
    "--init-word",
    "sketch",
    "--steps",
    "2",
)


@pytest.fixture
def with_word(cli: Cli, studio: Studio) -> Studio:
    """The studio with its LoRA and a style that is a word."""
    write_pictures(studio.root / "pictures", 4)
    ran = cli(studio.root, *INVERSION, "--learning-rate", "0.5")
    assert ran.code == 0, ran.err
    return studio


def test_a_word_is_shown_exported_drawn_beside_a_lora_swept_and_verified(
    cli: Cli, with_word: Studio, tmp_path: Path
) -> None:
    root = with_word.root
    shown = cli(root, "style", "show", "word").out
    assert f"kind      textual inversion: 2 vectors for '{WORD}', begun as 'sketch'" in shown
    assert "rank" not in shown
    assert "kind      LoRA" in cli(root, "style", "show", STYLE).out
    document = cli(root, "style", "show", "word", "--json").document["style"]
    assert (document["method"], document["vectors"]) == ("textual inversion", 2)
    exported = cli(root, "style", "export", "word", "--out", str(tmp_path), "--metadata", "full", "--json")
    assert exported.code == 0, exported.err
    swept = cli(
        root, "sweep", f"{WORD}, {TRIGGER}, a woman", "--style", "word", "--style", f"{STYLE}:0.7",
        "--strength", "word=0,0.5,1", "--seed", "1", "--json",
    )  # fmt: skip
    assert swept.code == 0, swept.err
    assert [axis["name"] for axis in swept.document["series"]["axes"]] == ["strength of word"]
    assets = swept.document["series"]["assets"]
    assert len({one["id"] for one in assets}) == 3
    recipes = [one["recipe"]["adapters"] for one in assets]
    assert [adapters[0]["word"] for adapters in recipes] == [WORD] * 3
    assert all("word" not in adapters[1] for adapters in recipes)
    for one in assets:
        verified = cli(root, "verify", one["id"], "--json")
        assert verified.code == 0, verified.err
    # A child of such a picture names the word too.
    child = cli(root, "render", "--from", assets[2]["id"], "--cfg", "5", "--json")
    assert child.code == 0, child.err
    (made,) = child.document["assets"]
    assert made["recipe"]["adapters"] == assets[2]["recipe"]["adapters"]
    # Strength 0 is the picture without the style.
    bare = duktus.open(root).render(f"{WORD}, {TRIGGER}, a woman", style=f"{STYLE}:0.7", seed=1)[0]
    assert bare.pixel_hash == assets[0]["pixel_hash"]


def test_a_prompt_without_the_word_is_told_so_and_two_words_cannot_be_one(
    cli: Cli, with_word: Studio
) -> None:
    root = with_word.root
    ran = cli(root, "render", "a woman", "--style", "word")
    assert ran.code == 0, ran.err
    assert "has no effect" in ran.err + ran.out
    again = list(INVERSION)
    again[again.index("word")] = "twice"
    assert cli(root, *again, "--learning-rate", "0.1").code == 0
    ran = cli(root, "render", f"{WORD}, a woman", "--style", "word", "--style", "twice")
    assert ran.code == 2
    assert "both teach the word" in ran.err
    picture = cli(root, "render", f"{WORD}, a woman", "--style", "word", "--json").document["assets"][0]
    ran = cli(root, "render", "--from", picture["id"], "--style", "twice:1")
    assert ran.code == 2
    assert "cannot stand for the vectors of two styles" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "dreambooth"], "There is no way of teaching called 'dreambooth'"),
        (["--vectors", "2"], "--vectors was given, but this run teaches a LoRA"),
        (["--method", "lora", "--init-word", "sketch"], "--init-word was given, but this run teaches a LoRA"),
        (["--method", "textual inversion", "--rank", "8"], "--rank was given, but this run teaches a word"),
        (["--method", "textual-inversion", "--prior", "a woman"], "draws everything else as before"),
        (["--method", "textual-inversion", "--vectors", "76"], "vectors 76 cannot be used"),
        (["--method", "textual-inversion", "--init-word", " "], "no word for this base"),
    ],
)
def test_what_does_not_belong_to_a_word_is_refused_before_anything_is_written(
    cli: Cli, studio: Studio, arguments: list[str], words: str
) -> None:
    write_pictures(studio.root / "pictures", 4)
    before = rows(studio.root)
    ran = cli(studio.root, *TEACH, *arguments)
    assert ran.code == 2, ran.err
    assert words in ran.err
    assert rows(studio.root) == before


@pytest.mark.slow
def test_the_miniature_learns_a_word(tmp_path: Path) -> None:
    """Its own defaults at a higher rate, few steps: without the pictures that a verdict looks at."""
    base = duktus.open(tmp_path)._inner.base()
    lesson = Lesson(
        portraits_folder(), "word", WORD, template="{trigger}, {caption}",
        changes=(("method", "textual-inversion"), ("steps", 12), ("learning_rate", 0.05), ("held_out", 2)),
    )  # fmt: skip
    ready = prepare(base, lesson)
    assert (ready.settings.vectors, ready.settings.init_word) == (4, "painting")
    done = teach(base, ready.pictures, ready.settings, tmp_path / "run")
    assert isinstance(done, Taught)
    first, *_, last = done.curve
    assert last.held_out_loss is not None
    assert first.held_out_loss is not None
    assert last.held_out_loss < 0.98 * first.held_out_loss, "against the base with the initialising word"
