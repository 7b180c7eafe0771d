"""The two programs of `bench.cpc`, each run in a process of its own: our step, and that of
facebookresearch/CPC_audio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["SETTINGS", "asked"]

SETTINGS = {"width": 256, "units": 256, "samples": 20480, "batch": 8, "negatives": 128, "steps": 12, "rate": 2e-4}
"""CPC_audio's defaults but for a GRU (its default is an LSTM) and linear predictors (a transformer)."""

COMMON = """
import json, resource, sys, time
import torch
torch.set_num_threads(1)
ask = json.loads(sys.argv[1])
s = ask["settings"]
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
def timed(step):
    step()
    before, begun = peak(), []
    for _ in range(ask["count"]):
        at = time.process_time()
        step()
        begun.append(time.process_time() - at)
    return sorted(begun)[len(begun) // 2]
generator = torch.Generator().manual_seed(0)
x = torch.randn(s["batch"], 1, s["samples"], generator=generator)
"""

OURS = (
    COMMON
    + """
from mutua.encoders import wave_ahead
from mutua.methods import cpc
from mutua.types import Spec
spec = Spec("sound", (1, s["samples"]), "float32", 16000.0)
encoder = wave_ahead(spec, s["width"], s["units"])
method = cpc(encoder, steps=s["steps"], first=1, candidates=ask["candidates"])
optimizer = torch.optim.Adam(method.parameters(), lr=s["rate"])
at_rest = peak()
def step():
    loss = method.step(x, generator).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(json.dumps({"step": timed(step), "memory": peak() - at_rest, "torch": torch.__version__}))
"""
)

THEIRS = (
    COMMON
    + """
import types
for name in ("torchaudio", "progressbar"):  # imported by its modules, not used by encoder, context and criterion
    sys.modules.setdefault(name, types.ModuleType(name))
sys.path.insert(0, ask["peer"])
from cpc.criterion.criterion import CPCUnsupersivedCriterion
from cpc.model import CPCAR, CPCEncoder, CPCModel
model = CPCModel(CPCEncoder(s["width"]), CPCAR(s["width"], s["units"], False, 1, "GRU"))
criterion = CPCUnsupersivedCriterion(s["steps"], s["units"], s["width"], s["negatives"])
optimizer = torch.optim.Adam([*model.parameters(), *criterion.parameters()], lr=s["rate"])
at_rest = peak()
def step():
    c, z, _ = model(x, None)
    losses, _ = criterion(c, z, None)
    optimizer.zero_grad()
    losses.sum(1).mean().backward()
    optimizer.step()
print(json.dumps({"step": timed(step), "memory": peak() - at_rest, "torch": torch.__version__}))
"""
)

SAME = (
    COMMON
    + """
# The same weights and the same negatives: what either makes of one batch, in double precision.
import math, types
for name in ("torchaudio", "progressbar"):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.path.insert(0, ask["peer"])
from cpc.criterion.criterion import CPCUnsupersivedCriterion
from cpc.model import CPCAR, CPCEncoder
from mutua.encoders import wave_ahead
from mutua.streamed.told_apart import told_apart
from mutua.types import Spec
d, samples, steps = 16, 465 + 160 * 11, 4
spec = Spec("sound", (1, samples), "float32", 16000.0)
torch.manual_seed(0)
ours = wave_ahead(spec, d, d).double().train()
theirs, context = CPCEncoder(d).double(), CPCAR(d, d, False, 1, "GRU").double()
frames = ours.stages["pieces"].blocks[1]
for k, (convolution, norm, _) in enumerate(frames.layers):
    other, normed = getattr(theirs, f"conv{k}"), getattr(theirs, f"batchNorm{k}")
    other.weight.data.copy_(convolution.weight.data)
    other.bias.data.zero_()
    other.padding = (0,)  # ours pads nothing
    normed.weight.data.fill_(math.sqrt(d / (d - 1)))  # its variance is over d - 1
    normed.epsilon = 1e-5 * d / (d - 1)
context.baseNet.load_state_dict(ours.stages["context"].gru.state_dict())
wave = x[:3, :, :samples].double()
wave = wave / wave.square().mean((1, 2), keepdim=True).sqrt()  # the level that ours brings recordings to
z = theirs(wave).permute(0, 2, 1)
c = context(z)
pieces = ours.ahead(wave)
apart = [float((pieces.z[:, 0] - z).abs().max()), float((pieces.c[:, 0] - c).abs().max())]
n, t, _ = z.shape
window = t - steps
# Its negatives drawn as all frames but those at the context's own place: r from 1 on, in every sequence.
criterion = CPCUnsupersivedCriterion(steps, d, d, n * (t - 1)).double()
sequence = torch.arange(n).repeat_interleave(t - 1)
place = torch.arange(1, t).repeat(n)
drawn = [v[None, :, None].expand(n, -1, window).reshape(-1).clone() for v in (sequence, place)]
real, torch.randint = torch.randint, lambda *a, **k: drawn.pop(0)
losses, _ = criterion(c, z, None)
torch.randint = real
at = torch.arange(t).repeat(n)
found = []
for k in range(1, steps + 1):
    w = criterion.wPrediction.predictors[k - 1].weight / d
    query = (c[:, :window] @ w.T).flatten(0, 1)
    own = torch.arange(window).repeat(n)
    keep = lambda rows: own[rows, None] != at
    loss, _, _ = told_apart(query, z[:, k : k + window].flatten(0, 1), z.flatten(0, 1), keep)
    found.append(loss / (n * window))
both = torch.stack(found), losses[0]
weights = [p for p in theirs.parameters() if p.ndim == 3]
g, h = (torch.autograd.grad(one.sum(), weights, retain_graph=True) for one in both)
apart.append(float((both[0] - both[1]).abs().max()))
apart.append(max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(g, h)))
print(json.dumps(dict(zip(("pieces", "contexts", "losses", "gradients"), apart))))
"""
)

PROGRAMS = {"mutua": OURS, "CPC_audio": THEIRS, "same": SAME}


def asked(program: str, peer: Path, **more: Any) -> dict[str, Any]:
    """What a program prints, run by this interpreter with one thread."""
    ask = {"settings": SETTINGS, "peer": str(peer), "count": 5, "candidates": SETTINGS["negatives"], **more}
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[program], json.dumps(ask)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **one},
    )
    if done.returncode:
        raise SystemExit(f"cpc: {program} failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])
