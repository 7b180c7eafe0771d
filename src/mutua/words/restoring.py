"""A fit that fails leaves the model as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["restoring"]


@contextmanager
def restoring(model: Any) -> Iterator[None]:
    """Leave a model as it was where a fit fails."""
    before = dict(vars(model))
    random = getattr(model, "_random", None)
    state = random.get_state() if random is not None else None
    try:
        yield
    except BaseException:
        vars(model).clear()
        vars(model).update(before)
        if random is not None:
            random.set_state(state)
        raise
