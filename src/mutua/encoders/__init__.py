"""Networks that turn examples into vectors, read at named depths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mutua.encoders.couplings import Couplings, Flow
from mutua.encoders.decoder import Decoder, decoder, decoder_mlp
from mutua.encoders.dim import dim32, dim64
from mutua.encoders.frames import Standardise
from mutua.encoders.inputs import image_spec, pixels, side
from mutua.encoders.locatello import locatello
from mutua.encoders.nice import nice
from mutua.encoders.real_nvp import real_nvp
from mutua.encoders.resnet import group_norm, resnet, resnet18, resnet34, resnet50
from mutua.encoders.series import convnet
from mutua.encoders.sound import logmel, wave
from mutua.encoders.staged import Masking, Readable, Staged
from mutua.encoders.table import mlp
from mutua.encoders.wrapped import Wrapped, from_hf, from_timm
from mutua.types import InputError, Spec, names

__all__ = [
    "ENCODERS",
    "Couplings",
    "Decoder",
    "Flow",
    "Masking",
    "Network",
    "Readable",
    "Staged",
    "Standardise",
    "Wrapped",
    "build",
    "convnet",
    "decoder",
    "decoder_mlp",
    "dim32",
    "dim64",
    "from_hf",
    "from_timm",
    "group_norm",
    "image_spec",
    "locatello",
    "logmel",
    "mlp",
    "nice",
    "pixels",
    "real_nvp",
    "resnet",
    "resnet18",
    "resnet34",
    "resnet50",
    "wave",
]


@dataclass(frozen=True)
class Network:
    """An encoder of the catalogue: what builds it for a spec, the kinds of data it takes, what it is in a line."""

    build: Callable[[Spec], Readable]
    takes: frozenset[str]
    about: str


def _square(make: Callable[[int, int], Readable], about: str) -> Network:
    """An encoder of square images."""
    return Network(lambda spec: make(spec.shape[0], side(spec)), frozenset({"image"}), about)


ENCODERS: dict[str, Network] = {
    "dim32": _square(dim32, "Deep InfoMax's small convolutional network: conv, fc, Y."),
    "dim64": _square(dim64, "Deep InfoMax's AlexNet, for images of 64 px and more."),
    "resnet18": _square(resnet18, "ResNet-18, 512 features."),
    "resnet34": _square(resnet34, "ResNet-34, 512 features."),
    "resnet50": _square(resnet50, "ResNet-50, 2,048 features."),
    "resnet18-groupnorm": _square(
        lambda channels, size: resnet18(channels, size, norm=group_norm),
        "ResNet-18 with group norm, which needs no batch.",
    ),
    "locatello": Network(
        locatello, frozenset({"image"}), "The network of the studies of disentanglement: conv, fc of 256."
    ),
    "nice": Network(
        nice, frozenset({"image"}), "Additive couplings: invertible, volumes kept, begins near the identity."
    ),
    "real_nvp": Network(real_nvp, frozenset({"image"}), "Affine couplings: invertible, with its log-determinant."),
    "logmel": Network(logmel, frozenset({"sound"}), "Convolutions on a log-mel spectrogram."),
    "wave": Network(wave, frozenset({"sound"}), "Strided convolutions on raw samples, a frame every 10 ms."),
    "convnet": Network(convnet, frozenset({"series"}), "Dilated convolutions in time, over a series' columns."),
    "mlp": Network(
        mlp, frozenset({"table"}), "Two hidden layers on standardised columns, missing values allowed."
    ),
}

_FOREIGN: dict[str, Callable[[str, int, int], Wrapped]] = {"timm": from_timm, "hf": from_hf}


def build(name: str, spec: Spec | int, size: int | None = None) -> Staged | Wrapped:
    """An encoder by name: one of `ENCODERS`, `timm:NAME` or `hf:NAME`.

    Args:
        name: of the encoder.
        spec: what one example is; or, of square images, their channels, with `size`.

    Raises `InputError` for an unknown name, and for an encoder that doesn't take such data.
    """
    if not isinstance(spec, Spec):
        spec = image_spec(spec, 32 if size is None else size)
    family, colon, rest = name.partition(":")
    if colon and family in _FOREIGN:
        if spec.kind != "image":
            raise InputError(f"encoder: {name} takes images, and the data are {spec.kind}; {_for(spec.kind)}")
        return _FOREIGN[family](rest, spec.shape[0], side(spec))
    if name not in ENCODERS:
        raise InputError(f"encoder: {name!r} is none of {names(ENCODERS)}, timm:NAME, hf:NAME")
    network = ENCODERS[name]
    if spec.kind not in network.takes:
        raise InputError(
            f"encoder: {name} takes {names(network.takes)}, and the data are {spec.kind}; {_for(spec.kind)}"
        )
    built = network.build(spec)
    assert isinstance(built, Staged | Wrapped)
    return built


def _for(kind: str) -> str:
    fitting = [name for name, network in ENCODERS.items() if kind in network.takes]
    return (
        f"use {names(fitting)}" if fitting else f"there is none for {kind} yet: wrap your own (encoders.Wrapped)"
    )
