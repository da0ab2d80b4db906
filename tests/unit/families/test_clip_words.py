"""Weighted words, on the tiny base."""

from __future__ import annotations

import torch

from duktus.families.clip_words import TOKENS, weighted_tokens
from duktus.families.family import EncodesWeighted, WeighsWords
from duktus.families.registry import family


def encoded(loaded, text):
    return loaded.encode_weighted([text]).hidden


def test_the_family_says_that_it_can(loaded):
    assert isinstance(family("sd15"), WeighsWords)
    assert isinstance(loaded, EncodesWeighted)
    assert not isinstance(object(), WeighsWords)


def test_without_marks_the_bits_are_those_of_the_plain_text(tiny):
    text = "a woman with red hair, 1.5:1"
    weighted = encoded(family("sd15").load(tiny), text)
    assert torch.equal(weighted, family("sd15").load(tiny).encode_text([text]).hidden)


def test_escaped_brackets_and_a_weight_of_one_are_the_plain_text(loaded):
    assert torch.equal(encoded(loaded, r"a \(red\) hat"), loaded.encode_text(["a (red) hat"]).hidden)
    assert torch.equal(encoded(loaded, "a (red:1.0) hat"), loaded.encode_text(["a red hat"]).hidden)


def test_each_token_counts_as_said_and_the_mean_stays(loaded):
    plain = loaded.encode_text(["a red hair woman"]).hidden
    # begin, "a", "red", "hair", "woman", end, padding: every word is one token here
    weights = torch.ones(1, TOKENS, 1)
    weights[0, 2] = 1.3 * 1.1
    weights[0, 3] = 1.1
    expected = plain * weights
    expected = expected * (plain.mean() / expected.mean())
    found = encoded(loaded, "a ((red:1.3) hair) woman")
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, plain, atol=1e-3)


def test_the_tokens_are_those_of_the_plain_text_and_are_cut_alike(loaded):
    for words in ("red hair", "red hair, " * 60):
        plain, none = weighted_tokens(loaded._tokenizer, ((f"a {words} blue", 1.0),))
        ids, weights = weighted_tokens(loaded._tokenizer, (("a ", 1.0), (words, 1.2), (" blue", 1.0)))
        assert none is None
        assert torch.equal(ids, plain)
        assert weights.shape == (1, TOKENS)


def test_weighted_and_plain_texts_do_not_share_a_place_in_the_cache(loaded):
    first = encoded(loaded, "a (red:1.5) hat")
    assert not torch.equal(first, loaded.encode_text(["a (red:1.5) hat"]).hidden)
    assert torch.equal(first, encoded(loaded, "a (red:1.5) hat"))
