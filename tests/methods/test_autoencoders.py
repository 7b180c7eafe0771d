import math

import pytest
import torch
from scipy.stats import norm
from torch import Generator, nn

from mutua.encoders import Staged, Wrapped, dim32, mlp
from mutua.methods import ae, beta_vae, vae
from mutua.types import InputError, Spec


def images(n=4, shape=(1, 8, 8)):
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=Generator().manual_seed(3))


def test_the_autoencoders_loss_is_the_squared_error_summed_over_pixels():
    method = ae(dim32(1, 8), width=4).double().eval()
    x = images()
    raw = method.decoder(method.encoder(x.double() / 255))
    want = ((x.double() / 127.5 - 1 - torch.tanh(raw / 2)) ** 2).sum() / 4
    assert method.step(x.double() / 255, Generator()).loss.item() == pytest.approx(want.item(), rel=1e-9)


def test_the_vaes_loss_is_its_formula():
    method = beta_vae(dim32(1, 8), beta=0.7, latent=3, width=4, scale=0.4, low=0.0, high=2.0).double().eval()
    x = images().double() / 255
    read = method.encoder.read(x, ("fc", "Y"))
    mean, log_deviation = method.code(read["Y"]), method.log_deviation(read["fc"])
    z = mean + log_deviation.exp() * torch.randn(4, 3, generator=Generator().manual_seed(2)).double()
    fit = norm(2 * torch.sigmoid(method.decoder(z)).detach(), 0.4).logpdf(2 * x).sum() / 4
    kl = (mean.square() + (2 * log_deviation).exp() - 1).sum() / 8 - log_deviation.sum() / 4
    step = method.step(x, Generator().manual_seed(2))
    assert step.loss.item() == pytest.approx(0.7 * kl.item() - fit, rel=1e-9)
    assert step.logs["elbo"].item() == pytest.approx(fit - kl.item(), rel=1e-9)
    assert step.logs["kl"].item() == pytest.approx(kl.item(), rel=1e-9)


def test_a_vae_is_a_beta_vae_of_one_and_its_code_has_no_noise():
    torch.manual_seed(0)
    one = vae(dim32(1, 8), width=4).eval()
    other = beta_vae(dim32(1, 8), beta=1.0, width=4).eval()
    other.load_state_dict(one.state_dict())
    x = images()
    losses = [each.step(x, Generator().manual_seed(1)).loss.item() for each in (one, other)]
    assert losses[0] == losses[1]
    assert torch.equal(one.encode(x), one.encoder(x))


def test_learns_to_reconstruct_two_images():
    torch.manual_seed(0)
    method = vae(dim32(1, 8), latent=2, width=4, scale=0.3)
    x = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)]).repeat(4, 1, 1, 1)
    trained = torch.optim.Adam(method.parameters(), lr=1e-2)
    for step in range(40):
        trained.zero_grad()
        method.step(x, Generator().manual_seed(step)).loss.backward()
        trained.step()
    # In train mode, by the batch's statistics: running ones are far behind.
    assert (method.reconstruct(x) - x).abs().mean() < 0.25
    assert (method.reconstruct(x) - x.flip(0)).abs().mean() > 0.7


def test_what_a_page_shows():
    method = ae(dim32(3, 8), width=4)
    x = images(3, (3, 8, 8))
    shown = method.shown(x, Generator().manual_seed(0))
    assert list(shown) == ["original", "reconstruction", "halfway to the next", "sample"]
    assert all(part.dtype == torch.uint8 and part.shape == x.shape for part in shown.values())
    assert method.training
    method.eval()
    assert torch.equal(shown["reconstruction"], (255 * method.reconstruct(x)).round().byte())
    near = method.interpolate(x, x.roll(-1, 0), share=0.0)
    torch.testing.assert_close(near, method.reconstruct(x))


class Flat(nn.Module):
    """Images of any size to three numbers."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))

    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize("make", [ae, vae, beta_vae])
def test_images_that_are_not_square_and_a_users_own_network(make):
    spec = Spec("image", (2, 10, 7), "uint8")
    x = images(5, (2, 10, 7))
    for encoder in (Wrapped(Flat(), spec), Staged({"net": Flat(), "out": nn.Linear(3, 2)}, spec)):
        method = make(encoder, width=4)
        assert torch.isfinite(method.step(x, Generator().manual_seed(0)).loss)
        assert method.reconstruct(x).shape == x.shape


@pytest.mark.parametrize("make", [ae, vae, beta_vae])
def test_an_encoder_that_no_decoder_mirrors(make):
    with pytest.raises(InputError, match="encoder: Staged takes table, and a decoder mirrors encoders of"):
        make(mlp(Spec("table", (5,), "float32")))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"latent": 0}, "latent: 0 numbers hold nothing; give 1 or more"),
        ({"width": 0}, "width: 0 channels"),
        ({"beta": -1.0}, "beta: -1.0; give the weight of the divergence, finite and 0 or more"),
        ({"beta": math.inf}, "beta: inf"),
        ({"beta": math.nan}, "beta: nan"),
        ({"scale": -1.0}, "scale: -1.0"),
        ({"likelihood": "bernoulli"}, "bernoulli"),
    ],
)
def test_bad_settings(settings, said):
    with pytest.raises(InputError, match=said):
        beta_vae(dim32(1, 8), **settings)
