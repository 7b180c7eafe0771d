import numpy as np
import pytest
import torch

from mutua.types import InputError
from mutua.views import rotations


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_rotation_k_of_image_i_is_row_k_n_plus_i(dtype):
    x = torch.randint(0, 256, (5, 3, 6, 6), generator=torch.Generator().manual_seed(0)).to(dtype)
    y = rotations(x)
    assert y.dtype == dtype
    for i in range(5):
        for k in range(4):
            want = np.rot90(x[i].numpy(), k, axes=(1, 2))
            assert np.array_equal(y[k * 5 + i].numpy(), want)


def test_by_hand():
    x = torch.tensor([[1, 2], [3, 4]]).view(1, 1, 2, 2)
    assert rotations(x).flatten(1).tolist() == [[1, 2, 3, 4], [2, 4, 1, 3], [4, 3, 2, 1], [3, 1, 4, 2]]


def test_what_is_not_square_is_refused():
    with pytest.raises(InputError, match=r"\(2, 3, 4, 5\).*crop"):
        rotations(torch.rand(2, 3, 4, 5))
