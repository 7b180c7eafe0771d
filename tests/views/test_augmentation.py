"""The catalogue of papers' views by kind, and its look-up."""

import pytest

from mutua.types import InputError, Spec
from mutua.views import (
    AUGMENTATIONS,
    ColourJitter,
    GaussianBlur,
    HorizontalFlip,
    RandomResizedCrop,
    Solarise,
    augmentation,
    series,
    simclr,
    sound,
)
from view_batches import SAMPLES, seeded

LARGE = Spec("image", (3, 64, 48), "uint8")
SPECS = {
    "image": Spec("image", (3, 32, 32), "uint8"),
    "sound": Spec("sound", (2, 301), "int16", 8000.0),
    "series": Spec("series", (67, 3), "float32"),
}
PAPERS = sorted({paper for paper, _ in AUGMENTATIONS})


def of_class(view, kind):
    return next((one for one in view.views if isinstance(one, kind)), None)


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("paper", PAPERS)
def test_every_paper_has_views_of_every_kind(paper, kind):
    found = augmentation(paper, SPECS[kind], strength=0.7, smallest_crop=0.6, flip=0.4)
    for view in found if isinstance(found, tuple) else (found,):
        assert view.kind == kind
        assert view.shape_after(SPECS[kind].shape) == SPECS[kind].shape
        assert view(SAMPLES[kind](5), seeded()).shape == (5, *SPECS[kind].shape)
        crop = view.views[0]
        assert (crop.scale if kind == "image" else crop.share) == (0.6, 1.0)
        assert view.views[1].p == 0.4


@pytest.mark.parametrize("kind", SPECS)
def test_none_is_as_published(kind):
    published = {"image": simclr(3, (32, 32)), "sound": sound.simclr(8000.0), "series": series.simclr()}
    assert augmentation("simclr", SPECS[kind]) == published[kind]


def test_papers_that_say_nothing_of_a_kind_take_simclr_s():
    for kind in ("sound", "series"):
        assert augmentation("byol", SPECS[kind]) == augmentation("simclr", SPECS[kind])


@pytest.mark.parametrize("paper", ["byol", "barlow_twins"])
def test_two_views_that_differ(paper):
    first, second = augmentation(paper, LARGE)
    assert first.views[:3] == second.views[:3]
    assert of_class(first, GaussianBlur).p == 1.0
    assert of_class(second, GaussianBlur).p == 0.1
    assert of_class(first, Solarise) is None
    assert of_class(second, Solarise).p == 0.2
    assert of_class(first, ColourJitter) == ColourJitter(0.4, 0.4, 0.2, 0.1, p=0.8)
    assert of_class(augmentation(paper, SPECS["image"])[0], GaussianBlur) is None


@pytest.mark.parametrize("paper", ["moco", "simsiam"])
def test_moco(paper):
    view = augmentation(paper, LARGE)
    assert view.views[0] == RandomResizedCrop((64, 48), (0.2, 1.0))
    assert view.views[1] == HorizontalFlip(0.5)
    assert of_class(view, ColourJitter) == ColourJitter(0.4, 0.4, 0.4, 0.1, p=0.8)
    assert of_class(view, GaussianBlur) == GaussianBlur((0.1, 2.0), 0.5)


def test_vicreg():
    view = augmentation("vicreg", LARGE)
    assert of_class(view, ColourJitter) == ColourJitter(0.4, 0.4, 0.2, 0.1, p=0.8)
    assert (of_class(view, GaussianBlur).p, of_class(view, Solarise).p) == (0.5, 0.1)


def test_what_there_is_not_is_refused_in_one_line():
    with pytest.raises(InputError, match="simclr has no views of text; it takes image, series, sound") as error:
        augmentation("simclr", Spec("text", (64,), "int32"))
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="no views of 'cpc'; give one of barlow_twins, byol"):
        augmentation("cpc", SPECS["image"])
    with pytest.raises(InputError, match="scale: "):
        augmentation("moco", SPECS["image"], smallest_crop=0.0)
