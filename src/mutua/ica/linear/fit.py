"""The default fit: a sample first, then all rows in float32, then the polish in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mutua.estimators.newton import Solution, maximise
from mutua.estimators.nonstationary import loudness, sharpened
from mutua.estimators.whitening import Whitening
from mutua.ica.linear.densities import Density
from mutua.ica.linear.density_selection import fit_scale, select, separate
from mutua.ica.linear.likelihood import centred, has_kernel, held, objective
from mutua.ica.linear.recording import Recording

__all__ = ["Fitted", "fit_modulated", "fit_newton", "random_rotation", "sampled"]

# How far a mean log-likelihood is known, relative, in float32 and in float64.
_SINGLE, _DOUBLE = 1e-7, 1e-14
# float32 gradients carry noise of about 1e-7: below this their steps are not worth a pass.
_SINGLE_TOL = 1e-7
# After a sample, a relative gradient below this is near enough to the maximum to keep the curvature.
_STALE = 0.1
# Rows of the sample before the last stage, where there are few components.
_SAMPLE = 8192


@dataclass(frozen=True)
class Fitted:
    """W in whitened coordinates, its densities, and how the fit went."""

    solution: Solution
    densities: list[Density]
    steps: int


def random_rotation(k: int, generator: np.random.RandomState) -> Float[np.ndarray, "k k"]:
    """A rotation or reflection, uniform (Haar)."""
    q, r = np.linalg.qr(generator.standard_normal((k, k)))
    return q * np.sign(np.diag(r))


def sampled(
    recording: Recording, white: Whitening, size: int, generator: np.random.RandomState
) -> Float[np.ndarray, "m k"]:
    """At most `size` different rows, whitened, in random order."""
    n = recording.samples
    order = generator.permutation(n) if n <= 4 * size else np.unique(generator.randint(n, size=size))
    index = np.sort(order[:size])
    z = (recording.rows(index) - white.mean) @ white.matrix.T
    return z[generator.permutation(len(z))]


def fit_newton(
    recording: Recording,
    white: Whitening,
    w: Float[np.ndarray, "k k"],
    densities: Sequence[Density] | None,
    *,
    tol: float,
    max_iter: int,
    memory_bytes: float,
    generator: np.random.RandomState,
) -> Fitted:
    """Maximise the likelihood from w; `densities` None chooses them.

    On a sample of some thousand rows the maximum is found to a tenth of that sample's own error; from there the
    whole recording needs few passes: in float32 while its rounding allows, then in float64 until `tol`.
    """
    n, k = recording.samples, len(w)
    kernel = densities is None or has_kernel(densities)
    steps, pairs, curvature = 0, None, None
    sizes = _sizes(n, k) or ([n] if densities is None else [])
    for size in sizes:
        z = sampled(recording, white, size, generator).astype(np.float32 if kernel else np.float64)
        rough = max(tol, 0.1 / np.sqrt(len(z)))
        last = size == sizes[-1]
        if densities is None:
            train, test = np.array_split(z, 2)
            found, _ = separate(train if last else z, w, tol=rough, max_steps=max_iter)
            w, steps = found.state.w, steps + found.steps
            if not last:
                continue
            densities, scales = select(train @ w.T, test @ w.T)
            w = w * scales[:, None]
        evaluate = objective(lambda z=z: iter((z,)), densities)  # type: ignore[misc]
        found = maximise(evaluate, evaluate(w), tol=rough, max_steps=max_iter - steps, rounding=_SINGLE)
        w, steps = found.state.w, steps + found.steps
    assert densities is not None
    stale = _STALE if sizes else 0.0
    if kernel:
        evaluate = objective(held(recording, white, memory_bytes), densities)
        found = maximise(
            evaluate,
            evaluate(w),
            tol=max(tol, _SINGLE_TOL),
            max_steps=max_iter - steps,
            rounding=_SINGLE,
            halvings=4,
            stale=stale,
        )
        w, steps, pairs, curvature = found.state.w, steps + found.steps, found.pairs, found.state.curvature
    evaluate = objective(lambda: centred(recording, white), densities, white.matrix)
    state = evaluate(w, curved=curvature is None)
    if curvature is not None:
        state = replace(state, curvature=curvature)
    found = maximise(
        evaluate,
        state,
        tol=tol,
        max_steps=max_iter - steps,
        rounding=_DOUBLE,
        stale=stale,
        pairs=pairs,
    )
    return Fitted(found, list(densities), steps + found.steps)


def _sizes(n: int, k: int) -> list[int]:
    """Samples to begin with: each a third of what follows, or less."""
    sizes = [max(_SAMPLE // 4, 16 * k), max(_SAMPLE, 64 * k)]
    return [size for size in sizes if 3 * size <= n]


def fit_modulated(
    recording: Recording, white: Whitening, fitted: Fitted, rows: int, tol: float, memory_bytes: float
) -> Fitted:
    """Go on from a fit to the likelihood of sources whose loudness changes every `rows` rows.

    That leaves each source's scale free, which is set to what its density has; the state is of the densities.
    """
    start = fitted.solution.state.w
    found = sharpened(loudness(recording.chunks(), recording.samples, white, rows, memory_bytes), start, tol=tol)
    w = found.state.w
    z = sampled(recording, white, 64 * _SAMPLE, np.random.RandomState(0))
    scales = [
        float(fit_scale((z @ row)[:, None], density)[0]) for row, density in zip(w, fitted.densities, strict=True)
    ]
    state = objective(lambda: centred(recording, white), fitted.densities, white.matrix)(
        np.array(scales)[:, None] * w
    )
    gradient = replace(state, gradient=found.state.gradient)
    return Fitted(replace(found, state=gradient), fitted.densities, fitted.steps + found.steps)
