"""`mutua embed RUN` and `mutua export RUN`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from mutua import runs
from mutua.cli.devices import check_device
from mutua.cli.evaluate import images_of
from mutua.cli.output import say
from mutua.evaluation import features
from mutua.types import InputError

__all__ = ["Embed", "Export"]


@dataclass(frozen=True)
class Embed:
    """Write the features of images as .npz: `features` (n, d), and `names`, `labels`, `classes` where there are.

    Args:
        run: Folder of the run.
        out: File to write, .npz.
        data: Name of a data set, or a folder or file; what the run was trained on by default.
        split: train, test or all.
        depth: Of the encoder; its last by default.
        skip_bad: Leave out image files that cannot be read, and count them.
        device: cpu or cuda.
        json: Print JSON instead of words.
    """

    run: Positional[Path]
    out: Path = Path("features.npz")
    data: str | None = None
    split: str = "all"
    depth: str | None = None
    skip_bad: bool = False
    device: str = "cpu"
    json: bool = False

    def __call__(self) -> None:
        if self.out.suffix != ".npz":
            raise InputError(f"{self.out}: features are written as .npz; name the file so")
        check_device(self.device)
        encoder = runs.load(self.run)
        images = images_of(self.run, self.data, self.split, skip_bad=self.skip_bad)
        depths = None if self.depth is None else (self.depth,)
        found = features(encoder, images, depths=depths, device=self.device)  # type: ignore[arg-type]
        ((depth, values),) = found.items()
        arrays: dict[str, np.ndarray] = {"features": values}
        if images.names is not None:
            arrays["names"] = np.array(images.names)
        if images.labels is not None:
            arrays["labels"] = images.labels
        if images.classes:
            arrays["classes"] = np.array(images.classes)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # numbers and text: nothing is pickled
        runs.write(self.out, buffer.getvalue())
        content = {"file": str(self.out), "depth": depth, "images": len(values), "features": values.shape[1]}
        say(content, f"{self.out}: {len(values):,} images x {values.shape[1]} features of {depth}", self.json)


@dataclass(frozen=True)
class Export:
    """Write an encoder as ONNX: images, float32 (n, c, h, w) in [0, 1], to features (n, d).

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
        runs.to_onnx(runs.load(self.run), out, recipe.channels, recipe.size)
        say({"file": str(out)}, f"{out}: written", self.json)
