"""Deep InfoMax: a whole image's summary must tell its own parts from those of other images."""

from __future__ import annotations

import copy
import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.bounds import BOUNDS, CONTRASTS, infonce_loss
from mutua.critics import Concat, EncodeAndDot
from mutua.encoders import Staged, Wrapped
from mutua.kernels.devices.copies import to_device
from mutua.objectives import scored
from mutua.objectives.adversary import Adversary
from mutua.ranks import mine, world
from mutua.scores import local, paired
from mutua.types import Contrast, Critic, InnerProduct, InputError, Method, Step, names

__all__ = ["DeepInfoMax", "GlobalCritic", "PriorPlayer", "deep_infomax"]

CRITICS = {"encode_and_dot": EncodeAndDot, "concat": Concat}


class GlobalCritic(InnerProduct):
    """T(Y, map) = <W Y, f(map)>, f a copy of the encoder's layers above the map with `units` outputs.

    Paper: Hjelm et al. 2019, arXiv:1808.06670, appendix A; the shapes are of the authors' code.
    """

    def __init__(self, encoder: Staged, depth: str, units: int = 2048) -> None:
        super().__init__()
        twin = copy.deepcopy(encoder)
        for module in twin.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                module.reset_parameters()
        above = list(encoder.depths)[encoder.depths.index(depth) + 1 : -1]
        self.map_shape = encoder.shapes[depth]
        width = torch.Size(encoder.shapes[above[-1] if above else depth]).numel()
        self.x_side = nn.Linear(encoder.width, units)
        self.y_side = nn.Sequential(*(twin.stages[name] for name in above), nn.Flatten(), nn.Linear(width, units))

    def left(self, x: Float[Tensor, "n dx"]) -> Float[Tensor, "n k"]:
        return self.x_side(x)

    def right(self, y: Float[Tensor, "n dy"]) -> Float[Tensor, "n k"]:
        return self.y_side(y.unflatten(1, self.map_shape))


class PriorPlayer(Adversary):
    """Makes codes uniform: a discriminator D tells u ~ U[0, 1]^d from sigmoid(Y), and the encoder fools it.

        discriminator: min -E log s(D(u)) - E log s(-D(sigmoid Y));  encoder: min -E log s(D(sigmoid Y))

    Paper: Hjelm et al. 2019, arXiv:1808.06670, section 3.3; discriminator 1000-200 of the authors' code.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Sequential(nn.Linear(width, 1000), nn.ReLU(), nn.Linear(1000, 200), nn.ReLU(), nn.Linear(200, 1))
        )

    def forward(
        self, y: Float[Tensor, "n d"], uniform: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """(The encoder's loss, the discriminator's loss)."""
        game = self.play(uniform, torch.sigmoid(y))
        return game.fooling, game.telling


class DeepInfoMax(Method):
    """alpha I(map; Y) + beta mean over locations of I(map_l; Y) - gamma distance of Y to a uniform prior.

    Args:
        encoder: read at `depth` for the map and at its last depth for Y.
        depth: of the map.
        contrast: estimates or trains the information: any member of `CONTRASTS` or `BOUNDS`.
        local_critic: scores Y (n, d) with one location of a map (n, l, c); none where there is no local term.
        global_critic: scores Y with a whole map, flattened; none where there is no global term.
        prior: none where the prior is not matched.
        alpha, beta, gamma: weights of the three.
        locations: how many of each map are scored, drawn anew each step; 0 for all.
    """

    def __init__(
        self,
        encoder: Staged | Wrapped,
        depth: str,
        contrast: Contrast,
        *,
        local_critic: Critic | None,
        global_critic: Critic | None,
        prior: PriorPlayer | None,
        alpha: float,
        beta: float,
        gamma: float,
        locations: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.depth = depth
        self.contrast = contrast
        self.local_critic = local_critic
        self.global_critic = global_critic
        self.prior = prior
        self.alpha, self.beta, self.gamma = alpha, beta, gamma
        self.locations = locations

    def step(self, batch: Tensor, generator: Generator) -> Step:
        last = self.encoder.depths[-1]
        read = self.encoder.read(batch, (self.depth, last))
        maps, y = read[self.depth], read[last].flatten(1)  # (n, c, h, w), (n, d)
        loss = y.new_zeros((), dtype=torch.float32)
        logs: dict[str, Tensor] = {}
        if self.global_critic is not None:
            value = self.contrast(scored(paired, self.global_critic, y, maps.flatten(1)))
            loss = loss - self.alpha * value
            logs["global"] = value.detach()
        if self.local_critic is not None:
            places = self._places(maps.flatten(2).mT, generator)  # (n, l, c)
            value = self.contrast(scored(local, self.local_critic, y, places))
            loss = loss - self.beta * value
            logs["local"] = value.detach()
        if self.prior is not None:
            uniform = mine(torch.rand(len(y) * world(), y.shape[1], generator=generator))
            uniform = to_device(uniform, y.device).to(y.dtype)
            encoder_loss, discriminator_loss = self.prior(y, uniform)
            loss = loss + self.gamma * encoder_loss + discriminator_loss
            logs |= {"prior": encoder_loss.detach(), "discriminator": discriminator_loss.detach()}
        return Step(loss, logs)

    def _places(self, places: Float[Tensor, "n l c"], generator: Generator) -> Float[Tensor, "n k c"]:
        n, count, _ = places.shape
        if not 0 < self.locations < count:
            return places
        keys = mine(torch.rand(n * world(), count, generator=generator))
        chosen = to_device(keys.argsort(1)[:, : self.locations], places.device)  # (n, k), without repetition
        return places.gather(1, chosen[..., None].expand(-1, -1, places.shape[-1]))

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x).flatten(1)


def deep_infomax(
    encoder: Staged | Wrapped,
    *,
    measure: str = "infonce",
    critic: str = "encode_and_dot",
    alpha: float = 0.0,
    beta: float = 1.0,
    gamma: float = 0.1,
    units: int = 2048,
    locations: int = 0,
) -> DeepInfoMax:
    """Maximises the information between a summary of an image and its local features, under a prior.

    The published settings are DIM(L), alpha 0, beta 1, gamma 0.1, and DIM(G), alpha 1, beta 0, gamma 1. Nothing
    is augmented.

    Args:
        encoder: The network to train, with a map at depth "local" or "layer2", such as dim32, dim64 or a ResNet.
        measure: Contrast or bound that is raised: infonce, jsd or dv in the paper; any of the library's by name.
        critic: Critic of the local term: encode_and_dot, or concat (512-512-1 on each pair, the lecture's table).
        alpha: Weight of the global term.
        beta: Weight of the local term.
        gamma: Weight of the prior.
        units: Units of the encode-and-dot and global critics.
        locations: Locations of each map scored in a step, drawn at random; 0 for all.

    Paper: Hjelm, Fedorov, Lavoie-Marchildon, Grewal, Bachman, Trischler and Bengio 2019, Learning deep
    representations by mutual information estimation and maximization, arXiv:1808.06670.
    """
    contrast = _contrast(measure)
    if critic not in CRITICS:
        raise InputError(f"critic: {critic!r} is none of {names(CRITICS)}")
    for name, weight in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        if not 0 <= weight < math.inf:
            raise InputError(f"{name}: {weight}; give a weight of 0 or more")
    for name, count, least in (("units", units, 1), ("locations", locations, 0)):
        if count < least:
            raise InputError(f"{name}: {count} is too few; give {least} or more")
    if alpha <= 0 and beta <= 0:
        raise InputError(f"alpha, beta: {alpha} and {beta} leave nothing to maximise; make one positive")
    if alpha > 0 and not isinstance(encoder, Staged):
        raise InputError("alpha: the global term copies the encoder's upper layers, which Staged encoders name")
    depth = _map_depth(encoder)
    channels = encoder.shapes[depth][0]
    local_critic: Critic | None = None
    if beta > 0:
        if critic == "concat":
            local_critic = Concat(encoder.width, channels)
        else:
            local_critic = EncodeAndDot(encoder.width, channels, units)
    return DeepInfoMax(
        encoder,
        depth,
        contrast,
        local_critic=local_critic,
        global_critic=GlobalCritic(encoder, depth, units) if isinstance(encoder, Staged) and alpha > 0 else None,
        prior=PriorPlayer(encoder.width) if gamma > 0 else None,
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        locations=locations,
    )


def _contrast(measure: str) -> Contrast:
    """The member of `CONTRASTS` or `BOUNDS`. The paper's infonce is the loss, without the log K of the bound."""
    known = {name: entry.contrast for name, entry in CONTRASTS.items()}
    known |= {name: entry.bound for name, entry in BOUNDS.items()} | {"infonce": infonce_loss}
    if measure not in known:
        raise InputError(f"measure: {measure!r} is none of {names(known)}")
    return known[measure]


def _map_depth(encoder: Staged | Wrapped) -> str:
    for depth in ("local", "layer2"):
        if len(encoder.shapes.get(depth, ())) == 3:
            return depth
    raise InputError(
        f"encoder: {type(encoder).__name__} has no depth 'local' or 'layer2' with a map; name one so, or use dim32"
    )
