"""What can be read without a network: a Gaussian copula, and nearest neighbours where they are to be believed.

For few rows, on which a network learns noise, and for many pairs of columns, on which it takes too long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.spatial import cKDTree
from scipy.special import digamma, ndtri

from mutua.information.estimators.gaussian import canonical, shrunk
from mutua.information.estimators.ksg import ksg_labels, ksg_pointwise
from mutua.information.variables import Variable
from mutua.types import InputError

__all__ = ["Direct", "believed", "direct", "gaussian_part", "interval", "near_copies", "nearest"]

K = 3
NEIGHBOURS = 0.75
"""Deviation of a reading by three neighbours, over that of the pointwise log ratios, times root n: simulated on
Gaussians of correlation 0 to .9, 50 to 2,000 rows, plain, rounded and zero-inflated (.69 to .79 under
independence)."""
DOUBT = 2.0
"""Neighbours are believed as far as they are more than so many deviations from the other reading."""
NEAREST_COLUMNS = 4
TIED = 0.1


@dataclass(frozen=True)
class Direct:
    """A reading without a network, in nats.

    Attributes:
        value: never below 0.
        error: its standard deviation over draws of the rows, without what neither reading sees.
        gaussian: of the Gaussian copula; nan where a side has no continuous column.
        nearest: of neighbours; nan where they were not taken.
        copies: the share of rows that stand in tight groups, see `near_copies`.
        directions: how many pairs of directions may carry information.
    """

    value: float
    error: float
    gaussian: float
    nearest: float
    copies: float
    directions: int


def direct(x: Variable, y: Variable, seed: int = 0) -> Direct:
    """I of continuous columns, or of a class and continuous columns: the Gaussian's, and as much of the
    neighbours' excess over it as is no chance (`believed`). Of a class there is no Gaussian, and neighbours alone
    are read."""
    n, copies = len(x), near_copies(x, y)
    gaussian = gaussian_part(x, y)
    read = math.nan if copies > TIED else nearest(x, y, seed)
    directions = max(1, min(_width(x), _width(y)))
    if math.isnan(gaussian):
        value, weight = believed(0.0, read, n, doubt=1.0)
    else:
        value, weight = believed(gaussian, read, n, max(x.tied, y.tied) > TIED)
    value = max(value, 0.0)
    share = -math.expm1(-2 * value / directions) * directions  # sum of rho^2, of equal directions
    error = math.sqrt((share + (NEIGHBOURS * weight) ** 2) / max(n - 3, 1))
    return Direct(value, error, gaussian, read, copies, directions)


def believed(other: float, read: float, n: int, tied: bool = False, doubt: float = DOUBT) -> tuple[float, float]:
    """The other reading and as much of the neighbours' excess e over it as is no chance; and that share w.

    w = max(0, 1 - (2 s/e)^2), s = .75/sqrt(n): nothing within two (`doubt`) deviations of the neighbours' own
    noise, nearly all of it far outside. Below the other reading, neighbours count only where columns are tied:
    there they are unbiased, and a Gaussian is none; elsewhere they read low where dependence is strong.
    """
    if math.isnan(read) or (read < other and not tied):
        return other, 0.0
    excess, s = read - other, doubt * NEIGHBOURS / math.sqrt(n)
    weight = max(0.0, 1 - (s / excess) ** 2) if abs(excess) > s else 0.0
    return other + weight * excess, weight


def interval(found: Direct, n: int, p_value: float, most: float = math.inf) -> tuple[float, float]:
    """95 %: Fisher's for the correlation that a Gaussian of this information has, or the error, the wider; above,
    what neighbours would allow; from 0 where the test can't tell it from independence."""
    z = 1.96 / math.sqrt(max(n - 3, 1))
    rho = math.sqrt(-math.expm1(-2 * found.value / found.directions))
    z *= math.sqrt(max(found.directions * rho * rho, 1e-12)) / max(rho, 1e-6) if rho > 0 else 1.0
    centre = math.atanh(min(rho, 1 - 1e-15))
    ends = [
        -0.5 * found.directions * math.log1p(-(math.tanh(max(end, 0.0)) ** 2)) for end in (centre - z, centre + z)
    ]
    low = min(ends[0], found.value - 1.96 * found.error)
    high = max(ends[1], found.value + 1.96 * found.error if found.value > 0 else 0.0)
    if not math.isnan(found.nearest):
        high = max(high, found.nearest + NEIGHBOURS / math.sqrt(n))
    low = 0.0 if p_value > 0.05 else max(0.0, low)
    return min(low, found.value), max(min(high, most), found.value)


def gaussian_part(x: Variable, y: Variable) -> float:
    """-1/2 sum log(1 - rho^2) of columns at normal scores less its mean under independence, exact for Gaussians
    where rows outnumber pairs of columns eight times; else of correlations shrunk to what fresh rows would
    show."""
    if x.discrete or y.discrete or x.parts or y.parts:
        return math.nan
    n, (a, b) = len(x), (x.continuous, y.continuous)
    found = canonical(a, b)
    p, q = found.left.shape[1], found.right.shape[1]
    if p * q > n / 8:
        return shrunk(found, n).information
    log_det = [digamma((n - np.arange(1, d + 1)) / 2).sum() + d * math.log(2 / (n - 1)) for d in (p, q, p + q)]
    return max(0.0, found.information - 0.5 * float(log_det[0] + log_det[1] - log_det[2]))


def nearest(x: Variable, y: Variable, seed: int = 0, most: int = 20_000) -> float:
    """Neighbours of columns whose ties are broken at random; nan where there are more than four columns or
    categories on both sides or beside columns.

    A value that comes m times goes to m ranks in random order: what is added within a tie is independent of all
    else and the tie can be read off the result, so the information is exactly that of the values as recorded, and
    there are no distances of zero. Of a class and columns: Ross's estimator. Ties are broken four times over and
    the readings averaged. Of more than `most` rows a random sample is read.
    """
    if x.mixed or y.mixed or (x.discrete and y.discrete) or _width(x) + _width(y) > NEAREST_COLUMNS:
        return math.nan
    rng = np.random.default_rng(seed)
    rows = np.arange(len(x)) if len(x) <= most else np.sort(rng.choice(len(x), most, replace=False))
    times = 4 if max(x.tied, y.tied) > 0.01 else 1
    try:
        return float(np.mean([_neighbours(x, y, rows, rng) for _ in range(times)]))
    except InputError:
        return math.nan


def _neighbours(x: Variable, y: Variable, rows: Int[ndarray, " m"], rng: np.random.Generator) -> float:
    if x.discrete:
        x, y = y, x
    a = scores(x.values[rows], rng)
    if y.discrete:
        assert y.codes is not None
        return ksg_labels(a, y.codes[rows], K)
    return float(ksg_pointwise(a, scores(y.values[rows], rng), K).mean())


def scores(values: Float[ndarray, "n d"], rng: np.random.Generator) -> Float[ndarray, "n d"]:
    """Normal scores of each column, ties in random order."""
    n = len(values)
    found = np.empty(values.shape)
    quantiles = ndtri((np.arange(n) + 0.5) / n)
    for k, column in enumerate(values.T):
        found[np.lexsort((rng.random(n), column)), k] = quantiles
    return found


def near_copies(x: Variable, y: Variable, most: int = 2000, neighbours: int = 60) -> float:
    """The share of rows that stand in tight groups: whose neighbour k + 1, for some k up to 60, is much farther
    than neighbour k, r_(k+1)/r_k > 10 or k log r_(k+1)/r_k > 7.

    d k log r_(k+1)/r_k is exponential with mean 1 where rows have a density in d directions: so of 2 % of the
    rows in two, of 17 % on a curve; of rows that are copies but for noise (augmented, or polled faster than a
    sensor changes), of most. Below 30 % it is 0. Exact copies don't count. Of sides of more than four columns
    nothing is looked for.
    """
    if x.parts or y.parts or _width(x) + _width(y) > NEAREST_COLUMNS or len(x) < 40:
        return 0.0
    if max(x.tied, y.tied) > 0.5:
        return 0.0
    # Ranks stretch what is tight in one column, and numbers as recorded what is far out.
    share = max(
        _tight(np.hstack(z), most, neighbours) for z in ((x.continuous, y.continuous), (x.recorded, y.recorded))
    )
    return share if share > 0.3 else 0.0


def _tight(z: Float[ndarray, "n d"], most: int, neighbours: int) -> float:
    if not np.isfinite(z).all():
        return 0.0
    rows = np.linspace(0, len(z) - 1, min(len(z), most)).astype(int)
    k = min(neighbours, len(z) // 4)
    distance = cKDTree(z).query(z[rows], k=list(range(2, k + 2)))[0]  # (m, k)
    ratio = np.log(np.maximum(distance[:, 1:], 1e-300) / np.maximum(distance[:, :-1], 1e-300))
    jump = (distance[:, :-1] > 0) & ((ratio > math.log(10)) | (ratio * np.arange(1, k) > 7))
    return float(jump.any(1).mean())


def _width(side: Variable) -> int:
    return 1 if side.discrete else side.values.shape[1]
