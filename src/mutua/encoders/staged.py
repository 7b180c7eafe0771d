"""A network made of named stages, so that it can be read at any depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

from mutua.encoders.inputs import image_spec, prepared
from mutua.types import Batch, InputError, Spec, names, parted

__all__ = ["Masking", "Readable", "Staged", "evaluating"]


class Masking(nn.Module):
    """A stage that is told where there is data: `forward(x, mask)` gives (values, the mask of those)."""

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        raise NotImplementedError(f"{type(self).__name__} must define forward(x, mask)")


class Readable(nn.Module):
    """What `Staged` and `Wrapped` share: examples of a known spec go in, named depths can be read."""

    spec: Spec
    shapes: dict[str, tuple[int, ...]]

    @property
    def depths(self) -> tuple[str, ...]:
        raise NotImplementedError(f"{type(self).__name__} must define depths")

    @property
    def width(self) -> int:
        """The number of features of the last depth."""
        return torch.Size(self.shapes[self.depths[-1]]).numel()

    @property
    def channels(self) -> int:
        """Of the images it takes."""
        return self.spec.shape[0]

    @property
    def size(self) -> int:
        """Height of the images it takes, which is their width."""
        return self.spec.shape[-1]

    def read(self, batch: Batch, depths: Sequence[str]) -> dict[str, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must define read(batch, depths)")

    def check(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """(Examples, their mask or none). Raises `InputError` where they are not as the spec says."""
        self.spec.check(batch, f"{type(self).__name__.lower()} encoder")
        return parted(batch)


def spec_of(spec: Spec | int, size: int | None) -> Spec:
    """A spec as it is, or that of square images of so many channels and that size."""
    if isinstance(spec, Spec):
        return spec
    if size is None:
        raise InputError(f"size: none given beside {spec} channels; give the images' height and width, or a Spec")
    return image_spec(spec, size)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode within; after it each submodule's own mode again, for a user may have frozen some."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def dry_run(encoder: Readable) -> dict[str, tuple[int, ...]]:
    """The shape of one example at each depth, from an empty example where the weights are.

    Raises `InputError` where examples of that spec do not pass.
    """
    first = next(chain(encoder.parameters(), encoder.buffers()), None)
    device = torch.device("cpu") if first is None else first.device
    examples = encoder.spec.example(1)
    batch = (
        {name: part.to(device) for name, part in examples.items()}
        if isinstance(examples, Mapping)
        else examples.to(device)
    )
    try:
        with evaluating(encoder), torch.no_grad():
            read = encoder.read(batch, encoder.depths)
    except InputError:
        raise
    except (RuntimeError, ValueError, AssertionError) as error:  # torch, transformers and timm in turn
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        what = "size: images" if encoder.spec.kind == "image" else f"spec: {encoder.spec.kind}"
        raise InputError(
            f"{what} of {encoder.spec} do not pass this encoder ({reason}); "
            "give larger ones, or an encoder made for them"
        ) from error
    return {name: tuple(value.shape[1:]) for name, value in read.items()}


class Staged(Readable):
    """Stages in a row, each a depth.

    Args:
        stages: name to module, shallow to deep. Each takes what the one before made; the first what
            `mutua.encoders.inputs` makes of a batch. A `Masking` stage is given the mask too.
        spec: what one example is; or, of square images, their channels. It fixes `shapes`, those of one example at
            each depth, which heads and critics are built from.
        size: height and width, where `spec` is the channels of square images.
    """

    def __init__(self, stages: Mapping[str, nn.Module], spec: Spec | int, size: int | None = None) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(dict(stages))
        self.spec = spec_of(spec, size)
        self.shapes = dry_run(self)

    @property
    def depths(self) -> tuple[str, ...]:
        return tuple(self.stages)

    def read(self, batch: Batch, depths: Sequence[str]) -> dict[str, Tensor]:
        """The activations at the named depths, from one pass that goes no deeper than it must."""
        return {name: value for name, (value, _) in self.read_masked(batch, depths).items()}

    def read_masked(self, batch: Batch, depths: Sequence[str]) -> dict[str, tuple[Tensor, Tensor | None]]:
        """As `read`, each with the mask of what is real in it: (n, t), or None where all is."""
        wanted = set(depths)
        if unknown := wanted - set(self.stages):
            raise InputError(f"depth: {names(unknown)} is not one of this encoder's {', '.join(self.stages)}")
        examples, mask = self.check(batch)
        found: dict[str, tuple[Tensor, Tensor | None]] = {}
        x = prepared(examples, self.spec)
        for name in self.stages:
            try:
                x, mask = self.passed(name, x, mask)
            except RuntimeError as error:
                seen = tuple(examples.shape[1:])
                if seen == self.spec.shape or isinstance(error, torch.OutOfMemoryError):
                    raise
                raise InputError(
                    f"{self.spec.kind}: {' x '.join(map(str, seen))} do not pass {name} of this encoder, "
                    f"built for {self.spec}; resize them"
                ) from error
            if name in wanted:
                found[name] = x, mask
                if len(found) == len(wanted):
                    break
                x = x.clone()  # the next stage may work in place, as ReLU(inplace=True) does
        return found

    def passed(self, name: str, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What the stage of that name makes of what the one before made."""
        stage = self.stages[name]
        return stage(x, mask) if isinstance(stage, Masking) else (stage(x), mask)

    def forward(self, batch: Batch) -> Tensor:
        last = self.depths[-1]
        return self.read(batch, (last,))[last]
