"""The drawn world: deterministic, true to its captions, and legible to its own checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from duktus.miniature.world import (
    HELD_OUT_MEDIA,
    TRAINED_MEDIA,
    BackgroundColour,
    Expression,
    HairLength,
    Medium,
    Person,
    Portrait,
    caption,
    check,
    draw,
    full_caption,
    sample_portrait,
    texture,
)


def portraits(count: int, seed: int = 7, media: tuple[Medium, ...] = TRAINED_MEDIA) -> list[Portrait]:
    rng = np.random.default_rng(seed)
    return [sample_portrait(rng, media) for _ in range(count)]


@pytest.mark.parametrize("medium", list(Medium))
def test_drawing_is_deterministic_and_varies_with_the_seed(medium: Medium) -> None:
    portrait = replace(portraits(1)[0], medium=medium)
    picture = draw(portrait, 5)
    assert picture.shape == (128, 128, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, draw(portrait, 5))
    assert not np.array_equal(picture, draw(portrait, 6))


@pytest.mark.parametrize("size", [64, 128, 256])
def test_sizes_show_the_same_picture(size: int) -> None:
    portrait = replace(portraits(1)[0], medium=Medium.CARTOON)
    picture = draw(portrait, 11, size)
    assert picture.shape == (size, size, 3)
    step = size // 32
    small = picture.astype(np.float64).reshape(32, step, 32, step, 3).mean((1, 3))
    reference = draw(portrait, 11).astype(np.float64).reshape(32, 4, 32, 4, 3).mean((1, 3))
    assert np.abs(small - reference).mean() < 12


def test_held_out_media_are_not_sampled_unasked() -> None:
    media = {portrait.medium for portrait in portraits(300)}
    assert media == set(TRAINED_MEDIA)
    assert not media & set(HELD_OUT_MEDIA)
    assert set(TRAINED_MEDIA) | set(HELD_OUT_MEDIA) == set(Medium)


def test_only_men_wear_beards() -> None:
    assert all(portrait.person is Person.MAN for portrait in portraits(300) if portrait.beard)


def test_full_caption_names_everything() -> None:
    for portrait in portraits(50, media=tuple(Medium)):
        text = full_caption(portrait)
        for word in (
            f"{portrait.expression} {portrait.person}",
            f"{portrait.hair_colour} hair",
            f"{portrait.skin} skin",
            f"{portrait.clothes_colour} {portrait.garment}",
            f"{portrait.background_colour} background",
            str(portrait.medium),
        ):
            assert word in text
        assert ("beard" in text) is portrait.beard
        assert ("glasses" in text) is portrait.glasses
        assert ("curly" in text) is portrait.curly
        assert ("bun" in text) is (portrait.hair_length is HairLength.BUN)


def test_captions_say_nothing_untrue_and_are_sometimes_empty() -> None:
    rng = np.random.default_rng(3)
    texts = []
    for portrait in portraits(400):
        text = caption(portrait, rng)
        texts.append(text)
        for colour in BackgroundColour:
            assert f"{colour} background" not in text or colour is portrait.background_colour
        for mood in Expression:
            assert str(mood) not in text or mood is portrait.expression
        for medium in Medium:
            assert str(medium) not in text or medium is portrait.medium
        assert "glasses" not in text or portrait.glasses
        assert "beard" not in text or portrait.beard
    empty = sum(text == "" for text in texts) / len(texts)
    assert 0.05 < empty < 0.16
    assert len(set(texts)) > 300


def test_checks_read_back_what_was_drawn() -> None:
    results = [check(draw(portrait, seed), portrait) for seed, portrait in enumerate(portraits(60, seed=12))]
    for name in ("background_colour", "hair_colour", "medium"):
        assert np.mean([getattr(result, name) for result in results]) >= 0.97


def test_checks_notice_what_was_not_drawn() -> None:
    portrait = replace(portraits(1)[0], medium=Medium.CARTOON, background_colour=BackgroundColour.BLUE)
    picture = draw(replace(portrait, medium=Medium.PENCIL, background_colour=BackgroundColour.YELLOW), 4)
    result = check(picture, portrait)
    assert not result.background_colour
    assert result.found_medium is Medium.PENCIL


def test_held_out_hands_are_unmistakable() -> None:
    shown = portraits(24, seed=5, media=HELD_OUT_MEDIA)
    assert (
        np.mean([check(draw(portrait, seed), portrait).medium for seed, portrait in enumerate(shown)]) >= 0.95
    )


def test_textures_are_deterministic_and_different() -> None:
    assert np.array_equal(texture(3), texture(3))
    assert not np.array_equal(texture(3), texture(4))
    assert texture(3, 64).shape == (64, 64, 3)
