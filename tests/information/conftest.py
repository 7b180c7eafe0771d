"""What the tests of information share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mutua.information.default.evidence import EFFORTS


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Effort "quick" as little as still runs everything: for what is true of an estimate however good it is."""
    usual = EFFORTS["quick"]
    few = replace(usual, folds=2, width=16, plan=replace(usual.plan, epochs=60), patience=2)
    monkeypatch.setitem(EFFORTS, "quick", few)
