"""What an estimate of mutual information comes with: how sure it is, and what should make one doubt it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

__all__ = ["MutualInformationResult"]


@dataclass(frozen=True, repr=False)
class MutualInformationResult:
    """An estimate of I(X; Y), in nats.

    Attributes:
        value: the estimate; `math.inf` where one side determines the other.
        interval: 95 % confidence interval.
        lower: "at least": a 95 % lower confidence limit, valid whatever the model is worth; 0 where there is none.
        p_value: of independence, by permutations; nan where there is no test.
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
        """Plain values, for JSON: numbers are numbers; an infinite one, which JSON lacks, is the text "inf"."""
        plain = {name: getattr(self, name) for name in ("value", "lower", "p_value", "n", "estimator", "bits")}
        plain |= {
            "interval": list(self.interval),
            "diagnostics": list(self.diagnostics),
            "readings": dict(self.readings),
        }
        return {key: _finite(value) for key, value in plain.items()}

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """For notebooks: the numbers as a table, then the doubts."""
        low, high = self.interval
        rows = [
            ("value", f"{self.value:.3f} nats ({self.bits:.3f} bits)"),
            ("95 % interval", f"{low:.3f} to {high:.3f}"),
        ]
        if self.lower > 0:
            rows.append(("at least", f"{self.lower:.3f}"))
        if not math.isnan(self.p_value):
            rows.append(("p against independence", f"{self.p_value:.3g}"))
        rows += [(name, f"{value:.3f}") for name, value in self.readings.items() if math.isfinite(value)]
        cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
        doubts = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.diagnostics)
        caption = f"<caption>{self.n:,} rows, {escape(self.estimator)}</caption>"
        return f"<table>{caption}{cells}</table>" + (f"<ul>{doubts}</ul>" if doubts else "")

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
