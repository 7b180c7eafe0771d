"""What a task taught, in one unit for all tasks that predict classes: nats on examples not learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from mutua.data import KINDS
from mutua.evaluation.features import inputs, placed, reading
from mutua.objectives import Telling, Told, entropy
from mutua.training.order import seeded
from mutua.types import InputError, Rows, Spec, Table

__all__ = ["Learned", "nats_learned", "nats_table"]


@dataclass(frozen=True)
class Learned:
    """H(label) - cross-entropy in nats, a lower bound on I(label; input); its standard error over examples.

    Args:
        nats: learned, of at most `most`; below 0 where the task is told worse than by the labels' frequencies.
        error: standard error of `nats`, over examples (labels of one example go together).
        most: H(label).
        accuracy: percent of the labels that were thought the likeliest.
        classes: how many classes the label has.
        examples: that were read.
    """

    nats: float
    error: float
    most: float
    accuracy: float
    classes: int
    examples: int


def nats_learned(
    method: Telling,
    examples: Rows,
    *,
    rows: int = 5_000,
    seed: int = 0,
    batch: int = 128,
    device: torch.device | str = "cpu",
) -> Learned:
    """How many nats of its label a method tells on examples that it has not learned from, in eval mode.

        nats = H(label) - mean over examples of -log q(label | input)   <=   I(label; input)

    One unit for all tasks: rotation has at most ln 4 = 1.386, relative position ln 8 or a little less, a jigsaw of
    72 permutations ln 72 = 4.277, colour the entropy of the bins a pixel. An untrained network learns 0 or less.

    Args:
        method: anything with `told`, such as `Predictive`.
        rows: at most so many of the examples, evenly over all.
        seed: of what the task draws.

    Raises `InputError` for no examples.

    Paper: Barber and Agakov 2003, The IM Algorithm: A Variational Approach to Information Maximization.
    """
    n = len(examples)
    if n == 0:
        raise InputError("examples: there are none to tell anything of; give at least one")
    index = torch.linspace(0, n - 1, min(n, rows)).long()
    found: list[Told] = []
    with reading(method, device):  # type: ignore[arg-type]
        # Examples that lie apart, so that windows of several clips are among those of a batch.
        count = -(-len(index) // batch)
        for number, part in enumerate(index[number::count] for number in range(count)):
            found.append(method.told(placed(inputs(examples.take(part)), device), seeded(seed, "told", number)))
    losses = torch.cat([one.losses for one in found]).double()
    labels = torch.stack([one.labels for one in found]).sum(0).double()
    known = found[0].entropy
    most = float(entropy(labels)) if known is None else known
    spread = float(losses.std()) if len(losses) > 1 else float("nan")
    return Learned(
        most - float(losses.mean()),
        spread / len(losses) ** 0.5,
        most,
        100 * float(torch.cat([one.right for one in found]).mean()),
        len(labels),
        len(losses),
    )


def nats_table(learned: Mapping[str, Learned], examples: Rows) -> Table:
    """A row for each method: what was learned, of how much."""
    spec = getattr(examples, "spec", None)
    what = KINDS[spec.kind].plural if isinstance(spec, Spec) else "examples"
    rows = [
        [name, one.nats, one.error, one.most, 100 * one.nats / one.most, one.accuracy, 100 / one.classes]
        for name, one in learned.items()
    ]
    read = max((one.examples for one in learned.values()), default=0)
    note = (
        f"On {read:,} {what}, by the head each was trained with: H(label) - cross-entropy of the task's label, "
        "a lower bound on the information that the features give of it (Barber and Agakov 2003). Error: standard "
        "error over examples. What a task teaches says nothing of what it is good for: see the probes."
    )
    columns = ["encoder", "nats learned", "error", "of at most", "share, %", "told right, %", "one of, %"]
    return Table("Nats learned", columns, rows, note)
