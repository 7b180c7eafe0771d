"""Coupling layers: invertible maps of vectors whose inverse and Jacobian's determinant cost what the map costs.

Of each layer one half h of the coordinates is held, the other moved: m -> m exp(2 tanh a(h)) + t(h), or m + t(h)
without scales. Which half is drawn, once; the next layer holds the other. Coordinates stay at their places, so
that networks that begin near 0 begin near the identity.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.encoders.inputs import prepared
from mutua.encoders.staged import Staged
from mutua.types import Batch, InputError, Spec

__all__ = ["Couplings", "Flow", "flow"]

_MOST = 2.0
_WIDE = 4096


class Couplings(nn.Module):
    """`layers` couplings of d >= 2 coordinates, each with a perceptron of two hidden layers.

    Args:
        scaled: whether the moved half is scaled too; without, volumes are preserved and log|det| is 0.
        start: deviation of all weights at the start. 0 would leave the inner ones without a gradient.
        seed: of the halves.
    """

    def __init__(self, d: int, layers: int, hidden: int, scaled: bool, start: float, seed: int) -> None:
        super().__init__()
        if d < 2:
            raise InputError(
                f"couplings: {d} coordinate, of which none is left to move; give examples of two or more"
            )
        if layers < 1 or hidden < 1:
            raise InputError(f"couplings: {layers} layers of {hidden} units; give 1 or more of both")
        self.d, self.scaled = d, scaled
        draw = torch.Generator().manual_seed(seed)
        orders: list[Tensor] = []
        while len(orders) < layers:
            order = torch.randperm(d, generator=draw)
            # Of an odd width both layers of a pair hold d // 2: all move at least once where d > 2.
            orders += [order, order.flip(0)]
        self.register_buffer("orders", torch.stack(orders[:layers]))
        half = d // 2
        out = (d - half) * (2 if scaled else 1)
        self.nets = nn.ModuleList(
            nn.Sequential(
                nn.Linear(half, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, out)
            )
            for _ in range(layers)
        )
        for net in self.nets:
            assert isinstance(net, nn.Sequential)
            last = net[-1]
            assert isinstance(last, nn.Linear)
            # The last layer alone decides where it begins; the inner ones keep gradients of a size to learn by.
            nn.init.normal_(last.weight, std=start)
            nn.init.zeros_(last.bias)

    def _made(self, at: int, held: Tensor) -> tuple[Tensor | None, Tensor]:
        """Log-scales, or none, and shifts of the moved half."""
        made = self.nets[at](held)
        if not self.scaled:
            return None, made
        raw, shift = made.chunk(2, 1)
        return _MOST * torch.tanh(raw), shift

    def both(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
        """z and log|det dz/dx| in nats."""
        log_det = x.new_zeros(len(x))
        orders: Tensor = self.orders  # type: ignore[assignment]
        for at, order in enumerate(orders):
            held, moved = order[: self.d // 2], order[self.d // 2 :]
            scale, shift = self._made(at, x[:, held])
            part = x[:, moved]
            if scale is not None:
                part = part * scale.exp()
                log_det = log_det + scale.sum(1)
            x = x.index_copy(1, moved, part + shift)
        return x, log_det

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.both(x)[0]

    def inverse(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """x of z, the layers undone in turn."""
        orders: Tensor = self.orders  # type: ignore[assignment]
        for at in reversed(range(len(self.nets))):
            held, moved = orders[at, : self.d // 2], orders[at, self.d // 2 :]
            scale, shift = self._made(at, z[:, held])
            part = z[:, moved] - shift
            if scale is not None:
                part = part * (-scale).exp()
            z = z.index_copy(1, moved, part)
        return z


class Flow(Staged):
    """An encoder that loses nothing: examples of d numbers to d features, and back."""

    def __init__(self, couplings: Couplings, spec: Spec) -> None:
        super().__init__({"code": nn.Sequential(nn.Flatten(), couplings)}, spec)

    @property
    def couplings(self) -> Couplings:
        found = self.stages["code"][1]  # type: ignore[index]
        assert isinstance(found, Couplings)
        return found

    def log_det(self, batch: Batch) -> Float[Tensor, " n"]:
        """log|det d code / d x| in nats, x the example as the network takes it (pixels in [-1, 1])."""
        examples, _ = self.check(batch)
        return self.couplings.both(self.prepare(examples))[1]

    def prepare(self, examples: Tensor) -> Float[Tensor, "n d"]:
        """Examples as the couplings take them: pixels in [-1, 1], flat."""
        return prepared(examples, self.spec).flatten(1)

    def inverse(self, code: Float[Tensor, "n d"]) -> Tensor:
        """The example of a code, (n, c, h, w) in [-1, 1]."""
        return self.couplings.inverse(code).view(len(code), *self.spec.shape)


def flow(spec: Spec, layers: int, hidden: int | None, scaled: bool, start: float, seed: int) -> Flow:
    """A flow of images. hidden: 256 by default, 32 for examples of more than 4,096 numbers."""
    d = torch.Size(spec.shape).numel()
    wide = (256 if d <= _WIDE else 32) if hidden is None else hidden
    return Flow(Couplings(d, layers, wide, scaled, start, seed), spec)
