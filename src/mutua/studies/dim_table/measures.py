"""What is read of a row: probes at each depth, and what needs no labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from mutua.data import Images
from mutua.encoders import Readable, decoder
from mutua.encoders.inputs import pixels
from mutua.evaluation import PROBES, dependency, features, mlp, ms_ssim, raw
from mutua.evaluation.unlabelled.ms_ssim import scales_of
from mutua.information import mutual_information
from mutua.training import Plan, descend, shuffled_batches

__all__ = ["decoded", "probed", "unlabelled"]


def probed(
    encoder: nn.Module | None,
    train: Images,
    test: Images,
    depths: Sequence[str],
    probes: Sequence[str],
    mlp_settings: Mapping[str, Any],
    seed: int,
) -> dict[str, dict[str, float]]:
    """Depth to probe to percent right on test, the mean of the MLP's last epochs beside; raw pixels' depth is
    ""."""
    assert train.labels is not None
    assert test.labels is not None
    found: dict[str, dict[str, float]] = {}
    for depth in depths if encoder is not None else ("",):
        if encoder is None:
            x, z = raw(train), raw(test)
        else:
            x, z = (features(encoder, part, depths=(depth,))[depth] for part in (train, test))
        found[depth] = {}
        for probe in probes:
            if probe == "mlp":
                score = mlp(x, train.labels, z, test.labels, seed, **mlp_settings)
                means = [value for name, value in score.settings.items() if name.startswith("mean of")]
                found[depth] |= {"mlp": score.accuracy, **({"mlp, mean": means[0]} if means else {})}
            else:
                found[depth][probe] = PROBES[probe](x, train.labels, z, test.labels, seed).accuracy
    return found


def decoded(
    y: np.ndarray, train: Images, z: np.ndarray, test: Images, epochs: int, seed: int, rate: float = 1e-3
) -> tuple[float | None, Tensor]:
    """Mean MS-SSIM of test images and what a decoder of its own makes of their vectors z, learned from vectors
    y of train by squared error; and its images, in [0, 1]. None for images too small for MS-SSIM's window.

    Every row has the same decoder, whether its method has one or not, so that the rows compare.
    """
    channels, height, width = train.spec.shape
    inputs, tests = torch.from_numpy(y), torch.from_numpy(z)
    generator = Generator().manual_seed(seed)
    batch = min(64, len(y))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = decoder((y.shape[1],), (channels, height, width), width=32)
        centre, scale = inputs.mean(0), inputs.std(0).clamp_min(1e-6)

        def loss(rows: Tensor) -> Tensor:
            wanted = pixels(train.take(rows))
            return (torch.tanh(net((inputs[rows] - centre) / scale)) - wanted).square().flatten(1).sum(1).mean()

        plan = Plan(epochs=epochs, optimizer="adam", lr=rate, weight_decay=0.0)
        steps = len(y) // batch
        descend(loss, net.parameters(), shuffled_batches(len(y), batch, generator), plan, steps_per_epoch=steps)
        net.eval()
        with torch.no_grad():
            parts = ((tests - centre) / scale).split(256)
            images = torch.cat([(torch.tanh(net(part)) + 1) / 2 for part in parts])
    if not scales_of(height, width):
        return None, images[:8]
    truth = torch.cat([test.take(rows).float() / 255 for rows in torch.arange(len(test)).split(256)])
    return float(ms_ssim(truth, images).mean()), images[:8]


def unlabelled(
    encoder: nn.Module, train: Images, test: Images, *, epochs: int, steps: int, rows: int, mine: bool, seed: int
) -> tuple[dict[str, float | None], Tensor]:
    """MS-SSIM, MINE and the neural dependency of Y, and images decoded from Y.

    MINE: of `rows` test images' pixels and codes, held out. A code is a function of its image, so that the
        information itself is infinite, or the images' entropy: what is read is what a network finds of it."""
    assert isinstance(encoder, Readable)
    depth = encoder.depths[-1]
    y, z = (features(encoder, part, depths=(depth,))[depth] for part in (train, test))
    alike, images = decoded(y, train, z, test, epochs, seed)
    few = np.arange(min(rows, len(test)))
    found: dict[str, float | None] = {"MS-SSIM": alike, "dependency": dependency(z, steps=steps, seed=seed)}
    if mine:
        x = raw(test.subset(few))
        moving = x.std(0) > 0  # a pixel that never changes says nothing
        told = mutual_information(
            x[:, moving], z[few], estimator="mine", effort="quick", permutations=19, seed=seed
        )
        found["MINE"] = told.value
    return found, images
