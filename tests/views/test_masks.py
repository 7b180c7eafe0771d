"""Masks hide what they say, of each image by itself; nothing of what is hidden is left."""

import pytest
import torch

from mutua.types import InputError
from mutua.views import MASKS, BlockMask, CentreMask, PatchMask, RegionMask

every_mask = pytest.mark.parametrize("name", MASKS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@every_mask
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 17, 26), (13, 24, 9)])
def test_nothing_of_hidden_pixels_is_left_and_the_others_are_as_they_were(name, shape):
    mask, images = MASKS[name](), torch.rand(6, *shape, generator=seeded(1), dtype=torch.float64)
    drawn = mask.draw(6, shape, seeded())
    hidden = drawn["hidden"][:, None].expand_as(images)
    assert hidden.any((1, 2, 3)).all()
    assert not hidden.all((1, 2, 3)).any()
    seen = mask.apply(images, drawn)
    assert torch.equal(seen[~hidden], images[~hidden])
    other = torch.where(hidden, torch.rand_like(images), images)
    assert torch.equal(mask.apply(other, drawn), seen)
    for k in range(6):
        for c in range(shape[0]):
            at = drawn["hidden"][k]
            torch.testing.assert_close(seen[k, c][at], images[k, c][~at].mean().expand(int(at.sum())))


@every_mask
def test_gradients_of_hidden_pixels_are_nothing(name):
    images = torch.rand(3, 2, 20, 24, generator=seeded(1)).requires_grad_()
    mask = MASKS[name]()
    drawn = mask.draw(3, (2, 20, 24), seeded())
    mask.apply(images, drawn).square().sum().backward()
    hidden = drawn["hidden"][:, None].expand_as(images)
    assert not images.grad[hidden].any()
    assert (images.grad[~hidden] != 0).all()


def test_shares_are_those_asked_for():
    sizes = {
        name: make().draw(500, (1, 32, 32), seeded())["hidden"].float().mean((1, 2))
        for name, make in MASKS.items()
    }
    assert (sizes["centre"] == 0.25).all()
    assert (sizes["patches"] == 0.75).all()
    assert sizes["regions"].min() == pytest.approx(0.2, abs=0.005)
    assert sizes["regions"].max() == pytest.approx(0.3, abs=0.005)
    assert sizes["regions"].mean() == pytest.approx(0.25, abs=0.005)
    assert sizes["blocks"].max() <= 0.25
    assert sizes["blocks"].mean() > 0.2
    for name in ("patches", "regions", "blocks"):  # every place is hidden now and then, all of a patch alike
        often = MASKS[name]().draw(2000, (1, 16, 16), seeded())["hidden"].float().mean(0)
        assert often.min() > 0.02  # corners lie in few blocks
        assert often.max() < 0.95


def test_a_patch_is_hidden_whole_and_regions_are_larger_than_pixels():
    hidden = PatchMask(5, 0.5).hide(20, 15, 25, seeded())
    blocks = hidden.view(20, 3, 5, 5, 5).transpose(2, 3).flatten(3)  # (n, rows, columns, 25)
    assert (blocks.all(3) | ~blocks.any(3)).all()
    assert (blocks.all(3).sum((1, 2)) == round(0.5 * 15)).all()
    assert PatchMask(5, 0.5).hide(4, 13, 7, seeded()).shape == (4, 13, 7)
    regions = RegionMask().hide(50, 32, 32, seeded()).float()
    assert (regions[:, 1:] - regions[:, :-1]).abs().mean() < 0.12  # of pixels by themselves it would be .375


def test_blocks_stay_inside_and_the_first_is_kept():
    hidden = BlockMask(share=0.01, side=(0.5, 0.5), blocks=3).hide(30, 8, 12, seeded())
    assert (hidden.flatten(1).sum(1) == 24).all()
    assert (hidden.any(2).sum(1) == 4).all()
    assert (hidden.any(1).sum(1) == 6).all()


@pytest.mark.parametrize(
    ("mask", "shape", "message"),
    [
        (PatchMask(8, 0.9), (1, 8, 16), "hides all of 8 x 16 px"),
        (PatchMask(8, 0.1), (1, 16, 16), "hides none of 16 x 16 px"),
        (CentreMask(0.1), (1, 4, 4), "hides none of 4 x 4 px"),
        (CentreMask(1.0), (1, 4, 4), "hides all of 4 x 4 px"),
        (RegionMask((0.001, 0.001)), (3, 8, 8), "hides none"),
        (BlockMask(1.0, (1.0, 1.0)), (3, 8, 8), "hides all"),
    ],
)
def test_masks_that_hide_all_or_nothing_are_refused(mask, shape, message):
    with pytest.raises(InputError, match=message) as caught:
        mask.draw(3, shape, seeded())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CentreMask(0), "side: "),
        (lambda: BlockMask(side=(0.5, 0.2)), "side: "),
        (lambda: BlockMask(blocks=0), "blocks: 0"),
        (lambda: RegionMask((0.2, 1.2)), "share: "),
        (lambda: RegionMask(cells=1), "cells: 1"),
        (lambda: PatchMask(0), "patch: 0"),
        (lambda: PatchMask(share=0), "share: "),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
