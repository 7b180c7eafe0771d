"""The words the floors speak to each other in. Imports nothing of mutua but `tables`.

The one idea: draw pairs from a joint p(a, b) and from the product p(a)p(b), let a critic T(a, b) tell them
apart, and its optimum is log p(a, b)/p(a)p(b). A `Critic` scores, an arrangement (`mutua.scores`) says which
scores are joint and which are from the product, a `Bound` reads them, and training follows its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, final, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn

from mutua.tables import Interval, Result, Table

__all__ = [
    "Batch",
    "Bound",
    "Contrast",
    "Critic",
    "Elementwise",
    "Embedding",
    "Encode",
    "Encoder",
    "InnerProduct",
    "InputError",
    "Interval",
    "Method",
    "Result",
    "Rows",
    "Scores",
    "Spec",
    "Step",
    "Table",
    "View",
    "inner_products",
    "parted",
    "wide",
]

Elementwise = Callable[[Tensor], Tensor]

Batch = Any
"""Some examples: a tensor (n, ...), or a mapping of named tensors, each with n rows.

Padded examples are {"x": (n, ...), "mask": bool (n, t)}, the mask true where there is data."""


class InputError(ValueError):
    """An input that cannot be used. Its text is one line: the file or argument, what was seen, the mend.

    The command line prints the line and exits with 2; in Python it is an ordinary ``ValueError``.
    """


# --- what one example is -----------------------------------------------------------------------------------


_UNITS = {"image": "px", "video": "px", "sound": "samples", "text": "tokens", "table": "columns"}


@dataclass(frozen=True)
class Spec:
    """What one example is, as a plain value. Data have one, encoders are built from one, runs record one.

    Args:
        kind: image, sound, text, video, series or table.
        shape: of one example: image (c, h, w), sound (c, t), text (tokens,) or (sentences, tokens),
            video (frames, c, h, w), series (t, c), table (columns,).
        dtype: of a batch, by torch's name: uint8, int16, int32, float32.
        rate: samples, frames or rows a second, where there is such a thing.
        masked: whether examples are padded, so that a batch is {"x": ..., "mask": ...}.
        sound: of video: samples a second of the sound beside it, so that a batch is {"x": frames,
            "sound": float32 (n, 1, t) of the same seconds, "heard": bool (n,), whether the clip has any}.
        words: of text: how many numbers words have, those of padding and of unknown words among them.

    >>> print(Spec("sound", (1, 8000), "int16", 8000.0))
    1 x 8000 samples at 8,000 Hz
    >>> Spec("image", (3, 8, 8), "uint8").example(2).shape
    torch.Size([2, 3, 8, 8])
    """

    kind: str
    shape: tuple[int, ...]
    dtype: str
    rate: float | None = None
    masked: bool = False
    sound: float | None = None
    words: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(length) for length in self.shape))
        if not self.shape or min(self.shape) < 1:
            raise InputError(f"spec: {self.kind} of shape {self.shape}; every axis needs a length of 1 or more")
        if not isinstance(getattr(torch, self.dtype, None), torch.dtype):
            raise InputError(f"spec: dtype {self.dtype!r} is none of torch's; give uint8, int16, int32 or float32")

    def __str__(self) -> str:
        size = f"{' x '.join(map(str, self.shape))} {_UNITS.get(self.kind, 'steps x columns')}"
        told = (
            "" if self.rate is None else f" at {self.rate:,g} {'frames a second' * (self.kind == 'video') or 'Hz'}"
        )
        return size + told + (f" with sound at {self.sound:,g} Hz" if self.sound else "")

    def example(self, n: int = 1) -> Batch:
        """n examples of zeros, such as a dry run needs."""
        x = torch.zeros(n, *self.shape, dtype=getattr(torch, self.dtype))
        parts: dict[str, Tensor] = {}
        if self.masked:
            parts["mask"] = torch.ones(n, self.shape[self.time], dtype=torch.bool)
        if self.sound is not None:
            t = round(self.shape[0] / (self.rate or 1) * self.sound)
            parts |= {"sound": torch.zeros(n, 1, t), "heard": torch.ones(n, dtype=torch.bool)}
        return {"x": x, **parts} if parts else x

    @property
    def time(self) -> int:
        """The axis of an example that runs in time, which a mask is of."""
        return {"sound": 1, "series": 0, "text": 0, "video": 0}.get(self.kind, -1)

    def check(self, batch: Batch, name: str = "batch") -> None:
        """Raise `InputError` where the batch is none of such examples; its axes may be longer or shorter in time
        or space, not in channels, as networks allow."""
        x, _ = parted(batch)
        seen = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        if not isinstance(x, Tensor) or x.ndim != len(self.shape) + 1 or not self._channels_of(x):
            meant = ", ".join(["n", *map(str, self.shape)])
            raise InputError(
                f"{name}: {seen} where {self.kind} ({meant}) is meant; give data of that kind and shape"
            )

    def _channels_of(self, x: Tensor) -> bool:
        axis = {"image": 0, "sound": 0, "video": 1, "series": 1, "table": 0}.get(self.kind)
        return axis is None or x.shape[axis + 1] == self.shape[axis]


def parted(batch: Batch) -> tuple[Tensor, Tensor | None]:
    """(The examples, their mask where they are padded, else none) of a batch."""
    if isinstance(batch, Mapping):
        return batch["x"], batch.get("mask")
    return batch, None


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
    """A random transformation of a batch, its parameters drawn per example.

    `draw` makes the parameters, of n examples of a shape, and `apply` uses them, so that one draw can be shown,
    repeated, or handed to a faster kernel. Images are (n, c, h, w): uint8, or float in [0, 1]; sound is (n, c, t),
    series are (n, t, c), either with a mask where padded.
    """

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]: ...
    def apply(self, batch: Batch, parameters: Mapping[str, Any]) -> Batch: ...
    def __call__(self, batch: Batch, generator: Generator) -> Batch: ...


@runtime_checkable
class Encoder(Protocol):
    """A network that can be read at named depths, shallow to deep. The last is what calling it returns."""

    @property
    def depths(self) -> tuple[str, ...]: ...
    def read(self, batch: Batch, depths: Sequence[str]) -> dict[str, Tensor]: ...
    def __call__(self, batch: Batch) -> Tensor: ...


Encode = Callable[[Batch], Float[Tensor, "n d"]]
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

    numbered: ClassVar[bool] = False
    """Whether a step must know which examples it is given: `fit` then hands it {"x": examples, "row": their
    numbers}, or adds "row" to the mapping that they are."""
    of_weights: ClassVar[bool] = False
    """Whether what it shows is made by what it has learned, so that a page needs the trained method."""
    heading: ClassVar[str] = "Views, as the method saw them"
    """What a page says above `shown`."""
    caption: ClassVar[str] = (
        "Each row is one example and the views drawn of it. The method learns to tell which views belong "
        "together: what they do not share, it cannot keep."
    )
    """What a page says below it."""

    def learns_from(self, n: int) -> None:
        """Called by `fit` before anything else, resumed or not, with the number of examples: the place to make
        what has a row for each of them."""

    def step(self, batch: Any, generator: Generator) -> Step:
        """One batch to its loss. All randomness comes from `generator` (or torch's own, as dropout does)."""
        raise NotImplementedError(f"{type(self).__name__} must define step(batch, generator)")

    def encode(self, x: Batch) -> Tensor:
        """The representation of a batch: deterministic in eval mode, never augmented."""
        raise NotImplementedError(f"{type(self).__name__} must define encode(x)")

    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        """What a step sees of n examples, for a page to show: column name to n examples of the batch's kind."""
        return {"original": batch}

    def stepped(self, step: int, steps: int) -> None:
        """Called after the optimizer's step number `step`, from 0, of `steps`, without gradient: the place to move
        targets, queues and schedules. Under `accumulate` several calls of `step` come before it. What it changes
        belongs in buffers or frozen parameters, which checkpoints hold."""


class Embedding(Method):
    """A method whose step can be cut in two: step(batch, generator) = judge(embed(batch, draw(batch, generator))).

    `embed` holds the activations and sees each example by itself: the rows that it makes of some of the batch,
    with `mutua.views.rows` of what was drawn, are those it makes of the whole (batch norm in training aside).
    What mixes examples, and ranks, is `judge`.

    A subclass that has a `step` of its own raises `InputError` as it is made: training in chunks calls the three
    parts and not `step`, so it would learn from another loss.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.step is not Embedding.step:
            raise InputError(
                f"{cls.__name__}: has a step of its own, which micro_batch would pass over; define draw, embed "
                "and judge alone, or be a Method"
            )

    @final
    def step(self, batch: Any, generator: Generator) -> Step:
        return self.judge(self.embed(batch, self.draw(batch, generator)))

    def draw(self, batch: Any, generator: Generator) -> dict[str, Any]:
        """All that is random, for this rank's examples: a nested dict of tensors whose leading axis is n."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(batch, generator)")

    def embed(self, batch: Any, drawn: Mapping[str, Any]) -> Float[Tensor, "n v k"]:
        """v vectors of each example. The only part that needs the network, and its memory."""
        raise NotImplementedError(f"{type(self).__name__} must define embed(batch, drawn)")

    def judge(self, z: Float[Tensor, "n v k"]) -> Step:
        """The loss of this rank's vectors among those of all ranks. Cheap in memory."""
        raise NotImplementedError(f"{type(self).__name__} must define judge(z)")


# --- what comes out ----------------------------------------------------------------------------------------


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
