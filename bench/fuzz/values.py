"""Arrays and other things that somebody might hand over."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
import torch

__all__ = ["odd", "rows", "spoiled", "table"]


def rows(draw: random.Random, n: int | None = None, d: int | None = None) -> np.ndarray:
    """(n, d) sound rows: mixtures of Laplace sources."""
    rng = np.random.default_rng(draw.randrange(2**32))
    n = draw.choice([1, 2, 3, 5, 10, 40, 120, 120, 120]) if n is None else n
    d = draw.choice([1, 2, 3, 3, 3, 6]) if d is None else d
    return rng.laplace(size=(n, d)) @ rng.normal(size=(d, d))


def spoiled(draw: random.Random, x: np.ndarray) -> Any:
    """The same with something wrong with it, or of another type, or nothing."""
    x, rng = x.copy(), np.random.default_rng(draw.randrange(2**32))
    one = tuple(draw.randrange(length) for length in x.shape) if x.size else ()
    what = draw.randrange(26)
    if what < 5 and x.size and x.dtype == float:
        x[one] = [np.nan, np.inf, -np.inf, 1e300, 1e-320][what]
    made: dict[int, Any] = {
        5: lambda: x * draw.choice([1e-9, 1e9, 1e150, 1e-150, 0.0]),
        6: lambda: np.repeat(x, 3, 0),
        7: lambda: np.concatenate([x, x[..., :1]], -1),
        8: lambda: np.concatenate([x, np.ones_like(x[..., :1])], -1),
        9: lambda: (10 * x).astype(draw.choice(["int8", "int16", "int64", "uint8"])),
        10: lambda: x.astype(draw.choice(["float16", "float32", "longdouble"])),
        11: lambda: x > 0,
        12: lambda: x.astype(object),
        13: lambda: x.astype(str),
        14: lambda: x + 1j * x,
        15: lambda: np.ma.masked_greater(x, 1.0),
        16: x.tolist,
        17: lambda: torch.from_numpy(x),
        18: lambda: pd.DataFrame(x) if x.ndim == 2 else pd.Series(x.ravel()),
        19: lambda: x[..., None],
        20: lambda: x.T,
        21: lambda: x[:0],
        22: lambda: np.round(x),
        23: lambda: np.sort(x, 0),
        24: lambda: x[rng.permutation(len(x))][:, ::-1] if x.ndim == 2 else x[::-1],
    }
    with np.errstate(all="ignore"):
        return made[what]() if what in made else x


def odd(draw: random.Random) -> Any:
    """What is no argument of anything."""
    return draw.choice(
        [None, True, "", "auto", "ä\n\0", -1, 0, 1, 2**40, -(2**70), 0.5, float("nan"), float("inf"), 1e-300, [],
        {}, (),
         [1, "a"], np.zeros(0), np.float32(2), np.int64(3), b"bytes", object(), {"a": 1}, [[1], [1, 2]], print]
    )  # fmt: skip


def table(draw: random.Random, n: int) -> dict[str, list[Any]]:
    """Columns of cells, some of them odd."""
    rng = np.random.default_rng(draw.randrange(2**32))
    columns: dict[str, list[Any]] = {}
    for k in range(draw.choice([1, 2, 3, 5])):
        kind = draw.randrange(8)
        cells: list[Any] = [f"{v:.3f}" for v in rng.normal(size=n)]
        if kind == 1:
            cells = [draw.choice("abc") for _ in range(n)]
        elif kind == 2:
            cells = [str(int(v)) for v in rng.integers(0, 50, n)]
        elif kind == 3:
            cells = [f"{v:.2f}".replace(".", ",") for v in rng.normal(size=n)]
        elif kind == 4:
            cells = [f"2020-0{1 + i % 9}-1{i % 9}" for i in range(n)]
        elif kind == 5:
            cells = [
                draw.choice(["", "NA", "?", "1e999", "-", "nan", "١", "1_000", "0x1f", '"', "a\tb"])
                for _ in range(n)
            ]
        elif kind == 6:
            cells = ["7"] * n
        for _ in range(draw.choice([0, 0, 0, 1, n // 3])):
            if cells:
                cells[draw.randrange(n)] = draw.choice(["", "NA", "?", "inf", "abc", "1,5", "é"])
        columns[draw.choice([f"c{k}", f"c{k}", f" c{k}", "c0", "", "ü", "1"])] = cells
    return columns
