"""Which files of a hub repository are taken, offline from the cache, and what the hub's answers mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from httpx2 import HTTPError, Request, Response
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from tests.support.tiny_base import write_tiny_base
from tests.support.workspaces import command

from duktus.domain.errors import InputError
from duktus.families.hub import hub_error, is_hub_id, wanted_files

REPOSITORY = [
    "README.md", "model_index.json", "v1-5-pruned.safetensors", "v1-5-pruned.ckpt",
    "scheduler/scheduler_config.json", "safety_checker/model.safetensors", "safety_checker/config.json",
    "tokenizer/vocab.json", "tokenizer/merges.txt", "tokenizer/chat_template.jinja",
    "text_encoder/config.json", "text_encoder/model.safetensors", "text_encoder/model.fp16.safetensors",
    "text_encoder/pytorch_model.bin",
    "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "transformer/config.json", "transformer/diffusion_pytorch_model.safetensors.index.json",
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
    "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
]  # fmt: skip


def test_only_what_loading_reads_is_taken_and_one_edition_of_it() -> None:
    assert set(wanted_files(REPOSITORY, "a/b")) == {
        "model_index.json", "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt",
        "tokenizer/chat_template.jinja", "unet/config.json",
        "text_encoder/config.json", "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors", "transformer/config.json",
        "transformer/diffusion_pytorch_model.safetensors.index.json",
        "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
        "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
    }  # fmt: skip
    few = wanted_files(REPOSITORY, "a/b", weights=False)
    assert not [name for name in few if "safetensors" in name]


def test_a_repository_of_pickles_or_of_another_layout_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(InputError, match="a/b/unet holds no safetensors"):
        wanted_files(["model_index.json", "unet/diffusion_pytorch_model.bin"], "a/b")
    with pytest.raises(InputError, match="not in the diffusers layout"):
        wanted_files(["model.safetensors"], "a/b")


def test_a_hub_id_is_an_owner_and_a_name() -> None:
    assert is_hub_id("a/b-1.0")
    assert not any(map(is_hub_id, ("a", "a/b/c", "../b", "a/")))


def test_the_answers_of_the_hub_become_a_next_step() -> None:
    answer = Response(403, request=Request("GET", "https://huggingface.co/a/b"))
    gated = hub_error("a/b", None, GatedRepoError("gated", response=answer))
    assert "gated" in gated.what
    assert "https://huggingface.co/a/b" in gated.next_step
    assert "hf auth login" in gated.next_step
    assert "knows no model" in hub_error("a/b", None, RepositoryNotFoundError("no", response=answer)).what
    assert "not on this machine" in hub_error("a/b", None, OfflineModeIsEnabled("no")).what
    lost = hub_error("a/b", None, LocalEntryNotFoundError("no network on the way"))
    assert "did not give a/b" in lost.what
    assert "goes on where it stopped" in hub_error("a/b", None, HTTPError("no route")).next_step


def test_offline_the_cache_is_read_and_its_commit_pinned(tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    model = tmp_path / "hub" / "models--someone--small"
    write_tiny_base(model / "snapshots" / commit, channels=(32, 48), sample_size=8)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    place = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub")}
    added = command(["base", "add", "someone/small", "--name", "small", "--json"], tmp_path, place)
    assert added.code == 0, added.err
    assert added.document["base"]["record"]["revision"] == commit
    missing = command(["base", "add", "someone/absent"], tmp_path, place)
    assert missing.code == 2
    assert "Unset HF_HUB_OFFLINE" in missing.err
