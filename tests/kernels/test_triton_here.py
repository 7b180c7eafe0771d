"""Where Triton is, but makes no kernels: said once, and the plain way is taken."""

import warnings

import pytest
import torch

from mutua.kernels.devices.triton_here import triton_here

# Interpreted on the CPU where there is no CUDA.
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def nothing_remembered():
    triton_here.cache_clear()
    yield
    triton_here.cache_clear()


def test_a_trial_that_fails_warns_once(monkeypatch):
    pytest.importorskip("triton", reason="Triton is not installed")
    from mutua.kernels.devices import triton_trial

    def fails(device):
        raise RuntimeError("Failed to find C compiler.\nPlease specify one.")

    monkeypatch.setattr(triton_trial, "trial", fails)
    with pytest.warns(UserWarning, match=r"for \w+ \(Failed to find C compiler\.\): the plain way"):
        assert not triton_here(DEVICE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not triton_here(DEVICE)


def test_a_trial_that_succeeds_says_nothing():
    pytest.importorskip("triton", reason="Triton is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert triton_here(DEVICE)


def test_without_triton_nothing_is_said(monkeypatch):
    monkeypatch.setattr("mutua.kernels.devices.triton_here.find_spec", lambda name: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not triton_here(DEVICE)
