"""Spoken digits, or tones in their place: what each choice of negatives keeps, on recordings, frames, new
speakers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from mutua.data import Examples, load, recordings
from mutua.data.examples import Grouped
from mutua.data.kinds.sound import waves_of
from mutua.data.sound.features import log_mel, mfcc
from mutua.encoders import Ordered, wave_ahead
from mutua.evaluation import features, linear, piece_features
from mutua.methods import cpc
from mutua.objectives import Negatives
from mutua.studies.cpc.trained import by_horizon, learned

__all__ = ["Told", "controls", "encoder_of", "generated", "negatives_of", "spoken", "told"]

PIECES = 4
"""Frames of a recording that are judged by themselves."""

Frames = tuple[Float[np.ndarray, "m d"], Int[np.ndarray, " m"]]


@dataclass(frozen=True)
class Told:
    """Percent right: of whole recordings, of single frames, and of digits by a speaker left out of the probe."""

    digit: float
    speaker: float
    frame_digit: float | None
    frame_speaker: float | None
    unseen: float
    frames: int


def spoken() -> tuple[Examples, Examples]:
    """The Free Spoken Digit Dataset, its official split."""
    return load("spoken-digits", "train"), load("spoken-digits", "test")


def generated() -> tuple[Examples, Examples]:
    """Two melodies by two instruments, a tenth of a second each: for a first try, and for tests."""
    rng = np.random.default_rng(0)
    digit, speaker = np.arange(48) % 2, np.arange(48) // 2 % 2
    time = np.arange(1600) / 8000
    rise = np.where(digit == 0, 1.0, -1.0)[:, None]
    pitch = 400 + rise * 1000 * (time - 0.1) + 40 * rng.normal(size=(48, 1))
    phase = 2 * np.pi * np.cumsum(pitch, 1) / 8000
    overtone = speaker[:, None] * np.sin(3 * phase)
    wave = 0.3 * np.sin(phase) + 0.2 * overtone + 0.02 * rng.normal(size=phase.shape)
    from mutua.data import Reading

    whole = recordings(
        wave.astype(np.float32), targets={"digit": digit, "speaker": speaker}, reading=Reading(rate=8000.0)
    )
    return whole.subset(np.arange(32)), whole.subset(np.arange(32, 48))


def encoder_of(train: Examples, width: int, seed: int) -> Ordered:
    """An untrained encoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return wave_ahead(train.spec, width, width)


def negatives_of(
    name: Negatives, train: Examples, test: Examples, seen: int, batch: int, rate: float, width: int, steps: int,
    window: int, candidates: int, seed: int,
) -> tuple[Ordered, Mapping[int, Mapping[str, float]], int]:  # fmt: skip
    """(What was learned with negatives of that name, nats by horizon on test, the first clean horizon).

    Horizons begin at 1, so that those that share samples are seen; they are learned from too.
    """
    encoder = encoder_of(train, width, seed)
    method = cpc(encoder, steps=steps, first=1, negatives=name, candidates=candidates, window=window)
    grouped = [Grouped(part, part.targets["speaker"]) for part in (train, test)]
    learned(method, grouped[0], seen, batch, rate, seed)
    return encoder, by_horizon(method, grouped[1], min(batch, len(test))), encoder.clean


def told(train: Examples, test: Examples, encoder: Ordered) -> Told:
    """What linear probes tell of the pooled context, and of single contexts."""
    pooled = [features(encoder, part)["pool"] for part in (train, test)]
    frames = [piece_features(encoder, part, each=PIECES)[:2] for part in (train, test)]
    return _told(train, test, pooled, frames)


def controls(train: Examples, test: Examples) -> dict[str, Told]:
    """MFCC and log-mel: mean and deviation over a recording, and single frames."""
    found = {}
    rate = train.spec.rate or 8000.0
    described: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "MFCC 39": lambda wave: mfcc(wave, rate),
        "log-mel 40": lambda wave: log_mel(wave, rate),
    }
    for name, of in described.items():
        pooled, frames = [], []
        for part in (train, test):
            each = [of(wave) for wave in _waves(part)]
            pooled.append(np.stack([np.concatenate([one.mean(1), one.std(1)]) for one in each]).astype(np.float32))
            at = [np.linspace(0, one.shape[1] - 1, PIECES + 2).round().astype(int)[1:-1] for one in each]
            single = np.concatenate([one[:, places].T for one, places in zip(each, at, strict=True)])
            frames.append((single.astype(np.float32), np.repeat(np.arange(len(each)), PIECES)))
        found[name] = _told(train, test, pooled, frames)
    return found


def _waves(examples: Examples) -> list[np.ndarray]:
    rows = torch.arange(len(examples)).split(512)
    return [wave for some in rows for wave in waves_of(examples.take(some))]


def _told(train: Examples, test: Examples, pooled: list[np.ndarray], frames: list[Frames]) -> Told:
    (x, z), ((a, i), (b, j)) = pooled, frames
    codes = {name: [part.targets[name].codes for part in (train, test)] for name in ("digit", "speaker")}
    accuracy = {name: linear(x, y, z, w, 0).accuracy for name, (y, w) in codes.items()}
    single = {name: linear(a, y[i], b, w[j], 0).accuracy for name, (y, w) in codes.items()}
    every, digit, speaker = (np.concatenate(parts) for parts in (pooled, codes["digit"], codes["speaker"]))
    unseen = []
    for one in np.unique(speaker):
        out = speaker == one
        unseen.append(linear(every[~out], digit[~out], every[out], digit[out], 0).accuracy)
    return Told(
        accuracy["digit"], accuracy["speaker"], single["digit"], single["speaker"], float(np.mean(unseen)), len(j)
    )
