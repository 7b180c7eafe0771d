"""Training of the contrastive estimators: Muon for the network's maps, Adam for the rest, components kept apart
meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from mutua.training import Diverged, Plan, descend, shuffled_batches
from mutua.training.order import seeded
from mutua.types import Method

__all__ = ["redundancy", "train"]

# Muon's rate for the maps of the encoder, in units of Adam's for the rest, and its decay of weights.
_MAPS = {"turn": 0.4, "weight_decay": 0.04}
_WARM_UP = 0.05


def train(
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

    Raises `Diverged`, naming the step, where the loss is not finite, or at the end a weight.
    """
    generator = seeded(seed, "descent")
    encoder = cast(nn.Module, method.encoder)
    maps = [p for p in encoder.parameters() if p.ndim == 2]
    others = [p for p in method.parameters() if not any(p is one for one in maps)]
    outputs: list[Tensor] = []
    watched = encoder.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))

    def loss(index: Tensor) -> Tensor:
        outputs.clear()
        at = index.to(rows[0].device)
        return method.step(tuple(each[at] for each in rows), generator).loss

    plan = Plan(
        epochs=steps,
        optimizer="muon",
        lr=learning_rate,
        momentum=0.95,
        # At .999 Adam's steps are still small when much has been learned.
        beta2=0.99,
        warmup=_WARM_UP * steps,
        clip=1.0,  # a batch of outliers moves the weights no further than others do
    )
    method.train()
    try:
        descend(
            loss,
            [{"params": maps, **_MAPS}, {"params": others, "orthogonal": False, "weight_decay": 0.0}],
            shuffled_batches(len(rows[0]), batch, generator),
            plan,
            (lambda share: decorrelate * share * redundancy(outputs[-1])) if decorrelate else None,
        )
    except Diverged as error:
        mend = f"lower learning_rate ({learning_rate:g}), or look for outliers in X"
        raise Diverged(error.step, what=error.what, mend=mend) from None
    finally:
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
