"""MacKay's two algorithms by stochastic steps: the plain gradient, and the covariant one.

With y = W x and z = phi(y), the gradient of the log-likelihood of one sample is [W^T]^-1 + z x^T. It is not
covariant: its steps depend on the units of x. Multiplied by W^T W on the right it is W + z x'^T, with x' = W^T y:
no inverse, and the same path whatever the mixing was.

Paper: MacKay, Maximum likelihood and covariant algorithms for independent component analysis (1996); Information
Theory, Inference, and Learning Algorithms (2003), chapter 34.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mutua.estimators.newton import Solution
from mutua.estimators.whitening import Whitening
from mutua.ica.linear.densities import Density
from mutua.ica.linear.density_selection import by_stability
from mutua.ica.linear.fit import Fitted, sampled
from mutua.ica.linear.likelihood import centred, objective
from mutua.ica.linear.recording import Recording

__all__ = ["Change", "covariant", "fit_gradient", "online", "pass_over"]

Square = Float[np.ndarray, "k k"]
Change = Callable[[Square, Float[np.ndarray, "b k"], Sequence[Density]], Square]

# A relative change of W past this in one step is cut: one outlier must not throw W away.
_LONGEST = 0.3
# During this many epochs "auto" asks again which components are sub-Gaussian.
_ASKING = 20


def _phi(y: Float[np.ndarray, "b k"], densities: Sequence[Density]) -> Float[np.ndarray, "b k"]:
    return np.stack([density.score(column) for density, column in zip(densities, y.T, strict=True)], 1)


def online(w: Square, x: Float[np.ndarray, "b k"], densities: Sequence[Density]) -> Square:
    """[W^T]^-1 + z x^T, averaged over the rows of x."""
    return np.linalg.inv(w).T + _phi(x @ w.T, densities).T @ x / len(x)


def covariant(w: Square, x: Float[np.ndarray, "b k"], densities: Sequence[Density]) -> Square:
    """W + z x'^T with x' = W^T y, averaged over the rows of x."""
    y = x @ w.T  # (b, k)
    return w + _phi(y, densities).T @ (y @ w) / len(x)


def pass_over(
    w: Square,
    x: Float[np.ndarray, "n k"],
    densities: Sequence[Density],
    change: Change,
    rate: Callable[[int], float],
    *,
    batch_size: int,
    taken: int,
) -> tuple[Square, int]:
    """W <- W + rate(t) change for each batch of x in turn; t counts on from `taken`. Returns W and t."""
    for start in range(0, len(x), batch_size):
        step = rate(taken) * change(w, x[start : start + batch_size], densities)
        longest = float(np.abs(step).max() / np.abs(w).max())
        w = w + step * min(1.0, _LONGEST / max(longest, 1e-300))
        taken += 1
    return w, taken


def fit_gradient(
    recording: Recording,
    white: Whitening,
    w: Square,
    densities: Sequence[Density] | None,
    change: Change,
    *,
    learning_rate: float,
    batch_size: int,
    tol: float,
    max_iter: int,
    generator: np.random.RandomState,
) -> Fitted:
    """At most `max_iter` epochs of batches, the rate falling as 1/t after the first five (or 500 steps).

    Rows are shuffled within the chunks that the recording is read by. Stops where the relative gradient over all
    rows, root mean square of its entries, is at most tol or 0.5/sqrt(n): half of what it would be at the true
    mixing for want of samples. Steps on batches hover there; the default solver reaches `tol`.

    Where `densities` is None each component's is 1/cosh or sub-Gaussian, as its stability asks in early epochs.
    """
    n = recording.samples
    enough = max(tol, 0.5 / np.sqrt(n))
    settle = max(5 * n // batch_size, 500)
    asking = densities is None
    sample = sampled(recording, white, 8192, generator) if asking else None
    found: Solution | None = None
    taken = epoch = 0
    for epoch in range(1, max_iter + 1):
        changed = False
        if sample is not None and epoch <= _ASKING:
            asked = by_stability(sample @ w.T)
            changed, densities = asked != densities, asked
        assert densities is not None
        before = w
        for chunk in centred(recording, white):
            z = chunk @ white.matrix.T
            w, taken = pass_over(
                w,
                z[generator.permutation(len(z))],
                densities,
                change,
                lambda t: learning_rate / (1 + t / settle),
                batch_size=batch_size,
                taken=taken,
            )
        evaluate = objective(lambda: centred(recording, white), densities, white.matrix)
        if not np.isfinite(w).all():
            return Fitted(Solution(evaluate(before)), list(densities), epoch)
        state = evaluate(w, curved=False)
        found = Solution(state, bool(np.sqrt(np.mean(state.gradient**2)) <= enough))
        if found.converged and not changed:
            break
    assert found is not None
    assert densities is not None
    return Fitted(replace(found, steps=epoch), list(densities), epoch)
