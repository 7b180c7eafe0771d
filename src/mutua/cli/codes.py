"""`mutua usable FILE` and `mutua disentangle FILE`: measures of a user's own vectors, from an .npz."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from mutua.cli.output import say, show, status, tables_json
from mutua.types import InputError, Table

__all__ = ["Disentangle", "Usable"]

_Z, _Y = ("z", "features", "codes", "x"), ("y", "labels", "factors")


@dataclass(frozen=True)
class Usable:
    """Decodable information: what a family of probes can use of vectors z to tell y, in bits.

    Beside mutual information, which no bijection changes, this is what a probe reads: H(y) less the loss of the
    best probe of a family, on held-out rows; and the length of the prequential code of y.

    Args:
        file: An .npz with z (n, d) and y (n,), such as `mutua embed` writes.
        z: Name of the array of vectors; z, features, codes or x by default.
        y: Name of the array of labels or numbers; y or labels by default.
        families: Of probes: any of linear, knn, mlp; mlp takes minutes.
        orderings: Of the labels, for code lengths and curves.
        curve: Show the loss by the number of labels too.
        seed: Of everything random.
        json: Print JSON instead of tables.
    """

    file: Positional[Path]
    z: str | None = None
    y: str | None = None
    families: tuple[str, ...] = ("linear", "knn")
    orderings: int = 3
    curve: bool = False
    seed: int = 0
    json: bool = False

    def __call__(self) -> None:
        from mutua.evaluation.decodable.curves import loss_data
        from mutua.evaluation.decodable.table import check_families, decodable_row, decodable_table

        check_families(self.families)
        arrays = _arrays(self.file)
        z, y = _one(self.file, arrays, self.z, _Z), _one(self.file, arrays, self.y, _Y)
        rows, curves = [], []
        for family in self.families:
            status(family)
            rows.append(decodable_row(z, y, None, family, orderings=self.orderings, seed=self.seed))
            if self.curve:
                found = loss_data(z, y, family=family, orderings=self.orderings, seed=self.seed)
                curves.append(found.table())
        _shown([decodable_table(rows, (), f"{len(z):,} rows of {self.file}."), *curves], self.json)


@dataclass(frozen=True)
class Disentangle:
    """How far single columns of codes stand for single factors: every metric, as published and mended.

    Args:
        file: An .npz with codes (n, d) and factors (n, k), the factors whole numbers.
        codes: Name of the array of codes; codes, z, features or x by default.
        factors: Name of the array of factors; factors, y or labels by default.
        metrics: Which; all that need no further models by default.
        bootstrap: Resamples for the intervals; 0 for none.
        seed: Of everything random.
        json: Print JSON instead of tables.
    """

    file: Positional[Path]
    codes: str | None = None
    factors: str | None = None
    metrics: tuple[str, ...] = ()
    bootstrap: int = 50
    seed: int = 0
    json: bool = False

    def __call__(self) -> None:
        from mutua.evaluation import disentanglement

        arrays = _arrays(self.file)
        codes = _one(self.file, arrays, self.codes, ("codes", *_Z))
        factors = _one(self.file, arrays, self.factors, ("factors", *_Y))
        found = disentanglement(
            codes, factors, metrics=self.metrics or None, bootstrap=self.bootstrap, seed=self.seed
        )
        _shown([found], self.json)


def _arrays(file: Path) -> dict[str, np.ndarray]:
    from mutua.data.image.compact import npz_arrays

    if file.suffix != ".npz":
        raise InputError(f"{file}: give an .npz of named arrays, as numpy.savez(file, z=..., y=...) writes")
    return npz_arrays(file)


def _one(file: Path, arrays: dict[str, np.ndarray], named: str | None, usual: tuple[str, ...]) -> np.ndarray:
    """The array of that name, or the first of the usual names."""
    name = named if named is not None else next((name for name in usual if name in arrays), usual[0])
    if name not in arrays:
        raise InputError(f"{file}: has no array {name!r}; it has {', '.join(arrays) or 'none'}: name one of them")
    return arrays[name]


def _shown(tables: list[Table], as_json: bool) -> None:
    if as_json:
        say(tables_json(tables), "", True)
    else:
        show(tables)
