"""The words the floors speak: tables, errors, checks, and the bases that must be filled in."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mutua.types import (
    Critic,
    Encoder,
    InnerProduct,
    InputError,
    Method,
    Result,
    Scores,
    Step,
    Table,
    check_finite,
    names,
)


def test_records_are_one_dict_a_row_in_the_order_of_the_columns() -> None:
    table = Table("probe", ["depth", "accuracy"], [["conv", 0.5], ["fc", 0.25]])
    assert table.records() == [{"depth": "conv", "accuracy": 0.5}, {"depth": "fc", "accuracy": 0.25}]
    assert list(table.records()[0]) == ["depth", "accuracy"]
    assert Table("empty", ["a"], []).records() == []


@pytest.mark.parametrize("row", [["conv"], ["conv", 0.5, 1]])
def test_a_row_of_another_length_than_the_columns_is_refused(row: list[object]) -> None:
    with pytest.raises(ValueError):
        Table("probe", ["depth", "accuracy"], [row]).records()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 2, 3, 4)])
def test_check_finite_names_the_first_bad_row(bad: float, shape: tuple[int, ...]) -> None:
    value = torch.zeros(shape)
    value[4] = bad
    value.view(5, -1)[2, -1] = bad
    with pytest.raises(InputError, match=r"features: NaN or infinity in row 2;") as caught:
        check_finite(value, "features")
    assert "\n" not in str(caught.value)


def test_check_finite_takes_a_lone_number() -> None:
    with pytest.raises(InputError, match="loss: NaN"):
        check_finite(torch.tensor(float("nan")), "loss")


@pytest.mark.parametrize(
    "good", [torch.zeros(3, 2), torch.zeros(0, 4), torch.zeros(3, 0), torch.tensor(1.0), torch.arange(3)]
)
def test_check_finite_lets_good_values_pass(good: torch.Tensor) -> None:
    check_finite(good, "x")


def test_names_are_sorted_and_joined() -> None:
    assert names({"nwj": 1, "dv": 2, "infonce": 3}) == "dv, infonce, nwj"
    assert names([]) == ""


def test_input_error_is_a_value_error() -> None:
    assert issubclass(InputError, ValueError)


def test_a_base_names_the_class_and_the_method_that_it_lacks() -> None:
    class Half(InnerProduct):
        pass

    x = torch.zeros(2, 3)
    with pytest.raises(NotImplementedError, match="Half must define left"):
        Half().left(x)
    with pytest.raises(NotImplementedError, match="Half must define right"):
        Half().right(x)
    with pytest.raises(NotImplementedError, match="Critic must define forward"):
        Critic()(x, x)
    with pytest.raises(NotImplementedError, match="Method must define encode"):
        Method().encode(x)
    with pytest.raises(NotImplementedError, match="Method must define step"):
        Method().step(x, torch.Generator())


def test_a_critic_needs_only_forward() -> None:
    class Distance(Critic):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return -(x - y).square().sum(-1)

    x, y = torch.randn(2, 4, 3), torch.randn(2, 5, 3)
    assert torch.allclose(Distance().matrix(x, y), -torch.cdist(x, y).square(), atol=1e-4)


def test_defaults_are_not_shared() -> None:
    one, two = Step(torch.zeros(())), Step(torch.zeros(()))
    assert one.logs == {}
    assert one.logs is not two.logs
    assert Result("a").figures is not Result("b").figures


def test_protocols_tell_apart() -> None:
    assert not isinstance(nn.Linear(2, 2), Encoder)
    assert not isinstance(torch.zeros(2), Scores)
