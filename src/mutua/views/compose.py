"""One view after another, and rows of what was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor

from mutua.types import Batch, InputError, View
from mutua.views.base import Transform
from mutua.views.image.base import as_dtype, as_float, check_images

__all__ = ["Compose", "rows"]


def rows(parameters: Mapping[str, Any], index: Tensor | slice) -> dict[str, Any]:
    """The parameters of some of the images: every tensor of a nested dict indexed on its first axis.

    Law: view.apply(images[index], rows(parameters, index)) is view.apply(images, parameters)[index].

    >>> import torch
    >>> rows({"a": torch.arange(4), "b": {"c": torch.ones(4, 2)}}, slice(1, 3))["a"].tolist()
    [1, 2]
    """
    return {
        name: rows(value, index) if isinstance(value, Mapping) else value[index]
        for name, value in parameters.items()
    }


@dataclass(frozen=True)
class Compose(Transform):
    """Views one after another. Of images, what comes out has the dtype that came in, as of a single view.

    A uint8 batch is made float once, before the first, and rounded once, after the last. To train on floats
    without that rounding hand it floats: view(as_float(images), generator). No views: the identity.

    `plain` is the definition: each view's own `apply` in turn. `apply` gives the same within 1/255 from one
    compiled loop, many times faster, where it knows every view and the images lie on the CPU as uint8 or float32;
    on CUDA, where Triton is installed, from a few kernels (`mutua.views.image.fused` states the deviations). It is
    `plain` elsewhere: your own views, float64, images that want a gradient.

    Parameters drawn: a dict for each view, named by place and class, "0 RandomResizedCrop".

    A view that is no `Transform` is taken to leave the examples' shape as it is.
    """

    views: tuple[View, ...] = ()

    def __post_init__(self) -> None:
        for k, view in enumerate(self.views):
            if isinstance(view, type) or not (hasattr(view, "draw") and hasattr(view, "apply")):
                raise InputError(f"views[{k}]: {view!r} is no view; give objects with draw and apply")

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Of its first view that has one; none where it has no views."""
        return next((view.kind for view in self.views if isinstance(view, Transform)), "")

    def _named(self) -> dict[str, View]:
        return {f"{k} {type(view).__name__}": view for k, view in enumerate(self.views)}

    def check(self, batch: Batch) -> None:
        if self.views and isinstance(self.views[0], Transform):
            self.views[0].check(batch)

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        for view in self.views:
            if isinstance(view, Transform):
                shape = view.shape_after(shape)
        return shape

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        parameters = {}
        for name, view in self._named().items():
            parameters[name] = view.draw(n, shape, generator)
            if isinstance(view, Transform):
                shape = view.shape_after(shape)
        return parameters

    def flat(self, parameters: Mapping[str, Any]) -> list[tuple[View, Mapping[str, Any]]]:
        """Each view with what was drawn for it, those of compositions within it in their place."""
        found: list[tuple[View, Mapping[str, Any]]] = []
        for name, view in self._named().items():
            own = parameters[name]
            found += view.flat(own) if type(view) is Compose else [(view, own)]
        return found

    def apply(self, batch: Batch, parameters: Mapping[str, Any]) -> Batch:
        if not _images(batch):
            return self.plain(batch, parameters)
        check_images(batch)
        from mutua.views.image.fused import fused  # numba takes a second to import

        found = fused(self.flat(parameters), batch, batch.dtype)
        return self.plain(batch, parameters) if found is None else found

    def plain(self, batch: Batch, parameters: Mapping[str, Any]) -> Batch:
        """`apply` by each view's own definition."""
        if not _images(batch):
            for name, view in self._named().items():
                batch = view.apply(batch, parameters[name])
            return batch
        check_images(batch)
        if not self.views:
            return batch.clone()
        x = as_float(batch)
        for name, view in self._named().items():
            x = view.apply(x, parameters[name])
        return as_dtype(x, batch.dtype)


def _images(batch: Batch) -> bool:
    return isinstance(batch, Tensor) and batch.ndim == 4
