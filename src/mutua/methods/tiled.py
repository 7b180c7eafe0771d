"""The network of a method that learns from tiles, built for them and read on whole images."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mutua.encoders import Readable, Tiled
from mutua.types import InputError, Spec
from mutua.views import laid

__all__ = ["of_tiles"]

_LAID = frozenset(inspect.signature(laid).parameters) - {"shape"}
_MOST = 512  # px of an image, beyond which a refusal has other grounds than its size


def of_tiles(make: Callable[[Spec], Readable], spec: Spec, settings: Mapping[str, Any]) -> Tiled:
    """The network that `make` builds for the tiles which the settings cut of images of `spec`, on whole images.

    Raises `InputError` where images are too small for tiles that the network takes, naming the smallest that go.
    """

    def built(shape: tuple[int, ...], **changed: Any) -> Readable:
        said = {name: value for name, value in settings.items() if name in _LAID}
        side = laid(shape, **{**said, **changed}).tile
        return make(replace(spec, shape=(shape[0], side, side)))

    def goes(side: int) -> bool:
        try:
            built((spec.shape[0], side, side), scale_to=0)
        except InputError:
            return False
        return True

    try:
        network = built(spec.shape)
    except InputError as error:
        low = min(spec.shape[1:])
        high = 2 * low
        while high <= _MOST and not goes(high):  # from below: networks of large tiles may be very large
            low, high = high, 2 * high
        if high > _MOST:
            raise
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if goes(middle) else (middle, high)
        raise InputError(
            f"images: {spec.shape[1]} x {spec.shape[2]} px are too small for {settings['grid']} x "
            f"{settings['grid']} tiles that this encoder takes; the smallest that go are {high} px; or enlarge "
            f"them with scale_to={high}"
        ) from error
    return Tiled(network, spec, standardise=settings["standardise"], scale_to=settings["scale_to"])
