"""What an estimate of mutual information comes with: how sure it is, and what should make one doubt it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MutualInformationResult"]


@dataclass(frozen=True)
class MutualInformationResult:
    """An estimate of I(X; Y), in nats.

    Attributes:
        value: the estimate; `math.inf` where one side determines the other.
        interval: 95 % confidence interval.
        lower: "at least": a 95 % lower confidence limit from held-out InfoNCE, valid whatever the critic is worth.
        p_value: of independence, by an exact permutation test on rows that no critic saw.
        n: rows used. estimator: what made `value`.
        diagnostics: what to know before believing it, a sentence each with what to do; none is good news.
        readings: the same data read in other ways, in nats, by name.
    """

    value: float
    interval: tuple[float, float]
    lower: float
    p_value: float
    n: int
    estimator: str
    diagnostics: tuple[str, ...] = ()
    readings: Mapping[str, float] = field(default_factory=dict)

    @property
    def bits(self) -> float:
        """The value in bits: nats / log 2."""
        return self.value / math.log(2)

    @property
    def correlation(self) -> float:
        """The informational correlation sqrt(1 - exp(-2 I)): |rho| for a bivariate Gaussian, in [0, 1].

        Paper: Linfoot 1957, An informational measure of correlation.
        """
        return math.sqrt(-math.expm1(-2 * max(self.value, 0.0)))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; an infinite value is the text "inf"."""
        plain = {name: getattr(self, name) for name in ("value", "lower", "p_value", "n", "estimator", "bits")}
        plain |= {
            "interval": list(self.interval),
            "diagnostics": list(self.diagnostics),
            "readings": dict(self.readings),
        }
        return {key: _finite(value) for key, value in plain.items()}

    def __str__(self) -> str:
        low, high = self.interval
        words = [f"I = {self.value:.3f} nats ({self.bits:.3f} bits)", f"95 % interval {low:.3f} to {high:.3f}"]
        if self.lower > 0:
            words.append(f"at least {self.lower:.3f}")
        if not math.isnan(self.p_value):
            words.append(f"p = {self.p_value:.3g} against independence")
        words.append(f"{self.n:,} rows, {self.estimator}")
        return "\n".join([", ".join(words), *(f"- {sentence}" for sentence in self.diagnostics)])


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
