"""What two crops of an image share: where they lie, and how far the histograms of their pixels give them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from mutua.data import KINDS, as_images
from mutua.data.image.decode import pixels_of
from mutua.studies import LOGGER
from mutua.studies.simclr_views.boxes import adjacent, drawn_pairs, global_and_local, kinds_of_pairs
from mutua.studies.simclr_views.figures import crop_figure, histogram_figure, strength_figure
from mutua.studies.simclr_views.matching import Reading, nearest, read, trained, views_of
from mutua.types import InputError, Result, Spec, Table
from mutua.views import ColourJitter, Compose, Greyscale, HorizontalFlip, RandomResizedCrop

__all__ = ["PRESETS", "Config", "run"]

GENERATED = "generated"

Readings = Mapping[str, Mapping[str, Sequence[Reading]]]
"""Matcher to views to readings, one for each K."""


@dataclass(frozen=True)
class Config:
    """Which images are cropped, and how many views their mates are looked for among.

    Args:
        image: A picture to draw the crops on; one of the data by default.
        data: Images in colour: a name, a folder or a file; or `generated`, spots of light on noise.
        size: Height and width of images and of views.
        images: To match, and as many others to fit the matchers on.
        sizes: K, numbers of views to find a mate among, rising.
        strength: Of colour distortion: 0.5 as published for CIFAR-10, 1 for ImageNet.
        scale: Smallest and largest share of the area that a crop keeps.
        bins: Of the histogram of each channel.
        steps: Of training the critic, on the largest K.
        rate: Learning rate of Adam.
        seed: Of images chosen, views and weights.
    """

    image: str | None = None
    data: str = "cifar10"
    size: int = 32
    images: int = 4096
    sizes: tuple[int, ...] = (16, 64, 256)
    strength: float = 0.5
    scale: tuple[float, float] = (0.08, 1.0)
    bins: int = 16
    steps: int = 400
    rate: float = 1e-3
    seed: int = 0


PRESETS = {
    "cpu": Config(),
    "full": Config(images=10_000, sizes=(16, 64, 256, 1024), steps=4000),
    "smoke": Config(data=GENERATED, size=16, images=128, sizes=(8, 32), steps=20),
}


def run(config: Config) -> Result:
    """SimCLR's crops on a picture, global with local and side by side; the histograms of the pixels of crops with
    and without colour distortion; and how often, and for how many nats, histograms alone tell which views are of
    one image: the nearest one, and a trained critic of histograms.

    Raises `InputError` where sizes don't rise, there are too few images, or the picture cannot be read.

    Paper: Chen et al. 2020, A simple framework for contrastive learning of visual representations,
    arXiv:2002.05709, figures 3 and 6.
    """
    sizes = config.sizes
    if not sizes or list(sizes) != sorted(set(sizes)) or sizes[0] < 2:
        raise InputError(f"sizes: {sizes}; give numbers of 2 or more, rising")
    if config.images < 2 * sizes[-1]:
        raise InputError(
            f"images: {config.images} of which {sizes[-1]} make a batch; give {2 * sizes[-1]} or more"
        )
    picture = None if config.image is None else pixels_of(Path(config.image), config.image, size=224, grey=False)
    fit, held, source = _images(config)
    picture = held[0].numpy() if picture is None else picture
    generator = Generator().manual_seed(config.seed)

    a, b = drawn_pairs(picture.shape[1:], config.scale, generator)
    shares = kinds_of_pairs(a, b)
    pairs = {
        "global and local": (("global", "local"), global_and_local(a, b)),
        "adjacent": (("first", "second"), adjacent(a, b)),
    }
    shown = {
        title: tuple(zip(names, boxes, strict=True))
        for title, (names, boxes) in pairs.items()
        if boxes is not None
    }
    views = _views(config)
    readings = _readings(config, views, fit, held)
    figures = {}
    if shown:
        figures["Pairs of crops as they are drawn: a part of the other, and beside it"] = crop_figure(
            picture, shown
        )
    both = _square(picture, config.size), held[1]
    for name, view in views.items():
        crops = [view(one[None].expand(4, -1, -1, -1).contiguous(), generator).numpy() for one in both]
        figures[f"Crops of two images and the histograms of their pixels, {name}"] = histogram_figure(
            crops, config.bins
        )
    caption = "How far histograms alone tell which views are of one image; bars: 95 % intervals over batches"
    figures[caption] = strength_figure(readings)
    tables = [
        _table(readings, len(held), source, config),
        Table(
            "Two crops of an image",
            ["the crops", "share of pairs"],
            list(shares.items()),
            f"{len(a):,} pairs of crops of {config.scale[0]:g} to {config.scale[1]:g} of the area.",
        ),
    ]
    return Result(
        "SimCLR's views",
        tables,
        figures,
        _words(config, readings, shares, source),
        {**asdict(config), "source": source},
    )


def _views(config: Config) -> dict[str, Compose]:
    """What SimCLR does to an image on CIFAR-10 (no blur), without what changes colours, and with it."""
    crop: tuple[RandomResizedCrop | HorizontalFlip, ...]
    crop = (RandomResizedCrop(config.size, config.scale), HorizontalFlip())
    amount = 0.8 * config.strength
    colour = (ColourJitter(amount, amount, amount, min(0.2 * config.strength, 0.5), p=0.8), Greyscale(0.2))
    return {"without colour distortion": Compose(crop), "with colour distortion": Compose((*crop, *colour))}


def _images(config: Config) -> tuple[UInt8[Tensor, "n c h w"], UInt8[Tensor, "m c h w"], str]:
    """(Images to fit on, images to match, what they are)."""
    n = config.images
    if config.data == GENERATED:
        spec = Spec("image", (3, config.size, config.size), "uint8")
        both = KINDS["image"].sample(spec, 2 * n, Generator().manual_seed(config.seed))
        return both[:n], both[n:], "generated spots of light"
    parts = [as_images(config.data, split, size=config.size, channels=3) for split in ("train", "test")]
    chosen = []
    for part, split in zip(parts, ("train", "test"), strict=True):
        if len(part) < n:
            raise InputError(f"{config.data}: {len(part)} images to {split}; ask for fewer, with --images")
        rows = np.sort(np.random.RandomState(config.seed).permutation(len(part))[:n])
        chosen.append(part.take(torch.from_numpy(rows)))
    return chosen[0], chosen[1], parts[1].source


def _square(picture: UInt8[np.ndarray, "c h w"], size: int) -> UInt8[Tensor, "3 s s"]:
    images = as_images(picture[None], size=size, channels=3)
    return images.take(torch.tensor([0]))[0]


def _readings(config: Config, views: Mapping[str, Compose], fit: Tensor, held: Tensor) -> Readings:
    top = config.sizes[-1]
    found: dict[str, dict[str, list[Reading]]] = {"nearest histogram": {}, "trained critic": {}}
    for name, view in views.items():
        generator = Generator().manual_seed(config.seed)
        a, b = views_of(held, view, config.bins, generator)
        tuned = views_of(fit, view, config.bins, generator)
        start = nearest(*tuned, top)
        critics = {
            "nearest histogram": start,
            "trained critic": trained(start, fit, view, config.bins, top, config.steps, config.rate, config.seed),
        }
        for matcher, critic in critics.items():
            found[matcher][name] = [read(critic, a, b, size) for size in config.sizes]
            last = found[matcher][name][-1]
            LOGGER.info(f"{name}, {matcher}: {last.top1:.1%} of {top} views, {last.nats:.2f} nats")
    return found


def _table(readings: Readings, n: int, source: str, config: Config) -> Table:
    rows = [
        [views, matcher, one.size, 100 * one.top1, 100 * one.top1_half, 100 / one.size, one.nats, one.nats_half]
        for matcher, by_views in readings.items()
        for views, found in by_views.items()
        for one in found
    ]
    note = (
        f"{n:,} held-out images of {source}, two views each, in batches of K: is the mate of a view the one of K "
        f"that scores highest, and InfoNCE, at most log K. +-: half of a 95 % interval over batches. Only "
        f"{config.bins} bins of each channel are seen. Temperature and critic are of other images; the critic "
        "starts as the nearest and was "
        f"trained for {config.steps:,} steps at K = {config.sizes[-1]}. Colour distortion of strength "
        f"{config.strength:g} with probability 0.8, and grey with 0.2."
    )
    columns = ["views", "matcher", "K", "top-1, %", "+- %", "chance, %", "nats", "+- nats"]
    return Table("Which views belong together, by histograms alone", columns, rows, note)


def _words(config: Config, readings: Readings, shares: Mapping[str, float], source: str) -> list[str]:
    top, words = config.sizes[-1], []
    for matcher, by_views in readings.items():
        without, distorted = (found[-1] for found in by_views.values())
        words.append(
            f"By the {matcher}, histograms find the mate among {top} views of {source} in "
            f"{100 * without.top1:.1f} +- {100 * without.top1_half:.1f} % without colour distortion and in "
            f"{100 * distorted.top1:.1f} +- {100 * distorted.top1_half:.1f} % with it (chance {100 / top:.1f}); "
            f"{without.nats:.2f} and {distorted.nats:.2f} of log K = {np.log(top):.2f} nats."
        )
    inside, part, apart = (100 * share for share in shares.values())
    words.append(
        f"Of two crops one lies inside the other in {inside:.0f} % of pairs (global and local), they overlap in "
        f"part in {part:.0f} %, and have no pixel in common in {apart:.1f} %, such as adjacent ones."
    )
    return words
