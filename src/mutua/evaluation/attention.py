"""Where a network looks: its activations as a map, and three numbers that say whether the map means anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from scipy.stats import rankdata
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, interpolate

from mutua.encoders import Readable, Tiled
from mutua.evaluation.features import inputs, placed, reading
from mutua.types import InputError, Rows, Table

__all__ = [
    "POWERS",
    "attention",
    "attention_maps",
    "attention_table",
    "mapped",
    "on_object",
    "over_places",
    "pasted",
]

POWERS = (1.0, 2.0, 4.0)
"""Powers of the first, second and third layer that is shown, as published; the last for any further one."""


def attention(
    maps: Float[Tensor, "n c h w"], power: float = 1.0, size: tuple[int, int] | None = None
) -> Float[Tensor, "n H W"]:
    """sum over channels of |activation|^p at each place; with a size, up-sampled to it bilinearly.

    The power comes before the sum: after it, it would change the contrast alone and no ranks.

    >>> maps = torch.tensor([[2.0, 1.0], [0.0, 1.0]])[None, :, None]  # two channels at two places
    >>> attention(maps, 2.0).tolist()
    [[[4.0, 2.0]]]

    Paper: Gidaris, Singh and Komodakis 2018, arXiv:1803.07728, figure 3; Zagoruyko and Komodakis 2017,
    arXiv:1612.03928.
    """
    summed = maps.abs().pow(power).sum(1)
    if size is None:
        return summed
    return interpolate(summed[:, None], size, mode="bilinear", align_corners=False)[:, 0]


def mapped(encoder: Readable) -> tuple[str, ...]:
    """The depths of a network that are maps. Raises `InputError` where it has none, or reads images by tiles."""
    if isinstance(encoder, Tiled):
        raise InputError("encoder: reads images as the mean over tiles, whose maps are of no place in the image")
    found = tuple(depth for depth in encoder.depths if len(encoder.shapes[depth]) == 3)
    if not found:
        raise InputError(
            f"encoder: none of its depths {', '.join(encoder.depths)} is a map; use a convolutional one"
        )
    return found


def attention_maps(
    encoder: Readable,
    images: Tensor,
    depths: Sequence[str],
    *,
    batch: int = 64,
    device: torch.device | str = "cpu",
) -> dict[str, Float[Tensor, "n H W"]]:
    """The maps of images at each depth, of the size of the images, the k-th depth with the k-th of `POWERS`."""
    found: dict[str, list[Tensor]] = {depth: [] for depth in depths}
    with reading(encoder, device):
        for part in images.split(batch):
            read = encoder.read(placed(part, device), depths)
            for k, depth in enumerate(depths):
                power = POWERS[min(k, len(POWERS) - 1)]
                height, width = images.shape[2:]
                found[depth].append(attention(read[depth].float(), power, (height, width)).cpu())
    return {depth: torch.cat(parts) for depth, parts in found.items()}


def pasted(
    images: Shaped[Tensor, "n c h w"], share: float, generator: Generator
) -> tuple[Shaped[Tensor, "n c h w"], Int[Tensor, "n 4"]]:
    """The middle of each image on a texture without objects, and its box (top, left, height, width).

    Places are uniform: were the object in the middle, any map that prefers the middle would seem to find it. The
    texture is smoothed noise of another image's mean and deviation, channel by channel.

    Args:
        share: of the image's sides that the object has.
    """
    n, _, height, width = images.shape
    tall, wide = max(1, round(share * height)), max(1, round(share * width))
    values = images.double()
    noise = torch.randn(n, images.shape[1], height + 4, width + 4, generator=generator, dtype=torch.float64)
    noise = avg_pool2d(avg_pool2d(noise, 3, 1), 3, 1)
    noise = (noise - noise.mean((2, 3), keepdim=True)) / noise.std((2, 3), keepdim=True)
    other = values.roll(1, 0)
    found = other.mean((2, 3), keepdim=True) + noise * other.std((2, 3), keepdim=True)
    top = torch.randint(0, height - tall + 1, (n,), generator=generator)
    left = torch.randint(0, width - wide + 1, (n,), generator=generator)
    a, b = (height - tall) // 2, (width - wide) // 2
    for k, (y, x) in enumerate(zip(top.tolist(), left.tolist(), strict=True)):
        found[k, :, y : y + tall, x : x + wide] = values[k, :, a : a + tall, b : b + wide]
    most = 255.0 if images.dtype == torch.uint8 else 1.0
    boxes = torch.stack([top, left, torch.full_like(top, tall), torch.full_like(top, wide)], 1)
    return found.clamp(0, most).to(images.dtype), boxes


def on_object(maps: Float[Tensor, "n h w"], boxes: Int[Tensor, "n 4"]) -> Float[Tensor, " n"]:
    """Share of each map's mass within its box over the box's share of the area: 1 where the map knows nothing."""
    area = maps.shape[1] * maps.shape[2]
    inside = torch.stack(
        [one[t : t + h, x : x + w].sum() for one, (t, x, h, w) in zip(maps, boxes.tolist(), strict=True)]
    )
    total = maps.sum((1, 2)).clamp(min=torch.finfo(maps.dtype).tiny)
    return inside / total / (boxes[:, 2] * boxes[:, 3] / area)


def over_places(maps: Float[Tensor, "n h w"], boxes: Int[Tensor, "n 4"]) -> float:
    """Mass of all maps within their boxes over what boxes of that size at every place have in the mean: 1 for maps
    that don't depend on the place of the object, also where they prefer the middle."""
    tall, wide = boxes[0, 2:].tolist()
    scaled = maps / maps.sum((1, 2), keepdim=True).clamp(min=torch.finfo(maps.dtype).tiny)
    every = avg_pool2d(scaled[:, None], (tall, wide), 1) * tall * wide  # (n, 1, places down, places right)
    inside = every[torch.arange(len(maps)), 0, boxes[:, 0], boxes[:, 1]]
    return float(inside.mean() / every.mean().clamp(min=torch.finfo(maps.dtype).tiny))


def _correlated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each row; 0 where a row is constant."""
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    scale = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.divide((a * b).sum(1), scale, out=np.zeros(len(a)), where=scale > 0)


def _agreement(a: Tensor, b: Tensor) -> float:
    """Spearman's correlation over the places of two maps, the mean over images."""
    ranks = [rankdata(maps.flatten(1).double().numpy(), axis=1) for maps in (a, b)]
    return float(_correlated(*ranks).mean())


def _equivariance(maps: Tensor, turned: Tensor) -> float:
    """Correlation of each map, turned, with the map of the turned image, the mean over images."""
    both = [one.flatten(1).double().numpy() for one in (maps.rot90(1, (1, 2)), turned)]
    return float(_correlated(*both).mean())


def _edges(images: Tensor) -> Float[Tensor, "n h w"]:
    """How steep the pixels are: the control that any filter of edges reaches."""
    x = images.float().mean(1)
    down = torch.diff(x, dim=1, prepend=x[:, :1])
    right = torch.diff(x, dim=2, prepend=x[:, :, :1])
    return (down.square() + right.square()).sqrt()


def _middle(images: Tensor) -> Float[Tensor, "n h w"]:
    n, _, height, width = images.shape
    y, x = (torch.linspace(-1, 1, length) for length in (height, width))
    return torch.exp(-2 * (y[:, None] ** 2 + x**2)).expand(n, -1, -1)


def attention_table(
    encoders: Mapping[str, Readable],
    examples: Rows,
    *,
    supervised: str,
    untrained: str,
    depths: Sequence[str] = (),
    rows: int = 500,
    share: float = 7 / 16,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Table:
    """Three numbers of the attention maps of networks of one build, beside maps that know nothing.

    On the object: share of the map's mass on an object pasted at a uniform place, over its share of the area; and
    over the mass of the same map at all places, since an object that must lie within the image covers the middle
    more often. Agreement: Spearman's correlation with the map of the `supervised` network over places, and what it
    is above that of the `untrained` one. Turned: correlation of the turned map with the map of the turned image.

    Args:
        encoders: row name to network; `supervised` and `untrained` name two of them.
        examples: images, square ones.
        depths: that are maps; the first three by default.
        rows: at most so many images, evenly over all.
        share: of the image's sides that the pasted object has.
    """
    if missing := {supervised, untrained} - set(encoders):
        raise InputError(f"encoders: {', '.join(sorted(missing))} is not among them; give both controls")
    known = mapped(encoders[supervised])
    chosen = tuple(depths) or known[: len(POWERS)]
    if unknown := set(chosen) - set(known):
        raise InputError(
            f"depths: {', '.join(sorted(unknown))} is no map of this network; it has {', '.join(known)}"
        )
    index = torch.linspace(0, len(examples) - 1, min(len(examples), rows)).long()
    images = inputs(examples.take(index))
    if images.shape[2] != images.shape[3]:
        raise InputError(f"images: {images.shape[2]} x {images.shape[3]}; turning them needs square ones")
    scene, boxes = pasted(images, share, Generator().manual_seed(seed))
    turned = images.rot90(1, (2, 3))
    maps = {
        name: [attention_maps(encoder, x, chosen, device=device) for x in (images, turned, scene)]
        for name, encoder in encoders.items()
    }
    found: list[list[Any]] = []
    for name, of in (("gradient of pixels", _edges(scene)), ("middle of the image", _middle(scene))):
        found.append([name, "", None, *_mean(on_object(of, boxes)), over_places(of, boxes), None, None, None])
    for k, depth in enumerate(chosen):
        base = _agreement(maps[untrained][0][depth], maps[supervised][0][depth])
        for name, (plain, round_, on) in maps.items():
            agreed = _agreement(plain[depth], maps[supervised][0][depth])
            power = POWERS[min(k, len(POWERS) - 1)]
            equal = _equivariance(plain[depth], round_[depth])
            told = (*_mean(on_object(on[depth], boxes)), over_places(on[depth], boxes))
            found.append([name, depth, power, *told, agreed, agreed - base, equal])
    note = (
        f"{len(index)} images; maps are sums over channels of |activation|^p, up-sampled. On the object: mass of "
        f"the map on the middle of an image, {share:.2f} of its sides, pasted at a uniform place of a texture, "
        "over its share of the area, and over the same map's mass at all places: 1 for a map that knows nothing. "
        "Agreement: Spearman's, over places, with the supervised network's map. Turned: correlation of the turned "
        "map with the turned image's map; what an untrained network has of it is the architecture's."
    )
    columns = [
        "encoder", "depth", "p", "on the object", "error", "over all places", "agreement", "over untrained",
        "turned",
    ]  # fmt: skip
    return Table("Attention maps", columns, found, note)


def _mean(values: Tensor) -> tuple[float, float]:
    spread = float(values.std()) if len(values) > 1 else float("nan")
    return float(values.mean()), spread / len(values) ** 0.5
