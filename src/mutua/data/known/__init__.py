"""Distributions of pairs whose mutual information is known exactly: what estimators are judged on.

`KNOWN` names them; its values are made on call, and `known(name)` makes each once:

    >>> pair = known("spiral-multinormal-sparse-5-5-2-2.0")
    >>> x, y = pair.sample(1000, seed=0)
    >>> x.shape, y.shape, round(pair.information, 4)
    ((1000, 5), (1000, 5), 1.0217)

`BEYOND_NORMAL` holds the 40 of Czyz et al. (2023) under the names they are published with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from mutua.data.known.base import Known, independent, stacked
from mutua.data.known.bounded import additive_uniform
from mutua.data.known.discrete import discrete, labelled, uniform_mixture, zero_inflated_poisson
from mutua.data.known.mixtures import galaxy, letters_ai, mixture, waves, with_noise, x_shaped
from mutua.data.known.normal import bivariate, dense, gaussian, normal, sparse
from mutua.data.known.student import student, student_dispersed
from mutua.data.known.transforms import (
    asinh,
    bimodal,
    cubic,
    half_cube,
    mixed_cubic,
    normal_cdf,
    spiral,
    swiss_roll,
    transformed,
    wiggly,
)
from mutua.types import InputError, names

__all__ = [
    "BEYOND_NORMAL",
    "KNOWN",
    "Known",
    "additive_uniform",
    "asinh",
    "bimodal",
    "bivariate",
    "cubic",
    "dense",
    "discrete",
    "galaxy",
    "gaussian",
    "half_cube",
    "independent",
    "known",
    "labelled",
    "letters_ai",
    "mixed_cubic",
    "mixture",
    "normal",
    "normal_cdf",
    "sparse",
    "spiral",
    "stacked",
    "student",
    "student_dispersed",
    "swiss_roll",
    "transformed",
    "uniform_mixture",
    "waves",
    "wiggly",
    "with_noise",
    "x_shaped",
    "zero_inflated_poisson",
]

BEYOND_NORMAL: dict[str, Callable[[], Known]] = {
    "1v1-normal-0.75": bivariate,
    "normal_cdf-1v1-normal-0.75": lambda: normal_cdf(bivariate()),
    "1v1-additive-0.1": partial(additive_uniform, 0.1),
    "1v1-additive-0.75": partial(additive_uniform, 0.75),
    "1v1-bimodal-0.75": bimodal,
    "wiggly-1v1-normal-0.75": lambda: wiggly(bivariate()),
    "half_cube-1v1-normal-0.75": lambda: half_cube(bivariate()),
    "student-identity-1-1-1": partial(student, 1, 1, 1),
    "asinh-student-identity-1-1-1": lambda: asinh(student(1, 1, 1)),
    "swissroll_x-normal_cdf-1v1-normal-0.75": lambda: swiss_roll(normal_cdf(bivariate())),
    "multinormal-dense-2-2-0.5": partial(dense, 2, 2),
    "multinormal-dense-3-3-0.5": partial(dense, 3, 3),
    "multinormal-dense-5-5-0.5": partial(dense, 5, 5),
    "multinormal-dense-25-25-0.5": partial(dense, 25, 25),
    "multinormal-dense-50-50-0.5": partial(dense, 50, 50),
    "multinormal-sparse-2-2-2-2.0": partial(sparse, 2, 2),
    "multinormal-sparse-3-3-2-2.0": partial(sparse, 3, 3),
    "multinormal-sparse-5-5-2-2.0": partial(sparse, 5, 5),
    "multinormal-sparse-25-25-2-2.0": partial(sparse, 25, 25),
    "student-identity-2-2-1": partial(student, 2, 2, 1),
    "student-identity-2-2-2": partial(student, 2, 2, 2),
    "student-identity-3-3-2": partial(student, 3, 3, 2),
    "student-identity-3-3-3": partial(student, 3, 3, 3),
    "student-identity-5-5-2": partial(student, 5, 5, 2),
    "student-identity-5-5-3": partial(student, 5, 5, 3),
    "normal_cdf-multinormal-sparse-3-3-2-2.0": lambda: normal_cdf(sparse(3, 3)),
    "normal_cdf-multinormal-sparse-5-5-2-2.0": lambda: normal_cdf(sparse(5, 5)),
    "normal_cdf-multinormal-sparse-25-25-2-2.0": lambda: normal_cdf(sparse(25, 25)),
    "half_cube-multinormal-sparse-3-3-2-2.0": lambda: half_cube(sparse(3, 3)),
    "half_cube-multinormal-sparse-5-5-2-2.0": lambda: half_cube(sparse(5, 5)),
    "half_cube-multinormal-sparse-25-25-2-2.0": lambda: half_cube(sparse(25, 25)),
    "spiral-multinormal-sparse-3-3-2-2.0": lambda: spiral(sparse(3, 3)),
    "spiral-multinormal-sparse-5-5-2-2.0": lambda: spiral(sparse(5, 5)),
    "spiral-multinormal-sparse-25-25-2-2.0": lambda: spiral(sparse(25, 25)),
    "spiral-normal_cdf-multinormal-sparse-3-3-2-2.0": lambda: spiral(normal_cdf(sparse(3, 3))),
    "spiral-normal_cdf-multinormal-sparse-5-5-2-2.0": lambda: spiral(normal_cdf(sparse(5, 5))),
    "spiral-normal_cdf-multinormal-sparse-25-25-2-2.0": lambda: spiral(normal_cdf(sparse(25, 25))),
    "asinh-student-identity-2-2-1": lambda: asinh(student(2, 2, 1)),
    "asinh-student-identity-3-3-2": lambda: asinh(student(3, 3, 2)),
    "asinh-student-identity-5-5-2": lambda: asinh(student(5, 5, 2)),
}

KNOWN: dict[str, Callable[[], Known]] = {
    **BEYOND_NORMAL,
    # The staircase: plain, cubed coordinate by coordinate, cubed after mixing.
    "gaussian-20-2": partial(gaussian, 20, information=2.0),
    "gaussian-20-4": partial(gaussian, 20, information=4.0),
    "gaussian-20-6": partial(gaussian, 20, information=6.0),
    "gaussian-20-8": partial(gaussian, 20, information=8.0),
    "gaussian-20-10": partial(gaussian, 20, information=10.0),
    "cubic-gaussian-20-2": lambda: cubic(gaussian(20, information=2.0)),
    "cubic-gaussian-20-4": lambda: cubic(gaussian(20, information=4.0)),
    "cubic-gaussian-20-6": lambda: cubic(gaussian(20, information=6.0)),
    "cubic-gaussian-20-8": lambda: cubic(gaussian(20, information=8.0)),
    "cubic-gaussian-20-10": lambda: cubic(gaussian(20, information=10.0)),
    "mixed_cubic-gaussian-20-2": lambda: mixed_cubic(gaussian(20, information=2.0)),
    "mixed_cubic-gaussian-20-4": lambda: mixed_cubic(gaussian(20, information=4.0)),
    "mixed_cubic-gaussian-20-6": lambda: mixed_cubic(gaussian(20, information=6.0)),
    "mixed_cubic-gaussian-20-8": lambda: mixed_cubic(gaussian(20, information=8.0)),
    "mixed_cubic-gaussian-20-10": lambda: mixed_cubic(gaussian(20, information=10.0)),
    # High information.
    "gaussian-1-5": partial(gaussian, 1, information=5.0),
    "gaussian-5-10": partial(gaussian, 5, information=10.0),
    "gaussian-20-15": partial(gaussian, 20, information=15.0),
    "gaussian-20-20": partial(gaussian, 20, information=20.0),
    # Clusters.
    "1v1-X-0.9": x_shaped,
    "1v1-AI": letters_ai,
    "2v1-galaxy-0.5-3.0": galaxy,
    "2v1-waves-12-5.0-3.0": waves,
    # Discrete, and discrete with continuous.
    "discrete-3-3": lambda: discrete(
        np.array([[0.25, 0.05, 0.03], [0.05, 0.20, 0.04], [0.03, 0.05, 0.30]]), "discrete-3-3"
    ),
    "discrete-zeros": lambda: discrete(np.array([[0.1, 0.0, 0.3], [0.2, 0.4, 0.0]]), "discrete-zeros"),
    "labelled-5": partial(labelled, [0.0, 1.0, 2.0, 3.0, 4.0], [0.4] * 5, None, "labelled-5"),
    "labelled-scales": partial(labelled, [0.0] * 3, [0.1, 1.0, 4.0], [0.2, 0.5, 0.3], "labelled-scales"),
    "uniform-mixture-5": partial(uniform_mixture, 5),
    "zero-inflated-poisson-0.15": zero_inflated_poisson,
    "uniform-mixture-3+1v1-normal-0.75": lambda: stacked(uniform_mixture(3), bivariate()),
    # Independent: 0 nats, and every bound must say so.
    "independent-1v1-normal-0.75": lambda: independent(bivariate()),
    "independent-gaussian-20-2": lambda: independent(gaussian(20, information=2.0)),
    "independent-student-identity-2-2-1": lambda: independent(student(2, 2, 1)),
    "independent-spiral-multinormal-sparse-5-5-2-2.0": lambda: independent(spiral(sparse(5, 5))),
    "independent-uniform-mixture-5": lambda: independent(uniform_mixture(5)),
    "independent-zero-inflated-poisson-0.15": lambda: independent(zero_inflated_poisson()),
}


@cache
def known(name: str) -> Known:
    """The distribution of that name in `KNOWN`, made once. Raises `InputError` for any other name."""
    if name not in KNOWN:
        raise InputError(f"known: no distribution is called {name!r}; choose one of {names(KNOWN)}")
    return KNOWN[name]()
