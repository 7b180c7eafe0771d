"""What users train: a paper is a function that returns a method, its published values as defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mutua.methods.barlow_twins import BarlowTwins, barlow_twins
from mutua.methods.byol import BYOL, byol
from mutua.methods.colorization import Colorization, colorization
from mutua.methods.deep_infomax import DeepInfoMax, deep_infomax
from mutua.methods.denoising import Denoising, denoising
from mutua.methods.inpainting import Inpainting, inpainting
from mutua.methods.masked import Masked, masked
from mutua.methods.moco import MoCo, moco
from mutua.methods.rotation import rotation
from mutua.methods.simclr import simclr
from mutua.methods.simsiam import SimSiam, simsiam
from mutua.methods.undo import Undo, undo
from mutua.methods.vicreg import VICReg, vicreg
from mutua.training import Plan
from mutua.types import Method

__all__ = [
    "BYOL",
    "METHODS",
    "BarlowTwins",
    "Colorization",
    "DeepInfoMax",
    "Denoising",
    "Inpainting",
    "Masked",
    "MoCo",
    "Published",
    "SimSiam",
    "Undo",
    "VICReg",
    "barlow_twins",
    "byol",
    "colorization",
    "deep_infomax",
    "denoising",
    "inpainting",
    "masked",
    "moco",
    "rotation",
    "simclr",
    "simsiam",
    "undo",
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
        caption: what a page says of the examples that it shows as the method saw them.
        small: settings of a quick run: heads of a few units, as the tests take them.
    """

    compose: Callable[..., Method]
    plan: Plan
    encoder: Mapping[str, str]
    about: str
    small: Mapping[str, Any] = field(default_factory=dict)
    caption: str = (
        "Each row is one example and the views drawn of it. The method learns to tell which views belong "
        "together: what they do not share, it cannot keep."
    )

    @property
    def takes(self) -> frozenset[str]:
        """The kinds of data that it learns from."""
        return frozenset(self.encoder)


_VIEWED = {"image": "resnet18", "sound": "logmel", "series": "convnet", "table": "mlp"}
"""Whatever has views."""

_RESTORED = "Each row is one example: as it is, as the encoder was shown it, and what was made of that."

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
    "inpainting": Published(
        inpainting,
        # The authors' code, whose generator has ten times the discriminator's rate.
        Plan(epochs=500, batch=64, optimizer="adam", lr=2e-4, weight_decay=0.0, momentum=0.5, schedule="constant"),
        {"image": "dim32"},
        "Fills a hole in an image from what surrounds it.",
        {"width": 4},
        _RESTORED,
    ),
    "masked": Published(
        masked,
        Plan(
            epochs=800,
            batch=4096,
            optimizer="adamw",
            lr=1.5e-4,
            scaling="linear",
            weight_decay=0.05,
            beta2=0.95,
            warmup=40,
        ),
        {"image": "vit"},
        "Tells most patches of an image from the few that are shown.",
        {"width": 32, "layers": 1},
        f"{_RESTORED} Where patches are told in their own mean and deviation, those are lent to the picture.",
    ),
    "denoising": Published(
        denoising,
        Plan(epochs=100, batch=128, optimizer="adam", lr=1e-3, weight_decay=0.0),
        {"image": "dim32", "table": "mlp"},
        "Restores an example whose pixels or columns were spoiled.",
        {"width": 4},
        _RESTORED,
    ),
    "undo": Published(
        undo,
        # The authors' drops are at 240, 480, 640, 800 and 1,000 epochs.
        Plan(epochs=1500, batch=512, optimizer="sgd", lr=0.1, weight_decay=5e-4, schedule="steps"),
        {"image": "dim32"},
        "Tells by which map, and change of colour, one image became another.",
        {"rotation": 30.0, "translation": 0.05, "scale": (0.9, 1.1), "shear": 10.0, "colour": 0.5},
        "Each row is one example and the pair that the encoder sees: a window of it, and the same transformed.",
    ),
    "colorization": Published(
        colorization,
        # The authors' rate falls tenfold at 45 % and 75 % of training, and their weight decay is the gradient's.
        Plan(epochs=15, batch=40, optimizer="adamw", lr=3e-5, weight_decay=1e-3, beta2=0.99, schedule="steps"),
        {"image": "dim32-lightness"},
        "Tells the colours of a picture from its lightness.",
        {},
        "Each row is one example: as it is, as the encoder sees it, and in the colours that it told. T is the "
        "temperature of the distribution over colours whose mean is taken: 1 is dull, 0 blotchy. The regression "
        "is to the mean colour, which greys.",
    ),
}
