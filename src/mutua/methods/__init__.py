"""What users train: a paper is a function that returns a method, its published values as defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mutua.methods.deep_infomax import DeepInfoMax, deep_infomax
from mutua.methods.rotation import rotation
from mutua.methods.simclr import simclr
from mutua.training import Plan
from mutua.types import Method

__all__ = ["METHODS", "DeepInfoMax", "Published", "deep_infomax", "rotation", "simclr"]


@dataclass(frozen=True)
class Published:
    """A method: the function that composes it, its published plan and network, what it is in a line."""

    compose: Callable[..., Method]
    plan: Plan
    encoder: dict[str, str]
    takes: frozenset[str]
    about: str


METHODS: dict[str, Published] = {
    "simclr": Published(
        simclr,
        # Square-root scaling and weight decay of the paper's CIFAR-10 appendix B.9, at batch 512, with AdamW's
        # rate for encoders without 4,096 examples a batch; `optimizer="lars"` with lr 1.0 is the paper's own.
        Plan(epochs=200, batch=512, optimizer="adamw", lr=1e-3, weight_decay=1e-4, warmup=10),
        {"image": "resnet18", "sound": "wave", "series": "convnet", "table": "mlp"},
        frozenset({"image", "sound", "series", "table"}),
        "two augmentations of an image against those of all others",
    ),
    "deep_infomax": Published(
        deep_infomax,
        Plan(
            epochs=1000, batch=64, optimizer="adam", lr=1e-4, weight_decay=0.0, momentum=0.5, schedule="constant"
        ),
        {"image": "dim32"},
        frozenset({"image"}),
        "a summary of an image against the parts of all images",
    ),
    "rotation": Published(
        rotation,
        Plan(epochs=100, batch=128, optimizer="sgd", lr=0.1, weight_decay=5e-4, schedule="steps"),
        {"image": "resnet18"},
        frozenset({"image"}),
        "by how many quarter turns the image was rotated",
    ),
}
