"""What a step of training changes, and how."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from mutua.ranks import rank, world
from mutua.training import checkpoint as checkpoints
from mutua.training.average import Average
from mutua.training.cached import average_gradients, cached_step
from mutua.training.norm import synchronised
from mutua.training.optimizers import optimizer
from mutua.training.order import seeded
from mutua.training.plan import Plan, learning_rate
from mutua.training.stopping import Diverged
from mutua.types import Embedding, InputError, Method, Step

__all__ = ["Trainer", "bfloat16_is_slow"]

# What may differ between a training and its resumption: it changes where and how fast, not what (but for the masks
# of dropout, which are drawn chunk by chunk).
_FREE = {"accelerator", "devices", "micro_batch", "save_every", "log_every"}


def _free(plan: Plan) -> set[str]:
    return _FREE - {"micro_batch"} if plan.batch_norm == "chunk" else _FREE


class _Forward(nn.Module):
    """A method's step as a module's forward, which is what data-parallel wrappers wrap."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, batch: _Held, generator: Generator) -> tuple[Tensor, dict[str, Any]]:
        step = self.method.step(batch.examples, generator)
        return step.loss, dict(step.logs)


class _Held:
    """Examples that Fabric does not look into: in mixed precision it would round images before their views."""

    def __init__(self, examples: Any) -> None:
        self.examples = examples


def _channels_last(method: nn.Module) -> None:
    """Convolutions of images are faster so, on CPU and CUDA. Those of volumes have no such layout."""
    for p in method.parameters():
        if p.ndim == 4:
            p.data = p.data.contiguous(memory_format=torch.channels_last)


def bfloat16_is_slow() -> bool:
    """Whether the processor lacks instructions for bfloat16, so that torch falls back to plain loops.

    Deep InfoMax's encoder of 32 px, 512 images, both ways: 38 CPU s, and 1.0 in float32 (EPYC with AVX2).
    """
    return torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "NO AVX", "AVX2")


def _warn_slow(precision: str, device: torch.device) -> None:
    if precision == "bf16-mixed" and device.type == "cpu" and bfloat16_is_slow():
        warnings.warn(
            "precision: bf16-mixed on a processor without AVX-512 (torch finds "
            f"{torch.backends.cpu.get_cpu_capability()}): convolutions and matrices may take tens of times longer "
            "than in 32-true; use 32-true here",
            stacklevel=2,
        )


class Trainer:
    """What a step changes: the method, the optimizer's state, the average, the number of batches done."""

    def __init__(self, method: Method, plan: Plan, steps_per_epoch: int, about: Mapping[str, Any]) -> None:
        self.plan = plan
        self.method = method
        self.steps_per_epoch = steps_per_epoch
        self.steps = plan.epochs * steps_per_epoch // plan.accumulate
        self.batch = int(about.get("batch", plan.batch))
        try:
            self.fabric = Fabric(
                accelerator=plan.accelerator,
                devices=plan.devices,
                strategy="ddp" if plan.devices > 1 else "auto",
                precision=plan.precision,
            )
        # What Fabric makes of devices that are not there.
        except (RuntimeError, ValueError, MisconfigurationException) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"accelerator, devices: {plan.accelerator}, {plan.devices}: {reason}") from error
        self.fabric.launch()
        _warn_slow(plan.precision, self.fabric.device)
        if world() > 1:
            synchronised(method)
        _channels_last(method)
        method.train()
        self.raw: Optimizer = optimizer(method, plan)
        self.module, self.optimizer = self.fabric.setup(_Forward(method), self.raw)
        self.average = Average(method, plan.ema)
        self.step = 0
        free = _free(plan)
        # micro_batch last: where it matters is for batch_norm to say.
        order = sorted(asdict(plan).items(), key=lambda item: item[0] == "micro_batch")
        settings = {name: value for name, value in order if name not in free}
        self.about = {"method": type(method).__name__, **about, **settings}
        self.bad = torch.full((), -1, device=self.fabric.device)

    def train(self, examples: Any) -> dict[str, Any]:
        """One batch. Every `accumulate` batches the weights move."""
        plan, number = self.plan, self.step
        last = (number + 1) % plan.accumulate == 0
        for group in self.raw.param_groups:
            group["lr"] = learning_rate(plan, number, self.steps_per_epoch, self.batch)
        # Dropout and the like draw from torch's own generator, different on every rank.
        torch.manual_seed(seeded(plan.seed, "torch", number, rank()).initial_seed())
        step = self.gradients(self.fabric.to_device(examples), seeded(plan.seed, "step", number), last)
        if last:
            if plan.clip:
                self.fabric.clip_gradients(
                    self.module, self.optimizer, max_norm=plan.clip, error_if_nonfinite=False
                )
            self.optimizer.step()
            self.optimizer.zero_grad()
            with torch.no_grad():
                self.method.stepped(number // plan.accumulate, self.steps)
            self.average.update()
        loss = step.loss.detach()
        unfinished = torch.isfinite(loss).logical_not() & (self.bad < 0)
        self.bad = torch.where(unfinished, number, self.bad)  # on the device: no waiting for it
        self.step = number + 1
        return {"loss": loss, **step.logs, "lr": self.raw.param_groups[0]["lr"]}

    def gradients(self, examples: Any, generator: Generator, last: bool) -> Step:
        """One batch's gradients, added to those that are pending; the means over ranks after the `last`."""
        plan, method = self.plan, self.method
        if 0 < plan.micro_batch < self.batch // world() and isinstance(method, Embedding):
            step = cached_step(
                method,
                examples,
                generator,
                plan.micro_batch,
                plan.batch_norm,
                backward=lambda loss: self.fabric.backward(loss / plan.accumulate),
                context=self.fabric.autocast,
            )
            if last:  # data parallel training watches its own forward pass, and there was none
                average_gradients(method.parameters())
            return step
        with self.fabric.no_backward_sync(self.module, enabled=not last):
            loss, logs = self.module(_Held(examples), generator)
            self.fabric.backward(loss / plan.accumulate)
        return Step(loss, logs)

    def check(self, path: Path | None) -> None:
        """Raise where a loss was not finite, before anything of it is saved."""
        bad = torch.where(self.bad < 0, self.step, self.bad)
        if world() > 1:  # a loss of one rank's own examples may be finite where another's isn't: all stop, or none
            bad = self.fabric.all_reduce(bad, reduce_op="min")  # type: ignore[assignment]
        if (first := int(bad)) < self.step:
            raise Diverged(first, seen=self.step - 1, path=path)

    def check_weights(self, path: Path | None) -> None:
        """Raise where a weight is not finite: a finite loss may have a gradient that isn't, as roots at 0."""
        finite = torch.stack([p.detach().isfinite().all() for p in self.method.parameters()])
        if not bool(finite.all()):
            raise Diverged(self.step - 1, path=path, what="weights")

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
        found = checkpoints.load(path, self.method, self.about, asdict(Plan()))
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
