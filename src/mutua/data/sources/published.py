"""The nonlinear mixtures of the papers, after their own code, from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mutua.data.sources.base import Mixture, check_sizes, made
from mutua.data.sources.mixing import (
    Coupling,
    LeakyReLU,
    Linear,
    Mixing,
    Residual,
    TanhLinear,
    conditioned,
    orthogonal,
)
from mutua.data.sources.systems import autoregressive, gaussian, laplace, smooth
from mutua.data.sources.systems import segments as by_segment
from mutua.types import InputError

__all__ = [
    "coupling_mixing",
    "flow_mixture",
    "gcl_past_mixture",
    "gcl_segment_mixture",
    "gcl_time_mixture",
    "icebeem_mixing",
    "icebeem_mixture",
    "ivae_mixing",
    "ivae_mixture",
    "near_identity_mixing",
    "near_identity_mixture",
    "pcl_mixture",
    "tcl_mixing",
    "tcl_mixture",
]

Draw = Callable[[np.random.Generator], Mixing]


def tcl_mixing(d: int, layers: int, slope: float = 0.2) -> Draw:
    """`layers` conditioned matrices, x = A_L lrelu(... lrelu(A_1 s)): leaky ReLU between them, none at the end."""
    check_sizes(d=d, layers=layers)
    bend = LeakyReLU(slope)

    def draw(rng: np.random.Generator) -> Mixing:
        parts: list[Linear | LeakyReLU] = [Linear(conditioned(d, rng))]
        for _ in range(layers - 1):
            parts += [bend, Linear(conditioned(d, rng))]
        return Mixing(parts)

    return draw


def ivae_mixing(d: int, layers: int, *, shared_matrix: bool = False) -> Draw:
    """`layers` conditioned matrices with tanh(x) + 0.1 x between them, none at the end.

    The iVAE code multiplies rows from the left, x A, columns of A at norm 1: so here rows of A^T, the matrix of
    the layer, have norm 1. shared_matrix: as that code does, one matrix in every layer; else each has its own.
    """
    check_sizes(d=d, layers=layers)

    def draw(rng: np.random.Generator) -> Mixing:
        matrices = [conditioned(d, rng).T for _ in range(layers)]
        if shared_matrix:
            matrices = matrices[:1] * layers
        parts: list[Linear | TanhLinear] = [Linear(matrices[0])]
        for matrix in matrices[1:]:
            parts += [TanhLinear(), Linear(matrix)]
        return Mixing(parts)

    return draw


def icebeem_mixing(d: int, layers: int, slope: float = 0.2) -> Draw:
    """layers - 1 times a leaky ReLU and then an orthogonal matrix, the first applied to the sources themselves.

    So two layers are a monotone map of each source and a rotation: linear ICA can do well there.
    """
    check_sizes(d=d)
    if layers < 2:
        raise InputError(
            f"layers: {layers}; this generator counts from 2, which is one nonlinearity and one matrix"
        )
    bend = LeakyReLU(slope)

    def draw(rng: np.random.Generator) -> Mixing:
        parts: list[Linear | LeakyReLU] = []
        for _ in range(layers - 1):
            parts += [bend, Linear(orthogonal(d, rng))]
        return Mixing(parts)

    return draw


def near_identity_mixing(d: int, layers: int, strength: float = 0.5) -> Draw:
    """`layers` maps x + B tanh(A x) with ||B|| ||A|| = strength < 1, after each a rotation."""
    check_sizes(d=d, layers=layers)
    if not 0 < strength < 1:
        raise InputError(f"strength: {strength}; give a number between 0 and 1, or the map can fold")

    def draw(rng: np.random.Generator) -> Mixing:
        parts: list[Residual | Linear] = []
        for _ in range(layers):
            inner, outer = rng.standard_normal((2 * d, d)), rng.standard_normal((d, 2 * d))
            inner *= 2 / np.linalg.norm(inner, 2)  # tanh bends where its argument is about 1
            outer *= strength / 2 / np.linalg.norm(outer, 2)
            parts += [Residual(inner, outer), Linear(orthogonal(d, rng))]
        return Mixing(parts)

    return draw


def coupling_mixing(d: int, layers: int) -> Draw:
    """An invertible flow: `layers` times an affine coupling and a rotation."""
    check_sizes(layers=layers)
    if d < 2:
        raise InputError(f"d: {d}; a coupling needs at least two sources")

    def draw(rng: np.random.Generator) -> Mixing:
        parts: list[Coupling | Linear] = []
        cut = d // 2
        for _ in range(layers):
            scale, shift = rng.standard_normal((2, d - cut, cut)) / np.sqrt(cut)
            parts += [Coupling(0.5 * scale, shift), Linear(orthogonal(d, rng))]
        return Mixing(parts)

    return draw


def tcl_mixture(
    seed: int, *, d: int = 20, segments: int = 256, per_segment: int = 512, layers: int = 2
) -> Mixture:
    """Laplace sources of deviation U(0, 1) for each segment and source, under `tcl_mixing`.

    Paper: Hyvarinen and Morioka, Unsupervised feature extraction by time-contrastive learning (2016).
    """
    check_sizes(segments=segments, per_segment=per_segment)
    return made(seed, tcl_mixing(d, layers), by_segment(laplace, d, segments, per_segment, 0.0, 1.0))


def ivae_mixture(
    seed: int,
    *,
    segments: int = 40,
    per_segment: int = 1000,
    d: int = 5,
    layers: int = 3,
    shared_matrix: bool = False,
) -> Mixture:
    """Gaussian sources of deviation U(0.5, 3) for each segment and source, under `ivae_mixing`.

    Paper: Khemakhem, Kingma, Monti and Hyvarinen, Variational autoencoders and nonlinear ICA (2020).
    """
    check_sizes(segments=segments, per_segment=per_segment)
    mixing = ivae_mixing(d, layers, shared_matrix=shared_matrix)
    return made(seed, mixing, by_segment(gaussian, d, segments, per_segment, 0.5, 3.0))


def icebeem_mixture(
    seed: int, *, d: int = 5, segments: int = 20, per_segment: int = 1000, layers: int = 2
) -> Mixture:
    """Gaussian sources of deviation U(0.01, 3) for each segment and source, under `icebeem_mixing`.

    The code also scales the noise of each source to a sample variance of exactly 1, which is left out.

    Paper: Khemakhem, Monti, Kingma and Hyvarinen, ICE-BeeM (2020).
    """
    check_sizes(segments=segments, per_segment=per_segment)
    return made(seed, icebeem_mixing(d, layers), by_segment(gaussian, d, segments, per_segment, 0.01, 3.0))


def pcl_mixture(seed: int, *, d: int = 20, n: int = 2**18, layers: int = 3, rho: float = 0.7) -> Mixture:
    """AR(1) sources with Laplace innovations, of variance 1, under `tcl_mixing`; u = time in [0, 1).

    Paper: Hyvarinen and Morioka, Nonlinear ICA of temporally dependent stationary sources (2017).
    """
    check_sizes(n=n)
    return made(seed, tcl_mixing(d, layers), autoregressive(laplace, d, n, rho))


def gcl_segment_mixture(
    seed: int, *, d: int = 5, segments: int = 64, per_segment: int = 512, layers: int = 2
) -> Mixture:
    """u = segment: Laplace sources of deviation U(0, 1) for each segment and source, under `tcl_mixing`.

    Paper: Hyvarinen, Sasaki and Turner, Nonlinear ICA using auxiliary variables (2019).
    """
    return tcl_mixture(seed, d=d, segments=segments, per_segment=per_segment, layers=layers)


def gcl_time_mixture(seed: int, *, d: int = 5, n: int = 2**15, layers: int = 2) -> Mixture:
    """u = time in [0, 1): Laplace sources whose log-deviations follow smooth courses, under `tcl_mixing`."""
    check_sizes(n=n)
    return made(seed, tcl_mixing(d, layers), smooth(laplace, d, n))


def gcl_past_mixture(seed: int, *, d: int = 5, n: int = 2**15, layers: int = 2, rho: float = 0.7) -> Mixture:
    """u = past, x of the step before (n - 1, d): AR(1) sources with Laplace innovations, under `tcl_mixing`."""
    check_sizes(n=n - 1)
    return made(seed, tcl_mixing(d, layers), autoregressive(laplace, d, n, rho), past=True)


def near_identity_mixture(
    seed: int, *, d: int = 5, segments: int = 40, per_segment: int = 1000, layers: int = 2, strength: float = 0.5
) -> Mixture:
    """The sources of `ivae_mixture` under `near_identity_mixing`: the mildest of nonlinearities."""
    check_sizes(segments=segments, per_segment=per_segment)
    mixing = near_identity_mixing(d, layers, strength)
    return made(seed, mixing, by_segment(gaussian, d, segments, per_segment, 0.5, 3.0))


def flow_mixture(
    seed: int, *, d: int = 5, segments: int = 40, per_segment: int = 1000, layers: int = 4
) -> Mixture:
    """The sources of `ivae_mixture` under `coupling_mixing`: no layer is elementwise."""
    check_sizes(segments=segments, per_segment=per_segment)
    return made(seed, coupling_mixing(d, layers), by_segment(gaussian, d, segments, per_segment, 0.5, 3.0))
