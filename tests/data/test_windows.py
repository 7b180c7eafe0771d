"""Windows of recordings and series, cut as they are taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mutua.data import Labels, Reading
from mutua.data.reading import samples_of
from mutua.data.windows import Ragged, windowed
from mutua.types import InputError

LENGTHS = np.array([4, 10, 6])


def ragged() -> Ragged:
    """Three recordings of 4, 10 and 6 samples: 0..3, 100..109, 200..205."""
    values = np.concatenate([100 * k + np.arange(n) for k, n in enumerate(LENGTHS)]).astype(np.int16)
    return Ragged(values[:, None], np.concatenate([[0], np.cumsum(LENGTHS)]))


def cut(kind: str = "sound", rows=range(3), span=(0.0, 1.0), rate: float | None = 2.0, **said: str):
    return windowed(
        kind, ragged(), Reading(**said), rate=rate, rows=np.array(list(rows)), names=list("abc"), span=span
    )


def test_longer_ones_give_their_middle_and_shorter_ones_are_padded() -> None:
    found = cut(length="6")
    taken = found.take(torch.arange(3))
    assert taken["x"].shape == (3, 1, 6)
    assert taken["x"][:, 0].tolist() == [[0, 1, 2, 3, 0, 0], [102, 103, 104, 105, 106, 107], [*range(200, 206)]]
    assert taken["mask"].int().sum(1).tolist() == [4, 6, 6]
    assert found.spec.masked
    assert "1 of 3 cropped to their middle; 1 padded" in found.source


def test_without_padding_a_batch_is_a_tensor() -> None:
    found = cut(length="4")
    assert not found.spec.masked
    assert found.take(torch.tensor([2, 0]))[:, 0].tolist() == [[201, 202, 203, 204], [0, 1, 2, 3]]


def test_seconds_need_a_rate() -> None:
    assert cut(length="2s").spec.shape == (1, 4)
    assert samples_of("250ms", 8000, "length") == 2000
    with pytest.raises(InputError, match="length: '2s' are seconds, and the data have no rate; give --rate"):
        cut(length="2s", rate=None)
    for bad in ("two", "", "-1", "0", "1.5", "0s"):
        with pytest.raises(InputError, match="length: "):
            Reading(length=bad)
    with pytest.raises(InputError, match="less than one sample"):
        cut(length="0.1s")


def test_a_window_every_hop() -> None:
    found = cut(length="4", hop="3")
    assert found.names == ("a@0 s", "b@0 s", "b@1.5 s", "b@3 s", "c@0 s")
    assert found.take(torch.arange(5))[:, 0, 0].tolist() == [0, 100, 103, 106, 200]


def test_the_length_that_nine_in_ten_fit_into() -> None:
    assert cut().spec.shape == (1, 8)  # four seconds at 2 Hz at most
    assert cut(rate=4.0).spec.shape == (1, 10)


def test_a_span_splits_one_recording_in_time() -> None:
    first, second = (cut(rows=[1], length="2", hop="2", span=span) for span in ((0.0, 0.8), (0.8, 1.0)))
    assert first.take(torch.arange(len(first))).flatten().tolist() == [*range(100, 108)]
    assert second.take(torch.arange(len(second))).flatten().tolist() == [108, 109]


def test_series_have_time_first() -> None:
    assert cut("series", length="4").take(torch.tensor([0])).tolist() == [[[0], [1], [2], [3]]]


def test_labels_go_with_the_windows() -> None:
    labels = {"word": Labels(np.array([2, 0, 1])), "who": Labels(np.array([0, 1, 0]), ("x", "y"))}
    found = windowed("sound", ragged(), Reading(length="4", hop="3"), rate=2.0, rows=np.arange(3), targets=labels)
    assert found.labels.tolist() == [2, 0, 0, 0, 1]
    some = found.subset([4, 1])
    assert some.targets["who"].codes.tolist() == [0, 1]
    assert some.take(torch.arange(2))[:, 0, 0].tolist() == [200, 100]


def test_empty_ones_and_numbers_that_are_none_are_named() -> None:
    empty = Ragged(np.zeros((3, 1), np.float32), np.array([0, 3, 3]))
    with pytest.raises(InputError, match="b: is empty"):
        windowed("sound", empty, Reading(length="2"), rate=1.0, rows=np.arange(2), names=["a", "b"])
    wild = Ragged(np.array([[0], [np.nan]], np.float32), np.array([0, 1, 2]))
    found = windowed("series", wild, Reading(), rate=None, rows=np.arange(2), names=["a", "b"])
    found.take(torch.tensor([0]))
    with pytest.raises(InputError, match="b: NaN or infinity"):
        found.take(torch.tensor([0, 1]))
