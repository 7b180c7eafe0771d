"""Batches larger than memory: SimCLR on ResNet-18 (group norm), whole and in chunks; layouts, compilers."""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from bench.record import FOLDER, Log, keep
from mutua import runs
from mutua.encoders import build, image_spec
from mutua.training import Plan, cached_step, fit
from mutua.types import Table

ENCODER, SIZE = "resnet18-groupnorm", 32
# Batch, micro_batch, precision: 256 whole before and after each in chunks, for the machine isn't always the same.
STEPS = (
    *("256/0/bf16-mixed", "4096/64/bf16-mixed", "256/0/bf16-mixed"),
    *("256/0/32-true", "4096/64/32-true", "256/0/32-true"),
)
LAYOUTS = (("dim32", 256), ("resnet18", 256))


class Pictures:
    """n images of noise: a step's time doesn't depend on what they show."""

    def __init__(self, n: int) -> None:
        self.images = torch.randint(
            0, 256, (n, 3, SIZE, SIZE), dtype=torch.uint8, generator=Generator().manual_seed(0)
        )

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: Tensor) -> Tensor:
        return self.images[index]


def _method() -> torch.nn.Module:
    return runs.compose(runs.Recipe("simclr", ENCODER, image_spec(3, SIZE), {}, seed=0))


def _worker(batch: int, micro_batch: int, precision: Any) -> None:
    """One step by `fit`, after one of 8 images that makes the kernels: prints its CPU time and peak memory."""
    plan = Plan(epochs=1, batch=batch, micro_batch=micro_batch, precision=precision, accelerator="cpu")
    for n in (8, batch):
        method = _method()
        start = time.process_time(), time.monotonic()
        rows = fit(method, Pictures(n), plan)  # type: ignore[arg-type]
        spent = time.process_time() - start[0], time.monotonic() - start[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"cpu": spent[0], "wall": spent[1], "peak": peak, "loss": rows[-1]["loss"]}))


def _measured(step: str) -> dict[str, float]:
    """In a process of its own, so that its peak of memory is its own."""
    command = [sys.executable, "-m", "bench", "large_batch", "worker", *step.split("/")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    if done.returncode:
        raise RuntimeError(f"{step}: {done.stderr[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _equal() -> float:
    """How far a gradient of 24 images in chunks of 7 is from that of the whole, over its largest entry."""
    images = Pictures(24).images
    found = []
    for micro_batch in (7, 24):
        method = _method().train()
        cached_step(method, images, Generator().manual_seed(0), micro_batch)  # type: ignore[arg-type]
        found.append([p.grad for p in method.parameters()])
    pairs = [(a, b) for a, b in zip(*found, strict=True) if a is not None and b is not None]
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-8)) for a, b in pairs)


def _steps(steps: Sequence[str], log: Log) -> None:
    off = _equal()
    log(f"gradients in chunks differ from the whole batch's by {off:.1e} of the largest entry at most")
    words = [
        "Gradients in chunks are those of the whole batch: of 24 images in chunks of 7, in float32, they differ "
        f"by {off:.1e} of each tensor's largest entry at most (in float64, 1e-9: the tests)."
    ]
    found: dict[str, list[dict[str, float]]] = {}
    for step in steps:
        one = _measured(step)
        found.setdefault(step, []).append(one)
        log(
            f"{step}: {1e3 * one['cpu'] / int(step.split('/')[0]):.1f} ms of CPU an image, peak {one['peak']:.2f} "
            f"GiB, {one['wall']:.0f} s by the clock"
        )
        _keep(_step_table(found), words, log)


def _step_table(found: Mapping[str, Sequence[Mapping[str, float]]]) -> Table:
    rows: list[list[object]] = []
    each = {}
    for step, ones in found.items():
        batch, micro_batch, precision = step.split("/")
        each[step] = 1e3 * statistics.median(one["cpu"] for one in ones) / int(batch)
        reference = each.get(f"256/0/{precision}")
        ratio = None if reference is None else each[step] / reference
        peak = max(one["peak"] for one in ones)
        rows.append([precision, int(batch), micro_batch, len(ones), each[step], ratio, peak])
    columns = ["precision", "batch", "micro_batch", "steps", "CPU ms an image", "to batch 256", "peak GiB"]
    note = (
        "A step of `fit`: views, encoder, head, NT-Xent, backward, AdamW; process CPU time, medians; the peak is "
        "of a process of its own, interpreter and data included. micro_batch 0: the whole batch at once."
    )
    return Table(f"SimCLR, {ENCODER}, {SIZE} px, two views", columns, rows, note)


def _layout_seconds(name: str, n: int, channels_last: bool, compiled: bool, bf16: bool) -> tuple[float, float]:
    """Median CPU seconds of forward and backward, and of the first."""
    torch.manual_seed(0)
    encoder = build(name, 3, SIZE).train()
    if channels_last:
        for p in encoder.parameters():
            if p.ndim == 4:
                p.data = p.data.contiguous(memory_format=torch.channels_last)
    call = torch.compile(encoder) if compiled else encoder
    images = Pictures(n).images
    taken = []
    for _ in range(4):
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            z = call(images)
        z.float().square().mean().backward()
        taken.append(time.process_time() - start)
    return statistics.median(taken[1:]), taken[0]


def _layouts(sizes: Sequence[tuple[str, int]], log: Log) -> Table:
    rows: list[list[object]] = []
    for name, n in sizes:
        plain = None
        for channels_last, compiled, bf16 in (
            (False, False, False),
            (True, False, False),
            (True, True, False),
            (True, False, True),
        ):
            each, first = _layout_seconds(name, n, channels_last, compiled, bf16)
            plain = plain or each
            said = [word for word, on in (("channels-last", channels_last), ("compiled", compiled)) if on]
            rows.append(
                [name, n, ", ".join(said) or "plain", "bf16" if bf16 else "fp32", each, plain / each, first]
            )
            log(" ".join(map(str, rows[-1])))
    columns = ["encoder", "batch", "how", "precision", "CPU s", "times as fast", "CPU s, first"]
    note = "Forward and backward of the encoder, median of 3 after a first one, which compiles where it does."
    return Table("Layout, compiler and precision on a CPU", columns, rows, note)


def main(args: list[str]) -> None:
    """Take the steps and layouts named, all by default, and write the record after each."""
    if args[:1] == ["worker"]:
        torch.set_num_threads(1)
        _worker(int(args[1]), int(args[2]), args[3])
        return
    parser = argparse.ArgumentParser(prog="python -m bench large_batch")
    parser.add_argument("--steps", nargs="*", default=list(STEPS), help="BATCH/MICRO_BATCH/PRECISION")
    parser.add_argument(
        "--layouts", nargs="*", default=[f"{name}/{n}" for name, n in LAYOUTS], help="ENCODER/BATCH"
    )
    parsed = parser.parse_args(args)
    torch.set_num_threads(1)
    log = Log()
    if parsed.steps:
        _steps(parsed.steps, log)
    if parsed.layouts:
        _keep(_layouts([(name, int(n)) for name, n in (one.split("/") for one in parsed.layouts)], log), [], log)


def _keep(table: Table, words: Sequence[str], log: Log) -> None:
    """The record with this table in it, beside those that it has of another run."""
    path = FOLDER / "large_batch.json"
    before = json.loads(path.read_text()) if path.exists() else {"tables": [], "words": [], "log": []}
    tables = [Table(**one) for one in before["tables"] if one["title"] != table.title]
    title = "Batches larger than memory"
    log.lines[:0] = [line for line in before["log"] if line not in log.lines]
    keep("large_batch", title, [*tables, table], log, words or before["words"], {"threads": 1})
