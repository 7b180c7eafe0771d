"""Laws that every view of the catalogue keeps, of whatever kind of data."""

from dataclasses import is_dataclass, replace

import pytest
import torch

from mutua.types import InputError, View, parted
from mutua.views import VIEWS, Compose, rows
from view_batches import DTYPES, SAMPLES, TIME, padded, seeded

every_view = pytest.mark.parametrize("name", VIEWS)
signals = pytest.mark.parametrize("name", [name for name in VIEWS if VIEWS[name]().kind != "image"])
with_p = pytest.mark.parametrize("name", [name for name in VIEWS if hasattr(VIEWS[name](), "p")])


def sample(name, n=24, dtype=None):
    make = SAMPLES[VIEWS[name]().kind]
    return make(n) if dtype is None else make(n, dtype=dtype)


def masked(name, dtype=torch.float32, shortest=1):
    return padded(sample(name, dtype=dtype), TIME[VIEWS[name]().kind], shortest)


def leaves(parameters):
    for value in parameters.values():
        yield from leaves(value) if isinstance(value, dict) else (value,)


def drawn_for(view, x, seed=0):
    return view.draw(len(x), tuple(x.shape[1:]), seeded(seed))


def same(a, b):
    (x, mask), (y, other) = parted(a), parted(b)
    return torch.equal(x, y) and (mask is None or torch.equal(mask, other))


def test_every_kind_has_views():
    assert {make().kind for make in VIEWS.values()} == set(SAMPLES)
    assert all(isinstance(make(), View) for make in VIEWS.values())


@pytest.mark.parametrize(
    ("name", "dtype"), [(name, dtype) for name in VIEWS for dtype in DTYPES[VIEWS[name]().kind]], ids=str
)
def test_dtype_rule_shape_and_input(name, dtype):
    x = sample(name, dtype=dtype)
    before = x.clone()
    view = VIEWS[name]()
    y = view(x, seeded())
    assert y.dtype == DTYPES[view.kind][dtype]
    assert tuple(y.shape) == (24, *view.shape_after(tuple(x.shape[1:])))
    assert torch.equal(x, before)
    assert y.data_ptr() != x.data_ptr()
    assert y.is_contiguous()
    if y.shape == x.shape:
        assert not torch.equal(y, sample(name, dtype=y.dtype))


@every_view
def test_same_seed_same_result_and_draw_then_apply_is_call(name):
    x, view = sample(name), VIEWS[name]()
    y = view(x, seeded(3))
    assert torch.equal(y, VIEWS[name]()(x, seeded(3)))
    assert not torch.equal(y, view(x, seeded(4)))
    assert torch.equal(y, view.apply(x, drawn_for(view, x, 3)))


@every_view
@pytest.mark.parametrize(
    "index", [slice(5, 12), torch.tensor([3]), torch.tensor([9, 0, 0, 17]), torch.arange(0)], ids=str
)
def test_result_does_not_depend_on_the_rest_of_the_batch(name, index):
    view, x = VIEWS[name](), sample(name, dtype=torch.float32)
    drawn = drawn_for(view, x)
    assert all(isinstance(leaf, torch.Tensor) and len(leaf) == 24 for leaf in leaves(drawn))
    assert all(leaf.device.type == "cpu" for leaf in leaves(drawn))
    torch.testing.assert_close(
        view.apply(x[index], rows(drawn, index)), view.apply(x, drawn)[index], atol=1e-5, rtol=1e-5
    )


@every_view
def test_examples_of_one_batch_are_changed_differently(name):
    x = sample(name, 1)
    x = x.expand(24, *x.shape[1:])
    assert len(torch.unique(VIEWS[name]()(x, seeded()).flatten(1), dim=0)) > 1


@with_p
def test_p_is_the_share_of_examples_changed(name):
    view = VIEWS[name]()
    x = sample(name, 64, torch.float32)
    unchanged = replace(view, p=0.0)(x, seeded())
    assert torch.equal(unchanged, x)
    assert unchanged.data_ptr() != x.data_ptr()
    drawn = replace(view, p=0.3).draw(20_000, tuple(x.shape[1:]), seeded())
    assert drawn["applied"].float().mean() == pytest.approx(0.3, abs=0.015)  # 4.6 standard errors
    drawn = rows(drawn, slice(64))
    same = (view.apply(x, drawn) == x).flatten(1).all(1)
    assert not (same[drawn["applied"]]).all()
    assert same[~drawn["applied"]].all()


@every_view
def test_gradients_flow(name):
    """A floating input has a finite gradient, which is nothing only where a step is left out."""
    view = VIEWS[name]()
    x = sample(name, dtype=torch.float32).requires_grad_()
    view(x, seeded()).square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad != 0).flatten(1).any(1).all()


@every_view
def test_a_silent_or_constant_example_stays_finite(name):
    x = torch.zeros_like(sample(name, dtype=torch.float32)).requires_grad_()
    y = VIEWS[name]()(x, seeded())
    y.sum().backward()
    assert torch.isfinite(y).all()
    assert torch.isfinite(x.grad).all()


@signals
def test_float32_is_float64_rounded(name):
    view, x = VIEWS[name](), sample(name, dtype=torch.float64)
    drawn = drawn_for(view, x)
    y = view.apply(x, drawn)
    torch.testing.assert_close(view.apply(x.float(), drawn).double(), y, atol=2e-5, rtol=2e-5)


@signals
def test_masked_batches_stay_masked(name):
    """Zeros outside the mask, the mask in one piece at the front; padding's own values are not looked at."""
    view, batch = VIEWS[name](), masked(name, shortest=0)
    before = {key: value.clone() for key, value in batch.items()}
    drawn = drawn_for(view, batch["x"])
    out = view.apply(batch | {"of": 7}, drawn)
    assert all(torch.equal(batch[key], value) for key, value in before.items())
    assert out["of"] == 7
    y, mask = out["x"], out["mask"]
    axis = TIME[view.kind]
    assert tuple(mask.shape) == (24, y.shape[axis])
    assert (y.movedim(axis, 1)[~mask] == 0).all()
    assert not (mask[:, 1:] & ~mask[:, :-1]).any()
    length = batch["mask"].sum(1)
    assert (mask.sum(1) <= 2 * length).all()
    assert ((mask.sum(1) > 0) == (length > 0)).all()
    other = batch["x"].movedim(axis, 1).clone()
    other[~batch["mask"]] = 9.0
    again = view.apply({"x": other.movedim(1, axis), "mask": batch["mask"]}, drawn)
    torch.testing.assert_close(again["x"], y, atol=1e-5, rtol=1e-5)
    assert torch.equal(again["mask"], mask)


@pytest.mark.parametrize("name", [name for name in VIEWS if hasattr(VIEWS[name](), "change")])
def test_a_mask_of_all_steps_changes_nothing(name):
    view, x = VIEWS[name](), sample(name, dtype=torch.float32)
    drawn = drawn_for(view, x)
    whole = {"x": x, "mask": torch.ones(24, x.shape[TIME[view.kind]], dtype=torch.bool)}
    out, plain = view.apply(whole, drawn), view.apply(x, drawn)
    axis = TIME[view.kind]
    inside = out["mask"]  # beyond a window that ends there is padding, which without a mask is the view's to fill
    assert torch.equal(out["x"].movedim(axis, 1)[inside], plain.movedim(axis, 1)[inside])


@signals
def test_rows_of_a_masked_batch(name):
    view, batch = VIEWS[name](), masked(name)
    drawn, index = drawn_for(view, batch["x"]), torch.tensor([20, 3, 3])
    some = view.apply({key: value[index] for key, value in batch.items()}, rows(drawn, index))
    whole = view.apply(batch, drawn)
    torch.testing.assert_close(some["x"], whole["x"][index], atol=1e-5, rtol=1e-5)
    assert torch.equal(some["mask"], whole["mask"][index])


@every_view
def test_what_is_no_batch_is_refused_in_one_line(name):
    view, x = VIEWS[name](), sample(name)
    kind = "images" if view.kind == "image" else view.kind
    axis = TIME[view.kind]
    wrong = [
        (x[0], r"shape \("),
        (x.long(), "int64"),
        (x.narrow(axis, 0, 0), "empty axis"),
    ]
    if view.kind != "image":
        floats = sample(name, dtype=torch.float32)
        nan = floats.clone()
        nan[5, 1, 1] = torch.nan
        mask = torch.ones(24, x.shape[axis], dtype=torch.bool)
        torn = mask.clone()
        torn[4, 2] = False
        wrong += [
            (nan, "NaN or infinity in row 5"),
            ({"x": floats, "mask": mask[:, 1:]}, "mask is torch.bool of shape"),
            ({"x": floats, "mask": mask.float()}, "mask is torch.float32"),
            ({"x": floats, "mask": torn}, "data after padding in row 4"),
            ({"sound": floats}, "a dict of"),
        ]
    for batch, says in wrong:
        with pytest.raises(InputError, match=says) as error:
            view(batch, seeded())
        assert "\n" not in str(error.value)
        assert str(error.value).startswith(kind)


@every_view
def test_parameters_of_another_batch_are_refused(name):
    view, x = VIEWS[name](), sample(name)
    with pytest.raises(InputError, match=r"parameters\['\w+'\]: 3 rows for 24 (images|examples)"):
        view.plain(x, drawn_for(view, x[:3])) if isinstance(view, Compose) else view.apply(
            x, drawn_for(view, x[:3])
        )


@every_view
def test_repr_is_the_call(name):
    view = VIEWS[name]()
    assert is_dataclass(view)
    assert view == VIEWS[name]()
