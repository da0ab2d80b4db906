"""What other programs would read as commands is noticed, and plain words are not."""

from __future__ import annotations

import pytest

from duktus.domain.foreign_marks import marks_notes


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a man <lora:hand:1.2>", "--style hand:1.2."),
        ("a man, embedding:mine.pt", "duktus has styles"),
        ("a [cat:dog:0.5]", "change the prompt"),
        ("a [cat|dog]", "{a|b} makes a picture of each"),
        ("a man BREAK a woman", "prompts of their own"),
        ("a red++ hat", "(word:1.3)"),
        ("a (red hat)+", "(word:1.3)"),
    ],
)
def test_a_command_of_another_program_is_named(prompt: str, said: str) -> None:
    (note,) = marks_notes(["a woman", prompt])
    assert said in note


def test_plain_words_and_weights_are_no_commands() -> None:
    plain = ["a (red:1.3) hat, [dim] light", "a man and a woman, C++ book: 3-4 pages", "half-open (a)-hand"]
    assert marks_notes(plain) == ()
