"""An eye for the frames of a film and an ear for its sound, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.encoders.sound import logmel
from mutua.encoders.staged import Readable, Staged, dry_run
from mutua.types import Batch, InputError, Spec, names

__all__ = ["Pooled", "Towers", "towers"]


class Towers(Readable):
    """Two networks that see nothing of each other: frames (n, f, c, h, w), sound (n, 1, t).

        eye = mean_k eye(frame_k),  ear = ear(sound),  both = [eye, ear]

    Depths: eye, ear, both, which is what comes out.

    Args:
        eye: a frame to a vector; its last stage is `Pooled`.
        ear: sound to a vector as wide.
        spec: what one example is: a film with sound.
    """

    def __init__(self, eye: Staged, ear: Staged, spec: Spec) -> None:
        super().__init__()
        self.eye, self.ear, self.spec = eye, ear, spec
        self.shapes = dry_run(self)

    @property
    def depths(self) -> tuple[str, ...]:
        return ("eye", "ear", "both")

    def seen(self, frames: Float[Tensor, "n f c h w"] | Tensor) -> Float[Tensor, "n d"]:
        """The eye's mean over the frames."""
        n, f = frames.shape[:2]
        return self.eye(frames.flatten(0, 1)).unflatten(0, (n, f)).mean(1)

    def placed(self, frames: Float[Tensor, "n c h w"] | Tensor) -> Float[Tensor, "n p d"]:
        """The eye's code of each place of its map, as if the picture were that place all over."""
        depth, last = self.eye.depths[-2:]
        pool = self.eye.stages[last]
        assert isinstance(pool, Pooled)
        return pool.each(self.eye.read(frames, (depth,))[depth])

    @property
    def grid(self) -> tuple[int, int]:
        """Places of the map, down and across."""
        return self.eye.shapes[self.eye.depths[-2]][1:]  # type: ignore[return-value]

    def read(self, batch: Batch, depths: Sequence[str]) -> dict[str, Tensor]:
        """The vectors at the named depths, from one pass of those that are needed."""
        wanted = set(depths)
        if unknown := wanted - set(self.depths):
            raise InputError(f"depth: {names(unknown)} is not one of this encoder's {', '.join(self.depths)}")
        frames, _ = self.check(batch)
        if not isinstance(batch, Mapping) or "sound" not in batch:
            raise InputError(f"batch: frames alone where {self.spec} are meant; read the data with --sound")
        found: dict[str, Tensor] = {}
        if wanted & {"eye", "both"}:
            found["eye"] = self.seen(frames)
        if wanted & {"ear", "both"}:
            found["ear"] = self.ear(batch["sound"])
        if "both" in wanted:
            found["both"] = torch.cat([found["eye"], found["ear"]], 1)
        return {name: found[name] for name in self.depths if name in wanted}

    def forward(self, batch: Batch) -> Tensor:
        return self.read(batch, ("both",))["both"]


class Pooled(nn.Module):
    """Mean and maximum over places, then linear: (n, k, h, w) to (n, width)."""

    def __init__(self, maps: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * maps, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))

    def each(self, x: Float[Tensor, "n k h w"]) -> Float[Tensor, "n p d"]:
        """The same of each place by itself, whose mean and maximum are what is there."""
        places = x.flatten(2).mT
        return self.linear(torch.cat([places, places], -1))


def _convolution(inputs: int, width: int, stride: int) -> nn.Module:
    # Group norm: no statistics of the batch, by which pairs of it could be told.
    return nn.Sequential(
        nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.GroupNorm(min(8, width), width), nn.ReLU()
    )


def towers(spec: Spec, width: int = 128, maps: int = 32) -> Towers:
    """Convolutions on a frame, and on the log-mel spectrogram of its sound; each to `width` numbers.

    The eye: convolutions of 3x3 and stride 2, `maps` and twice as many each time up to four times, down to maps of
    7 to 13 places a side; mean and maximum over them, linear. The ear: that of `logmel`, `maps` wide at first,
    linear.

    Raises `InputError` for films without sound, and of no known frames a second.
    """
    if spec.sound is None:
        raise InputError("sound: these films are read without it, and this encoder has an ear; say --sound 16000")
    _, c, h, w = spec.shape
    count = round(spec.shape[0] / (spec.rate or 1) * spec.sound)
    stages: dict[str, nn.Module] = {}
    side, inputs, layer = min(h, w), c, 0
    while layer < 3 or side > 13:
        stride = 2 if side >= 14 else 1
        out = maps * 2 ** min(layer, 2)
        stages[f"conv{layer + 1}"] = _convolution(inputs, out, stride)
        side, inputs, layer = (side + 1) // 2 if stride == 2 else side, out, layer + 1
    eye = Staged({**stages, "pool": Pooled(inputs, width)}, Spec("image", (c, h, w), spec.dtype))
    heard = logmel(Spec("sound", (1, count), "float32", spec.sound), maps)
    pooled = heard.shapes["pool"][0]
    ear = Staged({**heard.stages, "linear": nn.Linear(pooled, width)}, heard.spec)
    return Towers(eye, ear, spec)
