"""What the tests of information share."""

from __future__ import annotations

import pytest

from mutua.information.default.cross_fit import Fit
from mutua.information.default.evidence import EFFORTS, Effort


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Effort "quick" as little as still runs everything: for what is true of an estimate however good it is."""
    monkeypatch.setitem(EFFORTS, "quick", Effort(2, 16, Fit(steps=60, patience=2), False))
