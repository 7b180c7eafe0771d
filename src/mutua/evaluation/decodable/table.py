"""Decodable information of encoders side by side, as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mutua.evaluation.decodable.curves import SIZES, loss_data, over_orderings
from mutua.evaluation.decodable.families import FAMILIES
from mutua.evaluation.decodable.targets import target
from mutua.evaluation.decodable.usable import usable_information
from mutua.types import InputError, Interval, Table, names

__all__ = ["DECODABLE", "check_families", "decodable_row", "decodable_table"]

DECODABLE = "Decodable information"

COLUMNS = ("family", "H(y), bits", "H(y | z), bits", "usable, bits", "interval", "code, bits a label", "interval ")


def check_families(families: Sequence[str]) -> None:
    """Raise `InputError` for a name that is no family, or none."""
    if not families or (unknown := set(families) - set(FAMILIES)):
        raise InputError(
            f"families: {names(unknown) if families else 'none'} of {names(FAMILIES)}; name some of these"
        )


def decodable_row(
    z: np.ndarray,
    y: np.ndarray,
    test: tuple[np.ndarray, np.ndarray] | None,
    family: str,
    *,
    orderings: int = 3,
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
) -> list[Any]:
    """A row of `COLUMNS`: what a family gains on test rows, and the prequential code of the training labels."""
    found = usable_information(z, y, family=family, test=test, seed=seed)
    code: list[Any] = [None, None]  # of numbers, whose code has no uniform start
    if target(y, len(z)).discrete:
        curve = loss_data(z, y, family=family, orderings=orderings, sizes=sizes, seed=seed)
        middle, low, high = over_orderings(curve.description_length() / curve.sizes[-1])
        code = [middle, Interval(float(low), float(high))]
    bit = math.log(2)
    return [
        family,
        found.null / bit,
        found.conditional / bit,
        found.bits,
        Interval(found.interval[0] / bit, found.interval[1] / bit),
        *code,
    ]


def decodable_table(rows: Sequence[Sequence[Any]], first: Sequence[str], about: str) -> Table:
    """The table of such rows, each led by what it is of."""
    note = (
        "H(y) without z, H(y | z) with the probe, both on test rows; usable is their difference, with 95 % over "
        "test rows; settings are chosen on validation rows. Code: the prequential code of the labels, with 95 % "
        "over orderings; log2 of the number of classes where nothing is told. Features are standardised. "
        f"{about}"
    )
    return Table(DECODABLE, [*first, *COLUMNS], rows, note.strip())
