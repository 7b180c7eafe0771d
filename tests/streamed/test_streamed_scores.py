"""Streamed scores against their dense twin, for every bound and contrast, on every arrangement."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mutua import scores as arrangements
from mutua.bounds import BOUNDS, CONTRASTS, infonce, nt_xent
from mutua.critics import Bilinear, Cosine, Dot, Separable
from mutua.information.estimators.club import club, leave_one_out
from mutua.scores import Dense, Streamed, dense, local, multiview, paired
from mutua.streamed import choice
from mutua.types import InnerProduct, InputError, Scores

MEMBERS: dict[str, Callable[[Scores], Tensor]] = {
    **{name: reading.bound for name, reading in BOUNDS.items()},
    **{name: training.contrast for name, training in CONTRASTS.items()},
    "club": club,
    "leave_one_out": leave_one_out,
    "by row": lambda scores: scores.row_logmeanexp().square().sum(-1),
}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def learned(make: Callable[[], InnerProduct]) -> InnerProduct:
    torch.manual_seed(0)
    return make().double()


# Arrangement: the inputs, and how the critic's scores of them are arranged. 7 and 11 are no multiples of a block.
ARRANGEMENTS: dict[str, tuple[list[Tensor], Callable[..., Dense | Streamed]]] = {
    "paired": ([normal(11, 3), normal(11, 3, seed=1)], paired),
    "paired, blocks": ([normal(2, 3, 7, 3), normal(2, 3, 7, 3, seed=1)], paired),
    "paired, turned": ([normal(7, 3), normal(7, 3, seed=1)], lambda critic, x, y: paired(critic, x, y).turned()),
    "paired, some": ([normal(5, 3), normal(11, 3, seed=1)], lambda critic, x, y: paired(critic, x, y, 4)),
    "two views": ([normal(2, 7, 3)], multiview),
    "three views": ([normal(3, 5, 3)], multiview),
    "three views, some": (
        [normal(3, 2, 3), normal(3, 5, 3, seed=1)],
        lambda critic, x, y: multiview(critic, x, y, 2),
    ),
    "local": ([normal(7, 3), normal(7, 5, 3, seed=1)], local),
    "local, some": ([normal(3, 3), normal(7, 5, 3, seed=1)], lambda critic, x, y: local(critic, x, y, 3)),
}

CRITICS: dict[str, Callable[[], InnerProduct]] = {
    "cosine": lambda: Cosine(0.4, learn=True),
    "cold cosine": lambda: Cosine(0.002, learn=True),  # whose exponentials have no bound that is safe in float64
    "dot": Dot,
    "bilinear": lambda: Bilinear(3, 3),
    "separable": lambda: Separable(3, 3, 8, 1, 4),
}


@pytest.fixture
def streaming(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool, int], None]:
    """Make arrangements stream, in blocks of so many, or not."""

    def set_to(on: bool, size: int = 4) -> None:
        def made(*args: object) -> Streamed:
            return Streamed(*args, size=size)  # type: ignore[arg-type]

        monkeypatch.setattr(choice, "SYMMETRIC", 0)
        monkeypatch.setattr(arrangements, "streams", lambda left, right: on)
        monkeypatch.setattr(arrangements, "Streamed", made if on else Streamed)

    return set_to


def results(arrangement: str, critic: InnerProduct, read: Callable[[Scores], Tensor]) -> dict[str, Tensor]:
    """The value, and the gradients at the inputs and at the critic's parameters."""
    given, arrange = ARRANGEMENTS[arrangement]
    inputs = [x.clone().requires_grad_() for x in given]
    critic.zero_grad()
    value = read(arrange(critic, *inputs))
    (value * torch.arange(1, 1 + value.numel()).view(value.shape)).sum().backward()
    found = {"value": value.detach()} | {f"input {k}": x.grad for k, x in enumerate(inputs)}
    return found | {name: p.grad for name, p in critic.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_reading_is_that_of_the_dense_twin(critic, arrangement, streaming):
    made = learned(CRITICS[critic])
    for name, read in MEMBERS.items():
        if critic == "cold cosine" and name in ("tuba", "nwj", "interpolated"):
            continue  # exponentials that are not normalised overflow, honestly
        streaming(False)
        want = results(arrangement, made, read)
        for size in (4, 64):
            streaming(True, size)
            found = results(arrangement, made, read)
            assert found.keys() == want.keys()
            for key, value in want.items():
                torch.testing.assert_close(
                    found[key], value, rtol=1e-9, atol=1e-10, msg=lambda text, at=(name, key): f"{at}: {text}"
                )


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_the_arrangement_is_that_of_the_dense_twin(arrangement, streaming):
    given, arrange = ARRANGEMENTS[arrangement]
    streaming(False)
    want = arrange(Cosine(0.3).double(), *given)
    streaming(True)
    scores = arrange(Cosine(0.3).double(), *given)
    found = dense(scores)
    assert isinstance(want, Dense)
    assert isinstance(scores, Scores)
    assert not hasattr(scores, "product")
    assert scores.others == found.others == want.others
    assert torch.equal(found.keep, want.keep)
    torch.testing.assert_close(found.joint, want.joint)
    torch.testing.assert_close(found.product, want.product)
    assert dense(want) is want


SMALL = {
    "paired": [normal(4, 3), normal(4, 3, seed=1)],
    "two views": [normal(2, 3, 3)],
    "three views, some": [normal(3, 1, 3), normal(3, 3, 3, seed=1)],
    "local": [normal(3, 3), normal(3, 2, 3, seed=1)],
}


@pytest.mark.parametrize("arrangement", SMALL)
@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_gradcheck(name, arrangement, streaming):
    """At the inputs and at the temperature. Views of some: the one anchor's partner is number 2."""
    _, arrange = ARRANGEMENTS[arrangement]
    streaming(True, 3)
    module = _Arranged(learned(CRITICS["cosine"]), arrange)
    inputs = [x.clone().requires_grad_() for x in SMALL[arrangement]]
    temperature = torch.tensor(-0.9, dtype=torch.float64, requires_grad=True)

    def value(temperature: Tensor, *x: Tensor) -> Tensor:
        weights = {"critic.log_temperature": temperature}
        return MEMBERS[name](torch.func.functional_call(module, weights, tuple(x)))

    assert torch.autograd.gradcheck(value, (temperature, *inputs))


class _Arranged(torch.nn.Module):
    def __init__(self, critic: InnerProduct, arrange: Callable[..., Scores]) -> None:
        super().__init__()
        self.critic, self.arrange = critic, arrange

    def forward(self, *x: Tensor) -> Scores:
        return self.arrange(self.critic, *x)


@pytest.mark.parametrize("temperature", [0.5, 0.05, 0.01])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_float32_and_bfloat16_round_and_no_more(temperature, dtype, streaming):
    """Also where exp of the scores themselves would overflow, at a temperature of 0.01."""
    for arrange, given in ((multiview, [normal(2, 50, 8)]), (paired, [normal(50, 8), normal(50, 8, seed=1)])):
        found = []
        rounded = [x.to(dtype) for x in given]
        for on, width in ((True, None), (False, torch.float64)):
            streaming(on, 16)
            inputs = [x.to(width or dtype, copy=True).requires_grad_() for x in rounded]
            scores = arrange(Dot(), *[x / temperature**0.5 / 4 for x in inputs])
            value = nt_xent(scores)
            value.backward()
            assert value.dtype == (width or torch.float32)
            found.append([value.detach().double(), *(x.grad.double() for x in inputs)])
        for one, two in zip(*found, strict=True):
            tolerance = 1e-5 if dtype == torch.float32 else 2e-2
            assert (one - two).abs().max() <= tolerance * two.abs().max()


def test_huge_scores_stay_finite(streaming):
    streaming(True, 2)
    x = 100 * torch.eye(5)
    scores = paired(Dot(), x.requires_grad_(), x.detach())
    assert infonce(scores).item() == pytest.approx(math.log(5))
    scores = paired(Dot(), x, x.detach().roll(1, 0))
    value = infonce(scores)
    value.backward()
    assert value.item() == pytest.approx(math.log(5) - 10_000)
    assert torch.isfinite(x.grad).all()


def test_what_a_function_of_scores_has_of_its_own_gets_a_gradient(streaming):
    given, _ = ARRANGEMENTS["paired, blocks"]
    grads = []
    for on in (False, True):
        streaming(on)
        shift = normal(2, 3, 1, 1, seed=3).requires_grad_()
        scores = paired(Dot(), *given)
        value = scores.mean(lambda t, s=shift: torch.sigmoid(t - s)) + scores.logmeanexp(lambda t, s=shift: t * s)
        value.sum().backward()
        grads.append(shift.grad)
    torch.testing.assert_close(grads[1], grads[0])


def test_a_reading_without_a_gradient_spoils_none_with_one(streaming):
    streaming(True)
    x = normal(7, 3).requires_grad_()
    scores = paired(Dot(), x, normal(7, 3, seed=1))
    with torch.no_grad():
        before = infonce(scores)
    value = infonce(scores)
    with torch.no_grad():
        after = infonce(scores)
    assert not before.requires_grad
    assert not after.requires_grad
    assert before == value == after
    value.backward()
    assert x.grad.abs().max() > 0


@pytest.mark.parametrize("critic", CRITICS)
def test_one_factor_for_both_sides_scores_as_two_do(critic):
    made, x = learned(CRITICS[critic]), normal(5, 3)
    z = made.both(x)
    assert (z is not None) == (critic in ("cosine", "cold cosine", "dot"))
    if z is not None:
        torch.testing.assert_close(z @ z.mT, made.matrix(x, x))


class Largest(TorchDispatchMode):
    """The most entries that any tensor had."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for each in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(each, Tensor):
                self.entries = max(self.entries, each.untyped_storage().nbytes() // each.element_size())
        return out


@pytest.mark.parametrize("name", sorted(MEMBERS))
@pytest.mark.parametrize("arrange", [paired, multiview])
def test_no_matrix_is_ever_made(name, arrange, streaming):
    streaming(True, 64)
    x = torch.randn(2, 300, 3, requires_grad=True)
    with Largest() as largest:
        scores = multiview(Cosine(0.5), x) if arrange is multiview else paired(Cosine(0.5), *x)
        MEMBERS[name](scores).backward()
    assert 64 * 64 <= largest.entries <= 2 * 64 * 64  # of 360,000 or 90,000


def test_it_is_the_large_that_is_streamed():
    assert isinstance(paired(Dot(), torch.randn(64, 4), torch.randn(64, 4)), Dense)
    assert isinstance(paired(Dot(), torch.randn(2048, 4), torch.randn(2048, 4)), Streamed)
    assert isinstance(paired(Dot(), torch.randn(2048, 400), torch.randn(2048, 400)), Dense)  # nothing to gain

    class Halved(Dot):
        def matrix(self, x: Tensor, y: Tensor) -> Tensor:
            return super().matrix(x, y) / 2

    assert isinstance(paired(Halved(), torch.randn(2048, 4), torch.randn(2048, 4)), Dense)  # more than a product
    views = torch.randn(2, 512, 256)
    symmetric = multiview(Cosine(), views)
    assert isinstance(symmetric, Streamed)
    assert symmetric.left is symmetric.right
    x, y = torch.randn(2, 2100, 4, requires_grad=True)
    one, two = (nt_xent(make(paired(Dot(), x, y))) for make in (lambda s: s, dense))
    assert one.item() == pytest.approx(two.item(), rel=1e-5)


def test_too_little_to_contrast_or_to_turn_is_refused_in_one_line(streaming):
    streaming(True)
    for make in (
        lambda: paired(Dot(), torch.zeros(1, 3), torch.zeros(1, 3)),
        lambda: paired(Dot(), torch.zeros(0, 3), torch.zeros(0, 3)),
        lambda: multiview(Dot(), torch.zeros(2, 1, 3)),
        lambda: local(Dot(), torch.zeros(1, 3), torch.zeros(1, 6, 3)),
    ):
        with pytest.raises(InputError, match="at least two") as caught:
            make()
        assert "\n" not in str(caught.value)
    for on in (True, False):
        streaming(on)
        with pytest.raises(InputError, match="can be turned"):
            multiview(Dot(), torch.randn(3, 4, 2)).turned()
        with pytest.raises(InputError, match="anchors 4 to 7 of 6 examples"):
            paired(Dot(), torch.zeros(4, 3), torch.zeros(6, 3), 4)


def test_turned_scores_have_the_factors_as_they_were_given(streaming):
    streaming(True)
    x, y = (normal(7, 3, seed=seed).bfloat16() for seed in range(2))
    scores = paired(Dot(), x, y)
    assert scores._given == (x, y)
    assert scores.turned()._given == (y, x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_on_cuda_as_in_float64(arrangement, dtype, streaming):
    """Values and gradients; of bfloat16 against float64 on the same numbers, rounded."""
    close = {torch.float32: 1e-5, torch.bfloat16: 2e-2}[dtype]
    given, arrange = ARRANGEMENTS[arrangement]
    given = [x.to(dtype).to("cuda") for x in given]
    for name, read in MEMBERS.items():
        found = []
        for stream, kind in ((True, dtype), (False, torch.float64)):
            streaming(stream, 64)
            inputs = [x.detach().to(kind, copy=True).requires_grad_() for x in given]
            value = read(arrange(Dot(), *inputs))
            value.sum().backward()
            found.append([value.detach().double(), *(x.grad.double() for x in inputs)])
        for a, b in zip(*found, strict=True):
            assert float((a - b).norm()) <= close * float(b.norm()) + 1e-6, name
