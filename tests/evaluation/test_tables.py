from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mutua.data.image.images import Images
from mutua.data.splits import split_off
from mutua.encoders import Staged
from mutua.evaluation import RAW, evaluate, features, knn, linear, random_twin, raw, unlabelled_tables
from mutua.types import InputError


def bars(n: int = 90, seed: int = 0) -> Images:
    """Three classes: a bright row at one of three heights, in noise."""
    random = np.random.RandomState(seed)
    labels = np.arange(n) % 3
    pixels = random.randint(0, 60, (n, 1, 6, 6))
    pixels[np.arange(n), 0, 2 * labels] += 150
    return Images(pixels.astype(np.uint8), labels, ("low", "middle", "high"), source="bars")


def network() -> Staged:
    stages = {
        "map": nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        "out": nn.Sequential(nn.Flatten(), nn.Linear(144, 8)),
    }
    return Staged(stages, 1, 6)


def test_cells_are_the_probes_own_and_raw_pixels_come_first() -> None:
    train, test = split_off(bars(), 0.4, 0)
    twin = random_twin(network, train)
    said: list[str] = []
    (table,) = evaluate({"random": twin}, train, test, depths=("map", "out"), progress=said.append)
    assert table.columns == ["encoder", "depth", "features", "linear", "knn"]
    assert [row[:3] for row in table.rows] == [[RAW, "", 36], ["random", "map", 144], ["random", "out", 8]]
    assert train.labels is not None
    assert test.labels is not None
    x, z = features(twin, train)["out"], features(twin, test)["out"]
    assert table.records()[2]["linear"] == linear(x, train.labels, z, test.labels, 0).accuracy
    assert table.records()[0]["knn"] == knn(raw(train), train.labels, raw(test), test.labels).accuracy
    for words in ("54 train and 36 test images of bars", "C chosen", "cosine"):
        assert words in table.note
    assert said[0] == RAW


def test_few_label_table_has_a_row_for_each_probe_and_gaps_where_labels_lack() -> None:
    train, test = split_off(bars(), 0.4, 0)
    table = evaluate({}, train, test, probes=("knn",), labels_per_class=(1, 5, 100), draws=2)[1]
    assert [row[:3] for row in table.rows] == [[RAW, "", "1-nn"], [RAW, "", "linear"]]
    for row in table.rows:
        assert len(row[3]) == 2
        assert row[5] is None
    assert "Left out: 100" in table.note


def test_plain_functions_and_encoders_with_other_depths_stand_side_by_side() -> None:
    train, test = split_off(bars(), 0.4, 0)

    def mean_of_rows(x: torch.Tensor) -> torch.Tensor:
        return x.float().mean((1, 3))

    (table,) = evaluate({"rows": mean_of_rows, "net": network()}, train, test, probes=("linear",))
    assert [row[:3] for row in table.rows[1:]] == [["rows", "output", 6], ["net", "out", 8]]
    assert table.rows[1][3] == 100


def test_bad_input_is_named() -> None:
    train, test = split_off(bars(), 0.4, 0)
    with pytest.raises(InputError, match="forest is none of"):
        evaluate({}, train, test, probes=("forest",))
    with pytest.raises(InputError, match="deep are none of net's map, out"):
        evaluate({"net": network()}, train, test, depths=("deep",))
    with pytest.raises(InputError, match="test: these images have no labels"):
        evaluate({}, train, Images(test.pixels))
    lone = train.subset(
        np.flatnonzero((train.labels != 2) | (np.arange(len(train)) == np.argmax(train.labels == 2)))
    )
    with pytest.raises(InputError, match="class 'high' has one example"):
        evaluate({}, lone, test)
    assert evaluate({}, lone, test, probes=("knn",))[0].rows
    with pytest.raises(InputError, match="one class"):
        evaluate({}, train.subset(np.flatnonzero(train.labels == 0)), test)
    with pytest.raises(InputError, match="test: image of 3 x 6 x 6 px where train has"):
        evaluate({}, train, Images(np.zeros((3, 3, 6, 6), np.uint8), np.array([0, 1, 2])))


class Shift:
    """A view that rolls each image by a pixel or none."""

    def draw(self, n: int, shape: tuple[int, ...], generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"by": torch.randint(0, 2, (n,), generator=generator)}

    def apply(self, images: torch.Tensor, parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        by = parameters["by"][:, None, None, None]
        return torch.where(by == 1, images.roll(1, 3), images)

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        n = len(images)
        return self.apply(images, self.draw(n, tuple(images.shape[1:]), generator))


def test_unlabelled_tables_say_rank_agreement_and_duplicates() -> None:
    images = bars()
    images.pixels[50] = images.pixels[4]
    nets = {f"seed {s}": random_twin(network, images, seed=s) for s in (0, 1)}
    nets["same"] = nets["seed 0"]
    features_of, agreement, twice = unlabelled_tables(nets, images, view=Shift(), batch=40)
    assert [row[0] for row in features_of.rows] == [RAW, "seed 0", "seed 1", "same"]
    assert all(0 < row["alignment"] < 2 for row in features_of.records())
    assert all(row["warning"] == "" for row in features_of.records())
    pairs = {(row[0], row[1]): row[2:] for row in agreement.rows}
    assert pairs["seed 0", "same"] == pytest.approx([1, 1])
    assert all(0 < value < 1 for value in pairs["seed 0", "seed 1"])
    assert twice.rows[0][0] == RAW
    assert twice.rows[0][1] >= 1
    assert "4 and 50" in twice.rows[0][2]
    assert "1 images more than once, as rows 4, 50" in twice.note


def test_what_all_features_share_makes_no_duplicates() -> None:
    images = bars()
    images.pixels[50] = images.pixels[4]

    def far(x: torch.Tensor) -> torch.Tensor:
        return 100 + x.float().flatten(1) @ torch.randn(
            x[0].numel(), 40, generator=torch.Generator().manual_seed(0)
        )

    *_, twice = unlabelled_tables({"far": far}, images)
    assert twice.rows[1][1] < 90
    assert "4 and 50" in twice.rows[1][2]


def test_unlabelled_tables_take_some_rows_repeat_and_name_collapse() -> None:
    images = bars()

    def constant(x: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(x), 5)

    first, again = (unlabelled_tables({"constant": constant}, images, rows=30, view=Shift()) for _ in range(2))
    assert first == again
    assert first[0].rows[1][-1].startswith("collapsed")
    assert first[0].note.startswith("30 of 90 images")
    with pytest.raises(InputError, match="at least three"):
        unlabelled_tables({}, images.subset([0, 1]))
