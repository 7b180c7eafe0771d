"""Mutual information from one call."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy.stats import norm

from mutua.estimators.base import Estimator
from mutua.estimators.validation import Constraint, optional
from mutua.estimators.validation import seed as seed_of
from mutua.information.default import evidence as default
from mutua.information.default.doubts import of_evidence, of_rows
from mutua.information.default.serial import block_length
from mutua.information.estimators.counts import histogram, histogram_miller_madow
from mutua.information.estimators.gaussian import canonical
from mutua.information.named import check_names, named_estimate
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Discrete, Variable, variable
from mutua.types import InputError, names

__all__ = ["MutualInformation", "mutual_information"]

# Canonical correlations of columns at Gaussian quantiles: ranks agree. Of columns as given: numbers agree.
DETERMINED, EXACT = 1 - 1e-9, 1 - 1e-12
# Where both sides order n rows alike, Gaussian noise has a deviation below 18.8/n^2 (95 %): log 18.8.
ORDERED = 2.94
LEAST_PERMUTATIONS = 19
# An information of so many nats over the rows can't be told from none.
FLOOR = 10.0
OVER, SHORT = 0.04, 0.09


FOLLOWS = (
    "one column follows another as a smooth function does, with no noise that so many rows can show: the "
    "information is infinite if that is exact; else take the estimate as 'at least'"
)


@dataclass(eq=False, repr=False)
class MutualInformation(Estimator):
    """I(X; Y) with an interval, a lower limit, a p-value and what should make one doubt it.

    Args:
        estimator: "auto", the default, or one by name (`named.NAMES`), to compare with.
        critic: "auto" or one of `named.CRITICS`, for a neural estimator by name.
        effort: "quick" (seconds), "default" (a minute at 10,000 rows of 20 columns), "thorough".
        serial: whether neighbouring rows depend on each other (a recording over time). None looks.
        permutations: of the test against independence.
        random_state: a whole number, of the folds, the networks and the permutations; the same one gives the same
            result. `seed` is its name in release 0.1, accepted with a `FutureWarning`.

    `fit(x, y)` takes numpy arrays, torch tensors or pandas objects of n rows, one column or many, continuous,
    discrete or mixed, and leaves `result_` and `value_` (nats). `InputError` (a `ValueError`) for what can't be
    used, see `mutual_information`.
    """

    effort: Any = "default"
    serial: Any = None
    permutations: Any = 999
    random_state: Any = 0
    estimator: Any = "auto"
    critic: Any = "auto"
    seed: Any = None

    _constraints: ClassVar[Mapping[str, Constraint]] = {"random_state": seed_of, "seed": optional(seed_of)}
    _plain: ClassVar[tuple[str, ...]] = ("value_",)

    def fit(
        self,
        x: Any,
        y: Any,
        discrete_x: Discrete = None,
        discrete_y: Discrete = None,
        told: Callable[[int, int], None] | None = None,
    ) -> MutualInformation:
        """Estimate; `told(step, steps)` hears of progress."""
        if self.seed is not None:
            warnings.warn(
                "MutualInformation: seed is called random_state now; use that word", FutureWarning, stacklevel=2
            )
        with self._refit():
            self.result_ = mutual_information(
                x,
                y,
                effort=self.effort,
                discrete_x=discrete_x,
                discrete_y=discrete_y,
                serial=self.serial,
                permutations=self.permutations,
                seed=self.random_state if self.seed is None else self.seed,
                estimator=self.estimator,
                critic=self.critic,
                told=told,
            )
            self.value_ = self.result_.value
        return self

    def _pack(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"result": asdict(self.result_)}, {}

    def _unpack(self, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        told = settings["result"]
        sentences, interval = tuple(told["diagnostics"]), tuple(told["interval"])
        self.result_ = MutualInformationResult(**{**told, "diagnostics": sentences, "interval": interval})


def mutual_information(
    x: Any,
    y: Any,
    *,
    effort: str = "default",
    discrete_x: Discrete = None,
    discrete_y: Discrete = None,
    serial: bool | None = None,
    permutations: int = 999,
    seed: int = 0,
    estimator: str = "auto",
    critic: str = "auto",
    told: Callable[[int, int], None] | None = None,
) -> MutualInformationResult:
    """I(X; Y) = E log p(x, y)/p(x)p(y) of n paired rows, in nats. How: see `mutua.information.default.evidence`.

    Args as `MutualInformation`'s; `discrete_x` and `discrete_y` say which columns hold categories (None: by
    type). Two discrete sides are counted, corrected by Miller and Madow, where rows outnumber cells five to one.

    Raises `InputError` for sides of different lengths, NaN or infinity, masked or missing values, text not
    declared discrete, a constant side, fewer than ten rows, fewer than 19 permutations.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 1))
    >>> result = mutual_information(x, x + rng.normal(size=(1000, 1)), effort="quick")
    >>> bool(abs(result.value - 0.5 * np.log(2)) < 0.06), result.p_value < 0.01
    (True, True)
    """
    _check(effort, serial, permutations, seed)
    check_names(estimator, critic)
    a, b = variable(x, "x", discrete_x), variable(y, "y", discrete_y)
    if len(a) != len(b):
        raise InputError(f"x has {len(a):,} rows and y has {len(b):,}: give pairs, row by row")
    notes = [*a.notes, *b.notes]
    block = 1 if serial is False else _block(a, b, serial)
    if estimator == "auto" and a.discrete and b.discrete and _countable(a, b):
        return _counted(a, b, block, permutations, seed, notes)
    if _determined(a, b):
        return _deterministic(a, b, block, permutations, seed, notes)
    rows = np.hstack([a.continuous, a.labels, b.continuous, b.labels])
    copies = 0 if a.discrete or b.discrete else len(rows) - len(np.unique(rows, axis=0))
    notes += of_rows(len(rows), rows.shape[1], copies, block)
    if estimator != "auto":
        found = named_estimate(
            a,
            b,
            estimator,
            critic,
            effort=effort,
            block=block,
            permutations=permutations,
            seed=seed,
            told=told,
        )
        return replace(found, diagnostics=(*notes, *found.diagnostics))
    evidence = default.gather(a, b, default.EFFORTS[effort], block, seed, permutations, told)
    held, seen = float(evidence.held.mean()), float(evidence.seen.mean())
    middle = 0.5 * (held + seen)
    value = max(middle, evidence.nearest) if math.isfinite(evidence.nearest) else middle
    # Never below what held-out rows certify.
    value = max(0.0, min(max(value, evidence.lower), _most(a), _most(b), _shown(a, b)))
    if _follows(a, b):
        notes.append(FOLLOWS)
    notes += of_evidence(evidence, value)
    readings = {"held out": held, "in sample": seen, "Gaussian": evidence.linear}
    if math.isfinite(evidence.nearest):
        readings["nearest neighbours"] = evidence.nearest
    return MutualInformationResult(
        value=value,
        interval=_interval(evidence, value, block),
        lower=min(evidence.lower, value),
        p_value=evidence.p_value,
        n=len(a),
        estimator="cross-fitted log ratio",
        diagnostics=tuple(notes),
        readings=readings,
    )


def _interval(evidence: default.Evidence, value: float, block: int) -> tuple[float, float]:
    """Three errors in quadrature: sampling, half the gap between the two readings, what the model can't say.

    The last is a share of the value, more above than below since nets miss dependence oftener than they invent it:
    SHORT and OVER were set on the distributions of `mutua.data.known`, whose coverage is in bench/records.
    """
    n = len(evidence.held) / block
    sampling = math.hypot(1.96 * float(evidence.held.std()) / math.sqrt(n), FLOOR / n)
    held, seen = float(evidence.held.mean()), float(evidence.seen.mean())
    gap = 0.5 * abs(seen - held)
    # Where neighbours and critics differ, either may be wrong by half of it.
    apart = 0.5 * (value - min(evidence.nearest, 0.5 * (held + seen))) if math.isfinite(evidence.nearest) else 0.0
    low, high = (math.hypot(sampling, gap, apart, share * value) for share in (OVER, SHORT))
    # What the exact test can't tell from independence, the interval doesn't exclude.
    return 0.0 if evidence.p_value > 0.05 else max(0.0, value - low), value + high


def _most(side: Variable) -> float:
    """The entropy of a discrete side, which no information exceeds: -sum p log p + (m - 1)/2n. Else infinite."""
    if not side.discrete or side.codes is None:
        return math.inf
    counts = np.unique(side.codes, return_counts=True)[1]
    share = counts / len(side)
    return float(-(share * np.log(share)).sum() + (len(counts) - 1) / (2 * len(side)))


def _shown(a: Variable, b: Variable) -> float:
    """What n rows can show of continuous columns: 2 log n for each direction; with more, their orders agree."""
    directions = min(a.continuous.shape[1], b.continuous.shape[1])
    return 2 * math.log(len(a)) * directions if directions else math.inf


def _block(a: Variable, b: Variable, serial: bool | None) -> int:
    found = block_length(np.hstack([a.continuous, a.labels]), np.hstack([b.continuous, b.labels]))
    return max(found, 2) if serial else found


def _determined(a: Variable, b: Variable) -> bool:
    if a.discrete or b.discrete:
        return False
    return bool(canonical(a.continuous, b.continuous).correlations[0] > DETERMINED)


def _check(effort: Any, serial: Any, permutations: Any, seed: Any) -> None:
    if not isinstance(effort, str) or effort not in default.EFFORTS:
        raise InputError(f"effort: {effort!r} is none of {names(default.EFFORTS)}")
    if serial is not None and not isinstance(serial, bool | np.bool_):
        raise InputError(f"serial: {serial!r}; use True, False or None, which looks")
    if not isinstance(permutations, int | np.integer) or permutations < LEAST_PERMUTATIONS:
        raise InputError(
            f"permutations: {permutations!r}; use a whole number of at least {LEAST_PERMUTATIONS}, below which "
            "no p-value reaches .05"
        )
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise InputError(f"seed: {seed!r}; use a whole number from 0 to 4,294,967,295")


def _deterministic(
    a: Variable, b: Variable, block: int, permutations: int, seed: int, notes: list[str]
) -> MutualInformationResult:
    """What is said where some combination of x's columns orders the rows as one of y's does, to the last."""
    n, p_value, inf = len(a), 1 / (1 + permutations), math.inf
    codes = [np.unique(side.recorded, axis=0, return_inverse=True)[1].reshape(-1) for side in (a, b)]
    finite = bool(np.isfinite(a.recorded).all() and np.isfinite(b.recorded).all())
    exact = finite and bool(canonical(a.recorded, b.recorded).correlations[0] > EXACT)
    if exact and min(code.max() + 1 for code in codes) < 0.9 * n:
        notes.insert(
            0,
            "x and y are recorded values that repeat, and one gives the other exactly: the information as "
            "recorded is their entropy, and that of the quantities behind them is infinite",
        )
        return _counted(replace(a, codes=codes[0]), replace(b, codes=codes[1]), block, permutations, seed, notes)
    if exact:
        notes.insert(
            0,
            "a combination of x's columns gives a combination of y's exactly: for continuous variables the "
            "information is infinite; add the noise that the measurement has, or declare categories discrete",
        )
        return MutualInformationResult(inf, (inf, inf), inf, p_value, n, "deterministic", tuple(notes))
    low = max(0.0, 2 * math.log(n) - ORDERED)
    notes.insert(
        0,
        f"a combination of x's columns orders the {n:,} rows exactly as one of y's does: one is an increasing "
        "function of the other, and the information infinite, or its noise is too small for so few rows to show: "
        f"then it is at least {low:.1f} nats (Gaussian noise); more rows would tell",
    )
    return MutualInformationResult(inf, (low, inf), low, p_value, n, "deterministic", tuple(notes))


def _follows(a: Variable, b: Variable) -> bool:
    """Whether one column of a side, in the order of one of the other, runs on without noise that rows can show.

    Of three neighbours the one in the middle is held against the line through the others: what is left of a smooth
    function is of the order of the squared spacing, and of noise, its own deviation. Both as recorded and at
    Gaussian quantiles: those of a function that turns often mix its branches, and those as recorded of a heavy
    tail are a few values apart from all others.
    """
    if a.discrete or b.discrete or len(a) < 100:
        return False
    pairs = ((a.continuous, b.continuous), (a.recorded, b.recorded))
    for first, second in [both for pair in pairs for both in (pair, pair[::-1])]:
        for x in first.T[:8]:
            order = np.argsort(x, kind="stable")
            at, values = x[order], second[order][:, :8]
            share = ((at[1:-1] - at[:-2]) / np.maximum(at[2:] - at[:-2], 1e-300))[:, None]
            rest = np.abs(values[1:-1] - (1 - share) * values[:-2] - share * values[2:])
            step = np.abs(values[2:] - values[:-2])
            if (np.median(rest, 0) < 0.15 * np.median(step, 0)).any():
                return True
    return False


def _countable(a: Variable, b: Variable) -> bool:
    assert a.codes is not None
    assert b.codes is not None
    return len(a) >= 5 * len(np.unique(a.codes)) * len(np.unique(b.codes))


def _counted(
    a: Variable, b: Variable, block: int, permutations: int, seed: int, notes: list[str]
) -> MutualInformationResult:
    """Discrete on both sides: counts, the delta method for the interval, exact permutations of the plug-in."""
    assert a.codes is not None
    assert b.codes is not None
    n = len(a)
    plain, value = histogram(a.codes, b.codes), histogram_miller_madow(a.codes, b.codes)
    table = np.zeros((a.codes.max() + 1, b.codes.max() + 1))
    np.add.at(table, (a.codes, b.codes), 1 / n)
    ratio = np.log(table[a.codes, b.codes] / (table.sum(1)[a.codes] * table.sum(0)[b.codes]))  # (n,)
    error = float(ratio.std()) / math.sqrt(n / block)
    rng = np.random.default_rng(seed)
    runs = n // block
    reached = 0
    # The same rows on both sides of the comparison: those of whole blocks.
    whole = histogram(a.codes[: runs * block], b.codes[: runs * block])
    for _ in range(permutations):
        order = (rng.permutation(runs)[:, None] * block + np.arange(block)).reshape(-1)
        reached += histogram(a.codes[: runs * block], b.codes[order]) >= whole - 1e-12
    notes += of_rows(n, 2, 0, block)
    # The delta method has no first order at independence; the degrees of freedom give the scale of what is left.
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    half = 1.96 * math.hypot(error, math.sqrt(freedom / 2) / n)
    return MutualInformationResult(
        value=max(value, 0.0),
        interval=(max(0.0, value - half), max(0.0, value + half)),
        lower=max(0.0, value - float(norm.ppf(0.95)) / 1.96 * half),
        p_value=(1 + reached) / (1 + permutations),
        n=n,
        estimator="counts (Miller-Madow)",
        diagnostics=tuple(notes),
        readings={"plug-in": plain},
    )
