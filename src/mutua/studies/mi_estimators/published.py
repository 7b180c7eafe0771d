"""The published staircase, read off the figure of the SMILE repository's notebook: one run, batches of 64."""

from __future__ import annotations

from mutua.studies.mi_estimators.staircase import Spread

__all__ = ["FLOOR", "LEVELS", "PUBLISHED"]

LEVELS = (2.0, 4.0, 6.0, 8.0, 10.0)

FLOOR = (0.24, 0.32, 0.38, 0.42, 0.44)
"""Standard deviation of the true log ratio's mean over 64 pairs, d = 20."""

PUBLISHED: dict[tuple[str, str], tuple[Spread, ...]] = {
    (estimator, critic): tuple(Spread(bias, sd) for bias, sd in zip(biases, sds, strict=True))
    for estimator, critic, biases, sds in (
        ("infonce", "concat", (-0.26, -0.99, -2.30, -4.00, -5.89), (0.20, 0.19, 0.13, 0.08, 0.05)),
        ("nwj", "concat", (-0.16, -0.29, -0.76, -1.72, -4.96), (0.32, 0.56, 1.13, 1.91, 3.27)),
        ("smile_1", "concat", (0.17, 0.32, 0.35, 0.24, -0.02), (0.26, 0.36, 0.45, 0.56, 0.68)),
        ("smile_1", "separable", (-0.04, -0.00, -0.04, -0.05, -0.16), (0.24, 0.38, 0.53, 0.64, 0.82)),
        ("smile_5", "concat", (-0.15, -0.09, 0.15, 0.50, 0.90), (0.24, 0.35, 0.45, 0.60, 0.73)),
        ("smile_inf", "concat", (-0.15, -0.23, -0.20, -0.12, 0.07), (0.25, 0.37, 0.61, 0.93, 1.24)),
    )
}
"""(estimator, critic) to its spread at each of `LEVELS`."""
