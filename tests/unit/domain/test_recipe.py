from __future__ import annotations

import pytest
from pydantic import ValidationError
from tests.support.workspaces import adapter, recipe, style

from duktus.domain.beginning import Control, ControlKind, Extend, Hires, Mask, Reference, Source, Variation
from duktus.domain.recipe import Recipe

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)


def test_ids_of_the_first_recipes_never_change() -> None:
    assert recipe().id == "r-37b9b2feb83d494a"
    assert recipe(adapters=(adapter(style(), 0.8),)).id == "r-92740d166ec3f35c"


def test_what_is_absent_is_not_in_the_canonical_form() -> None:
    assert set(recipe().as_json()) == {
        "schema", "base", "adapters", "prompt", "negative_prompt", "seed", "steps", "cfg", "sampler",
        "schedule", "width", "height", "noise", "numerics",
    }  # fmt: skip


def test_ids_of_recipes_without_references_never_change() -> None:
    assert everything(references=()).id == "r-ecddcacfa0ae1323"


def everything(**changes: object) -> Recipe:
    content: dict[str, object] = {
        "variation": Variation(seed=4, strength=0.25),
        "source": Source(picture=ONE, denoise=0.6, extend=Extend(left=16)),
        "mask": Mask(picture=TWO, feather=3),
        "controls": (Control(kind=ControlKind.LINE, name="lines", network=THREE, picture=ONE, end=0.5),),
        "references": (Reference(name="muse", network=TWO, picture=THREE, weight=0.5),),
    }
    return recipe(width=96, **(content | changes))


def test_each_beginning_makes_another_recipe_that_reads_back() -> None:
    whole = everything()
    assert Recipe.model_validate_json(whole.canonical) == whole
    assert Recipe.model_validate_json(whole.canonical).id == whole.id
    variants = [
        recipe(width=96),
        whole,
        everything(variation=None),
        everything(variation=Variation(seed=4, strength=0.26)),
        everything(mask=None),
        everything(source=Source(picture=ONE, denoise=0.7, extend=Extend(left=16))),
        everything(controls=()),
        everything(references=()),
        everything(references=(Reference(name="muse", network=TWO, picture=THREE, weight=0.6),)),
        recipe(width=96, hires=Hires(width=192, height=128, steps=3, denoise=0.5)),
        recipe(width=96, hires=Hires(width=192, height=128, steps=3, denoise=0.5, by="pixel")),
    ]
    assert len({one.id for one in variants}) == len(variants)


def test_it_names_every_picture_once_and_the_finished_size() -> None:
    assert everything().pictures == (ONE, TWO, THREE)
    assert recipe().pictures == ()
    assert everything().picture_size == (96, 64)
    assert recipe(hires=Hires(width=192, height=128, steps=3, denoise=0.5)).picture_size == (192, 128)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mask": Mask(picture=ONE)}, "needs a source"),
        ({"source": Source(picture=ONE, denoise=1, extend=Extend(left=64))}, "no room"),
        (
            {
                "source": Source(picture=ONE, denoise=1),
                "hires": Hires(width=128, height=128, steps=2, denoise=0.5),
            },
            "hires",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        recipe(**changes)


def test_values_stay_within_their_bounds() -> None:
    for bad in (
        {"kind": "canny", "weight": -1},
        {"kind": "canny", "start": 0.5, "end": 0.5},
        {"kind": "shadow"},
    ):
        with pytest.raises(ValidationError):
            Control.model_validate({"name": "c", "network": ONE, "picture": TWO, **bad})
    for weight in (-0.1, 2.1):
        with pytest.raises(ValidationError):
            Reference(name="r", network=ONE, picture=TWO, weight=weight)
    for denoise in (0, 1.1):
        with pytest.raises(ValidationError):
            Source(picture=ONE, denoise=denoise)
