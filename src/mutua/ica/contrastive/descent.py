"""Training of a small network on rows in memory: Muon for its maps, Adam for the rest, one warm-up, one cosine,
components kept apart meanwhile.

Any `Method` goes in, and `mutua.training.fit` would train it too. A step here is of some milliseconds, of which
that loop's threads, callbacks and checks are another 40 % (512 rows, 20-40-40-20 units: 2.5 against 1.7 ms).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from mutua.training.muon import Muon
from mutua.training.order import seeded
from mutua.types import InputError, Method

__all__ = ["descend", "redundancy"]

# Adam's memory of squared gradients, 1 / (1 - beta): at .999 its steps are still small when much has been learned.
_BETAS = (0.9, 0.99)
_WARM_UP = 0.05
# Muon's rate for the maps of the encoder, in units of Adam's for the rest, and its decay of weights.
_TURN = 0.4
_DECAY = 0.1
# A batch of outliers moves the weights no further than others do.
_CLIP = 1.0


def descend(
    method: Method,
    rows: Sequence[Tensor],
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    decorrelate: float = 0.0,
) -> None:
    """Train in place on rows (n, ...) of one device, `batch` a step, in random order, epoch by epoch.

    The rate rises over the first 20th of the steps and falls to 0 with a cosine, and with it `decorrelate`, the
    weight of a penalty on what two outputs of `method.encoder` have in common: see `redundancy`.

    Raises `InputError` where the loss is not finite, naming the step, and weights that are not, at the end.
    """
    n = len(rows[0])
    batch = min(batch, n)
    device = rows[0].device
    generator = seeded(seed, "descent")
    learned = [p for p in method.parameters() if p.requires_grad]
    encoder = cast(nn.Module, method.encoder)
    maps = [p for p in encoder.parameters() if p.requires_grad and p.ndim == 2]
    others = [p for p in learned if not any(p is one for one in maps)]
    optimizers: list[tuple[Optimizer, float]] = []
    if maps:
        optimizers.append((Muon(maps, learning_rate, weight_decay=_DECAY), _TURN))
    if others:
        optimizers.append((Adam(others, lr=learning_rate, betas=_BETAS, fused=True), 1.0))
    bad = torch.full((), -1, device=device)
    outputs: list[Tensor] = []
    watched = encoder.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    method.train()
    at, order = n, torch.empty(0)
    for step in range(steps):
        done = step / steps
        rate = learning_rate * min(1.0, (done + 1 / steps) / _WARM_UP) * (1 + math.cos(math.pi * done)) / 2
        for optimizer, share in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = share * rate
        if at + batch > n:
            order, at = torch.randperm(n, generator=generator).to(device), 0
        index = order[at : at + batch]
        at += batch
        loss = method.step(tuple(each[index] for each in rows), generator).loss
        if decorrelate:
            loss = loss + decorrelate * rate / learning_rate * redundancy(outputs[-1])
        outputs.clear()
        for optimizer, _ in optimizers:
            optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learned, _CLIP)
        for optimizer, _ in optimizers:
            optimizer.step()
        bad = torch.where(loss.detach().isfinite().logical_not() & (bad < 0), step, bad)
        # Reading a number waits for an accelerator: there, seldom.
        if (device.type == "cpu" or step % 100 == 99 or step == steps - 1) and int(bad) >= 0:
            raise _diverged("loss", int(bad) + 1, learning_rate)
    if not all(bool(p.isfinite().all()) for p in learned):
        raise _diverged("weights", steps, learning_rate)
    watched.remove()
    method.eval()


def redundancy(h: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Sum over pairs of components of their squared correlation, and of that of their magnitudes, and over
    components of log(1 + mean^2 / variance), over d.

    Two outputs that follow one source, its two halves say, while another source has none, are a local optimum of
    every contrast. Sources that are independent given u are near uncorrelated, and so are their magnitudes. And
    an output far from 0 has a magnitude that says nothing of its scale, and no gradient that leads it back.
    """
    mean = h.mean(0)
    variance = (h - mean).square().mean(0) + 1e-6
    total = (mean.square() / variance).log1p().sum() / h.shape[1]
    for each in (h, (h * h + 1e-3).sqrt()):
        centred = each - each.mean(0)
        standard = centred / (centred.square().mean(0) + 1e-6).sqrt()
        total = total + (standard.mT @ standard / len(h)).square().sum() / h.shape[1] - 1
    return total


def _diverged(what: str, step: int, learning_rate: float) -> InputError:
    return InputError(
        f"training: {what} not finite at step {step}; lower learning_rate ({learning_rate:g}), or look for "
        "outliers in X"
    )
