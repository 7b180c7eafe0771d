"""`PCL`: sources with temporal dependence, found by telling consecutive rows from rows of two times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.critics import AbsoluteInnovation, LearnedInnovation
from mutua.estimators.auxiliary import auxiliary
from mutua.estimators.validation import Constraint, choice, whole
from mutua.evaluation import spearman
from mutua.evaluation.sources.mcc import Correlation
from mutua.ica.contrastive.base import Contrastive
from mutua.ica.contrastive.contrasts import CONTRAST, contrast_of, given_nats
from mutua.ica.contrastive.pairs import Pairs
from mutua.objectives import Given
from mutua.types import Critic, InputError, Method

__all__ = ["PCL"]

CRITICS: dict[str, type[Critic]] = {"absolute": AbsoluteInnovation, "learned": LearnedInnovation}


@dataclass(eq=False, repr=False)
class PCL(Contrastive):
    """Permutation-contrastive learning: x_t = f(s_t), the s_i independent processes, each depending on its past.

    A network h and a critic that is a sum over components tell (x_t, x_{t-1}) from (x_t, x_{t*}):

        T = sum_i psi_i(h_i(x_t), h_i(x_{t-1})) -> log p(x_t | x_{t-1}) / p(x_t)

    with all other rows of the batch as x_{t*} (with "infonce", up to a function of x_t alone). The components are
    the sources up to order and an invertible map of each alone, where the sources' dependence is not that of a
    Gaussian process.

    u: None where the rows are one recording in order of time; or the number or name of the recording of each row,
    so that no pair joins two.

    Args:
        critic: "absolute" (the published one: Laplace innovations), or "learned" for innovations of any shape.
        contrast: "infonce", which past of the batch is x_t's own; "logistic", its own past against all others,
            one by one, summed; or "jsd", as published: own against others, the two weighing the same. Of several,
            starts take each in turn, and the held-out contrast chooses. InfoNCE finds the sources surely until
            x_t and its past tell more of each other than the log of the batch, some ten components; there it
            learns nothing, and "logistic", which is less sure below, still does.
        lag: rows between now and the past.
        n_components, network, hidden_layer_sizes, max_iter, batch_size, learning_rate, decorrelate, n_init,
            validation_fraction, baseline, device, random_state: as in `Contrastive`. Held out are ten runs of
            neighbouring rows.

    Attributes: as in `TCL`; variability_ is None. Raises and warns as `TCL`.

    Paper: Hyvärinen and Morioka 2017, Nonlinear ICA of Temporally Dependent Stationary Sources.
    """

    _: KW_ONLY
    critic: Any = "absolute"
    contrast: Any = ("infonce", "logistic")
    lag: Any = 1
    hidden_layer_sizes: Any = (None, None)
    max_iter: Any = 30_000
    batch_size: Any = 128
    decorrelate: Any = 0.0
    n_init: Any = 2

    indeterminacy: ClassVar[str] = (
        "Each source is known up to order and an invertible map of it alone (scale, sign, bending)."
    )
    _widen: ClassVar[int] = 4
    _alike: ClassVar[Correlation] = staticmethod(spearman)
    _constraints: ClassVar[Mapping[str, Constraint]] = {
        **Contrastive._constraints,
        "critic": choice(CRITICS),
        "contrast": CONTRAST,
        "lag": whole(1),
    }

    def score(self, X: Any, u: Any = None) -> float:
        """The contrast of each x_t with its own past against the pasts of 1,024 rows (InfoNCE), in nats a row: a
        lower bound of the information between x_t and x_{t-1}, at most log 1024."""
        return super().score(X, u)

    def _pairs(self, z: Float[Tensor, "n d"], u: Any, *, fitted: bool) -> Pairs:
        if self.lag >= len(z) - 1:
            raise InputError(f"lag: {self.lag} for {len(z)} rows; use one that leaves two pairs")
        lag = int(self.lag)
        now = np.arange(lag, len(z))
        if u is not None:
            index = _recording(u, len(z))
            now = now[index[now] == index[now - lag]]
            if len(now) < 2:
                raise InputError(f"u: {len(now)} pairs of rows of one recording; give longer recordings, or no u")
        at = torch.from_numpy(now).to(z.device)
        return Pairs(z[at], z[at - lag])

    def _method(self, encoder: nn.Module, components: int, restart: int) -> Method:
        critic = CRITICS[self.critic](components)  # type: ignore[arg-type]
        return Given(encoder, critic, encoder, contrast=contrast_of(self.contrast, restart))

    def _nats(self, method: Any, pairs: Pairs) -> Float[Tensor, " n"]:
        return given_nats(method, pairs)


def _recording(u: Any, n: int) -> np.ndarray:
    """The recording of each row; one alone is as none given."""
    array = np.asarray(u)
    if array.shape == (n,) and array.dtype.kind in "iubUS" and len(np.unique(array)) == 1:
        return np.zeros(n, np.int64)
    found = auxiliary(u, n)
    if found.index is None:
        raise InputError("u: a vector; give the number or name of each row's recording, or none")
    return found.index
