import numpy as np
import pytest
import torch

from mutua.bounds import infonce_loss, jsd
from mutua.critics import Separable
from mutua.data.known import gaussian
from mutua.information.estimators.catalogue import ESTIMATORS
from mutua.scores import Dense, paired
from mutua.studies.mi_estimators.averaged import averaged, both_ways, bridge
from mutua.studies.mi_estimators.published import FLOOR, LEVELS
from mutua.studies.mi_estimators.staircase import (
    CRITICS,
    DISTRIBUTIONS,
    climb,
    groups,
    oracle,
    smoothed,
    spreads,
    stairs,
)
from mutua.types import Critic, InputError


class Oracle(Critic):
    """The true log ratio, off by a constant."""

    def __init__(self, known, shift=0.0):
        super().__init__()
        self.known, self.shift = known, shift

    def forward(self, x, y):
        x, y = torch.broadcast_tensors(x, y)
        flat = self.known.log_ratio(x.reshape(-1, x.shape[-1]).numpy(), y.reshape(-1, y.shape[-1]).numpy())
        return torch.as_tensor(flat).reshape(x.shape[:-1]) + self.shift


def batch(known, n, seed=0):
    return (torch.as_tensor(side) for side in known.sample(n, seed))


def test_the_oracle_has_the_floor_of_the_reference():
    found = spreads(oracle(stairs("gaussian", 20, LEVELS), steps=4000), LEVELS)
    assert [one.sd for one in found] == pytest.approx(FLOOR, abs=0.02)
    assert [one.bias for one in found] == pytest.approx([0] * 5, abs=0.04)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_distribution_has_the_information_of_its_level(name):
    assert [known.information for known in stairs(name, 4, (2.0, 6.0))] == pytest.approx([2, 6])


def test_members_that_train_alike_train_once():
    found = groups(list(ESTIMATORS.values()))
    read = [name for plan in found for name in plan.reads]
    assert sorted(read) == sorted(ESTIMATORS)
    together = {frozenset(plan.reads) for plan in found}
    assert frozenset({"jsd", "smile_1", "smile_5", "smile_inf", "jsd_plugin"}) in together
    assert frozenset({"tnce", "club", "leave_one_out"}) in together
    assert frozenset({"mine"}) in together
    assert frozenset({"interpolated"}) in together
    assert frozenset({"tuba"}) in together, "its baseline is its own"


def test_a_reading_is_of_a_batch_not_yet_trained_on():
    """The first reading is of the critic as it was made."""
    plan = groups([ESTIMATORS["infonce"]])[0]
    levels = stairs("gaussian", 3, (2.0,))
    found = climb(plan, lambda dx, dy: Separable(dx, dy, 8, 1, 4), levels, steps=2, batch=16, seed=3)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        fresh = Separable(3, 3, 8, 1, 4)
    from mutua.information.fitting import fresh_batches

    x, y = fresh_batches(levels[0], 16)(torch.Generator().manual_seed(3))
    with torch.no_grad():
        assert found["infonce"][0, 0] == pytest.approx(float(ESTIMATORS["infonce"].read(paired(fresh, x, y))))


@pytest.mark.parametrize("critic", CRITICS)
def test_every_critic_learns(critic):
    plan = groups([ESTIMATORS["infonce"]])[0]
    found = climb(plan, CRITICS[critic](32, 8), stairs("gaussian", 2, (2.0,)), steps=250, batch=64, lr=5e-3)
    early, late = found["infonce"][0, :20].mean(), found["infonce"][0, -50:].mean()
    assert late > early + 0.1
    assert late < 2.1


def test_a_climb_is_the_same_for_the_same_seed():
    plan, levels = averaged(0.9), stairs("cubic", 2, (2.0, 4.0))
    one, other = (climb(plan, CRITICS["separable"](8, 4), levels, steps=5, batch=8, seed=1) for _ in range(2))
    for name in one:
        assert (one[name] == other[name]).all()
        assert one[name].shape == (2, 5)


def test_a_training_that_overflows_leaves_nan():
    plan = groups([ESTIMATORS["nwj"]])[0]
    found = climb(plan, CRITICS["bilinear"](8, 4), stairs("cubic", 20, (10.0,)), steps=200, batch=16, lr=10.0)
    assert np.isnan(found["nwj"][0, -1])


def test_averaged_weights_shake_less():
    levels = stairs("gaussian", 2, (2.0,))
    calm, shaken = (
        climb(averaged(decay), CRITICS["separable"](32, 8), levels, steps=500, batch=32, lr=5e-3, seed=0)
        for decay in (0.98, 0.0)
    )
    assert calm["averaged, plug-in"][0, 250:].std() < shaken["averaged, plug-in"][0, 250:].std()


@pytest.mark.parametrize("shift", [0.0, 1.5, -2.0])
def test_the_bridge_finds_a_constant(shift):
    known = gaussian(5, information=2.0)
    x, y = batch(known, 1500)
    critic = Oracle(known, shift)
    assert float(bridge(paired(critic, x, y))) == pytest.approx(2.0, abs=0.1)


def test_the_bridge_varies_less_than_the_oracle():
    known = gaussian(20, information=2.0)
    critic = Oracle(known)
    read, plain = [], []
    for seed in range(60):
        scores = paired(critic, *batch(known, 64, seed))
        read.append(float(bridge(scores)))
        plain.append(float(scores.joint.mean()))
    assert np.std(read) < np.std(plain)
    assert np.mean(read) == pytest.approx(2.0, abs=0.1)


def test_the_bridge_solves_its_equation():
    scores = Dense(torch.randn(30, 1) + 1, torch.randn(30, 29))
    log_z = scores.joint.mean() - bridge(scores, rounds=200)
    m = 0.5 * np.log(29)
    left = torch.sigmoid(m - scores.joint + log_z).mean()
    right = np.exp(m) * torch.sigmoid(scores.product - log_z - m).mean()
    assert float(left) == pytest.approx(float(right), rel=1e-4)


def test_both_ways_is_the_sum_of_three():
    critic = Separable(3, 3, 8, 1, 4)
    x, y = torch.randn(2, 10, 3)

    class Turned(Critic):
        def forward(self, a, b):
            return critic(b, a)

    by_hand = jsd(paired(critic, x, y)) + 0.5 * (
        infonce_loss(paired(critic, x, y)) + infonce_loss(paired(Turned(), y, x))
    )
    with torch.no_grad():
        assert both_ways(paired(critic, x, y)).item() == pytest.approx(by_hand.item(), abs=1e-5)


def test_spread_by_hand():
    (one,) = spreads(np.array([[9.0, 9.0, 1.0, 3.0]]), [1.5])
    assert (one.bias, one.sd) == (0.5, 1.0)
    assert one.rmse == pytest.approx(np.sqrt(1.25))


def test_smoothed_by_hand():
    steps, means = smoothed(np.array([[1.0, 3.0, 5.0, 7.0], [0.0, 0.0, 2.0, 2.0]]), points=2)
    assert means.tolist() == [2, 6, 0, 2]
    assert steps.tolist() == [1, 3, 5, 7]


def test_an_unknown_distribution_is_refused():
    with pytest.raises(InputError, match="mixed_cubic"):
        stairs("spiral", 2, (1.0,))
