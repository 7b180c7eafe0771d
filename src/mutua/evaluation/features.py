"""From examples to feature matrices, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mutua.data.kinds import KINDS, Kind
from mutua.types import Batch, Encode, Encoder, InputError, Rows, Spec, names

__all__ = ["check_features", "features", "inputs", "placed", "raw", "raw_name", "reading"]

OUTPUT = "output"
"""The depth's name of a function that has only one."""


def inputs(batch: Any) -> Batch:
    """The examples of a batch as `Rows.take` gives it: the batch itself, or what stands before the labels."""
    return batch[0] if isinstance(batch, (tuple, list)) else batch


def placed(batch: Batch, device: torch.device | str) -> Batch:
    """The batch on a device."""
    if isinstance(batch, Mapping):
        return {name: part.to(device) for name, part in batch.items()}
    return batch.to(device)


def _kind(examples: Rows) -> Kind:
    """Of the examples; rows that have no spec are taken for images, by numbers alone."""
    spec = getattr(examples, "spec", None)
    return KINDS[spec.kind if isinstance(spec, Spec) else "image"]


def raw_name(examples: Rows) -> str:
    """What tables call the raw-input control of such examples."""
    return _kind(examples).raw_name


def _module(encode: Encode | Encoder) -> nn.Module | None:
    """The network behind `encode`: itself, or the owner of a bound method such as `method.encode`."""
    owner = encode if isinstance(encode, nn.Module) else getattr(encode, "__self__", None)
    return owner if isinstance(owner, nn.Module) else None


@contextmanager
def reading(encode: Encode | Encoder, device: torch.device | str) -> Iterator[None]:
    """Eval mode, no gradients, on `device`; afterwards every submodule is in the mode, and place, it was."""
    module = _module(encode)
    if module is None:
        with torch.no_grad():
            yield
        return
    # Module by module: a frozen batch norm inside a training network stays frozen.
    modes = {part: part.training for part in module.modules()}
    home = next((p.device for p in module.parameters()), torch.device(device))
    module.eval().to(device)
    try:
        with torch.no_grad():
            yield
    finally:
        module.to(home)
        for part, mode in modes.items():
            part.training = mode


def available(encode: Encode | Encoder) -> tuple[str, ...]:
    """The depths that `encode` can be read at, shallow to deep; a plain function has one, "output"."""
    return tuple(encode.depths) if isinstance(encode, Encoder) else (OUTPUT,)


def _read(encode: Encode | Encoder, batch: Batch, depths: Sequence[str]) -> dict[str, Tensor]:
    if isinstance(encode, Encoder):
        return encode.read(batch, depths)
    return {OUTPUT: encode(batch)}


def features(
    encode: Encode | Encoder,
    examples: Rows,
    *,
    depths: Sequence[str] | None = None,
    batch: int = 512,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
) -> dict[str, np.ndarray]:
    """The features of every example at the named depths: float32 (n, d) each, maps flattened.

    The examples pass once, `batch` at a time, in eval mode and without gradients; only features are kept, at
    4 n d bytes a depth. The network's modes are put back as they were.

    Args:
        depths: the encoder's last one by default. A plain function has one depth, "output".
        precision: float32, or bfloat16 or float16 to run the network under autocast.

    Raises `InputError` for an unknown depth, for no examples, and for features with NaN or infinity, naming the
    depth and the first such row.
    """
    known = available(encode)
    wanted = tuple(depths) if depths is not None else known[-1:]
    if not wanted or (unknown := set(wanted) - set(known)):
        raise InputError(
            f"depth: {names(unknown) if wanted else 'none'} is not one of this encoder's {', '.join(known)}"
        )
    n = len(examples)
    if n == 0:
        raise InputError("examples: there are none to encode; give at least one")
    found: dict[str, np.ndarray] = {}
    kind = torch.device(device).type
    with reading(encode, device), torch.autocast(kind, precision, enabled=precision != torch.float32):
        for start in range(0, n, batch):
            rows = torch.arange(start, min(start + batch, n))
            read = _read(encode, placed(inputs(examples.take(rows)), device), wanted)
            for depth in wanted:
                value = read[depth]
                if len(value) != len(rows):
                    raise InputError(
                        f"encode: {len(value)} rows out for {len(rows)} examples at depth {depth!r}; "
                        "it must return one vector each"
                    )
                flat = value.reshape(len(rows), -1).float().numpy(force=True)  # (batch, d)
                out = found.setdefault(depth, np.empty((0, 0), np.float32))
                if start == 0:
                    out = found[depth] = np.empty((n, flat.shape[1]), np.float32)
                _finite(flat, f"features at depth {depth!r}", start)
                out[start : start + len(rows)] = flat
    return found


def _finite(x: np.ndarray, name: str, first: int = 0) -> None:
    if not np.isfinite(x).all():
        row = first + int(np.flatnonzero(~np.isfinite(x).all(1))[0])
        raise InputError(
            f"{name}: NaN or infinity in row {row}; look at that example, or train with a smaller step"
        )


def raw(examples: Rows, *, train: Rows | None = None, batch: int = 512) -> np.ndarray:
    """The raw input as features, float32 (n, d), streamed: pixels, MFCC, columns; `Kind.raw` says which.

    Args:
        train: what the features are fitted on, where they are fitted; the examples themselves by default.
    """
    n = len(examples)
    if n == 0:
        raise InputError("examples: there are none to read; give at least one")
    described = _kind(examples).raw(examples if train is None else train)
    out = np.empty((0, 0), np.float32)
    for start in range(0, n, batch):
        rows = torch.arange(start, min(start + batch, n))
        found = described(inputs(examples.take(rows)))
        if start == 0:
            out = np.empty((n, found.shape[1]), np.float32)
        out[start : start + batch] = found
        _finite(out[start : start + batch], "examples", start)
    return out


def check_features(x: np.ndarray, name: str) -> None:
    """Raise `InputError` unless x is (n, d) of finite floats; looks at a block of rows at a time."""
    if not isinstance(x, np.ndarray):
        raise InputError(f"{name}: a {type(x).__name__}; give an array of floats, (n, d)")
    if x.ndim != 2 or 0 in x.shape or not np.issubdtype(x.dtype, np.floating):
        raise InputError(f"{name}: {x.dtype} of shape {x.shape} where floats (n, d) are needed")
    for start in range(0, len(x), 4096):
        _finite(x[start : start + 4096], name, start)
