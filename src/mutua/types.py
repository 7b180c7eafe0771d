"""The words the floors speak to each other in. Imports nothing of mutua.

The one idea: draw pairs from a joint p(a, b) and from the product p(a)p(b), let a critic T(a, b) tell them
apart, and its optimum is log p(a, b)/p(a)p(b). A `Critic` scores, an arrangement (`mutua.scores`) says which
scores are joint and which are from the product, a `Bound` reads them, and training follows its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn

__all__ = [
    "Bound",
    "Contrast",
    "Critic",
    "Elementwise",
    "Embedding",
    "Encode",
    "Encoder",
    "InnerProduct",
    "InputError",
    "Method",
    "Result",
    "Rows",
    "Scores",
    "Step",
    "Table",
    "View",
    "inner_products",
    "wide",
]

Elementwise = Callable[[Tensor], Tensor]


class InputError(ValueError):
    """An input that cannot be used. Its text is one line: the file or argument, what was seen, the mend.

    The command line prints the line and exits with 2; in Python it is an ordinary ``ValueError``.
    """


# --- scores, and what reads them ---------------------------------------------------------------------------


@runtime_checkable
class Scores(Protocol):
    """Critic values of n anchors: p joint partners each, and others drawn from the product.

    A bound sees the product only through the reductions below, so that an implementation may stream them
    block by block and never hold the n x n matrix. `*b` are leading batch axes (blocks, horizons): every
    reduction keeps them.
    """

    @property
    def joint(self) -> Float[Tensor, "*b n p"]:
        """T(a_i, b) for the partners b that were drawn with a_i."""
        ...

    @property
    def others(self) -> int:
        """How many draws from the product each anchor is scored against, K - 1 of InfoNCE."""
        ...

    def mean(self, g: Elementwise) -> Float[Tensor, "*b"]:
        """Mean of g(T) over the product. g acts elementwise."""
        ...

    def logmeanexp(self, g: Elementwise | None = None) -> Float[Tensor, "*b"]:
        """log of the mean of exp(g(T)) over the whole product; g is the identity where it is not given."""
        ...

    def row_logmeanexp(self) -> Float[Tensor, "*b n"]:
        """log of the mean of exp(T) over each anchor's own draws from the product (its partners left out)."""
        ...


Bound = Callable[[Scores], Float[Tensor, "*b"]]
"""Scores to nats. A lower bound, or an estimate that is none: the catalogue's `side` says which."""

Contrast = Callable[[Scores], Float[Tensor, "*b"]]
"""Scores to a value that training raises and that is no estimate of mutual information (JSD, logistic)."""


class Critic(nn.Module):
    """T(x, y). Law, in eval mode: the diagonal of `matrix` is `forward`.

    `forward` broadcasts the leading axes of x against those of y: that is how `matrix` makes all pairs.
    """

    def forward(self, x: Float[Tensor, "*#n dx"], y: Float[Tensor, "*#n dy"]) -> Float[Tensor, "*#n"]:
        raise NotImplementedError(f"{type(self).__name__} must define forward(x, y)")

    def matrix(self, x: Float[Tensor, "*b n dx"], y: Float[Tensor, "*b m dy"]) -> Float[Tensor, "*b n m"]:
        """T(x_i, y_j) for all pairs."""
        return self(x.unsqueeze(-2), y.unsqueeze(-3))  # (*b, n, 1, dx), (*b, 1, m, dy) -> (*b, n, m)


class InnerProduct(Critic):
    """A critic that factorises: T(x, y) = <left(x), right(y)>.

    Streaming, gradient caching and gathering across ranks cut at `left` and `right`.
    """

    def left(self, x: Float[Tensor, "*n dx"]) -> Float[Tensor, "*n k"]:
        raise NotImplementedError(f"{type(self).__name__} must define left(x)")

    def right(self, y: Float[Tensor, "*m dy"]) -> Float[Tensor, "*m k"]:
        raise NotImplementedError(f"{type(self).__name__} must define right(y)")

    def both(self, x: Float[Tensor, "*n dx"]) -> Float[Tensor, "*n k"] | None:
        """phi(x) where T(x, y) = <phi(x), phi(y)>, which halves the work of scoring x with itself; else none."""
        return None

    def forward(self, x: Float[Tensor, "*#n dx"], y: Float[Tensor, "*#n dy"]) -> Float[Tensor, "*#n"]:
        return (self.left(x) * self.right(y)).sum(-1)

    def matrix(self, x: Float[Tensor, "*b n dx"], y: Float[Tensor, "*b m dy"]) -> Float[Tensor, "*b n m"]:
        return inner_products(self.left(x), self.right(y))


def inner_products(left: Float[Tensor, "*b n k"], right: Float[Tensor, "*b m k"]) -> Float[Tensor, "*b n m"]:
    """<left_i, right_j> in float32 at least, autocast or not: a softmax would compare what bfloat16 rounds."""
    with torch.autocast(left.device.type, enabled=False):
        return wide(left) @ wide(right).mT


def wide(x: Tensor) -> Tensor:
    """At least float32."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


# --- what is learned, and how ------------------------------------------------------------------------------


@runtime_checkable
class View(Protocol):
    """A random transformation of a batch, its parameters drawn per image.

    `draw` makes the parameters and `apply` uses them, so that one draw can be shown, repeated, or handed to a
    faster kernel. Images are (n, c, h, w): uint8, or float in [0, 1].
    """

    def draw(self, n: int, height: int, width: int, generator: Generator) -> dict[str, Any]: ...
    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor: ...
    def __call__(self, images: Tensor, generator: Generator) -> Tensor: ...


@runtime_checkable
class Encoder(Protocol):
    """A network that can be read at named depths, shallow to deep. The last is what calling it returns."""

    @property
    def depths(self) -> tuple[str, ...]: ...
    def read(self, images: Tensor, depths: Sequence[str]) -> dict[str, Tensor]: ...
    def __call__(self, images: Tensor) -> Tensor: ...


Encode = Callable[[Tensor], Float[Tensor, "n d"]]
"""Anything that turns a batch of inputs into a batch of vectors: what evaluation needs, and all it needs."""


@runtime_checkable
class Rows(Protocol):
    """Data that can be read by row number. `take` of a LongTensor gives the batch (a tensor, or several)."""

    def __len__(self) -> int: ...
    def take(self, index: Tensor) -> Any: ...


@dataclass(frozen=True)
class Step:
    """What a method's step returns: the loss to lower, and what to write beside it."""

    loss: Float[Tensor, ""]
    logs: Mapping[str, Tensor | float] = field(default_factory=dict)


class Method(nn.Module):
    """A way of learning without labels. `step` is all that training needs, `encode` all that users need."""

    def step(self, batch: Any, generator: Generator) -> Step:
        """One batch to its loss. All randomness comes from `generator` (or torch's own, as dropout does)."""
        raise NotImplementedError(f"{type(self).__name__} must define step(batch, generator)")

    def encode(self, x: Tensor) -> Tensor:
        """The representation of a batch: deterministic in eval mode, never augmented."""
        raise NotImplementedError(f"{type(self).__name__} must define encode(x)")

    def shown(self, images: Tensor, generator: Generator) -> dict[str, Tensor]:
        """What a step sees of images (n, c, h, w), for a page to show: column name to n images."""
        return {"image": images}


@runtime_checkable
class Embedding(Protocol):
    """A step that gradient caching can cut in two: step(batch, generator) = judge(embed(batch, draw(...))).

    `embed` holds the activations and sees each example by itself: the rows that it makes of some of the batch,
    with `mutua.views.rows` of what was drawn, are those it makes of the whole (batch norm in training aside).
    What mixes examples, and ranks, is `judge`.
    """

    def draw(self, batch: Any, generator: Generator) -> dict[str, Any]:
        """All that is random, for this rank's examples: a nested dict of tensors whose leading axis is n."""
        ...

    def embed(self, batch: Any, drawn: Mapping[str, Any]) -> Float[Tensor, "n v k"]:
        """v vectors of each example. The only part that needs the network, and its memory."""
        ...

    def judge(self, z: Float[Tensor, "n v k"]) -> Step:
        """The loss of this rank's vectors among those of all ranks. Cheap in memory."""
        ...


# --- what comes out ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Rows under named columns, for the terminal, JSON and the report alike."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""

    def records(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Result:
    """What a study or an analysis returns: tables, figures (name to SVG text), and what they say in words."""

    title: str
    tables: Sequence[Table] = ()
    figures: Mapping[str, str] = field(default_factory=dict)
    words: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def check_finite(value: Tensor, name: str) -> None:
    """Raise `InputError` where `value` has a NaN or an infinity, naming the first row that has one."""
    if value.is_floating_point() and not torch.isfinite(value).all():
        rows = value.reshape(len(value) if value.ndim else 1, -1)
        row = int((~torch.isfinite(rows)).any(1).nonzero()[0, 0])
        raise InputError(f"{name}: NaN or infinity in row {row}; remove or impute such rows first")


def names(catalogue: Iterable[str]) -> str:
    """The keys of a catalogue as an error message lists them."""
    return ", ".join(sorted(catalogue))


Mask = Bool[Tensor, "n m"]
