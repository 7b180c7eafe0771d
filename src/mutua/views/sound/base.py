"""What views of sound share: the dtypes.

One rule: sound comes in as int16 (full scale 32,768) or float in [-1, 1], and comes out as float on that scale:
float32, or float64 where that came in. Nothing is clipped, since a network has no full scale: noise or a gain may
lead beyond 1. Nothing is rounded back to int16, so that a chain of views loses nothing between them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mutua.views.signal import SignalTransform

__all__ = ["SoundTransform", "as_sound"]

FULL_SCALE = 32768


class SoundTransform(SignalTransform):
    """A view of sound: (n, c, t), or {"x": (n, c, t), "mask": bool (n, t)}."""

    kind = "sound"
    axis = 2
    dtypes = frozenset({torch.int16})

    def floats(self, x: Tensor) -> Tensor:
        return as_sound(x)


def as_sound(x: Tensor) -> Tensor:
    """int16 to float32, divided by 32,768; half precision to float32; float32 and float64 as they are.

    >>> as_sound(torch.tensor([-32768, 0, 16384], dtype=torch.int16)).tolist()
    [-1.0, 0.0, 0.5]
    """
    if x.dtype == torch.int16:
        return x.float().div_(FULL_SCALE)
    return x if x.dtype == torch.float64 else x.float()
