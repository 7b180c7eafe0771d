import numpy as np
import pytest
import torch

from mutua.data.known import gaussian
from mutua.studies import density_ratio
from mutua.studies.density_ratio import Config, run
from mutua.studies.density_ratio.bound_chain import Summed, chain_table, exact, measured
from mutua.studies.density_ratio.laws import entropy, information, laws
from mutua.types import InputError

RHO = 0.6


def pairs(n, d, seed=0):
    x, y = gaussian(d, rho=RHO).sample(n, seed)
    return torch.as_tensor(x), torch.as_tensor(y)


def test_the_oracle_is_tight_in_the_whole_chain():
    found = exact(Summed(RHO), RHO, 3)
    truth = gaussian(3, rho=RHO).information
    assert found.barber_agakov == pytest.approx(truth, abs=1e-6)
    assert found.dv == pytest.approx(truth, abs=1e-6)
    assert found.nwj == pytest.approx(truth, abs=1e-6)


def test_the_oracle_critic_is_the_log_ratio():
    x, y = pairs(50, 3)
    assert Summed(RHO)(x, y).numpy() == pytest.approx(gaussian(3, rho=RHO).log_ratio(x.numpy(), y.numpy()))


def test_what_each_bound_pays_for():
    # A constant costs NWJ alone, 1 + c - e^c; a function of the anchor costs DV too; Barber-Agakov neither.
    truth = gaussian(2, rho=RHO).information
    shifted = exact(Summed(RHO, shift=0.3), RHO, 2)
    assert shifted.dv == pytest.approx(truth, abs=1e-6)
    assert shifted.nwj == pytest.approx(truth + 1 + 0.3 - np.exp(0.3), abs=1e-6)
    tilted = exact(Summed(RHO, tilt=0.1), RHO, 2)
    assert tilted.barber_agakov == pytest.approx(truth, abs=1e-6)
    # E_z exp(0.1 (z^2 - 1)) = e^-0.1 / sqrt(1 - 0.2), twice
    assert tilted.dv == pytest.approx(truth - 2 * (-0.1 - 0.5 * np.log(0.8)), abs=1e-6)


def test_a_wrong_correlation_costs_the_divergence_of_the_conditionals():
    found = exact(Summed(0.3), RHO, 1)
    v, w = 1 - RHO**2, 1 - 0.3**2
    divergence = 0.5 * (np.log(w / v) + v / w - 1 + (RHO - 0.3) ** 2 / w)
    assert gaussian(1, rho=RHO).information - found.barber_agakov == pytest.approx(divergence, abs=1e-6)


@pytest.mark.parametrize("critic", [Summed(RHO), Summed(RHO, 0.5), Summed(RHO, tilt=0.1), Summed(0.3, shift=0.2)])
def test_measured_agrees_with_exact(critic):
    x, y = pairs(4000, 1)
    found, truth = measured(critic, x, y), exact(critic, RHO, 1)
    assert found.barber_agakov == pytest.approx(truth.barber_agakov, abs=0.05)
    assert found.dv == pytest.approx(truth.dv, abs=0.05)
    assert found.nwj == pytest.approx(truth.nwj, abs=0.05)


def test_measured_against_its_slow_twin():
    x, y = pairs(30, 2)
    critic = Summed(0.4, tilt=0.1)
    normalisers = [np.mean([np.exp(critic(x[i], y[j]).item()) for j in range(30) if j != i]) for i in range(30)]
    joint = np.mean([critic(x[i], y[i]).item() for i in range(30)])
    found = measured(critic, x, y, rows=7)
    assert found.barber_agakov == pytest.approx(joint - np.mean(np.log(normalisers)))
    assert found.dv == pytest.approx(joint - np.log(np.mean(normalisers)))
    assert found.nwj == pytest.approx(joint + 1 - np.mean(normalisers))


def test_measured_is_the_same_in_any_blocks():
    x, y = pairs(300, 2)
    one, other = (measured(Summed(0.4), x, y, rows) for rows in (300, 64))
    assert one.dv == pytest.approx(other.dv)
    assert one.barber_agakov == pytest.approx(other.barber_agakov)


def number(cell):
    """A cell of the table: what ran away is written by its power of ten."""
    return float(str(cell).replace("−", "-"))


def test_the_chain_is_in_order_for_every_critic():
    table = chain_table(2, 1.0, steps=20, samples=512)
    for record in table.records():
        row = {name: value if name == "critic T" else number(value) for name, value in record.items()}
        assert row["Barber-Agakov"] >= row["DV"] - 1e-9, row
        if row["critic T"] != "separable, trained by NWJ":  # read at another scale, on blocks
            assert row["DV"] >= row["NWJ"] - 1e-9, row
        assert row["KL(p || q)"] == pytest.approx(1.0 - row["Barber-Agakov"])
        assert row["InfoNCE 8"] <= np.log(8)


def test_discrete_information_by_hand():
    fair_copy = np.array([[0.5, 0.0], [0.0, 0.5]])
    assert information(fair_copy) == pytest.approx(np.log(2))
    assert information(np.full((2, 2), 0.25)) == 0
    assert entropy(np.array([0.5, 0.25, 0.25])) == pytest.approx(1.5 * np.log(2))


def test_all_laws_hold():
    table = laws(seed=1, tables=200, samples=20_000)
    assert len(table.rows) >= 8
    assert [row[-1] for row in table.rows] == ["yes"] * len(table.rows), table.rows


def test_the_classifier_learns_the_log_ratio():
    result = run(Config(steps=400, batch=256, width=32, chain_steps=5, samples=256))
    fit = result.tables[0].records()
    for row in fit:
        assert row["error under b=0"] < 0.25
        assert row["mean logit, b=0"] == pytest.approx(row["true mean log r, b=0"], abs=0.12)
    assert len(result.figures) == 3
    assert all(svg.startswith("<svg") for svg in result.figures.values())
    assert result.words


def test_the_density_of_one_dimension_is_one():
    grid = np.linspace(-12, 12, 4001)[:, None]
    for b in (0, 1):
        assert np.trapezoid(np.exp(density_ratio._log_density(grid, b)), grid[:, 0]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch": 1},
        {"samples": 10},
        {"information": 0.0},
        {"information": 200.0},
        {"information": np.nan},
        {"rate": -1.0},
        {"rate": np.nan},
        {"seed": -1},
        {"seed": 2**32},
    ],
)
def test_sizes_that_cannot_be_are_refused_before_the_work(wrong, monkeypatch):
    monkeypatch.setattr(density_ratio, "_line", None)
    with pytest.raises(InputError, match=next(iter(wrong))):
        run(Config(**wrong))


def test_a_correlation_is_within_one(monkeypatch):
    monkeypatch.setattr(density_ratio, "_line", None)
    with pytest.raises(InputError, match="correlation"):
        run(Config(correlation=1.0))


@pytest.mark.parametrize("d", [1, 4, 20])
def test_up_to_the_most_that_is_taken_the_closed_forms_are_exact(d):
    rho = np.sqrt(-np.expm1(-2 * density_ratio.MOST))
    assert exact(Summed(rho), rho, d).nwj == pytest.approx(density_ratio.MOST * d, rel=2e-3)
