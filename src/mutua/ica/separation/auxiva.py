"""Rooms with echoes: independent vector analysis in the frequency domain, by auxiliary functions.

Each frequency f has its own mixture, y_f = W_f x_f, and what ties the frequencies together is that a source is
loud or silent in all of them at once: its prior over a whole frame is spherical,
p(y_1 .. y_F) proportional to exp(-|y|), |y|^2 = sum_f |y_f|^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Complex, Float
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from mutua.types import InputError

__all__ = ["AuxIVA", "auxiva"]

_MOST_FRAMES = 4000


def auxiva(x: Complex[np.ndarray, "f d t"], n_iter: int = 30) -> tuple[Complex[np.ndarray, "f d d"], list[float]]:
    """Unmixing matrices of every frequency by AuxIVA with iterative projection, and the objective after each.

    The objective, sum_k E|y_k| / F - 2/F sum_f log|det W_f| (nats a frame and frequency, with |y_k| over all F
    frequencies), never rises: each row of each W_f is set to the minimum of a quadratic that lies above it,

        V = E[x x^H / (2 |y_k|)],   w = (W V)^-1 e_k,   w / sqrt(w^H V w).

    Paper: Ono, Stable and fast update rules for independent vector analysis based on auxiliary function technique
    (2011).
    """
    f, d, t = x.shape
    w = np.tile(np.eye(d, dtype=x.dtype), (f, 1, 1))
    y = x.copy()
    floor = 1e-10 * float(np.sqrt(np.mean(np.sum(np.abs(x) ** 2, 0))))
    history = [_objective(y, w)]
    for _ in range(n_iter):
        for k in range(d):
            loudness = np.sqrt(np.sum(np.abs(y[:, k]) ** 2, 0))  # (t,)
            weights = 0.5 / np.maximum(loudness, floor)
            v = (x * weights) @ x.conj().swapaxes(1, 2) / t  # (f, d, d)
            # A frequency where nothing is heard would be singular.
            v += 1e-10 * (np.trace(v, axis1=1, axis2=2).real[:, None, None] / d + 1e-30) * np.eye(d)
            row = np.linalg.solve(w @ v, np.eye(d)[:, [k]])[..., 0]  # (f, d)
            power = np.einsum("fi,fij,fj->f", row.conj(), v, row).real
            w[:, k] = (row / np.sqrt(power)[:, None]).conj()
            y[:, k] = np.einsum("fi,fit->ft", w[:, k], x)
        history.append(_objective(y, w))
    return w, history


def _objective(y: Complex[np.ndarray, "f d t"], w: Complex[np.ndarray, "f d d"]) -> float:
    loudness = np.sqrt(np.sum(np.abs(y) ** 2, 0)).mean(1).sum()
    return float(loudness - 2 * np.linalg.slogdet(w)[1].sum()) / len(w)


class AuxIVA:
    """Fit on a recording (n, d) in time; sources (n, d) as microphone `reference` hears them.

    Args:
        frame: samples of a frame, a power of two; longer than the echoes that matter, short enough that there
            are some hundred frames. Half of it is the hop; the window is Hann's root.
        n_iter: iterations; some 30 are enough.
        reference: the microphone whose share of each source is returned (projection back).

    Attributes: unmixing_ (f, d, d), complex, with the projection back in it; objective_ after each iteration.
    At most 4,000 frames, evenly spread, are fitted on; the transform streams.

    Raises `InputError` for fewer than 10 frames, or fewer than two microphones.

    Paper: Ono 2011; Murata, Ikeda and Ziehe, An approach to blind source separation based on temporal structure of
    speech signals (2001).
    """

    def __init__(self, frame: int, *, n_iter: int = 30, reference: int = 0) -> None:
        self.frame, self.n_iter, self.reference = frame, n_iter, reference

    def fit(self, X: Any) -> AuxIVA:
        n, d = X.shape
        frames = n // (self.frame // 2) - 1
        if frames < 10 or d < 2:
            raise InputError(
                f"X: {n} samples of {d} microphones are {max(0, frames)} frames of {self.frame}; give at least 10 "
                "frames of two microphones"
            )
        x = self._sampled(X, frames)
        w, self.objective_ = auxiva(x, self.n_iter)
        # W is free up to a factor a row; of its inverse, column k is how the microphones hear source k.
        self.unmixing_ = np.linalg.inv(w)[:, self.reference, :, None] * w  # (f, d, d)
        return self

    def _sampled(self, X: Any, frames: int) -> Complex[np.ndarray, "f d t"]:
        """Frames, windowed and transformed: all, or stretches evenly spread."""
        hop = self.frame // 2
        starts = np.arange(frames) * hop
        if frames > _MOST_FRAMES:
            # Runs of 100 frames: loudness that lasts is what ties frequencies together, and is kept so.
            runs = np.linspace(0, frames - 100, _MOST_FRAMES // 100).astype(int)
            starts = (runs[:, None] + np.arange(100)).ravel() * hop
        window = np.sqrt(hann(self.frame, sym=False))
        cut = np.stack([X[s : s + self.frame] for s in starts])  # (t, frame, d)
        spectrum = np.fft.rfft(cut * window[:, None], axis=1)  # (t, f, d)
        return np.ascontiguousarray(spectrum.transpose(1, 2, 0))

    def transform_chunks(self, X: Any) -> Iterator[Float[np.ndarray, "_ d"]]:
        """The sources of consecutive samples. Blocks meet without a seam: neighbours' frames count."""
        n, hop = len(X), self.frame // 2
        window = np.sqrt(hann(self.frame, sym=False))
        stft = ShortTimeFFT(window, hop, fs=1.0)
        block = 64 * self.frame
        for start in range(0, n, block):
            low, high = max(0, start - self.frame), min(n, start + block + self.frame)
            piece = np.asarray(X[low:high], np.float64).T  # (d, m)
            pad = max(0, self.frame - piece.shape[1])
            y = np.einsum("fij,jft->ift", self.unmixing_, stft.stft(np.pad(piece, ((0, 0), (0, pad)))))
            sources = np.asarray(stft.istft(y, k1=piece.shape[1] + pad))  # (d, m)
            yield sources[:, start - low : min(start + block, n) - low].T

    def transform(self, X: Any) -> Float[np.ndarray, "n d"]:
        """All sources at once, (n, d)."""
        return np.concatenate(list(self.transform_chunks(X)))
