"""The control that has all the labels, and what few labels make of a learned encoder when all of it may move."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mutua.data import KINDS, Examples
from mutua.evaluation.features import placed, reading
from mutua.evaluation.probes.few_labels import draw
from mutua.evaluation.probes.score import Score, percent_right
from mutua.evaluation.table import check_alike
from mutua.training import Plan, fit
from mutua.types import Batch, InputError, Method, Step, View

__all__ = ["FINETUNE", "SUPERVISED", "Labelled", "Supervised", "finetune", "supervised"]

SUPERVISED = Plan(epochs=30, batch=128, optimizer="adamw", lr=1e-3, weight_decay=5e-4, warmup=1)
FINETUNE = Plan(epochs=30, batch=64, optimizer="adamw", lr=3e-4, weight_decay=5e-4, warmup=1)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Examples with their labels as rows: a batch is (examples, class numbers (k,))."""

    examples: Examples

    def __post_init__(self) -> None:
        if self.examples.labels is None:
            what = KINDS[self.examples.spec.kind].plural
            raise InputError(f"{what}: they have no labels, which training with labels needs; give class folders")

    def __len__(self) -> int:
        return len(self.examples)

    def take(self, index: Tensor) -> tuple[Batch, Tensor]:
        assert self.examples.labels is not None
        return self.examples.take(index), torch.from_numpy(self.examples.labels[index.numpy(force=True)])


class Supervised(Method):
    """Cross-entropy of a linear head on an encoder's output (its last depth), both trained.

    Args:
        encoder: examples to features (n, ...), which are flattened; their number is its `width`, which every
            encoder of `mutua.encoders` has.
        classes: how many; labels are 0 to classes - 1.
        view: a random transformation of each training batch; none by default.
    """

    def __init__(self, encoder: nn.Module, classes: int, view: View | None = None) -> None:
        super().__init__()
        if classes < 2:
            raise InputError(f"classes: {classes}; a classifier needs at least two")
        width = getattr(encoder, "width", None)
        if not isinstance(width, int):
            raise InputError(
                f"encoder: {type(encoder).__name__} has no `width`, the number of its features; "
                "wrap it as mutua.encoders.Wrapped(module, channels, size)"
            )
        self.encoder = encoder
        self.head = nn.Linear(width, classes)
        self.view = view

    def step(self, batch: tuple[Batch, Tensor], generator: Generator) -> Step:
        """Logs `accuracy`, in percent of the batch."""
        examples, labels = batch
        if self.view is not None:
            examples = self.view(examples, generator)
        scores = self(examples)  # (n, classes)
        right = (scores.detach().argmax(1) == labels).float().mean()
        return Step(F.cross_entropy(scores.float(), labels), {"accuracy": 100 * right})

    def encode(self, x: Batch) -> Tensor:
        return self.encoder(x).flatten(1)

    def forward(self, batch: Batch) -> Tensor:
        """Scores of the classes, (n, classes)."""
        return self.head(self.encode(batch))


def _classes(train: Examples, test: Examples) -> int:
    if train.labels is None or test.labels is None:
        raise InputError(
            f"{'train' if train.labels is None else 'test'}: its examples have no labels; give both some"
        )
    check_alike(train, test)
    return max(len(train.classes), int(train.labels.max()) + 1)


def _judge(method: Supervised, test: Examples, batch: int) -> float:
    device = next(method.parameters()).device
    predicted = []
    with reading(method, device):
        for rows in torch.arange(len(test)).split(batch):
            predicted.append(method(placed(test.take(rows), device)).argmax(1).numpy(force=True))
    assert test.labels is not None
    return percent_right(np.concatenate(predicted), test.labels)


def _trained(
    encoder: nn.Module, train: Examples, test: Examples, view: View | None, plan: Plan, progress: bool, what: str
) -> tuple[Supervised, Score]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)  # of the head
        method = Supervised(encoder, _classes(train, test), view)
    fit(method, Labelled(train), plan, progress=progress)
    examples = f"{len(train)} labelled {KINDS[train.spec.kind].plural}"
    protocol = (
        f"{what}: cross-entropy on {examples}, {plan.epochs} epochs of {plan.optimizer} at {plan.lr:g}, "
        f"{'augmented by the view given' if view is not None else 'without augmentation'}, "
        "the last epoch taken"
    )
    settings = {"epochs": plan.epochs, "lr": plan.lr, "weight_decay": plan.weight_decay, "batch": plan.batch}
    return method, Score(_judge(method, test, 512), settings, protocol)


def supervised(
    build: Callable[[], nn.Module],
    train: Examples,
    test: Examples,
    *,
    view: View | None = None,
    plan: Plan = SUPERVISED,
    progress: bool = False,
) -> tuple[Supervised, Score]:
    """Full supervision: the network that `build` makes, weights random by the plan's seed, trained on all labels.

    Returns the trained method, whose `encoder` can stand in a table beside the others, and its own accuracy on
    test. Test is read once, at the end; nothing is chosen by it.

    Raises `InputError` for examples without labels, or of two shapes.
    """
    _classes(train, test)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        encoder = build()
    return _trained(encoder, train, test, view, plan, progress, "full supervision")


def finetune(
    encoder: nn.Module,
    train: Examples,
    test: Examples,
    *,
    labels_per_class: int | None = None,
    view: View | None = None,
    plan: Plan = FINETUNE,
    progress: bool = False,
) -> tuple[Supervised, Score]:
    """A copy of a learned encoder and a new head, trained together on all labels, or on some of every class.

    The encoder given is left as it is. The labels are drawn by the plan's seed, as in `few_labels`; the epochs
    grow where they are few, to some 300 steps in all.

    Raises `InputError` for examples without labels or of two shapes, and for more labels than a class has.
    """
    _classes(train, test)
    assert train.labels is not None
    what = "fine-tuning of all weights"
    if labels_per_class is not None:
        smallest = int(np.unique(train.labels, return_counts=True)[1].min())
        if not 1 <= labels_per_class <= smallest:
            raise InputError(
                f"labels_per_class: {labels_per_class} where the smallest class has {smallest}; use at most that"
            )
        train = train.subset(draw(train.labels, labels_per_class, plan.seed))
        what += f" with {labels_per_class} labels a class"
    steps = max(len(train) // plan.batch, 1)
    plan = replace(plan, epochs=max(plan.epochs, -(-300 // steps)))
    return _trained(copy.deepcopy(encoder), train, test, view, plan, progress, what)
