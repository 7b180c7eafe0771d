"""A bijection spoils a representation: its information stays to the last bit, and what probes can use of it
falls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from mutua import plots
from mutua.data import load
from mutua.encoders import Couplings
from mutua.evaluation import loss_data, over_orderings, usable_information
from mutua.information import mutual_information
from mutua.studies import LOGGER
from mutua.types import InputError, Result, Table

__all__ = ["PRESETS", "Config", "cipher", "decipher", "run"]


@dataclass(frozen=True)
class Config:
    """What is spoilt, and how.

    Args:
        gains: Of the random flow's weights, growing; 0 is the representation itself.
        layers: Couplings of the flow.
        hidden: Units of each of their hidden layers.
        examples: Digits, at most.
        families: Of probes, of linear, knn and mlp.
        estimate: Estimate mutual information with the label too, for the first seed.
        seeds: Splits and flows.
        seed: Of the first of them.
    """

    gains: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 3.0)
    layers: int = 6
    hidden: int = 64
    examples: int = 1797
    families: tuple[str, ...] = ("linear", "knn", "mlp")
    estimate: bool = True
    seeds: int = 3
    seed: int = 0


UNDONE = 1e-6
"""Of pixels with a deviation of 1: a way back within this has lost nothing that a probe could use."""

PRESETS = {"cpu": Config(), "full": Config(gains=(0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0), seeds=10)}

Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Bijection:
    """A map of rows (n, 64) in float64 and its inverse."""

    there: Map
    back: Map


def run(config: Config) -> Result:
    """Scikit-learn's digits, 64 pixels each, under bijections: a random flow of growing gain; a linear map of
    condition 10^6; their bits with a fixed pad added, and their bits enciphered in blocks of 64. Nothing is
    trained but the probes. The way back is carried out, and its largest error stands in the table: what I(z; y)
    was, it is.

    Paper: Tschannen et al. 2020, On Mutual Information Maximization for Representation Learning, arXiv:1907.13625;
    Xu et al. 2020, A Theory of Usable Information Under Computational Constraints, arXiv:2002.10689; Wheeler and
    Needham 1994, TEA, a Tiny Encryption Algorithm.
    """
    if config.seeds < 1 or len(config.gains) < 2 or config.gains[0] != 0:
        raise InputError(f"seeds={config.seeds}, gains={config.gains}; give 1 seed or more, and gains from 0 on")
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(config.seed, config.seed + config.seeds):
        pixels, bits, y = _digits(config.examples, seed)
        cases = {f"flow, gain {gain:g}": (pixels, _flow(config, gain, seed)) for gain in config.gains[1:]}
        cases = {
            "pixels": (pixels, _same()),
            **cases,
            "linear, condition 1e6": (pixels, _linear(seed)),
            "bits": (bits, _same()),
            "bits, a pad added": (bits, _pad(seed)),
            "bits, enciphered": (bits, Bijection(cipher, decipher)),
        }
        for name, (x, map_) in cases.items():
            LOGGER.info("seed %d: %s", seed, name)
            estimated = config.estimate and seed == config.seed and name.startswith(("pixels", "flow"))
            found.setdefault(name, []).append(_read(config, x, map_, y, seed, estimated))
    return _result(config, found)


def _digits(examples: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised pixels, bits, and classes, in random order."""
    images = load("digits", "all")
    order = np.random.default_rng(seed).permutation(len(images))[:examples]
    assert images.labels is not None
    x = np.asarray(images.take(torch.arange(len(images)))).reshape(len(images), -1)[order] / 255.0
    return (x - x.mean(0)) / np.maximum(x.std(0), 0.1), (x > 0.5).astype(np.float64), images.labels[order]


def _read(
    config: Config, x: np.ndarray, map_: Bijection, y: np.ndarray, seed: int, estimated: bool
) -> dict[str, float]:
    z = map_.there(x)
    row = {"error": float(np.abs(map_.back(z) - x).max())}
    for family in config.families:
        row[family] = usable_information(z, y, family=family, seed=seed).bits
    curve = loss_data(z, y, orderings=3, seed=seed)
    row["code"] = over_orderings(curve.description_length() / curve.sizes[-1])[0]
    if estimated:
        components = np.linalg.svd(z - z.mean(0), full_matrices=False)
        kept = components[0][:, :8] * components[1][:8]
        row["estimate"] = mutual_information(kept, y, effort="quick", permutations=19, seed=seed).value / np.log(2)
    return row


def _same() -> Bijection:
    return Bijection(lambda x: x, lambda z: z)


def _flow(config: Config, gain: float, seed: int) -> Bijection:
    torch.manual_seed(seed)
    net = Couplings(64, config.layers, config.hidden, False, 0.0, seed).double()
    for part in net.modules():
        if isinstance(part, nn.Linear):
            nn.init.kaiming_normal_(part.weight)
            part.weight.data *= gain
            nn.init.zeros_(part.bias)

    def mapped(function: Callable[[torch.Tensor], torch.Tensor]) -> Map:
        def call(x: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return function(torch.from_numpy(x)).numpy()

        return call

    return Bijection(mapped(net), mapped(net.inverse))


def _linear(seed: int) -> Bijection:
    random = np.random.default_rng(seed)
    u, v = (np.linalg.qr(random.normal(size=(64, 64)))[0] for _ in range(2))
    scales = np.logspace(0, -6, 64)
    return Bijection(lambda x: ((x @ u) * scales) @ v, lambda z: ((z @ v.T) / scales) @ u.T)


def _pad(seed: int) -> Bijection:
    pad = np.random.default_rng(seed).integers(0, 2, 64)
    return Bijection(lambda x: np.abs(x - pad), lambda z: np.abs(z - pad))


_KEY = (0x2B7E1516, 0x28AED2A6, 0xABF71588, 0x09CF4F3C)
_DELTA, _ROUNDS, _MASK = 0x9E3779B9, 32, np.uint64(0xFFFFFFFF)


def _mixed(half: np.ndarray, total: int, key: int) -> np.ndarray:
    turned = ((half << np.uint64(4)) ^ (half >> np.uint64(5))) + half
    return (turned ^ np.uint64((total + key) & 0xFFFFFFFF)) & _MASK


def cipher(bits: np.ndarray, key: tuple[int, int, int, int] = _KEY) -> np.ndarray:
    """64 bits a row through XTEA, 32 rounds under one key: one to one, and every bit hangs on every other.

    Paper: Needham and Wheeler 1997, Tea extensions.
    """
    left, right = _halves(bits)
    total = 0
    for _ in range(_ROUNDS):
        left = (left + _mixed(right, total, key[total & 3])) & _MASK
        total = (total + _DELTA) & 0xFFFFFFFF
        right = (right + _mixed(left, total, key[(total >> 11) & 3])) & _MASK
    return _bits(left, right)


def decipher(bits: np.ndarray, key: tuple[int, int, int, int] = _KEY) -> np.ndarray:
    """The bits that `cipher` made these of."""
    left, right = _halves(bits)
    total = (_DELTA * _ROUNDS) & 0xFFFFFFFF
    for _ in range(_ROUNDS):
        right = (right - _mixed(left, total, key[(total >> 11) & 3])) & _MASK
        total = (total - _DELTA) & 0xFFFFFFFF
        left = (left - _mixed(right, total, key[total & 3])) & _MASK
    return _bits(left, right)


def _halves(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    place = np.uint64(1) << np.arange(31, -1, -1, dtype=np.uint64)
    whole = bits.astype(np.uint64)
    return (whole[:, :32] * place).sum(1, dtype=np.uint64), (whole[:, 32:] * place).sum(1, dtype=np.uint64)


def _bits(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    shift = np.arange(31, -1, -1, dtype=np.uint64)
    return np.hstack([(half[:, None] >> shift) & np.uint64(1) for half in (left, right)]).astype(np.float64)


def _result(config: Config, found: dict[str, list[dict[str, float]]]) -> Result:
    def mean(name: str, key: str) -> tuple[float, float]:
        values = [row[key] for row in found[name]]
        return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

    rows: list[list[Any]] = [
        [
            name,
            *(mean(name, family) for family in config.families),
            mean(name, "code"),
            found[name][0].get("estimate"),
            max(row["error"] for row in found[name]),
        ]
        for name in found
    ]
    columns = [
        "representation",
        *(f"{family}, bits" for family in config.families),
        "code, bits a label",
        "I(z; y) estimated, bits",
        "error of the way back",
    ]
    note = (
        f"Usable information about the digit in bits, on a quarter of {config.examples:,} digits held out, of "
        "log2 10 = 3.32, and the prequential code of a label by the linear family; mean and deviation over "
        f"{config.seeds} splits and flows. The way back is in float64. The estimate is of the eight principal "
        "components of the code, so that critics can be trained: it may fall where the information does not."
    )
    first, lead = f"flow, gain {config.gains[1]:g}", config.families[0]
    lost = {
        gain: max(row["error"] for row in found[f"flow, gain {gain:g}"]) for gain in config.gains[1:]
    }  # a flow whose way back rounding has cut is no bijection of what is held
    undone = [gain for gain, error in lost.items() if error < UNDONE]
    words = []
    if undone:
        last = max(undone)
        words.append(
            f"Of the pixels {lead} probes use {mean('pixels', lead)[0]:.2f} bits, after a flow of gain {last:g} "
            f"{mean(f'flow, gain {last:g}', lead)[0]:.2f}, though the way back gives every pixel within "
            f"{lost[last]:.0e}: the information is the same."
        )
    words += [
        f"At gain {gain:g} float64 itself loses the way back (by {error:.0e}): that flow proves nothing."
        for gain, error in lost.items()
        if error >= UNDONE
    ]
    words += [
        f"At gain {config.gains[1]:g} it is {mean(first, lead)[0]:.2f}: a bijection can also leave it.",
        f"A pad added to the bits changes {mean('bits', lead)[0]:.2f} bits to "
        f"{mean('bits, a pad added', lead)[0]:.2f}; "
        f"a block cipher leaves {mean('bits, enciphered', lead)[0]:.2f}, to any of the probes.",
    ]
    caption = "Usable information against the gain of a random bijection; the band is a deviation over seeds."
    return Result(
        "A bijection spoils a representation",
        [Table("Usable information under bijections", columns, rows, note)],
        {caption: _figure(config, mean)},
        words,
        asdict(config),
    )


def _figure(config: Config, mean: Callable[[str, str], tuple[float, float]]) -> str:
    names = ["pixels", *(f"flow, gain {gain:g}" for gain in config.gains[1:])]
    with plots.figure(5.5, 3.4) as (fig, axes):
        for family in config.families:
            middle, spread = np.array([mean(name, family) for name in names]).T
            axes.plot(config.gains, middle, marker="o", label=family)
            axes.fill_between(config.gains, middle - spread, middle + spread, alpha=0.2)
        axes.axhline(np.log2(10), color=plots.COLOURS[6], linestyle=":", label="H(y)")
        axes.set(xlabel="gain of the flow", ylabel="usable information, bits")
        axes.legend()
        return plots.svg(fig)
