"""Nonlinear mixtures with known sources and known, invertible mixing: what nonlinear ICA is judged on.

>>> mixture = ivae_mixture(0, segments=4, per_segment=10)
>>> bool(abs(mixture.mixing.inverse(mixture.x) - mixture.s).max() < 1e-8)
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mutua.data.sources.base import Mixture, held_out, held_out_segments
from mutua.data.sources.mixing import Coupling, LeakyReLU, Linear, Mixing, Residual, TanhLinear
from mutua.data.sources.published import (
    coupling_mixing,
    flow_mixture,
    gcl_past_mixture,
    gcl_segment_mixture,
    gcl_time_mixture,
    icebeem_mixing,
    icebeem_mixture,
    ivae_mixing,
    ivae_mixture,
    near_identity_mixing,
    near_identity_mixture,
    pcl_mixture,
    tcl_mixing,
    tcl_mixture,
)
from mutua.data.sources.voices import voices_mixture

__all__ = [
    "SOURCES",
    "Coupling",
    "LeakyReLU",
    "Linear",
    "Mixing",
    "Mixture",
    "Published",
    "Residual",
    "TanhLinear",
    "coupling_mixing",
    "flow_mixture",
    "gcl_past_mixture",
    "gcl_segment_mixture",
    "gcl_time_mixture",
    "held_out",
    "held_out_segments",
    "icebeem_mixing",
    "icebeem_mixture",
    "ivae_mixing",
    "ivae_mixture",
    "near_identity_mixing",
    "near_identity_mixture",
    "pcl_mixture",
    "tcl_mixing",
    "tcl_mixture",
    "voices_mixture",
]


@dataclass(frozen=True)
class Published:
    """A setting in the catalogue.

    Args:
        make: a seed (and sizes by keyword) to a `Mixture`, the published sizes by default.
        u: what modulates: "segment", "time" or "past".
        about: what it is, in a line.
        paper: where it comes from.
    """

    make: Callable[..., Mixture]
    u: str
    about: str
    paper: str = ""

    def __call__(self, seed: int, **sizes: Any) -> Mixture:
        return self.make(seed, **sizes)


SOURCES: dict[str, Published] = {
    "tcl": Published(
        tcl_mixture,
        "segment",
        "20 Laplace sources, 256 segments; conditioned matrices and leaky ReLU",
        "Hyvarinen and Morioka 2016",
    ),
    "pcl": Published(
        pcl_mixture,
        "time",
        "20 AR(1) sources with Laplace innovations; 3 layers, leaky ReLU",
        "Hyvarinen and Morioka 2017",
    ),
    "gcl-segment": Published(
        gcl_segment_mixture,
        "segment",
        "5 Laplace sources, 64 segments; 2 layers, leaky ReLU",
        "Hyvarinen, Sasaki and Turner 2019",
    ),
    "gcl-time": Published(
        gcl_time_mixture,
        "time",
        "5 Laplace sources of smoothly changing scale; 2 layers, leaky ReLU",
        "Hyvarinen, Sasaki and Turner 2019",
    ),
    "gcl-past": Published(
        gcl_past_mixture,
        "past",
        "5 AR(1) sources, u = x one step before; 2 layers, leaky ReLU",
        "Hyvarinen, Sasaki and Turner 2019",
    ),
    "ivae": Published(
        ivae_mixture,
        "segment",
        "5 Gaussian sources, 40 segments; tanh(x) + 0.1 x, a fresh matrix in each of 3 layers",
        "Khemakhem et al. 2020a",
    ),
    "ivae-shared": Published(
        partial(ivae_mixture, shared_matrix=True),
        "segment",
        "the same with one matrix in every layer, as in the published code",
        "Khemakhem et al. 2020a",
    ),
    "ice-beem": Published(
        icebeem_mixture,
        "segment",
        "5 Gaussian sources, 20 segments; leaky ReLU, then a rotation",
        "Khemakhem et al. 2020b",
    ),
    "near-identity": Published(
        near_identity_mixture, "segment", "5 Gaussian sources, 40 segments; x + B tanh(A x), contracting"
    ),
    "flow": Published(flow_mixture, "segment", "5 Gaussian sources, 40 segments; affine couplings and rotations"),
}
