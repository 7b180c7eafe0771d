"""Encoders judged side by side without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mutua.data import KINDS
from mutua.evaluation.features import features, inputs, raw, raw_name
from mutua.evaluation.table import Progress, chosen_depths, quiet
from mutua.evaluation.unlabelled.duplicates import exact_duplicates, near_duplicates
from mutua.evaluation.unlabelled.metrics import (
    alignment,
    collapse,
    effective_rank,
    linear_cka,
    neighbour_overlap,
    uniformity,
)
from mutua.types import Batch, Encode, Encoder, InputError, Rows, Spec, Table, View

__all__ = ["unlabelled_tables"]


class _Some:
    """Some of the rows, and where there is a view, as it shows them: the same each time they are read."""

    def __init__(self, examples: Rows, index: Tensor, view: View | None = None, seed: int = 0) -> None:
        self.examples, self.index, self.view, self.seed = examples, index, view, seed
        self.spec = getattr(examples, "spec", None)

    def __len__(self) -> int:
        return len(self.index)

    def take(self, index: Tensor) -> Batch:
        taken = inputs(self.examples.take(self.index[index]))
        if self.view is None:
            return taken
        # Batches are read in order, so that a seed for each first row fixes them all.
        return self.view(taken, torch.Generator().manual_seed(self.seed + 2 * int(index[0])))


def unlabelled_tables(
    encoders: Mapping[str, Encode | Encoder],
    examples: Rows,
    *,
    depths: Sequence[str] | None = None,
    view: View | None = None,
    rows: int = 5_000,
    threshold: float = 0.95,
    seed: int = 0,
    batch: int = 512,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> list[Table]:
    """What can be said of encoders, and of the data, without a label. Up to three tables.

    1. Each encoder at each depth, under raw input: effective rank, uniformity, alignment of two draws of
       `view` where one is given, and warnings of collapse in words.
    2. Each two encoders at their last depth read: linear CKA and the overlap of neighbours. Give the encoders
       of several seeds to see what in them is chance.
    3. Examples in the data twice: exactly, nearly in the raw input (each one's mean subtracted), and nearly in the
       features of each encoder (the mean of all subtracted: what all share would make every pair alike).

    Args:
        rows: at most so many examples, drawn by `seed`, for all but the exact duplicates, which take all.
        threshold: of the cosine similarity from which examples count as nearly the same.

    Raises `InputError` for fewer than three examples, an unknown depth, and features with NaN.
    """
    n = len(examples)
    what = KINDS[spec.kind].plural if isinstance(spec := getattr(examples, "spec", None), Spec) else "examples"
    if n < 3:
        raise InputError(f"{what}: {n} say nothing of an encoder; give at least three")
    say = progress if progress is not None else quiet
    wanted = chosen_depths(encoders, depths)
    index = torch.from_numpy(np.sort(np.random.RandomState(seed).permutation(n)[:rows]))
    plain = _Some(examples, index)
    views = [_Some(examples, index, view, seed + i) for i in (0, 1)] if view is not None else []

    control = raw_name(examples)
    say(control)
    plainly = raw(plain, batch=batch)
    first = _row(control, "", plainly, [raw(shown, train=plain, batch=batch) for shown in views])
    judged: list[list[Any]] = [first]
    centred, how = _comparable(plainly)
    found: list[list[Any]] = [[control, *_alike(centred, threshold)]]
    last: dict[str, np.ndarray] = {}
    for name, encode in encoders.items():
        say(f"{name}: without labels")
        read = features(encode, plain, depths=wanted[name], batch=batch, device=device)
        shown = [features(encode, v, depths=wanted[name], batch=batch, device=device) for v in views]
        judged += [_row(name, depth, x, [two[depth] for two in shown]) for depth, x in read.items()]
        last[name] = read[wanted[name][-1]]
        # What all share, as outputs of ReLUs do, would make every pair alike.
        found.append([name, *_alike(last[name] - last[name].mean(0), threshold)])

    taken = f"{len(index)} of {n} {what}" if len(index) < n else f"All {n} {what}"
    columns = [
        "encoder",
        "depth",
        "features",
        "effective rank",
        "uniformity",
        *["alignment"] * bool(views),
        "warning",
    ]
    note = (
        f"{taken}. Effective rank: exp of the entropy of the centred features' singular values. Uniformity: lower "
        "is more even, about -4 at best."
    )
    note += " Alignment of two views of one example: 0 is perfect, 2 unrelated." if views else ""
    tables = [Table("Features without labels", columns, judged, note)]
    if len(last) > 1:
        say("agreement")
        agreed = [
            [a, b, linear_cka(last[a], last[b]), neighbour_overlap(last[a], last[b])]
            for a, b in combinations(last, 2)
        ]
        note = (
            f"{taken}. Overlap: mean share of the 10 nearest neighbours in common; by chance {10 / (n - 1):.3f}."
        )
        note = note if len(index) == n else note.replace(f"{10 / (n - 1):.3f}", f"{10 / (len(index) - 1):.3f}")
        tables.append(Table("Agreement of encoders", ["encoder", "and", "linear CKA", "overlap"], agreed, note))
    say("duplicates")
    groups = exact_duplicates(examples, batch=batch)
    extra = sum(len(group) - 1 for group in groups)
    tables.append(
        Table(
            "Duplicates",
            ["seen in", "pairs", "rows of the most alike"],
            found,
            f"{taken}. Pairs of cosine similarity {threshold:g} or more (raw input: {how}; "
            "features: the mean of all subtracted). "
            f"Exactly equal, among all {n}: {extra} {what} more than once"
            + (f", as rows {', '.join(map(str, groups[0][:5]))}." if groups else "."),
        )
    )
    return tables


def _comparable(x: np.ndarray) -> tuple[np.ndarray, str]:
    """Raw input whose cosines say something, and how: pixels share a brightness, other columns differ in units."""
    if x.min() >= 0 and x.max() <= 1:
        return x - x.mean(1, keepdims=True), "each one's mean subtracted"
    spread = x.std(0)
    return (x - x.mean(0)) / np.where(spread > 0, spread, 1), "columns standardised"


def _row(name: str, depth: str, x: np.ndarray, views: Sequence[np.ndarray]) -> list[Any]:
    aligned = [alignment(*views)] if views else []
    return [name, depth, x.shape[1], effective_rank(x), uniformity(x), *aligned, "; ".join(collapse(x))]


def _alike(x: np.ndarray, threshold: float) -> tuple[int, str]:
    alike = near_duplicates(x, threshold, limit=5)
    return alike.count, ", ".join(f"{i} and {j}" for i, j in alike.pairs)
