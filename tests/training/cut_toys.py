"""Methods whose step can be cut, in double precision, and their gradients whole and in chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import normalize

from mutua.bounds import nt_xent
from mutua.critics import Cosine
from mutua.encoders import dim32, group_norm, resnet18
from mutua.objectives import Contrastive, head_mlp
from mutua.training import cached_step
from mutua.types import Embedding, Step
from mutua.views import Compose, HorizontalFlip, RandomResizedCrop


class Tangled(nn.Module):
    """Batch norms in all the ways that matter: in a row, side by side, one used twice, one without averages."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4, momentum=None)
        self.left = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4, affine=False, eps=0.1))
        self.right = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, track_running_stats=False), nn.Softplus())
        self.last = nn.Sequential(nn.Flatten(), nn.Linear(4 * 36, 5), nn.BatchNorm1d(5, momentum=0.3), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.norm(self.first(2 * x)))
        return self.last(torch.tanh(self.norm(self.left(x) * self.right(x))))


def small_resnet() -> nn.Module:
    encoder = resnet18(3, 6, norm=group_norm)
    for module in encoder.modules():
        if isinstance(module, nn.GroupNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)  # the published zeros would hide half of the network
    return encoder


class Plain(nn.Sequential):
    """No statistics of the batch."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(108, 12), nn.LayerNorm(12), nn.Tanh(), nn.Linear(12, 5))


ENCODERS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "plain": (Plain, 6, 5),
    "resnet18": (small_resnet, 6, 512),
    "tangled": (Tangled, 6, 5),
    "dim32": (lambda: dim32(3, 8, 8), 8, 8),
}
"""Name to network, size of its images, and features."""


def contrastive(encoder: str = "plain", views: int = 2) -> Contrastive:
    """SimCLR with a learned temperature: batch norm in its head, whatever the encoder has."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        make, size, width = ENCODERS[encoder]
        view = Compose((RandomResizedCrop(size=size), HorizontalFlip()))
        head = head_mlp(width, 7, 4)
        return Contrastive(make(), head, view, Cosine(0.4, learn=True), nt_xent, views).double()


def images(n: int, size: int = 6) -> Tensor:
    return torch.rand(n, 3, size, size, dtype=torch.float64, generator=Generator().manual_seed(1))


def seen(method: Any, step: Any) -> dict[str, Tensor]:
    """Loss, logs, gradients and buffers after a step."""
    found = {"loss": step.loss.detach(), **step.logs}
    for name, p in method.named_parameters():
        found[f"gradient of {name}"] = p.grad
    return found | dict(method.named_buffers())


def whole(method: Any, batch: Tensor) -> dict[str, Tensor]:
    step = method.train().step(batch, Generator().manual_seed(2))
    step.loss.backward()
    return seen(method, step)


def cut(method: Any, batch: Tensor, micro_batch: int, batch_norm: Any = "refuse") -> dict[str, Tensor]:
    return seen(method, cached_step(method.train(), batch, Generator().manual_seed(2), micro_batch, batch_norm))


def agree(found: dict[str, Tensor], want: dict[str, Tensor], rtol: float = 1e-9, atol: float = 1e-11) -> None:
    assert found.keys() == want.keys()
    for name, value in want.items():
        torch.testing.assert_close(
            found[name], value, rtol=rtol, atol=atol, msg=lambda text, name=name: f"{name}: {text}"
        )


class Dropping(Contrastive):
    """Contrast after dropout, the vectors of every pass kept."""

    def __init__(self) -> None:
        inner = contrastive()
        encoder = nn.Sequential(inner.encoder, nn.Dropout(0.5))
        super().__init__(encoder, inner.head, inner.view, inner.critic, inner.contrast)
        self.passes: list[Tensor] = []

    def embed(self, batch: Tensor, drawn: Any) -> Tensor:
        z = super().embed(batch, drawn)
        self.passes.append(z.detach())
        return z


class Nested(Embedding):
    """Two tensors an example in a tuple, noise drawn as a nested dict: all that a user's own method may do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4)).double()

    def draw(self, batch: Any, generator: Generator) -> dict[str, Any]:
        return {"a": {"noise": torch.randn(len(batch["pair"][0]), 3, dtype=torch.float64, generator=generator)}}

    def embed(self, batch: Any, drawn: Any) -> Tensor:
        x, y = batch["pair"]
        return torch.stack([self.net(x), self.net(y + drawn["a"]["noise"])], 1)

    def judge(self, z: Tensor) -> Step:
        left, right = normalize(z, dim=-1).unbind(1)
        return Step(nn.functional.cross_entropy(left @ right.T, torch.arange(len(z))))
