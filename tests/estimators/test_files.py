"""Estimators in files: a round trip, and each way a file can be wrong."""

import numpy as np
import pytest
import torch

from mutua.estimators.files import FORMAT, read_estimator, write_estimator
from mutua.types import InputError


def test_settings_and_arrays_come_back(tmp_path):
    path = tmp_path / "model.safetensors"
    settings = {
        "n": None,
        "rate": 0.1,
        "layers": (3, 2),
        "name": "x",
        "on": True,
        "deep": {"a": [np.float32(1.5)]},
    }
    tensors = {
        "w": np.arange(6.0).reshape(2, 3).T,  # not contiguous
        "t": torch.ones(2, dtype=torch.float32, requires_grad=True),
        "k": np.int64(4),
        "flags": np.array([True, False]),
    }
    write_estimator(path, "TCL", settings, tensors)
    version, back, arrays = read_estimator(str(path), "TCL")
    assert version == FORMAT
    assert back == {"n": None, "rate": 0.1, "layers": [3, 2], "name": "x", "on": True, "deep": {"a": [1.5]}}
    np.testing.assert_array_equal(arrays["w"], tensors["w"])
    assert arrays["t"].dtype == np.float32
    assert arrays["k"].shape == ()
    assert arrays["k"] == 4
    assert arrays["flags"].dtype == bool


def test_what_cannot_be_kept_is_refused_and_leaves_no_file(tmp_path):
    path = tmp_path / "model"
    with pytest.raises(InputError, match=r"settings\['net'\] is a object"):
        write_estimator(path, "TCL", {"net": object()}, {})
    with pytest.raises(InputError, match="labels is of type <U1"):
        write_estimator(path, "TCL", {}, {"labels": np.array(["a"])})
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_estimator(tmp_path / "file" / "model", "TCL", {}, {})
    assert not path.exists()


def test_wrong_files_are_one_line(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(InputError, match="there is no such file"):
        read_estimator(path, "TCL")
    write_estimator(path, "TCL", {}, {"w": np.ones(100)})
    with pytest.raises(InputError, match=r"holds a TCL, not a GCL; use TCL\.load"):
        read_estimator(path, "GCL")
    whole = path.read_bytes()
    for broken in (whole[:200], whole[:4], b"", b"\x80pickle" * 40, whole.replace(b'"mutua"', b'"other"')):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="cut short, or no estimator of mutua") as caught:
            read_estimator(path, "TCL")
        assert "\n" not in str(caught.value)
    path.write_bytes(whole.replace(b'format\\": 2', b'format\\": 9'))
    with pytest.raises(InputError, match="has format 9"):
        read_estimator(path, "TCL")
