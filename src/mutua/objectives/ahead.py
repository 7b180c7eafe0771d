"""Learning by telling what comes next from what comes elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn

from mutua.encoders import Grid, Ordered, Pieces
from mutua.objectives.negatives import NEGATIVES, Negatives, Origin
from mutua.objectives.siamese import draw_views
from mutua.ranks import gather, mine, rank, total, world
from mutua.streamed.told_apart import told_apart
from mutua.types import Batch, InputError, Method, Step, View, parted, wide

__all__ = ["Ahead", "Over", "overlapping"]

Over = Literal["pieces", "contexts", "both"]


def overlapping(k: int, clean: int) -> str:
    """A mark for horizons whose piece shares input with the context: their figures are partly of copies."""
    return "_overlapping" if k < clean else ""


class Ahead(Method):
    """The piece k steps ahead, told from others by a bilinear critic of the context, for each horizon k.

        T_k(c_t, z_j) = c_t^T W_k z_j / sqrt(d)
        loss = mean over k of mean over t of [log sum_j e^T_k(c_t, z_j) - T_k(c_t, z_t+k)]

    where j runs over the positive and the negatives. Softmax over contexts instead sums over c_j at a fixed z_t+k:
    the bound with the other margin. Scores of one horizon are made block by block (`told_apart`), so that there is
    no tensor of all of them. Padding is neither anchor, nor positive, nor negative.

    Logs, of each k: nats_k, InfoNCE; cap_k, the mean log of the number of candidates, which nats cannot exceed;
    and top1_k, in percent; named ..._overlapping where the piece ahead shares input with the context.

    Args:
        encoder: of pieces and their contexts; what is kept.
        horizons: k, rising.
        negatives: see `NEGATIVES`.
        candidates: pieces drawn in each step, the same for all anchors, that negatives are among; 0 for all.
        over: what the softmax runs over: pieces z given a context, contexts c given a piece, or the mean of both.
        window: pieces in order of each example that a step sees, at a random place; 0 for all.
        view: of single patches of a grid, each drawn by itself; none by default.
        directions: of a grid, from 1, downwards, to 4: each quarter turn has W_k of its own, all one context
            network.

    Raises InputError where examples have no piece at the last horizon, and where groups are asked for and a batch
    has none.

    Paper: van den Oord, Li and Vinyals 2018, arXiv:1807.03748.
    """

    encoder: Ordered

    def __init__(
        self,
        encoder: Ordered,
        horizons: Sequence[int],
        negatives: Negatives = "batch",
        candidates: int = 0,
        over: Over = "pieces",
        window: int = 0,
        view: View | None = None,
        directions: int = 1,
    ) -> None:
        super().__init__()
        self.encoder, self.horizons = encoder, tuple(horizons)
        self.negatives, self.candidates, self.over, self.window = negatives, candidates, over, window
        self.view = view
        if not 1 <= directions <= 4:
            raise InputError(f"directions: {directions}; give 1 (downwards) to 4")
        if not isinstance(encoder, Grid) and (directions > 1 or view is not None):
            raise InputError(
                f"view, directions: are of patches of a grid, and these are {encoder.spec.kind}; leave them out"
            )
        self.width = encoder.shapes["pieces"][0]
        self.units = encoder.shapes["context"][0]
        seen = min(window, encoder.count) if window else encoder.count
        if not self.horizons or min(self.horizons) < 1:
            raise InputError(f"horizons: {self.horizons}; give numbers of pieces ahead, 1 or more")
        if seen <= max(self.horizons):
            raise InputError(
                f"horizons: {max(self.horizons)} pieces ahead, and {encoder.spec} have {seen} in order; "
                "give longer examples, or fewer steps"
            )
        self.predict = nn.ModuleList(self._predictor() for _ in range(directions))

    def _predictor(self) -> nn.Linear:
        """W_k of all horizons side by side."""
        return nn.Linear(self.units, len(self.horizons) * self.width, bias=False)

    def step(self, batch: Batch, generator: Generator) -> Step:
        pieces = self.pieces(batch, generator)
        group = self._groups(batch, len(pieces[0].z))
        found = [
            self.judged(one, predict, group, generator) for one, predict in zip(pieces, self.predict, strict=True)
        ]
        logs = {name: torch.stack([log[name] for _, log in found]).mean() for name in found[0][1]}
        return Step(torch.stack([loss for loss, _ in found]).mean(), logs)

    def pieces(self, batch: Batch, generator: Generator) -> list[Pieces]:
        """Pieces and contexts of what a step sees, once for each direction that is predicted."""
        if not isinstance(self.encoder, Grid):
            return [self.encoder.ahead(self.cut(batch, generator))]
        patches = self.encoder.cut(parted(batch)[0])
        if self.view is not None:
            patches = draw_views(self.view, patches, generator)
        codes = self.encoder.codes(patches)
        return [self.encoder.turned(codes, quarters) for quarters in range(len(self.predict))]

    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        """A grid's patches, each where it is from, as training sees them."""
        if not isinstance(self.encoder, Grid) or self.view is None:
            return {"original": batch}
        x, _ = parted(batch)
        patches = draw_views(self.view, self.encoder.cut(x), generator)
        rows = self.encoder.shapes["pieces"][1]
        laid = patches.unflatten(0, (len(x), rows, -1)).permute(0, 3, 1, 4, 2, 5)  # (n, c, r, p, q, p)
        return {"original": batch, "patches": laid.flatten(4, 5).flatten(2, 3)}

    def cut(self, batch: Batch, generator: Generator) -> Batch:
        """A part of each example in time, `window` pieces long, at a random place of what is real."""
        axis = self.encoder.spec.time + 1
        x, mask = parted(batch)
        length = (self.window - 1) * self.encoder.hop + self.encoder.field
        if not self.window or not axis or x.shape[axis] <= length:
            return batch
        n, t = len(x), x.shape[axis]
        real = torch.full((n,), t, device=x.device) if mask is None else mask.sum(1)
        place = mine(torch.rand(n * world(), generator=generator)).to(x.device)  # (n,)
        start = (place * (real - length + 1).clamp(min=1)).long()
        index = start[:, None] + torch.arange(length, device=x.device)  # (n, length)
        shape = [n if i == 0 else length if i == axis else 1 for i in range(x.ndim)]
        sizes = [length if i == axis else size for i, size in enumerate(x.shape)]
        parts = {"x": x.gather(axis, index.reshape(shape).expand(sizes))}
        if mask is not None:
            parts["mask"] = mask.gather(1, index)
        if isinstance(batch, dict) and "group" in batch:
            parts["group"] = batch["group"]
        return parts if isinstance(batch, dict) else parts["x"]

    def _groups(self, batch: Batch, n: int) -> Int[Tensor, " n"] | None:
        if not self.negatives.startswith("group"):
            return None
        if not isinstance(batch, dict) or "group" not in batch:
            raise InputError(
                f"negatives: {self.negatives}, and the data don't say which group an example is of; name the "
                "labels that do, with --group"
            )
        return batch["group"]

    def judged(
        self, pieces: Pieces, predict: nn.Module, group: Tensor | None, generator: Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logs of one direction."""
        n, lines, t, d = pieces.z.shape
        z, mask = pieces.z, self._real(pieces)
        ahead = predict(pieces.c).unflatten(-1, (-1, d)) / math.sqrt(d)  # (n, l, t, k, d)
        everyone = gather(mask).flatten().nonzero()[:, 0]  # numbers of the real pieces of all ranks
        drawn = everyone
        if 0 < self.candidates < len(everyone):
            order = torch.randperm(len(everyone), generator=generator)[: self.candidates]
            drawn = everyone[order.to(everyone.device)]
        pieces_drawn = None if self.over == "contexts" else gather(z).flatten(0, 2)[drawn]  # (m, d)
        contexts_drawn = None if self.over == "pieces" else gather(ahead).flatten(0, 2)[drawn]  # (m, k, d)
        origin = self._origin(n, lines, t, group, z.device)
        loss: list[Tensor] = []
        logs: dict[str, Tensor] = {}
        for i, k in enumerate(self.horizons):
            here = mask[:, :, k:].flatten().nonzero()[:, 0]  # anchors, among (n, l, t - k)
            line = torch.div(here, t - k, rounding_mode="floor")
            at = here + line * k + rank() * n * lines * t  # their contexts, by number
            query = ahead[:, :, : t - k, i].flatten(0, 2)[here]
            target = z[:, :, k:].flatten(0, 2)[here]
            count = total(wide(query[:0]).new_full((), len(here)))  # bfloat16 would round it
            ways = []
            if pieces_drawn is not None:
                ways.append(self._told(query, target, pieces_drawn, at + k, drawn, origin))
            if contexts_drawn is not None:
                ways.append(self._told(target, query, contexts_drawn[:, i], at, drawn, origin))
            scale = world() / count.clamp(min=1)
            each, nats, right = (torch.stack(values).mean() * scale for values in zip(*ways, strict=True))
            loss.append(each)
            mark = overlapping(k, self.encoder.clean)
            logs[f"nats_{k}{mark}"], logs[f"top1_{k}{mark}"] = nats, 100 * right
            logs[f"cap_{k}{mark}"] = nats + each.detach()
        return torch.stack(loss).mean(), logs

    def _told(
        self, query: Tensor, partner: Tensor, among: Tensor, own: Tensor, drawn: Tensor, origin: Origin
    ) -> tuple[Tensor, Tensor, Tensor]:
        theirs, ours = origin.of(drawn), origin.of(own)
        related = NEGATIVES[self.negatives]

        def keep(rows: slice) -> Bool[Tensor, "r m"]:
            return related(ours.of(rows), theirs) & (own[rows, None] != drawn)

        return told_apart(query, partner, among, keep)

    @staticmethod
    def _real(pieces: Pieces) -> Bool[Tensor, "n l t"]:
        n, lines, t, _ = pieces.z.shape
        if pieces.mask is None:
            return torch.ones(n, lines, t, dtype=torch.bool, device=pieces.z.device)
        return pieces.mask[:, None].expand(n, lines, t)

    @staticmethod
    def _origin(n: int, lines: int, t: int, group: Tensor | None, device: torch.device) -> Origin:
        """Of every piece of all ranks, padding too."""
        example = torch.arange(n * world(), device=device)
        each = example if group is None else gather(group)
        moment = torch.arange(t, device=device).repeat(n * world() * lines)
        return Origin(example.repeat_interleave(lines * t), each.repeat_interleave(lines * t), moment)

    def encode(self, x: Batch) -> Float[Tensor, "n d"]:
        return self.encoder(x).flatten(1)
