"""The two known worlds, and what is read of a method that learned in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from mutua.data import Examples, Images, Reading, load, recordings
from mutua.data.kinds.sound import waves_of
from mutua.data.sound.features import mfcc
from mutua.data.worlds import Sounding
from mutua.encoders import towers
from mutua.evaluation import codes_of_both, few_labels, linear, retrieved
from mutua.methods import Correspondence, correspondence
from mutua.training import Plan, fit
from mutua.training.order import seeded
from mutua.types import Rows, parted

__all__ = [
    "Codes",
    "Sets",
    "accuracy",
    "among",
    "codes_of",
    "generated",
    "labelled",
    "learned",
    "one_label",
    "unseen",
    "without",
]


@dataclass(frozen=True)
class Sets:
    """Pictures and recordings, to learn from and to be judged on."""

    pictures: tuple[Examples, Examples]
    recordings: tuple[Examples, Examples]
    speaker: str = "speaker"


def labelled() -> Sets:
    """MNIST and the Free Spoken Digit Dataset, half a second each, official splits."""
    spoken = tuple(load("spoken-digits", part, length="0.5s") for part in ("train", "test"))
    return Sets((load("mnist", "train"), load("mnist", "test")), spoken)


def generated() -> Sets:
    """Small digits and tones: for a first try, and for tests."""
    rng = np.random.default_rng(0)
    y, speaker = np.arange(60) % 10, np.arange(60) // 10 % 2
    time = np.arange(800) / 8000
    pitch = (200 + 150 * y)[:, None] * (1 + 0.01 * rng.normal(size=(60, 1)))
    wave = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.1 * speaker[:, None] * np.sin(4 * np.pi * pitch * time)
    heard = recordings(
        wave.astype(np.float32), targets={"digit": y, "speaker": speaker}, reading=Reading(rate=8000.0)
    )
    small: Images = load("digits", "train")
    return Sets((small, load("digits", "test")), (heard.subset(np.arange(40)), heard.subset(np.arange(40, 60))))


def learned(
    world: Sounding, head: Any, steps: int, batch: int, rate: float, maps: int, seed: int
) -> Correspondence:
    """Towers after that many steps of Adam, its rate falling as a cosine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = correspondence(towers(world.spec, 64, maps), head=head, width=64)
    epochs = max(round(steps * batch / len(world)), 1)
    plan = Plan(
        epochs=epochs, batch=batch, optimizer="adam", lr=rate, weight_decay=0.0, seed=seed, log_every=10**6
    )
    fit(method, world, plan)
    method.eval()
    return method


@dataclass(frozen=True)
class Codes:
    """Of test pairs: aligned codes of pictures and of sounds, and the class."""

    seen: np.ndarray
    heard: np.ndarray
    label: np.ndarray

    def precision(self) -> tuple[float, float]:
        """Percent of the first ten that are of the class: from picture to sound, from sound to picture."""
        ways = ((self.seen, self.heard), (self.heard, self.seen))
        one, other = (retrieved(a, b, self.label)["precision@k"] for a, b in ways)
        assert one is not None
        assert other is not None
        return one, other


def codes_of(method: Correspondence, world: Sounding) -> Codes:
    """Of all pairs of a world."""
    seen, heard, index = codes_of_both(method, world, rows=len(world))
    assert world.labels is not None
    return Codes(seen, heard, world.labels[index])


def scores(method: Correspondence, world: Rows, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How much more likely than not pairs are joint, of joint pairs and of as many independent ones."""
    joint, product = [], []
    with torch.no_grad():
        for number, rows in enumerate(torch.arange(len(world)).split(250)):
            logits, _ = method.scored_pairs(world.take(rows), seeded(seed, "pairs", number))
            margin = (logits[:, 1] - logits[:, 0]).numpy()
            joint.append(margin[: len(rows)])
            product.append(margin[len(rows) :])
    return np.concatenate(joint), np.concatenate(product)


def accuracy(method: Correspondence, train: Sounding, test: Sounding, seed: int) -> float:
    """Percent of pairs of the test world told to be joint or not, by the threshold that is best on pairs of the
    training world."""
    joint, product = scores(method, train.subset(np.arange(min(len(train), 4000))), seed)
    values = np.sort(np.concatenate([joint, product]))
    # Right at threshold t: joint ones from t on, and independent ones below.
    right = (len(joint) - np.searchsorted(np.sort(joint), values)) + np.searchsorted(np.sort(product), values)
    threshold = values[int(right.argmax())]
    joint, product = scores(method, test, seed)
    return 100 * float((np.mean(joint >= threshold) + np.mean(product < threshold)) / 2)


def among(codes: Codes, temperature: float, candidates: int) -> float:
    """InfoNCE in nats of test pairs among so many, the mean of both ways."""
    seen, heard = torch.from_numpy(codes.seen), torch.from_numpy(codes.heard)
    candidates = min(candidates, len(seen))
    losses = []
    for start in range(0, len(seen) - candidates + 1, candidates):
        part = slice(start, start + candidates)
        matrix = seen[part] @ heard[part].T / temperature
        own = torch.arange(candidates)
        losses += [cross_entropy(matrix, own).item(), cross_entropy(matrix.T, own).item()]
    return float(np.log(candidates) - np.mean(losses))


def one_label(sets: Sets, method: Correspondence | None, seed: int) -> Mapping[str, Mapping[int, float]]:
    """Percent right by the nearest neighbour from 1 and 5 labels a class, over ten draws: of pictures by the eye,
    of recordings by the ear; of raw pixels and MFCC where there is no method."""
    found = {}
    for side, whole in (("eye", sets.pictures), ("ear", sets.recordings)):
        parts = [_some(part) for part in whole]
        train, test = (_described(part, side, method) for part in parts)
        labels = [np.asarray(part.labels) for part in parts]
        curve = few_labels(
            train, labels[0], test, labels[1], labels_per_class=(1, 5), draws=10, seed=seed, probes=("1-nn",)
        )
        found[side] = {count: mean for count, (mean, _) in curve.values["1-nn"].items()}
    return found


def _some(examples: Examples, most: int = 10_000) -> Examples:
    return examples.subset(np.linspace(0, len(examples) - 1, min(len(examples), most)).astype(int))


def unseen(sets: Sets, method: Correspondence | None, speaker: int) -> float:
    """Percent of digits by a speaker that is left out of the probe, by logistic regression on the ear's codes."""
    (heard, _) = sets.recordings
    assert heard.labels is not None
    out = heard.targets[sets.speaker].codes == speaker
    x = _described(heard, "ear", method)
    return linear(x[~out], heard.labels[~out], x[out], heard.labels[out], 0).accuracy


def without(sets: Sets, speaker: int) -> Sets:
    """The sets to learn from without a speaker's recordings."""
    heard = sets.recordings[0]
    kept = heard.targets[sets.speaker].codes != speaker
    return Sets(sets.pictures, (heard.subset(np.flatnonzero(kept)), sets.recordings[1]), sets.speaker)


def _described(examples: Examples, side: str, method: Correspondence | None) -> np.ndarray:
    found = []
    for some in torch.arange(len(examples)).split(500):
        batch = examples.take(some)
        x, _ = parted(batch)
        if method is not None:
            with torch.no_grad():
                code = method.encoder.eye(x) if side == "eye" else method.encoder.ear(x)
            found.append(code.numpy())
        elif side == "eye":
            found.append(x.flatten(1).float().numpy() / 255)
        else:
            rate = examples.spec.rate or 8000.0
            each = [mfcc(wave, rate) for wave in waves_of(batch)]
            found.append(np.stack([np.concatenate([one.mean(1), one.std(1)]) for one in each]))
    return np.concatenate(found).astype(np.float32)
