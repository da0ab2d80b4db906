"""Text encoders wear the text part of a style: at its strength, and off again without a trace."""

from __future__ import annotations

import pytest
import torch
from tests.support.foreign_styles import TEXT, kohya, save, taught
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.errors import MismatchError
from duktus.families.registry import family_of
from duktus.families.style_files.truth import of_folder

WORDS = ["a woman", "a man"]


@pytest.mark.parametrize(("family", "write"), [("sd15", write_tiny_base), ("sdxl", write_tiny_sdxl)])
def test_every_encoder_of_a_family_wears_a_style(tmp_path, family, write):
    folder = write(tmp_path / "base")
    loaded = family_of(folder).load(family_of(folder).describe(folder, "tiny"))
    pairs = taught(of_folder(folder, family, "tiny"), TEXT)
    assert {module.partition(".")[0] for module in pairs} == (
        {"text_encoder"} if family == "sd15" else {"text_encoder", "text_encoder_2"}
    )
    files = {"a" * 64: save(tmp_path / "style.safetensors", kohya(pairs))}
    bare = loaded.encode_text(WORDS).hidden
    seen = []
    for strength in (0.02, 0.04, 0.0):
        loaded.text_styles.wear({"a" * 64: strength}, files)
        seen.append(loaded.encode_text(WORDS).hidden)
    assert torch.equal(seen[2], bare)
    assert not torch.equal(seen[0], bare)
    assert not torch.equal(seen[0], seen[1])
    loaded.text_styles.wear({}, {})
    assert torch.equal(loaded.encode_text(WORDS).hidden, bare)
    loaded.drop_encoders()
    with pytest.raises(MismatchError, match="no style for tiny"):
        loaded.text_styles.wear({"a" * 64: 1.0}, files)
