"""What users train: a paper is a function that returns a method, its published values as defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mutua.methods.barlow_twins import BarlowTwins, barlow_twins
from mutua.methods.byol import BYOL, byol
from mutua.methods.cpc import cpc
from mutua.methods.deep_infomax import DeepInfoMax, deep_infomax
from mutua.methods.moco import MoCo, moco
from mutua.methods.rotation import rotation
from mutua.methods.simclr import simclr
from mutua.methods.simsiam import SimSiam, simsiam
from mutua.methods.vicreg import VICReg, vicreg
from mutua.training import Plan
from mutua.types import Method

__all__ = [
    "BYOL",
    "METHODS",
    "BarlowTwins",
    "DeepInfoMax",
    "MoCo",
    "Published",
    "SimSiam",
    "VICReg",
    "barlow_twins",
    "byol",
    "cpc",
    "deep_infomax",
    "moco",
    "rotation",
    "simclr",
    "simsiam",
    "vicreg",
]


@dataclass(frozen=True)
class Published:
    """A method of the catalogue.

    Args:
        compose: the function that makes it of an encoder; its signature has the published settings.
        plan: how it is trained as published.
        encoder: the default encoder of each kind of data that it takes.
        about: what it learns from, in a sentence.
        small: settings of a quick run: heads of a few units, as the tests take them.
    """

    compose: Callable[..., Method]
    plan: Plan
    encoder: Mapping[str, str]
    about: str
    small: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes(self) -> frozenset[str]:
        """The kinds of data that it learns from."""
        return frozenset(self.encoder)


_VIEWED = {"image": "resnet18", "sound": "logmel", "series": "convnet", "table": "mlp"}
"""Whatever has views."""

METHODS: dict[str, Published] = {
    "simclr": Published(
        simclr,
        # Square-root scaling and weight decay of the paper's CIFAR-10 appendix B.9, at batch 512, with AdamW's
        # rate for encoders without 4,096 examples a batch; `optimizer="lars"` with lr 1.0 is the paper's own.
        Plan(epochs=200, batch=512, optimizer="adamw", lr=1e-3, weight_decay=1e-4, warmup=10),
        _VIEWED,
        "Tells two views of an example from the views of all others.",
        {"width": 16, "temperature": 0.1, "views": 3},
    ),
    "moco": Published(
        moco,
        # The authors' CIFAR-10 demonstration, but for Nesterov's momentum.
        Plan(epochs=200, batch=512, optimizer="sgd", lr=0.06, weight_decay=5e-4),
        _VIEWED,
        "Tells a view of an example from examples of earlier batches, as a slow copy of the network sees them.",
        {"width": 16, "queue": 32},
    ),
    "byol": Published(
        byol,
        Plan(epochs=1000, batch=4096, optimizer="lars", lr=0.2, scaling="linear", weight_decay=1.5e-6, warmup=10),
        _VIEWED,
        "Predicts from one view of an example what a slow copy of the network makes of another.",
        {"width": 16, "hidden": 32},
    ),
    "simsiam": Published(
        simsiam,
        # The paper's CIFAR-10 appendix D, but for Nesterov's momentum and a predictor's rate that falls too.
        Plan(epochs=800, batch=512, optimizer="sgd", lr=0.03, scaling="linear", weight_decay=5e-4),
        _VIEWED,
        "Predicts from one view of an example what the network makes of another.",
        {"width": 32, "bottleneck": 8},
    ),
    "barlow_twins": Published(
        barlow_twins,
        # The authors give biases and norms a rate of 0.0048 and leave the schedule at a thousandth of the peak.
        Plan(epochs=1000, batch=2048, optimizer="lars", lr=0.2, scaling="linear", weight_decay=1e-6, warmup=10),
        _VIEWED,
        "Makes each feature agree between two views of an example, and differ from every other feature.",
        {"width": 16},
    ),
    "vicreg": Published(
        vicreg,
        Plan(epochs=1000, batch=2048, optimizer="lars", lr=0.2, scaling="linear", weight_decay=1e-6, warmup=10),
        _VIEWED,
        "Makes two views of an example agree, while features vary and are uncorrelated.",
        {"width": 16},
    ),
    "deep_infomax": Published(
        deep_infomax,
        Plan(
            epochs=1000, batch=64, optimizer="adam", lr=1e-4, weight_decay=0.0, momentum=0.5, schedule="constant"
        ),
        {"image": "dim32"},
        "Tells the parts of an image from those of all others by its summary.",
        {"units": 16, "alpha": 0.5, "locations": 2},
    ),
    "rotation": Published(
        rotation,
        Plan(epochs=100, batch=128, optimizer="sgd", lr=0.1, weight_decay=5e-4, schedule="steps"),
        {"image": "resnet18"},
        "Tells which of four rotations an image was given.",
    ),
    "cpc": Published(
        cpc,
        # The paper's audio: 8 workers of 8 windows, each contrasted within itself.
        Plan(epochs=100, batch=32, optimizer="adam", lr=2e-4, weight_decay=0.0, schedule="constant"),
        {"sound": "wave-gru", "series": "rows-gru", "image": "grid", "text": "sentences"},
        "Tells what comes next in a recording, a series, an image or a text from what comes elsewhere.",
        {"steps": 2, "candidates": 12},
    ),
}
