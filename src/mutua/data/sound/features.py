"""What sound is described by without any learning: log-mel spectrograms and MFCC, by librosa."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["log_mel", "mfcc"]


def _frames(rate: float) -> tuple[int, int]:
    """(Samples of a frame, samples from one to the next): 32 ms and 10 ms, a power of two the first."""
    return 1 << max(round(np.log2(0.032 * rate)), 4), max(round(0.01 * rate), 1)


def log_mel(wave: Float[np.ndarray, " t"], rate: float, bands: int = 40) -> Float[np.ndarray, "bands frames"]:
    """log(power in mel bands + 1e-10), frames of 32 ms every 10 ms."""
    import librosa

    width, hop = _frames(rate)
    power = librosa.feature.melspectrogram(
        y=np.asarray(wave, np.float32), sr=rate, n_fft=width, hop_length=hop, n_mels=bands, pad_mode="constant"
    )
    return np.log(power + 1e-10)


def mfcc(wave: Float[np.ndarray, " t"], rate: float) -> Float[np.ndarray, "39 frames"]:
    """13 mel-frequency cepstral coefficients of 40 bands, their slopes and the slopes' slopes (over 9 frames).

    Paper: Davis and Mermelstein 1980; Furui 1986 for the slopes.
    """
    import librosa

    spectrum = log_mel(wave, rate)
    coefficients = librosa.feature.mfcc(S=10 / np.log(10) * spectrum, n_mfcc=13)  # it takes decibels
    slopes = [librosa.feature.delta(coefficients, order=order, mode="nearest") for order in (1, 2)]
    return np.concatenate([coefficients, *slopes])
