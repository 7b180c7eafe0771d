"""An encoder for programs without torch."""

from __future__ import annotations

import copy
import importlib.util
import logging
import os
import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from mutua.types import InputError

__all__ = ["to_onnx"]


class _Floats(nn.Module):
    """The encoder as a network of float images: ONNX has no call that depends on a dtype."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor:
        return self.encoder(images).flatten(1)


def to_onnx(encoder: nn.Module, path: Path | str, channels: int, size: int) -> None:
    """Write the encoder as ONNX: "images", float32 (n, c, h, w) in [0, 1], to "features", (n, d); any n.

    The weights are in the file itself. Raises `InputError` where onnx or onnxscript is missing.
    """
    if not (importlib.util.find_spec("onnx") and importlib.util.find_spec("onnxscript")):
        raise InputError("onnx: writing it needs onnx and onnxscript; pip install 'mutua[onnx]'")
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it, or write elsewhere")
    example = torch.rand(2, channels, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            _Floats(copy.deepcopy(encoder).eval().cpu()),
            (example,),
            input_names=["images"],
            output_names=["features"],
            dynamic_shapes={"images": {0: torch.export.Dim("n", min=1)}},
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
