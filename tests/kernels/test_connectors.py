"""Connector words taken out of a corpus and put back where they stood."""

from __future__ import annotations

import numpy as np
import pytest

from mutua.kernels.words.connectors import put_back, taken_out
from mutua.kernels.words.skipgram import BREAK


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_what_is_taken_out_can_be_put_back(share: float) -> None:
    """Of words 0 to 9 the even are connectors; 0.95 of them makes more runs than there is room for at first."""
    random = np.random.default_rng(0)
    even = random.random(30_000) < share
    tokens = np.where(even, 2 * random.integers(0, 5, 30_000), 2 * random.integers(0, 5, 30_000) + 1).astype(
        np.int32
    )
    tokens[random.random(30_000) < 0.1] = BREAK
    connector = np.array([0, -1, 1, -1, 2, -1, 3, -1, 4, -1], np.int32)
    words, after = np.empty(30_001, np.int32), np.empty(30_001, np.int32)
    n, runs = taken_out(tokens, connector, words, after)
    plain = tokens[(tokens == BREAK) | (tokens % 2 == 1)]
    np.testing.assert_array_equal(words[:n], [BREAK, *plain])
    room = np.empty(30_000, np.int32)
    size = put_back(words[:n], after[:n], runs, np.array([0, 2, 4, 6, 8], np.int32), room)
    np.testing.assert_array_equal(room[:size], tokens)
    if share > 0.9:
        assert len(runs.parent) > 1 << 10


def test_runs_are_told_apart_by_their_order() -> None:
    tokens = np.array([2, 4, 1, 4, 2, 1, 2, 4, BREAK, 2, 4, 1], np.int32)
    connector = np.array([-1, -1, 0, -1, 1], np.int32)
    words, after = np.empty(13, np.int32), np.empty(13, np.int32)
    n, runs = taken_out(tokens, connector, words, after)
    assert words[:n].tolist() == [BREAK, 1, 1, BREAK, 1]
    assert [runs.spelled(run) for run in after[:n].tolist()] == [[0, 1], [1, 0], [0, 1], [0, 1], []]
