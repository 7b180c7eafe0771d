"""The Free Spoken Digit Dataset in one file: fsdd.npz, all recordings one after another, with their offsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mutua.data.image.compact import npz_arrays
from mutua.data.labels import Labels
from mutua.data.reading import Reading
from mutua.data.windows import Ragged, Windowed, windowed

__all__ = ["SPOKEN_DIGITS", "spoken_digits"]

SPOKEN_DIGITS = "fsdd.npz"
RATE = 8000.0


def spoken_digits(place: Path, split: str, reading: Reading) -> Windowed:
    """Its official split: the recordings numbered 0 to 4 of each digit and speaker are for testing.

    Targets: digit (0 to 9) and speaker (six names).
    """
    arrays = npz_arrays(place)
    test = arrays["number"] < 5
    rows = np.flatnonzero({"train": ~test, "test": test, "all": np.ones(len(test), bool)}[split])
    digits = tuple(map(str, range(10)))
    speakers = tuple(map(str, arrays["speakers"]))
    return windowed(
        "sound",
        Ragged(arrays["audio"][:, None], arrays["offset"].astype(np.int64)),
        reading if reading.length is not None else Reading.of({**reading.said(), "length": "1s"}),
        rate=RATE,
        rows=rows,
        targets={
            "digit": Labels(arrays["digit"].astype(np.int64), digits),
            "speaker": Labels(arrays["speaker"].astype(np.int64), speakers),
        },
        names=[
            f"{d}_{speakers[s]}_{k}"
            for d, s, k in zip(arrays["digit"], arrays["speaker"], arrays["number"], strict=True)
        ],
        source="Free Spoken Digit Dataset",
    )
