"""What features say of themselves, without a label."""

from __future__ import annotations

import numpy as np
import torch

from mutua.evaluation.features import check_features
from mutua.evaluation.neighbours import CELLS, nearest, unit
from mutua.types import InputError

__all__ = [
    "alignment",
    "collapse",
    "effective_rank",
    "linear_cka",
    "neighbour_overlap",
    "uniformity",
]


def _centred(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64) - x.mean(0, dtype=np.float64)


def effective_rank(x: np.ndarray, *, centre: bool = True) -> float:
    """exp of the entropy of the singular values of x, scaled to sum to one: between 1 and min(n, d).

        exp(-sum_i p_i log p_i),   p_i = s_i / sum_j s_j

    The columns are centred first by default, as a large common mean would hide everything else. Constant
    features have no singular value above rounding, and read 0. Takes (n, d) in memory as float64.

    Paper: Roy and Vetterli 2007, The effective rank: a measure of effective dimensionality, EUSIPCO.
    """
    check_features(x, "features")
    rows = _centred(x) if centre else x.astype(np.float64)
    gram = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
    # Squaring costs half the digits: singular values below 1e-7 of the largest are rounding.
    values = np.sqrt(np.linalg.eigvalsh(gram).clip(0))
    floor = 1e-6 * float(np.abs(x).max()) * len(x) ** 0.5
    values = values[values > max(1e-7 * values.max(), floor)]
    if not len(values):
        return 0.0
    p = values / values.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def alignment(x: np.ndarray, y: np.ndarray, *, alpha: float = 2) -> float:
    """Mean over images of |x_i - y_i|^alpha, features of two views scaled to length one: 0 is perfect.

    With alpha 2 this is 2 - 2 cos, so that unrelated views read about 2.

    Paper: Wang and Isola 2020, Understanding Contrastive Representation Learning through Alignment and
    Uniformity on the Hypersphere, arXiv:2005.10242.
    """
    check_features(x, "features of the first view")
    check_features(y, "features of the second view")
    if x.shape != y.shape:
        raise InputError(f"views: features of shapes {x.shape} and {y.shape}; row i of both must be of image i")
    return float((unit(x) - unit(y)).norm(dim=1).double().pow(alpha).mean())


def uniformity(x: np.ndarray, *, t: float = 2) -> float:
    """log of the mean over pairs of exp(-t |x_i - x_j|^2), features scaled to length one; in blocks.

    0 where all are one point; about -2 t, so -4, where rows are spread over a sphere of many dimensions. Lower
    is more uniform.

    Paper: Wang and Isola 2020, arXiv:2005.10242.
    """
    check_features(x, "features")
    if len(x) < 2:
        raise InputError("features: one row makes no pair; give at least two")
    rows = unit(x)
    own = rows.square().sum(1)  # 1, or 0 for a row of zeros
    total = 0.0
    size = max(1, CELLS // len(rows))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        square = (own[start : start + size, None] + own - 2 * (part @ rows.T)).clamp_(min=0)  # (b, n)
        square[torch.arange(len(part)), torch.arange(start, start + len(part))] = torch.inf  # no pair with itself
        total += float((-t * square).exp_().sum(dtype=torch.float64))
    return float(np.log(total / (len(x) * (len(x) - 1))))


def collapse(x: np.ndarray) -> list[str]:
    """Warnings, in words with what to do, where features have collapsed; none where they look well.

    Complete: rows, scaled to length one, all point one way (the deviation of a coordinate is under a twentieth
    of the 1/sqrt(d) of directions drawn at random). Dimensional: the effective rank is under 2, or under a
    twentieth of what n rows of d features could have. Dead: over half of the features are constant.

    Paper: Jing et al. 2022, Understanding Dimensional Collapse in Contrastive Self-Supervised Learning,
    arXiv:2110.09348; the deviation after Chen and He 2021, arXiv:2011.10566.
    """
    check_features(x, "features")
    n, d = x.shape
    if n < 2:
        raise InputError("features: collapse cannot be told from one row; give at least two")
    rows = unit(x).numpy()
    spread = float(_centred(rows).std(0).mean()) * d**0.5
    if spread < 0.05:
        return [
            f"collapsed: all {n} images get nearly the same features (spread {spread:.3f} of 1); train with more "
            "negatives or a larger batch, a smaller learning rate, and check that the two views of an image differ"
        ]
    said = []
    dead = int((np.ptp(x, axis=0) == 0).sum())
    if dead > d / 2:
        said.append(
            f"dead features: {dead} of {d} are the same for every image; lower the learning rate, or read an "
            "earlier depth"
        )
    rank, most = effective_rank(x), min(n - 1, d)
    if most > 2 and (rank < 2 or rank < most / 20):
        said.append(
            f"dimensional collapse: {most} dimensions are there and about {rank:.1f} are used (effective rank); "
            "use stronger or more varied views, a wider projection head, or read an earlier depth"
        )
    return said


def linear_cka(x: np.ndarray, y: np.ndarray) -> float:
    """Linear centred kernel alignment of two feature matrices of the same images, (n, d) and (n, e): 0 to 1.

        |X'Y|_F^2 / (|X'X|_F |Y'Y|_F),   columns centred

    1 where one is a rotation of the other, up to scale. With n well below d it is biased upwards.

    Paper: Kornblith et al. 2019, Similarity of Neural Network Representations Revisited, arXiv:1905.00414.
    """
    a, b = _pair(x, y)
    if len(a) < max(a.shape[1], b.shape[1]):  # the same number from the n x n kernels
        left, right = a @ a.T, b @ b.T
        above, below = (left * right).sum(), np.linalg.norm(left) * np.linalg.norm(right)
    else:
        above, below = np.square(a.T @ b).sum(), np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    if below == 0:
        raise InputError("features: one of the two is the same for every image, and agrees with nothing")
    return float(above / below)


def _pair(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _same_images(x, y)
    return _centred(x), _centred(y)


def _same_images(x: np.ndarray, y: np.ndarray) -> None:
    check_features(x, "first features")
    check_features(y, "second features")
    if len(x) != len(y):
        raise InputError(
            f"features: {len(x)} and {len(y)} rows; both must be of the same images in the same order"
        )


def neighbour_overlap(x: np.ndarray, y: np.ndarray, *, k: int = 10, device: torch.device | str = "cpu") -> float:
    """Mean share of an image's k nearest neighbours (cosine) that two feature matrices agree on: 0 to 1.

    Unrelated features read about k / (n - 1).
    """
    _same_images(x, y)
    if len(x) < 3:
        raise InputError(f"features: {len(x)} rows leave no choice of neighbour; give at least three")
    first, second = (unit(rows, device) for rows in (x, y))
    a, b = nearest(first, first, k, same=True)[1], nearest(second, second, k, same=True)[1]  # (n, k)
    same = sum((a[:, j : j + 1] == b).any(1).sum() for j in range(a.shape[1]))
    return float(same) / a.numel()
