"""Losses of methods of several views against twins written as loops, values by hand, and finite differences."""

import math

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from methods.small import composed
from mutua.encoders import dim32
from mutua.methods import BYOL, BarlowTwins, MoCo, SimSiam, VICReg, barlow_twins, byol, moco, simsiam, vicreg
from mutua.objectives import Queue, off_diagonal, spread
from mutua.types import InputError
from mutua.views import HorizontalFlip

N, K = 5, 3


def embeddings(views=2, k=K, seed=0):
    return torch.randn(N, views, k, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def bare(kind, *settings, k=K):
    """A method without encoder and head: what is judged is what is handed in."""
    return kind(nn.Identity(), nn.Identity(), HorizontalFlip(), *settings).double()


def cosine(a, b):
    return sum(a * b) / math.sqrt(sum(a * a) * sum(b * b))


def vicreg_twin(z, weights):
    (x, y), n, k = z.unbind(1), len(z), z.shape[2]
    invariance = sum((x[i][j] - y[i][j]) ** 2 for i in range(n) for j in range(k)) / (n * k)
    variance = covariance = 0.0
    for view in (x, y):
        means = [sum(view[i][j] for i in range(n)) / n for j in range(k)]
        for a in range(k):
            for b in range(k):
                cov = sum((view[i][a] - means[a]) * (view[i][b] - means[b]) for i in range(n)) / (n - 1)
                if a == b:
                    variance += max(0.0, 1 - math.sqrt(cov + 1e-4)) / k / 2
                else:
                    covariance += cov**2 / k
    return weights[0] * invariance + weights[1] * variance + weights[2] * covariance


def barlow_twin(z, weight):
    n, k = len(z), z.shape[2]
    columns = []
    for view in z.unbind(1):
        means = [sum(view[i][j] for i in range(n)) / n for j in range(k)]
        deviations = [math.sqrt(sum((view[i][j] - means[j]) ** 2 for i in range(n)) / n + 1e-5) for j in range(k)]
        columns.append([[(view[i][j] - means[j]) / deviations[j] for j in range(k)] for i in range(n)])
    total = 0.0
    for a in range(k):
        for b in range(k):
            c = sum(columns[0][i][a] * columns[1][i][b] for i in range(n)) / n
            total += (1 - c) ** 2 if a == b else weight * c**2
    return total


def test_vicreg_is_its_loops():
    for scale in (0.3, 3.0):  # below the hinge, and above it
        z = scale * embeddings()
        got = bare(VICReg, (25.0, 15.0, 2.0)).judge(z).loss.item()
        assert got == pytest.approx(float(vicreg_twin(z, (25.0, 15.0, 2.0))), rel=1e-9)


def test_vicreg_by_hand():
    # Two examples, two columns: x has variance 2 and 0, covariance 0; y is x but for one entry, 1 instead of 0.
    x, y = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([[1.0, 1.0], [-1.0, 0.0]])
    step = bare(VICReg, (25.0, 25.0, 1.0)).judge(torch.stack([x, y], 1).double())
    assert step.logs["invariance"].item() == pytest.approx(1 / 4)
    # Hinges: x (0 and 1 - .01) / 2, y (0 and 1 - sqrt(.5001)) / 2; the mean of the two.
    assert step.logs["variance"].item() == pytest.approx((0.99 + 1 - math.sqrt(0.5001)) / 4)
    # Cov of y: (1 x .5 + -1 x -.5) / 1 = 1, twice off the diagonal, over 2 columns.
    assert step.logs["covariance"].item() == pytest.approx(1.0)


def test_barlow_twins_is_its_loops():
    z = embeddings()
    got = bare(BarlowTwins, 0.3).judge(z).loss.item()
    assert got == pytest.approx(float(barlow_twin(z, 0.3)), rel=1e-9)


def test_barlow_twins_by_hand():
    # Views of two columns that vary alike: all four correlations are 1 (but for 1e-5), so no loss on the diagonal.
    x = torch.tensor([[1.0, 1.0], [-1.0, -1.0]]).double()
    step = bare(BarlowTwins, 0.5).judge(torch.stack([x, x], 1))
    assert step.loss.item() == pytest.approx(0.5 * 2, rel=1e-4)
    assert step.logs["invariance"].item() == pytest.approx(0.0, abs=1e-8)


def test_simsiam_is_its_loops_and_stops_the_gradient():
    predictor = nn.Linear(K, K).double()
    z = embeddings().requires_grad_()
    step = bare(SimSiam, predictor).judge(z)
    x, y = z.detach().unbind(1)
    with torch.no_grad():
        want = -sum((cosine(predictor(a), b) + cosine(predictor(b), a)) / 2 for a, b in zip(x, y, strict=True)) / N
    assert step.loss.item() == pytest.approx(want.item(), rel=1e-9)
    # The gradient is that of the predicted side alone, the other held still.
    (got,) = torch.autograd.grad(step.loss, z)
    free = z.detach().requires_grad_()
    p, q = predictor(free[:, 0]), predictor(free[:, 1])
    half = -(torch.cosine_similarity(p, y) + torch.cosine_similarity(q, x)).mean() / 2
    assert torch.allclose(got, torch.autograd.grad(half, free)[0], atol=1e-12)


def test_byol_is_its_loops():
    predictor = nn.Linear(K, K).double()
    z = embeddings(views=4).requires_grad_()
    method = bare(BYOL, predictor, 0.9)
    loss = method.judge(z).loss
    with torch.no_grad():
        x, y, slow_x, slow_y = z.unbind(1)
        want = sum(2 - 2 * cosine(predictor(a), b) for a, b in zip(x, slow_y, strict=True)) / N
        want += sum(2 - 2 * cosine(predictor(a), b) for a, b in zip(y, slow_x, strict=True)) / N
    assert loss.item() == pytest.approx(want.item(), rel=1e-9)
    (grad,) = torch.autograd.grad(loss, z)
    assert grad[:, :2].any()
    assert not grad[:, 2:].any()  # none reaches the target


def test_moco_is_its_loops():
    torch.manual_seed(1)
    method = bare(MoCo, 0.2, 0.99, Queue(4, K))
    z = embeddings()
    step = method.judge(z)
    total = 0.0
    for query, key in z.unbind(0):
        scores = [cosine(query, key) / 0.2, *(cosine(query, other) / 0.2 for other in method.queue.vectors)]
        total -= math.log(math.exp(scores[0]) / sum(math.exp(score) for score in scores)) / N
    assert step.loss.item() == pytest.approx(total, rel=1e-6)  # the temperature is kept in float32
    assert step.logs["infonce_nats"].item() == pytest.approx(math.log(5) - total, rel=1e-6)


def test_moco_by_hand():
    # A query that is its key, and a queue of two vectors at right angles to it: e^1 against e^0 twice.
    method = bare(MoCo, 1.0, 0.99, Queue(2, 2))
    method.queue.vectors.copy_(torch.tensor([[0.0, 1.0], [0.0, -1.0]]))
    z = torch.tensor([[[2.0, 0.0], [5.0, 0.0]]]).double()
    assert method.judge(z).loss.item() == pytest.approx(math.log(math.e + 2) - 1)


@pytest.mark.parametrize(
    ("kind", "settings", "views"),
    [
        (VICReg, ((25.0, 25.0, 1.0),), 2),
        (BarlowTwins, (0.3,), 2),
        (MoCo, (0.2, 0.99, Queue(4, K)), 2),
        (BYOL, (nn.Tanh(), 0.99), 4),
    ],
)
def test_gradients_are_those_of_finite_differences(kind, settings, views):
    method = bare(kind, *settings).eval()
    asked = views // 2 if views == 4 else 1 if kind is MoCo else 2
    z = embeddings(views=views)
    still = z[:, asked:].clone()
    assert gradcheck(
        lambda moving: method.judge(torch.cat([moving, still], 1)).loss, z[:, :asked].clone().requires_grad_()
    )


def test_off_diagonal_and_spread():
    matrix = torch.arange(9.0).reshape(3, 3)
    assert off_diagonal(matrix).tolist() == [1, 2, 3, 5, 6, 7]
    assert off_diagonal(torch.ones(1, 1)).numel() == 0
    assert spread(torch.ones(6, 4) * torch.arange(1.0, 7.0)[:, None]).item() == pytest.approx(0.0, abs=1e-6)
    assert spread(torch.randn(4000, 50)).item() == pytest.approx(1.0, abs=0.02)


# --- what is built -----------------------------------------------------------------------------------------


def shape(head):
    """Each layer in a word."""
    words = []
    for layer in head:
        if isinstance(layer, nn.Linear):
            words.append(f"{layer.in_features}-{layer.out_features}" + ("" if layer.bias is None else "+b"))
        else:
            words.append({nn.BatchNorm1d: "norm", nn.ReLU: "relu"}[type(layer)])
            if isinstance(layer, nn.BatchNorm1d) and not layer.affine:
                words[-1] = "plain norm"
    return " ".join(words)


def test_published_heads():
    encoder = dim32(3, 16)  # 64 features
    assert shape(vicreg(encoder, width=8).head) == "64-8 norm relu 8-8 norm relu 8-8"
    assert shape(barlow_twins(encoder, width=8).head) == "64-8 norm relu 8-8 norm relu 8-8"
    assert shape(moco(encoder).head) == "64-64+b relu 64-128+b"
    assert shape(byol(encoder).head) == "64-4096 norm relu 4096-256"
    assert shape(byol(encoder).predictor) == "256-4096 norm relu 4096-256"
    assert shape(simsiam(encoder).head) == "64-2048 norm relu 2048-2048 plain norm"
    assert shape(simsiam(encoder, layers=3, width=8).head) == "64-8 norm relu 8-8 norm relu 8-8 plain norm"
    assert shape(simsiam(encoder).predictor) == "2048-512 norm relu 512-2048+b"


def test_the_target_of_byol_keeps_more_and_more_of_itself():
    method = composed("byol", target_momentum=0.9)
    at = [method.momentum_at(step, 100) for step in (0, 25, 50, 100)]
    assert at == pytest.approx([0.9, 1 - 0.1 * (1 + math.sqrt(0.5)) / 2, 0.95, 1.0])
    assert composed("moco", key_momentum=0.9).momentum_at(50, 100) == 0.9


@pytest.mark.parametrize(
    ("compose", "settings", "message"),
    [
        (vicreg, {"width": 1}, "width: 1 is too few; give 2 or more"),
        (vicreg, {"covariance": -1.0}, "covariance: -1.0"),
        (barlow_twins, {"redundancy": float("nan")}, "redundancy: nan"),
        (byol, {"target_momentum": 1.5}, "momentum of the target or keys: 1.5 is no share"),
        (byol, {"hidden": 0}, "hidden: 0 is too few"),
        (simsiam, {"layers": 0}, "layers: 0 is too few"),
        (moco, {"queue": 0}, "queue: 0 is too few"),
        (moco, {"width": 0}, "width: 0 is too few"),
        (moco, {"temperature": 0.0}, "temperature: 0.0 must be positive"),
    ],
)
def test_bad_settings_are_refused(compose, settings, message):
    with pytest.raises(InputError, match=message):
        compose(dim32(1, 8), **settings)
