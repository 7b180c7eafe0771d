"""Gaussian noise as a function of a seed: what a view adds is drawn again wherever its seed is.

A view's parameters are drawn for the batch of all ranks. Noise itself as a parameter would be as large as that
batch; a seed of each row is eight bytes.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

__all__ = ["seeds", "white_noise"]

# SplitMix64 (Steele, Lea and Flood 2014), its constants as signed numbers: torch multiplies int64 modulo 2^64.
_STEP, _FIRST, _SECOND = (
    constant - (1 << 64) for constant in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
_LOW = (1 << 32) - 1


def seeds(n: int, generator: Generator) -> Int[Tensor, " n"]:
    """A seed of each row."""
    return torch.randint(-(2**63), 2**63 - 1, (n,), generator=generator)


def white_noise(
    seed: Int[Tensor, " n"], channels: int, steps: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "n c t"]:
    """Standard normal noise of each seed, on its device; a row depends on its own seed and the shape alone.

    Word k of a row is SplitMix64's, at state seed + (k + 1) 0x9E3779B97F4A7C15. Its upper and lower halves, as u
    and v in (0, 1] and [0, 1), make two numbers by Box and Muller: sqrt(-2 log u) times cos and sin of 2 pi v. The
    first is for step j of channel k // h, the second for step j + h, h = ceil(t / 2) and j = k mod h.
    """
    half = -(-steps // 2)
    k = torch.arange(1, channels * half + 1, device=seed.device)
    word = _mixed(seed[:, None] + k * _STEP).view(len(seed), channels, half)
    radius = _shifted(word, 32).add_(1).to(dtype).mul_(2.0**-32).log_().mul_(-2).clamp_(min=0).sqrt_()
    angle = word.bitwise_and_(_LOW).to(dtype).mul_(2 * math.pi * 2.0**-32)
    noise = radius.new_empty(len(seed), channels, 2 * half)
    torch.mul(radius, angle.cos(), out=noise[:, :, :half])
    torch.mul(radius, angle.sin_(), out=noise[:, :, half:])
    return noise[:, :, :steps]


def _shifted(x: Tensor, by: int) -> Tensor:
    """x >> by, zeros coming in at the top."""
    return (x >> by).bitwise_and_((1 << (64 - by)) - 1)


def _mixed(z: Tensor) -> Tensor:
    """SplitMix64's mix of a state, in its place: memory is most of what this costs."""
    z.bitwise_xor_(_shifted(z, 30)).mul_(_FIRST)
    z.bitwise_xor_(_shifted(z, 27)).mul_(_SECOND)
    return z.bitwise_xor_(_shifted(z, 31))
