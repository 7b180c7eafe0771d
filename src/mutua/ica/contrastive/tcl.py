"""`TCL`: sources whose scale differs from segment to segment, found by telling the segments apart."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Generator, Tensor, nn

from mutua.estimators.auxiliary import again, auxiliary, check_segments
from mutua.estimators.validation import Constraint, optional, whole
from mutua.evaluation.sources.variability import Variability, variability_of_means, variability_of_scales
from mutua.ica.contrastive.base import Contrastive
from mutua.ica.contrastive.pairs import Pairs
from mutua.ica.linear.model import LinearICA
from mutua.objectives import Predictive
from mutua.types import InputError, Method

__all__ = ["TCL", "means_vary", "scales_vary", "unmixed", "warn_few"]

# Rows that a segment needs for its scales to be measured.
_ROWS = 4


@dataclass(eq=False, repr=False)
class TCL(Contrastive):
    """Time-contrastive learning: x = f(s), the scales of the s_i differing from segment to segment.

    A network h(x) and multinomial regression on q(h) = |h| tell which segment a row is of:

        log p(segment j | x) = w_j^T |h(x)| + b_j - log sum_l exp(...)

    At the optimum |h| are the statistics of the sources up to a linear map, which linear ICA of |h| resolves: what
    `transform` gives are the |s_i|, up to order and scale (and monotone map, where sources aren't Laplace).
    `features` gives h itself: with "bent" networks often the sources with their sign, which no theory promises.

    u: the number or name of each row's segment. None cuts the rows, in their order, into equal `segments`.

    Args:
        segments: how many equal segments, where no u is given; None for as many as have 128 rows, at most 256.
        n_components, network, hidden_layer_sizes, max_iter, batch_size, learning_rate, decorrelate, n_init,
            validation_fraction, baseline, device, random_state: as in `Contrastive`.

    Attributes:
        contrasts_: (n_init,), held-out contrast in nats, see `score`. agreement_: between restarts, or None.
        tried_: with "auto", numbers of components and the held-out contrast of a short fit of each.
        variability_: whether the segments modulate the components enough. comparison_: with linear ICA, or None.
        n_components_, n_iter_, n_features_in_.

    Raises `InputError`: bad X or u (see `mutua.estimators.auxiliary`), a segment with no more rows than channels,
    a parameter out of range, training that diverges (names the step). Warns where segments are too few, and where
    it isn't better than linear ICA on rows held out.

    Paper: Hyvärinen and Morioka 2016, Unsupervised Feature Extraction by Time-Contrastive Learning and Nonlinear
    ICA, arXiv:1605.06336.
    """

    _: KW_ONLY
    segments: Any = None

    indeterminacy: ClassVar[str] = (
        "The features are the statistics |s_i| of the sources up to a linear map, which the last linear ICA "
        "resolves: so the |s_i| are known up to order, scale and shift, and the signs of sources not at all."
    )
    _constraints: ClassVar[Mapping[str, Constraint]] = {**Contrastive._constraints, "segments": optional(whole(2))}
    _arrays: ClassVar[tuple[str, ...]] = (*Contrastive._arrays, "_share")

    def score(self, X: Any, u: Any = None) -> float:
        """Mean log p(u | x) / p(u) in nats a row, p(u) as in the fit: how much better than chance the segment is
        told; a lower bound of the information between x and u."""
        return super().score(X, u)

    def _pairs(self, z: Float[Tensor, "n d"], u: Any, *, fitted: bool) -> Pairs:
        if fitted:
            index = again(u, len(z), self._auxiliary).index
            assert index is not None
        else:
            self._auxiliary: Any = auxiliary(u, len(z), segments=self.segments)
            index = self._auxiliary.index
            if index is None:
                raise InputError("u: a vector; TCL tells segments apart: give whole numbers or names, or use GCL")
            check_segments(index, z.shape[1])
            self._share = np.bincount(index) / len(index)  # (segments,)
            warn_few(self._auxiliary.count, self.n_components, z.shape[1])
        return Pairs(z, torch.from_numpy(index).to(z.device), index)

    def _method(self, encoder: nn.Module, components: int, restart: int) -> Method:
        head = nn.Linear(components, self._auxiliary.count)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return Predictive(encoder, nn.Sequential(Absolute(), head), _as_given)

    @torch.no_grad()
    def _nats(self, method: Any, pairs: Pairs) -> Float[Tensor, " n"]:
        chance = torch.from_numpy(np.log(self._share)).float().to(pairs.x.device)  # (segments,)
        parts = []
        for x, u in zip(pairs.x.split(4096), pairs.u.split(4096), strict=True):
            told = method.head(method.encoder(x)).log_softmax(-1) - chance
            parts.append(told.gather(1, u[:, None])[:, 0])
        return torch.cat(parts).double().cpu()

    def _variability(self, found: Float[np.ndarray, "n k"], pairs: Pairs) -> Variability | None:
        return means_vary(found, pairs.index)

    def _statistics(self, h: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
        return np.abs(h)

    def _unmixed(self, h: Float[np.ndarray, "n k"]) -> tuple[np.ndarray, np.ndarray]:
        return unmixed(np.abs(h))


class Absolute(nn.Module):
    """sqrt(h^2 + .001): |h| with a round corner, in which gradients don't jump."""

    def forward(self, h: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return (h * h + 1e-3).sqrt()


def _as_given(batch: tuple[Tensor, Tensor], generator: Generator) -> tuple[Tensor, Int64[Tensor, " n"]]:
    return batch


def unmixed(statistics: Float[np.ndarray, "n k"]) -> tuple[np.ndarray, np.ndarray]:
    """Mean (k,) and matrix (k, k) of the linear ICA of statistics, each component with its long tail above.

    Statistics such as |s| and s^2 are skewed so: that gives the components their sign.
    """
    ica = LinearICA(reduce_rank=True, random_state=0).fit(statistics)
    skew = np.power((statistics - ica.mean_) @ ica.components_.T, 3).mean(0)
    return ica.mean_, np.where(skew < 0, -1.0, 1.0)[:, None] * ica.components_


def scales_vary(h: Float[np.ndarray, "n k"], index: Int64[np.ndarray, " n"] | None) -> Variability | None:
    """The variability condition, where every segment has rows enough to know a scale."""
    if index is None or np.bincount(index).min() < _ROWS:
        return None
    return variability_of_scales(h, index)


def means_vary(found: Float[np.ndarray, "n k"], index: Int64[np.ndarray, " n"] | None) -> Variability | None:
    """The same of statistics that linear ICA has separated: what u changes of them is their means."""
    if index is None or np.bincount(index).min() < _ROWS:
        return None
    return variability_of_means(found, index)


def warn_few(segments: int, components: Any, channels: int, statistics: int = 1) -> None:
    """A UserWarning where segments are fewer than the theory asks for: n k + 1, k `statistics` a component."""
    n = int(components) if isinstance(components, Integral) else channels
    needed = n * statistics + 1
    if segments < needed:
        warnings.warn(
            f"u: {segments} segments for {n} components; the theory needs at least {needed} "
            f"({'one statistic' if statistics == 1 else f'{statistics} statistics'} each, and one more), so that "
            "some may stay mixed: cut finer, or ask for fewer components",
            UserWarning,
            stacklevel=4,
        )
