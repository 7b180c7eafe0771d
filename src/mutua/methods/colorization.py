"""Colorization: which colours has a grey picture?"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from mutua.encoders import Staged, Wrapped, evaluating
from mutua.methods.arguments import map_of, shares, unseen_colour
from mutua.methods.colour_bins import ColourBins, Places, recoloured
from mutua.objectives import Told, draw_views
from mutua.ranks import total, world
from mutua.types import Method, Step, View
from mutua.views import HorizontalFlip

__all__ = ["Colorization", "colorization"]


class Colorization(Method):
    """Cross-entropy of a distribution over bins of colour at each place, rare ones weighing more.

        loss = mean over coloured images and places of -w(bin) sum_q z_q log p_q

    z is the colour, softly shared among the nearest bins, w the weight of the nearest (`ColourBins`). Beside it,
    from features that it does not change, a regression to the mean colour is fitted, which a page shows: it greys.

    Args:
        encoder: that sees no colour; what is kept.
        depth: of a map; its places are those whose colours are told.
        view, bins, temperature: see `colorization`.
    """

    of_weights = True
    heading = "Coloured by what was told"
    caption = (
        "T is the temperature of the distribution whose mean is taken: 1 is dull, 0 blotchy; a regression greys."
    )

    def __init__(self, encoder: Staged | Wrapped, depth: str, view: View, bins: ColourBins, temperature: float):
        super().__init__()
        self.encoder, self.depth, self.view, self.bins, self.temperature = encoder, depth, view, bins, temperature
        self.head = Places(encoder.shapes[depth][0], encoder.width, len(bins.centres))
        self.regression = Places(encoder.shapes[depth][0], encoder.width, 2, zero=True)

    def _read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        read = self.encoder.read(images, (self.depth, self.encoder.depths[-1]))
        return read[self.depth], read[self.encoder.depths[-1]].flatten(1)

    def step(self, batch: Tensor, generator: Generator) -> Step:
        batch = draw_views(self.view, batch, generator)
        ab, coloured = self.bins.colours(batch)
        near, share = self.bins.shared(ab)
        maps, whole = self._read(batch)
        logits = self.head(maps, whole)
        crossed = -(logits.log_softmax(1).gather(1, near) * share).sum(1)  # (n, h, w)
        wrong = (self.regression(maps.detach(), whole.detach()) - ab / 100).square().mean(1)
        counts = coloured.to(crossed.dtype)
        each = counts * world() / total(counts.sum()).clamp(min=1)  # ranks may hold more or fewer grey images
        loss = (each * (self.bins.weight[near[:, 0]] * crossed).mean((1, 2))).sum()
        gained = self.bins.unweighted(logits.detach()) - self.bins.prior.clamp(min=1e-8).log()[:, None, None]
        nats = (each * gained.gather(1, near[:, :1]).mean((1, 2, 3))).sum()
        return Step(loss + (each * wrong.mean((1, 2))).sum(), {"classes": loss.detach(), "nats": nats})

    def told(self, batch: Tensor, generator: Generator) -> Told:
        """What it says of the nearest bins of the coloured images of a batch."""
        ab, coloured = self.bins.colours(batch)
        near = self.bins.shared(ab)[0][coloured, :1]  # (m, 1, h, w)
        log_p = self.bins.unweighted(self.head(*self._read(batch)))[coloured]
        right = (log_p.argmax(1, keepdim=True) == near).float()
        counts = near.flatten().bincount(minlength=log_p.shape[1]).float()
        return Told(-log_p.gather(1, near).mean((1, 2, 3)), right.mean((1, 2, 3)), counts)

    @torch.no_grad()
    def colourised(self, images: Tensor, temperature: float | None = None) -> Tensor:
        """The images, of the same lightness, in the colours told at a temperature from 0, the likeliest, to 1, the
        mean; None is for the regression's. In eval mode."""
        with evaluating(self):
            maps = self._read(images)
            found = self.regression(*maps) * 100
            if temperature is not None:
                found = self.bins.annealed(self.head(*maps), temperature)
        return recoloured(images, found)

    def shown(self, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        grey = recoloured(batch, batch.new_zeros(len(batch), 2, 1, 1, dtype=torch.float32))
        told = {f"T = {t:g}": self.colourised(batch, t) for t in dict.fromkeys((1.0, self.temperature, 0.0))}
        return {"original": batch, "grey": grey, **told, "regression": self.colourised(batch)}

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x).flatten(1)


def colorization(
    encoder: Staged | Wrapped,
    *,
    mix: float = 0.5,
    neighbours: int = 5,
    temperature: float = 0.38,
    flip: float = 0.5,
) -> Colorization:
    """From a picture's lightness its colours are told, at each place of a map, as a distribution over bins.

    The encoder must see lightness alone, in training and in use: dim32-lightness, resnet18-lightness, or a network
    of your own that begins with encoders.Lightness.

    Args:
        encoder: The network to train, which is what is kept.
        mix: How little rare colours are favoured: 1 not at all, 0 by as much as they are rare.
        neighbours: Bins that a colour is shared among: 5 in the paper, 10 in its code.
        temperature: At which pictures are coloured, from 0, the likeliest colour, to 1, the mean.
        flip: Probability of a mirror image.

    Paper: Zhang, Isola and Efros 2016, Colorful Image Colorization, arXiv:1603.08511. Colours are means over the
    pixels of a place, where the authors take one of them; bins are those that sRGB reaches, 261, not their 313.
    """
    shares(mix=mix, temperature=temperature)
    unseen_colour(encoder)
    depth = map_of(encoder)
    bins = ColourBins(encoder.shapes[depth][1:], mix, neighbours=neighbours)
    return Colorization(encoder, depth, HorizontalFlip(flip), bins, temperature)
