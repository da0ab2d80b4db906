"""What changed between two recipes, and changing a prompt by its parts."""

from __future__ import annotations

import pytest
from tests.support.workspaces import adapter, recipe, style

from duktus.domain.changes import changes, fragments, told
from duktus.domain.errors import InputError
from duktus.domain.prompt_edits import PromptEdits, swap


def test_a_recipe_has_not_changed_from_itself() -> None:
    assert changes(recipe(), recipe()) == ()


def test_numbers_and_styles_are_told_with_both_values() -> None:
    hand = style()
    before = recipe(adapters=(adapter(hand, 1.32),), cfg=4.0)
    after = recipe(adapters=(adapter(hand, 1.33),), cfg=4.2)
    assert told(changes(before, after)) == ["strength of hand 1.32 -> 1.33", "cfg 4 -> 4.2"]
    assert told(changes(recipe(cfg=4.2), after)) == ["with style hand", "strength of hand 1.33"]
    assert told(changes(after, recipe(cfg=4.2))) == ["without style hand", "strength of hand no longer 1.33"]


def test_what_a_picture_began_from_is_told_whole_and_without_hashes() -> None:
    plain = recipe()
    control = {"kind": "line", "name": "mine", "network": "1" * 64, "picture": "2" * 64, "weight": 0.7}
    source = {"picture": "3" * 64, "denoise": 0.5}
    over = recipe(source=source, controls=[control])
    weaker = recipe(source={**source, "extend": {"right": 32}}, controls=[{**control, "weight": 0.2}])
    assert told(changes(plain, over)) == [
        "drawn over 333333333333, denoise 0.5",
        "control line, mine, 222222222222, weight 0.7",
    ]
    assert told(changes(over, weaker)) == ["control weight 0.7 -> 0.2", "extend right 32"]
    two = recipe(source=source, controls=[control, {**control, "kind": "depth"}])
    assert told(changes(two, over)) == ["control 2 no longer depth, mine, 222222222222, weight 0.7"]
    hires = {"width": 128, "height": 128, "steps": 4, "denoise": 0.5}
    assert told(changes(plain, recipe(hires=hires))) == [
        "second pass 128 x 128, steps 4, denoise 0.5, latent"
    ]


def test_prompts_are_told_by_their_parts() -> None:
    before = recipe(prompt="a man, visible pencil drawing, warm skin tones, graphic overlay")
    after = recipe(prompt="a man, visible pencil drawing, cool skin tones, blue washes behind")
    (change,) = changes(before, after)
    assert change.reworded == (("warm skin tones", "cool skin tones"),)
    assert change.removed == ("graphic overlay",)
    assert change.added == ("blue washes behind",)
    assert told([change]) == [
        'prompt "warm skin tones" -> "cool skin tones", - "graphic overlay", + "blue washes behind"'
    ]


def test_a_part_that_is_repeated_more_often_is_an_addition() -> None:
    (change,) = changes(recipe(negative_prompt="fog, haze"), recipe(negative_prompt="fog, haze, fog"))
    assert (change.added, change.removed) == (("fog",), ())


def test_another_order_of_the_same_parts_is_a_change_too() -> None:
    assert told(changes(recipe(prompt="a, b"), recipe(prompt="b, a"))) == [
        "prompt: the same parts in another order or spelling"
    ]


def test_commas_in_brackets_do_not_part() -> None:
    assert fragments("a (red, blue:1.2) dress, , hat") == ["a (red, blue:1.2) dress", "hat"]


def test_edits_are_applied_in_order() -> None:
    edits = PromptEdits((swap("warm => cool-green"),), ("graphic overlay",), ("pale paper", "ink"))
    changed = edits.applied("prompt", "a man, warm skin tones, graphic overlay")
    assert changed == "a man, cool-green skin tones, pale paper, ink"
    assert PromptEdits().applied("prompt", "a,  b ") == "a,  b "
    assert PromptEdits(adds=("blur",)).applied("negative prompt", "") == "blur"


@pytest.mark.parametrize("edits", [PromptEdits(drops=("warm",)), PromptEdits(swaps=(("cold", "warm"),))])
def test_an_edit_that_would_do_nothing_is_refused(edits: PromptEdits) -> None:
    with pytest.raises(InputError, match="is not in the prompt"):
        edits.applied("prompt", "warm skin tones, a man")


@pytest.mark.parametrize("text", ["warm", "=> cool", " => "])
def test_a_swap_names_both_sides(text: str) -> None:
    with pytest.raises(InputError, match="swapped"):
        swap(text)
