"""JSD, negative sampling, NT-Xent."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mutua.bounds import infonce_loss, jsd, logistic, nt_xent
from mutua.critics import Cosine
from mutua.scores import Dense, multiview, paired, shuffled


def unit(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def simclr_loss(views: Tensor, temperature: float) -> float:
    """Equation 1 and algorithm 1 of SimCLR, one pair at a time: the mean over ordered positive pairs."""
    z = [vector for view in views for vector in view]
    n = views.shape[1]

    def s(i: int, j: int) -> float:
        return float(z[i] @ z[j] / (z[i].norm() * z[j].norm())) / temperature

    losses = []
    for i in range(len(z)):
        for j in range(len(z)):
            if i != j and i % n == j % n:
                below = sum(math.exp(s(i, k)) for k in range(len(z)) if k != i)
                losses.append(-math.log(math.exp(s(i, j)) / below))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("v", [2, 3, 4])
def test_nt_xent_is_simclrs_loss(v: int, temperature: float) -> None:
    views = unit(v, 5, 7)
    value = nt_xent(multiview(Cosine(temperature).double(), views)).item()
    assert value == pytest.approx(-simclr_loss(views, temperature), abs=1e-6)


def test_nt_xent_of_two_views_is_cross_entropy_over_all_but_oneself() -> None:
    views = unit(2, 6, 7)
    z = torch.nn.functional.normalize(views.flatten(0, 1), dim=1)
    logits = (z @ z.T / 0.5).fill_diagonal_(-math.inf)
    partner = torch.arange(12).roll(6)
    wanted = -torch.nn.functional.cross_entropy(logits, partner)
    assert nt_xent(multiview(Cosine(0.5).double(), views)).item() == pytest.approx(wanted.item(), abs=1e-6)


def test_nt_xent_of_one_partner_is_infonce_and_of_more_is_less() -> None:
    critic = Cosine(0.5).double()
    two, three = multiview(critic, unit(2, 5, 7)), multiview(critic, unit(3, 5, 7))
    assert torch.allclose(nt_xent(two), infonce_loss(two), atol=1e-12)
    assert nt_xent(three) < infonce_loss(three)  # the other partners stand in the denominator too


def test_nt_xent_of_identical_embeddings_is_the_log_of_their_number() -> None:
    views = torch.ones(2, 8, 4, dtype=torch.float64)
    assert nt_xent(multiview(Cosine(0.5).double(), views)).item() == pytest.approx(-math.log(15), abs=1e-9)


def test_jsd_by_hand() -> None:
    scores = Dense(torch.tensor([[2.0]]).double(), torch.tensor([[-1.0, 3.0]]).double())
    wanted = -math.log1p(math.exp(-2)) - (math.log1p(math.exp(-1)) + math.log1p(math.exp(3))) / 2
    assert jsd(scores).item() == pytest.approx(wanted, abs=1e-12)


def test_jsd_is_balanced_binary_cross_entropy() -> None:
    x, y = unit(9, 4), unit(9, 4, seed=1)
    scores = shuffled(Cosine(0.5).double(), x, y, torch.Generator().manual_seed(0))
    logits = torch.cat([scores.joint, scores.product]).flatten()
    labels = torch.cat([torch.ones(9), torch.zeros(9)]).double()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
    assert jsd(scores).item() == pytest.approx(-2 * loss.item(), abs=1e-12)
    assert torch.equal(logistic(scores), jsd(scores))  # one negative an anchor


def test_logistic_sums_the_negatives() -> None:
    """word2vec's: log s(T) + sum over the k noise words of log s(-T), an anchor."""
    scores = paired(Cosine(0.5).double(), unit(4, 3), unit(4, 3, seed=1))
    sigmoid = torch.sigmoid(scores.product)
    anchors = [
        math.log(torch.sigmoid(scores.joint[i, 0])) + sum(math.log(1 - sigmoid[i, j]) for j in range(4) if j != i)
        for i in range(4)
    ]
    assert logistic(scores).item() == pytest.approx(sum(anchors) / 4, abs=1e-12)


def test_none_of_them_is_above_zero() -> None:
    for scale in (0.0, 1.0, 50.0):
        scores = Dense(scale * unit(6, 2), scale * unit(6, 5, seed=1))
        for contrast in (jsd, logistic, nt_xent, infonce_loss):
            assert contrast(scores).item() <= 0
