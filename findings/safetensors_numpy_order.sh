#!/usr/bin/env bash
# safetensors 0.8.0 (seen 2026-11-30), NumPy 2.4.6: save_file of a transposed, Fortran-ordered or strided array writes the
# values in the order they lie in memory under the array's shape. Expected: the array comes back, or an error as from
# safetensors.torch, which refuses tensors that are not contiguous. Seen: load_file gives other values, without a word.
# What to do: numpy.ascontiguousarray before saving.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6
"$place/venv/bin/python" - "$place" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

rows = np.arange(6.0).reshape(2, 3)
wrong = []
for name, array in {"transposed": rows.T, "Fortran": np.asfortranarray(rows), "strided": rows[:, ::2]}.items():
    file = Path(sys.argv[1]) / f"{name}.safetensors"
    save_file({"x": array}, file)
    back = load_file(file)["x"]
    print(f"{name}: saved {array.tolist()}, loaded {back.tolist()}")
    wrong.append(not np.array_equal(array, back))
sys.exit(0 if all(wrong) else 1)
PYTHON
echo "as found: all three come back with other values"
