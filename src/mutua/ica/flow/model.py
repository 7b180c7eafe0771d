"""`FlowICA`: nonlinear ICA by exact maximum likelihood of an invertible network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mutua.estimators.auxiliary import Auxiliary, again, auxiliary, check_segments, check_u
from mutua.estimators.base import Estimator
from mutua.estimators.devices import device_here, device_of
from mutua.estimators.files import result_of
from mutua.estimators.restarts import best_of
from mutua.estimators.rows import checked_rows, finite_rows, rows_of
from mutua.estimators.splits import last_rows
from mutua.estimators.validation import (
    Constraint,
    choice,
    device_name,
    flag,
    optional,
    positive,
    seed,
    share,
    whole,
)
from mutua.estimators.whitening import Whitening, check_orientation, whitening
from mutua.evaluation.sources.evidence import Comparison, agreement, beats_linear, evidence, warn_unless_better
from mutua.evaluation.sources.variability import binned, variability_of_scales
from mutua.ica.flow.base import Make
from mutua.ica.flow.layers import Layered
from mutua.ica.flow.makes import MAKES
from mutua.ica.flow.past import Past
from mutua.ica.flow.prior import Prior, Segments
from mutua.ica.flow.smooth import Smooth
from mutua.ica.flow.training import Fit, fit_starts, sources_of
from mutua.training import Diverged, Plan
from mutua.types import InputError, Result

__all__ = ["FlowICA"]

_PRIORS: dict[str, type[Segments] | type[Smooth] | type[Past]] = {
    "Segments": Segments,
    "Smooth": Smooth,
    "Past": Past,
}


@dataclass(eq=False, repr=False)
class FlowICA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
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
        n_init: short runs from random starts, ranked by training likelihood.
        finalists: so many of the likeliest are trained to the end. The likeliest on rows held out is kept, and
            their agreement reported.
        validation_fraction: share of the rows held out for that, and for the comparison with a linear model of the
            same prior; 0 for none.
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

    n_components: Any = None
    _: KW_ONLY
    prior: Any = "laplace"
    past: Any = False
    use_u: Any = True
    make: Any = "layers"
    layers: Any = None
    knees: Any = 4
    max_iter: Any = 8000
    batch_size: Any = 2048
    learning_rate: Any = 0.01
    n_init: Any = 4
    finalists: Any = 2
    validation_fraction: Any = 0.1
    device: Any = "auto"
    random_state: Any = 0

    indeterminacy: ClassVar[str] = (
        "With the family of the prior fixed, each source is known up to order, sign, scale and shift, as far as "
        "the flow is flexible enough; with the wrong family, up to a monotone map besides."
    )
    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "n_components": optional(whole(1)),
        "prior": choice(["gaussian", "laplace"]),
        "past": flag,
        "use_u": flag,
        "make": choice(MAKES),
        "layers": optional(whole(0)),
        "knees": whole(1),
        "max_iter": whole(1),
        "batch_size": whole(2),
        "learning_rate": positive,
        "n_init": whole(1),
        "finalists": whole(1),
        "validation_fraction": share,
        "device": device_name,
        "random_state": seed,
    }
    _renamed: ClassVar[Mapping[str, str]] = {"restarts": "n_init", "validation": "validation_fraction"}
    _plain: ClassVar[tuple[str, ...]] = ("n_iter_",)
    _arrays: ClassVar[tuple[str, ...]] = ("scale_", "_order", "log_likelihoods_", "finals_")

    def fit(self, X: Any, u: Any = None) -> FlowICA:
        """Find the sources of X (n, d) with the help of u, which has a value for each row."""
        with self._refit():
            self._find(X, u)
        if self.comparison_ is not None and self.use_u:
            warn_unless_better(self.comparison_)
        return self

    def _find(self, X: Any, u: Any) -> None:
        x = rows_of(self, X, reset=True)
        check_orientation(*x.shape)
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
        train, test = last_rows(index, len(x), self.validation_fraction)
        if min(len(train), len(test) if self.validation_fraction else len(train)) < 2:
            raise InputError(f"X: {len(x)} rows leave too few to judge by; give more, or validation_fraction=0")
        z = self._whitened(x)
        prior = partial(self._prior, k, _taken(coded, train), len(train))
        self._make: Make = MAKES[self.make](k, self.layers, self.knees, device)
        starts = (self.n_init, self.finalists)
        fits = fit_starts(
            self._make, z[train].astype(np.float32), prior, self._plan(self.max_iter), *starts, self.random_state
        )
        held = _taken(coded, test)
        ranked = best_of(
            fits.finalists, lambda fit: self._log_probs(fit, z[test], held).mean() if len(test) else 0.0
        )
        if not np.isfinite(ranked.scores).any():
            mend = "check the data, or lower learning_rate"
            raise Diverged(fits.steps, what="log-likelihood of rows held out", mend=mend)
        self.finals_ = np.array(ranked.scores)
        self._fit: Fit = ranked.best
        self.log_likelihoods_ = np.array(fits.starts)
        self.n_components_, self.n_iter_ = k, fits.steps
        sources, _ = sources_of(self._make, self._fit.theta, z[train])
        self.scale_ = sources.std(1)
        heavy = np.mean((sources - sources.mean(1, keepdims=True)) ** 4, 1) / self.scale_**4
        self._order = np.argsort(-np.abs(heavy - 3), kind="stable")
        self._auxiliary = coded
        self._conclude(fits.finalists, z, train, test, coded)

    def _plan(self, steps: int) -> Plan:
        """Steps of a run: the rate rises over the first twentieth and falls as a cosine."""
        return Plan(epochs=steps, batch=self.batch_size, lr=self.learning_rate, warmup=max(1, steps // 20))

    def transform(self, X: Any) -> Float[np.ndarray, "n k"]:
        """Sources (n, k); no u is needed. Raises `InputError` where rows are too large for finite ones."""
        check_is_fitted(self)
        sources, _ = sources_of(self._make, self._fit.theta, self._whitened(rows_of(self, X, reset=False)))
        return finite_rows((sources.T / self.scale_)[:, self._order])

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
        return finite_rows(self._white.back(z), "sources")

    def score_samples(self, X: Any, u: Any = None) -> Float[np.ndarray, " n"]:
        """log p(x | u) of each row in nats. Without u log p(x), the mixture over the segments, where there are."""
        check_is_fitted(self)
        x = rows_of(self, X, reset=False)
        coded = self._known(u, len(x))
        return finite_rows(self._log_probs(self._fit, self._whitened(x), coded) + self._white.log_det)

    def score(self, X: Any, u: Any = None) -> float:
        """Mean log-likelihood in nats a row."""
        return float(self.score_samples(X, u).mean())

    def sample(self, n: Any = 1, u: Any = None, *, random_state: Any = 0) -> Float[np.ndarray, "n d"]:
        """Rows drawn from p(x | u), one for each of n values of u; without u from segments by their shares."""
        check_is_fitted(self)
        whole(1).check("n", n)
        seed.check("random_state", random_state)
        drawn = self._fit.prior.sample(n, self._known(u, n), np.random.default_rng(random_state))
        return self._white.back(self._make.inverse(self._fit.theta, drawn))

    def report(self) -> Result:
        """What was checked when it was fitted, and what the theory leaves open.

        Whether u is what found the sources it doesn't say: fit again with use_u=False, the control. A flow of
        layers like the mixture's finds much without u.
        """
        check_is_fitted(self)
        return self._report

    def _pack(self) -> tuple[dict[str, Any], dict[str, Any]]:
        prior = self._fit.prior
        classes, coding = (None, {}) if self._auxiliary is None else self._auxiliary.coding()
        settings = {"report": asdict(self._report), "prior": type(prior).__name__, "classes": classes}
        tensors = {f"prior.{name}": value for name, value in prior.tensors().items()}
        return settings, {"theta": self._fit.theta, **self._white.arrays(), **tensors, **coding}

    def _unpack(self, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self._white = Whitening.of_arrays(arrays, self.n_features_in_)
        k = self.n_components_ = len(self._white.matrix)
        if self.scale_.shape != (k,) or sorted(self._order.tolist()) != list(range(k)):
            raise ValueError(f"scale and order are not of {k} components")
        tensors = {name.removeprefix("prior."): v for name, v in arrays.items() if name.startswith("prior.")}
        prior = _PRIORS[settings["prior"]].recalled(tensors, self.prior == "laplace")
        self._fit = Fit(arrays["theta"], prior)
        self._make = MAKES[self.make](k, self.layers, self.knees, device_here(self.device))
        if len(self._fit.theta) != self._make.size:
            raise ValueError(f"{len(self._fit.theta)} parameters for a flow of {self._make.size}")
        self._auxiliary = Auxiliary.of_coding(settings["classes"], arrays)
        prior.log_prob(np.zeros((k, 1)), _one(self._auxiliary))  # raises where it is of others, or another u
        self._report = result_of(settings["report"])

    @classmethod
    def _of_first_format(
        cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        parameters = {cls._renamed.get(name, name): value for name, value in settings["parameters"].items()}
        named = {"scale": "scale_", "order": "_order", "starts": "log_likelihoods_", "finals": "finals_"}
        first = {**settings, "parameters": parameters, "n_iter_": settings["steps"]}
        return first, {named.get(name, name): value for name, value in arrays.items()}

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _whitened(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        return np.ascontiguousarray(self._white(x))

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
        coded = self._auxiliary
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
            prior = partial(self._prior, self.n_components_, _taken(coded, train), len(train))
            plan = self._plan(max(200, self.max_iter // 8))
            x = z[train].astype(np.float32)
            fit = fit_starts(linear, x, prior, plan, 1, 1, self.random_state).finalists[0]
            sources, log_det = sources_of(linear, fit.theta, z[test])
            self.comparison_ = beats_linear(
                self._log_probs(self._fit, z[test], held), fit.prior.log_prob(sources, held) + log_det
            )
        self.agreement_, self.variability_ = alike, varied
        told = ", ".join(f"{value:.4f}" for value in self.finals_) if len(test) else "none"
        self._report = evidence(
            "FlowICA",
            self.indeterminacy,
            sources=self.n_components_,
            variability=varied,
            restarts=alike,
            comparison=self.comparison_,
            settings={name: self.get_params()[name] for name in ("make", "prior", "past", "use_u")},
            words=[
                f"Held-out log-likelihood of each finalist, of whitened rows: {told} nats; the largest is kept."
            ],
        )


def _taken(coded: Auxiliary | None, rows: np.ndarray) -> Auxiliary | None:
    """u of some of the rows."""
    return None if coded is None else coded.take(rows)


def _one(coded: Auxiliary | None) -> Auxiliary | None:
    """A value of u as it was read: the last class, or a vector."""
    if coded is None:
        return None
    if coded.centre is not None:
        return Auxiliary(vector=np.zeros((1, len(coded.centre))))
    return Auxiliary(index=np.array([coded.count - 1]))
