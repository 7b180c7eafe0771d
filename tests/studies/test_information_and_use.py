"""Studies of information and its use, at the size of a smoke test, and the parts whose answers are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mutua.bounds import infonce_loss
from mutua.critics import Bilinear, Dot
from mutua.encoders import Couplings
from mutua.scores import paired
from mutua.studies.information_and_use import bijection, constant_information, critics
from mutua.studies.information_and_use.adversary import spoil
from mutua.studies.information_and_use.halves import BOUNDS, Trained, halves, probed, train
from mutua.types import InputError

HALVES = constant_information.Config(
    data="digits",
    train=200,
    test=100,
    layers=2,
    hidden=8,
    steps=3,
    looks=(0, 3),
    adversarial=2,
    refit=1,
    batch=32,
    inputs=1,
    seeds=1,
)


def test_the_cipher_is_xtea_and_one_to_one() -> None:
    def bits(text: str) -> np.ndarray:
        return np.array([[float(b) for b in f"{int(text, 16):064b}"]])

    key = (0x00010203, 0x04050607, 0x08090A0B, 0x0C0D0E0F)
    plain, secret = bits("4142434445464748"), bits("497df3d072612cb5")
    np.testing.assert_array_equal(bijection.cipher(plain, key), secret)
    np.testing.assert_array_equal(bijection.decipher(secret, key), plain)
    many = np.random.default_rng(0).integers(0, 2, (50, 64)).astype(float)
    np.testing.assert_array_equal(bijection.decipher(bijection.cipher(many)), many)


def test_bijections_go_back_and_the_cipher_leaves_nothing_to_read() -> None:
    result = bijection.run(
        bijection.Config(
            gains=(0.0, 3.0), layers=2, hidden=8, examples=300, families=("linear",), estimate=False, seeds=1
        )
    )
    rows = {row["representation"]: row for row in result.tables[0].records()}
    assert all(row["error of the way back"] < 1e-6 for row in rows.values())
    assert rows["pixels"]["linear, bits"][0] > 2
    assert rows["bits, a pad added"]["linear, bits"][0] == pytest.approx(rows["bits"]["linear, bits"][0], abs=0.01)
    assert abs(rows["bits, enciphered"]["linear, bits"][0]) < 0.15
    assert rows["linear, condition 1e6"]["linear, bits"][0] < rows["pixels"]["linear, bits"][0] + 0.1
    assert len(result.figures) == 1
    assert len(result.words) == 3
    assert result.words[0].startswith("Of the pixels linear probes use")


def test_a_flow_whose_way_back_is_lost_is_not_called_a_bijection() -> None:
    told = bijection.Config(
        gains=(0.0, 0.5, 6.0), layers=6, hidden=64, examples=200, families=("linear",), estimate=False, seeds=1
    )
    result = bijection.run(told)
    error = {row["representation"]: row["error of the way back"] for row in result.tables[0].records()}
    assert error["flow, gain 0.5"] < 1e-6 < error["flow, gain 6"]
    assert "after a flow of gain 0.5 " in result.words[0]
    assert "At gain 6 float64 itself loses the way back" in result.words[1]


def test_noise_is_drawn_for_each_half_or_shared() -> None:
    data = halves("digits", 100, 50, 0)
    assert data.d == 32
    rows, draw = torch.arange(5), torch.Generator().manual_seed(0)
    plain = data.pair(rows, "none", 1.0, draw)
    shared = [a - b for a, b in zip(data.pair(rows, "shared", 1.0, draw), plain, strict=True)]
    torch.testing.assert_close(shared[0], shared[1])
    apart = [a - b for a, b in zip(data.pair(rows, "independent", 1.0, draw), plain, strict=True)]
    assert (apart[0] - apart[1]).abs().max() > 0.5


def test_training_raises_the_bound_or_brings_it_to_a_target() -> None:
    data = halves("digits", 400, 200, 0)
    torch.manual_seed(0)

    def state() -> Trained:
        nets = (nn.Linear(32, 8), nn.Linear(32, 8))
        return Trained(nets, Bilinear(8, 8), BOUNDS["InfoNCE"], data, batch=32)

    raised = train(state(), 150, 1e-2, 0)
    assert raised.training_bound > 1.0
    assert 0.5 < raised.held_out() < math.log(32)
    brought = train(state(), 150, 1e-2, 0, target=0.5)
    assert brought.training_bound == pytest.approx(0.5, abs=0.25)
    broken = train(state(), 60, 1e-2, 0, broken=True)
    assert broken.held_out() < 0.2


def test_infonce_is_the_n_pair_loss() -> None:
    x, y = torch.randn(2, 9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scores = x @ y.T
    others = scores - scores.diagonal()[:, None]
    others = others.masked_fill(torch.eye(9, dtype=torch.bool), -math.inf)
    n_pair = torch.log(1 + others.exp().sum(1)).mean()
    torch.testing.assert_close(-infonce_loss(paired(Dot(), x, y)), n_pair)


def test_the_adversary_lowers_what_is_read() -> None:
    data = halves("digits", 600, 200, 0)
    torch.manual_seed(0)
    flow = Couplings(32, 4, 32, True, 1e-4, 0)
    before = probed(flow, data)
    spoil(flow, data, steps=120, refit=10, rate=3e-3, batch=64, seed=0)
    after = probed(flow, data)
    assert after.converged < before.converged - 2
    assert after.nearest < before.nearest - 8
    with torch.no_grad():
        x = data.test_upper.double()
        exact = flow.double()
        assert (exact.inverse(exact(x)) - x).abs().max() < 1e-8


def test_constant_information_runs() -> None:
    result = constant_information.run(HALVES)
    rising, falling, free = result.tables
    assert {row[0] for row in rising.rows} == {"InfoNCE", "NWJ", "halves of others"}
    assert [row[1] for row in rising.rows] == [0, 3] * 3
    assert [row[0] for row in falling.rows] == ["pixels", "after the flow"]
    assert len(free.rows) == 6
    by_noise = {(row["noise"], row["step"]): row for row in free.records()}
    assert by_noise["none", 0]["log condition"][0] < 0.1  # it begins as the identity
    assert len(result.words) == 4
    assert next(iter(result.figures.values())).startswith("<svg")


def test_critics_runs() -> None:
    config = critics.Config(
        data="digits", train=200, test=100, steps=3, judged=2, targets=(1.0,), batch=16, width=8, seeds=1
    )
    result = critics.run(config)
    first, second = result.tables
    assert first.rows[0][:3] == ["none", "random weights", None]
    assert len(first.rows) == 7
    assert [row[1] for row in second.rows] == ["MLP", "convolutional"]
    assert len(result.words) == 3


def test_refused() -> None:
    with pytest.raises(InputError, match="give looks up to the steps"):
        constant_information.run(replace(HALVES, looks=(0, 7)))
    with pytest.raises(InputError, match="give 1 seed or more, and gains from 0 on"):
        bijection.run(bijection.Config(gains=(1.0, 2.0)))
    with pytest.raises(InputError, match="give 1 or more of each"):
        critics.run(critics.Config(judged=0))
