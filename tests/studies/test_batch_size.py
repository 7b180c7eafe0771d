import math
import sys

import numpy as np
import pytest
import torch

from mutua.data.known import gaussian
from mutua.scores import paired
from mutua.studies.batch_size import Config, GaussianRatio, run
from mutua.studies.batch_size.cost import encoder_step, held, measured, score_step
from mutua.types import InputError

SMALL = Config(
    dimensions=4,
    levels=(1.0, 3.0),
    sizes=(16, 128),
    pairs=4096,
    level=3.0,
    trained=(16, 128),
    steps=60,
    rate=3e-3,
    held=16,
    images=(3, 5),
    micro_batch=2,
    pixels=8,
)


@pytest.mark.parametrize("information", [0.5, 6.0])
def test_the_exact_log_ratio_as_one_inner_product(information):
    known = gaussian(5, information=information)
    x, y = known.sample(50, 0)
    critic = GaussianRatio(5, information)
    got = critic(torch.from_numpy(x), torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(got, known.log_ratio(x, y), rtol=1e-9, atol=1e-9)
    matrix = critic.matrix(torch.from_numpy(x), torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(matrix.diagonal(), got, rtol=1e-9)


def test_it_reads_what_theory_says():
    result = run(SMALL)
    bias, scores, encoder = result.tables
    few, many = bias.records()
    assert few["log K"] == pytest.approx(math.log(16))
    # Below the truth, below log K, and nearer with more.
    assert few["exact, 3"] < few["exact, 1"] < many["exact, 1"] < 0.02
    assert 3 + few["exact, 3"] < math.log(16)
    assert many["exact, 1"] > -0.05
    assert few["trained at K"] < many["trained at K"] < many["exact, 3"] + 0.05
    assert many["trained at K"] == many["trained at 128"]
    assert [row["K"] for row in scores.records()] == [16, 128]
    assert scores.records()[1]["held, CPU s"] is None
    assert [row["batch"] for row in encoder.records()] == [3, 5]
    assert len(result.figures) == 3
    assert all(text.startswith("<svg") for text in result.figures.values())
    assert (
        "16 and 128 where it is 1 nats (e^I = 3); 128 and more than 128 where it is 3 nats (e^I = 20)."
        in result.words[0]
    )
    assert result.settings["micro_batch"] == 2


def test_held_is_paired(generator):
    x, y = torch.randn(2, 7, 3, generator=generator)
    critic = GaussianRatio(3, 1.0)
    assert torch.allclose(held(critic, x, y).row_logmeanexp(), paired(critic, x, y).row_logmeanexp(), atol=1e-5)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_is_what_was_held():
    seconds, mib = measured(lambda: torch.ones(50 * 2**18).sum())
    assert seconds >= 0
    assert mib == pytest.approx(50, abs=5)
    assert score_step(held, 600, 4)[1] >= 0
    assert encoder_step(3, 2, 8)[0] > 0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sizes", (64, 16), r"sizes: \(64, 16\); give sizes of 2 or more, rising"),
        ("trained", (32,), r"trained: \[32\] are not among sizes"),
        ("images", (), "images"),
    ],
)
def test_sizes_that_cannot_be(name, value, said):
    with pytest.raises(InputError, match=said):
        run(Config(**{name: value}))
