"""NAT: features are drawn to random points of the sphere, which images exchange to fit them better."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor
from torch.nn.functional import normalize

from mutua.encoders import Staged, Wrapped
from mutua.kernels.devices.copies import to_device
from mutua.methods.arguments import at_least
from mutua.objectives import draw_views
from mutua.ranks import gather, mine, world
from mutua.types import Batch, InputError, Method, Step, View, parted, wide
from mutua.views import Compose, HorizontalFlip, RandomResizedCrop

__all__ = ["NAT", "matching_alone", "nat"]


def _best(scores: Float[np.ndarray, "n n"]) -> Int64[np.ndarray, " n"]:
    """The column of each row, each once, whose scores sum highest: the Hungarian algorithm's."""
    return linear_sum_assignment(scores, maximize=True)[1].astype(np.int64)


def matching_alone(width: int, batch: int, draws: int = 4) -> float:
    """Mean |z - c|^2 of random unit vectors z under the best matching with as many random points c.

    What exchanging targets gives without learning anything, of 2 without it: a loss above this has shown nothing.
    """
    generator = Generator().manual_seed(0)
    found = []
    for _ in range(draws):
        z, c = normalize(torch.randn(2, batch, width, generator=generator), dim=-1)
        scores = (z @ c.T).double().numpy()
        found.append(2 - 2 * scores[np.arange(batch), _best(scores)].mean())
    return float(np.mean(found))


class NAT(Method):
    """mean_i |z_i - c_i|^2, z_i = encoder(view(x_i)) of length 1, c_i the point of the sphere that is image i's
    own.

    There are as many points as images, drawn once. In every `every`-th epoch, from the first on, the images of
    each batch exchange their points among themselves so that the loss is lowest, before the step is taken; a
    step that is computed and not taken leaves them as they were. The points are a buffer in the images' order,
    so that a checkpoint holds who owns which.

    Logs: `moved`, percent of the batch's images that changed their point; `matching_alone`, the loss of random
    features after such an exchange.
    """

    numbered: ClassVar[bool] = True
    targets: Float[Tensor, "n k"]
    batches: Int64[Tensor, ""]

    def __init__(self, encoder: Staged | Wrapped, view: View, every: int) -> None:
        super().__init__()
        self.encoder, self.view, self.every = encoder, view, every
        self.seed = int(torch.randint(2**62, ()))
        self.register_buffer("targets", torch.empty(0, encoder.width))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))  # that were stepped from
        self.waiting: list[tuple[Tensor, Tensor]] = []
        self.alone: tuple[int, float] = (0, 0.0)

    def learns_from(self, n: int) -> None:
        """A point for each of n examples."""
        if len(self.targets) != n:
            points = torch.randn(n, self.encoder.width, generator=Generator().manual_seed(self.seed))
            self.targets = normalize(points, dim=1).to(self.targets)

    def step(self, batch: Batch, generator: Generator) -> Step:
        x, _ = parted(batch)
        rows = batch.get("row") if isinstance(batch, dict) else None
        size = len(x) * world()
        if size < 2:
            raise InputError(
                "batch: one example has nobody to exchange its target with; give batches of 2 or more"
            )
        if rows is None:  # a batch that doesn't say which examples it holds is the first of them
            rows = mine(torch.arange(size))
            if not len(self.targets):
                self.learns_from(size)
        z = normalize(wide(self.encoder(draw_views(self.view, x, generator)).flatten(1)), dim=1)
        with torch.no_grad():
            rows, every = gather(rows.to(z.device)), gather(z)
            own = self.targets[rows].to(z.dtype)
            if self._due(size):
                order = _best((every @ own.T).double().numpy(force=True))
                own = own[to_device(torch.from_numpy(order), own.device)]
            moved = (own != self.targets[rows].to(z.dtype)).any(1).double().mean()
            if self.training:
                self.waiting.append((rows, own))
        if self.alone[0] != size:
            self.alone = size, matching_alone(self.encoder.width, min(size, 512))
        loss = (z - mine(own)).square().sum(1).mean()
        return Step(loss, {"moved": 100 * moved, "matching_alone": self.alone[1]})

    def _due(self, size: int) -> bool:
        """Whether this batch is of an epoch in which points are exchanged."""
        epoch = int(self.batches) // max(len(self.targets) // size, 1)
        return epoch % self.every == 0

    @torch.no_grad()
    def stepped(self, step: int, steps: int) -> None:
        for rows, own in self.waiting:
            self.targets[rows] = own.to(self.targets.dtype)
        self.batches += len(self.waiting)
        self.waiting = []

    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        return {"original": batch, "view": draw_views(self.view, batch, generator)}

    def encode(self, x: Batch) -> Tensor:
        return self.encoder(x).flatten(1)


def nat(
    encoder: Staged | Wrapped,
    *,
    every: int = 3,
    smallest_crop: float = 0.77,
    flip: float = 0.5,
) -> NAT:
    """Draws each image's features to a random point of the sphere that is its own, and lets images exchange
    points.

    The paper's network sees two maps of edges in place of colours; here it sees what the encoder takes. In Deep
    InfoMax's table nothing is augmented: smallest_crop 1, flip 0.

    Args:
        encoder: The network to train, of images, which is what is kept; its output is what is drawn to points.
        every: Points are exchanged in one epoch of so many.
        smallest_crop: Least share of the image that a crop keeps: 224 of 256 px each way in the paper.
        flip: Probability of the mirror image.

    Paper: Bojanowski and Joulin 2017, Unsupervised learning by predicting noise, arXiv:1704.05310.
    """
    at_least(1, every=every)
    if encoder.spec.kind != "image":
        raise InputError(f"encoder: takes {encoder.spec.kind}, and nat learns from images; give one of those")
    if not 0 < smallest_crop <= 1:
        raise InputError(
            f"smallest_crop: {smallest_crop} is no share of an image; give one above 0, 1 for no crop"
        )
    height, width = encoder.spec.shape[1:]
    views: list[View] = []
    if smallest_crop < 1:
        views.append(RandomResizedCrop(scale=(smallest_crop, 1.0), ratio=(width / height, width / height)))
    if flip:
        views.append(HorizontalFlip(flip))
    return NAT(encoder, Compose(tuple(views)), every)
