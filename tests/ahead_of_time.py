"""Kernels in Triton compiled for a device that need not be there: `python ahead_of_time.py contrast 90`.

A line of JSON each: name, bytes of shared memory, and bytes a thread spills from its registers.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from mutua.kernels.contrast import cuda as contrast_triton
from mutua.kernels.views import cuda as views_triton
from mutua.kernels.views import stages as views_stages

# KiB of shared memory that a block may have.
ROOM = {80: 163, 86: 99, 89: 99, 90: 227, 100: 227, 120: 99}

POINTERS = {
    **dict.fromkeys(("L", "R", "MEAN", "A", "B", "OUT"), "*bf16"),
    **dict.fromkeys(("LSE", "LOG_A", "G_A", "LOG_B", "G_B", "sums", "table"), "*fp32"),
}


def compiled(kernel, constants, pointers, capability, num_warps, num_stages):
    """(Bytes of shared memory, bytes a thread spills)."""
    names = kernel.arg_names
    kinds = {name: "constexpr" if name in constants else pointers.get(name, "i32") for name in names}
    aligned = {(k,): [["tt.divisibility", 16]] for k, name in enumerate(names) if name in pointers}
    source = ASTSource(kernel, kinds, {(names.index(name),): value for name, value in constants.items()}, aligned)
    options = {"num_warps": num_warps, "num_stages": num_stages}
    made = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(made.asm["cubin"])
        file.flush()
        tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
        used = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    return made.metadata.shared, int(re.search(r"STACK:(\d+)", used)[1])


def contrast(capability):
    """Every kernel with the block that its device is given."""
    for k in (64, 128, 256):
        for kernel, flags in (
            (contrast_triton._rows, {"MEANS": False}),
            (contrast_triton._rows, {"MEANS": True}),
            (contrast_triton._sums, {"BY_ROW": False, "BY_COLUMN": True}),
            (contrast_triton._sums, {"BY_ROW": True, "BY_COLUMN": True}),
        ):
            sums = flags.get("MEANS", True)
            rows, columns, *how = contrast_triton.block_shape(k, sums, ROOM[capability] << 10)
            # As Triton specialises them: a count of one is a constant.
            constants = {"K": k, "BK": k, "BM": rows, "BN": columns, "row_each": 1, "column_each": 1, **flags}
            yield f"{kernel.__name__} {k} {flags}", compiled(kernel, constants, POINTERS, capability, *how)


def views(capability):
    """Each place with what a launch may do, from levels to levels or from floats to floats."""
    stages = views_stages
    for place in (stages.STAY, stages.CROPPED, stages.MOVED, stages.BLURRED_ROWS, stages.BLURRED_COLUMNS):
        for part in range(4):
            for rgb, levels in ((True, True), (False, False)):
                kind = "*u8" if levels else "*fp32"
                constants = {
                    "PLACE": place, "PART": part, "RGB": rgb, "WHITE": 255.0 if levels else 1.0, "LEVELS": levels,
                    "BLOCK": 1024, "BLOCKS": 64,
                }  # fmt: skip
                pointers = {**POINTERS, "source": kind, "out": kind}
                found = compiled(views_triton._stage, constants, pointers, capability, 8, 1)
                yield f"_stage {place} {part} rgb {rgb} levels {levels}", found


if __name__ == "__main__":
    which, capability = {"contrast": contrast, "views": views}[sys.argv[1]], int(sys.argv[2])
    for name, (shared, spilled) in which(capability):
        print(json.dumps([name, shared, spilled]), flush=True)
