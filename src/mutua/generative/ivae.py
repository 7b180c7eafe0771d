"""`IVAE`: a variational autoencoder that an auxiliary variable makes identifiable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mutua.estimators.auxiliary import Auxiliary, again, auxiliary, check_segments
from mutua.estimators.rows import rows_of
from mutua.estimators.validation import (
    Constraint,
    choice,
    flag,
    generator_of,
    nonnegative,
    optional,
    several,
    whole,
)
from mutua.evaluation.sources.evidence import Comparison, beats_linear, evidence, warn_unless_better
from mutua.evaluation.sources.variability import Variability, binned, variability_of_scales
from mutua.generative.linear import Modulated, modulated, quantiles
from mutua.generative.networks import PriorOfClass, PriorOfVector
from mutua.generative.vae_base import OF_TRIALS, Autoencoding
from mutua.objectives.elbo import DENSITIES
from mutua.types import InputError, Result

__all__ = ["IVAE"]

_BINS = 32
"""Segments that a vector u is cut into where its modulation is judged, and for the linear model."""
_LEAST_ROWS = 4
"""Of each segment, where its modulation is judged."""
_LEAST_COMPARED = 20


@dataclass(eq=False, repr=False)
class IVAE(Autoencoding):
    """Nonlinear ICA by a VAE whose prior depends on u: x = f(s) + noise, s_i ~ p_i(s_i | u) independent given u.

        ELBO = E_q[log N(x; f(s), noise^2 I)] + E_q[sum_i log p_i(s_i | u)] + H[q(s | x, u)]

    u is a segment or label (integers, strings, booleans: scales are free parameters of each), or a vector (floats:
    scales are a perceptron of it). None cuts the rows into equal segments, with a warning.

    **Encoding without u.** q(s | x, u) is the product of a message g(s | x) from the encoder, which never sees u,
    and the prior p(s | u). So one encoder serves both cases: `transform(X, u)` is the mean of the product, and
    `transform(X)` that of g, the s that x alone makes most likely. A second encoder q(s | x) trained beside would
    be another network to learn what g is already; the mixture over u weighted by p(u | x) has no answer for
    segments never seen, and shrinks towards the priors of those that were. Where the noise is small all agree.

    Args:
        family: "gaussian" or "laplace", of p(s | u).
        means: whether locations depend on u, besides scales.
        weights: (a, b, c, d) of the decomposed bound (`mutua.objectives.elbo.decomposition`) to train on instead
            of the ELBO; published (100, 1, 0, 10). Starts are ranked by the ELBO all the same.
        segments: how many equal segments where u is not given; None where it is.
        n_components, hidden_layer_sizes, activation, whiten, noise, max_iter, batch_size, learning_rate, n_init,
            trial_iter, validation_fraction, device, random_state: as in `Autoencoding`; the prior of a vector u is
            a network of as many hidden layers, one at least.

    Attributes: those of `VAE`, and auxiliary_, how u was read; linear_, the linear model that `report` compares
    with, fitted on the same rows: its sources have a scale (and location, with means) for each segment.

    `fit` raises `InputError`: u of another length, one segment only, segments no longer than the channels, NaN,
    constant channels, arguments out of range; `Diverged` (an `InputError`) names the step where training is no
    longer finite. `transform` and `score` raise it for a u that was not in the fit.

    >>> rng = np.random.default_rng(0)
    >>> u = np.repeat(np.arange(8), 50)
    >>> s = rng.normal(size=(400, 2)) * rng.uniform(0.5, 3, (8, 2))[u]
    >>> X = np.tanh(s @ [[1.0, 0.4], [-0.3, 1.0]]) + 0.1 * s
    >>> model = IVAE(hidden_layer_sizes=(8,), max_iter=20, batch_size=100, device="cpu", random_state=0).fit(X, u)
    >>> model.transform(X).shape, model.transform(X, u).shape, model.sample(3, u[:3]).shape
    ((400, 2), (400, 2), (3, 2))

    Paper: Khemakhem, Kingma, Monti and Hyvarinen, Variational autoencoders and nonlinear ICA (2020),
    arXiv:1907.04809.
    """

    _: KW_ONLY
    family: Any = "gaussian"
    means: Any = False
    weights: Any = None
    segments: Any = None
    whiten: Any = True
    max_iter: Any = 8000
    learning_rate: Any = 0.02

    indeterminacy: ClassVar[str] = (
        "The statistics of the prior are known up to a linear map. With a Gaussian prior whose variances alone "
        "are modulated they are the squares s_i^2, up to order, scale and shift; with means modulated too, each "
        "source up to order and an affine map."
    )
    _constraints: ClassVar[Mapping[str, Constraint]] = {
        **Autoencoding._constraints,
        "family": choice(DENSITIES),
        "means": flag,
        "segments": optional(whole(2)),
        "weights": optional(
            Constraint(
                lambda value: several(nonnegative).holds(value) and len(value) == 4,
                "four numbers (a, b, c, d) of at least 0",
            )
        ),
    }

    def _prior(self, k: int, u: Auxiliary | None) -> nn.Module:
        assert u is not None
        if u.discrete:
            return PriorOfClass(u.count, k, bool(self.means))
        return PriorOfVector(u.width, k, bool(self.means), self.hidden_layer_sizes or (64,), self.activation)

    def _objective(self, rows: int) -> dict[str, Any]:
        weights = None if self.weights is None else tuple(map(float, self.weights))
        return {"family": self.family, "weights": weights, "rows": rows}

    def fit(self, X: Any, u: Any = None) -> IVAE:
        """Fit X (n, d) with u (n,) or (n, du)."""
        with self._refit():
            rows = rows_of(self, X, reset=True)
            if u is not None and self.segments is not None:
                raise InputError(f"segments: {self.segments!r}, and u is given; leave one out")
            read = auxiliary(u, len(rows), segments=self.segments)
            if read.index is not None:
                check_segments(read.index, rows.shape[1])
            self._find(rows, read)
        return self

    def _linear(self, z: Float[np.ndarray, "n d"], u: Auxiliary | None) -> Modulated | None:
        assert u is not None
        bins = None if u.vector is None else quantiles(u.vector, _bins(len(z)))
        return modulated(z, u, means=bool(self.means), bins=bins)

    def _again(self, u: Any, n: int) -> torch.Tensor:
        assert self.auxiliary_ is not None
        return self._coded(again(u, n, self.auxiliary_), n)

    def transform(self, X: Any, u: Any = None) -> Float[np.ndarray, "n k"]:
        """The sources of each row of X (n, d): the mean of q(s | x, u), or of g(s | x) where u is not given."""
        x = self._rows(X)
        return self._encoded(x, None if u is None else self._again(u, len(x)))

    def score_samples(self, X: Any, u: Any = None, *, samples: int = 1) -> Float[np.ndarray, " n"]:
        """A bound on log p(x | u) of each row, in nats: the ELBO's estimate for 1 sample, nearer with more."""
        x = self._rows(X)
        return self._bound(x, self._again(u, len(x)), samples)

    def score(self, X: Any, u: Any = None, *, samples: int = 1) -> float:
        """Mean of `score_samples`."""
        return float(self.score_samples(X, u, samples=samples).mean())

    def sample(self, n_samples: Any = 1, u: Any = None, random_state: Any = None) -> Float[np.ndarray, "n d"]:
        """Rows x ~ p(x | u), noise included; where u is not given, classes are drawn as often as in the fit.

        Raises `InputError` where u was a vector and none is given, or is not n_samples long.
        """
        check_is_fitted(self, "method_")
        whole(1).check("n_samples", n_samples)
        random = generator_of(self.random_state if random_state is None else random_state)
        read = self.auxiliary_
        assert read is not None
        if u is not None:
            return self._drawn(self._again(u, n_samples), random)
        if read.index is None:
            raise InputError("u: a vector in the fit; give one for each row to sample")
        return self._drawn(torch.as_tensor(random.choice(read.index, n_samples)), random)

    def report(self, X: Any = None, u: Any = None) -> Result:
        """Evidence that the sources are the real ones, without the truth.

        Agreement of the restarts' trials (where several were tried) always; with rows that were not trained on,
        also whether u modulates the sources enough, and whether the model beats there the linear one that was
        fitted with it (a UserWarning where it doesn't). What isn't checked is said, and what is left open.

        What u is for isn't told by it: fit a `VAE`, or a `FlowICA` with use_u=False, as the control. A nonlinear
        model like the mixture finds much without u.
        """
        check_is_fitted(self, "method_")
        checked: Variability | None = None
        compared: Comparison | None = None
        words = [] if self.agreement_ is None else [OF_TRIALS]
        if X is not None:
            rows = rows_of(self, X, reset=False)
            x = self._seen(rows)
            assert self.auxiliary_ is not None
            coded = again(u, len(rows), self.auxiliary_)
            if (lacking := _lacking(coded)) is None:
                checked = _variability(self._encoded(x), coded)
            else:
                words.append(f"Modulation was not checked: {lacking}.")
            compared = self._compared(x, rows, coded)
            if compared is None:
                words.append(
                    f"The linear model was not compared with: that takes {_LEAST_COMPARED} rows, and channels of "
                    "full rank."
                )
            else:
                warn_unless_better(compared)
        return evidence(
            "IVAE",
            self.indeterminacy,
            sources=self.method_.k,
            variability=checked,
            restarts=self.agreement_,
            comparison=compared,
            words=words,
        )

    def _compared(self, x: torch.Tensor, rows: Float[np.ndarray, "n d"], u: Auxiliary) -> Comparison | None:
        """The importance bound of rows beside the likelihood of the linear model."""
        if self.linear_ is None or len(rows) < _LEAST_COMPARED:
            return None
        ours = self._bound(x, self._coded(u, len(rows)), 10)
        return beats_linear(ours, self.linear_.log_prob(self.affine_(rows), u) + self.affine_.log_det)


def _bins(n: int) -> int:
    """How many segments a vector u of n rows is cut into."""
    return max(2, min(_BINS, n // 50))


def _lacking(u: Auxiliary) -> str | None:
    """Which segment of the rows is too short to judge modulation by."""
    if u.index is None:
        assert u.vector is not None
        short = len(u.vector) < 2 * _LEAST_ROWS
        return f"{len(u.vector)} rows are too few; give at least {2 * _LEAST_ROWS}" if short else None
    assert u.classes is not None
    counts = np.bincount(u.index, minlength=u.count)
    least = int(counts.argmin())
    if counts[least] >= _LEAST_ROWS:
        return None
    return (
        f"there are {int(counts[least])} rows of segment {u.classes[least]!s}; give at least {_LEAST_ROWS} of each"
    )


def _variability(sources: Float[np.ndarray, "n k"], u: Auxiliary) -> Variability:
    if u.index is not None:
        return variability_of_scales(sources, u.index)
    assert u.vector is not None
    return variability_of_scales(sources, binned(u.vector, _bins(len(u.vector))))
