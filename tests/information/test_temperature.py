"""Critics whose scale does not hold on rows kept aside, as of rows in groups, are read by InfoNCE."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mutua.information import mutual_information
from mutua.information.default.temperature import contrast, factors, tempered


def test_contrast_is_infonce_by_its_definition(generator):
    scores = 3 * torch.randn(7, 7, generator=generator)
    for i, value in enumerate(contrast(scores).tolist()):
        row = math.log(sum(math.exp(scores[i, j]) for j in range(7)) / 7)
        column = math.log(sum(math.exp(scores[j, i]) for j in range(7)) / 7)
        assert value == pytest.approx(float(scores[i, i]) - 0.5 * (row + column), abs=1e-5)


def grouped(groups, each, generator):
    """Scores that are the log ratio of as many groups, log K within one, but three times too large, with noise."""
    label = torch.arange(groups).repeat_interleave(each)
    same = (label[:, None] == label).float()
    return 3 * (math.log(groups) * same + torch.randn(len(label), len(label), generator=generator))


def test_scores_that_are_too_large_are_divided_and_read_below_the_truth(generator):
    stopped = [grouped(20, 10, generator) for _ in range(2)]
    chosen = factors(stopped)
    assert max(chosen) < 1
    read = tempered(grouped(20, 10, generator), chosen[0])
    assert 0.5 * math.log(20) < float(read.pointwise.mean()) < math.log(20)


def test_scores_of_the_right_scale_are_left_alone(generator):
    x = torch.randn(400, 1, generator=generator)
    y = 0.8 * x + 0.6 * torch.randn(400, 1, generator=generator)
    # log r of two Gaussians with correlation .8
    r = -0.5 * math.log(0.36) - (0.64 * (x**2 + y.T**2) - 1.6 * x * y.T) / 0.72
    assert factors([r, r]) == [1.0, 1.0]


def test_embeddings_of_classes_share_the_class_and_no_more():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 60, 1500)
    x, y = (rng.normal(size=(60, 32))[label] + 0.1 * rng.normal(size=(1500, 32)) for _ in range(2))
    result = mutual_information(x, y, effort="quick", permutations=19)
    assert result.value < math.log(60) + 0.1
    assert result.interval[0] < math.log(60)
    assert result.value > 3
    assert any("read by InfoNCE" in line for line in result.diagnostics)
