"""Corruptions: exact shares and levels, of rows as of images."""

import pytest
import torch

from mutua.types import InputError
from mutua.views import CORRUPTIONS, GaussianNoise, MaskingNoise, SaltAndPepper


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_masking_hides_exactly_its_share():
    x = torch.full((50, 3, 4, 5), 0.5)
    hidden = MaskingNoise(0.3)(x, seeded()) == 0
    assert (hidden.flatten(1).sum(1) == 18).all()
    assert hidden.float().mean(0).std() < 0.15
    rows = MaskingNoise(0.5, value=7.0)(torch.zeros(8, 6), seeded())
    assert (rows == 7).sum(1).tolist() == [3] * 8
    assert torch.equal(MaskingNoise(0.0)(x, seeded()), x)


def test_gaussian_noise_is_not_clipped():
    x = torch.zeros(4000, 5, dtype=torch.float64)
    noise = GaussianNoise(2.0)(x, seeded())
    assert noise.std() == pytest.approx(2.0, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.06)
    assert torch.corrcoef(noise.T).fill_diagonal_(0).abs().max() < 0.07
    assert noise.min() < -4
    assert GaussianNoise(0.5)(torch.full((5, 3, 4, 4), 250, dtype=torch.uint8), seeded()).dtype == torch.uint8


def test_salt_and_pepper_are_alike():
    x = torch.full((2000, 10), 0.5)
    spoiled = SaltAndPepper(0.4, low=-1.0, high=2.0)(x, seeded())
    for value, share in ((-1.0, 0.2), (2.0, 0.2), (0.5, 0.6)):
        assert (spoiled == value).float().mean() == pytest.approx(share, abs=0.012)
    all_of_it = SaltAndPepper(1.0)(x, seeded())
    assert set(all_of_it.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(SaltAndPepper(0.0)(x, seeded()), x)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_numbers_are_spoiled_in_any_precision(name):
    view, x = CORRUPTIONS[name](0.3), torch.rand(9, 2, 5, 3, generator=seeded(2), dtype=torch.float64)
    drawn = view.draw(9, (2, 5, 3), seeded())
    torch.testing.assert_close(view.apply(x.float(), drawn), view.apply(x, drawn).float(), atol=1e-5, rtol=1e-5)
    with pytest.raises(InputError, match="9 rows for 4"):
        view.apply(x[:4], drawn)
    with pytest.raises(InputError, match="images: shape"):
        view(torch.zeros(3, dtype=torch.int64), seeded())


def test_bad_levels_are_refused():
    for make in (lambda: MaskingNoise(1.5), lambda: SaltAndPepper(-0.1)):
        with pytest.raises(InputError, match="share: "):
            make()
    with pytest.raises(InputError, match="sigma: -1"):
        GaussianNoise(-1)
