"""The latents that the U-Net learns: the trained autoencoder, reduced to the directions it uses.

A measured fact decided this: of 32 latent channels the first autoencoder used about ten. The rest
were mixtures of them or silent (the decoder's answer to a push has 10 eigenvalues above a hundredth
of the first), yet a U-Net on all 32 had to predict every one. A linear map of the latents can be
absorbed exactly by the convolutions on both sides, so the reduction needs no training.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from tools.miniature.autoencoder import to_tensor
from tools.miniature.data import Pictures

CHANNELS = 12
"""Of 32: keeps all but 0.07 dB (8 channels lose 1.4, 9 lose 0.5, 10 lose 0.2; n=24, trained media)."""
EVENNESS = 0.5
"""0: a channel's variance is its share of the picture's energy (details drown in the noise of all but
the last steps). 1: every channel is equally loud (a U-Net spends its strength on what nobody sees)."""


@torch.no_grad()
def _answer(net: AutoencoderKL, latents: Tensor) -> Tensor:
    """(c, c) metric G: u'Gu is the energy in pixels of a small push u of one cell, on average."""
    channels = latents.shape[1]
    rest, total = net.decode(latents).sample, torch.zeros(channels, channels)
    for top, left in ((0, 2), (1, 1), (3, 0)):
        cells = torch.zeros_like(latents[:1, :1])
        cells[..., top::4, left::4] = 1
        answers = []
        for channel in range(channels):
            push = torch.zeros_like(latents)
            push[:, channel] = 0.3
            answers.append(((net.decode(latents + push * cells).sample - rest) / 0.3).flatten())
        stacked = torch.stack(answers)
        total += (stacked @ stacked.T / (cells.sum() * len(latents))).cpu() / 3
    return total


def _maps(metric: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
    """The way in (CHANNELS, c) and the way back (c, CHANNELS) of the best linear code of pixels."""
    values, vectors = torch.linalg.eigh(metric)
    root = vectors @ values.clamp(min=0).sqrt().diag() @ vectors.T
    energy, axes = torch.linalg.eigh(root @ covariance @ root)
    energy, axes = energy.flip(0)[:CHANNELS], axes.flip(1)[:, :CHANNELS]
    loud = energy ** (1 - EVENNESS)
    scale = (loud / loud.mean() / energy).sqrt()
    inward = scale[:, None] * (axes.T @ root)
    back = covariance @ inward.T @ torch.linalg.inv(inward @ covariance @ inward.T)
    return inward, back


@torch.no_grad()
def condense(net: AutoencoderKL, pictures: Pictures) -> AutoencoderKL:
    """The same autoencoder with CHANNELS latent channels of mean 0 and mean variance 1.

    `pictures` (n, 128, 128, 3) are samples of what it was trained on. The posterior's deviation becomes
    one number per channel. Only the border differs by more than the reduction: the bias of the
    bottleneck now also reaches the padding (0.03 dB).
    """
    device = next(net.parameters()).device
    blocks = [to_tensor(pictures[i : i + 16]).to(device) for i in range(0, len(pictures), 16)]
    seen = [net.encode(block).latent_dist for block in blocks]
    latents, noise = torch.cat([d.mean for d in seen]), torch.cat([d.var for d in seen]).mean((0, 2, 3))
    cells = latents.permute(0, 2, 3, 1).flatten(0, 2)
    inward, back = (
        m.to(device) for m in _maps(_answer(net, latents[:12]).double(), torch.cov(cells.T).double().cpu())
    )
    inward, back, middle = inward.float(), back.float(), cells.mean(0)
    wide = len(middle)

    weights = net.state_dict()
    before, after = net.quant_conv, net.post_quant_conv
    into = inward @ before.weight[:wide, :, 0, 0]
    out = weights["encoder.conv_out.weight"], weights["encoder.conv_out.bias"]
    bias = into @ out[1] + inward @ (before.bias[:wide] - middle)
    mean_rows = torch.einsum("ij,jkhw->ikhw", into, out[0])
    weights["encoder.conv_out.weight"] = torch.cat([mean_rows, torch.zeros_like(mean_rows)])
    weights["encoder.conv_out.bias"] = torch.cat([bias, (inward.square() @ noise).log()])
    start = weights["decoder.conv_in.weight"]
    onward = after.weight[:, :, 0, 0] @ back
    weights["decoder.conv_in.bias"] = weights["decoder.conv_in.bias"] + start.sum((2, 3)) @ (
        after.bias + after.weight[:, :, 0, 0] @ middle
    )
    weights["decoder.conv_in.weight"] = torch.einsum("ijhw,jk->ikhw", start, onward)
    for name, size in (("quant_conv", 2 * CHANNELS), ("post_quant_conv", CHANNELS)):
        weights[f"{name}.weight"] = torch.eye(size, device=device)[:, :, None, None]
        weights[f"{name}.bias"] = torch.zeros(size, device=device)
    config = {key: value for key, value in net.config.items() if not key.startswith("_")}  # no path of ours
    config["latent_channels"] = CHANNELS
    narrow = AutoencoderKL.from_config(config).to(device)
    narrow.load_state_dict(weights)
    return narrow.eval().requires_grad_(False)
