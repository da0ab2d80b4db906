from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from duktus.domain.errors import InputError
from duktus.families.registry import family


def test_a_text_is_encoded_alike_whatever_it_is_encoded_with(tiny):
    texts = ["a woman", "", "a man with red hair, " * 40]
    together = family("sd15").load(tiny).encode_text(texts).hidden
    for place, text in enumerate(texts):
        alone = family("sd15").load(tiny).encode_text([text]).hidden
        assert torch.equal(alone[0], together[place])
    assert together.shape == (3, 77, 64)


def test_rows_repeat_and_reorder(loaded):
    text = loaded.encode_text(["a woman", "a man"])
    assert torch.equal(text.rows([1, 0, 1]).hidden, text.hidden[[1, 0, 1]])


def test_a_prompt_changes_the_answer(loaded):
    noisy = torch.randn(2, *loaded.latent_shape(64, 64))
    with torch.no_grad():
        a, b = loaded.predict(
            noisy[:1].repeat(2, 1, 1, 1), torch.tensor([500]), loaded.encode_text(["a", "blue"])
        )
    assert not torch.allclose(a, b, atol=1e-4)


def test_pictures_become_latents_and_pictures_again_one_by_one(loaded):
    pixels = torch.rand(3, 3, 64, 64) * 2 - 1
    mean, deviation = loaded.encode_pictures(pixels)
    assert mean.shape == deviation.shape == (3, *loaded.latent_shape(64, 64))
    assert bool((deviation > 0).all())
    back = loaded.decode(mean)
    assert back.shape == pixels.shape
    assert back.abs().max() <= 1
    assert torch.equal(loaded.decode(mean[1:2])[0], back[1])
    assert torch.equal(loaded.encode_pictures(pixels[1:2])[0][0], mean[1])


def test_the_preview_matrix_has_a_bias_and_explains_the_colours(loaded):
    matrix = loaded.latent_to_rgb()
    assert matrix.shape == (17, 3)
    assert torch.isfinite(matrix).all()


def test_encoders_can_be_dropped_and_what_was_encoded_stays(tiny):
    base = family("sd15").load(tiny)
    base.encode_text(["a woman"])
    base.drop_encoders()
    base.encode_text(["a woman"])
    with pytest.raises(RuntimeError, match="dropped"):
        base.encode_text(["a man"])


def test_another_family_is_refused(tiny):
    with pytest.raises(InputError, match="flux"):
        family("sd15").load(tiny.model_copy(update={"family": "flux"}))


def test_a_base_that_predicts_something_else_is_refused(copied):
    path = copied / "scheduler" / "scheduler_config.json"
    path.write_text(path.read_text().replace("v_prediction", "sample"))
    with pytest.raises(InputError, match="predicts 'sample'"):
        family("sd15").load(family("sd15").describe(copied, "m"))


def test_loading_says_nothing_and_warns_of_nothing(tiny_folder):
    code = (
        "from pathlib import Path; from duktus.families.registry import family;"
        f"folder = Path({str(tiny_folder)!r}); sd15 = family('sd15');"
        "sd15.load(sd15.describe(folder, 'm')).encode_text(['a woman'])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
