"""Unsupervised disentanglement ranking: which of several trained models agree on the same axes?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.evaluation.sources.mcc import pearson
from mutua.types import InputError

__all__ = ["lasso", "udr", "udr_mended"]


def udr(
    codes: Sequence[Any], kl: Sequence[Any] | None = None, *, alpha: float = 0.1, least: float = 0.01
) -> Float[np.ndarray, " m"]:
    """Of each of m models of one setting: the median over the others of the relative strength of R,

        (mean over columns of max^2 / sum + mean over rows of max^2 / sum) / 2,

    R_ab = |lasso weight of its code a in predicting the other's code b|, on standardised codes, the lasso
    minimising |y - X w|^2 / 2n + alpha |w|_1. No factors are needed.

    What it can reach: about (1 - alpha): the penalty shortens even a perfect match's weight. A code of KL at most
    `least` is left out, by `kl`; without KLs a dead code is a row of zeros, and lowers the mean. It rewards
    agreement, also of models that agree on something else; a single model has none.

    Args:
        codes: m arrays (n, d) of the same n examples.
        kl: of each model the KL of each code in nats, (d,).

    Raises `InputError` for fewer than two models, other numbers of rows, NaN or infinity.

    Paper: Duan et al. 2020, Unsupervised Model Selection for Variational Disentangled Representation Learning,
    arXiv:1905.12614; as coded by Locatello et al.'s library.
    """
    standard = _standardised(codes)
    keep = _kept(standard, kl, least)
    return _ranked(standard, keep, lambda a, b: np.abs(lasso(a, b, alpha)))


def udr_mended(
    codes: Sequence[Any], kl: Sequence[Any] | None = None, *, least: float = 0.01
) -> Float[np.ndarray, " m"]:
    """The same with |correlation| in place of lasso weights, which reaches 1 and has no penalty to choose, and
    codes that are constant left out where no KLs are given."""
    standard = _standardised(codes)
    alive = _kept(standard, kl, least)
    alive = [keep & (part.std(0) > 0) for keep, part in zip(alive, standard, strict=True)]
    return _ranked(standard, alive, lambda a, b: np.abs(pearson(a, b)))


def _standardised(codes: Sequence[Any]) -> list[np.ndarray]:
    parts = [np.asarray(part, float) for part in codes]
    if len(parts) < 2:
        raise InputError(
            f"codes: of {len(parts)} model; agreement needs two or more, of one setting and other seeds"
        )
    for i, part in enumerate(parts):
        if part.ndim != 2 or len(part) != len(parts[0]):
            raise InputError(
                f"codes: model {i} has shape {part.shape}; give (n, d) of the same {len(parts[0])} examples"
            )
        if not np.isfinite(part).all():
            raise InputError(f"codes: model {i} has NaN or infinity; leave it out")
    spread = [part.std(0) for part in parts]
    return [(part - part.mean(0)) / np.where(s > 0, s, 1.0) for part, s in zip(parts, spread, strict=True)]


def _kept(parts: Sequence[np.ndarray], kl: Sequence[Any] | None, least: float) -> list[np.ndarray]:
    if kl is None:
        return [np.ones(part.shape[1], bool) for part in parts]
    found = [np.asarray(each, float) > least for each in kl]
    if [len(each) for each in found] != [part.shape[1] for part in parts]:
        raise InputError("kl: give one number a code, for each model")
    return found


def _ranked(parts: Sequence[np.ndarray], keep: Sequence[np.ndarray], table: Any) -> Float[np.ndarray, " m"]:
    m = len(parts)
    scores = np.zeros((m, m))
    for i in range(m):
        for j in range(m):
            if i != j:
                # A code of no KL predicts nothing and is not predicted.
                found = table(parts[i] * keep[i], parts[j] * keep[j])[keep[i]][:, keep[j]]
                scores[i, j] = (_strength(found) + _strength(found.T)) / 2
    return np.array([np.median(np.delete(scores[:, i], i)) for i in range(m)])


def _strength(found: np.ndarray) -> float:
    """Mean over columns of max^2 / sum, a column of zeros counting 0; 0 for a table without entries."""
    if not found.size:
        return 0.0
    total = found.sum(0)
    return float(np.where(total > 0, found.max(0) ** 2 / np.where(total > 0, total, 1.0), 0.0).mean())


def lasso(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n k"], alpha: float, steps: int = 1000, tol: float = 1e-10
) -> Float[np.ndarray, "d k"]:
    """Weights that minimise |y - x w|^2 / 2n + alpha |w|_1, by coordinate descent on the Gram matrix, which all
    columns of y share; columns are centred."""
    gram = np.asarray(x.T @ x / len(x))
    reach = x.T @ (y - y.mean(0)) / len(x)
    w = np.zeros((x.shape[1], y.shape[1]))
    for _ in range(steps):
        moved = 0.0
        for i in np.flatnonzero(np.diag(gram) > 0):
            push = reach[i] - gram[i] @ w + gram[i, i] * w[i]
            new = np.sign(push) * np.maximum(np.abs(push) - alpha, 0.0) / gram[i, i]
            moved = max(moved, float(np.abs(new - w[i]).max(initial=0.0)))
            w[i] = new
        if moved < tol:
            break
    return w
