"""Learning from several views of each example, passed through one encoder and one head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.objectives.batches import joined
from mutua.ranks import gather, mine, world
from mutua.types import Batch, Embedding, InputError, View, parted, wide

__all__ = ["Siamese", "Views", "draw_views", "drawn_of", "head_mlp", "viewed"]

Views = View | Sequence[View]
"""The view that all views of an example are drawn from, or one for each."""


def draw_views(view: View, batch: Batch, generator: Generator) -> Batch:
    """One view of each example, its parameters drawn for the batch of all ranks so that ranks don't matter."""
    return viewed(view, batch, drawn_of(view, batch, generator))


def drawn_of(view: View, batch: Batch, generator: Generator) -> dict[str, Any]:
    """Parameters of the view for this rank's examples."""
    x, _ = parted(batch)
    return mine(view.draw(len(x) * world(), tuple(x.shape[1:]), generator))


def viewed(view: View, batch: Batch, parameters: Mapping[str, Any]) -> Batch:
    """The view applied, in full precision."""
    x, _ = parted(batch)
    with torch.autocast(x.device.type, enabled=False):  # it would round pixels to fewer levels than they have
        return view.apply(batch, parameters)


def head_mlp(*widths: int, norm: bool = True, last_bias: bool = True, last_norm: bool = False) -> nn.Sequential:
    """A head as papers have them: linear, batch norm, ReLU for each hidden layer, then linear.

    Only the loss sees what comes out of it. A hidden layer that is normalised has no bias: the norm would subtract
    it.

    Args:
        widths: inputs, units of each hidden layer, outputs. SimCLR has one hidden layer, VICReg two.
        norm: batch norm after each hidden layer.
        last_bias: of the last layer.
        last_norm: batch norm after the last layer, without scale and shift, as SimSiam has it; then no bias there.
    """
    if min(widths) < 1:
        raise InputError(f"width: {min(widths)} is too few; give each layer of the head 1 or more")
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths[:-1]):
        layers += [nn.Linear(inputs, outputs, bias=not norm)]
        layers += [nn.BatchNorm1d(outputs)] if norm else []
        layers += [nn.ReLU(inplace=True)]  # linear layers and norms keep their inputs alone
    layers += [nn.Linear(widths[-2], widths[-1], bias=last_bias and not last_norm)]
    layers += [nn.BatchNorm1d(widths[-1], affine=False)] if last_norm else []
    return nn.Sequential(*layers)


class Siamese(Embedding):
    """Views of an example are encoded: a subclass says in `judge` what is wanted of them.

        z_ik = encoder(view_k(x_i)),  loss = judge(z)

    Args:
        encoder: a batch of any kind to vectors (n, d); what is kept.
        head: (n, d) to (n, k), thrown away after training. It belongs to `judge`, where features are small and its
            batch norm sees the whole batch.
        view: the random transformation that the representation shall not see; or a sequence, one for each view,
            where papers make the first otherwise than the second.
        views: how many of each example.
    """

    together: ClassVar[bool] = False
    """Whether the views pass through the networks as one batch, so that batch norm's statistics are of all of them
    (SimCLR's authors), or one after another, each with its own (most others)."""

    def __init__(self, encoder: nn.Module, head: nn.Module, view: Views, views: int = 2) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.of_each = tuple(view) if isinstance(view, Sequence) else (view,) * views
        if len(self.of_each) != views:
            raise InputError(f"view: {len(self.of_each)} of them for {views} views; give one, or one for each")
        self.view = self.of_each[0]
        self.views = views

    def draw(self, batch: Batch, generator: Generator) -> dict[str, Any]:
        """Parameters of each view for this rank's examples, drawn for the batch of all ranks."""
        return {f"view {k + 1}": drawn_of(view, batch, generator) for k, view in enumerate(self.of_each)}

    def viewed(self, batch: Batch, drawn: Mapping[str, Any]) -> list[Batch]:
        """Each view of the examples."""
        return [viewed(view, batch, drawn[f"view {k + 1}"]) for k, view in enumerate(self.of_each)]

    def through(self, network: nn.Module, views: Sequence[Batch]) -> list[Float[Tensor, "n d"]]:
        """The network's vectors of each view."""
        if self.together:
            return list(network(joined(views)).flatten(1).chunk(len(views)))
        return [network(view).flatten(1) for view in views]

    def embed(self, batch: Batch, drawn: Mapping[str, Any]) -> Float[Tensor, "n v d"]:
        """The encoder's features of each view."""
        return torch.stack(self.through(self.encoder, self.viewed(batch, drawn)), 1)

    def projected(self, z: Float[Tensor, "n v d"]) -> list[Float[Tensor, "n k"]]:
        """The head's vectors of each view."""
        return self.through(self.head, z.unbind(1))

    def everyone(self, z: Float[Tensor, "n v d"]) -> list[Float[Tensor, "m k"]]:
        """The head's vectors of each view, of the examples of all ranks, in float32 at least."""
        return [gather(wide(x)) for x in self.projected(z)]

    @staticmethod
    def exactly(z: Tensor) -> AbstractContextManager[Any]:
        """Within it autocast rounds nothing."""
        return torch.autocast(z.device.type, enabled=False)

    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        views = {f"view {k + 1}": draw_views(view, batch, generator) for k, view in enumerate(self.of_each)}
        return {"original": batch, **views}

    def encode(self, x: Batch) -> Tensor:
        return self.encoder(x).flatten(1)
