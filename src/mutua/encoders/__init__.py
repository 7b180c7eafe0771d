"""Networks that turn examples into vectors, read at named depths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mutua.encoders.couplings import Couplings, Flow
from mutua.encoders.decoder import Decoder, decoder, decoder_mlp
from mutua.encoders.dim import dim32, dim64
from mutua.encoders.frames import Standardise
from mutua.encoders.grid import Grid, NormName, grid_ahead
from mutua.encoders.inputs import image_spec, pixels, side
from mutua.encoders.lab import Lightness, on_lightness
from mutua.encoders.locatello import locatello
from mutua.encoders.nice import nice
from mutua.encoders.nin import nin
from mutua.encoders.ordered import Ordered, Pieces, rows_ahead, wave_ahead
from mutua.encoders.real_nvp import real_nvp
from mutua.encoders.resnet import group_norm, resnet, resnet18, resnet34, resnet50
from mutua.encoders.sentences import sentences_ahead
from mutua.encoders.series import convnet
from mutua.encoders.sound import logmel, wave
from mutua.encoders.staged import Masking, Readable, Staged, evaluating
from mutua.encoders.table import mlp
from mutua.encoders.tiled import Tiled
from mutua.encoders.towers import Towers, towers
from mutua.encoders.video import frames, frames_ahead, stacked
from mutua.encoders.vit import PatchDecoder, VisionTransformer, fitting_patch, vit
from mutua.encoders.wrapped import Wrapped, from_hf, from_timm
from mutua.types import InputError, Spec, names

__all__ = [
    "ENCODERS",
    "Couplings",
    "Decoder",
    "Flow",
    "Grid",
    "Lightness",
    "Masking",
    "Network",
    "Ordered",
    "PatchDecoder",
    "Pieces",
    "Readable",
    "Staged",
    "Standardise",
    "Tiled",
    "Towers",
    "VisionTransformer",
    "Wrapped",
    "build",
    "convnet",
    "decoder",
    "decoder_mlp",
    "dim32",
    "dim64",
    "evaluating",
    "fitting_patch",
    "frames",
    "frames_ahead",
    "from_hf",
    "from_timm",
    "grid_ahead",
    "group_norm",
    "image_spec",
    "locatello",
    "logmel",
    "mlp",
    "nice",
    "nin",
    "on_lightness",
    "pixels",
    "real_nvp",
    "resnet",
    "resnet18",
    "resnet34",
    "resnet50",
    "rows_ahead",
    "sentences_ahead",
    "stacked",
    "towers",
    "vit",
    "wave",
    "wave_ahead",
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


def _gridded(about: str, width: int = 32, blocks: int = 1, norm: NormName = "layer") -> Network:
    """An encoder of square images by patches."""
    return Network(lambda spec: grid_ahead(spec, width, blocks, norm=norm), frozenset({"image"}), about)


ENCODERS: dict[str, Network] = {
    "dim32": _square(dim32, "Deep InfoMax's small convolutional network: conv, fc, Y."),
    "dim64": _square(dim64, "Deep InfoMax's AlexNet, for images of 64 px and more."),
    "nin": _square(nin, "RotNet's network in network, four blocks, 192 features."),
    "resnet18": _square(resnet18, "ResNet-18, 512 features."),
    "resnet34": _square(resnet34, "ResNet-34, 512 features."),
    "resnet50": _square(resnet50, "ResNet-50, 2,048 features."),
    "resnet18-groupnorm": _square(
        lambda channels, size: resnet18(channels, size, norm=group_norm),
        "ResNet-18 with group norm, which needs no batch.",
    ),
    "dim32-lightness": Network(
        on_lightness(dim32), frozenset({"image"}), "Deep InfoMax's small network, on lightness alone."
    ),
    "resnet18-lightness": Network(on_lightness(resnet18), frozenset({"image"}), "ResNet-18, on lightness alone."),
    "vit": Network(vit, frozenset({"image"}), "A small vision transformer, 6 blocks of 192 channels."),
    "grid": _gridded("Patches in a grid, a small residual network on each, layer norm: for cpc."),
    "grid-batchnorm": _gridded("As grid, with batch norm, which ties patches together: to compare.", norm="batch"),
    "grid-wide": _gridded("As grid, twice as wide and twice as deep: for cpc.", width=64, blocks=2),
    "locatello": Network(
        locatello, frozenset({"image"}), "The network of the studies of disentanglement: conv, fc of 256."
    ),
    "nice": Network(
        nice, frozenset({"image"}), "Additive couplings: invertible, volumes kept, begins near the identity."
    ),
    "real_nvp": Network(real_nvp, frozenset({"image"}), "Affine couplings: invertible, with its log-determinant."),
    "logmel": Network(logmel, frozenset({"sound"}), "Convolutions on a log-mel spectrogram."),
    "wave": Network(wave, frozenset({"sound"}), "Strided convolutions on raw samples, a frame every 10 ms."),
    "wave-gru": Network(
        wave_ahead, frozenset({"sound"}), "Frames of raw samples and a GRU over them, 64 units each: for cpc."
    ),
    "wave-gru-wide": Network(
        lambda spec: wave_ahead(spec, 512, 256),
        frozenset({"sound"}),
        "Frames of raw samples and a GRU over them, of the published widths, 512 and 256: for cpc.",
    ),
    "wave-causal": Network(
        lambda spec: wave_ahead(spec, over="convolutions"),
        frozenset({"sound"}),
        "Frames of raw samples and masked convolutions over them, 64 units each: for cpc.",
    ),
    "convnet": Network(convnet, frozenset({"series"}), "Dilated convolutions in time, over a series' columns."),
    "rows-gru": Network(
        rows_ahead, frozenset({"series"}), "Rows by themselves and a GRU over them, 64 units each: for cpc."
    ),
    "rows-causal": Network(
        lambda spec: rows_ahead(spec, over="convolutions"),
        frozenset({"series"}),
        "Rows by themselves and masked convolutions over them, 64 units each: for cpc.",
    ),
    "sentences": Network(
        sentences_ahead,
        frozenset({"text"}),
        "Sentences as means of transformed words, and a GRU over them, 256 units: for cpc.",
    ),
    "frames": Network(frames, frozenset({"video"}), "Frames one by one, mean and deviation over them: for order."),
    "stacked": Network(
        stacked,
        frozenset({"video"}),
        "All frames as channels of one picture: sees motion from the first layer on.",
    ),
    "frames-gru": Network(
        frames_ahead, frozenset({"video"}), "Frames one by one and a GRU over them, 64 units each: for cpc."
    ),
    "frames-causal": Network(
        lambda spec: frames_ahead(spec, over="convolutions"),
        frozenset({"video"}),
        "Frames one by one and masked convolutions over them, 64 units each: for cpc.",
    ),
    "frames-dense": Network(
        lambda spec: frames_ahead(spec, dense=True),
        frozenset({"video"}),
        "Frames as 4 x 4 cells, each with a GRU over time, 64 units each: for cpc, densely.",
    ),
    "towers": Network(
        towers, frozenset({"video"}), "An eye for frames and an ear for their sound, 128 features each."
    ),
    "mlp": Network(
        mlp, frozenset({"table"}), "Two hidden layers on standardised columns, missing values allowed."
    ),
}

_FOREIGN: dict[str, Callable[[str, int, int], Wrapped]] = {"timm": from_timm, "hf": from_hf}


def build(name: str, spec: Spec | int, size: int | None = None) -> Readable:
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
    return built


def _for(kind: str) -> str:
    fitting = [name for name, network in ENCODERS.items() if kind in network.takes]
    return (
        f"use {names(fitting)}" if fitting else f"there is none for {kind} yet: wrap your own (encoders.Wrapped)"
    )
