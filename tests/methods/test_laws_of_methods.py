"""Laws of every method of the catalogue, at every kind of data that it takes: listing one tests it."""

import inspect
from dataclasses import fields, replace

import docstring_parser
import pytest
import torch
from torch import Generator

from methods.small import PAIRS, SPECS, Held, composed, precise, sample, spec_of
from mutua import runs
from mutua.data import Reading, load
from mutua.methods import METHODS
from mutua.objectives.batches import part
from mutua.training import Plan, cached_step, fit
from mutua.types import Embedding, InputError, Spec, parted
from mutua.views import rows

every_pair = pytest.mark.parametrize(("name", "kind"), PAIRS)
cut_pairs = pytest.mark.parametrize(
    ("name", "kind"), [pair for pair in PAIRS if isinstance(composed(*pair), Embedding)]
)

DRAW_NOTHING = {"ae", "next_frame"}
"""Methods whose step is a function of the batch alone."""

GAMES = {"bigan"}
"""Methods of two players against each other: the sum of their losses is least where neither knows anything."""

RATES = {"annealed_vae": 3e-4, "beta_tcvae": 3e-4}
"""Of Adam, where 2e-3 is too much for a network without batch norm: its first step overshoots.

All others learn at 2e-3."""


def doubled(name, kind):
    """A method and a batch in double precision."""
    return composed(name, kind).double().train(), precise(sample(spec_of(name, kind), 8))


@every_pair
def test_every_parameter_gets_a_finite_gradient(name, kind):
    method = composed(name, kind)
    method.step(sample(spec_of(name, kind), 8), Generator().manual_seed(0)).loss.backward()
    for key, p in method.named_parameters():
        if p.requires_grad:
            assert p.grad is not None, key
            assert torch.isfinite(p.grad).all(), key
            assert p.grad.any(), key
        else:
            assert p.grad is None, key


@every_pair
def test_a_step_is_a_function_of_its_generator(name, kind):
    method = composed(name, kind)
    losses = [
        method.step(sample(spec_of(name, kind), 8), Generator().manual_seed(seed)).loss.item()
        for seed in (1, 1, 2)
    ]
    assert losses[0] == losses[1]
    assert (losses[0] == losses[2]) == (name in DRAW_NOTHING)


@pytest.mark.parametrize("name", sorted({name for name, kind in PAIRS if kind == "image"} - GAMES))
def test_training_lowers_the_loss(name):
    # The same digits and the same draw in every step: how fast the loss falls is then no matter of luck.
    digits = load("digits").take(torch.arange(32))
    if name == "colorization":
        digits = torch.cat([digits, digits // 2, digits // 4], 1)
    method = composed(name, spec=Spec("image", tuple(digits.shape[1:]), "uint8"))
    trained = torch.optim.Adam([p for p in method.parameters() if p.requires_grad], lr=RATES.get(name, 2e-3))
    losses = []
    for _ in range(10):
        step = method.step(digits, Generator().manual_seed(0))
        trained.zero_grad()
        step.loss.backward()
        trained.step()
        losses.append(step.loss.item())
    spread = max(losses[:2]) - min(losses[:2])
    assert losses[-1] < losses[0] - spread
    assert all(torch.isfinite(torch.as_tensor(value)) for value in step.logs.values())


@cut_pairs
@pytest.mark.parametrize("micro_batch", [3, 4])
def test_a_step_in_chunks_is_the_whole_step(name, kind, micro_batch):
    found = []
    for chunk in (0, micro_batch):
        method, batch = doubled(name, kind)
        if chunk:
            step = cached_step(method, batch, Generator().manual_seed(2), chunk, "exact")
        else:
            step = method.step(batch, Generator().manual_seed(2))
            step.loss.backward()
        method.stepped(0, 4)
        values = {"loss": step.loss.detach(), **step.logs, **method.state_dict()}
        found.append(
            values | {f"gradient of {key}": p.grad for key, p in method.named_parameters() if p.requires_grad}
        )
    assert found[0].keys() == found[1].keys()
    for key, value in found[0].items():
        torch.testing.assert_close(
            found[1][key], value, rtol=1e-7, atol=1e-9, msg=lambda text, key=key: f"{key}: {text}"
        )


@cut_pairs
def test_batch_mates_do_not_matter_to_an_embedding(name, kind):
    method, batch = doubled(name, kind)
    method.eval()  # in training, batch norm makes them matter
    drawn = method.draw(batch, Generator().manual_seed(2))
    with torch.no_grad():
        whole = method.embed(batch, drawn)
        some = method.embed(part(batch, slice(2, 5)), rows(drawn, slice(2, 5)))
    assert torch.allclose(some, whole[2:5], atol=1e-9)


@every_pair
def test_only_what_is_frozen_or_a_buffer_moves_between_steps(name, kind):
    method = composed(name, kind)
    method.step(sample(spec_of(name, kind), 8), Generator().manual_seed(0))
    before = {key: p.detach().clone() for key, p in method.named_parameters()}
    with torch.no_grad():
        method.stepped(0, 3)
    moved = {key for key, p in method.named_parameters() if not torch.equal(p, before[key])}
    assert moved <= {key for key, p in method.named_parameters() if not p.requires_grad}


@pytest.mark.parametrize("name", [name for name, kind in PAIRS if kind == "image"])
@pytest.mark.parametrize("channels", [1, 3, 13])
def test_any_number_of_channels(name, channels):
    spec = Spec("image", (channels, 16, 16), "uint8")
    if name == "colorization" and channels != 3:
        with pytest.raises(InputError, match=f"3 channels, and they have {channels}"):
            composed(name, spec=spec)
        return
    method, images = composed(name, spec=spec), sample(spec, 4)
    assert torch.isfinite(method.step(images, Generator().manual_seed(0)).loss)
    method.eval()
    with torch.no_grad():
        features = method.encode(images)
        assert features.shape == (4, method.encoder.width)
        assert torch.equal(features, method.encode(images))
        floats = method.encode(images.float() / 255)
        assert torch.equal(features, method.encoder(images))  # not augmented
        alone = torch.cat([method.encode(one[None]) for one in images])
    assert torch.allclose(features, floats, atol=1e-4)
    assert torch.allclose(features, alone, atol=1e-4)


@every_pair
def test_two_examples_are_enough_and_one_is_refused(name, kind):
    plan = replace(METHODS[name].plan, epochs=1)
    fit(composed(name, kind), Held(sample(spec_of(name, kind), 2)), plan)
    with pytest.raises(InputError, match="data: 1 example"):
        fit(composed(name, kind), Held(sample(spec_of(name, kind), 1)), plan)


@every_pair
def test_a_recipe_gives_the_same_method_each_time(name, kind):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    a, b, c = composed(name, kind), composed(name, kind), composed(name, kind, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))
    again = composed(name, kind, seed=2)
    again.load_state_dict(a.state_dict())
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), again.parameters(), strict=True))
    assert "Linear" in repr(a)


@every_pair
def test_what_is_shown_is_an_example_each(name, kind):
    examples = sample(spec_of(name, kind), 3)
    shown = composed(name, kind).shown(examples, Generator().manual_seed(0))
    assert torch.equal(parted(shown["original"])[0], parted(examples)[0])
    assert {len(parted(column)[0]) for column in shown.values()} == {3}


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
    assert not explained & {one.name for one in (*fields(Plan), *fields(Reading))}  # the command line has them all
    assert "\n    Paper: " in compose.__doc__
    assert "arXiv:" in compose.__doc__
    for words in (
        METHODS[name].about,
        *(param.description for param in docstring_parser.parse(compose.__doc__).params),
    ):
        assert words[0].isupper(), words
        assert words.endswith("."), words


def test_unknown_settings_are_refused():
    with pytest.raises(InputError, match="settings: simclr has no tempature; it has temperature"):
        runs.compose(runs.Recipe("simclr", "dim32", SPECS["image"], {"tempature": 1.0}))
    with pytest.raises(InputError, match="method: 'mocha' is none of aae, ae"):
        runs.compose(runs.Recipe("mocha", "dim32", SPECS["image"]))


@every_pair
def test_a_step_in_bfloat16_is_near_the_one_in_float32(name, kind):
    method, batch = composed(name, kind), sample(spec_of(name, kind), 8)
    want = method.step(batch, Generator().manual_seed(0)).loss
    with torch.autocast("cpu", torch.bfloat16):
        got = method.step(batch, Generator().manual_seed(0)).loss
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(want.item(), rel=0.15, abs=0.05)
