"""What each program makes of each layout, and that every layout is mended.

Expected numbers: files of these layouts on networks of the true depth, loaded by diffusers 0.42.1 and counted
with ComfyUI's key rules of October 2025 (Z-Image: December 2025); for FLUX.2 its key map of January 2026.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import load_file
from tests.support import foreign_styles as foreign
from tests.support.foreign_styles import ALPHA, RANK, TAUGHT, TEXT, ab, fused, kohya, save, taught

from duktus.families.style_files.checking import check
from duktus.families.style_files.mending import change_of, pieces, repair
from duktus.families.style_files.reading import read_style_file
from duktus.families.style_files.recognising import Trap, recognise

ATTENTION = r"unet\..*\.attn[12]\.to_(q|k|v|out\.0)"
DOUBLE, THIRD, QUARTER = (2.0, 2.0), (1 / 3, 1.0), (0.25, 1.0)
ONE = (1.0, 1.0)


@dataclass(frozen=True)
class Case:
    """A layout: how it is written, and (loaded, of, strength) per program."""

    family: str
    write: object
    rows: dict
    traps: tuple = ()
    metadata: object = None
    canonical: bool = False
    meant: float = ALPHA / RANK
    taught: str | None = None
    """Which modules, where not those of every such file."""


def _unet_native(pairs):
    return fused(pairs, foreign.unet_original(pairs), foreign._kohya, "lora_unet_", scaled=True)


def without_alpha(tensors):
    return {key: tensor for key, tensor in tensors.items() if not key.endswith(".alpha")}


CASES = {
    "sd15 kohya": Case(
        "sd15",
        kohya,
        {"ComfyUI": (160, 160, ONE), "A1111": (160, 160, ONE), "Forge": (160, 160, ONE),
         "diffusers": (160, 160, ONE), "InvokeAI": (160, 160, ONE)},
        canonical=True,
    ),
    "sd15 kohya, original names": Case(
        "sd15",
        _unet_native,
        {"ComfyUI": (160, 160, ONE), "diffusers": (0, 160, None), "InvokeAI": (None, 160, None)},
        (Trap.SPELLING,),
    ),
    "sd15 PEFT": Case(
        "sd15",
        lambda pairs: ab(pairs, "unet."),
        {"ComfyUI": (32, 160, ONE), "A1111": (0, 160, None), "diffusers": (160, 160, ONE)},
        (Trap.SPELLING,),
        meant=1.0,
    ),
    "sd15 PEFT wrapped": Case(
        "sd15",
        lambda pairs: ab(pairs, "base_model.model."),
        {"ComfyUI": (0, 160, None), "A1111": (0, 160, None), "diffusers": (0, 160, None)},
        (Trap.SPELLING,),
        meant=1.0,
    ),
    "sd15 PEFT, alpha in the metadata": Case(
        "sd15",
        lambda pairs: ab(pairs, "unet."),
        {"ComfyUI": (32, 160, DOUBLE), "diffusers": (160, 160, ONE)},
        (Trap.SPELLING, Trap.METADATA_ALPHA),
        metadata=foreign.peft_metadata("unet"),
    ),
    "sd15 diffusion_model. original": Case(
        "sd15",
        lambda pairs: fused(
            pairs, foreign.unet_original(pairs), foreign._ab, "diffusion_model.", scaled=True
        ),
        {"ComfyUI": (160, 160, ONE), "diffusers": (0, 160, None)},
        (Trap.SPELLING,),
    ),
    "sd15 older diffusers": Case(
        "sd15",
        foreign.processors,
        {"ComfyUI": (128, 128, ONE), "A1111": (0, 128, None), "diffusers": (128, 128, ONE)},
        (Trap.SPELLING,),
        meant=1.0,
        taught=ATTENTION,
    ),
    "sd15 lycoris": Case(
        "sd15",
        lambda pairs: kohya(pairs, "lycoris_"),
        {"ComfyUI": (160, 160, ONE), "Forge": (None, 160, None), "diffusers": (0, 160, None)},
        (Trap.SPELLING,),
    ),
    "sd15 PEFT, named adapter": Case(
        "sd15",
        lambda pairs: foreign.named(ab(pairs, "unet.")),
        {"ComfyUI": (32, 160, ONE), "A1111": (0, 160, None), "diffusers": (0, 160, None)},
        (Trap.SPELLING, Trap.NAMED),
        meant=1.0,
    ),
    "sdxl kohya": Case(
        "sdxl",
        kohya,
        {"ComfyUI": (700, 700, ONE), "A1111": (700, 700, ONE), "Forge": (700, 700, ONE),
         "diffusers": (700, 700, ONE), "InvokeAI": (700, 700, ONE)},
        canonical=True,
    ),
    "sdxl kohya, original names": Case(
        "sdxl",
        _unet_native,
        {"ComfyUI": (700, 700, ONE), "A1111": (700, 700, ONE), "diffusers": (700, 700, ONE),
         "InvokeAI": (700, 700, ONE)},
        (Trap.SPELLING,),
    ),
    "sdxl PEFT": Case(
        "sdxl",
        lambda pairs: ab(pairs, "unet."),
        {"ComfyUI": (140, 700, ONE), "A1111": (0, 700, None), "diffusers": (700, 700, ONE),
         "InvokeAI": (0, 700, None)},
        (Trap.SPELLING,),
        meant=1.0,
    ),
    "sdxl PEFT, alpha in the metadata": Case(
        "sdxl",
        lambda pairs: ab(pairs, "unet."),
        {"ComfyUI": (140, 700, DOUBLE), "diffusers": (700, 700, ONE), "InvokeAI": (0, 700, None)},
        (Trap.SPELLING, Trap.METADATA_ALPHA),
        metadata=foreign.peft_metadata("unet"),
    ),
    "sdxl diffusion_model. original": Case(
        "sdxl",
        lambda pairs: fused(
            pairs, foreign.unet_original(pairs), foreign._ab, "diffusion_model.", scaled=True
        ),
        {"ComfyUI": (700, 700, ONE), "diffusers": (0, 700, None), "InvokeAI": (0, 700, None)},
        (Trap.SPELLING,),
    ),
    "flux transformer., alpha in the metadata": Case(
        "flux",
        lambda pairs: ab(pairs, "transformer."),
        {"ComfyUI": (228, 228, DOUBLE), "diffusers": (418, 418, ONE), "InvokeAI": (418, 418, DOUBLE)},
        (Trap.METADATA_ALPHA,),
        metadata=foreign.peft_metadata("transformer"),
    ),
    "flux without a prefix": Case(
        "flux",
        lambda pairs: ab(pairs, "", fold=True),
        {"ComfyUI": (228, 228, ONE), "diffusers": (0, 418, None), "InvokeAI": (0, 418, None)},
        (Trap.SPELLING,),
    ),
    "flux lora_transformer_": Case(
        "flux",
        lambda pairs: kohya(pairs, "lora_transformer_"),
        {"ComfyUI": (228, 228, ONE), "diffusers": (0, 418, None)},
        (Trap.SPELLING,),
    ),
    "flux transformer., folded": Case(
        "flux",
        lambda pairs: ab(pairs, "transformer.", fold=True),
        {"ComfyUI": (228, 228, ONE), "A1111": (0, 418, None), "Forge": (228, 228, ONE),
         "diffusers": (418, 418, ONE), "InvokeAI": (418, 418, ONE)},
        canonical=True,
    ),
    "flux transformer. with alpha": Case(
        "flux",
        lambda pairs: ab(pairs, "transformer.", alpha=True),
        {"ComfyUI": (228, 228, ONE), "diffusers": (418, 418, ONE), "InvokeAI": (0, 418, None)},
        (Trap.ALPHA_BESIDE_AB,),
    ),
    "flux kohya fused, alpha scaled": Case(
        "flux",
        lambda pairs: fused(pairs, foreign.flux_groups(), foreign._kohya, "lora_unet_", scaled=True),
        {"ComfyUI": (228, 228, ONE), "diffusers": (418, 418, ONE), "InvokeAI": (418, 418, ONE)},
        (Trap.FUSED, Trap.SPELLING),
    ),
    "flux kohya fused, alpha not scaled": Case(
        "flux",
        lambda pairs: fused(pairs, foreign.flux_groups(), foreign._kohya, "lora_unet_", scaled=False),
        {"ComfyUI": (228, 228, QUARTER), "diffusers": (418, 418, QUARTER)},
        (Trap.FUSED, Trap.FUSED_UNSCALED, Trap.SPELLING),
    ),
    "flux diffusion_model. split": Case(
        "flux",
        lambda pairs: ab(pairs, "diffusion_model.", fold=True),
        {"ComfyUI": (0, 228, None), "diffusers": (0, 418, None)},
        (Trap.SPELLING,),
    ),
    "flux diffusion_model. original": Case(
        "flux",
        lambda pairs: fused(pairs, foreign.flux_groups(), foreign._ab, "diffusion_model.", scaled=True),
        {"ComfyUI": (228, 228, ONE), "diffusers": (0, 418, None), "InvokeAI": (418, 418, ONE)},
        (Trap.FUSED, Trap.SPELLING, Trap.ALPHA_BESIDE_AB),
    ),
    "flux2 transformer., folded": Case(
        "flux2",
        lambda pairs: ab(pairs, "transformer.", fold=True),
        {"ComfyUI": (80, 80, ONE), "A1111": (0, 100, None), "Forge": (0, 100, None),
         "diffusers": (100, 100, ONE), "InvokeAI": (100, 100, ONE)},
        canonical=True,
    ),
    "flux2 transformer. with alpha": Case(
        "flux2",
        lambda pairs: ab(pairs, "transformer.", alpha=True),
        {"ComfyUI": (80, 80, ONE), "diffusers": (0, 100, None), "InvokeAI": (0, 100, None)},
        (Trap.ALPHA_BESIDE_AB,),
    ),
    "flux2 base_model.model.": Case(
        "flux2",
        lambda pairs: ab(pairs, "base_model.model.", fold=True),
        {"ComfyUI": (0, 80, None), "diffusers": (100, 100, ONE), "InvokeAI": (100, 100, ONE)},
        (Trap.SPELLING,),
    ),
    "flux2 diffusion_model. split": Case(
        "flux2",
        lambda pairs: ab(pairs, "diffusion_model.", fold=True),
        {"ComfyUI": (0, 80, None), "diffusers": (100, 100, ONE)},
        (Trap.SPELLING,),
    ),
    "flux2 diffusion_model. split with alpha": Case(
        "flux2",
        lambda pairs: ab(pairs, "diffusion_model.", alpha=True),
        {"ComfyUI": (0, 80, None), "diffusers": (0, 100, None)},
        (Trap.SPELLING, Trap.ALPHA_BESIDE_AB),
    ),
    "flux2 base_model.model. with alpha": Case(
        "flux2",
        lambda pairs: ab(pairs, "base_model.model.", alpha=True),
        {"ComfyUI": (0, 80, None), "diffusers": (0, 100, None), "InvokeAI": (0, 100, None)},
        (Trap.SPELLING, Trap.ALPHA_BESIDE_AB),
    ),
    "flux2 diffusion_model. original": Case(
        "flux2",
        lambda pairs: without_alpha(
            fused(pairs, foreign.flux2_groups(), foreign._ab, "diffusion_model.", scaled=True)
        ),
        {"ComfyUI": (80, 80, ONE), "diffusers": (100, 100, ONE), "InvokeAI": (100, 100, ONE)},
        (Trap.FUSED, Trap.SPELLING),
        meant=1.0,
    ),
    "flux2 diffusion_model. original with alpha": Case(
        "flux2",
        lambda pairs: fused(pairs, foreign.flux2_groups(), foreign._ab, "diffusion_model.", scaled=True),
        {"ComfyUI": (80, 80, ONE), "diffusers": (0, 100, None), "InvokeAI": (100, 100, ONE)},
        (Trap.FUSED, Trap.SPELLING, Trap.ALPHA_BESIDE_AB),
    ),
    "flux2 kohya fused, alpha scaled": Case(
        "flux2",
        lambda pairs: fused(pairs, foreign.flux2_groups(), foreign._kohya, "lora_unet_", scaled=True),
        {"ComfyUI": (80, 80, ONE), "diffusers": (100, 100, ONE), "InvokeAI": (None, 100, None)},
        (Trap.FUSED, Trap.SPELLING),
    ),
    "flux2 kohya fused, alpha not scaled": Case(
        "flux2",
        lambda pairs: fused(pairs, foreign.flux2_groups(), foreign._kohya, "lora_unet_", scaled=False),
        {"ComfyUI": (80, 80, THIRD), "diffusers": (100, 100, THIRD)},
        (Trap.FUSED, Trap.FUSED_UNSCALED, Trap.SPELLING),
    ),
    "zimage diffusion_model., folded": Case(
        "zimage",
        lambda pairs: ab(pairs, "diffusion_model.", fold=True),
        {"ComfyUI": (20, 20, ONE), "A1111": (0, 28, None), "Forge": (0, 28, None),
         "diffusers": (28, 28, ONE), "InvokeAI": (28, 28, ONE)},
        canonical=True,
    ),
    "zimage transformer., folded": Case(
        "zimage",
        lambda pairs: ab(pairs, "transformer.", fold=True),
        {"ComfyUI": (20, 20, ONE), "diffusers": (28, 28, ONE), "InvokeAI": (28, 28, ONE)},
        (Trap.SPELLING,),
    ),
    "zimage transformer. with alpha": Case(
        "zimage",
        lambda pairs: ab(pairs, "transformer.", alpha=True),
        {"ComfyUI": (20, 20, ONE), "diffusers": (0, 28, None), "InvokeAI": (28, 28, DOUBLE)},
        (Trap.SPELLING, Trap.ALPHA_BESIDE_AB),
    ),
    "zimage diffusion_model. with alpha": Case(
        "zimage",
        lambda pairs: ab(pairs, "diffusion_model.", alpha=True),
        {"ComfyUI": (20, 20, ONE), "diffusers": (28, 28, ONE), "InvokeAI": (28, 28, DOUBLE)},
        (Trap.ALPHA_BESIDE_AB,),
    ),
    "zimage diffusion_model., named adapter": Case(
        "zimage",
        lambda pairs: foreign.named(ab(pairs, "diffusion_model.", fold=True)),
        {"ComfyUI": (20, 20, ONE), "diffusers": (28, 28, ONE), "InvokeAI": (None, 28, None)},
        (Trap.NAMED,),
    ),
    "zimage without a prefix": Case(
        "zimage",
        lambda pairs: ab(pairs, "", fold=True),
        {"ComfyUI": (20, 20, ONE), "diffusers": (0, 28, None), "InvokeAI": (0, 28, None)},
        (Trap.SPELLING,),
    ),
    "zimage lycoris": Case(
        "zimage",
        lambda pairs: kohya(pairs, "lycoris_"),
        {"ComfyUI": (20, 20, ONE), "diffusers": (0, 28, None), "InvokeAI": (0, 28, None)},
        (Trap.SPELLING,),
    ),
    "zimage musubi": Case(
        "zimage",
        kohya,
        {"ComfyUI": (12, 20, ONE), "diffusers": (28, 28, ONE), "InvokeAI": (0, 28, None)},
        (Trap.SPELLING,),
    ),
    "zimage double underscore": Case(
        "zimage",
        lambda pairs: kohya(pairs, "lora_unet__"),
        {"ComfyUI": (0, 20, None), "InvokeAI": (28, 28, ONE)},
        (Trap.SPELLING,),
    ),
    "zimage kohya fused, alpha scaled": Case(
        "zimage",
        lambda pairs: fused(pairs, foreign.zimage_groups(), foreign._kohya, "lora_unet_", scaled=True),
        {"ComfyUI": (20, 20, ONE), "diffusers": (28, 28, ONE), "InvokeAI": (0, 28, None)},
        (Trap.FUSED, Trap.SPELLING),
    ),
    "zimage kohya fused, alpha not scaled": Case(
        "zimage",
        lambda pairs: fused(pairs, foreign.zimage_groups(), foreign._kohya, "lora_unet_", scaled=False),
        {"ComfyUI": (20, 20, THIRD), "diffusers": (28, 28, THIRD), "InvokeAI": (0, 28, None)},
        (Trap.FUSED, Trap.FUSED_UNSCALED, Trap.SPELLING),
    ),
    "zimage diffusion_model. fused": Case(
        "zimage",
        lambda pairs: fused(pairs, foreign.zimage_groups(), foreign._ab, "diffusion_model.", scaled=True),
        {"ComfyUI": (20, 20, ONE), "diffusers": (0, 28, None), "InvokeAI": (0, 28, None)},
        (Trap.FUSED, Trap.SPELLING, Trap.ALPHA_BESIDE_AB),
    ),
    "zimage, alpha in the metadata": Case(
        "zimage",
        lambda pairs: ab(pairs, "transformer."),
        {"ComfyUI": (20, 20, DOUBLE), "diffusers": (28, 28, ONE), "InvokeAI": (28, 28, DOUBLE)},
        (Trap.SPELLING, Trap.METADATA_ALPHA),
        metadata=foreign.peft_metadata("transformer"),
    ),
}  # fmt: skip


def shown(row):
    return (row.loaded, row.of, row.strength and tuple(round(value, 6) for value in row.strength))


def rounded(expected):
    loaded, of, strength = expected
    return (loaded, of, strength and tuple(round(value, 6) for value in strength))


@pytest.mark.parametrize("name", CASES)
def test_every_layout_is_counted_and_mended(narrow, tmp_path, name):
    case = CASES[name]
    truth = narrow[case.family]
    pairs = taught(truth, case.taught)
    path = save(tmp_path / "foreign.safetensors", case.write(pairs), case.metadata)
    style = recognise(read_style_file(path), [truth])
    assert style.truth is truth
    result = check(style)
    rows = {row.program: row for row in result.rows}
    assert {program: shown(rows[program]) for program in case.rows} == {
        program: rounded(row) for program, row in case.rows.items()
    }
    assert style.traps == case.traps
    assert result.canonical is case.canonical
    assert (result.modules, result.unmatched, result.problems) == (len(pairs), (), ())

    mended = tmp_path / "mended.safetensors"
    repair(style, mended)
    again = recognise(read_style_file(mended), [truth])
    assert again.canonical
    assert again.traps == ()
    known = [row for row in check(again).rows if not row.words.startswith("has no ")]
    assert len(known) >= 3
    assert all(row.whole for row in known), [row for row in known if not row.whole]
    back = pieces(again)
    assert list(back) == [module for module in truth.modules if module in pairs]
    for module, (down, up) in pairs.items():
        wanted = case.meant * (up.double().flatten(1) @ down.double().flatten(1))
        assert torch.allclose(change_of(back[module]), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("family", "modules"), [("sd15", 12), ("sdxl", 24)])
def test_text_encoders_are_counted_and_names_without_text_model_mended(narrow, tmp_path, family, modules):
    truth = narrow[family]
    pairs = taught(truth, f"{TAUGHT[family]}|{TEXT}")
    good = save(tmp_path / "good.safetensors", kohya(pairs))
    rows = check(recognise(read_style_file(good), [truth])).rows
    assert [(row.text_loaded, row.text_of, row.whole) for row in rows] == [(modules, modules, True)] * 5
    bad = save(tmp_path / "bad.safetensors", foreign.without_text_model(kohya(pairs)))
    style = recognise(read_style_file(bad), [truth])
    assert style.traps == (Trap.NO_TEXT_MODEL,)
    comfy = check(style).rows[0]
    assert (comfy.loaded, comfy.of, comfy.text_loaded, comfy.text_of) == (
        *(len(pairs) - modules,) * 2, 0, modules)  # fmt: skip
    repair(style, tmp_path / "mended.safetensors")
    again = check(recognise(read_style_file(tmp_path / "mended.safetensors"), [truth]))
    assert all(row.whole for row in again.rows)
    mended, original = load_file(tmp_path / "mended.safetensors"), load_file(good)
    assert set(mended) == set(original)
    assert all(torch.equal(mended[key], original[key]) for key in original)


def test_invokeai_looks_for_the_first_block_of_both_kinds(narrow, tmp_path):
    truth = narrow["flux"]
    pairs = taught(truth, r"transformer\.(single_)?transformer_blocks\.(7|20)\..*to_[qkv]")
    path = save(tmp_path / "some.safetensors", ab(pairs, "transformer.", fold=True))
    rows = {row.program: row for row in check(recognise(read_style_file(path), [truth])).rows}
    assert rows["InvokeAI"].loaded == 0
    assert "transformer_blocks.0." in rows["InvokeAI"].words
    assert rows["diffusers"].whole
