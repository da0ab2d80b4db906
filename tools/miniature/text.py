"""The words: a byte-level BPE tokenizer built from the captions, and a small CLIP text encoder.

The tokenizer is learnt until every caption word is one token; all bytes are in the vocabulary, so
any prompt tokenises. The encoder first learns to name a portrait's attributes from its caption
(a minute; the heads are thrown away), then goes on together with the U-Net.
"""

from __future__ import annotations

import itertools
import json
import string
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from duktus.miniature.world import Portrait, caption, full_caption
from tools.miniature.progress import Budget, Log
from tools.miniature.trainer import Trainer

LENGTH = 77
WIDTH = 128
_START, _END = "<|startoftext|>", "<|endoftext|>"

ATTRIBUTES = tuple(Portrait.__dataclass_fields__)


def _byte_letters() -> list[str]:
    """The 256 printable stand-ins of byte-level BPE, in CLIP's order."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(256 - len(plain))]


def learn_merges(words: Counter[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, commonest first, until every word is one token (ASCII words only)."""
    pieces = {w: (*w[:-1], w[-1] + "</w>") for w in words}
    merges: list[tuple[str, str]] = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in pieces.items():
            for pair in itertools.pairwise(parts):
                pairs[pair] += words[word]
        if not pairs:
            return merges
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        pieces = {w: _merge(parts, best) for w, parts in pieces.items()}


def _merge(parts: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    i = 0
    while i < len(parts):
        if parts[i : i + 2] == pair:
            out.append(parts[i] + parts[i + 1])
            i += 2
        else:
            out.append(parts[i])
            i += 1
    return tuple(out)


def build_tokenizer(portraits: list[Portrait], folder: Path) -> CLIPTokenizer:
    """Writes vocab.json, merges.txt and the rest to `folder` and loads it as any program would."""
    rng = np.random.default_rng(0)
    words: Counter[str] = Counter()
    for portrait in portraits[:3000]:
        for text in (caption(portrait, rng), full_caption(portrait)):
            words.update(text.lower().replace(",", " , ").split())
    merges = learn_merges(words)
    letters = _byte_letters()
    tokens = [
        *letters,
        *(c + "</w>" for c in letters),
        *dict.fromkeys(a + b for a, b in merges),
        _START,
        _END,
    ]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=LENGTH)
    tokenizer.save_pretrained(folder)
    return tokenizer


def build(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A new text encoder: 3 layers, 128 wide, CLIP's causal attention."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def ids_of(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """(n, 77) token ids, padded as the Stable Diffusion pipeline pads."""
    padded = tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    ids: Tensor = padded.input_ids
    return ids


def with_foreign_word(text: str, rng: np.random.Generator) -> str:
    """One caption in twelve gets an invented word somewhere: the base learns to pass over those."""
    if not text or rng.random() > 1 / 12:
        return text
    letters = rng.choice(list(string.ascii_lowercase), int(rng.integers(3, 10)))
    words = text.split(" ")
    words.insert(int(rng.integers(len(words) + 1)), "".join(letters))
    return " ".join(words)


class _Namer(nn.Module):
    """The encoder and one linear head per attribute, on the state at the end token."""

    def __init__(self, encoder: CLIPTextModel, sizes: list[int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleList(nn.Linear(WIDTH, n) for n in sizes)

    def forward(self, ids: Tensor) -> list[Tensor]:
        state = self.encoder(ids).pooler_output
        return [head(state) for head in self.heads]


def pretrain(
    encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    portraits: list[Portrait],
    work: Path,
    budget: Budget,
    device: torch.device,
    log: Log,
    seed: int,
) -> None:
    """Trains `encoder` to name attributes; what a caption leaves out stays a guess."""
    values = [sorted({str(getattr(p, name)) for p in portraits}) for name in ATTRIBUTES]
    codes = torch.tensor(
        [[v.index(str(getattr(p, n))) for n, v in zip(ATTRIBUTES, values, strict=True)] for p in portraits]
    )
    if device.type == "cpu":
        encoder.set_attn_implementation("eager")
    namer = _Namer(encoder, [len(v) for v in values]).to(device)
    trainer = Trainer(namer, work / "text.safetensors", budget, 1e-3, lambda f: 1 - 0.9 * f, log)
    budget.start()
    while budget.fraction < 1:
        rng = np.random.default_rng([seed, 2, budget.step])
        chosen = rng.integers(len(portraits), size=64)
        texts = [with_foreign_word(caption(portraits[i], rng), rng) for i in chosen]
        outputs = namer(ids_of(tokenizer, texts).to(device))
        aims = codes[chosen].to(device)
        loss = torch.stack([functional.cross_entropy(o, aims[:, k]) for k, o in enumerate(outputs)]).mean()
        trainer.step(loss)
        if budget.step % 100 == 0:
            right = torch.stack([(o.argmax(1) == aims[:, k]).float().mean() for k, o in enumerate(outputs)])
            log(
                f"text: step {budget.step}, loss {loss.item():.3f}, "
                f"right {right.mean():.3f}, left {budget.left}"
            )
    trainer.save()
