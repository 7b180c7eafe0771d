"""The cocktail party: microphones in, sources out, with what is known of each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.data.sound.files import BLOCK, Sound
from mutua.estimators.whitening import dependencies
from mutua.ica.linear.model import LinearICA
from mutua.ica.linear.recording import Recording
from mutua.ica.separation.auxiva import AuxIVA
from mutua.ica.trust.interference import expected_interference
from mutua.ica.trust.nongaussianity import nongaussianity
from mutua.ica.trust.report import report
from mutua.types import InputError, Table

__all__ = ["PEAK", "Unmixed", "sharper", "unmix", "unmix_echoes"]

PEAK = 0.95
"""Of full scale, the largest sample of a written source."""

# Of the recording's power: what is less is no one's voice.
_FAINT = 1e-6

# Seconds over which a voice is about as loud, and rows of a block at least.
_STEADY, _LEAST_ROWS = 0.02, 16
_BY_SHAPE = "Told apart by the shape of their densities; how their loudness changes would tell less."
_BY_LOUDNESS = (
    f"Told apart by how their loudness changes from one {1000 * _STEADY:.0f} ms to the next; the shape of their "
    "densities alone would tell less."
)

Blocks = Callable[[], Iterator[Float[np.ndarray, "_ k"]]]


@dataclass(frozen=True)
class Unmixed:
    """Sources, made anew block by block on every call of `blocks`, (b, k).

    scale (k,): what brings each to `PEAK` at its loudest. tables, words: the diagnostics.
    """

    blocks: Blocks
    scale: Float[np.ndarray, " k"]
    tables: list[Table]
    words: list[str]


def sharper(x: Any, rate: float, n_components: int | None = None, *, random_state: int = 0) -> LinearICA:
    """`LinearICA` of a recording (n, d) of `rate` rows a second, fitted twice: by the shape of the sources'
    densities alone, and by how their loudness changes as well from one 20 ms to the next. The fit
    whose expected interference is less in sum is returned.
    """
    rows = max(_LEAST_ROWS, round(_STEADY * rate))
    fits = [
        LinearICA(n_components, modulation=modulation, memory_bytes=2e8, random_state=random_state).fit(x)
        for modulation in (None, rows)
    ]
    return min(fits, key=lambda fit: float(expected_interference(fit, x).sum()))


def unmix(sound: Sound, n_components: int | None = None, *, random_state: int = 0) -> Unmixed:
    """An instantaneous mixture by `sharper`, with its report.

    Raises `InputError` where microphones are copies of each other or combinations, naming them, and for what
    `LinearICA` refuses.
    """
    _check_independent(sound, n_components)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report says it in words
        ica = sharper(sound.samples, sound.rate, n_components, random_state=random_state)

    def blocks() -> Iterator[Float[np.ndarray, "_ k"]]:
        for start in range(0, len(sound.samples), BLOCK):
            chunk = np.asarray(sound.samples[start : start + BLOCK], np.float64)
            yield (chunk - ica.mean_) @ ica.components_.T

    before = nongaussianity(sound.samples, random_state=random_state)
    found = report(ica, sound.samples, moment=max(_LEAST_ROWS, round(_STEADY * sound.rate)))
    words = [_BY_SHAPE if ica.modulation is None else _BY_LOUDNESS, *found.words]
    if any(str(row[-1]).startswith("in doubt") for row in found.tables[0].rows):
        words.append("Use more microphones than there are sources; in a room with echoes try --convolutive.")
    # What a spatial filter of unit gain lets through of each source, of unit variance before: 1 / |w|^2.
    share = 1 / np.square(ica.components_).sum(1) / ica.explained_variance_.sum()
    faint = [str(i) for i in np.flatnonzero(share < _FAINT)]
    if faint:
        words.append(
            f"Sources {', '.join(faint)} are 60 dB or more below the recording: rounding or noise of the "
            "converters, made loud in their files. There are more microphones than sources; ask for --components "
            f"{len(share) - len(faint)}."
        )
    return Unmixed(blocks, _scale(blocks), [*found.tables, before], words)


def unmix_echoes(sound: Sound, *, frame_seconds: float = 0.128, n_iter: int = 30) -> Unmixed:
    """A mixture in a room with echoes by `AuxIVA`: as many sources as microphones, each as the first hears it.

    Raises `InputError` where the recording is shorter than ten frames or microphones depend on each other.
    """
    _check_independent(sound, None)
    frame = 1 << max(4, round(np.log2(frame_seconds * sound.rate)))
    iva = AuxIVA(frame, n_iter=n_iter).fit(sound.samples)
    k = sound.samples.shape[1]
    words = [
        f"{k} sources by independent vector analysis: frames of {frame} samples ({1000 * frame / sound.rate:.0f} "
        f"ms), {n_iter} iterations, the last of which changed the objective by "
        f"{abs(iva.objective_[-2] - iva.objective_[-1]):.1g} nats.",
        "Each source is written as the first microphone hears it. There are as many sources as microphones: with "
        "fewer talkers, some files hold what is left over. How far to trust each is not told for rooms.",
    ]

    def blocks() -> Iterator[Float[np.ndarray, "_ k"]]:
        return iva.transform_chunks(sound.samples)

    return Unmixed(blocks, _scale(blocks), [], words)


def _scale(blocks: Blocks) -> Float[np.ndarray, " k"]:
    peak = np.max([np.abs(block).max(0) for block in blocks()], axis=0)
    return PEAK / np.where(peak > 0, peak, 1.0)


def _check_independent(sound: Sound, n_components: int | None) -> None:
    d = sound.samples.shape[1]
    if n_components is not None and not 1 <= n_components <= d:
        raise InputError(f"components: {n_components} of {d} microphones; ask for 1 to {d}")
    _, covariance = Recording(sound.samples).moments()
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)
    values = np.linalg.eigvalsh(correlation)
    # float32 samples: no smaller share of the power is more than their rounding.
    rank = int((values > 1e-11 * values[-1]).sum())
    if (n_components or d) > rank:
        found = "; ".join(dependencies(correlation, deviation > 0, sound.names)) or "some combine to nothing"
        raise InputError(
            f"microphones: only {rank} of {d} are independent: {found}; leave such microphones out"
            + (f", or ask for --components {rank}" if rank > 1 else ", two that stand apart are needed")
        )
