"""Maps to independent components that are not the sources: Darmois's construction, exact and from samples; swirls.

A density known in closed form stands behind the exact ones: two independent hyperbolic-secant sources, of variance
1, under a smooth invertible mixing with known inverse and Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from mutua.data.sources import Linear, Mixing, TanhLinear

__all__ = [
    "Known",
    "bent",
    "darmois_from_samples",
    "gaussianised",
    "sech_cdf",
    "sech_from_normal",
    "sech_log_prob",
    "sech_ppf",
    "swirled",
    "swirled_sources",
]

_TAIL = 14.0  # the sources' density there is exp(-44) of that at 0


def sech_log_prob(s: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """log p(s), p = 1/2 sech(pi s / 2)."""
    a = np.pi / 2 * np.abs(s)
    return -a - np.log1p(np.exp(-2 * a))


def sech_cdf(s: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    return 2 / np.pi * np.arctan(np.exp(np.pi / 2 * s))


def sech_ppf(p: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    return 2 / np.pi * np.log(np.tan(np.pi / 2 * p))


def bent(slope: float, first: float = 30.0, second: float = 20.0) -> Mixing:
    """A rotation, tanh(x) + slope x, and a rotation, in degrees: the smaller the slope, the more bent."""

    def turn(degrees: float) -> Linear:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        return Linear(np.array([[c, -s], [s, c]]))

    return Mixing([turn(first), TanhLinear(slope), turn(second)])


@dataclass(frozen=True)
class Known:
    """x = mixing(s) with sech sources: its density, and its exact Darmois maps.

    Args:
        mixing: of two sources.
        nodes: of each quadrature: on each side of x_2 for a conditional, and along each axis for a margin.
    """

    mixing: Mixing
    nodes: int = 1200

    def sample(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
        """(s, x), each (n, 2)."""
        s = sech_ppf(rng.uniform(size=(n, 2)))
        return s, self.mixing(s)

    def log_prob(self, x: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        s = self.mixing.inverse(x)
        return sech_log_prob(s).sum(1) - self.mixing.log_det(s)

    @cached_property
    def _margins(self) -> tuple[list[CubicSpline], float]:
        """The cumulative distribution of x_1 and of x_2, and the mass that the grid holds (1 but for rounding)."""
        far = self.mixing(_TAIL * np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 0.0], [0.0, 1.0]]))
        axis = np.linspace(-1, 1, self.nodes) * np.abs(far).max()
        step = axis[1] - axis[0]
        grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
        density = np.exp(self.log_prob(grid)).reshape(self.nodes, self.nodes)
        # The trapezoid rule converges exponentially for analytic densities that vanish at both ends.
        margins = [CubicSpline(axis, density.sum(1 - j) * step).antiderivative() for j in (0, 1)]
        return margins, float(density.sum() * step**2)

    @property
    def mass(self) -> float:
        """The integral of the density by the quadrature that the margins rest on."""
        return self._margins[1]

    def darmois(self, x: Float[np.ndarray, "n 2"], first: int) -> Float[np.ndarray, "n 2"]:
        """y_1 = F(x_first), y_2 = F(x_other | x_first): independent and uniform on [0, 1], for any mixing.

        Papers: Darmois 1951; Hyvarinen and Pajunen, Nonlinear independent component analysis: existence and
        uniqueness results (1999).
        """
        other = 1 - first
        start = np.clip(self._margins[0][first](x[:, first]), 0, 1)
        below, above = self._beside(x, other, -1.0), self._beside(x, other, 1.0)
        return np.stack([start, below / (below + above)], 1)

    def _beside(self, x: Float[np.ndarray, "n 2"], axis: int, side: float) -> Float[np.ndarray, " n"]:
        """The integral of p(x) along one axis from each x to infinity on one side, over p(x) itself.

        Gauss and Legendre's rule in t, at a distance of sinh(t) / 4: fine near x, and far enough in few nodes.
        """
        count = max(16, self.nodes // 12)
        at, weight = np.polynomial.legendre.leggauss(count)
        t, scale = 3 * (at + 1), 3 * weight  # 0 .. 6: a distance of up to 50
        away, scale = np.sinh(t) / 4, scale * np.cosh(t) / 4
        points = np.repeat(x[:, None], count, axis=1)  # (n, count, 2)
        points[..., axis] += side * away
        log_prob = self.log_prob(points.reshape(-1, 2)).reshape(len(x), count)
        return np.exp(log_prob - self.log_prob(x)[:, None]) @ scale


def darmois_from_samples(
    train: Float[np.ndarray, "m 2"], x: Float[np.ndarray, "n 2"], first: int, *, width: float = 0.02
) -> Float[np.ndarray, "n 2"]:
    """The same from samples alone: x_first to its rank among `train`, then the share of neighbours below.

    F(x_2 | x_1) is a Gaussian-kernel-weighted share of the training rows near in the rank of x_1 (`width` of all
    rows) whose x_2 is less, each step smoothed by a tenth of the deviation of x_2 times `width`^(1/2).
    """
    other = 1 - first
    ordered = np.sort(train[:, first])
    grades = rankdata(train[:, first]) / (len(train) + 1)  # (m,)
    start = np.interp(x[:, first], ordered, np.arange(1, len(train) + 1) / (len(train) + 1))  # (n,)
    soft = train[:, other].std() * np.sqrt(width) / 10
    second = np.empty(len(x))
    for a in range(0, len(x), 256):
        rows = slice(a, a + 256)
        weight = np.exp(-0.5 * ((start[rows, None] - grades) / width) ** 2)  # (256, m)
        below = ndtr((x[rows, other, None] - train[:, other]) / soft)
        second[rows] = (weight * below).sum(1) / weight.sum(1)
    return np.stack([start, second], 1)


def swirled(z: Float[np.ndarray, "n 2"], turns: float) -> Float[np.ndarray, "n 2"]:
    """Rotate each point of a standard normal by an angle that depends on its radius: turns * 2 pi * exp(-r^2 / 2).

    A rotation keeps the radius, and the angle is uniform given it: z' is standard normal again, for any function
    of the radius in this place. The determinant of its Jacobian is 1 everywhere. Its inverse: minus the turns.
    """
    angle = 2 * np.pi * turns * np.exp(-0.5 * np.square(z).sum(1))
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * z[:, 0] - s * z[:, 1], s * z[:, 0] + c * z[:, 1]], 1)


def gaussianised(s: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Sech sources to standard normal ones, each by itself; by the lower tail, so that no digit is lost."""
    z = -ndtri(sech_cdf(-np.abs(s)))
    return np.copysign(z, s)


def sech_from_normal(z: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """The inverse of `gaussianised`."""
    return np.copysign(-sech_ppf(ndtr(-np.abs(z))), z)


def swirled_sources(s: Float[np.ndarray, "n 2"], turns: float) -> Float[np.ndarray, "n 2"]:
    """A bijection that keeps the distribution of two sech sources: made normal, swirled, made sech again."""
    return sech_from_normal(swirled(gaussianised(s), turns))
