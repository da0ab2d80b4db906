"""A class that the base is to go on drawing as before: on a small base that has really learned that class."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tests.support.portfolio import TRIGGER, pixels

from duktus.domain.base import Base
from duktus.domain.errors import InputError, MismatchError, PictureError
from duktus.domain.style import Targets, TeachSettings
from duktus.families import registry
from duktus.training import Paused, Taught, TrainingSet, read_class_folder
from duktus.training.cache import build_cache
from duktus.training.measure import held_out_losses
from duktus.training.preflight import preflight
from duktus.training.teach import teach
from duktus.training.training_set import read_class_pictures, split_class

Make = Callable[..., TeachSettings]
CLASS = "a photo of a man"


def write_class(folder: Path, count: int = 16) -> Path:
    """Pale pictures, unlike those in the hand."""
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(200 + pixels(100 + number, 64, 64) // 8).save(folder / f"c{number}.png")
    return folder


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    folder = write_class(tmp_path_factory.mktemp("class") / "pictures")
    return read_class_pictures(folder, sorted(folder.iterdir()), CLASS, 64)


def spread_out(base: Path, latents: torch.Tensor) -> None:
    """Let the encoder answer with latents as a trained one's are: these with mean 0 and deviation 1, and
    hardly any noise of their own. A random encoder's pictures are all alike and drown in its noise.
    """
    path = base / "vae" / "diffusion_pytorch_model.safetensors"
    parts = load_file(path)
    weight, bias = parts["quant_conv.weight"], parts["quant_conv.bias"]
    half = len(bias) // 2
    scale = json.loads((base / "vae" / "config.json").read_text())["scaling_factor"]
    deviation, mean = (moment / scale for moment in torch.std_mean(latents, dim=(0, 2, 3)))
    weight[:half] /= deviation.view(-1, 1, 1, 1) * scale
    bias[:half] = (bias[:half] - mean) / (deviation * scale)
    weight[half:], bias[half:] = 0, -20  # the logarithmic variance
    save_file(parts, path, {"format": "pt"})


@pytest.fixture(scope="module")
def knowing(tiny_base: Base, shown: TrainingSet, tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The tiny base after some training of the whole network on the class."""
    folder = Path(shutil.copytree(tiny_base.folder, tmp_path_factory.mktemp("knowing") / "base"))
    family = registry.family("sd15")
    settings = TeachSettings(trigger=TRIGGER, steps=1, learning_rate=1, resolution=64)
    spread_out(folder, build_cache(family.load(tiny_base), shown, None, settings).taught.mean)
    loaded = family.load(family.describe(folder, "knowing"))
    cache = build_cache(loaded, shown, None, settings)
    generator = torch.Generator().manual_seed(0)
    loaded.denoiser.requires_grad_(requires_grad=True)
    optimiser = torch.optim.AdamW(loaded.denoiser.parameters(), lr=2e-3)
    text = cache.conditioning.rows([0, 0, 0, 0])
    for _ in range(100):
        latents = cache.taught.mean[torch.randint(0, len(shown.pictures), (4,), generator=generator)]
        noise = torch.randn(latents.shape, generator=generator)
        times = loaded.sample_timesteps(4, generator)
        answer = loaded.predict(loaded.add_noise(latents, noise, times), times, text)
        optimiser.zero_grad()
        (answer - loaded.training_target(latents, noise, times)).square().mean().backward()
        optimiser.step()
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    names = load_file(weights).keys()
    state = loaded.denoiser.state_dict()
    save_file({name: state[name].detach().contiguous() for name in names}, weights, {"format": "pt"})
    return family.describe(folder, "knowing")


def finished(result: Taught | Paused) -> Taught:
    assert isinstance(result, Taught)
    return result


def test_with_the_class_pictures_the_base_forgets_the_class_less(
    knowing: Base, pictures: TrainingSet, shown: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    plain = settings(
        steps=40,
        batch=4,
        rank=8,
        alpha=8,
        targets=Targets.ATTENTION_FEED_FORWARD_CONV,
        keep="last",
        patience=None,
        min_snr_gamma=None,
        probe_timesteps=4,
        evaluate_every=40,
    )
    kept = plain.model_copy(update={"prior": CLASS})
    without = finished(teach(knowing, pictures, plain, tmp_path / "without"))
    with_class = finished(teach(knowing, pictures, kept, tmp_path / "with", prior=shown))
    unseen = split_class(shown)[1]
    base, forgotten = held_out_losses(knowing, without.file, unseen, plain)
    same, remembered = held_out_losses(knowing, with_class.file, unseen, plain)
    assert base == same
    taught = [run.verdict.measures["taught"] for run in (without, with_class)]
    figures = f"class: {forgotten / base:.3f} without, {remembered / base:.3f} with; taught: {taught}"
    assert forgotten / base > 1.05, f"means something only where the class is forgotten: {figures}"
    assert abs(remembered / base - 1) < 0.5 * abs(forgotten / base - 1), figures
    assert max(taught) < 1, figures
    # And the run says so itself.
    assert with_class.verdict.measures["class"] == pytest.approx(remembered / base, rel=0.1)
    assert any(f"'{CLASS}'" in reason for reason in with_class.verdict.reasons)
    assert with_class.curve[-1].prior_loss is not None
    assert without.curve[-1].prior_loss is None
    assert with_class.facts["class_pictures"] == 16


def test_a_stopped_run_with_a_class_goes_on_bit_for_bit_and_only_with_its_own_pictures(
    tiny_base: Base, pictures: TrainingSet, shown: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    kept = settings(prior=CLASS, caption_dropout=0.5)
    whole = finished(teach(tiny_base, pictures, kept, tmp_path / "whole", prior=shown))
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 5

    parts = tmp_path / "parts"
    assert isinstance(teach(tiny_base, pictures, kept, parts, prior=shown, should_stop=stop), Paused)
    fewer = replace(shown, pictures=shown.pictures[:6])
    with pytest.raises(MismatchError, match="class pictures"):
        teach(tiny_base, pictures, kept, parts, prior=fewer, resume=True)
    heavier = kept.model_copy(update={"prior_weight": 2.0})
    with pytest.raises(MismatchError, match="prior_weight was 1"):
        teach(tiny_base, pictures, heavier, parts, prior=shown, resume=True)
    resumed = finished(teach(tiny_base, pictures, kept, parts, prior=shown, resume=True))
    assert resumed.file.read_bytes() == whole.file.read_bytes()
    assert resumed.curve == whole.curve


def test_the_preflight_tries_it_and_says_so(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    plan = preflight(tiny_base, pictures, settings(prior=CLASS), tmp_path, device="cpu")
    assert any(CLASS in words and "weight 1" in words for words in plan.words)


def test_a_class_needs_a_prompt_and_pictures(
    tiny_base: Base, pictures: TrainingSet, shown: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no pictures"):
        teach(tiny_base, pictures, settings(prior=CLASS), tmp_path)
    with pytest.raises(InputError, match="no prompt"):
        teach(tiny_base, pictures, settings(), tmp_path, prior=shown)
    with pytest.raises(InputError, match="names the trigger word"):
        teach(tiny_base, pictures, settings(prior=f"a {TRIGGER}"), tmp_path, prior=shown)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_class_pictures_keeps_its_own_captions(settings: Make, tmp_path: Path) -> None:
    folder = write_class(tmp_path / "mine", 4)
    (folder / "c1.txt").write_text("a man with a beard")
    found = read_class_folder(folder, settings(prior=CLASS))
    assert [one.caption for one in found.pictures] == [CLASS, "a man with a beard", CLASS, CLASS]
    (folder / "c2.txt").write_text(f"{TRIGGER}, a man")
    with pytest.raises(InputError, match=r"c2\.png names the trigger"):
        read_class_folder(folder, settings(prior=CLASS))
    (folder / "c2.txt").unlink()
    (folder / "c0.png").write_text("no picture")
    with pytest.raises(PictureError, match=r"c0\.png"):
        read_class_folder(folder, settings(prior=CLASS))
    (folder / "c0.png").unlink()
    with pytest.raises(InputError, match="holds 3 class pictures"):
        read_class_folder(folder, settings(prior=CLASS))
