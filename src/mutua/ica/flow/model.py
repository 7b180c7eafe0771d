"""`FlowICA`: nonlinear ICA by exact maximum likelihood of an invertible network."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mutua.data.auxiliary import Auxiliary, again, auxiliary, check_segments, check_u, checked_rows
from mutua.evaluation.sources.evidence import Comparison, agreement, beats_linear, evidence, warn_unless_better
from mutua.evaluation.sources.variability import binned, variability_of_scales
from mutua.ica.contrastive.pairs import apart, device_of
from mutua.ica.flow.base import Make
from mutua.ica.flow.checks import checked_settings, checked_size
from mutua.ica.flow.keeping import kept, recalled
from mutua.ica.flow.layers import Layered
from mutua.ica.flow.makes import MAKES
from mutua.ica.flow.past import Past
from mutua.ica.flow.prior import Prior, Segments
from mutua.ica.flow.smooth import Smooth
from mutua.ica.flow.training import Fit, Plan, best_of, diverged, sources_of
from mutua.ica.linear.checks import rows_of
from mutua.ica.linear.whitening import whitening
from mutua.types import InputError, Result

__all__ = ["FlowICA"]


class FlowICA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Sources s = g(x) that are independent given u, by exact maximum likelihood:

        log p(x | u) = sum_i log p_i(g_i(x) | u) + log|det dg/dx|

    g is invertible, so that this is the likelihood and not a bound. X is whitened first; with fewer components
    than channels, likelihoods are of its projection on the first principal components. Identified up to order,
    sign, scale and shift, if u modulates the sources richly enough: sources are given at variance 1, the most
    non-Gaussian first.

    Args:
        n_components: how many; None for as many as independent channels.
        prior: "laplace" or "gaussian", the sources' density given u: of mean zero, with a scale for each segment
            where u is discrete, a scale that is a smooth function of u where it is a vector.
        past: the density is instead that of an innovation s_t - r s_{t-1}; rows in order of time, no u.
        use_u: False fits one scale for all rows: the control. A flow of layers like the mixture's finds much even
            so; what it finds more with u is u's.
        make: "layers" (square linear layers and smooth monotone maps) or "coupling" (affine couplings, nothing
            elementwise).
        layers: monotone maps between linear layers, or couplings; None for 5 and 8. More than the mixture has do
            no harm; 0 with "layers" is linear ICA with this prior.
        knees: bends of each monotone map.
        max_iter: steps of a full run; short runs take an eighth.
        batch_size: rows a step.
        learning_rate: the largest, of a rise and a fall as a cosine.
        restarts: short runs from random starts, ranked by training likelihood.
        finalists: so many of the likeliest are trained to the end. The likeliest on rows held out is kept, and
            their agreement reported.
        validation: share of the rows held out for that, and for the comparison with a linear model of the same
            prior; 0 for none.
        device: "auto", "cpu" or "cuda". "layers" has a compiled kernel on CPU.
        random_state: of starts and batches.

    Attributes:
        n_components_, n_iter_ (steps of all runs together).
        log_likelihoods_: mean training log-likelihood of each short run, `finals_`: held out, of each finalist.
        scale_: (k,), the deviation of g's own outputs, by which sources are divided.

    Raises `InputError`: NaN, constant channels, u of another length or with one class, segments no longer than
    the channels are many; `Diverged`, naming the step, where the gradient is no longer finite.

    Paper: Li, Hooi and Lee, Identifying through flows for recovering latent representations (2020); Hyvarinen,
    Sasaki and Turner, Nonlinear ICA using auxiliary variables and generalized contrastive learning (2019).
    """

    # Any: scikit-learn sets anything, and wants it judged in fit; see `checked_settings`.
    def __init__(
        self,
        n_components: Any = None,
        *,
        prior: Any = "laplace",
        past: Any = False,
        use_u: Any = True,
        make: Any = "layers",
        layers: Any = None,
        knees: Any = 4,
        max_iter: Any = 8000,
        batch_size: Any = 2048,
        learning_rate: Any = 0.01,
        restarts: Any = 4,
        finalists: Any = 2,
        validation: Any = 0.1,
        device: Any = "auto",
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.prior = prior
        self.past = past
        self.use_u = use_u
        self.make = make
        self.layers = layers
        self.knees = knees
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.restarts = restarts
        self.finalists = finalists
        self.validation = validation
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, u: Any = None) -> FlowICA:
        """Find the sources of X (n, d) with the help of u, which has a value for each row."""
        work = copy.copy(self)  # so that a fit that fails leaves this one as it was
        work._find(X, u)
        self.__dict__ = work.__dict__
        if self.comparison_ is not None and self.use_u:
            warn_unless_better(self.comparison_)
        return self

    def _find(self, X: Any, u: Any) -> None:
        x = rows_of(self, X, reset=True)
        checked_settings(self)
        self._settings: dict[str, Any] = self.get_params(deep=False)
        device = device_of(self.device)
        self._white = whitening(
            x.mean(0), np.cov(x.T).reshape(x.shape[1], -1), self.n_components, samples=len(x), reduce_rank=True
        )
        k = len(self._white.matrix)
        if self.n_components is not None and k < self.n_components:
            raise InputError(f"n_components: {self.n_components} of {k} independent channels; ask for no more")
        coded = self._coded(u, len(x))
        index = None if coded is None else coded.index
        if index is not None:
            check_segments(index, k)
        train, test = apart(index, len(x), self.validation)
        if min(len(train), len(test) if self.validation else len(train)) < 2:
            raise InputError(f"X: {len(x)} rows leave too few to judge by; give more, or validation=0")
        z = self._whitened(x)
        prior = partial(self._prior, k, _taken(coded, train), len(train))
        plan = Plan(self.max_iter, max(1, self.max_iter // 8), self.batch_size, self.learning_rate)
        self._make: Make = MAKES[self.make](k, self.layers, self.knees, device)
        fits = best_of(
            self._make, z[train].astype(np.float32), prior, plan, self.restarts, self.finalists, self.random_state
        )
        held = _taken(coded, test)
        scores = [self._log_probs(fit, z[test], held).mean() for fit in fits.finalists] if len(test) else [0.0]
        if not np.isfinite(scores).any():
            raise diverged(fits.steps, "log-likelihood of rows held out")
        self.finals_ = np.array(scores)
        self._fit: Fit = fits.finalists[int(np.argmax(np.where(np.isfinite(scores), scores, -np.inf)))]
        self.log_likelihoods_ = np.array(fits.starts)
        self.n_components_, self.n_iter_ = k, fits.steps
        sources, _ = sources_of(self._make, self._fit.theta, z[train])
        self.scale_ = sources.std(1)
        heavy = np.mean((sources - sources.mean(1, keepdims=True)) ** 4, 1) / self.scale_**4
        self._order = np.argsort(-np.abs(heavy - 3), kind="stable")
        self._classes = None if coded is None else coded
        self._conclude(fits.finalists, z, train, test, coded)

    def transform(self, X: Any) -> Float[np.ndarray, "n k"]:
        """Sources (n, k); no u is needed. Raises `InputError` where rows are too large for finite ones."""
        check_is_fitted(self)
        sources, _ = sources_of(self._make, self._fit.theta, self._whitened(rows_of(self, X, reset=False)))
        return _finite((sources.T / self.scale_)[:, self._order])

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "n d"]:
        """The rows (n, d) that sources (n, k) make."""
        check_is_fitted(self)
        s = checked_rows(X, name="sources", least=1)
        if s.shape[1] != self.n_components_:
            raise InputError(
                f"sources: {s.shape[1]} columns for {self.n_components_} components; give all of them"
            )
        own = np.empty_like(s)
        own[:, self._order] = s
        z = self._make.inverse(self._fit.theta, own * self.scale_)
        return _finite(z @ self._white.inverse.T + self._white.mean, "sources")

    def score_samples(self, X: Any, u: Any = None) -> Float[np.ndarray, " n"]:
        """log p(x | u) of each row in nats. Without u log p(x), the mixture over the segments, where there are."""
        check_is_fitted(self)
        x = rows_of(self, X, reset=False)
        coded = self._known(u, len(x))
        volume = float(np.linalg.slogdet(self._white.matrix @ self._white.matrix.T)[1] / 2)
        return _finite(self._log_probs(self._fit, self._whitened(x), coded) + volume)

    def score(self, X: Any, u: Any = None) -> float:
        """Mean log-likelihood in nats a row."""
        return float(self.score_samples(X, u).mean())

    def sample(self, n: Any = 1, u: Any = None, *, random_state: Any = 0) -> Float[np.ndarray, "n d"]:
        """Rows drawn from p(x | u), one for each of n values of u; without u from segments by their shares."""
        check_is_fitted(self)
        checked_size("n", n, 1)
        checked_size("random_state", random_state, 0)
        drawn = self._fit.prior.sample(n, self._known(u, n), np.random.default_rng(random_state))
        return self._make.inverse(self._fit.theta, drawn) @ self._white.inverse.T + self._white.mean

    def report(self) -> Result:
        """What was checked when it was fitted, and what the theory leaves open.

        Whether u is what found the sources it doesn't say: fit again with use_u=False, the control. A flow of
        layers like the mixture's finds much without u.
        """
        check_is_fitted(self)
        return self._report

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator as safetensors."""
        check_is_fitted(self)
        kept(self, path)

    @classmethod
    def load(cls, path: str | Path) -> FlowICA:
        """A fitted estimator that `save` wrote. Raises `InputError` naming the file where it is none."""
        return recalled(cls, path)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _whitened(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        return np.ascontiguousarray((x - self._white.mean) @ self._white.matrix.T)

    def _coded(self, u: Any, n: int) -> Auxiliary | None:
        """u as the prior sees it: none where it is ignored or the past stands for it."""
        if self.past:
            if u is not None:
                raise InputError("u: given together with past=True; leave it out, and keep rows in order of time")
            return None
        if not self.use_u:
            check_u(u, n)
            return None
        return auxiliary(u, n)

    def _known(self, u: Any, n: int) -> Auxiliary | None:
        coded = self._classes
        if coded is None or (u is None and coded.discrete):
            check_u(u, n)
            return None
        return again(u, n, coded)

    def _prior(self, k: int, coded: Auxiliary | None, n: int, rng: np.random.Generator) -> Prior:
        laplace = self.prior == "laplace"
        if self.past:
            return Past(k, n, laplace)
        if coded is None:
            return Segments(k, np.zeros(n, np.int64), 1, laplace)
        if coded.index is not None:
            return Segments(k, coded.index, coded.count, laplace)
        assert coded.vector is not None
        return Smooth(k, coded.vector, laplace, rng)

    def _log_probs(
        self, fit: Fit, z: Float[np.ndarray, "n k"], coded: Auxiliary | None
    ) -> Float[np.ndarray, " n"]:
        sources, log_det = sources_of(self._make, fit.theta, z)
        return fit.prior.log_prob(sources, coded) + log_det

    def _conclude(
        self,
        finalists: list[Fit],
        z: Float[np.ndarray, "n k"],
        train: np.ndarray,
        test: np.ndarray,
        coded: Auxiliary | None,
    ) -> None:
        """The evidence: modulation, agreement of the finalists, held-out gain over a linear model."""
        seen = z[test] if len(test) > 1 else z[train]
        alike = None
        if len(finalists) > 1:
            alike = agreement([sources_of(self._make, fit.theta, seen)[0].T for fit in finalists])
        varied = None
        if coded is not None:
            index, vector = coded.index, coded.vector
            bins = 4 * self.n_components_
            if index is None and vector is not None and 4 * bins <= len(vector):
                index = binned(vector, bins)
            if index is not None and np.bincount(index).min() >= 4:
                # In the order that `transform` numbers them by.
                ordered = sources_of(self._make, self._fit.theta, z)[0][self._order]
                varied = variability_of_scales(ordered.T, index)
        self.comparison_: Comparison | None = None
        if len(test) >= 10:
            held = _taken(coded, test)
            linear = Layered(self.n_components_, 0, 1)
            plan = Plan(max(200, self.max_iter // 8), 1, self.batch_size, self.learning_rate)
            prior = partial(self._prior, self.n_components_, _taken(coded, train), len(train))
            fit = best_of(linear, z[train].astype(np.float32), prior, plan, 1, 1, self.random_state).finalists[0]
            sources, log_det = sources_of(linear, fit.theta, z[test])
            self.comparison_ = beats_linear(
                self._log_probs(self._fit, z[test], held), fit.prior.log_prob(sources, held) + log_det
            )
        self.agreement_, self.variability_ = alike, varied
        told = ", ".join(f"{value:.4f}" for value in self.finals_) if len(test) else "none"
        self._report = evidence(
            "FlowICA",
            sources=self.n_components_,
            variability=varied,
            restarts=alike,
            comparison=self.comparison_,
            settings={name: self.get_params()[name] for name in ("make", "prior", "past", "use_u")},
            words=[
                f"Held-out log-likelihood of each finalist, of whitened rows: {told} nats; the largest is kept."
            ],
        )


def _finite(values: np.ndarray, name: str = "X") -> np.ndarray:
    """The same, of the rows of what is called so. Raises `InputError` where they are not finite."""
    if not (good := np.isfinite(values)).all():
        row = int(np.argwhere(~good)[0, 0])
        raise InputError(
            f"{name}: row {row} is too large: what the flow makes of it is not finite; scale as for the fit"
        )
    return values


def _taken(coded: Auxiliary | None, rows: np.ndarray) -> Auxiliary | None:
    """u of some of the rows."""
    if coded is None:
        return None
    index = None if coded.index is None else coded.index[rows]
    vector = None if coded.vector is None else coded.vector[rows]
    return Auxiliary(index, coded.classes, vector, coded.centre, coded.spread, coded.given)
