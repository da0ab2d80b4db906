"""The diffusers row of a learned word proved: diffusers itself loads it, and its vectors are compared."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import diffusers
import torch
from transformers import CLIPTokenizer

from duktus.families.image_processors import prefer_pillow
from duktus.families.style_files.proving import PIPELINES, pipeline_of
from duktus.families.style_files.truth import build, configs_of

if TYPE_CHECKING:
    from pathlib import Path

    from duktus.families.style_files.words import WordFile

TOKEN = "<|duktus-word|>"  # noqa: S105 - a token of a text
"""A word that no vocabulary has."""


def refusal(word: WordFile, folder: Path) -> str | None:
    """What goes wrong when diffusers' ``load_textual_inversion`` takes the file for the base in ``folder``,
    into text encoders of its configurations (without weights); None when every number arrives.
    """
    configs = configs_of(folder)
    prefer_pillow()
    kind: Any = getattr(diffusers, PIPELINES[word.vocabulary.family])
    vectors = word.tensors()
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for encoder, own in vectors.items():
                tokenizer: Any = CLIPTokenizer.from_pretrained(
                    folder / encoder.replace("text_encoder", "tokenizer"), local_files_only=True
                )
                network = build(encoder, configs[encoder]).to_empty(device="cpu")
                pipeline = pipeline_of(kind, {})
                pipeline.load_textual_inversion(
                    {word.keys[encoder]: own}, token=TOKEN, tokenizer=tokenizer, text_encoder=network
                )
                got = network.get_input_embeddings().weight.detach()[-len(own) :]
                if not torch.equal(got.float(), own):
                    return "its vectors arrive other than they are in the file"
    except Exception as error:  # noqa: BLE001 - whatever that code raises on a file is its refusal
        return f"refuses it: {type(error).__name__}: {error}".partition("\n")[0][:300]
    finally:
        logging.disable(before)
    return None
