"""The U-Net's attention, its time embedding and what is added to it, where they are other than stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.nn import functional

from duktus.families import cpu_attention, proof

if TYPE_CHECKING:
    from torch import Tensor, nn

    from duktus.families.control import Residuals


class PlainAttention:
    """Attention as every block of a Stable Diffusion U-Net computes it, with the bits held, without, or
    (``None``) so that it is quick to differentiate.

    The part of diffusers' ``AttnProcessor2_0`` that these families use: no masks, no norms of its own.
    """

    def __init__(self, how: type[proof.Held] | None = None) -> None:
        self._attention: Any = proof.attention
        if how is None:
            self._attention = cpu_attention.attention
        elif how is proof.Together:
            self._attention = functional.scaled_dot_product_attention

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """(n, tokens, width) of what those tokens see; of the text when given, else of themselves."""
        assert attention_mask is None
        assert temb is None or attn.spatial_norm is None
        seen = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = attn.to_q(hidden_states), attn.to_k(seen), attn.to_v(seen)
        n, tokens, width = query.shape
        shape = (n, -1, attn.heads, width // attn.heads)
        heads = [tensor.view(shape).transpose(1, 2) for tensor in (query, key, value)]
        answer = self.attend(*heads)
        return attn.to_out[0](answer.transpose(1, 2).reshape(n, tokens, width))

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(n, heads, tokens, width)."""
        return self._attention(query, key, value)


def time_once(unet: nn.Module) -> None:
    """Where all pictures of a batch share one timestep, embed it once instead of once per picture.

    The U-Net expands a single timestep over the batch, which shows as stride 0; the embedding of one row
    then spreads by itself where it is added. Less work, and the same bits for every batch size.
    """
    project: Any = unet.time_proj
    stock = project.forward

    def forward(timesteps: Tensor) -> Tensor:
        return stock(timesteps[:1] if timesteps.stride(0) == 0 else timesteps)

    project.forward = forward


def as_arguments(residuals: Residuals) -> dict[str, Any]:
    """Residuals under the names of diffusers' ``UNet2DConditionModel.forward``."""
    named: dict[str, Any] = {}
    if residuals.middle is not None:
        named["down_block_additional_residuals"] = residuals.down
        named["mid_block_additional_residual"] = residuals.middle
    if residuals.within:
        named["down_intrablock_additional_residuals"] = list(residuals.within)  # it takes them out one by one
    return named
