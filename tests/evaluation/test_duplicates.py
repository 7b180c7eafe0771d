from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mutua.data import Held
from mutua.data.image.images import Images
from mutua.evaluation import duplicates, exact_duplicates, near_duplicates
from mutua.evaluation.unlabelled.table import unlabelled_tables
from mutua.types import InputError, Spec


def test_exact_groups_across_batches() -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (20, 3, 4, 4)).astype(np.uint8)
    pixels[[9, 17]] = pixels[3]
    pixels[12] = pixels[11]
    pixels[5] = pixels[4]
    pixels[5, 0, 0, 0] ^= 1  # one bit off is not equal
    assert exact_duplicates(Images(pixels), batch=6) == [[3, 9, 17], [11, 12]]


@pytest.mark.parametrize("cells", [70, 1 << 20])
def test_near_pairs_are_the_slow_ones(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "CELLS", cells)
    x = np.random.RandomState(0).randn(40, 3).astype(np.float32)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    similar = unit @ unit.T
    slow = {(i, j): similar[i, j] for i in range(40) for j in range(i + 1, 40) if similar[i, j] >= 0.9}
    found = near_duplicates(x, 0.9)
    assert found.count == len(slow) > 10
    assert {tuple(pair) for pair in found.pairs.tolist()} == set(slow)
    assert (np.diff(found.similarity) <= 0).all()
    np.testing.assert_allclose(found.similarity, [slow[i, j] for i, j in found.pairs.tolist()], atol=1e-6)
    few = near_duplicates(x, 0.9, limit=4)
    assert few.count == found.count
    np.testing.assert_allclose(few.similarity, found.similarity[:4], atol=1e-6)


def test_equal_rows_are_found_at_threshold_one_and_zeros_are_like_nothing() -> None:
    x = np.random.RandomState(0).randn(30, 50).astype(np.float32)
    x[20] = 3 * x[7]
    x[[1, 2]] = 0
    assert near_duplicates(x, 1.0).pairs.tolist() == [[7, 20]]


def test_settings_are_checked() -> None:
    x = np.eye(3, dtype=np.float32)
    with pytest.raises(InputError, match="threshold"):
        near_duplicates(x, 1.5)
    with pytest.raises(InputError, match="limit"):
        near_duplicates(x, limit=0)
    assert near_duplicates(x).count == 0


def test_duplicates_are_told_by_file_or_by_the_row_of_the_whole() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 1, 4, 4), dtype=np.uint8)
    pixels[31] = pixels[7]
    examples = Held(Spec("image", (1, 4, 4), "uint8"), values=pixels)
    for names, want in ((None, "row 7 and row 31"), (tuple(f"{i}.png" for i in range(40)), "7.png and 31.png")):
        found = unlabelled_tables({}, replace(examples, names=names), rows=39)[-1]
        kept = np.random.RandomState(0).permutation(40)[:39]
        assert (found.rows[0][-1] == want) == (7 in kept and 31 in kept)
        assert want.replace(" and ", ", ") in found.note


def test_arrays_of_any_layout_and_width() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3))
    x[7] = x[3]
    for given in (x[:, ::-1], x.astype(np.longdouble), x.astype(">f8"), x.tolist(), torch.from_numpy(x)):
        assert [3, 7] in near_duplicates(given, 1.0).pairs.tolist()
    with pytest.raises(InputError, match=r"^features: a list that makes no array"):
        near_duplicates([[1.0], [1.0, 2.0]])
