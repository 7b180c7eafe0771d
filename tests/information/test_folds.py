"""No row trains, stops and judges the same critic."""

from __future__ import annotations

from itertools import chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mutua.information.default.folds import split
from mutua.types import InputError


@given(st.integers(20, 300), st.integers(2, 6), st.integers(1, 3), st.integers(0, 99))
def test_rows_have_one_part_in_a_fold(n: int, folds: int, block: int, seed: int) -> None:
    if n // block < 2 * folds:
        with pytest.raises(InputError, match="folds need at least"):
            split(n, folds, block, torch.Generator().manual_seed(seed))
        return
    dealt = split(n, folds, block, torch.Generator().manual_seed(seed))
    held = dealt.held.flatten().tolist()
    assert len(set(held)) == len(held)
    for k in range(folds):
        parts = [dealt.train[k].tolist(), dealt.stop[k].tolist(), dealt.held[k].tolist()]
        rows = list(chain(*parts))
        assert len(set(rows)) == len(rows) == n // block * block
        assert all(parts)


def test_neighbours_stay_together() -> None:
    dealt = split(103, 5, 4, torch.Generator().manual_seed(0))
    for part in (dealt.held, dealt.stop, dealt.train):
        for rows in part.unflatten(1, (-1, 4)).flatten(0, 1):
            assert rows.tolist() == list(range(int(rows[0]), int(rows[0]) + 4))
            assert rows[0] % 4 == 0
