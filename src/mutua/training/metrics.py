"""Metrics of a run as a CSV file that survives a kill: rows are appended, and cut back to where a run resumes."""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning_fabric.loggers.logger import Logger

from mutua.data.store import reason, replacing
from mutua.types import InputError

__all__ = ["Csv", "read"]


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a metrics file; none where there is no file. A last line without an end is left out."""
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        return list(csv.DictReader(whole.splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: holds no metrics ({reason(error)}); remove it, and curves are not shown"
        ) from None


class Csv(Logger):
    """A Fabric logger that writes `path`, one row a call of `log_metrics`, flushed at once.

    Args:
        path: of the file. Rows there of `keep` and later steps are cut off: they are about to come again.
        keep: the step that the run starts from.

    Raises `InputError` naming the file where it cannot be written, or holds what is no metrics.
    """

    def __init__(self, path: Path, keep: int = 0) -> None:
        self.path = path
        try:
            kept = [row for row in read(path) if int(row["step"]) < keep]
            for row in kept:
                for value in row.values():
                    float(value or 0)  # none where a later row has brought a column
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: holds no metrics of mutua ({error}); move it away and resume") from error
        self.columns: list[str] = list(kept[0]) if kept else []
        self._rewrite(kept)

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any) -> None:
        """Nothing: a run's folder records them."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        row = {"step": step, **metrics}
        if new := [name for name in row if name not in self.columns]:
            self.columns += new
            self._rewrite(read(self.path))
        try:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, self.columns, lineterminator="\n").writerow(row)
        except OSError as error:
            raise self._unwritable(error) from error

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        text = io.StringIO()
        if self.columns:
            writer = csv.DictWriter(text, self.columns, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(rows)
        try:
            with replacing(self.path) as file:
                file.write(text.getvalue().encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(
            f"{self.path}: cannot be written ({error.strerror}); free space and resume, or use another folder"
        )
