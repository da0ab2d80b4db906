"""FLUX.2 [klein]: the Base can be taught, the distilled one only renders; a folder need not say which."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from diffusers import Flux2KleinInpaintPipeline, Flux2KleinPipeline
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu
from PIL import Image
from tests.families.conformance import ROUNDING, START, Conformance, Specimen
from tests.support.recipes import recipe as plain_recipe
from tests.support.tiny_flow import KLEIN_TOKENS, write_tiny_flux2

from duktus.domain.base import Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import NoiseLevels, Targets
from duktus.families.flux2.folder import TEXT_LAYERS
from duktus.families.flux2.loaded import size_and_steps_shift
from duktus.families.flux2.words import MOST_TOKENS
from duktus.families.registry import family
from duktus.families.style_files.reading import read_style_file
from duktus.families.style_files.recognising import recognise
from duktus.rendering.renderer import Renderer
from duktus.training.preflight import check_role

TARGETS = (Targets.ATTENTION, Targets.ATTENTION_FEED_FORWARD)
FLUX2 = family("flux2")


class Worded(Flux2KleinPipeline):
    """Diffusers' pipeline takes a negative prompt only as it is embedded; here as words."""

    @torch.no_grad()
    def __call__(self, negative_prompt: str = "", **asked: Any) -> Any:
        embedded, _ = self.encode_prompt(negative_prompt, max_sequence_length=KLEIN_TOKENS)
        more = {"negative_prompt_embeds": embedded, "max_sequence_length": KLEIN_TOKENS}
        return super().__call__(**more, **asked)


class Over(Flux2KleinInpaintPipeline):
    """Diffusers' pipeline shows the transformer the source too, as an edit does; here it is drawn over."""

    @torch.no_grad()
    def __call__(self, image: Any, negative_prompt: str = "", **asked: Any) -> Any:
        embedded, _ = self.encode_prompt(negative_prompt, max_sequence_length=KLEIN_TOKENS)
        more = {"negative_prompt_embeds": embedded, "max_sequence_length": KLEIN_TOKENS}
        return super().__call__(image=image, mask_image=Image.new("L", image.size, 255), **more, **asked)

    def prepare_image_latents(self, *_: Any, **__: Any) -> tuple[torch.Tensor, torch.Tensor]:
        channels: int = self.transformer.config.in_channels
        return torch.zeros(1, 0, channels), torch.zeros(1, 0, 4)


class TestFlux2(Conformance):
    family = "flux2"
    specimens: ClassVar = {"base": Specimen(write_tiny_flux2, targets=TARGETS)}

    def pipeline(self, folder: Path) -> Any:
        pipe = Worded.from_pretrained(folder, local_files_only=True)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def latents_of(self, pipe: Any, pixels: torch.Tensor) -> torch.Tensor:
        return pipe._encode_vae_image(pixels, None)

    def over_another(self, pipe: Any) -> Any:
        return Over(**pipe.components)


def test_what_it_reads_and_how_it_shifts_is_what_diffusers_says() -> None:
    said = inspect.signature(Flux2KleinPipeline.__call__).parameters
    assert said["text_encoder_out_layers"].default == TEXT_LAYERS
    assert said["max_sequence_length"].default == MOST_TOKENS
    for tokens in (16, 1024, 4096, 4300, 4301, 9216):
        for steps in (4, 10, 50, 200):
            assert size_and_steps_shift(tokens, steps) == pytest.approx(compute_empirical_mu(tokens, steps))


def test_the_distilled_one_draws_as_diffusers_does_and_nothing_is_taught_on_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_tiny_flux2(tmp_path / "klein", distilled=True)
    suite, specimen = TestFlux2(), Specimen(write_tiny_flux2, cfg=1.0)
    base = FLUX2.describe(folder, "klein")
    assert (base.role, base.render.steps, base.render.cfg) == (Role.RENDER_ONLY, 4, 1.0)
    one = suite.recipe(base, specimen)
    (ours,) = Renderer(base, {}).render([one])
    assert not caplog.records, "the text encoder's unneeded head is nothing to speak of"
    start = torch.randn((1, 32, 4, 4), generator=torch.Generator().manual_seed(START))
    assert np.abs(suite.drawn_by(suite.pipeline(folder), one, start) - ours.pixels).mean() <= ROUNDING
    with pytest.raises(InputError, match=r"teach on FLUX\.2 \[klein\] Base"):
        check_role(base)
    with pytest.raises(InputError, match="cannot be taught on"):
        FLUX2.describe(folder, "klein", role=Role.TEACH_AND_RENDER)


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that does not say whether it is distilled."""
    return write_tiny_flux2(tmp_path_factory.mktemp("flux2") / "flux-2-klein-distilled", distilled=None)


def changed(folder: Path, file: str, **values: object) -> Path:
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return folder


def test_where_the_folder_does_not_say_the_person_is_asked(silent: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not say is_distilled.*--role"):
        FLUX2.describe(silent, "m")
    taught = FLUX2.describe(silent, "m", role=Role.TEACH_AND_RENDER)
    assert (taught.role, taught.render.steps, taught.render.cfg) == (Role.TEACH_AND_RENDER, 50, 4.0)
    assert FLUX2.describe(silent, "m", role=Role.RENDER_ONLY).render.steps == 4
    teach = FLUX2.teach_defaults(taught)
    assert (teach.min_snr_gamma, teach.noise_levels) == (None, NoiseLevels.SHIFTED)
    assert "musubi-tuner" in teach.source
    fits = {"sampler": Sampler.EULER, "schedule": Schedule.NORMAL}
    with pytest.raises(InputError, match="takes no guidance"):
        FLUX2.check_recipe(taught, plain_recipe(taught, **fits, guidance=3.5))
    with pytest.raises(InputError, match="multiples of 16"):
        FLUX2.check_recipe(taught, plain_recipe(taught, **fits, height=72))


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("vae/config.json", {"latent_channels": 16}, "takes 8 channels of latents, the VAE makes 16"),
        ("text_encoder/config.json", {"hidden_size": 48}, "gives 144 numbers a token, .* takes 96"),
        ("text_encoder/config.json", {"num_hidden_layers": 12}, "has 12 layers; .* sees the 27th"),
        ("transformer/config.json", {"guidance_embeds": True}, "is not a FLUX.2 .klein. folder"),
    ],
)
def test_parts_of_other_bases_are_named(
    silent: Path, tmp_path: Path, file: str, values: dict[str, object], words: str
) -> None:
    folder = changed(Path(shutil.copytree(silent, tmp_path / "m")), file, **values)
    with pytest.raises(InputError, match=words):
        FLUX2.describe(folder, "m", role=Role.TEACH_AND_RENDER)


def test_the_frame_of_messages_must_be_there(silent: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(silent, tmp_path / "m"))
    (folder / "tokenizer" / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match=r"tokenizer/chat_template.jinja is missing"):
        FLUX2.describe(folder, "m", role=Role.TEACH_AND_RENDER)


@pytest.mark.parametrize(("width", "heads"), [(3072, 24), (4096, 32)], ids=["4B", "9B"])
def test_a_style_of_either_size_is_recognised_without_a_base(tmp_path: Path, width: int, heads: int) -> None:
    paths = ("transformer_blocks.0.attn.to_q", "single_transformer_blocks.0.attn.to_qkv_mlp_proj")
    tensors = {
        path: (torch.ones(1, width), torch.ones(rows, 1))
        for path, rows in zip(paths, (width, 9 * width), strict=True)
    }
    FLUX2.write_style(tmp_path / "style.safetensors", tensors, alpha=1, metadata={})
    style = recognise(read_style_file(tmp_path / "style.safetensors"))
    assert (style.truth.family, len(style.places), style.unmatched) == ("flux2", 2, ())
    assert style.truth.modules["transformer.transformer_blocks.0.attn.to_q"] == (width, heads * 128)
