"""How a training ends before its time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mutua.types import InputError

__all__ = ["Diverged", "Interrupted", "asked_to_stop"]


class Diverged(InputError):
    """The loss is not finite, or the weights are not, as after a gradient that isn't where the loss is."""

    def __init__(
        self,
        step: int,
        *,
        seen: int | None = None,
        path: Path | None = None,
        what: str = "loss",
        mend: str = "no checkpoint was made before; check the data, lower lr, or set clip",
    ) -> None:
        """`seen`: the step at which it was noticed. `path`: of a checkpoint, which is named where it is there."""
        self.step, self.what = step, what
        if path is not None and path.exists():
            mend = f"the last good checkpoint is {path}; check the data, lower lr, or set clip"
        late = f" (seen at step {seen})" if seen is not None and seen > step else ""
        super().__init__(f"{what}: not finite at step {step}{late}; {mend}")


class Interrupted(Exception):
    """Asked to stop, after the step under way. `path` is the checkpoint, if there is a folder for one."""

    def __init__(self, step: int, steps: int, path: Path | None) -> None:
        self.step = step
        self.path = path
        kept = f"; {path} holds all of it" if path is not None else ""
        super().__init__(f"stopped after step {step} of {steps}{kept}")


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C or SIGTERM came. A second one interrupts at once, as usual."""
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _frame: FrameType | None) -> None:
        came.set()
        signal.signal(number, before[signal.Signals(number)] or signal.SIG_DFL)

    for number in before:
        signal.signal(number, note)
    try:
        yield came.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
