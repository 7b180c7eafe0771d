"""Loss against the number of labels: prequential description length, surplus description length, sample
complexity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import t as student
from torch import Tensor

from mutua.data.splits import split_rows
from mutua.evaluation.decodable.families import family_of, mixed, standardised
from mutua.evaluation.decodable.targets import Target, codes_of, representation
from mutua.evaluation.probes.many_heads import Heads, solve_many
from mutua.types import InputError, Table

__all__ = ["SIZES", "LossData", "loss_data", "over_orderings"]

SIZES = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
CURVE_PENALTIES = (1e-2, 1e-1, 1.0, 10.0, 100.0)
"""1/C of scikit-learn: half of it times |W|^2 is added to the summed loss, a prior that stays as rows come."""

LOG2 = math.log(2)
_PIECE = 4096


@dataclass(frozen=True)
class LossData:
    """What `loss_data` returns. Losses are nats a label, held out; codes are bits.

    `sizes` (s,) are numbers of labels, the last one all of an ordering. `losses[o, i]`: of the probe fitted to the
    first sizes[i] rows of ordering o, on the test rows. `ahead[o, i]`: of the same probe on the rows up to sizes[i
    + 1], which it hasn't seen.
    """

    sizes: tuple[int, ...]
    losses: Float[np.ndarray, "o s"]
    ahead: Float[np.ndarray, "o s-1"]
    classes: int
    family: str
    note: str = ""

    def description_length(self) -> Float[np.ndarray, " o"]:
        """Bits of the prequential code of all sizes[-1] labels, for each ordering:

            n_1 log2 K + sum_i (n_{i+1} - n_i) (loss on these rows of the probe that has seen n_i) / ln 2

        The first labels are coded uniformly. A code that knows nothing takes n log2 K. Divided by ln 2: published
        code adds losses in nats to the first term's bits.
        """
        steps = np.diff(self.sizes)
        return self.sizes[0] * math.log2(self.classes) + self.ahead @ steps / LOG2

    def surplus(self, level: float) -> Float[np.ndarray, " o"]:
        """Bits of surplus description length: what labels cost above `level` nats each, for each ordering,

            n_1 max(log K - level, 0) + sum_i (n_{i+1} - n_i) max(L(n_i) - level, 0),     in bits,

        L being the held-out loss of that ordering. Where L(n) of the last size is above `level` it would grow with
        more labels, and is a lower bound.
        """
        first = self.sizes[0] * max(math.log(self.classes) - level, 0.0)
        return (first + np.maximum(self.losses[:, :-1] - level, 0) @ np.diff(self.sizes)) / LOG2

    def sample_complexity(self, level: float) -> Float[np.ndarray, " o"]:
        """The fewest labels of `sizes` with a held-out loss of at most `level` nats; else infinity."""
        reached = self.losses <= level
        first = np.array(self.sizes, float)[reached.argmax(1)]
        return np.where(reached.any(1), first, np.inf)

    def table(self) -> Table:
        """Mean loss and its deviation over orderings by number of labels, and the code so far."""
        spread = self.losses.std(0, ddof=1) if len(self.losses) > 1 else np.zeros(len(self.sizes))
        first = self.sizes[0] * math.log2(self.classes)
        so_far = np.concatenate([[first], first + np.cumsum(self.ahead.mean(0) * np.diff(self.sizes) / LOG2)])
        rows = [
            [n, float(loss), float(sd), float(bits)]
            for n, loss, sd, bits in zip(self.sizes, self.losses.mean(0), spread, so_far, strict=True)
        ]
        return Table("Loss by labels", ["labels", "loss, nats", "sd", "code, bits"], rows, self.note)


def over_orderings(values: Float[np.ndarray, " o"], level: float = 0.95) -> tuple[float, float, float]:
    """(Mean, lower, upper end) of Student's interval for the mean; the ends are the mean of one ordering."""
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return mean, mean, mean
    half = float(student.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / math.sqrt(n))
    return mean, mean - half, mean + half


def loss_data(
    z: Any,
    y: Any,
    *,
    family: str = "linear",
    sizes: Sequence[int] = SIZES,
    orderings: int = 5,
    test: float = 0.25,
    penalty: float | None = None,
    seed: int = 0,
) -> LossData:
    """The held-out loss of probes by the number of labels they have seen, over several random orderings of the
    labels.

    In each ordering a probe is fitted to the first n labels for each n of `sizes`, and read on the labels up to
    the next size (the prequential code) and on test rows (the curve). Settings are chosen within the labels seen:
    of `linear`, the penalty whose probe of the size before was best on the rows since; of the others on a fifth of
    them held out. Each probe is mixed with a pseudo-row of equal chances, so that unseen classes cost finitely
    much. Columns are standardised on all rows but the test's, whose labels that does not use.

    Args:
        z: (n, d), any array or tensor.
        y: (n,) classes.
        family: "linear", "knn" or "mlp". The linear ones of all orderings and penalties are solved together, each
            from the solution of the size before.
        sizes: ascending; those above the rows at hand are replaced by all rows.
        test: share of the rows held out, of each class alike.
        penalty: of `linear`, added to the summed loss as penalty/2 |W|^2, scikit-learn's 1/C; chosen by default.

    Raises `InputError` for what `usable_information` refuses, for numbers as y, and for sizes that are not
    ascending from 5 or more.

    Paper: Voita and Titov 2020, Information-Theoretic Probing with Minimum Description Length, arXiv:2003.12298;
    Whitney, Song, Brandfonbrener, Altosaar and Cho 2020, Evaluating representations by the complexity of learning
    low-loss predictors, arXiv:2009.07368 (surplus description length, sample complexity); Blier and Ollivier 2018,
    arXiv:1802.07044 (prequential codes of networks).
    """
    chosen = family_of(family)
    x = representation(z)
    of = codes_of(y, len(x))
    assert of.codes is not None
    if orderings < 1 or list(sizes) != sorted(set(sizes)) or not sizes or min(sizes) < 5:
        raise InputError(f"sizes: {tuple(sizes)} in {orderings} orderings; give ascending numbers from 5 up")
    learned, tested = split_rows(len(x), of.codes if np.bincount(of.codes).min() > 1 else None, test, seed)
    if len(learned) < sizes[0]:
        raise InputError(
            f"z: {len(learned)} rows to learn from, and the first size is {sizes[0]}; give smaller ones"
        )
    used = tuple(n for n in sizes if n <= len(learned)) or (len(learned),)
    if used[-1] < len(learned) and used[-1] != sizes[-1]:
        used = (*used, len(learned))
    scale = standardised(x[learned])
    orders = np.stack(
        [np.random.RandomState([seed, o]).permutation(learned)[: used[-1]] for o in range(orderings)]
    )
    if penalty is not None and (family != "linear" or not penalty > 0):
        raise InputError(f"penalty: {penalty} with family {family!r}; give a number above 0 with 'linear'")
    if family == "linear":
        grid = (penalty,) if penalty is not None else CURVE_PENALTIES
        losses, ahead = _linear(scale(x), of, orders, tested, used, grid)
        how = f"penalty {penalty:g}" if penalty is not None else "the penalty chosen within the labels seen"
    else:
        losses, ahead = np.empty((orderings, len(used))), np.empty((orderings, len(used) - 1))
        how = "settings chosen on a fifth of the labels seen"
        for o, order in enumerate(orders):
            for i, n in enumerate(used):
                held = max(2, n // 5)
                fit, valid = order[: n - held], order[n - held : n]
                probe = chosen(x[fit], of.rows(fit), x[valid], of.rows(valid), seed)
                losses[o, i] = -probe.log_prob(x[tested], of.rows(tested)).mean()
                if i + 1 < len(used):
                    following = order[n : used[i + 1]]
                    ahead[o, i] = -probe.log_prob(x[following], of.rows(following)).mean()
    note = f"{family}, {how}; {orderings} orderings, {len(tested):,} test rows, {of.k} classes."
    return LossData(used, losses, ahead, of.k, family, note)


def _linear(
    x: Tensor, of: Target, orders: np.ndarray, tested: np.ndarray, sizes: Sequence[int], penalties: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Losses and those ahead: all orderings and penalties at once, from the solution of fewer rows."""
    codes = torch.from_numpy(of.codes)
    at = torch.from_numpy(orders)
    o, p = len(orders), len(penalties)
    C = torch.tensor([1 / penalty for penalty in penalties], dtype=torch.float64)
    losses, ahead = np.empty((o, len(sizes))), np.empty((o, len(sizes) - 1))
    product = torch.zeros(o, x.shape[1], x.shape[1], dtype=torch.float64)
    best = torch.full((o,), p // 2)
    heads: Heads | None = None
    done = 0  # rows that the heads were fitted to
    for i, n in enumerate(sizes):
        rows = x[at[:, :n]]
        fresh = rows[:, done:]
        product += (fresh.mT @ fresh).double()
        if heads is not None:
            found = torch.stack([_loss(heads, done, x, codes, at[:, done:n], each) for each in range(p)], 1)
            ahead[:, i - 1] = found[torch.arange(o), best].numpy()
            best = found.argmin(1)
        heads = solve_many(rows, codes[at[:, :n]], of.k, C, product, heads)
        done = n
        one = Heads(
            heads.weight[torch.arange(o), best][:, None], heads.bias[torch.arange(o), best][:, None], heads.seen
        )
        losses[:, i] = _loss(one, n, x, codes, torch.from_numpy(tested).expand(o, -1), 0).numpy()
    return losses, ahead


def _loss(heads: Heads, n: int, x: Tensor, codes: Tensor, rows: Tensor, at: int) -> Float[Tensor, " o"]:
    """Mean loss of the heads of one penalty, fitted to n rows, on rows (o, m)."""
    one = Heads(heads.weight[:, at : at + 1], heads.bias[:, at : at + 1], heads.seen)
    total = torch.zeros(len(rows), dtype=torch.float64)
    for piece in rows.split(_PIECE, 1):
        logs = mixed(one.log_probs(x[piece])[:, 0], n)
        total -= logs.gather(-1, codes[piece][..., None])[..., 0].sum(1, dtype=torch.float64)
    return total / rows.shape[1]
