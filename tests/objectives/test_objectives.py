import math

import pytest
import torch
from torch import nn

from mutua.bounds import nt_xent
from mutua.critics import Concat, Cosine, EncodeAndDot
from mutua.objectives import Contrastive, Predictive, draw_views, head_mlp, scored
from mutua.scores import local, paired
from mutua.types import Critic
from mutua.views import HorizontalFlip, RandomResizedCrop


class Echo:
    """A view that adds a number of its own to every image, and remembers what it gave."""

    def __init__(self):
        self.given = []

    def draw(self, n, shape, generator):
        return {"noise": torch.randn(n, 1, 1, 1, generator=generator, dtype=torch.float64)}

    def apply(self, images, parameters):
        self.given.append(images + parameters["noise"])
        return self.given[-1]

    def __call__(self, images, generator):
        return self.apply(images, self.draw(len(images), tuple(images.shape[1:]), generator))


def simclr_loss(views, temperature):
    """Equation 1 of the paper, one pair after another."""
    v, n = len(views), len(views[0])
    flat = [views[k][i] for k in range(v) for i in range(n)]

    def score(a, b):
        return torch.dot(a, b) / (a.norm() * b.norm() * temperature)

    losses = []
    for a in range(v * n):
        for b in range(v * n):
            if a != b and a % n == b % n:
                rest = sum(math.exp(score(flat[a], flat[c])) for c in range(v * n) if c != a)
                losses.append(-math.log(math.exp(score(flat[a], flat[b])) / rest))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("views", [2, 3])
def test_contrastive_is_simclrs_loss(views, generator):
    view, encoder = Echo(), nn.Sequential(nn.Flatten(), nn.Linear(12, 5).double())
    head = nn.Linear(5, 4).double()
    method = Contrastive(encoder, head, view, Cosine(0.3).double(), nt_xent, views)
    images = torch.rand(6, 3, 2, 2, dtype=torch.float64)
    step = method.step(images, generator)
    with torch.no_grad():
        projected = [head(encoder(given)) for given in view.given]
    assert len({given.sum().item() for given in view.given}) == views
    assert step.loss.item() == pytest.approx(simclr_loss(projected, 0.3), rel=1e-7)
    assert step.logs["infonce_nats"] <= math.log(6)
    assert torch.equal(method.encode(images), encoder(images))


def test_scores_stay_float32_under_autocast(generator):
    seen = []

    class Watching(Critic):
        def forward(self, x, y):
            return (x * y).sum(-1)

        def matrix(self, x, y):
            seen.append((x.dtype, torch.is_autocast_enabled("cpu")))
            return x @ y.mT

    images = torch.rand(4, 3, 2, 2)

    class Still(Echo):
        def draw(self, n, shape, generator):
            return {"noise": torch.zeros(n, 1, 1, 1)}

    encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 5))
    method = Contrastive(encoder, nn.Linear(5, 4), Still(), Watching(), nt_xent)
    with torch.autocast("cpu", torch.bfloat16):
        loss = method.step(images, generator).loss
    assert seen == [(torch.float32, False)]
    assert loss.dtype == torch.float32


def test_predictive_is_cross_entropy_by_hand(generator):
    def puzzle(batch, generator):
        return torch.cat([batch, -batch]), torch.arange(2).repeat_interleave(len(batch))

    method = Predictive(nn.Flatten(), nn.Linear(12, 2), puzzle)
    images = torch.randn(5, 3, 2, 2)
    step = method.step(images, generator)
    want, right = 0.0, 0
    for sign, label in ((1, 0), (-1, 1)):
        for image in images:
            logits = method.head((sign * image).flatten()).tolist()
            want -= math.log(math.exp(logits[label]) / sum(map(math.exp, logits))) / 10
            right += logits[label] == max(logits)
    assert step.loss.item() == pytest.approx(want, rel=1e-5)
    assert step.logs["accuracy"].item() == pytest.approx(10 * right)
    shown = method.shown(images, generator)
    assert list(shown) == ["original", "class 0", "class 1"]
    assert torch.equal(shown["class 1"], -images)


def test_the_head_is_linear_norm_relu_linear():
    head = head_mlp(6, 5, 4)
    assert [type(layer) for layer in head] == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]
    assert head(torch.randn(3, 6)).shape == (3, 4)


@pytest.mark.parametrize("critic", [EncodeAndDot(5, 4, 8), Concat(5, 4, (6,))], ids=["factorises", "does not"])
def test_scored_keeps_scores_float32_under_autocast(critic):
    critic.eval()
    x, y = torch.randn(3, 5), torch.randn(3, 7, 4)
    with torch.autocast("cpu", torch.bfloat16):
        scores = scored(local, critic, x.bfloat16(), y.bfloat16())
    assert (scores.joint.dtype, scores.product.dtype) == (torch.float32, torch.float32)
    assert torch.allclose(scores.product, scored(local, critic, x, y).product, atol=0.3)


def test_scored_is_the_arrangement_where_there_is_one_rank():
    for critic in (EncodeAndDot(5, 4, 8).eval(), Concat(5, 4, (6,))):
        x, y = torch.randn(3, 5), torch.randn(3, 4)
        got, want = scored(paired, critic, x, y), paired(critic, x, y)
        assert torch.allclose(got.product, want.product, atol=1e-6)
        assert torch.allclose(got.joint, want.joint, atol=1e-6)


def test_views_are_drawn_afresh_and_shown_beside_their_image(generator):
    images = torch.rand(4, 3, 8, 8)
    a, b = (draw_views(RandomResizedCrop(), images, generator) for _ in range(2))
    assert (a != b).flatten(1).any(1).all()
    method = Contrastive(nn.Flatten(), nn.Identity(), HorizontalFlip(1.0), Cosine(0.5), nt_xent, 3)
    shown = method.shown(images, generator)
    assert list(shown) == ["original", "view 1", "view 2", "view 3"]
    assert torch.equal(shown["view 2"], images.flip(3))


def test_views_are_not_rounded_by_autocast(generator):
    class Products(Echo):
        """A view that multiplies, as one's own may."""

        def apply(self, images, parameters):
            return images @ images.mT

    images = torch.rand(3, 1, 8, 8, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = images @ images.mT
        exact = draw_views(Products(), images, generator)
    assert torch.equal(exact, images @ images.mT)
    assert not torch.equal(exact, rounded.float())
