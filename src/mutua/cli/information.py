"""`mutua mi`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from tyro.conf import Positional

from mutua.cli.columns import read_columns
from mutua.cli.output import say, show, status
from mutua.data.table import Columns, arrays_of, read_table, titles_of
from mutua.types import InputError, Table, names

if TYPE_CHECKING:
    from mutua.information import MutualInformationResult

__all__ = ["Information"]

SERIAL = {"auto": None, "yes": True, "no": False}
PAIRWISE = {"files", "x", "pairwise", "seed", "bits", "json"}
AGAINST = {"files", "y", "serial", "permutations", "seed", "bits", "json", "plot", "discrete_y", "continuous_y"}
"""What --pairwise, and --y alone, heed."""


@dataclass(frozen=True)
class Information:
    """Mutual information of two arrays or of columns of a table: how much one says of the other.

    mutua mi x.npy y.npy; mutua mi both.npz:x both.npz:y; mutua mi table.csv --x age,height --y weight; and
    mutua mi table.csv --y weight for every other column against it, ranked.

    Args:
        files: Two files, paired row by row, or one table: .npy, .npz:NAME, .csv, .tsv, .parquet.
        x: Columns of the table (or of the first file), by name, with commas between. By number for arrays.
        y: Columns of the table (or of the second file). Alone, with one table: all others against this one.
        given: What is known already, for conditional information: columns of the table, or a third file.
        effort: quick, default or thorough: seconds, a minute, several.
        estimator: auto, or one by name: ksg, gaussian, histogram, barber_agakov, infonce, mine, smile_5, club...
        critic: auto, separable, concat or bilinear, for a neural estimator by name.
        discrete_x: Take x's numbers as categories. By type where not said; text always is.
        discrete_y: Take y's numbers as categories.
        continuous_x: Take x's integers as measures, however few values they have.
        continuous_y: Take y's integers as measures.
        discrete_given: Take the numbers of what is given as categories.
        continuous_given: Take the integers of what is given as measures.
        serial: Whether neighbouring rows depend on each other, as in a recording over time; auto looks.
        drop_missing: Leave out the rows in which a column that is used has no value.
        pairwise: Information between every two columns of a table; missing values are left out pair by pair.
        checks: Check that the estimator keeps the laws of information on these data: six more estimates.
        plot: Picture to write, .png or .svg.
        permutations: Of the test against independence.
        seed: Of everything random.
        bits: Bits instead of nats.
        json: Print JSON instead of words.
    """

    files: Positional[tuple[str, ...]]
    x: str | None = None
    y: str | None = None
    given: str | None = None
    effort: str = "default"
    estimator: str = "auto"
    critic: str = "auto"
    discrete_x: bool = False
    discrete_y: bool = False
    continuous_x: bool = False
    continuous_y: bool = False
    discrete_given: bool = False
    continuous_given: bool = False
    serial: Literal["auto", "yes", "no"] = "auto"
    drop_missing: bool = False
    pairwise: bool = False
    checks: bool = False
    plot: Path | None = None
    permutations: int = 999
    seed: int = 0
    bits: bool = False
    json: bool = False

    def __call__(self) -> None:
        self._check()
        unit = "bits" if self.bits else "nats"
        if self.pairwise:
            self._pairs(unit)
            return
        if len(self.files) == 1 and self.x is None and self.y is not None and self._is_table():
            self._against(unit)
            return
        # Here, since the help needs neither scikit-learn nor pandas.
        from mutua.information import conditional_mutual_information, mutual_information
        from mutua.information.checks import self_checks
        from mutua.information.variables import paired, variable

        x, y, z = self._sides()
        for side, words in ((y, "y"), (z, "given")):
            if side is not None and len(side) != len(x):
                raise InputError(
                    f"{x.source} has {len(x):,} rows and {side.source} has {len(side):,} ({words}): "
                    "give pairs, row by row"
                )
        title = f"I({_listed(x)}; {_listed(y)}{'' if z is None else f' | {_listed(z)}'})"
        (x, y, *given), dropped = paired(
            {"x": x, "y": y} if z is None else {"x": x, "y": y, "z": z}, self.drop_missing
        )
        for side in (x, y, *given):
            _check_whole(side)
        kind_x, kind_y = self._kind("x", x), self._kind("y", y)
        if not given:
            with _progress("mi") as told:
                result = mutual_information(
                    x,
                    y,
                    discrete_x=kind_x,
                    discrete_y=kind_y,
                    effort=self.effort,
                    serial=SERIAL[self.serial],
                    permutations=self.permutations,
                    seed=self.seed,
                    estimator=self.estimator,
                    critic=self.critic,
                    told=told,
                )
        else:
            status("what y says of x beyond what is given")
            result = conditional_mutual_information(
                x,
                y,
                *given,
                discrete_x=kind_x,
                discrete_y=kind_y,
                discrete_z=self._kind("given", *given),
                effort=self.effort,
                serial=SERIAL[self.serial],
                permutations=self.permutations,
                seed=self.seed,
            )
        result = replace(result, diagnostics=(*dropped, *result.diagnostics))
        tables = []
        if self.checks:
            whole = result if self.estimator == "auto" else None
            tables.append(
                self_checks(
                    x,
                    y,
                    discrete_x=kind_x,
                    discrete_y=kind_y,
                    effort=self.effort,
                    whole=whole,
                    seed=self.seed,
                    told=lambda words: status(f"checks: {words}"),
                )
            )
        if self.plot is not None:
            read_x, read_y = variable(x, "x", kind_x), variable(y, "y", kind_y)
            from mutua.cli.information_plot import write_plot  # draws, as the help need not

            write_plot(self.plot, read_x, read_y, result, title, unit, self.seed)
        scaled = _scaled(result) if self.bits else result
        if self.json:
            content: dict[str, Any] = {"x": x.names, "y": y.names, "unit": unit, **scaled.as_dict()}
            content["bits"] = result.as_dict()["bits"]
            if given:
                content["given"] = given[0].names
            if self.checks:
                content["checks"] = tables[0].records()
            if self.plot is not None:
                content["plot"] = str(self.plot)
            say(content, "", True)
            return
        show([_table(scaled, title, unit), *tables])
        console = Console() if sys.stdout.isatty() else Console(width=110)
        for sentence in result.diagnostics:
            console.print(f"- {sentence}", markup=False, highlight=False)
        if self.bits and result.diagnostics:
            console.print("These sentences speak of nats: a bit is 0.693 of them.", highlight=False)
        if self.plot is not None:
            print(f"\n{self.plot}: written")

    def _check(self) -> None:
        """Refuse what can't be used before anything is read or computed."""
        from mutua.information import EFFORTS
        from mutua.information.named import check_names

        if self.effort not in EFFORTS:
            raise InputError(f"effort: {self.effort!r} is none of {names(EFFORTS)}")
        check_names(self.estimator, self.critic)
        if self.permutations < 19:
            raise InputError(f"permutations: {self.permutations}; a p-value of 0.05 needs at least 19")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"seed: {self.seed}; use a whole number from 0 to {2**32 - 1}")
        if self.pairwise:
            self._check_pairwise()
        for side in ("x", "y", "given"):
            if getattr(self, f"discrete_{side}") and getattr(self, f"continuous_{side}"):
                raise InputError(f"--discrete-{side} and --continuous-{side} exclude each other; give one")
        if self.given is None and (self.discrete_given or self.continuous_given):
            raise InputError(
                "given: nothing is, so --discrete-given and --continuous-given have no columns to be of"
            )
        if self.checks and self.serial != "auto":
            raise InputError("serial: --checks looks for itself whether rows depend; leave out one of the two")
        if self.given is not None and self.estimator != "auto":
            raise InputError(
                "given: conditional information is estimated by estimator auto only; leave out --estimator"
            )
        if self.given is not None and self.checks:
            raise InputError("given: --checks is for information without a condition; leave out one of the two")
        if self.plot is not None:
            from mutua.cli.information_plot import check_plot  # draws, as the help need not

            check_plot(self.plot)

    def _check_pairwise(self) -> None:
        """Refuse what is said of two sides, or of another estimator, where every pair of columns is read."""
        if len(self.files) != 1:
            raise InputError(f"files: {len(self.files)} given; --pairwise takes one table")
        for name in ("y", "given", "plot"):
            if getattr(self, name) is not None:
                raise InputError(f"{name}: not for --pairwise, which takes all columns, or those of --x")
        changed = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        unused = [f"--{name.replace('_', '-')}" for name in changed if name not in PAIRWISE]
        if unused:
            raise InputError(
                f"--pairwise reads pairs without networks, each column by its type; leave out {', '.join(unused)}"
            )

    def _sides(self) -> tuple[Columns, Columns, Columns | None]:
        if len(self.files) not in (1, 2):
            raise InputError(
                f"files: {len(self.files)} given; give two, as x.npy y.npy, or one table with --x and --y"
            )
        if len(self.files) == 1 and self.files[0].endswith(".npz") and self.given is None:
            return (*self._archive(Path(self.files[0])), None)
        one = len(self.files) == 1
        first, second = self.files[0], self.files[-1]
        if one and (self.x is None or self.y is None):
            titles = titles_of(first)
            if len(titles) == 1:
                raise InputError(f"{first}: has one column, which is x or y; give the other as a second file")
            listed = ", ".join(titles[:20])
            raise InputError(
                f"{first}: say which columns are which, as --x A,B --y C, or --y C alone for all against it, "
                "or give y as "
                f"a second file; it has {listed}"
            )
        x = read_columns(first, self.x, discrete=self.discrete_x)
        y = read_columns(second, self.y, discrete=self.discrete_y)
        z = None
        if self.given is not None:
            z = read_columns(*((first, self.given) if one else (self.given,)), discrete=self.discrete_given)
        if one:
            _check_apart(x, y, z)
        return x, y, z

    def _archive(self, path: Path) -> tuple[Columns, Columns]:
        """Two arrays of one .npz: those that --x and --y name, or the only two."""
        held = arrays_of(path)
        if self.x is None and self.y is None and len(held) == 2:
            first, second = sorted(held) if set(held) == {"x", "y"} else held
        elif self.x in held and self.y in held:
            first, second = self.x, self.y
        else:
            raise InputError(f"{path}: say which arrays are which, as --x A --y B; it has {', '.join(held[:20])}")
        return read_columns(f"{path}:{first}"), read_columns(f"{path}:{second}")

    def _kind(self, side: str, columns: Columns) -> bool | None:
        """What the command line says of a side's columns. Raises `InputError` for text said to be measures."""
        if getattr(self, f"discrete_{side}"):
            return True
        if not getattr(self, f"continuous_{side}"):
            return None
        for column in columns:
            if column.kind == "category" and column.names != ("False", "True"):
                raise InputError(
                    f"{columns.where(column)}: holds text, which has no order; leave out --continuous-{side}"
                )
        return False

    def _is_table(self) -> bool:
        """Whether the one file is a table of several columns, rather than an archive of arrays."""
        return Path(self.files[0]).suffix.lower() != ".npz" and len(titles_of(self.files[0])) > 1

    def _against(self, unit: str) -> None:
        """Every column of a table against one."""
        assert self.y is not None
        changed = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        unused = [f"--{name.replace('_', '-')}" for name in changed if name not in AGAINST | {"drop_missing"}]
        if unused:
            raise InputError(
                f"x: none is given, so every column is held against {self.y!r}, without networks; leave out "
                f"{', '.join(unused)}, or name --x"
            )
        from mutua.cli.information_table import say_against

        table = read_table(self.files[0])
        target = read_columns(self.files[0], self.y, discrete=self.discrete_y)
        if len(target.columns) != 1:
            raise InputError(f"y: {self.y!r} is {len(target.columns)} columns; name --x too, or one target")
        name = target.names[0]
        table = replace(table, columns=tuple(target.columns[0] if one.name == name else one for one in table))
        kinds = [self._kind("y", target) if one.name == name else None for one in table]
        with _progress("columns") as told:
            say_against(
                table,
                name,
                kinds,
                SERIAL[self.serial],
                self.permutations,
                self.seed,
                self.plot,
                unit,
                self.json,
                told,
            )

    def _pairs(self, unit: str) -> None:
        from mutua.cli.information_table import say_pairs

        table = read_table(self.files[0]) if self.x is None else read_columns(self.files[0], self.x)
        status(f"{math.comb(len(table.columns), 2):,} pairs of columns")
        say_pairs(table, self.seed, unit, self.json)


def _check_whole(side: Columns) -> None:
    """Refuse missing values before the work, in the words of the command line."""
    for column in side:
        if column.missing is not None:
            row = int(column.missing.argmax())
            raise InputError(
                f"{side.where(column)}: missing value in {column.place(row)}, the first of "
                f"{int(column.missing.sum()):,}; "
                "fill them in, or leave such rows out with --drop-missing"
            )
        column.check(side.where(column))


def _check_apart(x: Columns, y: Columns, z: Columns | None) -> None:
    """Refuse a column of one table that is on two sides."""
    both = set(x.names) & set(y.names)
    if both:
        raise InputError(f"x and y: column {min(both)!r} is in both, so the information is infinite; leave it out")
    for name, side in (("x", x), ("y", y)):
        known = set(side.names) & set(z.names if z is not None else ())
        if known:
            raise InputError(
                f"{name} and given: column {min(known)!r} is in both; leave it out of {name} or of given"
            )


def _listed(side: Columns) -> str:
    """A few names of columns; the file's where it has no names."""
    if all(title.isdigit() for title in side.names):
        return Path(side.source).name
    return ", ".join(side.names[:3]) + (f" and {len(side.names) - 3} more" if len(side.names) > 3 else "")


def _scaled(result: MutualInformationResult) -> MutualInformationResult:
    """In bits."""
    to = 1 / math.log(2)
    return replace(
        result,
        value=result.value * to,
        interval=(result.interval[0] * to, result.interval[1] * to),
        lower=result.lower * to,
        readings={name: value * to for name, value in result.readings.items()},
    )


def _table(result: MutualInformationResult, title: str, unit: str) -> Table:
    low, high = result.interval
    rows: list[list[Any]] = [
        ["value", f"{result.value:.3f}"],
        ["95 % interval", f"{low:.3f} to {high:.3f}"],
        *([["at least", f"{result.lower:.3f}"]] if result.lower > 0 else []),
        *([] if math.isnan(result.p_value) else [["p against independence", f"{result.p_value:.3g}"]]),
        *([name, f"{value:.3f}"] for name, value in result.readings.items() if np.isfinite(value)),
    ]
    return Table(title, ["", unit], rows, f"{result.n:,} rows, {result.estimator}")


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Hears of steps: a bar on a terminal, elsewhere a line at each fifth."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(name, total=None)
            yield lambda step, steps: bar.update(task, completed=step, total=steps)
        return
    said = -1

    def line(step: int, steps: int) -> None:
        nonlocal said
        if 5 * step // steps > said:
            said = 5 * step // steps
            status(f"{name}: step {step:,} of at most {steps:,}")

    yield line
