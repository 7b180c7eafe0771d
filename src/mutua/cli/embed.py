"""`mutua embed RUN` and `mutua export RUN`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from mutua import runs
from mutua.cli.devices import check_device
from mutua.cli.output import say
from mutua.cli.reading import examples_of
from mutua.data import KINDS, Reading
from mutua.encoders import Ordered
from mutua.evaluation import features, piece_features
from mutua.types import InputError

__all__ = ["Embed", "Export"]


@dataclass(frozen=True)
class Embed:
    """Write features as .npz: `features` (n, d), and `names`, `labels`, `classes` where there are.

    Args:
        run: Folder of the run.
        out: File to write, .npz.
        data: Name of a data set, or a folder or file; what the run was trained on by default.
        reading: How the data are read.
        split: train, test or all.
        depth: Of the encoder; its last by default.
        pieces: A row for each frame (or row, or cell) instead of each example, of depth context by default, or
            pieces; `example` says the row of its example, `place` its number there.
        skip_bad: Leave out files that cannot be read, and count them.
        device: cpu or cuda.
        json: Print JSON instead of words.
    """

    run: Positional[Path]
    out: Path = Path("features.npz")
    data: str | None = None
    reading: Reading = Reading()  # noqa: RUF009 (frozen)
    split: str = "all"
    depth: str | None = None
    pieces: bool = False
    skip_bad: bool = False
    device: str = "cpu"
    json: bool = False

    def __call__(self) -> None:
        if self.out.suffix != ".npz":
            raise InputError(f"{self.out}: features are written as .npz; name the file so")
        check_device(self.device)
        encoder = runs.load(self.run)
        examples = examples_of(self.run, self.data, self.split, self.reading, self.skip_bad)
        arrays: dict[str, np.ndarray] = {}
        if self.pieces:
            if not isinstance(encoder, Ordered):
                raise InputError(
                    f"pieces: the encoder of {self.run} has none, as one that cpc learned; leave it out"
                )
            depth = self.depth or "context"
            values, arrays["example"], arrays["place"] = piece_features(
                encoder, examples, depth=depth, device=self.device
            )
        else:
            depths = None if self.depth is None else (self.depth,)
            found = features(encoder, examples, depths=depths, device=self.device)  # type: ignore[arg-type]
            ((depth, values),) = found.items()
        arrays["features"] = values
        if examples.names is not None:
            arrays["names"] = np.array(examples.names)
        if examples.labels is not None:
            arrays["labels"] = examples.labels
        if len(examples.targets) > 1:
            arrays |= {name: labels.codes for name, labels in examples.targets.items() if name not in arrays}
        if examples.classes:
            arrays["classes"] = np.array(examples.classes)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # numbers and text: nothing is pickled
        runs.write(self.out, buffer.getvalue())
        content = {"file": str(self.out), "depth": depth, "examples": len(values), "features": values.shape[1]}
        what = f"pieces of {KINDS[examples.spec.kind].plural}" if self.pieces else KINDS[examples.spec.kind].plural
        say(
            content,
            f"{self.out}: {len(values):,} {what} x {values.shape[1]} features of {depth}",
            self.json,
        )


@dataclass(frozen=True)
class Export:
    """Write an encoder as ONNX: examples as float32 (images (n, c, h, w) in [0, 1]) to features (n, d).

    Args:
        run: Folder of the run.
        out: File to write; RUN/encoder.onnx by default.
        json: Print JSON instead of words.
    """

    run: Positional[Path]
    out: Path | None = None
    json: bool = False

    def __call__(self) -> None:
        recipe = runs.recipe_of(self.run)
        out = self.out or (self.run if self.run.is_dir() else self.run.parent) / "encoder.onnx"
        runs.to_onnx(runs.load(self.run), out, recipe.spec)
        say({"file": str(out)}, f"{out}: written", self.json)
