"""MNE's Raw and Epochs in and out, known by what they can do; MNE itself is imported where sources become one."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

__all__ = ["is_mne", "rebuilt", "samples_of", "sources_as"]


def is_mne(x: Any) -> bool:
    """Whether x is a Raw or Epochs: it has `get_data`, `info` and `copy`."""
    return all(hasattr(x, name) for name in ("get_data", "info", "copy"))


def samples_of(x: Any) -> Float[np.ndarray, "n d"]:
    """(channels, times) or (epochs, channels, times) to samples by channels, the epochs one after another."""
    data = np.asarray(x.get_data())
    return np.moveaxis(data, -2, -1).reshape(-1, data.shape[-2])  # (epochs times, channels)


def _shaped(samples: Float[np.ndarray, "n k"], like: Any) -> np.ndarray:
    """The inverse of `samples_of`, for k channels."""
    shape = np.shape(like.get_data())
    return np.moveaxis(samples.reshape(*shape[:-2], shape[-1], samples.shape[1]), -1, -2)


def rebuilt(x: Any, samples: Float[np.ndarray, "n d"]) -> Any:
    """A copy of x with other data: its channels, events and annotations stay."""
    copy = x.copy()
    if hasattr(copy, "load_data"):
        copy.load_data()
    copy._data[...] = _shaped(samples, x)
    return copy


def sources_as(x: Any, sources: Float[np.ndarray, "n k"], names: list[str]) -> Any:
    """Sources as a RawArray or EpochsArray of miscellaneous channels, at the times of x."""
    import mne

    info = mne.create_info(names, x.info["sfreq"], "misc")
    data = _shaped(sources, x)
    if data.ndim == 3:
        return mne.EpochsArray(data, info, events=x.events, tmin=x.tmin, event_id=x.event_id, verbose="error")
    return mne.io.RawArray(data, info, first_samp=x.first_samp, verbose="error")
