"""What a style file says of itself, in the words its readers look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = {
    "title": "modelspec.title",
    "author": "modelspec.author",
    "date": "modelspec.date",
    "description": "modelspec.description",
    "license": "modelspec.license",
    "trigger": "modelspec.trigger_phrase",
    "resolution": "modelspec.resolution",
    "prediction": "modelspec.prediction_type",
    "learning_rate": "ss_learning_rate",
    "steps": "ss_steps",
    "seed": "ss_seed",
    "base_name": "ss_sd_model_name",
    "base_weights": "duktus.base_weights",
    "base_role": "duktus.base_role",
}
"""Plain words and where the field's readers look for them. Folder names, captions and pictures never go
into the file: they would leave the house with it."""


def style_metadata(
    of_family: Mapping[str, str], words: Mapping[str, str], *, rank: int, alpha: float
) -> dict[str, str]:
    """What the file says: of every style, of its family, and ``words``.

    ``words`` are those of :data:`PLAIN`, or keys that already carry ``modelspec.``, ``ss_`` or ``duktus.``;
    any other is an :class:`InputError`, so that nothing private slips out. ``alpha`` is the one that a
    reader has to reckon with: the rank, where the file has it folded in.
    """
    network = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(rank),
        "ss_network_alpha": str(alpha),
    }
    return _said({**network, **of_family}, words)


def word_metadata(of_family: Mapping[str, str], words: Mapping[str, str], *, vectors: int) -> dict[str, str]:
    """The same of a learned word, which stands for so many vectors."""
    return _said({"ss_num_vectors_per_token": str(vectors), **of_family}, words)


def _said(of_kind: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    out = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.implementation": "https://github.com/huggingface/diffusers",
        **of_kind,
    }
    for word, value in words.items():
        name = PLAIN.get(word, word)
        if not name.startswith(("modelspec.", "ss_", "duktus.")):
            raise InputError(f"A style file has no place for the metadata {word!r}.")
        out[name] = value
    if "modelspec.title" in out:
        out.setdefault("ss_output_name", out["modelspec.title"])
    return out
