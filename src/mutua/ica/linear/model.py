"""`LinearICA`: x = A s + mean with independent, non-Gaussian sources, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from mutua.estimators.base import Estimator
from mutua.estimators.rows import checked_rows
from mutua.estimators.validation import (
    Constraint,
    any_state,
    choice,
    flag,
    nonnegative,
    optional,
    whole,
)
from mutua.estimators.whitening import Whitening, check_orientation, unwhitened, whitening
from mutua.ica.linear import mne
from mutua.ica.linear.checks import densities_of, numbers_of, recording_of, warn_rounding, warn_unconverged
from mutua.ica.linear.densities import packed, unpacked
from mutua.ica.linear.fit import Fitted, fit_modulated, fit_newton, random_rotation
from mutua.ica.linear.online import Stream, advance, started
from mutua.ica.linear.ordering import Components, canonical
from mutua.ica.linear.recording import Recording
from mutua.ica.linear.rounding import rounded_directions
from mutua.ica.linear.stochastic import Change, covariant, fit_gradient, online
from mutua.ica.trust.report import report
from mutua.types import InputError, Result

__all__ = ["SOLVERS", "LinearICA"]

SOLVERS: dict[str, Change | None] = {"newton": None, "online": online, "covariant": covariant}
"""The stochastic step of each solver; the quasi-Newton solver sees all rows at once."""


@dataclass(eq=False, repr=False)
class LinearICA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Independent components by maximum likelihood: x = A s + mean, log p(x) = log|det W| + sum_i log p_i(w_i x).

    W = A^-1. Identified up to order, sign and scale if at most one source is Gaussian; these are fixed so: order
    by the variance that a component adds to the recording, most first; the largest entry of its column of A is
    positive; variance 1.

    Args:
        n_components: how many; None for as many as channels. With fewer, the recording is first reduced to its
            principal components, and likelihoods are of its projection on them.
        solver: "newton" (relative quasi-Newton: a sample, then all rows in float32, then float64; every step
            raises the likelihood), or MacKay's stochastic "online" and "covariant" algorithms.
        density: "auto" chooses for each component, by held-out likelihood, among 1/cosh, smooth biexponential,
            Student-t and sub-Gaussian (the stochastic solvers: 1/cosh or sub-Gaussian by stability); or a name in
            `mutua.ica.DENSITIES`, or an object with `log_prob`, `score` and `score_derivative`, whose derivatives
            are checked by finite differences; or a list of such, one a component of W's rows (each restart may
            give another component to each).
        whiten: False leaves the channels' correlations and relative scales to the solver. The maximum is the
            same; the steps of "online" are not.
        unit_variance: False leaves sources at the scale that their density has.
        reduce_rank: go on with fewer components where channels are constant, copies or combinations of others.
        modulation: rows of a block, in which a source's loudness is taken to be constant (20 ms of a voice); None
            for no blocks. The fit then goes on to the likelihood of sources whose loudness changes from block to
            block (`mutua.estimators.nonstationary`): for sound and for bursts it finds them far more exactly. Rows
            must be in order of time. Likelihoods stay those of the densities.
        tol: the largest entry of the relative gradient E[psi(y) y^T] - I at which "newton" stops.
        max_iter: steps of "newton", epochs of the others.
        learning_rate, batch_size: of the stochastic solvers; the rate falls as 1/t.
        memory_bytes: whitened rows are held, in float32, up to this size; beyond it they are made anew from X on
            every pass, which suits a memory-mapped X.
        random_state: of the start (a random rotation) and the samples. The default is the same every time.

    Attributes:
        components_: (k, d), W: sources are (X - mean_) @ components_.T. mixing_: (d, k). mean_: (d,).
        whitening_: (k, d), and unmixing_: (k, k), whose product is components_.
        densities_: log p_i of each source as `transform` gives it. explained_variance_: (k,).
        gaussian_margin_: (k,), the mean log-likelihood of each source over that of a Gaussian of its variance,
            in nats; near 0, or below, the source is not told from a Gaussian.
        n_iter_, converged_, gradient_ (largest relative gradient), log_likelihood_ (mean on the training data).

    X is an array (n, d) of any real dtype, a memory-mapped one, a DataFrame, or an MNE Raw, Epochs or Evoked.
    Of these a fit, its `report` and `score` see the data channels that are not marked bad, outside of what is
    annotated BAD; later recordings are held to the names of these, in any order, and other channels stay as they
    are.

    Raises `InputError`: NaN or infinity, dependent channels (which ones), fewer samples than channels, a density
    that is not one. Warns `ConvergenceWarning` where `tol` is not reached, and where components are no more than
    the rounding of the recording's numbers.

    Paper: MacKay 1996; Pham and Garat 1997; Ablin, Cardoso and Gramfort 2018.
    """

    n_components: Any = None
    _: KW_ONLY
    solver: Any = "newton"
    density: Any = "auto"
    whiten: Any = True
    unit_variance: Any = True
    reduce_rank: Any = False
    modulation: Any = None
    tol: Any = 1e-7
    max_iter: Any = 500
    learning_rate: Any = 0.05
    batch_size: Any = 64
    memory_bytes: Any = 1e9
    random_state: Any = 0

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "n_components": optional(whole(1)),
        "solver": choice(SOLVERS),
        "whiten": flag,
        "unit_variance": flag,
        "reduce_rank": flag,
        "modulation": optional(whole(1)),
        "tol": nonnegative,
        "max_iter": whole(1),
        "learning_rate": nonnegative,
        "batch_size": whole(1),
        "memory_bytes": nonnegative,
        "random_state": any_state,
    }
    _plain: ClassVar[tuple[str, ...]] = ("n_iter_", "converged_", "gradient_", "log_likelihood_", "_log_volume")
    _arrays: ClassVar[tuple[str, ...]] = (
        "components_",
        "mixing_",
        "mean_",
        "whitening_",
        "unmixing_",
        "explained_variance_",
        "gaussian_margin_",
    )

    def fit(self, X: Any, y: Any = None) -> LinearICA:
        """Find the sources of X, (n, d)."""
        with self._refit():
            fitted, white, covariance = self._fitted(recording_of(self, X, reset=True))
            w, log_prob = fitted.solution.state.w, fitted.solution.state.log_prob
            self._stream: Stream | None = None
            self._publish(
                canonical(w, white, covariance, fitted.densities, log_prob, unit_variance=self.unit_variance),
                white,
            )
        return self

    def partial_fit(self, X: Any, y: Any = None) -> LinearICA:
        """Go on with another batch of a stream, (n, d).

        The first batch is fitted whole; it needs more samples than channels, and fixes the whitening, densities
        and order. Each later one moves W by one stochastic quasi-Newton step, or by `solver`'s steps, and the mean
        by its share. After `fit` a new stream begins.
        """
        with self._refit():
            first = getattr(self, "_stream", None) is None
            recording = recording_of(self, X, reset=first, least=2 if first else 1)
            stream = self._stream if not first else None
            if stream is None:
                fitted, white, _ = self._fitted(recording)
                z = (np.asarray(recording.x, np.float64) - white.mean) @ white.matrix.T
                stream = started(fitted.solution.state.w, white, fitted.densities, z)
                self._order: np.ndarray | None = None
            else:
                for chunk in recording.chunks():
                    advance(
                        stream,
                        chunk,
                        SOLVERS[self.solver],
                        learning_rate=self.learning_rate,
                        batch_size=self.batch_size,
                    )
                self.n_iter_ += 1
            parts = canonical(
                stream.w,
                stream.white,
                stream.covariance,
                stream.densities,
                stream.log_prob,
                unit_variance=self.unit_variance,
                order=self._order,
            )
            self._stream, self._order = stream, parts.order
            self._publish(parts, stream.white)
            self.mean_ = stream.mean
        return self

    def _fitted(self, recording: Recording) -> tuple[Fitted, Whitening, Float[np.ndarray, "k k"]]:
        """W in whitened coordinates, the whitening, and the covariance of what it gives."""
        if self.n_components is not None and self.n_components > self.n_features_in_:
            raise InputError(
                f"n_components: {self.n_components} of {self.n_features_in_} channels; ask for no more than "
                "there are"
            )
        generator = check_random_state(self.random_state)
        if self.n_components is None and not self.reduce_rank:
            check_orientation(recording.samples, recording.channels)
        mean, covariance = recording.moments()
        white = whitening(
            mean,
            covariance,
            self.n_components,
            samples=recording.samples,
            reduce_rank=self.reduce_rank,
            names=list(getattr(self, "feature_names_in_", ())) or None,
        )
        k = len(white.matrix)
        if (rounding := rounded_directions(recording, covariance)) > recording.channels - k:
            warn_rounding(rounding, recording.channels, k)
        if not self.whiten:
            white = unwhitened(white, covariance)
        densities = densities_of(self.density, k)
        change = SOLVERS[self.solver]
        w = random_rotation(k, generator)
        if change is None:
            fitted = fit_newton(
                recording,
                white,
                w,
                densities,
                tol=self.tol,
                max_iter=self.max_iter,
                memory_bytes=self.memory_bytes,
                generator=generator,
            )
        else:
            fitted = fit_gradient(
                recording,
                white,
                w,
                densities,
                change,
                learning_rate=self.learning_rate,
                batch_size=self.batch_size,
                tol=self.tol,
                max_iter=self.max_iter,
                generator=generator,
            )
        if self.modulation is not None:
            fitted = fit_modulated(recording, white, fitted, self.modulation, self.tol, self.memory_bytes)
        self.converged_ = fitted.solution.converged
        self.gradient_ = fitted.solution.state.size
        self.n_iter_ = max(1, fitted.steps)
        if not self.converged_:
            warn_unconverged(self, fitted.steps)
        return fitted, white, white.matrix @ covariance @ white.matrix.T

    def _publish(self, parts: Components, white: Whitening) -> None:
        self.mean_ = white.mean
        self.whitening_ = white.matrix
        self.unmixing_ = parts.unmixing
        self.components_ = parts.components
        self.mixing_ = parts.mixing
        self.densities_ = parts.densities
        self.explained_variance_ = parts.explained_variance
        self.gaussian_margin_ = parts.gaussian_margin
        self._log_volume = parts.log_volume
        self.log_likelihood_ = parts.log_likelihood

    def transform_chunks(self, X: Any) -> Iterator[Float[np.ndarray, "b k"]]:
        """The sources of consecutive rows of X, chunk by chunk: for a recording larger than memory."""
        check_is_fitted(self)
        recording = recording_of(self, X, reset=False, whole=True)
        kind = np.float32 if recording.x.dtype == np.float32 else np.float64
        for chunk in recording.chunks():
            yield ((chunk - self.mean_) @ self.components_.T).astype(kind, copy=False)

    def transform(self, X: Any) -> Any:
        """Sources (n, k): float32 for float32, else float64; of an MNE Raw, Epochs or Evoked its Array."""
        sources = np.concatenate(list(self.transform_chunks(X)))
        return mne.sources_as(X, sources, list(self.get_feature_names_out())) if mne.is_mne(X) else sources

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "n d"]:
        """The recording that sources (n, k) make: mixing_ s + mean_."""
        check_is_fitted(self)
        sources = checked_rows(X, name="sources", least=1)
        if sources.shape[1] != len(self.components_):
            raise InputError(
                f"sources: {sources.shape[1]} columns, but the model has {len(self.components_)} components; "
                "give what transform returned"
            )
        return sources @ self.mixing_.T + self.mean_

    def remove(self, X: Any, components: Any) -> Any:
        """The recording (n, d) without some components: X - sum_i s_i a_i. What no component explains stays.

        An MNE Raw, Epochs or Evoked gives a copy of itself, its other channels as they were.

        Args:
            components: a number, several, or a mask of k booleans.

        Raises `InputError` where a component's number is not in 0 .. k - 1, and for what is no number of one.
        """
        check_is_fitted(self)
        out = numbers_of(components, len(self.components_))
        recording = recording_of(self, X, reset=False, whole=True)
        away = self.components_[out].T @ self.mixing_[:, out].T  # (d, d)
        left = np.concatenate([chunk - (chunk - self.mean_) @ away for chunk in recording.chunks()])
        return mne.rebuilt(X, left, recording.names or None) if mne.is_mne(X) else left

    def score_samples(self, X: Any) -> Float[np.ndarray, " n"]:
        """Log-likelihood of each sample in nats. With fewer components than channels: of its projection on their
        subspace, a density over k dimensions."""
        check_is_fitted(self)
        return self._log_probs(recording_of(self, X, reset=False, whole=True))

    def _log_probs(self, recording: Recording) -> Float[np.ndarray, " n"]:
        return np.concatenate([self._log_prob(chunk) for chunk in recording.chunks()])

    def _log_prob(self, chunk: Float[np.ndarray, "b d"]) -> Float[np.ndarray, " b"]:
        sources = (chunk - self.mean_) @ self.components_.T  # (b, k)
        parts = [density.log_prob(s) for density, s in zip(self.densities_, sources.T, strict=True)]
        return self._log_volume + np.sum(parts, 0)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-likelihood in nats a sample."""
        check_is_fitted(self)
        return float(self._log_probs(recording_of(self, X, reset=False)).mean())

    def _pack(self) -> tuple[dict[str, Any], dict[str, Any]]:
        # Raises, for a density of the user's own, that only plain values can be kept.
        return {"densities": packed(self.densities_)}, {}

    def _unpack(self, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.densities_ = list(unpacked(settings["densities"]))
        self._stream = None
        k, d = self.components_.shape
        if self.mixing_.shape != (d, k) or len(self.mean_) != d or len(self.densities_) != k:
            raise ValueError(f"the parts are not of {k} components in {d} channels")

    @classmethod
    def _plain_of(cls, parameter: Any) -> Any:
        return super()._plain_of(packed(parameter))

    @classmethod
    def _parameters_of(cls, kept: dict[str, Any]) -> dict[str, Any]:
        return super()._parameters_of({**kept, "density": unpacked(kept["density"])})

    def report(self, X: Any) -> Result:
        """Which components are identified, which are not, and why: see `mutua.ica.report`."""
        return report(self, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)
