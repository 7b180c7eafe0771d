"""Batch norm of a batch that passes through the network in chunks: refused, or exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode

from mutua.kernels.devices.copies import to_device
from mutua.ranks import total, world
from mutua.training.norm import ELSEWHERE
from mutua.types import InputError

__all__ = ["Refusing", "WholeBatch"]

Embedded = Callable[[int, bool], Tensor]
"""The vectors of chunk k, with a graph or without."""


class _Intercepting(TorchFunctionMode):
    """Within it, batch norms in training end in `normalised`: all that call `torch.nn.functional.batch_norm`."""

    def __enter__(self) -> Any:
        self._token = ELSEWHERE.set(True)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        ELSEWHERE.reset(self._token)
        super().__exit__(*error)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        training = kwargs.get("training", args[5] if len(args) > 5 else False)
        return self.normalised(*args, **kwargs) if func is batch_norm and training else func(*args, **kwargs)

    def normalised(self, *args: Any, **settings: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define normalised(...)")


class Refusing(_Intercepting):
    """Within it, a batch norm in training raises `InputError`."""

    def __init__(self, micro_batch: int, batch: int) -> None:
        super().__init__()
        self.sizes = micro_batch, batch

    def normalised(self, *_args: Any, **_settings: Any) -> Tensor:
        few, many = self.sizes
        raise InputError(
            f"micro_batch: the encoder has batch norm, and normalising {few} examples is another function than "
            f"normalising {many}; take an encoder with group norm (resnet18-groupnorm), batch_norm=exact (several "
            "times slower) or batch_norm=chunk (that other function)"
        )


@dataclass
class _Call:
    """One batch norm in the course of a pass: statistics of the whole batch, and the loss's gradient by them."""

    count: int
    mean: Tensor  # (c,)
    variance: Tensor  # (c,)
    track: Callable[[Tensor, Tensor], None]
    by_mean: Tensor | None = None
    by_variance: Tensor | None = None


class _Reached(Exception):
    """The pass came to the batch norm whose statistics are being gathered."""


class WholeBatch(_Intercepting):
    """Batch norm by the statistics of the whole batch, which no pass ever has in memory, and their gradient.

    Statistics s_l = (mean, variance) of batch norm l depend on examples through the batch norms before it. So
    they are found one after another, each by a pass that ends at l and sums over chunks. Backwards,

        dL/ds_l = sum_i [ dz_i dz_i/ds_l + sum_{m > l} dL/ds_m ds_m^i/ds_l ],  ds_m^i the share of example i,

    so that from the last to the first each is found by a pass of the chunks with s_l as a variable. With all
    of them known, one backward pass a chunk of z . dz + sum_m s_m^i . dL/ds_m gives the whole batch's gradient.

    Of L calls of batch norm in a row, settling costs L/2 + 1 forward passes and going back L forward and L/2
    backward ones and the last pass: (2 L + 4) / 3 of an uncut step, by the rule that a backward pass costs two.
    Running averages are updated once, as an uncut step does. Ranks are summed over.

    Args:
        method: whose batch norms count their batches.
    """

    def __init__(self, method: nn.Module) -> None:
        super().__init__()
        counters = (getattr(module, "num_batches_tracked", None) for module in method.modules())
        self.counters = [(counter, counter.clone()) for counter in counters if isinstance(counter, Tensor)]
        self.calls: list[_Call] = []

    def settle(self, embedded: Embedded, chunks: int) -> list[Tensor]:
        """The statistics of every batch norm, and with them the vectors of each chunk."""
        while True:
            found = []
            self.sums: list[tuple[int, Tensor, Tensor]] = []
            for k in range(chunks):
                try:
                    found.append(self._pass(embedded, k, False))
                except _Reached:
                    continue
            if not self.sums:
                break
            if found:
                raise InputError("micro_batch: batch norms differ from chunk to chunk; use batch_norm=chunk")
            self.calls.append(_merged(self.sums, self.track))
        for call in self.calls:
            call.track(call.mean, call.variance * (call.count / max(call.count - 1, 1)))
        return found

    def backward(self, embedded: Embedded, cotangents: Sequence[Tensor]) -> None:
        """Add to the parameters' gradients that of the whole batch, given dL/dz of each chunk."""
        for call_number in reversed(range(len(self.calls))):
            sums: list[Tensor] = []
            for k, cotangent in enumerate(cotangents):
                z = self._pass(embedded, k, False, call_number)
                outputs, weights = self._with_tolls(z, cotangent)
                found = tuple(torch.zeros_like(leaf) for leaf in self.leaves)
                if outputs:  # not where the call is of a network without gradient, such as a target
                    found = torch.autograd.grad(
                        outputs, self.leaves, weights, allow_unused=True, materialize_grads=True
                    )
                sums = [a + b for a, b in zip(sums, found, strict=True)] if sums else list(found)
            call = self.calls[call_number]
            call.by_mean, call.by_variance = (total(value) for value in sums)
        for k, cotangent in enumerate(cotangents):
            z = self._pass(embedded, k, True, -1)
            outputs, weights = self._with_tolls(z, cotangent)
            if outputs:
                torch.autograd.backward(outputs, weights)

    def _pass(self, embedded: Embedded, k: int, graph: bool, opened: int | None = None) -> Tensor:
        """Chunk k. `opened`: the number of the call whose statistics are variables, and from where there is a
        graph; -1 for a graph throughout."""
        for counter, before in self.counters:
            counter.copy_(before)  # each pass counts this batch once more
        self.at, self.opened = 0, opened
        self.tolls: list[Tensor] = []
        with self:
            return embedded(k, graph)

    def _with_tolls(self, z: Tensor, cotangent: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What the loss depends on, of what has a graph, and the gradient of the loss by each."""
        pairs = [(z, cotangent), *((toll, torch.ones_like(toll)) for toll in self.tolls)]
        kept = [(output, weight) for output, weight in pairs if output.requires_grad]
        return [output for output, _ in kept], [weight for _, weight in kept]

    def normalised(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = True,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        axes = [0, *range(2, x.ndim)]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        number, self.at = self.at, self.at + 1
        if number == len(self.calls):
            mean = x.mean(axes)  # (c,)
            self.sums.append((x.numel() // x.shape[1], mean, (x - mean.view(shape)).square().sum(axes)))
            self.track = _tracking(running_mean, running_var, momentum)
            raise _Reached
        call = self.calls[number]
        mean, variance = call.mean, call.variance
        if number == self.opened:
            torch.set_grad_enabled(True)  # until the end of the pass
            mean, variance = self.leaves = mean.clone().requires_grad_(), variance.clone().requires_grad_()
        centred = x - mean.view(shape)
        if self.opened is not None and number > self.opened:
            assert call.by_mean is not None
            assert call.by_variance is not None
            share = call.by_mean * x.sum(axes) + call.by_variance * centred.square().sum(axes)  # (c,)
            self.tolls.append(share.sum() / call.count)
        out = centred * (variance + eps).rsqrt().view(shape)
        out = out if weight is None else out * weight.view(shape)
        return (out if bias is None else out + bias.view(shape)).to(input.dtype)


def _merged(sums: Sequence[tuple[int, Tensor, Tensor]], track: Callable[[Tensor, Tensor], None]) -> _Call:
    """Mean and variance of all chunks of all ranks, from each chunk's own: nothing is lost to large means."""
    counts = torch.tensor([float(count) for count, _, _ in sums])
    counts = to_device(counts, sums[0][1].device).to(sums[0][1].dtype)  # (chunks,)
    means = torch.stack([mean for _, mean, _ in sums])  # (chunks, c)
    squares = torch.stack([square for _, _, square in sums])  # (chunks, c)
    count = sum(number for number, _, _ in sums) * world()  # ranks hold equal shares
    mean = total(counts @ means) / count  # (c,)
    variance = total((squares + counts[:, None] * (means - mean).square()).sum(0)) / count  # (c,)
    return _Call(count, mean, variance, track)


def _tracking(
    running_mean: Tensor | None, running_var: Tensor | None, momentum: float
) -> Callable[[Tensor, Tensor], None]:
    @torch.no_grad()
    def track(mean: Tensor, variance: Tensor) -> None:
        if running_mean is not None and running_var is not None:
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_(variance.to(running_var.dtype), momentum)

    return track
