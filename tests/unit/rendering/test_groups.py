from __future__ import annotations

from tests.support.recipes import recipe, styled

from duktus.domain.recipe import AdapterRef, Recipe, Sampler
from duktus.rendering.groups import essence, plan
from duktus.rendering.steps import kept_steps

A, B = "a" * 64, "b" * 64


def test_recipes_of_one_shape_go_together_in_the_order_asked_for(tiny):
    recipes = [
        recipe(tiny, seed=1),
        recipe(tiny, seed=2, steps=5),
        recipe(tiny, seed=3),
        recipe(tiny, seed=1),
        recipe(tiny, seed=4),
    ]
    groups = plan(recipes, 2)
    assert [[one.seed for one in group.recipes] for group in groups] == [[1, 3], [2], [4]]
    assert groups[0].indices == ((0, 3), (2,))


def test_every_difference_of_shape_or_style_parts_them_and_no_other(tiny):
    together = [
        recipe(tiny, adapters=styled(A, 1.0)),
        recipe(
            tiny, adapters=styled(A, 0.2, name="renamed"), cfg=5.0, seed=9, prompt="x", negative_prompt="y"
        ),
    ]
    assert len(plan(together, 6)) == 1
    apart = [
        recipe(tiny),
        recipe(tiny, width=128),
        recipe(tiny, sampler=Sampler.EULER),
        recipe(tiny, cfg=1.0),
        recipe(tiny, adapters=styled(A, 1.0)),
        recipe(tiny, adapters=[*styled(B, 1.0), *styled(A, 1.0)]),
    ]
    groups = plan(apart, 6)
    assert len(groups) == len(apart)
    assert groups[-1].styles == (A, B)
    assert [group.guided for group in groups] == [True, True, True, False, True, True]


def test_a_style_named_twice_adds_up(tiny):
    (group,) = plan([recipe(tiny, adapters=[*styled(A, 0.5), *styled(A, 0.25)])], 6)
    assert group.styles == (A,)
    assert group.strengths(A) == [0.75]


def test_texts_in_batch_order(tiny):
    recipes = [recipe(tiny, prompt="p", negative_prompt="n"), recipe(tiny, prompt="q")]
    assert plan(recipes, 6)[0].batch_texts() == ["n", "", "p", "q"]
    assert plan([recipe(tiny, prompt="p", cfg=1)], 6)[0].batch_texts() == ["p"]


def test_kept_steps():
    assert kept_steps(20) == (1, 3, 6, 10, 15, 20)
    assert kept_steps(15) == (1, 3, 6, 10, 15)
    assert kept_steps(1) == (1,)


def test_what_has_no_influence_makes_no_further_picture(tiny):
    one = recipe(tiny, adapters=styled("1" * 64, 0.8))
    other = one.adapters[0].model_copy(update={"style": "2" * 64, "strength": 0.0})
    equal = [
        one,
        one.model_copy(update={"adapters": (one.adapters[0].model_copy(update={"name": "renamed"}),)}),
        one.model_copy(update={"adapters": (*one.adapters, other)}),
        one.model_copy(update={"adapters": (other, *one.adapters)}),
    ]
    assert len({essence(each) for each in equal}) == 1
    (group,) = plan(equal, 6)
    assert group.indices == ((0, 1, 2, 3),)
    unguided = [recipe(tiny, cfg=1.0, negative_prompt=text) for text in ("", "beard")]
    assert len({essence(each) for each in unguided}) == 1
    guided = [recipe(tiny, cfg=2.0, negative_prompt=text) for text in ("", "beard")]
    assert len({essence(each) for each in guided}) == 2


def test_a_word_is_a_matter_of_the_texts_so_its_strengths_share_a_batch(tiny):
    def said(strength: float, word: str = "inkwash") -> Recipe:
        return recipe(tiny, adapters=[AdapterRef(name="ink", style="ef" * 32, strength=strength, word=word)])

    asked = [said(0.0), said(0.5), said(1.0), said(1.0, "other"), said(1.0, "INKWASH"), recipe(tiny)]
    (group,) = plan(asked, 6)
    assert group.styles == ()
    assert [len(indices) for indices in group.indices] == [2, 1, 2, 1]
    assert group.batch_words()[:4] == group.batch_words()[4:]
    assert [[one.strength for one in words] for words in group.batch_words()[:4]] == [[], [0.5], [1.0], [1.0]]
