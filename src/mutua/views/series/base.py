"""What views of series share: the dtypes.

One rule: series come in as floats and come out as float32, or float64 where that came in. No scale is assumed:
what depends on one is measured by each column's own deviation within the example.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from mutua.views.signal import SignalTransform, mean_over

__all__ = ["SeriesTransform", "deviation"]


class SeriesTransform(SignalTransform):
    """A view of series: (n, t, c), or {"x": (n, t, c), "mask": bool (n, t)}. NaN and infinity are refused.

    Inside, as `change` gets them, they are (n, c, t).
    """

    kind = "series"
    axis = 1


def deviation(x: Float[Tensor, "n c t"], length: Int[Tensor, " n"]) -> Float[Tensor, "n c 1"]:
    """Each column's standard deviation (divided by the number of steps) over the row's own data."""
    return mean_over((x - mean_over(x, length)).square(), length).sqrt()
