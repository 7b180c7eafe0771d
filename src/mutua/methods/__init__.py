"""What users train: a paper is a function that returns a method, its published values as defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mutua.encoders import Readable
from mutua.methods.aae import AAE, aae
from mutua.methods.ae import AE, ae
from mutua.methods.annealed_vae import AnnealedVAE, annealed_vae
from mutua.methods.arrow import arrow
from mutua.methods.autoencoder import Autoencoder
from mutua.methods.barlow_twins import BarlowTwins, barlow_twins
from mutua.methods.beta_tcvae import BetaTCVAE, beta_tcvae
from mutua.methods.beta_vae import beta_vae
from mutua.methods.bigan import BiGAN, bigan
from mutua.methods.byol import BYOL, byol
from mutua.methods.colorization import Colorization, colorization
from mutua.methods.correspondence import Correspondence, correspondence
from mutua.methods.cpc import cpc
from mutua.methods.deep_infomax import DeepInfoMax, deep_infomax
from mutua.methods.denoising import Denoising, denoising
from mutua.methods.dip_vae import DIPVAE, dip_vae
from mutua.methods.factor_vae import FactorVAE, factor_vae
from mutua.methods.inpainting import Inpainting, inpainting
from mutua.methods.jigsaw import jigsaw
from mutua.methods.masked import Masked, masked
from mutua.methods.moco import MoCo, moco
from mutua.methods.nat import NAT, nat
from mutua.methods.next_frame import NextFrame, next_frame
from mutua.methods.order import order
from mutua.methods.relative_position import relative_position
from mutua.methods.rotation import rotation
from mutua.methods.simclr import simclr
from mutua.methods.simsiam import SimSiam, simsiam
from mutua.methods.tiled import of_tiles
from mutua.methods.undo import Undo, undo
from mutua.methods.vae import ImageVAE, vae
from mutua.methods.vicreg import VICReg, vicreg
from mutua.training import Plan
from mutua.types import Method, Spec

__all__ = [
    "AAE",
    "AE",
    "BYOL",
    "DIPVAE",
    "METHODS",
    "NAT",
    "AnnealedVAE",
    "Autoencoder",
    "BarlowTwins",
    "BetaTCVAE",
    "BiGAN",
    "Colorization",
    "Correspondence",
    "DeepInfoMax",
    "Denoising",
    "FactorVAE",
    "ImageVAE",
    "Inpainting",
    "Masked",
    "MoCo",
    "NextFrame",
    "Published",
    "SimSiam",
    "Undo",
    "VICReg",
    "aae",
    "ae",
    "annealed_vae",
    "arrow",
    "barlow_twins",
    "beta_tcvae",
    "beta_vae",
    "bigan",
    "byol",
    "colorization",
    "correspondence",
    "cpc",
    "deep_infomax",
    "denoising",
    "dip_vae",
    "factor_vae",
    "inpainting",
    "jigsaw",
    "masked",
    "moco",
    "nat",
    "next_frame",
    "order",
    "relative_position",
    "rotation",
    "simclr",
    "simsiam",
    "undo",
    "vae",
    "vicreg",
]


@dataclass(frozen=True)
class Published:
    """A method of the catalogue.

    Args:
        compose: the function that makes it of an encoder; its signature has the published settings.
        plan: how it is trained as published.
        encoder: the default encoder of each kind of data that it takes.
        about: what it learns from, in a sentence.
        small: settings of a quick run: heads of a few units, as the tests take them.
        within: what makes the network of the examples where it isn't built for them, as of their tiles: called
            with what builds it for a spec, the examples' spec, and all settings.
    """

    compose: Callable[..., Method]
    plan: Plan
    encoder: Mapping[str, str]
    about: str
    small: Mapping[str, Any] = field(default_factory=dict)
    within: Callable[[Callable[[Spec], Readable], Spec, Mapping[str, Any]], Readable] | None = None
    reading: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def takes(self) -> frozenset[str]:
        """The kinds of data that it learns from."""
        return frozenset(self.encoder)


_VIEWED = {"image": "resnet18", "sound": "logmel", "series": "convnet", "table": "mlp"}
"""Whatever has views."""

# Of Deep InfoMax's author: Adam at 1e-4 in batches of 64, the rate constant.
_DIM = Plan(epochs=1000, batch=64, optimizer="adam", lr=1e-4, weight_decay=0.0, momentum=0.5, schedule="constant")
_TILES = {"image": "resnet18-groupnorm"}
"""Without batch norm, which lets tiles of a batch see each other."""

_FILMS = Plan(epochs=100, batch=64, optimizer="adam", lr=1e-3, weight_decay=0.0)
"""No paper's: those have larger networks, on more films than lie on a desk."""

_TIMED = {"video": {"without": ("cuts", "keys", "frozen")}}
"""What gives the order of frames away, or leaves nothing to tell."""

# Of Locatello et al.: 300,000 steps of 64 on dSprites' 737,280 images.
_LOCATELLO = Plan(epochs=26, batch=64, optimizer="adam", lr=1e-4, weight_decay=0.0, schedule="constant")

METHODS: dict[str, Published] = {
    "simclr": Published(
        simclr,
        # Square-root scaling and weight decay of the paper's CIFAR-10 appendix B.9, at batch 512, with AdamW's
        # rate for encoders without 4,096 examples a batch; `optimizer="lars"` with lr 1.0 is the paper's own.
        Plan(epochs=200, batch=512, optimizer="adamw", lr=1e-3, weight_decay=1e-4, warmup=10),
        _VIEWED,
        "Tells two views of an example from the views of all others.",
        {"width": 16, "temperature": 0.1, "views": 3},
    ),
    "moco": Published(
        moco,
        # The authors' CIFAR-10 demonstration, but for Nesterov's momentum.
        Plan(epochs=200, batch=512, optimizer="sgd", lr=0.06, weight_decay=5e-4),
        _VIEWED,
        "Tells a view of an example from examples of earlier batches, as a slow copy of the network sees them.",
        {"width": 16, "queue": 32},
    ),
    "byol": Published(
        byol,
        Plan(epochs=1000, batch=4096, optimizer="lars", lr=0.2, scaling="linear", weight_decay=1.5e-6, warmup=10),
        _VIEWED,
        "Predicts from one view of an example what a slow copy of the network makes of another.",
        {"width": 16, "hidden": 32},
    ),
    "simsiam": Published(
        simsiam,
        # The paper's CIFAR-10 appendix D, but for Nesterov's momentum and a predictor's rate that falls too.
        Plan(epochs=800, batch=512, optimizer="sgd", lr=0.03, scaling="linear", weight_decay=5e-4),
        _VIEWED,
        "Predicts from one view of an example what the network makes of another.",
        {"width": 32, "bottleneck": 8},
    ),
    "barlow_twins": Published(
        barlow_twins,
        # The authors give biases and norms a rate of 0.0048 and leave the schedule at a thousandth of the peak.
        Plan(epochs=1000, batch=2048, optimizer="lars", lr=0.2, scaling="linear", weight_decay=1e-6, warmup=10),
        _VIEWED,
        "Makes each feature agree between two views of an example, and differ from every other feature.",
        {"width": 16},
    ),
    "vicreg": Published(
        vicreg,
        Plan(epochs=1000, batch=2048, optimizer="lars", lr=0.2, scaling="linear", weight_decay=1e-6, warmup=10),
        _VIEWED,
        "Makes two views of an example agree, while features vary and are uncorrelated.",
        {"width": 16},
    ),
    "deep_infomax": Published(
        deep_infomax,
        _DIM,
        {"image": "dim32"},
        "Tells the parts of an image from those of all others by its summary.",
        {"units": 16, "alpha": 0.5, "locations": 2},
    ),
    "rotation": Published(
        rotation,
        Plan(epochs=100, batch=128, optimizer="sgd", lr=0.1, weight_decay=5e-4, schedule="steps"),
        {"image": "resnet18"},
        "Tells which of four rotations an image was given.",
    ),
    "inpainting": Published(
        inpainting,
        # The authors' code, whose generator has ten times the discriminator's rate.
        Plan(epochs=500, batch=64, optimizer="adam", lr=2e-4, weight_decay=0.0, momentum=0.5, schedule="constant"),
        {"image": "dim32"},
        "Fills a hole in an image from what surrounds it.",
        {"width": 4},
    ),
    "masked": Published(
        masked,
        Plan(
            epochs=800,
            batch=4096,
            optimizer="adamw",
            lr=1.5e-4,
            scaling="linear",
            weight_decay=0.05,
            beta2=0.95,
            warmup=40,
        ),
        {"image": "vit"},
        "Tells most patches of an image from the few that are shown.",
        {"width": 32, "layers": 1},
    ),
    "denoising": Published(
        denoising,
        Plan(epochs=100, batch=128, optimizer="adam", lr=1e-3, weight_decay=0.0),
        {"image": "dim32", "table": "mlp"},
        "Restores an example whose pixels or columns were spoiled.",
        {"width": 4},
    ),
    "undo": Published(
        undo,
        # The authors' drops are at 240, 480, 640, 800 and 1,000 epochs.
        Plan(epochs=1500, batch=512, optimizer="sgd", lr=0.1, weight_decay=5e-4, schedule="steps"),
        {"image": "dim32"},
        "Tells by which map, and change of colour, one image became another.",
        {"rotation": 30.0, "translation": 0.05, "scale": (0.9, 1.1), "shear": 10.0, "colour": 0.5},
    ),
    "colorization": Published(
        colorization,
        # The authors' rate falls tenfold at 45 % and 75 % of training, and their weight decay is the gradient's.
        Plan(epochs=15, batch=40, optimizer="adamw", lr=3e-5, weight_decay=1e-3, beta2=0.99, schedule="steps"),
        {"image": "dim32-lightness"},
        "Tells the colours of a picture from its lightness.",
    ),
    "ae": Published(
        ae,
        _DIM,
        {"image": "dim32"},
        "Finds an image again from its code.",
        {"width": 4, "latent": 5},
    ),
    "vae": Published(
        vae,
        _DIM,
        {"image": "dim32"},
        "Finds an image again from its code with noise, which is pressed towards a normal distribution.",
        {"width": 4},
    ),
    "beta_vae": Published(
        beta_vae,
        _DIM,
        {"image": "dim32"},
        "Finds an image again from its code with noise, the pressure towards a normal distribution weighed.",
        {"width": 4},
    ),
    "beta_tcvae": Published(
        beta_tcvae,
        _LOCATELLO,
        {"image": "locatello"},
        "Finds an image again from its code with noise, dependence between its numbers weighed.",
        {"width": 4, "latent": 5},
    ),
    "factor_vae": Published(
        factor_vae,
        _LOCATELLO,
        {"image": "locatello"},
        "Finds an image again from its code with noise, whose dependence a discriminator tells.",
        {"width": 4, "latent": 5, "units": 8, "layers": 2},
    ),
    "dip_vae": Published(
        dip_vae,
        _LOCATELLO,
        {"image": "locatello"},
        "Finds an image again from its code with noise, the codes' covariance pressed towards the identity.",
        {"width": 4, "latent": 5},
    ),
    "annealed_vae": Published(
        annealed_vae,
        _LOCATELLO,
        {"image": "locatello"},
        "Finds an image again from its code with noise, what it may say held to a capacity that grows.",
        {"width": 4, "latent": 5, "rising": 10},
    ),
    "aae": Published(
        aae,
        _DIM,
        {"image": "dim32"},
        "Finds an image again from its code, while a discriminator makes codes look like normal draws.",
        {"width": 4, "units": 8},
    ),
    "bigan": Published(
        bigan,
        # The authors' MNIST run, but for its rate's fall in the second half.
        Plan(
            epochs=400,
            batch=128,
            optimizer="adam",
            lr=2e-4,
            weight_decay=2.5e-5,
            momentum=0.5,
            schedule="constant",
        ),
        {"image": "dim32"},
        "Learns an encoder and a generator as each other's inverse from a discriminator of image and code.",
        {"width": 4},
    ),
    "nat": Published(
        nat,
        # The authors' rate of .01 is of a loss summed over the batch of 256, where this is its mean.
        Plan(epochs=100, batch=256, optimizer="sgd", lr=2.56, weight_decay=0.0, momentum=0.0, schedule="constant"),
        {"image": "dim32"},
        "Draws images to random points of a sphere, which they exchange among themselves.",
    ),
    "relative_position": Published(
        relative_position,
        # Not the paper's 1 M steps at a rate of 1e-5 of a summed loss: Kolesnikov et al.'s, arXiv:1901.09005.
        Plan(epochs=35, batch=128, optimizer="sgd", lr=0.1, scaling="linear", weight_decay=5e-4, warmup=5),
        _TILES,
        "Tells where one tile of an image lies from another.",
        {"scale_to": 48, "hidden": 16},
        of_tiles,
    ),
    "jigsaw": Published(
        jigsaw,
        Plan(epochs=35, batch=128, optimizer="sgd", lr=0.1, scaling="linear", weight_decay=5e-4, warmup=5),
        _TILES,
        "Tells in which order an image's tiles were laid.",
        {"scale_to": 48, "hidden": 16, "grid": 2, "each": 2},
        of_tiles,
    ),
    "cpc": Published(
        cpc,
        # The paper's audio: 8 workers of 8 windows, each contrasted within itself.
        Plan(epochs=100, batch=32, optimizer="adam", lr=2e-4, weight_decay=0.0, schedule="constant"),
        {"sound": "wave-gru", "series": "rows-gru", "image": "grid", "text": "sentences", "video": "frames-dense"},
        "Tells what comes next in a recording, a series, an image, a text or a film from what comes elsewhere.",
        {"steps": 2, "candidates": 12},
    ),
    "order": Published(
        order,
        # OPN's rate is .01 of SGD for 200,000 steps, Shuffle and Learn's .001; both of AlexNet with batch norm.
        _FILMS,
        {"video": "frames"},
        "Tells in which order frames of a clip were shown.",
        {"hidden": 16, "each": 2},
        reading=_TIMED,
    ),
    "arrow": Published(
        arrow,
        _FILMS,
        {"video": "stacked"},
        "Tells whether a clip runs forwards or backwards.",
        reading=_TIMED,
    ),
    "next_frame": Published(
        next_frame,
        _FILMS,
        {"video": "stacked"},
        "Tells the pixels of the next frame from those before it.",
        {"width": 4},
    ),
    "correspondence": Published(
        correspondence,
        # L3's rate and batch; its epochs are of 512 batches, whatever the data.
        Plan(epochs=150, batch=64, optimizer="adam", lr=1e-4, weight_decay=1e-5, schedule="constant"),
        {"video": "towers"},
        "Tells whether a frame and a piece of sound are of one moment.",
        {"width": 16},
        reading={"video": {"sound": 16_000.0, "hop": "0.5s", "without": ("silent",), "group": "clip"}},
    ),
}
