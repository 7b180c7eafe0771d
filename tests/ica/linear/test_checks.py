"""What X is refused for, in one line, by every estimator of ICA."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from mutua.estimators.rows import rows_of
from mutua.estimators.whitening import whitening
from mutua.ica import LinearICA
from mutua.types import InputError

GOOD = np.random.default_rng(0).laplace(size=(50, 3))


@pytest.mark.parametrize(
    "x",
    [
        GOOD[:, 0],
        np.zeros((0, 3)),
        np.zeros((5, 0)),
        np.array([["a", "b"], ["c", "d"]]),
        GOOD + 1j,
        csr_array(GOOD),
        GOOD * 1e200,
    ],
    ids=["one axis", "no rows", "no columns", "text", "complex", "sparse", "huge"],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_rows_are_one_line(x: object) -> None:
    for refuse in (lambda: rows_of(LinearICA(), x, reset=True), lambda: LinearICA().fit(x)):
        with pytest.raises(InputError, match=r"^X: ") as caught:
            refuse()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 250


def test_other_columns_are_one_line() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(GOOD, columns=["a", "b", "c"])
    model = LinearICA().fit(frame)
    with pytest.raises(InputError, match=r"^X: The feature names should match") as caught:
        model.transform(frame[["c", "a", "b"]])
    assert "\n" not in str(caught.value)


def test_bfloat16_is_read() -> None:
    x = torch.tensor(GOOD, dtype=torch.bfloat16)
    np.testing.assert_array_equal(rows_of(LinearICA(), x, reset=True), x.float().numpy())
    np.testing.assert_array_equal(LinearICA().fit(x).mean_, LinearICA().fit(x.float().numpy()).mean_)


def test_covariances_that_overflow_are_named() -> None:
    with pytest.raises(InputError, match="X: too large"):
        whitening(np.zeros(2), np.diag([1.0, np.inf]), None)
