"""Data as the verbs read them: those named, or those that a run learned from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mutua import runs
from mutua.data import DATASETS, KINDS, Access, Examples, Reading, read
from mutua.data.loading import kind_of
from mutua.methods import METHODS
from mutua.types import InputError

__all__ = ["examples_of", "recorded_reading", "square"]


def recorded_reading(data: Mapping[str, Any]) -> Reading:
    """How the data of a run were read, of a config's part "data"; older ones recorded the size of images alone."""
    said = data.get("reading")
    return Reading.of(said if isinstance(said, dict) else {"size": data.get("size")})


def examples_of(
    run: Path, data: str | None, split: str, reading: Reading | None = None, skip_bad: bool = False
) -> Examples:
    """A part of the data named, or of those the run was trained on, read as its encoder takes them.

    What `reading` says comes first, then what the run recorded, then what its encoder needs.
    """
    recipe = runs.recipe_of(run)
    spec = recipe.spec
    said = (reading or Reading()).said()
    if data is None:
        if not run.is_dir():
            raise InputError(f"{run}: says nothing of its data; name some with --data")
        recorded = runs.config(run)["data"]
        data = recorded.get("name")
        said = recorded_reading(recorded).said() | said
        skip_bad = skip_bad or bool(recorded.get("skip_bad"))
        if data is None:
            raise InputError(f"{run}: was trained on data handed over in Python; name some with --data")
    if said.get("kind", spec.kind) != spec.kind:
        raise InputError(f"kind: {said['kind']}, and {run} takes {spec.kind}; leave it out")
    needed = KINDS[spec.kind].reading(spec).said()
    vocabulary = (run if run.is_dir() else run.parent) / runs.VOCABULARY
    if vocabulary.is_file():
        needed["vocabulary"] = str(vocabulary)
    seen = DATASETS[data].kind if data in DATASETS else said.get("kind") or kind_of(Path(data))
    if seen != spec.kind:
        plural = KINDS[seen].plural
        raise InputError(
            f"{data}: {run} takes {KINDS[spec.kind].plural}, and these are {plural}; give data of its kind"
        )
    if data in DATASETS:
        needed = {name: value for name, value in needed.items() if name != "channels"}
    return square(read(data, split, Reading.of(needed | said), Access(skip_bad)), data, recipe.method)


def square(examples: Examples, name: str, method: str) -> Examples:
    """The examples, refused where they are images that are not square, and the method doesn't learn from tiles of
    them: encoders and rotations need them so."""
    if examples.spec.kind == "image" and METHODS[method].within is None:
        _, height, width = examples.spec.shape
        if height != width:
            mend = f"make them square with --size {min(height, width)}"
            raise InputError(f"{name}: images of {height} x {width}; {mend}")
    return examples
