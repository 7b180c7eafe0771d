import inspect
from dataclasses import replace

import docstring_parser
import pytest
import torch
from torch import Generator

from mutua import runs
from mutua.data import from_array, load
from mutua.encoders import image_spec
from mutua.methods import METHODS
from mutua.training import fit
from mutua.types import InputError

SMALL = {"simclr": {"width": 16, "temperature": 0.1}, "deep_infomax": {"units": 32, "alpha": 0.5}, "rotation": {}}


def composed(name, channels=3, size=16, seed=0):
    return runs.compose(runs.Recipe(name, "dim32", image_spec(channels, size), SMALL.get(name, {}), seed))


def images(n=8, channels=3, size=16):
    return torch.randint(
        0, 256, (n, channels, size, size), dtype=torch.uint8, generator=Generator().manual_seed(4)
    )


@pytest.mark.parametrize("name", METHODS)
def test_every_parameter_gets_a_finite_gradient(name):
    method = composed(name)
    method.step(images(), Generator().manual_seed(0)).loss.backward()
    for key, p in method.named_parameters():
        assert p.grad is not None, key
        assert torch.isfinite(p.grad).all(), key
        assert p.grad.any(), key


@pytest.mark.parametrize("name", METHODS)
def test_a_step_is_a_function_of_its_generator(name):
    method = composed(name)
    losses = [method.step(images(), Generator().manual_seed(seed)).loss.item() for seed in (1, 1, 2)]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


@pytest.mark.parametrize("name", METHODS)
def test_training_lowers_the_loss(name):
    # The same digits and the same draw in every step: how fast the loss falls is then no matter of luck.
    method, digits = composed(name, 1, 8), load("digits").take(torch.arange(32))
    trained = torch.optim.Adam(method.parameters(), lr=2e-3)
    losses = []
    for _ in range(10):
        step = method.step(digits, Generator().manual_seed(0))
        trained.zero_grad()
        step.loss.backward()
        trained.step()
        losses.append(step.loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert all(torch.isfinite(torch.as_tensor(value)) for value in step.logs.values())


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("channels", [1, 3, 13])
def test_any_number_of_channels(name, channels):
    method = composed(name, channels)
    assert torch.isfinite(method.step(images(4, channels), Generator().manual_seed(0)).loss)
    method.eval()
    with torch.no_grad():
        features = method.encode(images(4, channels))
        assert features.shape == (4, 64)
        assert torch.equal(features, method.encode(images(4, channels)))
        floats = method.encode(images(4, channels).float() / 255)
        assert torch.equal(features, method.encoder(images(4, channels)))  # not augmented
        alone = torch.cat([method.encode(one[None]) for one in images(4, channels)])
    assert torch.allclose(features, floats, atol=1e-4)
    assert torch.allclose(features, alone, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_two_images_are_enough_and_one_is_refused(name):
    plan = replace(METHODS[name].plan, epochs=1)
    fit(composed(name), from_array(images(2).numpy()), plan)
    with pytest.raises(InputError, match="data: 1 example"):
        fit(composed(name), from_array(images(1).numpy()), plan)


@pytest.mark.parametrize("name", METHODS)
def test_a_recipe_gives_the_same_method_each_time(name):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    a, b, c = composed(name), composed(name), composed(name, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))
    again = composed(name, seed=2)
    again.load_state_dict(a.state_dict())
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), again.parameters(), strict=True))
    assert "Linear" in repr(a)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_shown_is_an_image_each(name):
    shown = composed(name).shown(images(3), Generator().manual_seed(0))
    assert torch.equal(shown["original"], images(3))
    assert {len(column) for column in shown.values()} == {3}


@pytest.mark.parametrize("name", METHODS)
def test_every_argument_is_explained_and_the_paper_named(name):
    compose = METHODS[name].compose
    explained = {
        part.strip() for p in docstring_parser.parse(compose.__doc__).params for part in p.arg_name.split(",")
    }
    assert explained == set(inspect.signature(compose).parameters)
    assert all(
        p.default is not p.empty for name, p in inspect.signature(compose).parameters.items() if name != "encoder"
    )
    assert "\n    Paper: " in compose.__doc__
    assert "arXiv:" in compose.__doc__
    assert METHODS[name].about


def test_unknown_settings_are_refused():
    with pytest.raises(InputError, match="settings: simclr has no tempature; it has temperature"):
        runs.compose(runs.Recipe("simclr", "dim32", image_spec(3, 16), {"tempature": 1.0}))
    with pytest.raises(InputError, match="method: 'moco' is none of deep_infomax, rotation, simclr"):
        runs.compose(runs.Recipe("moco", "dim32", image_spec(3, 16)))


@pytest.mark.parametrize("name", METHODS)
def test_a_step_in_bfloat16_is_near_the_one_in_float32(name):
    method = composed(name)
    want = method.step(images(), Generator().manual_seed(0)).loss
    with torch.autocast("cpu", torch.bfloat16):
        got = method.step(images(), Generator().manual_seed(0)).loss
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(want.item(), rel=0.15)
