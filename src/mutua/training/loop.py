"""The loop that trains anything with a step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.loggers.logger import Logger

from mutua.ranks import rank, world
from mutua.training import checkpoint as checkpoints
from mutua.training.calibrate import calibrate
from mutua.training.display import display
from mutua.training.metrics import Csv, read
from mutua.training.order import Numbered, batches
from mutua.training.plan import Plan
from mutua.training.stopping import Interrupted, asked_to_stop
from mutua.training.trainer import Trainer
from mutua.types import Embedding, InputError, Method, Rows

__all__ = ["fit"]


def fit(
    method: Method,
    data: Rows,
    plan: Plan,
    *,
    folder: Path | str | None = None,
    resume: bool = False,
    loggers: Sequence[Logger] = (),
    progress: bool = False,
) -> list[dict[str, float]]:
    """Train a method in place, and return the metrics that were logged.

    A step's randomness is a function of the plan's seed and the step's number, and so is the order of the data:
    a training resumed from a checkpoint ends with the same weights, bit for bit, as one never interrupted (on
    CUDA but for rounding: gradients of convolutions add in no fixed order), and does not depend on the number of
    devices but for rounding. With several devices, batch norm is synchronised
    and each rank takes its share of the batch.

    Args:
        method: anything with `step(batch, generator)`; afterwards in eval mode, on the device it trained on.
        data: rows to learn from; `method.step` is given `data.take(index)`.
        plan: how.
        folder: where `metrics.csv` and `checkpoint.pt` are kept; nothing is written without it.
        resume: go on from the checkpoint in `folder`.
        loggers: of Lightning Fabric, such as its TensorBoardLogger.
        progress: show it on standard error.

    Raises:
        InputError: fewer than two examples, a step that micro_batch cannot cut, a checkpoint in the way or one
            that doesn't fit, a full disk.
        Diverged: the loss or a weight is no longer finite; names the step and the last good checkpoint.
        Interrupted: by Ctrl-C or SIGTERM, after the step under way and a checkpoint.
    """
    if not isinstance(data, Rows):
        raise InputError(
            f"data: {type(data).__name__} has no take(index); mutua.data.as_images makes rows of datasets"
        )
    n = len(data)
    if n < 2:
        raise InputError(f"data: {n} example{'' if n == 1 else 's'}; learning by comparison needs two at least")
    batch = min(plan.batch, n - n % plan.devices)
    if batch < 1:
        raise InputError(f"devices: {plan.devices} for {n} examples; give each one at least")
    if 0 < plan.micro_batch < batch // plan.devices and not isinstance(method, Embedding):
        raise InputError(
            f"micro_batch: a step of {type(method).__name__} has no draw, embed and judge to cut it at; "
            "leave micro_batch at 0, or accumulate smaller batches"
        )
    if (batches_in_all := plan.epochs * (n // batch)) < plan.accumulate:
        raise InputError(
            f"accumulate: {plan.accumulate} batches a step, and all epochs together have {batches_in_all}; "
            "accumulate fewer, or train for more epochs"
        )
    folder = None if folder is None else Path(folder)
    path = None if folder is None else folder / checkpoints.NAME
    if path is not None and path.exists() and not resume:
        raise InputError(f"{path}: there is a checkpoint already; resume it, or train in another folder")
    if resume and path is None:
        raise InputError("resume: needs the folder that the checkpoint is in")

    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        method.learns_from(n)
        if not resume:
            calibrate(method, data)
        about: dict[str, Any] = {"examples": n, "batch": batch}
        if path is not None and (fingerprint := getattr(data, "fingerprint", None)) is not None:
            about["data"] = fingerprint
        trainer = Trainer(method, plan, n // batch, about)
        on_cuda = trainer.fabric.device.type == "cuda"
        if on_cuda:
            stack.enter_context(torch.random.fork_rng(devices=[trainer.fabric.device]))
        if resume and path is not None:
            trainer.load(path)
        start, stop = trainer.step, batches_in_all - batches_in_all % plan.accumulate
        if folder is not None and rank() == 0:
            loggers = [*loggers, Csv(folder / "metrics.csv", start)]
        rows: list[dict[str, float]] = [] if folder is None else _numbers(read(folder / "metrics.csv"))
        show = stack.enter_context(display(progress and rank() == 0, type(method).__name__, start, stop))
        asked = stack.enter_context(asked_to_stop())
        stack.enter_context(_fastest_convolutions(on_cuda))
        pin = trainer.fabric.device if on_cuda else None
        read_ahead = batches(Numbered(data) if method.numbered else data, batch, plan.seed, start, stop, pin)
        saved = clock = time.monotonic()
        logged = start

        def keep() -> None:
            if path is not None and world() == 1 and start < trainer.step and trainer.step % plan.accumulate == 0:
                trainer.check(path)
                trainer.check_weights(path)
                trainer.save(path)

        for done, examples in enumerate(_kept_before(read_ahead, keep), start + 1):
            logs = trainer.train(examples)
            due = done - logged >= plan.log_every or done in (start + 1, stop)
            if due or trainer.fabric.device.type == "cpu":  # elsewhere it would wait for the device
                trainer.check(path)
            if due:
                now = time.monotonic()
                rate = (done - logged) * batch / max(now - clock, 1e-9)
                row = {"epoch": done * batch / n, **trainer.values(logs), "examples_per_second": rate}
                for logger in loggers if rank() == 0 else ():
                    logger.log_metrics(row, done - 1)
                rows.append({"step": done - 1, **row})
                clock, logged = now, done
            show(done, row["loss"] if due else None, rate if due else 0.0)
            if done % plan.accumulate:
                continue  # gradients are pending, which a checkpoint doesn't hold
            agreed = due or world() == 1
            stopping = agreed and trainer.any(asked())
            late = agreed and trainer.any(time.monotonic() - saved > plan.save_every)
            if path is not None and (stopping or late or done == stop):
                trainer.check(path)
                trainer.check_weights(path)
                trainer.save(path)
                saved = time.monotonic()
            if stopping and done < stop:
                raise Interrupted(done, stop, path)
        trainer.check_weights(path)
        trainer.finish()
        for logger in loggers if rank() == 0 else ():
            logger.finalize("success")
    return rows


def _kept_before(read_ahead: Iterator[Any], keep: Callable[[], None]) -> Iterator[Any]:
    """The batches; where one can't be read, what was learned from those before it is kept first."""
    try:
        yield from read_ahead
    except InputError:
        keep()
        raise


@contextmanager
def _fastest_convolutions(on_cuda: bool) -> Iterator[None]:
    """cuDNN tries its algorithms on the first step's shapes, which are those of every step."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = before or on_cuda
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _numbers(rows: Sequence[Mapping[str, str]]) -> list[dict[str, float]]:
    return [{name: float(value) for name, value in row.items() if value} for row in rows]
