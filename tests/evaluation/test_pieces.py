"""Single pieces and groups left out, on series whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mutua.data import Reading, as_examples
from mutua.data.examples import Grouped, as_said
from mutua.encoders import rows_ahead
from mutua.evaluation import left_out_table, piece_features, piece_table
from mutua.types import InputError


@pytest.fixture(scope="module")
def parts():
    """Series of two classes, told by the sign of the first column, of three groups."""
    rng = np.random.default_rng(0)
    y, group = np.arange(60) % 2, np.arange(60) // 2 % 3
    x = rng.normal(size=(60, 8, 2)).astype(np.float32)
    x[:, :, 0] += 4 * (2 * y[:, None] - 1)
    from mutua.data import series

    whole = series(x, targets={"label": y, "speaker": group})
    return whole.subset(np.arange(40)), whole.subset(np.arange(40, 60))


def test_single_pieces_are_those_of_the_depth(parts):
    train, _ = parts
    encoder = rows_ahead(train.spec).eval()
    values, rows, places = piece_features(encoder, train, batch=7)
    with torch.no_grad():
        context = encoder.read(train.take(torch.arange(40)), ("context",))["context"]
    assert values.shape == (320, 64)
    for k in (0, 100, 319):
        assert np.allclose(values[k], context[rows[k], :, places[k]].numpy(), atol=1e-6)
    _, rows, places = piece_features(encoder, train, depth="pieces", each=3)
    assert rows.tolist() == np.repeat(np.arange(40), 3).tolist()
    assert places[:3].tolist() == [2, 4, 5]
    with pytest.raises(InputError, match="depth: 'pool', and single pieces"):
        piece_features(encoder, train, depth="pool")


def test_padding_is_no_piece(parts):
    train, _ = parts
    encoder = rows_ahead(train.spec).eval()

    class Short:
        spec = train.spec

        def __len__(self):
            return 2

        def take(self, index):
            lengths = torch.tensor([8, 3])[index]
            return {"x": train.take(index), "mask": torch.arange(8) < lengths[:, None]}

    _, rows, places = piece_features(encoder, Short())
    assert rows.tolist() == [0] * 8 + [1] * 3
    assert places.tolist() == [*range(8), *range(3)]


def test_tables_of_pieces_and_of_groups_left_out(parts):
    train, test = parts
    encoder = rows_ahead(train.spec).eval()
    table = piece_table({"untrained": encoder}, train, test, each=2)
    assert [row[:2] for row in table.rows] == [["untrained", "pieces"], ["untrained", "context"]]
    assert all(row[3] > 80 and row[4] < row[3] <= row[5] for row in table.rows)
    table = left_out_table({"untrained": encoder}, train, test, "speaker")
    assert table.columns[5:] == ["0", "1", "2"]
    assert [row[0] for row in table.rows] == ["means, deviations, roughness", "untrained"]
    assert all(row[2] == pytest.approx(np.mean(row[5:])) and row[2] > 80 for row in table.rows)
    with pytest.raises(InputError, match="leave_out: 'book', but the data have label, speaker"):
        left_out_table({}, train, test, "book")
    with pytest.raises(InputError, match="leave_out: 'label' is what is told apart"):
        left_out_table({}, train, test, "label")


def test_groups_come_with_the_batch(parts):
    train, _ = parts
    grouped = as_said(train, Reading(group="speaker"))
    assert isinstance(grouped, Grouped)
    batch = grouped.take(torch.tensor([5, 0]))
    assert batch["group"].tolist() == [2, 0]
    assert torch.equal(batch["x"], train.take(torch.tensor([5, 0])))
    assert grouped.subset([5]).take(torch.tensor([0]))["group"].tolist() == [2]
    assert (grouped.spec, grouped.fingerprint) == (train.spec, train.fingerprint)
    with pytest.raises(InputError, match="group: 'book', but the data have label, speaker"):
        as_said(train, Reading(group="book"))
    assert as_examples(train, reading=Reading()) is train
