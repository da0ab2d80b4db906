"""The spelling of transformers in single files, held against diffusers' own conversion at full width."""

from __future__ import annotations

import pytest
import torch
from diffusers.loaders import single_file_utils
from tests.support.single_files import TRANSFORMERS

from duktus.families.style_files.truth import PUBLIC, build
from duktus.families.transformer_file import in_diffusers_spelling

THEIRS = {
    "flux": single_file_utils.convert_flux_transformer_checkpoint_to_diffusers,
    "flux2": single_file_utils.convert_flux2_transformer_checkpoint_to_diffusers,
    "zimage": single_file_utils.convert_z_image_transformer_checkpoint_to_diffusers,
}
FEW = {
    "flux": {"num_layers": 2, "num_single_layers": 2},
    "flux2": {"num_layers": 2, "num_single_layers": 2},
    "zimage": {"n_layers": 2},
}


@pytest.mark.parametrize("family", ["flux", "flux2", "zimage"])
def test_every_row_goes_where_diffusers_puts_it(family: str) -> None:
    """Each tensor stands in with one number per row, so that full width costs nothing."""
    network = build("transformer", PUBLIC[family]["transformer"] | FEW[family])
    wanted = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    marked = {
        name: (torch.arange(shape[0]) + 100_000 * place).view(-1, *[1] * (len(shape) - 1))
        for place, (name, shape) in enumerate(wanted.items())
    }
    original = TRANSFORMERS[family](marked)
    ours = in_diffusers_spelling(original, family, wanted)
    theirs = THEIRS[family](dict(original))
    assert set(ours) == set(theirs) == set(wanted)
    for name, rows in marked.items():
        assert torch.equal(ours[name], rows), name
        assert torch.equal(theirs[name], rows), name
