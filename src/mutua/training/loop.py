"""The loop that trains anything with a step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.logger import Logger
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from mutua.ranks import rank, world
from mutua.training import checkpoint as checkpoints
from mutua.training.average import Average
from mutua.training.display import display
from mutua.training.metrics import Csv, read
from mutua.training.norm import synchronised
from mutua.training.optimizers import optimizer
from mutua.training.order import batches, seeded
from mutua.training.plan import Plan, learning_rate
from mutua.training.stopping import Diverged, Interrupted, asked_to_stop
from mutua.types import InputError, Method, Rows

__all__ = ["fit"]

# What may differ between a training and its resumption: it changes where and how fast, not what.
_FREE = {"accelerator", "devices", "save_every", "log_every"}


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
    a training resumed from a checkpoint ends with the same weights, bit for bit, as one never interrupted, and
    does not depend on the number of devices but for rounding. With several devices, batch norm is synchronised
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
        InputError: fewer than two examples, a checkpoint in the way or one that doesn't fit, a full disk.
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
        stack.enter_context(torch.random.fork_rng())
        trainer = _Trainer(method, plan, n // batch, {"examples": n, "batch": batch})
        if resume and path is not None:
            trainer.load(path)
        start, stop = trainer.step, batches_in_all - batches_in_all % plan.accumulate
        if folder is not None and rank() == 0:
            loggers = [*loggers, Csv(folder / "metrics.csv", start)]
        rows: list[dict[str, float]] = [] if folder is None else _numbers(read(folder / "metrics.csv"))
        show = stack.enter_context(display(progress and rank() == 0, type(method).__name__, start, stop))
        asked = stack.enter_context(asked_to_stop())
        saved = clock = time.monotonic()
        logged = start
        for done, examples in enumerate(batches(data, batch, plan.seed, start, stop), start + 1):
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


def _numbers(rows: Sequence[Mapping[str, str]]) -> list[dict[str, float]]:
    return [{name: float(value) for name, value in row.items() if value} for row in rows]


class _Forward(nn.Module):
    """A method's step as a module's forward, which is what data-parallel wrappers wrap."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, batch: Any, generator: Generator) -> tuple[Tensor, dict[str, Any]]:
        step = self.method.step(batch, generator)
        return step.loss, dict(step.logs)


def _channels_last(method: nn.Module) -> None:
    """Convolutions of images are faster so, on CPU and CUDA. Those of volumes have no such layout."""
    for p in method.parameters():
        if p.ndim == 4:
            p.data = p.data.contiguous(memory_format=torch.channels_last)


class _Trainer:
    """What a step changes: the method, the optimizer's state, the average, the number of steps done."""

    def __init__(self, method: Method, plan: Plan, steps_per_epoch: int, about: Mapping[str, Any]) -> None:
        self.plan = plan
        self.method = method
        self.steps_per_epoch = steps_per_epoch
        try:
            self.fabric = Fabric(
                accelerator=plan.accelerator,
                devices=plan.devices,
                strategy="ddp" if plan.devices > 1 else "auto",
                precision=plan.precision,
            )
        except (RuntimeError, ValueError) as error:  # what Fabric makes of a device that is not there
            reason = " ".join(str(error).split())
            raise InputError(f"accelerator, devices: {plan.accelerator}, {plan.devices}: {reason}") from error
        self.fabric.launch()
        if world() > 1:
            synchronised(method)
        _channels_last(method)
        method.train()
        self.raw: Optimizer = optimizer(method, plan)
        self.module, self.optimizer = self.fabric.setup(_Forward(method), self.raw)
        self.average = Average(method, plan.ema)
        self.step = 0
        settings = {name: value for name, value in asdict(plan).items() if name not in _FREE}
        self.about = {"method": type(method).__name__, **about, **settings}
        self.bad = torch.full((), -1, device=self.fabric.device)

    def train(self, examples: Any) -> dict[str, Any]:
        """One batch. Every `accumulate` batches the weights move."""
        plan, number = self.plan, self.step
        last = (number + 1) % plan.accumulate == 0
        for group in self.raw.param_groups:
            group["lr"] = learning_rate(plan, number, self.steps_per_epoch)
        # Dropout and the like draw from torch's own generator, different on every rank.
        torch.manual_seed(seeded(plan.seed, "torch", number, rank()).initial_seed())
        with self.fabric.no_backward_sync(self.module, enabled=not last):
            loss, logs = self.module(self.fabric.to_device(examples), seeded(plan.seed, "step", number))
            self.fabric.backward(loss / plan.accumulate)
        if last:
            if plan.clip:
                self.fabric.clip_gradients(
                    self.module, self.optimizer, max_norm=plan.clip, error_if_nonfinite=False
                )
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.average.update()
        unfinished = torch.isfinite(loss.detach()).logical_not() & (self.bad < 0)
        self.bad = torch.where(unfinished, number, self.bad)  # on the device: no waiting for it
        self.step = number + 1
        return {"loss": loss.detach(), **logs, "lr": self.raw.param_groups[0]["lr"]}

    def check(self, path: Path | None) -> None:
        """Raise where a loss was not finite, before anything of it is saved."""
        bad = torch.where(self.bad < 0, self.step, self.bad)
        if world() > 1:  # a loss of one rank's own examples may be finite where another's isn't: all stop, or none
            bad = self.fabric.all_reduce(bad, reduce_op="min")  # type: ignore[assignment]
        if (first := int(bad)) < self.step:
            raise Diverged(first, self.step, path)

    def check_weights(self, path: Path | None) -> None:
        """Raise where a weight is not finite: a finite loss may have a gradient that isn't, as roots at 0."""
        finite = torch.stack([p.detach().isfinite().all() for p in self.method.parameters()])
        if not bool(finite.all()):
            raise Diverged(self.step - 1, self.step, path, "weights")

    def values(self, logs: Mapping[str, Any]) -> dict[str, float]:
        """Logged tensors as numbers, means over ranks."""
        found = {name: torch.as_tensor(value, dtype=torch.float32).mean() for name, value in logs.items()}
        if world() > 1:
            device = self.fabric.device
            return {name: float(self.fabric.all_reduce(value.to(device))) for name, value in found.items()}  # type: ignore[arg-type]
        return {name: float(value) for name, value in found.items()}

    def any(self, flag: bool) -> bool:
        """Whether any rank says so: ranks must agree, or they would wait for each other for ever."""
        if world() == 1:
            return flag
        count = torch.tensor(float(flag), device=self.fabric.device)
        return float(self.fabric.all_reduce(count, reduce_op="sum")) > 0  # type: ignore[arg-type]

    def save(self, path: Path) -> None:
        """Rank 0 writes; where it can't, all ranks raise: the others would wait for it."""
        failed: InputError | None = None
        if rank() == 0:
            state = checkpoints.Checkpoint(
                self.step,
                self.method.state_dict(),
                self.raw.state_dict(),
                self.average.state,
                self.fabric.strategy.precision.state_dict(),
                self.about,
            )
            try:
                checkpoints.save(path, state)
            except InputError as error:
                failed = error
        if self.any(failed is not None):
            raise failed or InputError(f"{path}: cannot be written by the first process; see what it says")

    def load(self, path: Path) -> None:
        found = checkpoints.load(path, self.method, self.about)
        try:
            self.method.load_state_dict(found.method)
            self.raw.load_state_dict(dict(found.optimizer))
            self.average.load(found.average)
            self.fabric.strategy.precision.load_state_dict(dict(found.scaler))
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(
                f"{path}: doesn't fit what is trained ({reason}); resume with the same method, frozen where it was"
            ) from error
        self.step = found.step

    def finish(self) -> None:
        """Leave the method as its user wants it: averaged weights, eval mode."""
        self.average.apply()
        self.method.eval()
