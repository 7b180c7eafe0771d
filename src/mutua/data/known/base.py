"""A distribution of pairs (x, y) whose mutual information is known exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from mutua.types import InputError

__all__ = ["Draw", "Known", "LogRatio", "check_at_least", "independent", "stacked"]

Draw = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""n and a generator to n independent pairs: (n, dx) and (n, dy)."""

LogRatio = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""x (n, dx) and y (n, dy) to log p(x, y)/p(x)p(y), (n,), in nats."""


@dataclass(frozen=True)
class Known:
    """A joint distribution p(x, y) and its exact mutual information.

    Args:
        name: how catalogues and tables call it.
        information: I(x; y) in nats: a closed form, or integrated to better than 1e-8.
        dx, dy: columns of x and of y.
        draw: n and a generator to n independent pairs, (n, dx) and (n, dy).
        log_ratio: x (n, dx), y (n, dy) to log p(x, y)/p(x)p(y), (n,): the optimal critic of every lower
            bound, whose mean over samples goes to `information`. -inf where the pair cannot occur; None where
            no closed form exists.
        paper: where the distribution comes from.
        notes: what it is there to try.
    """

    name: str
    information: float
    dx: int
    dy: int
    draw: Draw
    log_ratio: LogRatio | None = None
    paper: str = ""
    notes: str = ""

    def sample(self, n: int, seed: int) -> tuple[Shaped[np.ndarray, "n dx"], Shaped[np.ndarray, "n dy"]]:
        """n independent pairs, the same for the same seed: float64, or int64 where the variable is discrete.

        Raises `InputError` for n below 1 or a negative seed.
        """
        check_at_least(self.name, "n", n, 1)
        check_at_least(self.name, "seed", seed, 0)
        return self.draw(n, np.random.default_rng(seed))


def check_at_least(where: str, argument: str, value: float, least: float) -> None:
    """Raise `InputError` unless value >= least (so NaN is refused too)."""
    if not value >= least:
        raise InputError(f"{where}: {argument} is {value}; it must be at least {least}")


def independent(base: Known) -> Known:
    """The margins of `base` without their relation, p(x)p(y): 0 nats, for p-values and false alarms."""

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return base.draw(n, rng)[0], base.draw(n, rng)[1]

    def log_ratio(x: Shaped[np.ndarray, "n dx"], y: Shaped[np.ndarray, "n dy"]) -> Float[np.ndarray, " n"]:
        return np.zeros(len(x))

    name = f"independent-{base.name}"
    return Known(name, 0.0, base.dx, base.dy, draw, log_ratio, base.paper, "margins kept, relation removed")


def stacked(*parts: Known) -> Known:
    """Independent pairs side by side: I((x1, x2); (y1, y2)) = I(x1; y1) + I(x2; y2).

    The columns become float64 where the parts' types differ. Raises `InputError` without a part.
    """
    if not parts:
        raise InputError("stacked: no distribution was given; give one or more")
    cuts_x = np.cumsum([part.dx for part in parts])
    cuts_y = np.cumsum([part.dy for part in parts])
    ratios = [part.log_ratio for part in parts if part.log_ratio is not None]

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        xs, ys = zip(*(part.draw(n, rng) for part in parts), strict=True)
        return np.hstack(xs), np.hstack(ys)  # (n, sum of dx), (n, sum of dy)

    def log_ratio(x: Shaped[np.ndarray, "n dx"], y: Shaped[np.ndarray, "n dy"]) -> Float[np.ndarray, " n"]:
        xs, ys = np.split(x, cuts_x[:-1], axis=1), np.split(y, cuts_y[:-1], axis=1)
        each = [ratio(a, b) for ratio, a, b in zip(ratios, xs, ys, strict=True)]
        return np.sum(each, axis=0)

    return Known(
        name="+".join(part.name for part in parts),
        information=sum(part.information for part in parts),
        dx=int(cuts_x[-1]),
        dy=int(cuts_y[-1]),
        draw=draw,
        log_ratio=log_ratio if len(ratios) == len(parts) else None,
        notes="independent pairs side by side: their information adds up",
    )
