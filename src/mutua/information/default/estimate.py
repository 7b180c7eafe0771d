"""Mutual information from one call."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mutua.estimators.base import Estimator
from mutua.estimators.validation import Constraint, optional
from mutua.estimators.validation import seed as seed_of
from mutua.information.default import evidence as default
from mutua.information.default.direct import NEIGHBOURS, believed
from mutua.information.default.doubts import of_evidence, of_rows
from mutua.information.default.few import FEW_ROWS, few_rows, readable
from mutua.information.default.limits import EXACT, FOLLOWS, ORDERED, determined, follows, most, shown
from mutua.information.default.serial import order_of_rows
from mutua.information.discrete import counted
from mutua.information.estimators.gaussian import canonical
from mutua.information.named import check_names, named_estimate
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Discrete, Variable, paired, variable
from mutua.types import InputError, names

__all__ = ["MutualInformation", "check_settings", "mutual_information"]

LEAST_PERMUTATIONS = 19
# An information of so many nats over the rows can't be told from none.
FLOOR = 10.0
OVER, SHORT = 0.04, 0.09


@dataclass(eq=False, repr=False)
class MutualInformation(Estimator):
    """I(X; Y) with an interval, a lower limit, a p-value and what should make one doubt it.

    Args:
        estimator: "auto", the default, or one by name (`named.NAMES`), to compare with.
        critic: "auto" or one of `named.CRITICS`, for a neural estimator by name.
        effort: "quick" (seconds), "default" (a minute at 10,000 rows of 20 columns), "thorough".
        serial: whether neighbouring rows depend on each other (a recording over time). None looks.
        drop_missing: leave out the rows in which a column of either side has no value.
        permutations: of the test against independence.
        random_state: a whole number, of the folds, the networks and the permutations; the same one gives the same
            result. `seed` is its name in release 0.1, accepted with a `FutureWarning`.

    `fit(x, y)` takes numpy arrays, torch tensors or pandas objects of n rows, one column or many, continuous,
    discrete or mixed, and leaves `result_` and `value_` (nats). `InputError` (a `ValueError`) for what can't be
    used, see `mutual_information`.
    """

    effort: Any = "default"
    serial: Any = None
    drop_missing: Any = False
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
                drop_missing=self.drop_missing,
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
    drop_missing: bool = False,
    permutations: int = 999,
    seed: int = 0,
    estimator: str = "auto",
    critic: str = "auto",
    told: Callable[[int, int], None] | None = None,
) -> MutualInformationResult:
    """I(X; Y) = E log p(x, y)/p(x)p(y) of n paired rows, in nats. How: see `mutua.information.default.evidence`.

    Args as `MutualInformation`'s; `discrete_x` and `discrete_y` say which columns hold categories (None: by
    type). Two discrete sides are counted (`mutua.information.discrete`). Of fewer than 150 rows what a network
    would
    learn is noise: a Gaussian copula and neighbours are read (`default.direct`).

    Raises `InputError` for sides of different lengths, missing values (unless `drop_missing`) or infinity, a
    constant side, fewer than ten rows, fewer than 19 permutations.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 1))
    >>> result = mutual_information(x, x + rng.normal(size=(1000, 1)), effort="quick")
    >>> bool(abs(result.value - 0.5 * np.log(2)) < 0.06), result.p_value < 0.01
    (True, True)
    """
    check_settings(effort, serial, permutations, seed)
    check_names(estimator, critic)
    (left, right), notes = paired({"x": x, "y": y}, drop_missing)
    a, b = variable(left, "x", discrete_x), variable(right, "y", discrete_y)
    notes += [*a.notes, *b.notes]
    block, words = order_of_rows(a, b, serial)
    notes += words
    if estimator == "auto" and a.codes is not None and b.codes is not None and a.discrete and b.discrete:
        notes += of_rows(len(a), 0, 0, block)
        return counted(a.codes, b.codes, block=block, permutations=permutations, seed=seed, notes=notes)
    if determined(a, b):
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
    if len(a) // block < FEW_ROWS and readable(a, b):
        return few_rows(a, b, block, permutations, seed, notes)
    evidence = default.gather(a, b, default.EFFORTS[effort], block, seed, permutations, told)
    held, seen = float(evidence.held.mean()), float(evidence.seen.mean())
    middle = max(0.5 * (held + seen), 0.0)
    value, _ = believed(middle, evidence.nearest, len(a) // block)
    top = min(most(a), most(b), shown(a, b))
    # Never below what held-out rows certify.
    value = max(0.0, min(max(value, evidence.lower), top))
    if follows(a, b):
        notes.append(FOLLOWS)
    notes += of_evidence(evidence, value)
    readings = {"held out": held, "in sample": seen}
    if not (a.discrete or b.discrete):
        readings["Gaussian"] = evidence.linear
    if math.isfinite(evidence.neighbours):
        readings["nearest neighbours"] = evidence.neighbours
    return MutualInformationResult(
        value=value,
        interval=_interval(evidence, value, block, top),
        lower=min(evidence.lower, value),
        p_value=evidence.p_value,
        n=len(a),
        estimator="cross-fitted log ratio",
        diagnostics=tuple(notes),
        readings=readings,
    )


def _interval(evidence: default.Evidence, value: float, block: int, top: float) -> tuple[float, float]:
    """Three errors in quadrature: sampling, half the gap between the two readings, what the model can't say.

    The last is a share of the value, more above than below since nets miss dependence oftener than they invent it:
    SHORT and OVER were set on the distributions of `mutua.data.known`, whose coverage is in bench/records. No end
    is beyond `top`, what so many rows can show.
    """
    n = len(evidence.held) / block
    sampling = math.hypot(1.96 * float(evidence.held.std()) / math.sqrt(n), FLOOR / n)
    held, seen = float(evidence.held.mean()), float(evidence.seen.mean())
    gap = 0.5 * abs(seen - held)
    # Where neighbours and critics differ, either may be wrong by half of it.
    apart = 0.0
    if math.isfinite(evidence.nearest):
        ends = (evidence.nearest, 0.5 * (held + seen), value)
        apart = 0.5 * max(max(ends) - min(ends) - NEIGHBOURS / math.sqrt(len(evidence.held)), 0.0)
    low, high = (math.hypot(sampling, gap, apart, share * value) for share in (OVER, SHORT))
    # Rows can show 2 log n of one direction, and no more than as much again of what they did show.
    top = min(top, max(2 * math.log(len(evidence.held)), 2 * value + 1))
    # What the exact test can't tell from independence, the interval doesn't exclude.
    return 0.0 if evidence.p_value > 0.05 else max(0.0, value - low), max(value, min(value + high, top))


def check_settings(effort: Any, serial: Any, permutations: Any, seed: Any) -> None:
    """Raise `InputError` for the first that can't be used."""
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
        return counted(codes[0], codes[1], block=block, permutations=permutations, seed=seed, notes=notes)
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
