"""DV, TUBA and NWJ, and all others beside them on a Gaussian whose information is known."""

from __future__ import annotations

import math
from functools import lru_cache

import pytest
import torch
from torch import Tensor

from mutua.bounds import dv, infonce, interpolated, jsd, nwj, smile, tuba
from mutua.scores import Dense, drawn, paired
from mutua.types import Critic

D, INFORMATION = 20, 2.04
RHO = math.sqrt(1 - math.exp(-2 * INFORMATION / D))


class LogRatio(Critic):
    """log p(x, y)/p(x)p(y) of D independent pairs of correlation RHO, plus a constant."""

    def __init__(self, shift: float = 0.0) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        quadratic = (RHO**2 * (x * x + y * y) - 2 * RHO * x * y) / (2 * (1 - RHO**2))
        return self.shift + INFORMATION - quadratic.sum(-1)

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        """The same by one matrix product: a test holds it to `forward`."""
        own = RHO**2 * (x.square().sum(-1)[..., None] + y.square().sum(-1)[..., None, :])
        return self.shift + INFORMATION - (own - 2 * RHO * x @ y.mT) / (2 * (1 - RHO**2))


@lru_cache
def batches(n: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(8192 // n, n, D, generator=generator, dtype=torch.float64)
    noise = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    return x, RHO * x + math.sqrt(1 - RHO**2) * noise


@lru_cache
def scored(n: int = 512, shift: float = 0.0) -> list[Dense]:
    return [paired(LogRatio(shift), x, y) for x, y in zip(*batches(n), strict=True)]


def reads(values: list[Tensor]) -> tuple[float, float]:
    """Mean and its standard error."""
    stacked = torch.stack(values)
    return stacked.mean().item(), stacked.std().item() / math.sqrt(len(values))


def test_the_matrix_of_the_oracle_is_its_forward() -> None:
    x, y = batches(512)
    pairs = LogRatio()(x[0, :9, None], y[0, None, :9])
    assert torch.allclose(LogRatio().matrix(x[0, :9], y[0, :9]), pairs, atol=1e-12)


def test_the_oracle_is_normalised() -> None:
    generator = torch.Generator().manual_seed(4)
    x, y = torch.randn(2, 200_000, 1, generator=generator, dtype=torch.float64).unbind(0)
    scale = LogRatio()(x, y) - INFORMATION + INFORMATION / D  # one of the D dimensions
    assert scale.exp().mean().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("bound", "shift", "low", "high"),
    [
        (nwj, 1.0, 1.95, 2.13),
        (dv, 0.0, 1.95, 2.13),
        (tuba, 0.0, 1.95, 2.13),
        (infonce, 0.0, 1.92, 2.10),
        (smile, 0.0, 1.95, 2.20),
        (interpolated, 1.0, 1.95, 2.13),
        (jsd, 0.0, -0.70, -0.64),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_gaussian_of_two_nats_under_the_oracle(bound, shift: float, low: float, high: float) -> None:
    value, error = reads([bound(scores) for scores in scored(shift=shift)])
    assert error < 0.03
    assert low < value < high


def test_the_estimates_lie_close_to_one_another() -> None:
    """On the same batches the scatter is common to all, so the differences are seen finely."""
    plain = [torch.stack([bound(scores) for scores in scored()]).mean().item() for bound in (dv, tuba, infonce)]
    shifted = torch.stack([nwj(scores) for scores in scored(shift=1.0)]).mean().item()
    assert shifted == pytest.approx(plain[1], abs=1e-12)
    assert plain[0] == pytest.approx(plain[1], abs=0.01)
    assert 0.005 < plain[0] - plain[2] < 0.05


def test_infonce_is_biased_down_the_more_the_fewer_the_draws() -> None:
    values = [reads([infonce(scores) for scores in scored(n)])[0] for n in (16, 64, 512)]
    assert values == sorted(values)
    assert values[0] < math.log(16)
    assert values[0] < INFORMATION - 0.4


def test_dv_is_biased_up_on_few_samples() -> None:
    """Jensen: one draw an anchor, eight anchors, against a critic constant in expectation."""
    generator = torch.Generator().manual_seed(0)
    product = 1.5 * torch.randn(4000, 8, 1, generator=generator, dtype=torch.float64)
    joint = 1.5 * torch.randn(4000, 8, 1, generator=generator, dtype=torch.float64)
    few = dv(Dense(joint, product)).mean().item()
    all_together = dv(Dense(joint.reshape(-1, 1), product.reshape(-1, 1))).item()
    assert few > all_together + 0.2


def test_jsd_of_the_oracle_is_what_sampling_the_log_ratio_gives() -> None:
    generator = torch.Generator().manual_seed(1)
    x, e, z = torch.randn(3, 50_000, D, generator=generator).double().unbind(0)
    y = RHO * x + math.sqrt(1 - RHO**2) * e
    joint, product = LogRatio()(x, y), LogRatio()(x, z)
    wanted = -(1 + (-joint).exp()).log().mean() - (1 + product.exp()).log().mean()
    assert reads([jsd(scores) for scores in scored()])[0] == pytest.approx(wanted.item(), abs=0.02)


@pytest.mark.parametrize("estimate", [nwj, dv, tuba, infonce])
def test_a_wrong_critic_reads_below_the_information(estimate) -> None:
    class Wrong(LogRatio):
        def matrix(self, x: Tensor, y: Tensor) -> Tensor:
            return 0.5 * super().matrix(x, y) + 0.1 * y[..., None, :, 0]

    values = [estimate(paired(Wrong(), x, y)) for x, y in zip(*batches(512), strict=True)]
    value, error = reads(values)
    assert value + 3 * error < INFORMATION


@pytest.mark.parametrize("estimate", [nwj, dv, tuba, infonce, smile])
def test_independent_variables_share_nothing(estimate) -> None:
    x, _ = batches(512)
    fresh = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    values = [estimate(paired(LogRatio(), a, b)) for a, b in zip(x, fresh, strict=True)]
    assert reads(values)[0] < 0.05


def test_noise_drawn_afresh_serves_as_well_as_the_batch() -> None:
    x, y = batches(512)
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(*x.shape[:2], 8, D, generator=generator, dtype=torch.float64)
    assert tuba(drawn(LogRatio(), x, y, noise)).mean().item() == pytest.approx(INFORMATION, abs=0.1)


def random_scores(seed: int = 0) -> Dense:
    generator = torch.Generator().manual_seed(seed)
    joint = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
    return Dense(joint, torch.randn(2, 5, 4, generator=generator, dtype=torch.float64))


def test_nwj_is_tuba_with_baseline_e() -> None:
    scores = random_scores()
    assert torch.equal(nwj(scores), tuba(scores, log_baseline=1.0))
    by_formula = scores.joint.mean((-2, -1)) - scores.mean(torch.exp) / math.e
    assert torch.allclose(nwj(scores), by_formula, atol=1e-12)


def test_a_baseline_is_a_shift_of_the_critic() -> None:
    scores = random_scores()
    log_a = torch.randn(2, 5, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    moved = Dense(scores.joint - log_a[..., None], scores.product - log_a[..., None])
    assert torch.allclose(tuba(scores, log_a), tuba(moved), atol=1e-12)
    assert torch.allclose(
        tuba(scores, 0.7), tuba(scores, torch.full((2, 5), 0.7, dtype=torch.float64)), atol=1e-12
    )


def test_the_best_baseline_of_tuba_gives_dv_and_a_baseline_learns() -> None:
    scores = random_scores()
    one = Dense(scores.joint[0], scores.product[0])
    assert torch.allclose(tuba(one, one.logmeanexp().item()), dv(one), atol=1e-12)
    log_a = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    tuba(one, log_a).backward()
    assert log_a.grad is not None
    assert (log_a.grad != 0).all()


def test_dv_is_blind_to_a_constant() -> None:
    scores = random_scores()
    assert torch.allclose(dv(Dense(scores.joint + 7, scores.product + 7)), dv(scores), atol=1e-12)
