"""Files of the contrastive estimators: damaged ones are named, and those of another machine are read."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mutua.data.kept import keep_estimator, kept_estimator
from mutua.data.sources import Mixture, tcl_mixture
from mutua.ica import TCL
from mutua.types import InputError


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    return tcl_mixture(0, d=2, segments=8, per_segment=40)


@pytest.fixture
def file(mixture: Mixture, tmp_path: Path) -> Path:
    quick = {"max_iter": 5, "restarts": 1, "baseline": False, "validation": 0, "device": "cpu"}
    TCL(**quick).fit(mixture.x, mixture.u).save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("broken", ["white.mean", "white.inverse", "model", "contrasts", "settings"])
@pytest.mark.parametrize("how", ["missing", "short"])
def test_a_damaged_file_is_named(broken: str, how: str, file: Path) -> None:
    settings, arrays = kept_estimator(file, "TCL")
    if broken == "model":
        broken = next(name for name, value in arrays.items() if name.startswith("model.") and value.ndim)
    if broken == "settings":
        settings = {} if how == "missing" else {**settings, "parameters": {"colour": "red"}}
    elif how == "missing" or broken == "contrasts":
        del arrays[broken]
    else:
        arrays[broken] = arrays[broken][..., :-1]
    keep_estimator(file, "TCL", settings, arrays)
    with pytest.raises(InputError, match="model: its parts don't fit together") as caught:
        TCL.load(file)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_a_file_from_cuda_is_read_where_there_is_none(file: Path, mixture: Mixture) -> None:
    before = TCL.load(file).transform(mixture.x)
    settings, arrays = kept_estimator(file, "TCL")
    settings["parameters"]["device"] = "cuda"
    keep_estimator(file, "TCL", settings, arrays)
    np.testing.assert_array_equal(TCL.load(file).transform(mixture.x), before)
