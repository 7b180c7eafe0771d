"""`GCL`: sources that depend on an auxiliary variable, found by telling x with its own u from x with another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.critics import STATISTICS, AbsoluteInnovation, ExponentialFamily
from mutua.estimators.auxiliary import Auxiliary, again, auxiliary, check_segments
from mutua.estimators.validation import Constraint, choice, flag, optional, several, whole
from mutua.evaluation import spearman
from mutua.evaluation.sources.mcc import Correlation
from mutua.evaluation.sources.variability import Variability, binned
from mutua.ica.contrastive.base import Contrastive
from mutua.ica.contrastive.contrasts import CONTRAST, contrast_of, given_nats
from mutua.ica.contrastive.networks import OneHot, Waves, linear
from mutua.ica.contrastive.pairs import Pairs
from mutua.ica.contrastive.tcl import means_vary, scales_vary, unmixed, warn_few
from mutua.objectives import Given
from mutua.types import Critic, InputError, Method

__all__ = ["GCL"]

# Waves of a single number, such as time, from 1 to this many radians a standard deviation.
_WAVES = 12
_BINS = 50


@dataclass(eq=False, repr=False)
class GCL(Contrastive):
    """Generalised contrastive learning: x = f(s), the s_i independent given u, each depending on u.

    A network h(x) and a critic that is a sum over components tell (x, u) from (x, u*), u* of another row:

        T(x, u) = sum_i psi_i(h_i(x), u) -> log p(x | u) / p(x),  psi_i(h, u) = <q_i(h), lambda_i(u)>

    with all other rows of the batch as u* (with "infonce", up to a function of x alone). With enough learned q_i,
    psi is any function. With fixed statistics the sources are taken to be of that exponential family; with one
    alone ("absolute", "square") they are known up to a linear map of the q(h_i) only, and `transform` gives the
    linear ICA of these. Else the components are the sources up to order and an invertible map of each alone.

    u: whole numbers or strings, a segment or label (n,); floats, time (n,) or a vector (n, du), such as the x
    before. None cuts the rows, in their order, into equal `segments`.

    Args:
        statistics: q: "scales" (|h|, h^2) where u changes scales; "moments" (h, h^2) where it changes means too;
            one alone, "absolute" or "square"; "learned", which needs more rows and steps. Or "innovation", a
            critic of its own, psi_i = -|h_i - g_i(u)| and terms of h_i alone, g a network: for a vector u that
            sources follow with Laplace noise, such as the x before.
        contrast: "infonce", which u of the batch is x's own; or "jsd", as published: own u against others', the
            two weighing the same, or "logistic": the others summed; or several of them, see `PCL`.
        u_layer_sizes: units of the hidden layers of the network lambda(u) where u is a vector; for a label it is a
            table.
        unmix: apply linear ICA to the statistics: None where there is one for each component, or True or False.
        segments: as in `TCL`.
        n_components, network, hidden_layer_sizes, max_iter, batch_size, learning_rate, decorrelate, n_init,
            validation_fraction, baseline, device, random_state: as in `Contrastive`. A start can end with |s| in
            place of a source, and a lower held-out contrast: hence several. Held out are the last rows of each
            segment, or ten runs of neighbouring rows where u is a vector.

    Attributes: as in `TCL`. Raises and warns as `TCL`.

    Paper: Hyvärinen, Sasaki and Turner 2019, Nonlinear ICA Using Auxiliary Variables and Generalized Contrastive
    Learning, arXiv:1805.08651.
    """

    _: KW_ONLY
    statistics: Any = "scales"
    contrast: Any = "infonce"
    u_layer_sizes: Any = (64,)
    unmix: Any = None
    segments: Any = None
    max_iter: Any = 6_000
    batch_size: Any = 256
    n_init: Any = 3

    indeterminacy: ClassVar[str] = (
        "Each source is known up to order and an invertible map of it alone (scale, sign, bending); compare it by "
        "ranks. Where every source's density is an exponential family of one statistic (scales alone are "
        "modulated), it is that statistic, such as |s_i|, and up to a linear map of all of them."
    )
    _alike: ClassVar[Correlation] = staticmethod(spearman)
    _constraints: ClassVar[Mapping[str, Constraint]] = {
        **Contrastive._constraints,
        "statistics": choice({"innovation", "learned", *STATISTICS}),
        "contrast": CONTRAST,
        "u_layer_sizes": several(whole(1)),
        "unmix": optional(flag),
        "segments": optional(whole(2)),
    }
    _renamed: ClassVar[Mapping[str, str]] = {**Contrastive._renamed, "hidden": "u_layer_sizes"}

    def score(self, X: Any, u: Any = None) -> float:
        """The contrast of each x with its u against all u of 1,024 rows (InfoNCE), in nats a row: a lower bound of
        the information between x and u, at most log 1024."""
        return super().score(X, u)

    def _pairs(self, z: Float[Tensor, "n d"], u: Any, *, fitted: bool) -> Pairs:
        if fitted:
            found: Auxiliary = again(u, len(z), self._auxiliary)
        else:
            found = self._auxiliary = auxiliary(u, len(z), segments=self.segments)
            if found.index is not None:
                check_segments(found.index, z.shape[1])
                warn_few(found.count, self.n_components, z.shape[1], self._orders)
        if found.index is not None:
            return Pairs(z, torch.from_numpy(found.index).to(z.device), found.index)
        assert found.vector is not None
        return Pairs(z, torch.from_numpy(found.vector).float().to(z.device))

    def _check(self) -> None:
        super()._check()
        if self.unmix and self._fixed is None:
            raise InputError("unmix: True needs fixed statistics, one a component; use 'absolute' or 'square'")

    @property
    def _orders(self) -> int:
        """k of the theory's n k + 1 values of u. What "innovation" and "learned" are takes 2 (its Theorem 1)."""
        return 1 if self._fixed is not None else 2

    @property
    def _fixed(self) -> str | None:
        """The one statistic that each component has, or None."""
        return self.statistics if self.statistics in ("absolute", "square") else None

    def _method(self, encoder: nn.Module, components: int, restart: int) -> Method:
        found: Auxiliary = self._auxiliary
        read: nn.Module = OneHot(found.count) if found.discrete else nn.Identity()
        columns = found.width
        if not found.discrete and columns == 1:
            read, columns = Waves(_WAVES), 1 + 2 * _WAVES
        if self.statistics == "innovation":
            centre = linear(columns, components) if found.discrete else self._sized(columns, components)
            critic: Critic = AbsoluteInnovation(components)
            return Given(
                encoder, critic, nn.Sequential(read, centre), contrast=contrast_of(self.contrast, restart)
            )
        statistics = None if self.statistics == "learned" else self.statistics
        hidden = () if found.discrete else tuple(int(width) for width in self.u_layer_sizes)
        critic = ExponentialFamily(components, columns, statistics, hidden)
        return Given(encoder, critic, read, contrast=contrast_of(self.contrast, restart))

    def _nats(self, method: Any, pairs: Pairs) -> Float[Tensor, " n"]:
        return given_nats(method, pairs)

    def _variability(self, found: Float[np.ndarray, "n k"], pairs: Pairs) -> Variability | None:
        index = pairs.index
        if index is None:
            if pairs.u.shape[1] > 1:
                return None  # no bins of a vector have rows enough
            bins = max(found.shape[1] + 1, min(_BINS, len(found) // 50))
            index = binned(pairs.u.double().cpu().numpy(), bins)
        if self._unmix is not None:
            return means_vary(found, index)
        told = scales_vary(found, index)
        return None if told is None else replace(told, needed=self._orders * found.shape[1] + 1)

    def _statistics(self, h: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
        return h if self._fixed is None else np.abs(h) if self._fixed == "absolute" else h * h

    def _unmixed(self, h: Float[np.ndarray, "n k"]) -> tuple[np.ndarray, np.ndarray] | None:
        wanted = self._fixed is not None if self.unmix is None else self.unmix
        return unmixed(self._statistics(h)) if wanted else None
