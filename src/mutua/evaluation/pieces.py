"""Judging encoders whose examples fall into pieces: single pieces instead of whole examples, and groups left
out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int

from mutua.data import KINDS, Examples
from mutua.encoders import Ordered
from mutua.evaluation.features import features, inputs, placed, raw, raw_name, reading
from mutua.evaluation.probes.linear_probes import linear
from mutua.evaluation.table import Progress, quiet
from mutua.intervals import wilson
from mutua.types import Encode, Encoder, InputError, Rows, Table

__all__ = ["left_out_table", "piece_features", "piece_table"]


def piece_features(
    encoder: Ordered,
    examples: Rows,
    *,
    depth: str = "context",
    each: int = 0,
    batch: int = 256,
    device: torch.device | str = "cpu",
) -> tuple[Float[np.ndarray, "m d"], Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Vectors of single pieces: (features float32, the row of the example of each, its number in that order).

    Args:
        depth: pieces or context.
        each: real pieces of each example, evenly spaced without its ends (fewer where it has fewer); 0 for all.
    """
    if depth not in ("pieces", "context"):
        raise InputError(f"depth: {depth!r}, and single pieces are read at pieces or context")
    if each < 0:
        raise InputError(f"each: {each}; give a number of pieces, or 0 for all")
    values, rows, places = [], [], []
    with reading(encoder, device):
        for start in range(0, len(examples), batch):
            index = torch.arange(start, min(start + batch, len(examples)))
            x, mask = encoder.read_masked(placed(inputs(examples.take(index)), device), (depth,))[depth]
            for i, one in enumerate(x.flatten(2).transpose(1, 2).float().numpy(force=True)):  # (t, d)
                real = len(one) if mask is None else int(mask[i].sum())
                at = np.arange(real) if not each or each >= real else _spaced(real, each)
                values.append(one[at])
                rows.append(np.full(len(at), start + i))
                places.append(at)
    return np.concatenate(values), np.concatenate(rows), np.concatenate(places)


def _spaced(count: int, each: int) -> np.ndarray:
    return np.linspace(0, count - 1, each + 2).round().astype(int)[1:-1]


def piece_table(
    encoders: Mapping[str, Ordered],
    train: Examples,
    test: Examples,
    *,
    each: int = 4,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress = quiet,
) -> Table:
    """Accuracy of the linear probe on single pieces, each with the label of its example, with Wilson's
    interval."""
    train_y, test_y = train.labels, test.labels
    if train_y is None or test_y is None:
        raise InputError(f"pieces: these {KINDS[train.spec.kind].plural} have no labels; give class folders")
    rows: list[list[object]] = []
    for name, encoder in encoders.items():
        for depth in ("pieces", "context"):
            progress(f"{name} {depth}: single pieces")
            (x, i, _), (z, j, _) = (
                piece_features(encoder, part, depth=depth, each=each, device=device) for part in (train, test)
            )
            score = linear(x, train_y[i], z, test_y[j], seed, device=device)
            rows.append([name, depth, x.shape[1], score.accuracy, *ends(score.accuracy, len(j))])
    note = (
        f"Percent right on test, {each} pieces of each example, with 95 % intervals (Wilson) as if pieces of one "
        f"example were independent; logistic regression as for whole examples; {len(i):,} and {len(j):,} pieces."
    )
    return Table("Single pieces", ["encoder", "depth", "features", "linear", "from", "to"], rows, note)


def ends(percent: float, n: int) -> tuple[float, float]:
    """The ends of Wilson's interval of a share given in percent, in percent."""
    low, high = wilson(round(percent * n / 100), n)
    return 100 * low, 100 * high


def left_out_table(
    encoders: Mapping[str, Encode | Encoder],
    train: Examples,
    test: Examples,
    group: str,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress = quiet,
) -> Table:
    """Accuracy on groups, such as speakers, whose labels the probe never saw: each is left out of all in turn.

    Rows are raw input and the encoders, columns the mean, its interval, and each group. Raises `InputError` where
    there is no such target, or it is the one that is told.
    """
    if group not in train.targets:
        seen = ", ".join(train.targets) or "no labels"
        raise InputError(f"leave_out: {group!r}, but the data have {seen}; name one of these")
    groups = np.concatenate([part.targets[group].codes for part in (train, test)])
    if train.labels is None or test.labels is None or np.array_equal(train.labels, train.targets[group].codes):
        raise InputError(f"leave_out: {group!r} is what is told apart; name another with --target")
    y = np.concatenate([train.labels, test.labels])
    kinds = np.unique(groups)
    rows: list[list[object]] = []

    def judged(name: str, parts: list[np.ndarray]) -> None:
        progress(f"{name}: leaving out each {group}")
        x, found = np.concatenate(parts), []
        for code in kinds:
            out = groups == code
            found.append(linear(x[~out], y[~out], x[out], y[out], seed, device=device).accuracy)
        sizes = [(groups == code).sum() for code in kinds]
        together = float(np.average(found, weights=sizes))
        rows.append([name, x.shape[1], float(np.mean(found)), *ends(together, len(y)), *found])

    judged(raw_name(train), [raw(train), raw(test, train=train)])
    for name, encode in encoders.items():
        judged(
            name,
            [*features(encode, train, device=device).values(), *features(encode, test, device=device).values()],
        )
    classes = train.targets[group].classes
    note = (
        f"Percent right on each {group}, a linear probe learned on all others; mean over them, and the 95 % "
        "interval "
        f"(Wilson) of the {len(y):,} examples together. Encoders may have learned from them without labels."
    )
    titles = [str(classes[code]) if classes else str(code) for code in kinds]
    return Table(f"Unseen {group}", ["encoder", "features", "linear", "from", "to", *titles], rows, note)
