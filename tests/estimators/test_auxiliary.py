"""u and X as nonlinear ICA reads them: every kind of u, and every bad input with its one line."""

import warnings

import numpy as np
import pytest
import torch

from mutua.data.sources.base import equal_segments
from mutua.estimators.auxiliary import again, auxiliary, check_segments, check_u
from mutua.estimators.rows import checked_rows
from mutua.types import InputError


@pytest.mark.parametrize(
    "u",
    [
        [3, 1, 1, 3],
        np.array([True, False, False, True]),
        ["b", "a", "a", "b"],
        np.array(["b", "a", "a", "b"], dtype=object),
        torch.tensor([7, 2, 2, 7]),
        np.array([[5], [4], [4], [5]]),
        np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
    ],
)
def test_classes_of_every_kind_are_numbered_alike(u):
    found = auxiliary(u, 4)
    assert found.discrete
    assert found.index.tolist() == [1, 0, 0, 1]
    assert found.count == found.width == 2
    np.testing.assert_array_equal(found.columns(), [[0, 1], [1, 0], [1, 0], [0, 1]])
    np.testing.assert_array_equal(found.classes[found.index], np.asarray(u).argmax(1) if np.ndim(u) == 2 and
                                  np.shape(u)[1] == 2 else np.asarray(u).reshape(-1))  # fmt: skip


def test_a_vector_is_standardised_and_other_rows_as_the_fit_was():
    rng = np.random.default_rng(0)
    u = rng.normal(3, 5, (50, 2))
    fitted = auxiliary(u, 50)
    assert not fitted.discrete
    assert fitted.width == 2
    np.testing.assert_allclose(fitted.columns().mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(fitted.columns().std(0), 1)
    np.testing.assert_allclose(again(u[:3], 3, fitted).columns(), fitted.columns()[:3])


def test_dates_are_a_vector_on_one_clock():
    days = np.datetime64("2020-01-01") + np.arange(6)
    fitted = auxiliary(days, 6)
    np.testing.assert_allclose(again(days[4:], 2, fitted).columns(), fitted.columns()[4:])


def test_without_u_the_rows_are_cut_with_a_warning():
    with pytest.warns(UserWarning, match="u was not given: 1000 rows are cut, in their order, into 7 equal"):
        found = auxiliary(None, 1000)
    assert not found.given
    assert again(None, 1000, found) is found
    with pytest.raises(InputError, match="u: none given"):
        again(None, 999, found)
    with pytest.warns(UserWarning, match="into 4 equal"):
        assert auxiliary(None, 10, segments=4).count == 4


def test_equal_segments_cover_all_rows_with_lengths_one_apart():
    for n, count in ((10, 3), (12, 4), (7, 7)):
        lengths = np.bincount(equal_segments(n, count))
        assert len(lengths) == count
        assert lengths.max() - lengths.min() <= 1
    with pytest.raises(InputError, match="segments: 5 of 4 rows"):
        equal_segments(4, 5)


@pytest.mark.parametrize(
    ("u", "line"),
    [
        ([0, 1, 1], "u: 3 values for 4 rows of X; give one for each row"),
        ([2, 2, 2, 2], "u: every row has the same value, 2; give at least two"),
        (["a"] * 4, "u: every row has the same value, a"),
        ([0.0, 1.0, np.nan, 2.0], "u: NaN or infinity in row 2"),
        ([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0]], "u: column 1 is constant"),
        ([0.5, 0.5, 0.5, 0.5], "u: column 0 is constant"),
        (np.zeros((4, 2, 2)), r"u: shape \(4, 2, 2\)"),
        (np.array([0, 1, None, 1], dtype=object), "u: holds a NoneType"),
        (np.array([["a", "b"]] * 4), r"u: strings of shape \(4, 2\)"),
        (np.array([1j, 2, 3, 4]), "u: of type complex128"),
        (np.array(["2020", "NaT", "2021", "2022"], dtype="datetime64[D]"), "u: no time in row 1"),
    ],
)
def test_bad_u_is_one_line(u, line):
    with pytest.raises(InputError, match=line) as caught:
        auxiliary(u, 4)
    assert "\n" not in str(caught.value)


def test_unseen_u_is_named_and_kinds_must_agree():
    fitted = auxiliary(np.array([0, 5, 9, 5]), 4)
    assert again([9, 0], 2, fitted).index.tolist() == [2, 0]
    for unseen in (3, 10, -1):
        with pytest.raises(InputError, match=f"u: {unseen} in row 1 was not among the 3 classes of the fit"):
            again([0, unseen], 2, fitted)
    with pytest.raises(InputError, match="u: a vector, but the fit had 3 classes"):
        again([0.5, 1.5], 2, fitted)
    with pytest.raises(InputError, match="labels of the same kind"):
        again(["0", "5"], 2, fitted)
    with pytest.raises(InputError, match="u: 3 values for 2 rows"):
        again([0, 5, 9], 2, fitted)
    with pytest.raises(InputError, match="u: none given"):
        again(None, 4, fitted)
    vector = auxiliary(np.arange(8.0).reshape(4, 2) ** 2, 4)
    with pytest.raises(InputError, match="u: 1 columns, but the fit had 2"):
        again([0.5, 1.5], 2, vector)
    with pytest.raises(InputError, match="u: strings, but the fit had a vector"):
        again(["a", "b"], 2, vector)


def test_whole_numbers_as_floats_are_a_quantity_with_a_warning():
    with pytest.warns(UserWarning, match="whole numbers given as floats"):
        assert not auxiliary(np.repeat(np.arange(4.0), 25), 100).discrete
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        auxiliary(np.linspace(0, 1, 100), 100)


def test_segments_shorter_than_the_dimension_are_refused():
    index = np.array([0] * 5 + [1] * 3)
    check_segments(index, 2)
    with pytest.raises(InputError, match="u: segment 1 has 3 rows for 3 channels"):
        check_segments(index, 3)


@pytest.mark.parametrize(
    ("x", "line"),
    [
        (np.zeros(5), r"X: shape \(5,\); give rows by channels"),
        (np.zeros((5, 0)), r"X: shape \(5, 0\)"),
        (np.ones((1, 2)), "X: 1 rows; at least 2 are needed"),
        (np.array([[0.0, 1.0], [1.0, np.nan], [2.0, 0.0]]), "X: NaN or infinity in row 1, channel 1"),
        (np.array([[0.0, 1.0], [np.inf, 3.0], [2.0, 0.0]]), "X: NaN or infinity in row 1, channel 0"),
        (np.array([[0.0, 4.0], [1.0, 4.0], [2.0, 4.0]]), "X: channel 1 is constant"),
        ([["a", "b"], ["c", "d"]], "X: not an array of numbers"),
        ([[1.0, 2.0], [3.0]], "X: not an array of numbers"),
        (np.array([[1j, 2.0], [3.0, 4.0]]), "X: complex numbers"),
        (np.array([[1e200, 2.0], [3.0, 4.0]]), "X: too large: 1e\\+200"),
    ],
)
def test_bad_rows_are_one_line(x, line):
    with pytest.raises(InputError, match=line) as caught:
        checked_rows(x)
    assert "\n" not in str(caught.value)


def test_rows_come_back_in_float64_and_single_rows_where_they_are_allowed():
    x = torch.arange(6.0, requires_grad=True).reshape(3, 2)
    assert checked_rows(x).dtype == np.float64
    assert checked_rows(np.ones((1, 2)), least=1).shape == (1, 2)
    # At transform, a batch of equal rows is no fault.
    assert checked_rows(np.ones((3, 2)), least=1).shape == (3, 2)


def test_bfloat16_is_read_as_float32():
    x = torch.tensor([[0.5, 1.0], [1.5, 0.0]], dtype=torch.bfloat16)
    np.testing.assert_array_equal(checked_rows(x), x.float().numpy())


@pytest.mark.parametrize("segments", ["8", 2.5, True, 0, 1])
def test_numbers_of_segments_that_are_none(segments):
    with pytest.raises(InputError, match=f"segments: {segments!r}"):
        auxiliary(None, 10, segments=segments)


def test_u_that_is_not_used_is_held_to_the_rows():
    check_u(None, 4)
    check_u(["a", "b", "a", "b"], 4)
    for u, line in (([1, 2], "u: 2 values for 4 rows"), ([0.0, np.nan, 1.0, 2.0], "u: NaN or infinity in row 1")):
        with pytest.raises(InputError, match=line):
            check_u(u, 4)


def test_rows_of_different_lengths_are_no_u() -> None:
    with pytest.raises(InputError, match=r"^u: a list that makes no array"):
        auxiliary([[1], [1, 2]], 2)
