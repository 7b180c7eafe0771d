"""What TCL, GCL and PCL share: fitted by contrast, chosen and judged by the contrast on rows held out."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from mutua.estimators.auxiliary import Auxiliary
from mutua.estimators.base import Estimator
from mutua.estimators.devices import device_here, device_of
from mutua.estimators.files import result_of
from mutua.estimators.restarts import best_of
from mutua.estimators.rows import rows_of
from mutua.estimators.splits import last_rows
from mutua.estimators.validation import (
    Constraint,
    choice,
    device_name,
    flag,
    nonnegative,
    optional,
    or_word,
    positive,
    seed,
    several,
    share,
    whole,
)
from mutua.estimators.whitening import Whitening, check_orientation, whitening
from mutua.evaluation import pearson
from mutua.evaluation.sources.evidence import (
    Agreement,
    Comparison,
    agreement,
    beats_linear,
    evidence,
    warn_unless_better,
)
from mutua.evaluation.sources.mcc import Correlation
from mutua.evaluation.sources.variability import Variability
from mutua.ica.contrastive import descent
from mutua.ica.contrastive.networks import NETWORKS
from mutua.ica.contrastive.pairs import Pairs
from mutua.ica.linear.model import LinearICA
from mutua.types import InputError, Method, Result

__all__ = ["Contrastive"]

# Rows a forward pass takes when nothing is learned.
_CHUNK = 8192
# Of the steps of a fit: a critic alone over linear sources, and a fit that only ranks numbers of components.
_BASELINE, _RANKING = 0.1, 0.2
_LEAST_STEPS = 1000
# Short fits that are not done yet prefer more components than there are.
_LEAST_RANKED = 2000
# Held-out nats a row: below the first no start tells more than chance, below the second it has diverged.
_CHANCE, _ABSURD = 1e-3, -50.0
_LEAST_WIDTH = 20
# Rows farther away, in whitened deviations, are no rows of the same recording; float32 would overflow.
_LARGEST = 1e9


@dataclass(eq=False, repr=False)
class Contrastive(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Base of the contrastive estimators. A subclass says what is contrasted with what, and by which critic.

    It defines `_pairs`, `_method`, `_nats`, and where it needs them `_variability` and `_unmixed`.

    Args:
        n_components: how many; None for as many as independent channels; "auto" for the fewest of which the
            held-out contrast is no worse than that of all.
        network: "bent" (linear maps with smooth, learned leaky ReLUs between), or "maxout", as published.
        hidden_layer_sizes: units between the linear maps, each None for twice the channels (`PCL`: four times),
            and 20 at least. () is a linear unmixing.
        max_iter: steps of training.
        batch_size, learning_rate: rows a step, and Adam's peak rate.
        decorrelate: weight of a penalty on correlations between components, and between their magnitudes, and on
            means away from 0, where |.| folds them; it falls to 0 with the rate. Without it two often follow one
            source, and one source has none.
        n_init: fits from different starts; the one with the largest held-out contrast is kept.
        validation_fraction: share of the rows held out for that and for `report`: the last of each segment. 0 for
            none.
        baseline: also train the critic over `LinearICA`'s sources, a tenth of the steps (1,000 at least, where
            there are as many), for comparison.
        device: "auto", "cpu" or "cuda".
        random_state: a whole number: of starts and batches.
    """

    n_components: Any = None
    _: KW_ONLY
    network: Any = "bent"
    hidden_layer_sizes: Any = (None, None, None)
    max_iter: Any = 20_000
    batch_size: Any = 1024
    learning_rate: Any = 0.01
    decorrelate: Any = 1.0
    n_init: Any = 1
    validation_fraction: Any = 0.1
    baseline: Any = True
    device: Any = "auto"
    random_state: Any = 0

    _alike: ClassVar[Correlation] = staticmethod(pearson)
    """What the theory leaves free between two runs."""
    _widen: ClassVar[int] = 2
    """Units between the network's maps, in multiples of the channels, where none are given."""

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "n_components": or_word(optional(whole(1)), "auto"),
        "network": choice(NETWORKS),
        "hidden_layer_sizes": several(optional(whole(1))),
        "max_iter": whole(1),
        "batch_size": whole(2),
        "learning_rate": positive,
        "decorrelate": nonnegative,
        "n_init": whole(1),
        "validation_fraction": share,
        "baseline": flag,
        "device": device_name,
        "random_state": seed,
    }
    _renamed: ClassVar[Mapping[str, str]] = {
        "restarts": "n_init",
        "validation": "validation_fraction",
        "layers": "hidden_layer_sizes",
        "width": "hidden_layer_sizes",
    }
    _plain: ClassVar[tuple[str, ...]] = ("n_components_", "n_iter_")
    _arrays: ClassVar[tuple[str, ...]] = ("contrasts_",)

    # --- what a subclass says ---------------------------------------------------------------------------------

    def _pairs(self, z: Float[Tensor, "n d"], u: Any, *, fitted: bool) -> Pairs:
        """Whitened rows and u to pairs; where not `fitted`, remember how u was coded."""
        raise NotImplementedError

    def _method(self, encoder: nn.Module, components: int, restart: int) -> Method:
        """The composition around an encoder of whitened rows to `components` outputs."""
        raise NotImplementedError

    def _nats(self, method: Any, pairs: Pairs) -> Float[Tensor, " n"]:
        """What each row's contrast is above chance, in nats."""
        raise NotImplementedError

    def _variability(self, found: Float[np.ndarray, "n k"], pairs: Pairs) -> Variability | None:
        """How u modulates the components that `transform` gives, where it is known how to tell."""
        return None

    def _unmixed(self, h: Float[np.ndarray, "n k"]) -> tuple[np.ndarray, np.ndarray] | None:
        """Mean and matrix of the linear map of the statistics that separates them, where theory needs one."""
        return None

    def _statistics(self, h: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
        """What that map is applied to."""
        return h

    # --- scikit-learn -----------------------------------------------------------------------------------------

    def fit(self, X: Any, u: Any = None) -> Any:
        """Find the components of X (n, d) with the help of u, which has a value for each row.

        A fit that fails leaves what was fitted before.
        """
        with self._refit():
            self._find(X, u)
        return self

    def _check(self) -> None:
        super()._check()
        if not self.validation_fraction and (self.n_components == "auto" or self.n_init > 1):
            raise InputError(
                "validation_fraction: 0 leaves no rows to choose restarts or n_components by; use 0.1 or so"
            )

    def _find(self, X: Any, u: Any) -> None:
        x = rows_of(self, X, reset=True)
        check_orientation(*x.shape)
        device = device_of(self.device)
        covariance = np.cov(x.T).reshape(x.shape[1], x.shape[1])
        self._white = whitening(x.mean(0), covariance, None, samples=len(x), reduce_rank=True)
        pairs = self._pairs(torch.from_numpy(self._white(x)).to(device).float(), u, fitted=False)
        train, test = (pairs.take(rows) for rows in last_rows(pairs.index, len(pairs), self.validation_fraction))
        if len(train) < 2 or (self._judged and len(test) < 2):
            raise InputError(
                f"X: {len(pairs)} rows make {len(train)} to train on and {len(test)} to judge by; give more, or "
                "another validation_fraction"
            )
        self.tried_: dict[int, float] = {}
        k = self._components(train, test)
        ranked = best_of(
            (self._trained(train, k, self.max_iter, start) for start in range(self.n_init)),
            lambda run: float(self._nats(run, test).mean()) if self._judged else 0.0,
        )
        self.contrasts_ = np.array(ranked.scores if self._judged else [np.nan])
        if self._judged:
            self._judge(max(ranked.scores))
        self._model: Any = ranked.best
        self.n_iter_ = self.max_iter
        self.n_components_ = k
        h = self._outputs(train.x)
        self._unmix = self._unmixed(h)
        self.variability_: Variability | None = self._variability(self._final(h, self._unmix), train)
        self.agreement_: Agreement | None = None
        self.comparison_: Comparison | None = None
        if self.n_init > 1:
            codes = [self._again(run, train, test) for run in ranked.runs]
            self.agreement_ = agreement(codes, type(self)._alike)
        if self._judged and self.baseline and len(test) >= 10:
            linear = self._linear(x, train, k)
            self.comparison_ = beats_linear(
                self._nats(self._model, test).numpy(), self._nats(linear, test).numpy()
            )
        self._report = self._evidence()
        if self.comparison_ is not None:
            warn_unless_better(self.comparison_)

    def transform(self, X: Any) -> Float[np.ndarray, "n k"]:
        """Components (n, k); no u is needed."""
        return self._final(self.features(X), self._unmix)

    def features(self, X: Any) -> Float[np.ndarray, "n k"]:
        """What the network gives, before any statistic is taken of it: h(x), with its sign."""
        check_is_fitted(self)
        return self._outputs(self._whitened(X))

    def score(self, X: Any, u: Any = None) -> float:
        """The contrast in nats a row, above chance: a lower bound of the information between x and u."""
        check_is_fitted(self)
        pairs = self._pairs(self._whitened(X).float(), u, fitted=True)
        return float(self._nats(self._model, pairs).mean())

    def report(self) -> Result:
        """What was checked when it was fitted, and what the theory leaves open."""
        check_is_fitted(self)
        return self._report

    # --- files ------------------------------------------------------------------------------------------------

    def _pack(self) -> tuple[dict[str, Any], dict[str, Any]]:
        settings, arrays = {"report": asdict(self._report)}, self._white.arrays()
        if (found := getattr(self, "_auxiliary", None)) is not None:
            settings["classes"], coding = found.coding()
            arrays |= coding
        if self._unmix is not None:
            arrays |= {"unmix.mean": self._unmix[0], "unmix.matrix": self._unmix[1]}
        return settings, arrays | {f"model.{name}": value for name, value in self._model.state_dict().items()}

    def _unpack(self, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        # `report` says what it said; the evidence itself is not kept.
        self.agreement_ = self.variability_ = self.comparison_ = None
        self._white = Whitening.of_arrays(arrays, self.n_features_in_)
        self._auxiliary: Any = Auxiliary.of_coding(settings.get("classes"), arrays)
        self._unmix = (arrays["unmix.mean"], arrays["unmix.matrix"]) if "unmix.mean" in arrays else None
        self._report = result_of(settings["report"])
        self._model = self._method(self._network(self.n_components_), self.n_components_, 0)
        weights = {
            name.removeprefix("model."): torch.from_numpy(value)
            for name, value in arrays.items()
            if name.startswith("model.")
        }
        self._model.load_state_dict(weights)
        self._model.to(device_here(self.device)).eval()

    @classmethod
    def _of_first_format(
        cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        old = dict(settings["parameters"])
        sizes = [old.pop("width")] * (old.pop("layers") - 1)
        if "hidden" in old:
            old["u_layer_sizes"] = old.pop("hidden")
        if "contrast" in old:
            given = old["contrast"]
            words = {"nce": "logistic", "logistic": "jsd"}
            old["contrast"] = (
                words.get(given, given) if isinstance(given, str) else [words.get(one, one) for one in given]
            )
        parameters = {cls._renamed.get(name, name): value for name, value in old.items()}
        first = {
            **settings,
            **settings["coding"],
            "parameters": parameters | {"hidden_layer_sizes": sizes},
            "n_components_": settings["n_components"],
            "n_iter_": parameters["max_iter"],
        }
        named = {"contrasts": "contrasts_", "share": "_share"}
        return first, {named.get(name, name): value for name, value in arrays.items()}

    # --- the work ---------------------------------------------------------------------------------------------

    @property
    def _judged(self) -> bool:
        return self.validation_fraction > 0

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _whitened(self, X: Any) -> Float[Tensor, "n k"]:
        rows = rows_of(self, X, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            z = torch.from_numpy(self._white(rows)).to(next(self._model.parameters()).device)
        if not bool((z.abs() < _LARGEST).all()):
            row = int((z.abs() < _LARGEST).all(1).int().argmin())
            raise InputError(f"X: row {row} is beyond {_LARGEST:g} deviations of the fitted; check its units")
        return z

    def _judge(self, best: float) -> None:
        """Warn, or raise `InputError`, where the largest held-out contrast is no more than chance, or absurd."""
        if best < _ABSURD:
            raise InputError(
                f"training: it diverged: {best:.3g} nats a row on rows held out, at best; lower "
                f"learning_rate ({self.learning_rate:g}), or look for outliers in X"
            )
        if best < _CHANCE:
            warnings.warn(
                f"{type(self).__name__}: {best:.3g} nats a row on rows held out, no more than chance: "
                "the components mean nothing; raise max_iter, lower learning_rate, or else u doesn't tell of X",
                UserWarning,
                stacklevel=4,
            )

    def _final(
        self, h: Float[np.ndarray, "n k"], unmix: tuple[np.ndarray, np.ndarray] | None
    ) -> Float[np.ndarray, "n k"]:
        """Components of what the network gives."""
        if unmix is None:
            return h
        mean, matrix = unmix
        return (self._statistics(h) - mean) @ matrix.T

    def _again(self, run: Method, train: Pairs, test: Pairs) -> Float[np.ndarray, "n k"]:
        """The components that `transform` would give of held-out rows if this restart were kept."""
        return self._final(self._outputs(test.x, run), self._unmixed(self._outputs(train.x, run)))

    def _network(self, components: int) -> nn.Sequential:
        return self._sized(len(self._white.matrix), components)

    def _sized(self, inputs: int, outputs: int) -> nn.Sequential:
        """The kind of network asked for, of any number of inputs and outputs."""
        usual = max(_LEAST_WIDTH, self._widen * inputs)
        return NETWORKS[self.network](inputs, outputs, [size or usual for size in self.hidden_layer_sizes])

    def _trained(self, pairs: Pairs, components: int, steps: int, restart: int) -> Method:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1_000_003 * int(self.random_state) + restart)
            method = self._method(self._network(components), components, restart)
        return self._descended(method, pairs, steps, restart)

    def _descended(self, method: Method, pairs: Pairs, steps: int, seed: int) -> Method:
        method.to(pairs.x.device)
        descent.train(
            method,
            (pairs.x, pairs.u),
            steps=steps,
            batch=self.batch_size,
            learning_rate=self.learning_rate,
            seed=1_000_003 * int(self.random_state) + seed,
            decorrelate=self.decorrelate,
        )
        return method

    def _components(self, train: Pairs, test: Pairs) -> int:
        """How many: as asked, or the fewest of which the held-out contrast is within its error of the most."""
        most = len(self._white.matrix)
        if self.n_components is None:
            return most
        if not isinstance(self.n_components, str):
            if self.n_components > most:
                raise InputError(
                    f"n_components: {self.n_components} of {most} independent channels; ask for no more than that"
                )
            return int(self.n_components)
        steps = max(_LEAST_RANKED, int(_RANKING * self.max_iter))

        def nats(k: int) -> Float[np.ndarray, " n"]:
            found = self._nats(self._trained(train, k, steps, 0), test).numpy()
            self.tried_[k] = float(found.mean())
            return found

        whole = nats(most)
        low, high = 0, most  # `high` is good enough, `low` isn't
        while high - low > 1:
            middle = (low + high) // 2
            lost = whole - nats(middle)
            if lost.mean() <= max(lost.std() / math.sqrt(len(lost)), 0.01 * whole.mean()):
                high = middle
            else:
                low = middle
        return high

    @torch.no_grad()
    def _outputs(self, z: Float[Tensor, "n d"], method: Any = None) -> Float[np.ndarray, "n k"]:
        # In float64, where a row's outputs don't depend on how many others are there.
        network = copy.deepcopy((self._model if method is None else method).encoder).double()
        return torch.cat([network(part.double()) for part in z.split(_CHUNK)]).cpu().numpy()

    def _linear(self, x: Float[np.ndarray, "n d"], train: Pairs, components: int) -> Method:
        """The same contrast over the sources of `LinearICA`: only the critic learns."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its convergence is not what is asked here
            ica = LinearICA(n_components=components, reduce_rank=True, random_state=0).fit(x)
        encoder = nn.Linear(len(self._white.matrix), len(ica.components_)).requires_grad_(False)
        # Sources of whitened rows z, x = mean + inverse z.
        encoder.weight.copy_(torch.from_numpy(ica.components_ @ self._white.inverse))
        encoder.bias.zero_()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self.random_state))
            method = self._method(encoder, len(ica.components_), 0)
        encoder.requires_grad_(False)
        return self._descended(
            method, train, min(self.max_iter, max(_LEAST_STEPS, int(_BASELINE * self.max_iter))), 0
        )

    def _evidence(self) -> Result:
        judged = [
            f"Held-out contrast of each restart: {', '.join(f'{nats:.4f}' for nats in self.contrasts_)} nats; "
            "the largest is kept."
        ]
        if self.tried_:
            tried = ", ".join(f"{k}: {nats:.4f}" for k, nats in sorted(self.tried_.items()))
            judged.append(f"Held-out contrast by number of components, of short fits: {tried} nats.")
        return evidence(
            type(self).__name__,
            self.indeterminacy,
            sources=self.n_components_,
            variability=self.variability_,
            restarts=self.agreement_,
            comparison=self.comparison_,
            words=judged
            if self._judged
            else ["No rows were held out (validation_fraction=0): nothing judges the fit."],
        )
