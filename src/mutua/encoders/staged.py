"""A network made of named stages, so that it can be read at any depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

from mutua.types import InputError, names

__all__ = ["Readable", "Staged", "pixels"]


def pixels(images: Tensor) -> Tensor:
    """Images as networks take them: uint8 or float in [0, 1] to float in [-1, 1]."""
    if images.dtype == torch.uint8:
        return images.float() / 127.5 - 1
    return images * 2 - 1


def check_images(images: Tensor, channels: int) -> None:
    """Raise `InputError` where `images` are not (n, channels, h, w)."""
    if images.ndim != 4 or images.shape[1] != channels:
        raise InputError(
            f"images: this encoder takes (n, {channels}, h, w), got {tuple(images.shape)}; "
            "convert the images, or build the encoder with their number of channels"
        )


class Readable(nn.Module):
    """What `Staged` and `Wrapped` share: images of a known shape go in, named depths can be read."""

    channels: int
    size: int
    shapes: dict[str, tuple[int, ...]]

    @property
    def depths(self) -> tuple[str, ...]:
        raise NotImplementedError(f"{type(self).__name__} must define depths")

    @property
    def width(self) -> int:
        """The number of features of the last depth."""
        return torch.Size(self.shapes[self.depths[-1]]).numel()

    def read(self, images: Tensor, depths: Sequence[str]) -> dict[str, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must define read(images, depths)")


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode within; after it each submodule's own mode again, for a user may have frozen some."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def dry_run(encoder: Readable) -> dict[str, tuple[int, ...]]:
    """The shape of one example at each depth, from an empty image where the weights are.

    Raises `InputError` where images of that many channels and that size do not pass.
    """
    first = next(chain(encoder.parameters(), encoder.buffers()), None)
    images = torch.zeros(
        1, encoder.channels, encoder.size, encoder.size, device=None if first is None else first.device
    )
    try:
        with _evaluating(encoder), torch.no_grad():
            read = encoder.read(images, encoder.depths)
    except InputError:
        raise
    except (RuntimeError, ValueError, AssertionError) as error:  # torch, transformers and timm in turn
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"size: images of {encoder.channels} x {encoder.size} x {encoder.size} do not pass this encoder "
            f"({reason}); give larger images, or an encoder made for them"
        ) from error
    return {name: tuple(value.shape[1:]) for name, value in read.items()}


class Staged(Readable):
    """Stages in a row, each a depth. Input: (n, c, h, w), uint8 or float in [0, 1].

    Args:
        stages: name to module, shallow to deep.
        channels: of the images.
        size: height and width of the images; with `channels` it fixes `shapes`, the shape of one example at
            each depth, which heads and critics are built from.
    """

    def __init__(self, stages: Mapping[str, nn.Module], channels: int, size: int) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(dict(stages))
        self.channels = channels
        self.size = size
        self.shapes = dry_run(self)

    @property
    def depths(self) -> tuple[str, ...]:
        return tuple(self.stages)

    def read(self, images: Tensor, depths: Sequence[str]) -> dict[str, Tensor]:
        """The activations at the named depths, from one pass that goes no deeper than it must."""
        wanted = set(depths)
        if unknown := wanted - set(self.stages):
            raise InputError(f"depth: {names(unknown)} is not one of this encoder's {', '.join(self.stages)}")
        check_images(images, self.channels)
        found: dict[str, Tensor] = {}
        x = pixels(images)
        for name, stage in self.stages.items():
            try:
                x = stage(x)
            except RuntimeError as error:
                height, width = images.shape[-2:]
                if (height, width) == (self.size, self.size) or isinstance(error, torch.OutOfMemoryError):
                    raise
                raise InputError(
                    f"images: {height} x {width} do not pass {name} of this encoder, built for "
                    f"{self.size} x {self.size}; resize them"
                ) from error
            if name in wanted:
                found[name] = x
                if len(found) == len(wanted):
                    break
                x = x.clone()  # the next stage may work in place, as ReLU(inplace=True) does
        return found

    def forward(self, images: Tensor) -> Tensor:
        last = self.depths[-1]
        return self.read(images, (last,))[last]
