"""The mutual information gap."""

from __future__ import annotations

import numpy as np

from mutua.evaluation.disentangled.given import (
    Given,
    adjusted_information,
    entropy,
    equal_mass,
    equal_width,
    information,
    top_two,
)

__all__ = ["mig", "mig_mended"]


def mig(data: Given, seed: int = 0, *, bins: int = 20) -> dict[str, float]:
    """Mean over factors of (the largest I(code; factor) - the second) / H(factor), codes in 20 bins of equal
    width.

    What it can reach: bins cap it. dSprites' true factors as codes read .897 at 10,000 rows, for 40 orientations
    and 32 positions do not fit 20 bins. One outlier: a row 1,000 times the others puts all else into one bin, and
    the code's information is 0. Dead codes have information 0 and change nothing. Plug-in information is high by
    about (bins - 1)(levels - 1) / 2n nats, so that few rows read differently.

    Paper: Chen, Li, Grosse and Duvenaud 2018, Isolating Sources of Disentanglement in VAEs, arXiv:1802.04942;
    binned as in Locatello et al. 2019, arXiv:1811.12359.
    """
    found = information(equal_width(data.codes, bins), data.factors)
    full = np.array([entropy(column) for column in data.factors.T])
    return {"MIG": float(np.mean(top_two(found) / full))}


def mig_mended(data: Given, seed: int = 0, *, bins: int = 20) -> dict[str, float]:
    """The gap with bins of equal mass (a code of few values by its values), information and entropy less what
    binning alone reads, and dead codes left out.

    It reaches 1 for true factors as codes, an outlier moves one row, and independent codes read about 0 at any n.
    """
    data = data.living()
    gain, full = adjusted_information(equal_mass(data.codes, bins), data.factors, seed)
    return {"MIG": float(np.mean(top_two(np.minimum(gain / full, 1.0))))}
