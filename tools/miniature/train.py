"""The whole recipe in order; every stage goes on where a killed run left it."""

from __future__ import annotations

import dataclasses
import json
import platform
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL

from duktus.miniature.world import HELD_OUT_MEDIA, TRAINED_MEDIA
from tools.miniature import autoencoder, card, measure, text, unet
from tools.miniature.condense import condense
from tools.miniature.data import Plan, draw_all, fresh, portrait_of
from tools.miniature.export import export
from tools.miniature.progress import Budget, Log
from tools.miniature.trainer import device_of


@dataclasses.dataclass(frozen=True, slots=True)
class Lengths:
    """Minutes of each stage, or steps where they are given (text, autoencoder, U-Net)."""

    text: float = 1.5
    autoencoder: float = 34.0
    unet: float = 62.0
    steps: tuple[int, int, int] | None = None

    def budget(self, stage: int) -> Budget:
        """The budget of stage 0 (text), 1 (autoencoder) or 2 (U-Net)."""
        minutes = (self.text, self.autoencoder, self.unet)[stage]
        return Budget(minutes, None if self.steps is None else self.steps[stage])


def run(
    out: Path,
    work: Path,
    lengths: Lengths,
    plan: Plan,
    device_name: str,
    measured: int,
    start: Path | None = None,
) -> None:
    """Draws, trains, exports to `out` and measures the result on `measured` fresh prompts.

    With `start`, the folder of a trained autoencoder, that stage is skipped.
    """
    log, device, started = Log(work / "train.log"), device_of(device_name), time.time()
    log(f"training on {device}, torch {torch.__version__}, {torch.get_num_threads()} threads, into {work}")
    data = draw_all(work / "data", plan, log)
    portraits = [portrait_of(plan.seed, i) for i in range(plan.portraits)]
    looks = {
        "trained media": fresh(plan.seed + 1, 24, TRAINED_MEDIA)[1],
        "held-out media": fresh(plan.seed + 2, 24, HELD_OUT_MEDIA)[1],
    }
    budgets = [lengths.budget(stage) for stage in range(3)]
    if start is None:
        wide = autoencoder.train(work, data, looks, budgets[1], device, log, plan.seed)
    else:
        wide = AutoencoderKL.from_pretrained(start, torch_dtype=torch.float32).to(device)
    vae = condense(wide.eval().requires_grad_(False), data[0][:768])
    for name, pictures in looks.items():
        seen = autoencoder.to_tensor(pictures)
        levels = [autoencoder.psnr(autoencoder.reconstruct(net, seen), seen).mean() for net in (wide, vae)]
        log(f"condensed: {name} {levels[0]:.2f} dB before, {levels[1]:.2f} dB after")
    latents = autoencoder.encode_all(vae, data[0], work, log)
    tokenizer = text.build_tokenizer(portraits, work / "tokenizer")
    torch.manual_seed(plan.seed)
    encoder = text.build(tokenizer)
    text.pretrain(encoder, tokenizer, portraits, work, budgets[0], device, log, plan.seed)
    net = unet.train(work, latents, portraits, vae, encoder, tokenizer, budgets[2], device, log, plan.seed)
    pipe = unet.pipeline(vae, encoder.eval(), tokenizer, net.eval())
    log(f"exported {export(pipe, work / 'tokenizer', out):.1f} MB to {out}")
    if start is not None:
        _remember(budgets[1], start.parent / "training.json")
    facts = {
        "plan": dataclasses.asdict(plan),
        "steps": {k: b.step for k, b in zip(("text", "autoencoder", "unet"), budgets, strict=True)},
        "minutes": {
            k: round(b.spent / 60, 1) for k, b in zip(("text", "autoencoder", "unet"), budgets, strict=True)
        },
        "unet_batch": unet.BATCH,
        "device": str(device),
        "machine": _machine(),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d", time.gmtime(started)),
    }
    (out / "training.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    report = measure.measure(out, measured, log, device_name, where=work / "report")
    card.write_card(out, facts, report)
    log(f"done: {out}")


def _remember(budget: Budget, file: Path) -> None:
    """How long the given autoencoder was trained, where its folder still says so."""
    if file.is_file():
        told = json.loads(file.read_text(encoding="utf-8"))
        budget.step, budget.spent = told["steps"]["autoencoder"], told["minutes"]["autoencoder"] * 60


def _machine() -> str:
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    return f"{torch.get_num_threads()} {platform.machine()} CPU cores"
