"""Each table and figure of the lecture as a study: a function of a frozen config that returns a `Result`.

A study module holds a frozen dataclass of plain values (its defaults are the `cpu` preset, minutes on two
cores), `PRESETS` that name others (`full` is the published setting), and `run(config) -> Result`. The catalogue
is a literal dict of module names, so that listing the studies imports none of them.
"""

from __future__ import annotations

STUDIES: dict[str, str] = {}
