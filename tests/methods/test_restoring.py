"""Methods that restore what was hidden or spoiled: what reaches the encoder, what the loss looks at."""

import pytest
import torch
from torch import Generator

from methods.small import SPECS, composed, sample
from mutua import runs
from mutua.encoders import VisionTransformer, build, mlp, vit
from mutua.methods import METHODS, denoising, inpainting, masked
from mutua.methods.masked import normalised
from mutua.objectives import square_error
from mutua.types import InputError, Spec
from mutua.views import GaussianNoise, SaltAndPepper

HIDING = [("inpainting", "dim32"), ("inpainting", "vit"), ("masked", "dim32"), ("masked", "vit")]
hiding = pytest.mark.parametrize(("name", "encoder"), HIDING)


def made(name, encoder, spec=SPECS["image"], **settings):
    return runs.compose(runs.Recipe(name, encoder, spec, {**METHODS[name].small, **settings}, 0))


def seeded(seed=0):
    return Generator().manual_seed(seed)


@hiding
def test_hidden_pixels_do_not_reach_the_encoder_nor_what_is_made(name, encoder):
    method = made(name, encoder).double().eval()
    images = torch.rand(3, 3, 16, 16, dtype=torch.float64, generator=seeded()).requires_grad_()
    drawn = method.draw(images, seeded(1))
    hidden = drawn["hidden"][:, None].expand_as(images)
    seen = method.spoil(images, drawn)
    for told in (method.made(images, seen, drawn), method.encoder(seen)):
        (grad,) = torch.autograd.grad(told.square().sum(), images, retain_graph=True)
        assert not grad[hidden].any()
        assert (grad[~hidden] != 0).double().mean() > 0.9


@hiding
def test_the_loss_looks_at_hidden_pixels_alone(name, encoder):
    method = made(name, encoder).eval()
    images = torch.rand(3, 3, 16, 16, generator=seeded())
    drawn = method.draw(images, seeded(1))
    hidden = drawn["hidden"][:, None].expand_as(images)
    filling = torch.rand(3, 3, 16, 16, generator=seeded(2)).requires_grad_()
    step = method.judge(filling, images, method.spoil(images, drawn), method.weight(images, drawn))
    (grad,) = torch.autograd.grad(step.loss, filling)
    assert not grad[~hidden].any()
    assert (grad[hidden] != 0).all()


@pytest.mark.parametrize("name", ["inpainting", "masked", "denoising"])
def test_explained_is_0_for_what_was_shown_and_100_for_the_truth(name):
    method, images = composed(name, adversarial=0.0) if name == "inpainting" else composed(name), None
    images = sample(SPECS["image"], 4)
    drawn = method.draw(images, seeded())
    seen = method.spoil(images, drawn)
    found = {}
    for key, told in (("start", method.start(seen, method.target(images))), ("truth", method.target(images))):
        found[key] = method.judge(told, images, seen, method.weight(images, drawn))
    assert found["start"].logs["explained"].item() == pytest.approx(0, abs=1e-4)
    assert found["truth"].logs["explained"].item() == pytest.approx(100)
    assert found["truth"].loss == 0


@hiding
def test_each_image_has_a_hole_of_its_own_and_the_page_shows_it_filled(name, encoder):
    method, images = made(name, encoder), sample(SPECS["image"], 6)
    drawn = method.draw(images, seeded())
    assert len(torch.unique(drawn["hidden"], dim=0)) == 6
    method.train()
    shown = method.shown(images, seeded())
    assert method.training
    hidden = drawn["hidden"][:, None].expand_as(images)
    first, second = method.names
    assert torch.equal(shown[second][~hidden], images[~hidden])
    assert not torch.equal(shown[second], shown[first])
    assert shown[second].dtype == torch.uint8


def test_every_example_counts_alike_whatever_is_hidden_of_it(generator):
    made, target = (torch.rand(3, 2, 4, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    weight = (torch.rand(3, 1, 4, 5, generator=generator) < 0.3).double()
    weight[2] = 0
    found = square_error(made, target, weight)
    for k in range(2):
        at = weight[k, 0] > 0
        assert found[k] == pytest.approx((made[k][:, at] - target[k][:, at]).square().mean().item())
    assert found[2] == 0


def test_patches_are_normalised_one_by_one(generator):
    images = torch.rand(2, 3, 8, 12, generator=generator, dtype=torch.float64)
    found = normalised(images, 4)
    for k in range(2):
        for top in (0, 4):
            for left in (0, 4, 8):
                patch = images[k, :, top : top + 4, left : left + 4]
                want = (patch - patch.mean()) / (patch.var() + 1e-6).sqrt()
                torch.testing.assert_close(found[k, :, top : top + 4, left : left + 4], want)


def test_what_normalised_patches_tell_is_shown_in_pixels():
    method, images = made("masked", "dim32"), sample(SPECS["image"], 3)
    assert torch.equal(method.restored(method.target(images), images), images)


def test_the_discriminator_is_shown_the_region_alone():
    method, images, seen = made("inpainting", "dim32"), sample(SPECS["image"], 3), []
    judge = method.adversary.discriminator
    judge[0].register_forward_hook(lambda module, inputs, output: seen.extend(inputs[0].detach().split(3)))
    method.step(images, seeded())
    hidden = method.draw(images, seeded())["hidden"][:, None].expand_as(images)
    assert len(seen) == 3  # made, for the filler; real and made, for the discriminator
    assert all(not x[~hidden].any() for x in seen)
    assert sum(torch.equal(x[hidden], (images.float() / 127.5 - 1)[hidden]) for x in seen) == 1
    assert made("inpainting", "dim32", adversarial=0.0).adversary is None


@pytest.mark.parametrize("shape", [(1, 12, 20), (13, 16, 8)])
def test_images_that_are_not_square(shape):
    spec = Spec("image", shape, "uint8")
    for method in (
        inpainting(vit(spec, 4, 24, 1, 2), width=4),
        masked(vit(spec, 4, 24, 1, 2), width=32, layers=1),
    ):
        images = sample(spec, 3)
        step = method.step(images, seeded())
        step.loss.backward()
        assert torch.isfinite(step.loss)
        assert all(p.grad is not None and p.grad.any() for p in method.parameters())
        assert method.shown(images, seeded())["filling"].shape == images.shape


def test_batch_mates_do_not_move_a_transformer_in_training():
    encoder = vit(SPECS["image"], 4, 24, 2, 2).double().train()
    assert isinstance(encoder, VisionTransformer)
    images = torch.rand(5, 3, 16, 16, dtype=torch.float64, generator=seeded())
    torch.testing.assert_close(encoder(images)[:2], encoder(images[:2]))
    hidden = masked(encoder, width=32, layers=1).draw(images, seeded())["hidden"]
    features, kept = encoder.of_visible(images, hidden)
    assert kept.shape == (5, 4)
    some, _ = encoder.of_visible(images[3:], hidden[3:])
    torch.testing.assert_close(some, features[3:])
    # With nothing hidden the visible patches are all of them, in order.
    whole, order = encoder.of_visible(images, torch.zeros_like(hidden))
    torch.testing.assert_close(whole.mT.reshape(5, 24, 4, 4), encoder.read(images, ("norm",))["norm"])
    assert torch.equal(order, torch.arange(16).expand(5, -1))


@pytest.mark.parametrize(
    ("compose", "settings", "message"),
    [
        (inpainting, {"mask": "stripes"}, "mask: 'stripes' is none of blocks, centre, patches, regions"),
        (inpainting, {"adversarial": 1.0}, "adversarial: 1.0 is no weight"),
        (inpainting, {"width": 0}, "width: 0 is too few"),
        (masked, {"patch": 3}, "patch: 3 px at 8 x 8 px; give a divisor of both sides, such as 2"),
        (masked, {"share": 0.01}, "hides none of 8 x 8 px"),
        (masked, {"share": 0.99}, "hides all of 8 x 8 px"),
        (masked, {"patch": 1}, "normalise: a patch of one number has no deviation"),
        (denoising, {"noise": "rain"}, "noise: 'rain' is none of gaussian, masking, salt_and_pepper"),
        (denoising, {"level": 0.0}, "level: 0 spoils nothing"),
        (denoising, {"level": 1.5}, "share: 1.5 is no probability"),
        (denoising, {"noise": "gaussian", "level": -1.0}, "sigma: -1"),
    ],
)
def test_bad_settings_are_refused(compose, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        compose(build("dim32", 1, 8), **settings)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="patch: 8 px at 16 x 16 px; give its own, 2"):
        masked(vit(SPECS["image"]), patch=8)


# --- denoising ---------------------------------------------------------------------------------------------


class Mixture:
    """Two Gaussians in the plane."""

    weight = torch.tensor([0.3, 0.7], dtype=torch.float64)
    mean = torch.tensor([[-3.0, 1.0], [2.0, -1.0]], dtype=torch.float64)
    cov = torch.tensor([[[1.0, 0.3], [0.3, 0.4]], [[0.4, -0.2], [-0.2, 1.5]]], dtype=torch.float64)

    def draw(self, n, generator):
        which = torch.multinomial(self.weight, n, replacement=True, generator=generator)
        noise = torch.randn(n, 2, generator=generator, dtype=torch.float64)
        root = torch.linalg.cholesky(self.cov)
        return self.mean[which] + torch.einsum("nij,nj->ni", root[which], noise)

    def log_density(self, y, noise):
        """Of draws with independent noise of these deviations added."""
        normal = torch.distributions.MultivariateNormal(self.mean, self.cov + torch.diag(noise**2))
        return (normal.log_prob(y[:, None]) + self.weight.log()).logsumexp(1)

    def score(self, y, noise):
        y = y.clone().requires_grad_()
        return torch.autograd.grad(self.log_density(y, noise).sum(), y)[0]

    def posterior_mean(self, y, noise):
        """E[x | y], from the Gaussians' own formulas: no gradient in it."""
        normal = torch.distributions.MultivariateNormal(self.mean, self.cov + torch.diag(noise**2))
        share = (normal.log_prob(y[:, None]) + self.weight.log()).softmax(1)  # (n, k)
        gain = self.cov @ torch.linalg.inv(self.cov + torch.diag(noise**2))
        each = self.mean + torch.einsum("kij,nkj->nki", gain, y[:, None] - self.mean)
        return (share[..., None] * each).sum(1)


def fitted(noise, steps=250):
    torch.manual_seed(0)
    method, world, generator = (
        denoising(mlp(Spec("table", (2,), "float32"), 64), noise=noise, level=0.6),
        Mixture(),
        seeded(),
    )
    rows = world.draw(4096, generator).float()
    for standard in (method.columns, method.encoder.stages["columns"].standardise):
        standard.mean.copy_(rows.mean(0))
        standard.scale.copy_(rows.std(0))
    trained = torch.optim.Adam(method.parameters(), 3e-3)
    for _ in range(steps):
        step = method.step(rows[torch.randint(0, 4096, (512,), generator=generator)], generator)
        trained.zero_grad()
        step.loss.backward()
        trained.step()
    return method, world


def unlike_the_score(method, world):
    """Mean square of what differs from the true score of the noised density, in shares of the score's."""
    noise = 0.6 * method.columns.scale.double()
    generator = seeded(5)
    y = world.draw(2000, generator) + noise * torch.randn(2000, 2, generator=generator, dtype=torch.float64)
    true = world.score(y, noise)
    with torch.no_grad():
        found = method.score(y.float()).double()
    return ((found - true).square().sum() / true.square().sum()).item(), y, noise


def test_the_best_denoiser_gives_the_score_and_a_fitted_one_nearly():
    method, world = fitted("gaussian")
    unlike, y, noise = unlike_the_score(method, world)
    assert unlike < 0.05
    method.denoised = lambda y: world.posterior_mean(y, noise)
    method.double()
    torch.testing.assert_close(method.score(y), world.score(y, noise), rtol=1e-6, atol=1e-6)


def test_an_untrained_denoiser_and_one_of_other_noise_give_no_score():
    assert unlike_the_score(*fitted("gaussian", steps=0))[0] > 0.5
    method, world = fitted("masking", steps=60)
    with pytest.raises(InputError, match="gives no score; train with noise='gaussian'"):
        method.score(torch.zeros(2, 2))
    method.corruption = GaussianNoise(0.6)
    assert unlike_the_score(method, world)[0] > 0.3


def test_columns_are_spoiled_in_deviations_and_missing_ones_stay_so():
    method = denoising(mlp(Spec("table", (3,), "float32"), 8), noise="salt_and_pepper", level=1.0)
    assert method.corruption == SaltAndPepper(1.0, -2.0, 2.0)
    method.columns.mean.copy_(torch.tensor([10.0, 0.0, -5.0]))
    method.columns.scale.copy_(torch.tensor([2.0, 1.0, 0.5]))
    rows = torch.zeros(4, 3)
    rows[1, 2] = torch.nan
    drawn = method.draw(rows, seeded())
    seen = method.spoil(rows, drawn)
    assert seen[1, 2].isnan()
    assert set(seen[:, 0].tolist()) <= {6.0, 14.0}
    assert set(seen[[0, 2, 3], 2].tolist()) <= {-6.0, -4.0}
    assert method.weight(rows, drawn)[1].tolist() == [1, 1, 0]
    with torch.no_grad():
        given = method.step(rows, seeded()).loss
        rows[1, 2] = 3.0
        assert method.step(rows, seeded()).loss != given
