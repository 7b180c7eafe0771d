"""Views: batched random augmentation, the parameters drawn for each example by itself. Plain torch.

This is the definition that faster kernels are held to. `VIEWS` names every view of every kind of data, with
settings for RGB images; `AUGMENTATIONS` has the compositions of papers by kind, which `augmentation` looks up.
Views of images are here by name, those of sound and series in `mutua.views.sound` and `mutua.views.series`.
"""

from __future__ import annotations

from collections.abc import Callable

from mutua.views import series, sound
from mutua.views.augmentation import AUGMENTATIONS, augmentation
from mutua.views.base import Transform
from mutua.views.compose import Compose, rows
from mutua.views.corrupt import CORRUPTIONS, GaussianNoise, MaskingNoise, SaltAndPepper
from mutua.views.image.base import as_dtype, as_float
from mutua.views.image.blur import GaussianBlur
from mutua.views.image.crop import HorizontalFlip, RandomResizedCrop
from mutua.views.image.jitter import ColourJitter, Greyscale, Solarise
from mutua.views.image.masks import MASKS, BlockMask, CentreMask, PatchMask, RegionMask
from mutua.views.image.patch import ChannelDrop, SubCrop
from mutua.views.image.published import byol, moco, simclr, vicreg
from mutua.views.image.rotation import rotations
from mutua.views.image.shift import PaddedCrop
from mutua.views.image.tiles import GEOMETRIES, Tiles, laid
from mutua.views.image.warp import Affine, Projective

__all__ = [
    "AUGMENTATIONS",
    "CORRUPTIONS",
    "GEOMETRIES",
    "MASKS",
    "VIEWS",
    "Affine",
    "BlockMask",
    "CentreMask",
    "ChannelDrop",
    "ColourJitter",
    "Compose",
    "GaussianBlur",
    "GaussianNoise",
    "Greyscale",
    "HorizontalFlip",
    "MaskingNoise",
    "PaddedCrop",
    "PatchMask",
    "Projective",
    "RandomResizedCrop",
    "RegionMask",
    "SaltAndPepper",
    "Solarise",
    "SubCrop",
    "Tiles",
    "Transform",
    "as_dtype",
    "as_float",
    "augmentation",
    "byol",
    "laid",
    "moco",
    "rotations",
    "rows",
    "series",
    "simclr",
    "sound",
    "vicreg",
]

VIEWS: dict[str, Callable[[], Transform]] = {
    "crop": RandomResizedCrop,
    "crop-to-24x20": lambda: RandomResizedCrop((24, 20)),
    "flip": HorizontalFlip,
    "shift": PaddedCrop,
    "jitter": ColourJitter,
    "jitter-any-channels": lambda: ColourJitter(saturation=0.0, hue=0.0),
    "grey": lambda: Greyscale(0.5),
    "sub-crop": SubCrop,
    "channel-drop": ChannelDrop,
    "blur": GaussianBlur,
    "solarise": lambda: Solarise(p=0.5),
    "simclr": lambda: simclr(3, 32),
    "simclr-blurred": lambda: simclr(3, 32, blur=0.5),
    "byol-second": lambda: byol(3, 32)[1],
    "moco": lambda: moco(3, 32),
    "vicreg": lambda: vicreg(3, 32),
    # The centre's hole is no random view: it is the same of every image.
    "mask-blocks": BlockMask,
    "mask-regions": RegionMask,
    "mask-patches": PatchMask,
    "affine": Affine,
    "affine-grey": lambda: Affine(border="grey"),
    "projective": Projective,
    "masking-noise": MaskingNoise,
    "gaussian-noise": GaussianNoise,
    "salt-and-pepper": SaltAndPepper,
    "sound-crop": sound.Crop,
    "sound-crop-to-500": lambda: sound.Crop((0.2, 1.0), samples=500),
    "sound-shift": sound.TimeShift,
    "sound-shift-zeros": lambda: sound.TimeShift(fill="zeros"),
    "sound-mask": lambda: sound.TimeMask((0.05, 0.2), spans=2),
    "sound-gain": sound.Gain,
    "sound-polarity": sound.Polarity,
    "sound-noise": sound.Noise,
    "sound-noise-coloured": lambda: sound.Noise(exponent=(0.0, 2.0)),
    "sound-filter": sound.PassFilter,
    "sound-band-stop": sound.BandStop,
    "sound-speed": sound.Speed,
    "sound-speed-sinc": lambda: sound.Speed(quality="sinc"),
    "sound-simclr": lambda: sound.simclr(8000.0),
    "series-crop": series.Crop,
    "series-crop-cut": lambda: series.Crop(resized=False),
    "series-warp": series.TimeWarp,
    "series-permute": series.Permute,
    "series-mask": lambda: series.TimeMask((0.05, 0.2), spans=2),
    "series-mask-zero": lambda: series.TimeMask((0.05, 0.2), fill="zero"),
    "series-jitter": series.Jitter,
    "series-scale": series.Scale,
    "series-negate": lambda: series.Negate(0.5),
    "series-drop": lambda: series.ColumnDrop(0.5),
    "series-simclr": lambda: series.simclr(flip=0.5),
}
