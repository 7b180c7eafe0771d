"""MNE's Raw, Epochs and Evoked in and out, known by what they can do; MNE itself is imported where sources become
one.

What MNE's own ICA does, and its users rely on: a fit sees data channels alone, without those that are marked bad
and the segments that are annotated BAD; channels are told by their names; all others come back as they were.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.types import InputError

__all__ = ["chosen", "is_mne", "rebuilt", "samples_of", "sources_as"]

_DATA = frozenset(
    [
        "eeg",
        "mag",
        "grad",
        "seeg",
        "dbs",
        "ecog",
        "csd",
        "hbo",
        "hbr",
        "fnirs_cw_amplitude",
        "fnirs_fd_ac_amplitude",
        "fnirs_fd_phase",
        "fnirs_od",
        "fnirs_td_gated_amplitude",
        "fnirs_td_moments_amplitude",
    ]
)
"""Types of channels that a brain or body is measured by, in MNE's words: no EOG, ECG, trigger or reference."""


def is_mne(x: Any) -> bool:
    """Whether x is a Raw, Epochs or Evoked: it has `get_data`, `info` and `copy`."""
    return all(hasattr(x, name) for name in ("get_data", "info", "copy"))


def _names_of(x: Any) -> list[str]:
    found = getattr(x, "ch_names", None)
    return list(map(str, found if found is not None else range(np.shape(x.get_data())[-2])))


def chosen(x: Any, names: Sequence[str] | None = None, *, reduced: bool = False) -> list[str] | None:
    """The channels of x that a model is of: `names`, those it was fitted on; where there are none, its data
    channels that are not marked bad. None for an object that doesn't name channels.

    Args:
        reduced: whether fewer components than channels are asked for, so that units of channels are compared.

    Raises `InputError`: a channel that x doesn't have (or only by other names), no data channel, or channels in
    different units where these are compared.
    """
    if getattr(x, "ch_names", None) is None:
        return None
    here = _names_of(x)
    if names is not None:
        if missing := [name for name in names if name not in here]:
            told = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise InputError(
                f"X: has no channel {told}, which the model was fitted on; give a recording of the same channels "
                "(rename_channels, where only the names differ)"
            )
        return list(names)
    kinds = list(x.get_channel_types()) if hasattr(x, "get_channel_types") else ["eeg"] * len(here)
    bad = set(x.info["bads"]) if "bads" in x.info else set()
    good = [i for i, name in enumerate(here) if kinds[i] in _DATA and name not in bad]
    if not good:
        seen = ", ".join(sorted(set(kinds)))
        raise InputError(
            f"X: no data channels that are not marked bad (there are {seen}); set their types with "
            "set_channel_types, or give the array of the channels you mean"
        )
    found = sorted({kinds[i] for i in good})
    if reduced and len(found) > 1:
        raise InputError(
            f"X: channels of {' and '.join(found)}, whose units can't be compared for a smaller n_components; "
            f"pick one type first, such as X.copy().pick({found[0]!r})"
        )
    return [here[i] for i in good]


def samples_of(x: Any, names: Sequence[str] | None = None, *, whole: bool = True) -> Float[np.ndarray, "n d"]:
    """(channels, times) or (epochs, channels, times) to samples by channels, the epochs one after another.

    Args:
        names: the channels, in this order; None for all.
        whole: False leaves out what is annotated BAD.
    """
    omit = not whole and "reject_by_annotation" in inspect.signature(x.get_data).parameters
    data = np.asarray(x.get_data(reject_by_annotation="omit") if omit else x.get_data())
    if omit and not data.shape[-1]:
        raise InputError("X: all of it is annotated BAD; nothing is left to fit")
    if names is not None:
        data = data[..., _rows(x, names), :]
    return np.moveaxis(data, -2, -1).reshape(-1, data.shape[-2])  # (epochs times, channels)


def _rows(x: Any, names: Sequence[str]) -> list[int]:
    here = _names_of(x)
    return [here.index(name) for name in names]


def _shaped(samples: Float[np.ndarray, "n k"], like: Any) -> np.ndarray:
    """The inverse of `samples_of`, for k channels."""
    shape = np.shape(like.get_data())
    return np.moveaxis(samples.reshape(*shape[:-2], shape[-1], samples.shape[1]), -1, -2)


def rebuilt(x: Any, samples: Float[np.ndarray, "n d"], names: Sequence[str] | None = None) -> Any:
    """A copy of x in which the channels `names` have other data; other channels, events and annotations stay."""
    copy = x.copy()
    if hasattr(copy, "load_data"):
        copy.load_data()
    data = copy._data if hasattr(copy, "_data") else copy.data  # Evoked's
    data[..., slice(None) if names is None else _rows(x, names), :] = _shaped(samples, x)
    return copy


def sources_as(x: Any, sources: Float[np.ndarray, "n k"], names: list[str]) -> Any:
    """Sources as a RawArray, EpochsArray or EvokedArray of miscellaneous channels, at the times of x."""
    import mne

    info = mne.create_info(names, x.info["sfreq"], "misc")
    data = _shaped(sources, x)
    if data.ndim == 3:
        return mne.EpochsArray(data, info, events=x.events, tmin=x.tmin, event_id=x.event_id, verbose="error")
    if not hasattr(x, "first_samp"):  # Evoked
        return mne.EvokedArray(data, info, tmin=float(x.times[0]), comment=x.comment, nave=x.nave, verbose="error")
    return mne.io.RawArray(data, info, first_samp=x.first_samp, verbose="error")
