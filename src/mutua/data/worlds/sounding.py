"""Worlds of sound and picture whose information is known: pictures with recordings of the same class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mutua.data.examples import Described, Examples, row_numbers
from mutua.data.fingerprints import marks_of_rows
from mutua.data.labels import Labels
from mutua.types import Batch, InputError, Spec, names, parted

__all__ = ["Sounding", "best_accuracy", "best_infonce", "checked_sets", "in_common", "sounding"]

TINTS = np.array(
    [(255, 60, 60), (60, 220, 60), (80, 110, 255), (240, 220, 40), (230, 70, 230), (50, 220, 220)], np.float32
)
"""Colours of the second factor, RGB."""


@dataclass(frozen=True, eq=False, repr=False)
class Sounding(Described):
    """Films of one frame with the sound of the same thing: {"x": (k, 1, c, h, w), "sound": (k, 1, t), "heard"}.

    Labels made the pairs and nothing else: they stand for the object that is seen and heard.

    Args:
        information: I(picture; sound) in nats, where what is shared can be read off both.
        share: of independent pairs that match by chance.
        pictures, recordings: what the pairs are of.
        of, by: which picture and which recording each is of.
        moments: (n,) from 0 to 1, when in its window a recording that is shorter begins.
        tints: (n, 3) levels, the colour of each; none for pictures as they are.
    """

    information: float = 0.0
    share: float = 0.0
    pictures: Any = None
    recordings: Any = None
    of: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    by: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    moments: np.ndarray = field(default_factory=lambda: np.empty(0))
    tints: np.ndarray | None = None

    def __post_init__(self) -> None:
        self._check()

    def __len__(self) -> int:
        return len(self.of)

    @property
    def groups(self) -> dict[str, Labels]:
        """Which clip each is: its own."""
        return {"clip": Labels(np.arange(len(self)), ())}

    def _marked(self) -> np.ndarray:
        return marks_of_rows(np.stack([self.of, self.by], 1))

    def take(self, index: Tensor) -> Batch:
        """The pairs in rows `index`, in its order."""
        rows = row_numbers(index, len(self), none=True)
        x, _ = parted(self.pictures.take(torch.from_numpy(self.of[rows])))
        if self.tints is not None:
            tint = torch.from_numpy(self.tints[rows]).float()[..., None, None] / 255  # (k, 3, 1, 1)
            x = (x.float() * tint).round().to(torch.uint8)
        sound, mask = parted(self.recordings.take(torch.from_numpy(self.by[rows])))
        waves = sound.float() / 32768 if sound.dtype == torch.int16 else sound.float()
        if mask is not None:
            t = waves.shape[-1]
            late = (torch.from_numpy(self.moments[rows]) * (t - mask.sum(1) + 1)).long()  # (k,)
            at = (torch.arange(t) - late[:, None]) % t  # what leaves at the end is silence, and comes in again
            waves = waves.gather(2, at[:, None])
        return {"x": x[:, None], "sound": waves, "heard": torch.ones(len(rows), dtype=torch.bool)}

    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Sounding:
        """The pairs in rows `index`, in its order."""
        rows = row_numbers(index, len(self))
        tints = None if self.tints is None else self.tints[rows]
        kept = {"of": self.of[rows], "by": self.by[rows], "moments": self.moments[rows], "tints": tints}
        return replace(self, **kept, **self._some(rows))  # type: ignore[arg-type]


def sounding(
    pictures: Examples, recordings: Examples, n: int = 10_000, *, tint: str | None = None, seed: int = 0
) -> Sounding:
    """n pairs of a picture and a recording of one class, from any two labelled sets.

    A class that both have is drawn evenly, then a picture and a recording of it: I(picture; sound) = ln(classes)
    where the class can be read off both. With `tint` a second factor is shared: the recording's other label, such
    as speaker, is the colour of the picture; class and that label are drawn evenly together, and I is the log of
    how many there are of both. A recording shorter than its window begins at a random moment of it.

    Args:
        pictures: of kind image, with labels; grey ones for `tint`.
        recordings: of kind sound, with a rate, one channel and windows of one length.
        n: pairs.
        tint: a target of the recordings, of six values at most, that colours pictures.
        seed: of the draw.

    Raises `InputError` for sets of other kinds, without labels, or without a class in common.
    """
    checked_sets(pictures, recordings)
    if tint is not None:
        _check_tint(pictures, recordings, tint)
    seen, heard = np.asarray(pictures.labels), np.asarray(recordings.labels)
    of_class = in_common(pictures, recordings)
    draw = np.random.default_rng(seed)
    if tint is None:
        second = np.zeros(len(heard), np.int64)
    else:
        second = recordings.targets[tint].codes
    kinds = [
        (k, j, int(a), np.flatnonzero(seen == a), np.flatnonzero((heard == b) & (second == j)))
        for k, (a, b) in enumerate(of_class)
        for j in range(int(second.max()) + 1)
    ]
    kinds = [one for one in kinds if len(one[3]) and len(one[4])]
    which = draw.integers(len(kinds), size=n)
    of, by = np.empty(n, np.int64), np.empty(n, np.int64)
    for k, (*_, rows, others) in enumerate(kinds):
        here = np.flatnonzero(which == k)
        of[here], by[here] = draw.choice(rows, len(here)), draw.choice(others, len(here))
    rate = float(recordings.spec.rate or 1)
    c, h, w = pictures.spec.shape
    t = recordings.spec.shape[1]
    first = np.array([kind[0] for kind in kinds])[which]
    called = tuple(pictures.classes[a] if pictures.classes else str(a) for a, _ in of_class)
    targets = {"label": Labels(first, called)}
    if tint is not None:
        targets[tint] = Labels(second[by], recordings.targets[tint].classes)
    used = getattr(recordings, "target", None) or next(iter(recordings.targets))
    further = {
        name: labels.of(by)
        for name, labels in recordings.targets.items()
        if name not in targets and name != used  # which is the label
    }
    what = f"{pictures.source.partition(' (')[0]} with {recordings.source.partition(' (')[0]}"
    return Sounding(
        Spec("video", (1, 3 if tint else c, h, w), "uint8", rate / t, sound=rate),
        {**targets, **further},
        None,
        f"{what}, paired by label" + (f" and tinted by {tint}" if tint else ""),
        information=math.log(len(kinds)),
        share=1 / len(kinds),
        pictures=pictures,
        recordings=recordings,
        of=of,
        by=by,
        moments=draw.random(n),
        tints=None if tint is None else TINTS[second[by]],
    )


def checked_sets(pictures: Examples, recordings: Examples) -> None:
    """Raise `InputError` where pairs can't be made of these."""
    for name, examples, kind in (("pictures", pictures, "image"), ("recordings", recordings, "sound")):
        if examples.spec.kind != kind:
            raise InputError(f"{name}: {examples.spec.kind} where {kind} is meant; give data of that kind")
        if examples.labels is None:
            raise InputError(f"{name}: have no labels, and pairs are made by them; give labelled ones")
    if recordings.spec.rate is None or recordings.spec.shape[0] != 1:
        raise InputError("recordings: need a rate and one channel; read them with --rate and --channels 1")


def _check_tint(pictures: Examples, recordings: Examples, tint: str) -> None:
    if tint not in recordings.targets:
        raise InputError(f"tint: {tint!r}, but the recordings have {names(recordings.targets)}; name one of these")
    if pictures.spec.shape[0] != 1:
        raise InputError("tint: colours grey pictures, and these have colours; read them with --channels 1")
    if (count := int(recordings.targets[tint].codes.max()) + 1) > len(TINTS):
        raise InputError(f"tint: {count} values of {tint}, and there are {len(TINTS)} colours; name another")


def in_common(pictures: Examples, recordings: Examples) -> list[tuple[int, int]]:
    """(Label of pictures, label of recordings) of each class that both have: by name, else by number."""
    a, b = pictures.classes, recordings.classes
    if set(a) & set(b):
        return [(k, b.index(name)) for k, name in enumerate(a) if name in b]
    both = sorted(
        set(np.unique(np.asarray(pictures.labels)).tolist())
        & set(np.unique(np.asarray(recordings.labels)).tolist())
    )
    if not both or (a and b):
        raise InputError("pictures, recordings: have no class in common; give sets with the same labels")
    return [(k, k) for k in both]


def best_accuracy(share: float) -> float:
    """Percent of pairs told right by the best classifier, half of them joint and half independent.

        1 - share / 2: of independent pairs, `share` match by chance and look joint

    >>> best_accuracy(0.1)
    95.0
    """
    return 100 * (1 - share / 2)


def best_infonce(candidates: int, share: float) -> float:
    """The optimum of InfoNCE in nats, among K candidates one of which is drawn with the anchor.

        log K - E log(1 + Binomial(K - 1, share)),  a candidate matching by chance with probability share

    The best critic is the log density ratio, which is -log(share) of a match and minus infinity elsewhere.

    >>> round(best_infonce(128, 0.1), 3)
    2.267
    """
    k = np.arange(candidates)
    log_choose = np.array([math.lgamma(candidates) - math.lgamma(i + 1) - math.lgamma(candidates - i) for i in k])
    with np.errstate(divide="ignore"):
        log_p = log_choose + k * np.log(share) + (candidates - 1 - k) * np.log1p(-share)
    return math.log(candidates) - float((np.exp(log_p) * np.log1p(k)).sum())
