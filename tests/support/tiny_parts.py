"""The parts that all small random-weight bases share: words, CLIP text encoders, autoencoders, quiet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPTextConfig, CLIPTokenizer
from transformers.utils import logging as transformers_logging

WORDS = """
woman man child portrait of a an the with and in short long curly hair brown blond black red grey beard
glasses smiling turned left right clothes background blue green yellow photo pencil sketch watercolour
""".split()  # noqa: SIM905


def bytes_to_unicode() -> list[str]:
    """The 256 printable stand-ins for bytes of GPT-2 and CLIP vocabularies."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [*map(chr, kept), *(chr(256 + n) for n in range(256 - len(kept)))]


def vocabulary(words: Sequence[str] = WORDS) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A byte-level CLIP vocabulary in which each of ``words`` is one token."""
    tokens = bytes_to_unicode()
    tokens = [*tokens, *(token + "</w>" for token in tokens)]
    merges: list[tuple[str, str]] = []
    for word in dict.fromkeys(words):
        symbols = [*word[:-1], word[-1] + "</w>"]
        while len(symbols) > 1:
            pair = (symbols[0], symbols[1])
            if pair not in merges:
                merges.append(pair)
            symbols = ["".join(pair), *symbols[2:]]
    tokens = [*tokens, *dict.fromkeys("".join(pair) for pair in merges)]
    tokens = [*tokens, "<|startoftext|>", "<|endoftext|>"]
    return {token: number for number, token in enumerate(tokens)}, merges


@contextmanager
def quiet(seed: int) -> Iterator[None]:
    """No progress bars, and random weights that depend on the seed alone."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def no_zeros(networks: Iterable[Any]) -> None:
    """Random values for what diffusers begins with zeros, so that everything changes the picture."""
    for network in networks:
        for parameter in network.parameters():
            if not parameter.any():
                parameter.data.normal_(std=0.02)


def autoencoder(*, latent_channels: int, scale: float, sample_size: int = 64, **more: Any) -> Any:
    """f = 8, as all our families have it, without attention in its middle."""
    kind: Any = AutoencoderKL  # the stubs of diffusers and transformers are narrower than their code
    return kind(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 16, 16, 16),
        layers_per_block=1,
        latent_channels=latent_channels,
        norm_num_groups=8,
        sample_size=sample_size,
        mid_block_add_attention=False,
        scaling_factor=scale,
        **more,
    )


def clip_config(vocab: dict[str, int], width: int, layers: int = 2, **more: Any) -> CLIPTextConfig:
    """A few layers with the vocabulary's own special tokens."""
    return CLIPTextConfig(
        vocab_size=len(vocab),
        hidden_size=width,
        intermediate_size=width * 2,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=vocab["<|startoftext|>"],
        eos_token_id=vocab["<|endoftext|>"],
        pad_token_id=vocab["<|endoftext|>"],
        **more,
    )


def clip_tokenizer(**more: Any) -> Any:
    """Reads 77 tokens of :data:`WORDS`."""
    vocab, merges = vocabulary()
    kind: Any = CLIPTokenizer
    return kind(vocab=vocab, merges=merges, model_max_length=77, **more)


def write_vocabulary(tokenizer: Path) -> None:
    """The older two files of a CLIP tokenizer, which newer libraries no longer write."""
    vocab, merges = vocabulary()
    (tokenizer / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (tokenizer / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def noted(folder: Path, duktus: dict[str, object] | None) -> Path:
    """The folder, with ``duktus.json`` where there is something to say."""
    if duktus is not None:
        (folder / "duktus.json").write_text(json.dumps(duktus, indent=2), encoding="utf-8")
    return folder
