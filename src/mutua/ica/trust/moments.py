"""Whether components are uncorrelated moment by moment: what more sources than channels, or echoes, leave behind.

Of sources whose loudness changes, and that are told apart, no two are correlated within a moment of some
milliseconds beyond chance. Where a further source is in two components, or one of them comes late to the other,
they are, at the times at which it is heard. A fit can't lower that with any matrix, and its own Hessian knows
nothing of it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["correlated_moments"]

_SHIFTS = 19
"""Shifts of one component against the other, among which chance is the largest: a level of .05 a pair."""
_LEAST = 0.006
"""Squared correlation within moments beyond chance that is called so. Of 18 pairs of real sounds that were told
apart it was .003 at most, of 24 of too many sounds and 6 rooms .007 to .59."""
_FRAMES, _BINS = 4, 8
_NEAR, _LOUD = 10.0, 1e-5
"""Patches count in which two powers are within this factor, and above this share of their means."""
_PATCHES = 200
"""Patches that are needed."""


def correlated_moments(
    s: Float[np.ndarray, "n k"], rows: int, generator: np.random.RandomState
) -> Float[np.ndarray, "k k"]:
    """Mean squared correlation of each two components within patches of time and frequency, beyond chance; 0 where
    it is not above it.

    A patch is four frames of `rows` rows and eight frequencies. Those count in which both components are about as
    loud, since what a loud one leaves in a silent one, at -50 dB, is no other source. Chance is the largest of 19
    circular shifts of one against the other, which keeps what is in each: two tones are correlated in most
    patches.

    All zeros for a recording too short for 200 patches.
    """
    n, k = s.shape
    found = np.zeros((k, k))
    step = max(4, rows // 2)
    frames = (n - 2 * step) // step + 1
    groups, bands = frames // _FRAMES, step // _BINS
    if groups < 40 or groups * max(1, bands) < _PATCHES:
        return found
    bands = max(1, bands)
    index = np.arange(2 * step) + step * np.arange(groups * _FRAMES)[:, None]
    window = np.hanning(2 * step)[:, None]
    spectra = np.fft.rfft(s[index] * window, axis=1)[:, 1 : 1 + bands * _BINS]  # (t, f, k)
    width = spectra.shape[1] // bands
    parts = spectra[:, : bands * width].reshape(groups, _FRAMES, bands, width, k).transpose(4, 0, 2, 1, 3)
    parts = parts.reshape(k, groups, bands, -1)
    power = np.square(np.abs(parts)).sum(-1)  # (k, g, b)
    loud = power > _LOUD * power.mean((1, 2), keepdims=True)

    def shared(i: int, j: int, shift: int) -> float:
        other, strength = np.roll(parts[j], shift, 0), np.roll(power[j], shift, 0)
        ratio = power[i] / np.maximum(strength, np.finfo(float).tiny)
        both = loud[i] & np.roll(loud[j], shift, 0) & (ratio < _NEAR) & (ratio > 1 / _NEAR)
        if both.sum() < _PATCHES // 4:
            return 0.0
        across = (parts[i][both] * other[both].conj()).sum(-1).real
        return float(np.mean(across**2 / (power[i][both] * strength[both])))

    shifts = [int(i) for i in generator.randint(groups // 8, groups - groups // 8, _SHIFTS)]
    for i in range(k):
        for j in range(i):
            chance = [shared(i, j, shift) for shift in shifts]
            value = shared(i, j, 0)
            if value > max(chance) and value - np.mean(chance) > _LEAST:
                found[i, j] = found[j, i] = value - np.mean(chance)
    return found
