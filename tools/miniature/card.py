"""The model card: what it was trained on, how, how well it does and what it cannot do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_CARD = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: text-to-image
---

# The miniature

A text-to-image model small enough to ship inside a package: portraits of {size} x {size} px in six drawn
media. It has the architecture and the folder layout of Stable Diffusion 1.x and loads unchanged:

```python
from diffusers import StableDiffusionPipeline
pipe = StableDiffusionPipeline.from_pretrained("path/to/this/folder")
pipe("a smiling woman with long red hair on a blue background, watercolour", height=128, width=128).images[0]
```

It exists to try, test and teach with: everything that can be done with a Stable Diffusion model can be done
with this one in seconds on a laptop. Nobody should expect pictures of the world from it.

## Data and licence
Trained only on pictures that the repository draws itself ({portraits} portraits in six media, with their
mirror images, and {textures} abstract textures for the autoencoder, seed {seed}). No photograph, no artist's
picture and no other model's output or weights were used. Apache-2.0, like the code that drew them. No
portrait in the media *contour wash* or *linocut* was shown to any part of it: they are kept back as hands to
teach. (The abstract textures of the autoencoder do hold contour lines, washes, hatchings and ink, as marks
without a face.)
These two hands were drawn anew after the autoencoder was trained, for it lost finer lines in bright inks; and
*contour wash* again when the U-Net was there: an artist's habit (pencil, one ink for the height lines, the
same three washes from the same sides, bare paper round them) is what nine pictures can teach; a new palette
in each of them, or every sitter's own colours, is not.

## Networks
| part | what | parameters |
| --- | --- | --- |
{parts}

v-prediction with plain v loss, scaled-linear betas 0.00085 to 0.012, 1000 timesteps, trailing spacing; one
caption in ten empty, for classifier-free guidance. {megabytes} MB in half precision.

## Training
{date}, {machine}, torch {torch}: text encoder {steps_text} steps ({minutes_text} min), autoencoder
{steps_autoencoder} steps ({minutes_autoencoder} min), then reduced to the 12 directions that it used of its
32 latent channels, U-Net {steps_unet} steps of {batch} pictures
({minutes_unet} min, {seen} pictures seen). `python -m tools.miniature train --out DIR` does the like, not
bit for bit: stages end by the clock, and this autoencoder's diet held 60 % portraits up to step 3,067.

## Measured quality
On {prompts} fresh prompts that name every attribute ({sampler}), read back from the pixels:

| asked for | got |
| --- | --- |
{got}

| autoencoder on fresh portraits | PSNR |
| --- | --- |
| trained media | {trained:.1f} dB |
| held-out media | {held_out:.1f} dB |

{seconds} s a picture at batch 1 on {device} ({threads} threads; median of {seconds_of}).

## Limits
128 px portraits only, one person facing roughly forward, the words of its captions; other words are passed
over. Skin, hair and expressions are a drawing programme's few types, not people. Details (glasses, earrings,
expression) are less reliable than colours and medium.
"""


def _parts(folder: Path) -> str:
    from safetensors import safe_open

    words = {
        "vae": "`AutoencoderKL`, 8 times smaller each way, 12 latent channels",
        "text_encoder": "`CLIPTextModel`, 3 layers, 128 wide, 77 tokens of its own small vocabulary",
        "unet": "`UNet2DConditionModel`, SD 1.x blocks, cross-attention on the two upper levels",
    }
    rows = []
    for name, text in words.items():
        count = 0
        for file in (folder / name).glob("*.safetensors"):
            with safe_open(file, framework="np") as tensors:
                for key in tensors.keys():  # noqa: SIM118
                    size = 1
                    for extent in tensors.get_slice(key).get_shape():
                        size *= extent
                    count += size
        rows.append(f"| {name} | {text} | {count / 1e6:.1f} M |")
    return "\n".join(rows)


def write_card(folder: Path, facts: dict[str, Any], report: dict[str, Any]) -> None:
    """Writes README.md from the facts of the training and the quality report."""
    got = report["asked_against_got"]
    values = {
        "size": 128,
        "parts": _parts(folder),
        **facts["plan"],
        **{f"steps_{k}": v for k, v in facts["steps"].items()},
        **{f"minutes_{k}": v for k, v in facts["minutes"].items()},
        **{k: facts[k] for k in ("date", "machine", "torch")},
        "batch": facts["unet_batch"],
        "seen": f"{facts['steps']['unet'] * facts['unet_batch']:,}",
        "got": "\n".join(f"| {k.replace('_', ' ')} | {100 * v:.1f} % |" for k, v in got.items()),
        "trained": report["autoencoder"]["trained_media"]["psnr_db"],
        "held_out": report["autoencoder"]["held_out_media"]["psnr_db"],
        "seconds": report["seconds_per_picture"],
        **{k: report[k] for k in ("prompts", "sampler", "megabytes", "device", "threads", "seconds_of")},
    }
    (folder / "README.md").write_text(_CARD.format(**values), encoding="utf-8")
