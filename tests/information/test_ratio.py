"""The stacked critic against its formula, one fold and one pair at a time."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import multivariate_normal

from mutua.information.default.log_ratio import LogRatio, narrow, wide
from mutua.information.estimators.gaussian import Canonical, canonical


def critics(width: int = 8) -> tuple[LogRatio, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    y = 0.6 * x[:, :2] + rng.normal(size=(50, 2))
    none = Canonical(np.zeros((3, 0)), np.zeros((2, 0)), np.zeros(0))
    critic = LogRatio([canonical(x, y), none], wide(2, 3), wide(2, 2), width, 2, 4, generator)
    return critic, torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def test_without_networks_it_is_the_gaussian_log_ratio() -> None:
    rng = np.random.default_rng(1)
    covariance = np.array([[1.0, 0.3, 0.5], [0.3, 1.0, -0.2], [0.5, -0.2, 1.0]])
    factor = np.linalg.cholesky(covariance)
    rows = rng.normal(size=(40, 3)) @ factor.T
    a, b = covariance[:2, :2], covariance[2:, 2:]
    w, v = np.linalg.eigh(a)
    white = v / np.sqrt(w)
    cross = white.T @ covariance[:2, 2:]
    rho = np.linalg.norm(cross)
    exact = Canonical(white @ (cross / rho), np.ones((1, 1)), np.array([rho]))
    critic = LogRatio([exact], wide(1, 2), wide(1, 1), 4, 1, 2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
        found = critic(torch.tensor(rows[None, :, :2]).float(), torch.tensor(rows[None, :, 2:]).float())[0]
    wanted = (
        multivariate_normal(cov=covariance).logpdf(rows)
        - multivariate_normal(cov=a).logpdf(rows[:, :2])
        - multivariate_normal(cov=b).logpdf(rows[:, 2])
    )
    assert np.allclose(found, wanted, atol=1e-4)


def test_folds_do_not_touch_each_other() -> None:
    critic, x, y = critics()
    critic(x.expand(2, -1, -1), y.expand(2, -1, -1))[0].sum().backward()
    for name, parameter in critic.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad[1].abs().max() == 0, name
        assert parameter.grad[0].abs().max() > 0, name


def test_one_fold_alone_scores_as_it_did_among_the_others() -> None:
    critic, x, y = critics()
    whole = critic.matrix(x.expand(2, -1, -1), y.expand(2, -1, -1))
    for k in range(2):
        assert torch.allclose(critic.fold(k).matrix(x[None], y[None])[0], whole[k], atol=1e-5)
    state = {name: torch.zeros_like(parameter) for name, parameter in critic.named_parameters()}
    assert critic.fold(1, state)(x[None], y[None]).abs().max() == 0


def test_the_diagonal_of_the_matrix_is_forward() -> None:
    critic, x, y = critics()
    a, b = x.expand(2, -1, -1), y.expand(2, -1, -1)
    assert torch.allclose(critic.matrix(a, b).diagonal(dim1=1, dim2=2), critic(a, b), atol=1e-5)


def test_a_narrow_view_is_the_directions_and_the_columns_after_them() -> None:
    rng = np.random.default_rng(2)
    directions = [rng.normal(size=(4, 2)), rng.normal(size=(4, 1))]
    views = narrow(directions, 6)
    x = torch.tensor(rng.normal(size=(5, 6))).float()
    assert views.shape == (2, 6, 4)
    assert np.allclose(x @ views[0], np.hstack([x[:, :4] @ directions[0], x[:, 4:]]), atol=1e-5)
    padded = np.hstack([x[:, :4] @ directions[1], np.zeros((5, 1)), x[:, 4:]])
    assert np.allclose(x @ views[1], padded, atol=1e-5)


def test_a_row_far_from_those_trained_on_has_no_score_of_millions() -> None:
    """Columns collinear on training rows part on a held-out one: the direction divides by next to 0."""
    generator = torch.Generator().manual_seed(0)
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(300, 1))
    x = np.hstack([shared, shared + 1e-4 * rng.normal(size=(300, 1))])
    found = canonical(x, shared + rng.normal(size=(300, 1)))
    critic = LogRatio(
        [found], narrow([found.left], 2), wide(1, 1), width=8, depth=2, embedding=4, generator=generator
    )
    with torch.no_grad():
        score = critic(torch.tensor([[[3.0, -3.0]]]), torch.tensor([[[1.0]]]))
    assert (torch.tensor([3.0, -3.0]).double() @ torch.from_numpy(found.left)).abs().max() > 1e3
    assert score.abs().max() < 500
