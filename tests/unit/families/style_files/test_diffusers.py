"""diffusers itself loads the files: what the rule tables say of it is what it does."""

from __future__ import annotations

import pytest
from tests.support import foreign_styles as foreign
from tests.support.foreign_styles import NARROW, TAUGHT, TEXT, kohya, save, taught
from tests.unit.families.style_files.test_matrix import CASES

from duktus.families.registry import family as registered
from duktus.families.style_files import programs
from duktus.families.style_files.checking import row
from duktus.families.style_files.mending import Piece, pieces, write_canonical
from duktus.families.style_files.proving import prove
from duktus.families.style_files.reading import read_style_file
from duktus.families.style_files.recognising import recognise
from duktus.families.style_files.truth import from_configs

WITH_CONVOLUTIONS = (
    TAUGHT["sd15"]
    + r"|unet\..*\.(resnets\.\d+\.(conv1|conv2|conv_shortcut)|(down|up)samplers\.0\.conv|proj_in|proj_out)"
)
SHALLOW = {
    "flux": {"transformer": {**NARROW["flux"]["transformer"], "num_layers": 1, "num_single_layers": 1}},
}


def proof_of(path, family, configs, truth):
    return prove(path, family, configs, pieces(recognise(read_style_file(path), [truth])))


ON_NARROW = [name for name in CASES if not name.startswith("flux kohya fused")]
"""diffusers parts the fused matrices of FLUX.1 at the width of the full model, 3072, where one block of each
kind loaded as the rules say (17 of 17 modules, at 1 and at 0.25 to 1); that takes minutes and is not here.
"""


@pytest.mark.parametrize("name", ON_NARROW)
def test_the_rules_say_what_diffusers_does(narrow, tmp_path, name):
    case = CASES[name]
    truth, configs, pattern = narrow[case.family], NARROW[case.family], case.taught
    if case.family == "sdxl":  # one level tells as much, and is quicker
        pattern = rf"(?=unet\.mid_block\.)({TAUGHT['sdxl']})"
    if case.family == "flux":
        configs = SHALLOW["flux"]
        truth = from_configs("flux", configs, name="flux")
    path = save(tmp_path / "foreign.safetensors", case.write(taught(truth, pattern)), case.metadata)
    style = recognise(read_style_file(path), [truth], only=True)
    said = row(style, programs.DIFFUSERS)
    proof = prove(path, case.family, configs, pieces(style))
    assert len(proof.loaded) == said.loaded, (proof.refusal, said.words)
    if said.loaded:
        assert (min(proof.ratios), max(proof.ratios)) == pytest.approx(said.strength, rel=1e-4)


@pytest.mark.parametrize("alpha", [4.0, 2.0])
@pytest.mark.parametrize("pattern", [TAUGHT["sd15"], WITH_CONVOLUTIONS], ids=["linear", "convolutions"])
def test_a_style_as_duktus_writes_it_loads_whole(narrow, tmp_path, alpha, pattern):
    truth = narrow["sd15"]
    pairs = taught(truth, pattern)
    path = tmp_path / "style.safetensors"
    tensors = {module.partition(".")[2]: pair for module, pair in pairs.items()}
    registered("sd15").write_style(path, tensors, alpha=alpha, metadata={})
    meant = {module: Piece(down, up, alpha / 4) for module, (down, up) in pairs.items()}
    proof = prove(path, "sd15", NARROW["sd15"], meant)
    assert set(proof.loaded) == set(pairs)
    assert min(proof.ratios) == pytest.approx(1, rel=1e-5)
    assert max(proof.ratios) == pytest.approx(1, rel=1e-5)
    assert proof.error < 1e-3


@pytest.mark.parametrize("alpha", [4.0, 2.0])
@pytest.mark.parametrize("family", ["sdxl", "flux", "flux2", "zimage"])
def test_a_canonical_file_of_each_family_loads_whole(narrow, tmp_path, family, alpha):
    configs = SHALLOW.get(family, NARROW[family])
    truth = narrow[family]
    pattern = TAUGHT[family]
    if family == "sdxl":  # one of its levels is enough here; the names of all are counted elsewhere
        pattern = rf"(?=unet\.(down_blocks\.1|mid_block)\.)({WITH_CONVOLUTIONS})|{TEXT}"
    if family == "flux":
        pattern = rf"(?=transformer\.(single_)?transformer_blocks\.0\.)({pattern})"
    pairs = taught(truth, pattern)
    meant = {module: Piece(down, up, alpha / 4) for module, (down, up) in pairs.items()}
    path = tmp_path / "style.safetensors"
    write_canonical(path, family, truth, meant, {})
    proof = prove(path, family, configs, meant)
    assert set(proof.loaded) == set(pairs), proof.refusal
    assert all(ratio == pytest.approx(1, rel=1e-5) for ratio in proof.ratios)
    assert proof.error < 1e-3


@pytest.mark.parametrize("alpha", [4.0, 2.0])
@pytest.mark.parametrize(
    ("family", "pattern"),
    [
        *((family, TAUGHT[family]) for family in ("sd15", "sdxl", "flux", "flux2", "zimage")),
        *((family, WITH_CONVOLUTIONS) for family in ("sd15", "sdxl")),
    ],
    ids=["sd15", "sdxl", "flux", "flux2", "zimage", "sd15 with convolutions", "sdxl with convolutions"],
)
def test_what_a_family_writes_is_canonical_and_whole_in_every_program_that_knows_it(
    narrow, tmp_path, family, pattern, alpha
):
    truth = narrow[family]
    pairs = taught(truth, pattern)
    if pattern is WITH_CONVOLUTIONS:
        assert any(len(truth.modules[module]) == 4 and truth.modules[module][2] == 3 for module in pairs)
    tensors = {module.partition(".")[2]: pair for module, pair in pairs.items()}
    path = tmp_path / "style.safetensors"
    registered(family).write_style(path, tensors, alpha=alpha, metadata={})
    style = recognise(read_style_file(path), [truth])
    assert style.canonical
    rows = [row(style, program) for program in programs.PROGRAMS if family in program.families]
    assert len(rows) >= 3
    assert all(one.whole for one in rows), rows
    meant = {module: Piece(down, up, alpha / 4) for module, (down, up) in pairs.items()}
    write_canonical(tmp_path / "again.safetensors", family, truth, meant, {})
    assert set(read_style_file(tmp_path / "again.safetensors").header.tensors) == set(
        style.file.header.tensors
    )


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_text_encoders_are_proved_too(narrow, tmp_path, family):
    truth = narrow[family]
    pairs = taught(truth, rf"unet\.mid_block.*\.0\.attn1\.to_q|{TEXT}")
    path = save(tmp_path / "good.safetensors", kohya(pairs))
    proof = proof_of(path, family, NARROW[family], truth)
    assert set(proof.loaded) == set(pairs)
    assert proof.error < 1e-3
    bad = save(tmp_path / "bad.safetensors", foreign.without_text_model(kohya(pairs)))
    style = recognise(read_style_file(bad), [truth])
    said = row(style, programs.DIFFUSERS)
    proof = prove(bad, family, NARROW[family], pieces(style))
    text = sum(module.startswith("text_encoder") for module in proof.loaded)
    assert (len(proof.loaded) - text, text) == (said.loaded, said.text_loaded), proof.refusal
