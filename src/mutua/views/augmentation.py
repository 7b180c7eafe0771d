"""Which views each paper has of each kind of data.

An entry gives one view, which every view of an example is drawn from, or a tuple of views, one for each view of an
example, where the paper draws them differently. Sound, series and tables have SimCLR's alone: other papers,
which say nothing of them, take those.
"""

from __future__ import annotations

from collections.abc import Callable

from mutua.types import InputError, Spec, View, names
from mutua.views.image import published as image
from mutua.views.series import published as series
from mutua.views.sound import published as sound
from mutua.views.table import published as table

__all__ = ["AUGMENTATIONS", "augmentation"]

Views = View | tuple[View, ...]


def _simclr_image(spec: Spec, *, strength: float = 0.5, smallest_crop: float = 0.08, flip: float = 0.5) -> Views:
    c, height, width = spec.shape
    return image.simclr(c, (height, width), strength=strength, flip=flip, scale=(smallest_crop, 1.0))


def _byol_image(spec: Spec, *, strength: float = 1.0, smallest_crop: float = 0.08, flip: float = 0.5) -> Views:
    c, height, width = spec.shape
    return image.byol(c, (height, width), strength=strength, flip=flip, scale=(smallest_crop, 1.0))


def _moco_image(spec: Spec, *, strength: float = 1.0, smallest_crop: float = 0.2, flip: float = 0.5) -> Views:
    c, height, width = spec.shape
    return image.moco(c, (height, width), strength=strength, flip=flip, scale=(smallest_crop, 1.0))


def _vicreg_image(spec: Spec, *, strength: float = 1.0, smallest_crop: float = 0.08, flip: float = 0.5) -> Views:
    c, height, width = spec.shape
    return image.vicreg(c, (height, width), strength=strength, flip=flip, scale=(smallest_crop, 1.0))


def _simclr_sound(spec: Spec, *, strength: float = 1.0, smallest_crop: float = 0.5, flip: float = 0.8) -> Views:
    return sound.simclr(spec.rate, strength=strength, flip=flip, share=(smallest_crop, 1.0))


def _simclr_series(spec: Spec, *, strength: float = 1.0, smallest_crop: float = 0.5, flip: float = 0.0) -> Views:
    return series.simclr(strength=strength, flip=flip, share=(smallest_crop, 1.0))


def _simclr_table(spec: Spec, *, strength: float = 0.0, smallest_crop: float = 0.4, flip: float = 0.0) -> Views:
    if strength or flip:
        raise InputError("strength, flip: rows of a table have neither; leave them out")
    return table.simclr(share=(smallest_crop, 1.0))


AUGMENTATIONS: dict[tuple[str, str], Callable[..., Views]] = {
    ("simclr", "image"): _simclr_image,
    ("simclr", "sound"): _simclr_sound,
    ("simclr", "series"): _simclr_series,
    ("simclr", "table"): _simclr_table,
    ("byol", "image"): _byol_image,
    ("barlow_twins", "image"): _byol_image,
    ("moco", "image"): _moco_image,
    ("simsiam", "image"): _moco_image,
    ("vicreg", "image"): _vicreg_image,
}


def augmentation(
    paper: str,
    spec: Spec,
    *,
    strength: float | None = None,
    smallest_crop: float | None = None,
    flip: float | None = None,
) -> Views:
    """The views that a paper draws of examples of a spec; SimCLR's where it has none of that kind.

    Args:
        paper: as in `AUGMENTATIONS`: simclr, byol, barlow_twins, moco, simsiam, vicreg.
        spec: of the examples.
        strength: of the distortions; None is as published, 0 leaves them out.
        smallest_crop: the least share of the example that a crop keeps, or of a row's columns; None as published.
        flip: probability of the mirror image, of the other polarity (sound) or sign (series); None is as
        published.

    Returns one view, or a tuple of views, one for each view of an example, where they differ (byol, barlow_twins).

    Raises InputError where there are no views of the kind, or a setting is out of range.

    >>> len(augmentation("byol", Spec("image", (3, 64, 64), "uint8")))
    2
    """
    papers = {known for known, _ in AUGMENTATIONS}
    if paper not in papers:
        raise InputError(f"paper: no views of {paper!r}; give one of {names(papers)}")
    entry = AUGMENTATIONS.get((paper, spec.kind)) or AUGMENTATIONS.get(("simclr", spec.kind))
    if entry is None:
        kinds = names({kind for known, kind in AUGMENTATIONS if known in (paper, "simclr")})
        raise InputError(f"{paper} has no views of {spec.kind}; it takes {kinds}")
    given = {"strength": strength, "smallest_crop": smallest_crop, "flip": flip}
    return entry(spec, **{name: value for name, value in given.items() if value is not None})
