import pytest
import torch
from torch import Generator, nn
from torch.nn.functional import softplus

from mutua.bounds import BOUNDS, CONTRASTS, infonce_loss
from mutua.critics import Concat, EncodeAndDot
from mutua.encoders import Wrapped, dim32, resnet18
from mutua.methods import deep_infomax
from mutua.methods.deep_infomax import PriorPlayer
from mutua.scores import local
from mutua.types import InputError


def test_the_published_shapes():
    encoder = dim32(3, 32)
    method = deep_infomax(encoder)
    assert encoder.shapes["local"] == (128, 8, 8)
    assert (encoder.shapes["conv"], encoder.shapes["fc"], encoder.shapes["Y"]) == ((256, 4, 4), (1024,), (64,))
    critic = method.local_critic
    assert isinstance(critic, EncodeAndDot)
    for side, inputs in ((critic.x_side, 64), (critic.y_side, 128)):
        assert side.into.weight.shape == (2048, inputs)
        assert side.into.bias is None
        assert side.out.weight.shape == (2048, 2048)
        near = side.shortcut.weight - torch.eye(2048, inputs)
        assert near.abs().max() <= 0.01
        assert near.abs().max() > 0.005
        assert isinstance(side.layer_norm, nn.LayerNorm)
    assert method.global_critic is None
    prior = method.prior.discriminator
    assert [layer.out_features for layer in prior if isinstance(layer, nn.Linear)] == [1000, 200, 1]
    concat = deep_infomax(dim32(3, 32), critic="concat").local_critic
    assert isinstance(concat, Concat)
    assert concat.first.weight.shape == (512, 192)
    assert [layer.weight.shape for layer in concat.rest if isinstance(layer, nn.Linear)] == [(512, 512), (1, 512)]


def by_hand(scores, measure):
    """The published loss of scores u[i][j][k], anchor i with location k of image j, in loops; negated, a value."""
    n, _, places = scores.shape
    pairs = [(i, k) for i in range(n) for k in range(places)]
    others = [(i, j, k) for i in range(n) for j in range(n) for k in range(places) if i != j]
    if measure == "jsd":
        joint = sum(-softplus(-scores[i, i, k]) for i, k in pairs) / len(pairs)
        return joint - sum(softplus(scores[i, j, k]) for i, j, k in others) / len(others)
    if measure == "dv":
        joint = sum(scores[i, i, k] for i, k in pairs) / len(pairs)
        return joint - torch.log(sum(scores[i, j, k].exp() for i, j, k in others) / len(others))
    total = 0.0
    for i, place in pairs:
        rest = sum(scores[i, j, k].exp() for a, j, k in others if a == i)
        total = total + torch.log(scores[i, i, place].exp() / (scores[i, i, place].exp() + rest))
    return total / len(pairs)


@pytest.mark.parametrize("measure", ["jsd", "dv", "infonce"])
def test_the_local_objective_is_the_published_one(measure):
    torch.manual_seed(0)
    critic = EncodeAndDot(4, 5, 6).double().eval()
    y, places = torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 7, 5, dtype=torch.float64)
    u = torch.stack([torch.stack([critic(y[i].expand(7, -1), places[j]) for j in range(3)]) for i in range(3)])
    got = deep_infomax(dim32(1, 8), measure=measure, units=8).contrast(local(critic, y, places))
    assert got.item() == pytest.approx(by_hand(u.detach(), measure).item(), rel=1e-9)


def test_each_player_gets_its_own_gradient_alone():
    prior = PriorPlayer(6)
    y, uniform = torch.randn(5, 6, requires_grad=True), torch.rand(5, 6)
    encoder_loss, discriminator_loss = prior(y, uniform)
    weights = list(prior.parameters())
    assert torch.autograd.grad(discriminator_loss, y, allow_unused=True, retain_graph=True) == (None,)
    assert torch.autograd.grad(encoder_loss, weights, allow_unused=True, retain_graph=True) == (None,) * len(
        weights
    )
    assert torch.autograd.grad(encoder_loss, y)[0].any()
    d = prior.discriminator
    real, fake = d(uniform), d(torch.sigmoid(y))
    assert encoder_loss.item() == pytest.approx(-nn.functional.logsigmoid(fake).mean().item(), rel=1e-5)
    want = -(nn.functional.logsigmoid(real).mean() + nn.functional.logsigmoid(-fake).mean())
    assert discriminator_loss.item() == pytest.approx(want.item(), rel=1e-5)


def test_the_prior_makes_codes_uniform():
    torch.manual_seed(0)
    prior, layer = PriorPlayer(2), nn.Linear(2, 2)
    data = torch.randn(128, 2)
    trained = torch.optim.Adam([*prior.parameters(), *layer.parameters()], lr=2e-3, betas=(0.5, 0.999))

    def distance():
        codes = torch.sigmoid(layer(data)).sort(0).values
        return (codes - torch.linspace(0, 1, 128)[:, None]).abs().mean().item()

    before = distance()
    for _ in range(200):
        trained.zero_grad()
        sum(prior(layer(data), torch.rand(128, 2))).backward()
        trained.step()
    assert distance() < 0.5 * before


def test_locations_are_drawn_without_repetition():
    method = deep_infomax(dim32(3, 32), units=16, locations=5)
    places = torch.arange(64.0).expand(3, 64)[..., None].expand(-1, -1, 2)
    got = method._places(places, Generator().manual_seed(0))
    assert got.shape == (3, 5, 2)
    assert all(len(set(row.tolist())) == 5 for row in got[..., 0])
    assert len({tuple(row.tolist()) for row in got[..., 0]}) == 3
    method.locations = 0
    assert method._places(places, Generator()) is places


def test_the_global_critic_copies_the_layers_above_the_map():
    encoder = dim32(3, 16)
    method = deep_infomax(encoder, alpha=1.0, beta=0.0, gamma=0.0, units=32)
    assert method.local_critic is None
    assert method.prior is None
    critic = method.global_critic
    assert not torch.equal(critic.y_side[0][0].weight, encoder.stages["conv"][0].weight)
    step = method.step(torch.rand(4, 3, 16, 16), Generator())
    assert step.loss.item() == pytest.approx(-step.logs["global"].item())
    assert step.logs["global"] <= 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"measure": "mine"}, "measure: 'mine' is none of dv, infonce, infonce_loss, interpolated, jsd"),
        ({"critic": "dot"}, "critic: 'dot' is none of concat, encode_and_dot"),
        ({"units": 0}, "units: 0 is too few; give 1 or more"),
        ({"locations": -1}, "locations: -1 is too few"),
        ({"gamma": -0.1}, "gamma: -0.1; give a weight of 0 or more"),
        ({"beta": float("nan")}, "beta: nan"),
        ({"beta": 0.0}, "alpha, beta: 0.0 and 0.0 leave nothing to maximise"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        deep_infomax(dim32(3, 16), **settings)


def test_an_encoder_needs_a_map():
    assert deep_infomax(resnet18(3, 16), units=512).depth == "layer2"
    flat = Wrapped(nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 8)), 3, 8)
    with pytest.raises(InputError, match="no depth 'local' or 'layer2'"):
        deep_infomax(flat)


def test_a_side_of_the_critic_is_its_formula():
    side = EncodeAndDot(4, 5, 6).double().eval().y_side
    side.norm.running_mean.uniform_(-1, 1)
    side.norm.running_var.uniform_(0.5, 2)
    x = torch.randn(3, 7, 5, dtype=torch.float64)
    into = (x @ side.into.weight.T - side.norm.running_mean) / (side.norm.running_var + side.norm.eps).sqrt()
    out = into.clamp(min=0) @ side.out.weight.T + side.out.bias + x @ side.shortcut.weight.T
    centred = out - out.mean(-1, keepdim=True)
    want = centred / (centred.square().mean(-1, keepdim=True) + side.layer_norm.eps).sqrt()
    assert torch.allclose(side(x), want, atol=1e-10)


@pytest.mark.parametrize("measure", ["jsd", "dv", "infonce"])
@pytest.mark.parametrize("critic", ["encode_and_dot", "concat"])
def test_a_step_weighs_its_three_terms(measure, critic):
    method = deep_infomax(
        dim32(1, 8), measure=measure, critic=critic, alpha=0.3, beta=0.7, gamma=0.2, units=8
    ).eval()
    images = torch.rand(3, 1, 8, 8)
    step = method.step(images, Generator().manual_seed(5))
    read = method.encoder.read(images, ("local", "Y"))
    maps, y = read["local"], read["Y"]
    places = maps.flatten(2).mT  # (n, l, c)
    with torch.no_grad():
        one = method.local_critic
        u = torch.stack(
            [torch.stack([one(y[i].expand(len(p), -1), p) for p in places]) for i in range(3)]
        ).double()
        g = torch.stack([method.global_critic(y[i].expand(3, -1), maps.flatten(1)) for i in range(3)]).double()
        uniform = torch.rand(3, 64, generator=Generator().manual_seed(5))
        fooling, telling = method.prior(y, uniform)
    want = -0.3 * by_hand(g[..., None], measure) - 0.7 * by_hand(u, measure) + 0.2 * fooling + telling
    assert step.loss.item() == pytest.approx(want.item(), rel=1e-4)


@pytest.mark.parametrize("measure", [*BOUNDS, *CONTRASTS])
def test_any_contrast_or_bound_is_a_measure(measure):
    torch.manual_seed(0)
    method = deep_infomax(dim32(1, 8), measure=measure, units=8)
    member = BOUNDS[measure].bound if measure in BOUNDS else CONTRASTS[measure].contrast
    assert method.contrast is (
        infonce_loss if measure == "infonce" else member
    )  # what papers call InfoNCE is the loss
    assert torch.isfinite(method.step(torch.rand(3, 1, 8, 8), Generator().manual_seed(0)).loss)


def test_a_step_scores_the_locations_it_draws():
    method = deep_infomax(dim32(1, 16), units=8, gamma=0.0, locations=2).eval()
    images, seen = torch.rand(3, 1, 16, 16), []
    method.contrast = lambda scores: seen.append(scores) or scores.joint.mean()
    method.step(images, Generator().manual_seed(0))
    assert seen[0].joint.shape == (3, 2)
    assert seen[0].others == 4
