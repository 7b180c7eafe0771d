"""Correspondence of sound and picture: do they go together?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, normalize

from mutua.encoders import Readable, Towers
from mutua.methods.arguments import at_least, one_of
from mutua.objectives import Told, head_mlp, told
from mutua.ranks import gather, mine, rank, world
from mutua.types import Batch, InputError, Method, Rows, Step, wide

__all__ = ["Correspondence", "HeadName", "correspondence"]

HeadName = Literal["concatenated", "metric", "infonce"]
Other = Literal["others", "same"]
Where = Literal["pooled", "map"]


def correspondence(
    encoder: Readable,
    *,
    head: HeadName = "metric",
    negatives: Other = "others",
    piece: float = 1.0,
    where: Where = "pooled",
    width: int = 128,
    temperature: float = 0.1,
) -> Correspondence:
    """Whether a frame and a piece of sound are of one moment of a clip, or don't belong together.

    Args:
        encoder: The network to train: an eye and an ear.
        head: What tells them: concatenated, a network on both codes side by side (L3); metric, the Euclidean
            distance of normalised codes alone (AVE-Net), which aligns them; infonce, the sound among those of the
            batch and the frame among its frames, by cosine.
        negatives: Sounds that don't belong: others, of other clips; same, of the same clip at another time, which
            asks for synchronisation.
        piece: Seconds of sound that go with a frame; all of a window where it is shorter.
        where: What of the frame is scored: pooled, its code; map, each place of the eye's map, of which the
            best counts, so that it says where the sound comes from.
        width: Of the aligned codes.
        temperature: Of the cosine, for infonce.

    Frame and sound of a positive pair overlap: the frame is shown within the piece. The pieces of positives and of
    negatives are cut by one rule, at any sample.

    Paper: Arandjelović and Zisserman 2017, Look, Listen and Learn, arXiv:1705.08168; Arandjelović and
    Zisserman 2018, Objects that Sound, arXiv:1712.06651.
    """
    if not isinstance(encoder, Towers):
        raise InputError(
            f"encoder: correspondence needs an eye and an ear, and this {type(encoder).__name__.lower()} network "
            "has not both; use towers"
        )
    one_of(get_args(HeadName), head=head)
    one_of(get_args(Other), negatives=negatives)
    one_of(get_args(Where), where=where)
    at_least(1, width=width)
    if not (piece > 0 and temperature > 0):
        raise InputError(f"piece, temperature: {piece} s, {temperature}; give numbers above 0")
    return Correspondence(encoder, head, negatives, piece, where, width, temperature)


class _Centred(nn.Module):
    """Batch norm without scale and shift, over all but the last axis."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, affine=False)

    def forward(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return self.norm(x.flatten(0, -2)).unflatten(0, x.shape[:-1])


class _Others(nn.Module):
    """Asks, before a training begins, whether there is another clip that negatives could come from."""

    def calibrate(self, rows: Rows) -> None:
        """Raise `InputError` where all windows are of one clip."""
        codes = getattr(getattr(rows, "groups", None), "codes", None)
        if codes is not None and (codes == codes[0]).all():
            raise InputError(
                "data: all windows are of one clip, and negatives come from others; give more clips, or say "
                "--negatives same"
            )


class Correspondence(Method):
    """See `correspondence`. `matched` gives the aligned codes, `located` the map of scores."""

    of_weights: ClassVar[bool] = True
    heading: ClassVar[str] = "Frames and their sound"
    caption: ClassVar[str] = "Each row is a window of a clip, with its sound."

    def __init__(
        self,
        encoder: Towers,
        head: HeadName,
        negatives: Other,
        piece: float,
        where: Where,
        width: int,
        temperature: float,
    ) -> None:
        super().__init__()
        self.encoder, self.kind, self.negatives, self.where = encoder, head, negatives, where
        spec = encoder.spec
        self.frames, self.rate, self.sound = spec.shape[0], spec.rate or 1.0, spec.sound or 1.0
        self.total = round(self.frames / self.rate * self.sound)
        self.length = min(round(piece * self.sound), self.total)
        told_ = f"windows of {self.total / self.sound:.3g} s and pieces of {self.length / self.sound:.3g} s"
        if self.length < self.sound / self.rate:
            raise InputError(f"piece: {told_}, shorter than a frame is shown; give {1 / self.rate:.3g} s or more")
        if negatives == "same" and self.total < 2 * self.length:
            mend = (
                f"ask for more (--frames {math.ceil(2 * self.length / self.sound * self.rate)}), or less (--piece)"
            )
            raise InputError(f"negatives: {told_} leave no other sound in the same clip; {mend}")
        if where == "map" and head == "concatenated":
            raise InputError("where: the concatenated head has no score of a place; use --head metric or infonce")
        if negatives == "others":
            self.others = _Others()
        code = encoder.shapes["eye"][0]
        # Codes without their common part, which all pairs share: with it the loss stays at ln 2 for long. All that
        # is compared is of one batch, so that its statistics give no pair away.
        self.look, self.listen = nn.Sequential(_Centred(code)), nn.Sequential(_Centred(code))
        if head == "concatenated":
            self.head: nn.Module = head_mlp(2 * code, width, 2, norm=False)
            return
        self.look.append(nn.Linear(code, width))
        self.listen.append(nn.Linear(code, width))
        if head == "metric":
            self.head = nn.Linear(1, 2)  # of the distance
            with torch.no_grad():  # near is together
                self.head.weight.copy_(torch.tensor([[5.0], [-5.0]]))
                self.head.bias.copy_(torch.tensor([-5.0, 5.0]))
        else:
            self.temperature = temperature

    # --- what is drawn -------------------------------------------------------------------------------------

    def pairs(self, n: int, generator: Generator) -> dict[str, Int[Tensor, " n"]]:
        """For each of n windows: the first sample of a piece of sound, the number of a frame that is shown within
        it, and, where negatives are of the same clip, the first sample of a piece that the frame is not shown in.

        Pieces begin at any sample, evenly; the frame is drawn evenly among those of the piece.
        """
        hop, last = self.sound / self.rate, self.total - self.length

        def evenly(of: Tensor) -> Tensor:
            share = torch.rand(n, generator=generator, dtype=torch.float64, device=generator.device)
            return torch.minimum((share * of).long(), (of - 1).clamp(min=0))

        start = evenly(torch.full((n,), last + 1, device=generator.device))
        # Frame k is shown from sample ceil(k hop) on.
        first = ((start.double() - 1) / hop).floor().long() + 1
        final = ((start.double() + self.length - 1) / hop).floor().long().clamp(max=self.frames - 1)
        frame = first + evenly(final - first + 1)
        found = {"frame": frame, "start": start}
        if self.negatives == "same":
            moment = (frame.double() * hop - 1e-9).ceil().long()
            low, high = (moment - self.length + 1).clamp(min=0), moment.clamp(max=last)
            other = evenly(last + 1 - (high - low + 1))  # among those before `low` and those behind `high`
            found["other"] = torch.where(other < low, other, other + high - low + 1)
        return found

    def pieces(self, sound: Float[Tensor, "n 1 t"], start: Int[Tensor, " n"]) -> Float[Tensor, "n 1 p"]:
        """The piece of each sound that begins at its sample."""
        if self.length == self.total:
            return sound
        at = start.to(sound.device)[:, None] + torch.arange(self.length, device=sound.device)  # (n, p)
        return sound.gather(2, at[:, None])

    # --- what is scored ------------------------------------------------------------------------------------

    def seen(self, frames: Tensor) -> Float[Tensor, "n p k"]:
        """Of one frame each (n, c, h, w): its code as one place, or unit vectors of each place."""
        code = self.encoder.placed(frames) if self.where == "map" else self.encoder.eye(frames)[:, None]
        code = self.look(code)
        return code if self.kind == "concatenated" else normalize(wide(code), dim=-1)

    def heard(self, sound: Tensor) -> Float[Tensor, "n k"]:
        """Of pieces of sound: their code, or a unit vector."""
        code = self.listen(self.encoder.ear(sound))
        return code if self.kind == "concatenated" else normalize(wide(code), dim=-1)

    def logits(self, seen: Float[Tensor, "n p k"], heard: Float[Tensor, "n k"]) -> Float[Tensor, "n 2"]:
        """Of pairs: that they belong to two, to one."""
        if self.kind == "concatenated":
            return self.head(torch.cat([seen[:, 0], heard], 1)).float()
        best = (seen * heard[:, None]).sum(-1).amax(1)  # (n,)
        if self.kind == "infonce":
            return torch.stack([torch.zeros_like(best), best / self.temperature], 1)
        return self.head((2 - 2 * best).clamp(min=1e-6).sqrt()[:, None].to(seen.dtype)).float()

    # --- a step --------------------------------------------------------------------------------------------

    def _coded(self, batch: Batch, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor | None]:
        """(Frames seen, the sound of each, and a sound of the same clip that it isn't shown with)."""
        x, sound = batch["x"], batch["sound"]
        frames = x[torch.arange(len(x), device=x.device), drawn["frame"].to(x.device)]
        sounds = self.pieces(sound, drawn["start"])
        seen = self.seen(frames)
        if "other" not in drawn:
            return seen, self.heard(sounds), None
        own, other = self.heard(torch.cat([sounds, self.pieces(sound, drawn["other"])])).chunk(2)
        return seen, own, other

    def _apart(self, batch: Batch) -> Bool[Tensor, "n m"]:
        """Which examples of all ranks are of another clip than each of this rank's."""
        x = batch["x"]
        own = rank() * len(x) if world() > 1 else 0
        group = batch.get("group")
        if group is None:
            group = torch.arange(own, own + len(x), device=x.device)
        return group[:, None] != gather(group.contiguous())

    def _partner(self, apart: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """(An example of another clip for each, whether there is any)."""
        share = mine(torch.rand(apart.shape[1], generator=generator, dtype=torch.float64, device=generator.device))
        counts = apart.sum(1)
        wanted = (share.to(apart.device) * counts).long()  # the how manieth of those apart
        return (apart.cumsum(1) > wanted[:, None]).float().argmax(1), counts > 0

    def scored_pairs(self, batch: Batch, generator: Generator) -> tuple[Tensor, Tensor]:
        """(Logits of n positives, then of n negatives; which examples have a negative)."""
        n = len(batch["x"])
        seen, own, other = self._coded(batch, mine(self.pairs(n * world(), generator)))
        kept = torch.ones(n, dtype=torch.bool, device=seen.device)
        if other is None:
            row, kept = self._partner(self._apart(batch), generator)
            other = gather(own)[row]
        return torch.cat([self.logits(seen, own), self.logits(seen, other)]), kept

    def step(self, batch: Any, generator: Generator) -> Step:
        if self.kind == "infonce":
            return self._among(batch, generator)
        logits, kept = self.scored_pairs(batch, generator)
        labels = torch.arange(2, device=logits.device).flip(0).repeat_interleave(len(kept))
        losses = cross_entropy(logits, labels, reduction="none") * kept.repeat(2)
        loss = losses.sum() / (2 * kept.sum()).clamp(min=1)
        right = ((logits.argmax(1) == labels) * kept.repeat(2)).sum() / (2 * kept.sum()).clamp(min=1)
        return Step(loss, {"accuracy": 100 * right, "nats": math.log(2) - loss.detach()})

    def _among(self, batch: Any, generator: Generator) -> Step:
        """InfoNCE both ways, among the examples of other clips or the other sound of the same."""
        n = len(batch["x"])
        seen, own, other = self._coded(batch, mine(self.pairs(n * world(), generator)))
        first = rank() * n if world() > 1 else 0
        labels = first + torch.arange(n, device=seen.device)
        if other is not None:
            both = torch.cat([self.logits(seen, own)[:, 1:], self.logits(seen, other)[:, 1:]], 1)
            loss = cross_entropy(both, torch.zeros_like(labels))
            return Step(loss, {"infonce_nats": math.log(2) - loss.detach()})
        allowed = self._apart(batch)
        allowed = allowed | (torch.arange(allowed.shape[1], device=seen.device) == labels[:, None])
        losses = []
        for scores in (self._scores(seen, gather(own)), self._scores(gather(seen), own).mT):
            losses.append(cross_entropy(scores.masked_fill(~allowed, -math.inf), labels))
        loss = torch.stack(losses).mean()
        count = allowed.sum(1).float().log().mean()
        return Step(loss, {"infonce_nats": count - loss.detach()})

    def _scores(self, seen: Float[Tensor, "n p k"], heard: Float[Tensor, "m k"]) -> Float[Tensor, "n m"]:
        return (seen @ heard.mT).amax(1) / self.temperature

    # --- what it says --------------------------------------------------------------------------------------

    def told(self, batch: Any, generator: Generator) -> Told:
        """Of each example, whether its sound belongs to it and whether another does; of infonce, which of the two
        does."""
        logits, kept = self.scored_pairs(batch, generator)
        n = len(kept)
        if not kept.any():
            raise InputError("examples: all are of one clip, and negatives come from others; give more clips")
        if self.kind == "infonce":
            both = torch.stack([logits[:n, 1], logits[n:, 1]], 1)
            side = torch.arange(n, device=both.device) % 2  # on which of two sides the right one is
            both = torch.where(side[:, None] == 1, both.flip(1), both)
            return told(both[kept], side[kept], int(kept.sum()), math.log(2))
        labels = torch.arange(2, device=logits.device).flip(0).repeat_interleave(n)
        both_kept = kept.repeat(2)
        return told(logits[both_kept], labels[both_kept], int(kept.sum()), math.log(2))

    def matched(self, batch: Batch) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Unit vectors of frames and of sound, of whole windows, whose products say how well they match. Those of
        the concatenated head are the towers' own, which nothing aligns."""
        frames = batch["x"]
        n, f = frames.shape[:2]
        seen = self.seen(frames.flatten(0, 1)).mean(1).unflatten(0, (n, f)).mean(1)
        return normalize(wide(seen), dim=-1), normalize(wide(self.heard(batch["sound"])), dim=-1)

    def located(self, batch: Batch) -> Float[Tensor, "n f h w"]:
        """How well each place of each frame matches the window's sound, by cosine."""
        frames, heard = batch["x"], self.heard(batch["sound"])
        n, f = frames.shape[:2]
        seen = self.seen(frames.flatten(0, 1)).unflatten(0, (n, f))  # (n, f, p, k)
        return (seen * heard[:, None, None]).sum(-1).unflatten(-1, self.encoder.grid)

    def encode(self, x: Batch) -> Tensor:
        return self.encoder(x)

    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        if self.where != "map":
            return {"original": batch, "sound": batch}
        with torch.no_grad():
            scores = self.located(batch)
        frames = batch["x"]
        large = interpolate(scores, frames.shape[-2:], mode="bilinear")[:, :, None]  # (n, f, 1, h, w)
        low, high = large.amin((1, 2, 3, 4), keepdim=True), large.amax((1, 2, 3, 4), keepdim=True)
        light = (large - low) / (high - low).clamp(min=1e-6)
        lit = frames.float() * (0.15 + 0.85 * light)
        lit = lit.round().to(frames.dtype) if frames.dtype == torch.uint8 else lit
        return {"original": batch, "where it sounds": {**batch, "x": lit}}
