"""The studies of TCL, GCL and PCL, small."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mutua.studies.nonlinear import gcl, pcl, tcl
from mutua.studies.nonlinear.table import CONTROLS, summary
from mutua.types import InputError

SMALL: list[tuple[Any, Any, list[str]]] = [
    (
        tcl,
        tcl.Config(n_sources=2, segments=8, per_segment=64, layers=(1, 2), seeds=1, max_iter=5),
        ["TCL", "TCL, s with sign", "TCL, maxout", "TCL, maxout, s with sign"],
    ),
    (gcl, gcl.Config(settings=("past",), max_iter=2), ["GCL"]),
    (pcl, pcl.Config(n_sources=2, n=500, layers=(1,), max_iter=5), ["PCL"]),
]


@pytest.mark.parametrize(("study", "config", "methods"), SMALL)
def test_every_setting_has_its_rows_beside_the_controls(study: Any, config: Any, methods: list[str]) -> None:
    result = study.run(config)
    rows = result.tables[0].records()
    settings = list(dict.fromkeys(row[result.tables[0].columns[0]] for row in rows))
    assert settings == list(map(str, getattr(config, "layers", ()) or config.settings))
    assert [row["method"] for row in rows] == [*CONTROLS, *methods] * len(settings)
    assert all(row["seeds"] == config.seeds and 0 <= row["MCC"] <= 1 for row in rows)
    assert all((row["held-out nats"] is None) == (row["method"] in CONTROLS) for row in rows)
    assert result.figures
    assert all("<svg" in text for text in result.figures.values())
    assert f"{rows[4]['MCC']:.3f}" in result.words[0]


def test_the_summary_by_hand() -> None:
    def row(pearson: float) -> dict[str, Any]:
        return {"method": "m", "pearson": pearson, "spearman": 0.5, "seconds": 2.0, "nats": 1.0}

    table = summary("t", {"1": [[row(0.2)], [row(0.6)]], "2": [[row(0.9)]]}, "layers", "")
    first, second = table.records()
    assert (first["MCC"], first["lowest"]) == (pytest.approx(0.4), 0.2)
    assert first["sd"] == pytest.approx(np.std([0.2, 0.6], ddof=1))
    assert second["sd"] is None


@pytest.mark.parametrize(
    ("study", "config"),
    [(tcl, tcl.Config(seeds=0)), (pcl, pcl.Config(layers=())), (gcl, gcl.Config(settings=("future",)))],
)
def test_nothing_to_run_is_refused(study: Any, config: Any) -> None:
    with pytest.raises(InputError):
        study.run(config)
