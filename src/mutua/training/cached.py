"""Batches larger than memory: embed in chunks, judge all vectors together, then run the chunks again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Generator, Tensor, nn

from mutua.objectives.batches import length, part
from mutua.ranks import total, world
from mutua.training.chunked_norm import Refusing, WholeBatch
from mutua.training.plan import BatchNorm
from mutua.types import Embedding, Step
from mutua.views.compose import rows

__all__ = ["average_gradients", "cached_step"]


def cached_step(
    method: Embedding,
    batch: Any,
    generator: Generator,
    micro_batch: int,
    batch_norm: BatchNorm = "refuse",
    *,
    backward: Callable[[Tensor], None] = torch.autograd.backward,
    context: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Step:
    """`method.step` and its backward pass, with the activations of `micro_batch` examples in memory at a time.

        z = embed(chunk by chunk, no graph);  dz = d judge(z) / dz;  then chunk by chunk: embed(chunk).backward(dz)

    The gradient is that of the whole batch, not an approximation: the chain rule, cut at z. It costs a second
    forward pass of the encoder, 4/3 of a step's time. Random numbers that `embed` takes from torch's own generator
    (dropout) are the same in both passes; they are drawn chunk by chunk, so not those of an uncut step.

    Batch norm in training ties the examples of `embed` together (in `judge` it sees the whole batch, as it
    should). With L of them in a row `batch_norm` says what happens:

    refuse
        `InputError`.
    exact
        The whole batch's statistics and the gradient through them (`chunked_norm.WholeBatch`), in
        (2 L + 4) / 3 of a step's time.
    chunk
        Each chunk is normalised by its own statistics: another function than the whole batch's, and its running
        averages are of chunks.

    Args:
        method: whose parameters' gradients are added to.
        batch: this rank's examples.
        generator: of what `draw` draws.
        micro_batch: examples in a chunk; the last may have fewer.
        batch_norm: refuse, exact or chunk.
        backward: of the loss, such as one that scales it; what reaches z is handed on as it is.
        context: entered anew for each pass through the network, such as autocast.

    Paper: Gao, Zhang, Han and Callan 2021, Scaling Deep Contrastive Learning Batch Size under Memory Limited
    Setup, arXiv:2101.06983.
    """
    drawn = method.draw(batch, generator)
    n = length(batch)
    spans = [slice(start, min(start + micro_batch, n)) for start in range(0, n, micro_batch)]
    seeds = torch.randint(2**62, (len(spans),)).tolist()
    norms = WholeBatch(method) if batch_norm == "exact" else None

    def embedded(k: int, graph: bool) -> Tensor:
        torch.manual_seed(seeds[k])
        # Autocast keeps the weights it has cast: in one context a graph would miss those cast without one.
        with torch.set_grad_enabled(graph), context():
            return method.embed(part(batch, spans[k]), rows(drawn, spans[k]))

    with ExitStack() as stack:
        stack.enter_context(_forked(method))
        if norms is not None:
            first = norms.settle(embedded, len(spans))
        else:
            if batch_norm == "refuse":
                stack.enter_context(Refusing(micro_batch, n * world()))
            first = [embedded(k, False) for k in range(len(spans))]

    z = torch.cat(first).requires_grad_()  # (n, v, k)
    del first
    with context():
        step = method.judge(z)
    backward(step.loss)
    assert z.grad is not None
    cotangents = [z.grad[span] for span in spans]

    with _forked(method), _kept_buffers(method):
        if norms is not None:
            norms.backward(embedded, cotangents)
        else:
            for k, cotangent in enumerate(cotangents):
                if (vectors := embedded(k, True)).requires_grad:  # not where the encoder is frozen
                    torch.autograd.backward(vectors, cotangent)
    return Step(step.loss.detach(), step.logs)


def _forked(method: Embedding) -> AbstractContextManager[None]:
    """Torch's own generators as they were, afterwards."""
    devices = {p.device for p in method.parameters() if p.is_cuda}
    return torch.random.fork_rng(devices=sorted(device.index for device in devices))


@contextmanager
def _kept_buffers(method: Embedding) -> Iterator[None]:
    """What the second passes write to buffers is undone: running averages have seen each chunk already."""
    before = {name: buffer.clone() for name, buffer in method.named_buffers()}
    yield
    with torch.no_grad():
        for name, buffer in method.named_buffers():
            buffer.copy_(before[name])


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Gradients become their means over ranks, as data parallel training leaves them; one exchange a dtype."""
    if world() == 1:
        return
    found: dict[torch.dtype, list[Tensor]] = {}
    for p in parameters:
        if p.grad is not None:
            found.setdefault(p.grad.dtype, []).append(p.grad)
    for grads in found.values():
        means = total(torch.cat([grad.flatten() for grad in grads])) / world()
        for grad, mean in zip(grads, means.split([grad.numel() for grad in grads]), strict=True):
            grad.copy_(mean.view_as(grad))
