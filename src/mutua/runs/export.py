"""An encoder for programs without torch."""

from __future__ import annotations

import copy
import importlib.util
import logging
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mutua.types import InputError, Spec

__all__ = ["to_onnx"]


class _Floats(nn.Module):
    """The encoder as a network of floats: ONNX has no call that depends on a dtype."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.encoder(x if mask is None else {"x": x, "mask": mask}).flatten(1)


def to_onnx(encoder: nn.Module, path: Path | str, spec: Spec) -> None:
    """Write the encoder as ONNX: float32 examples, any number of them, to "features" (n, d).

    The input is called "images" (n, c, h, w) in [0, 1], or after its kind: "sound" (n, c, t) in [-1, 1], "series"
    (n, t, c), "table" (n, columns); where examples are padded there is another, "mask" (n, t). The weights are in
    the file itself. Raises `InputError` where onnx or onnxscript is missing.
    """
    if not (importlib.util.find_spec("onnx") and importlib.util.find_spec("onnxscript")):
        raise InputError("onnx: writing it needs onnx and onnxscript; pip install onnx onnxscript")
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it, or write elsewhere")
    names = ["images" if spec.kind == "image" else spec.kind]
    examples: tuple[Tensor, ...] = (torch.rand(2, *spec.shape),)
    sizes: dict[str, Any] = {"x": {0: torch.export.Dim("n", min=1)}}
    if spec.masked:
        names.append("mask")
        examples = (*examples, torch.ones(2, spec.shape[spec.time], dtype=torch.bool))
        sizes["mask"] = {0: sizes["x"][0]}
    else:
        sizes["mask"] = None
        examples = (*examples, None)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            _Floats(copy.deepcopy(encoder).eval().cpu()),
            examples,
            input_names=names,
            output_names=["features"],
            dynamic_shapes=sizes,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        program.save(beside, external_data=False)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
