"""How sure a share is."""

from __future__ import annotations

import math

__all__ = ["wilson"]


def wilson(correct: int, n: int) -> tuple[float, float]:
    """95 % interval of a share. Paper: Wilson 1927.

    >>> [round(end, 3) for end in wilson(295, 300)]
    [0.962, 0.993]
    """
    if not n:
        return 0.0, 1.0
    z2, p = 1.959964**2, correct / n
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = 1.959964 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
