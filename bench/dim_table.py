"""What Deep InfoMax's table costs: DIM(L)'s step beside its encoder's, a VAE's epoch beside its networks', and
pythae's.

pythae is not among the project's packages: name a folder that it is installed in as PYTHAE (pip install
--target), or its line stays empty."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from bench.record import Log, keep
from mutua.data import Images, load
from mutua.encoders import dim32
from mutua.encoders.inputs import pixels
from mutua.methods import deep_infomax, vae
from mutua.streamed.choice import _Held
from mutua.training import Plan, fit
from mutua.types import Method, Table

BATCH = 64
ROUNDS = 5


def _cpu(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def _interleaved(works: dict[str, Callable[[], object]], rounds: int, log: Log) -> dict[str, float]:
    """Median CPU seconds of each, taken in turn."""
    for work in works.values():
        work()
    found: dict[str, list[float]] = {name: [] for name in works}
    for k in range(rounds):
        for name, work in works.items():
            found[name].append(_cpu(work))
        log(f"round {k + 1}: " + ", ".join(f"{name} {times[-1]:.3f} s" for name, times in found.items()))
    return {name: median(times) for name, times in found.items()}


def _held(work: Callable[[], object]) -> float:
    """MiB of tensors made by a step and alive at once, at most."""
    with _Held() as held:
        work()
    return held.most / 2**20


def _stepping(method: Method, batch: Tensor) -> Callable[[], None]:
    def step() -> None:
        method.zero_grad()
        method.step(batch, torch.Generator().manual_seed(0)).loss.backward()

    return step


def _local(batch: Tensor, log: Log) -> tuple[Table, list[str]]:
    torch.manual_seed(0)
    encoder = dim32()

    def alone() -> None:
        encoder.zero_grad()
        encoder(batch).square().mean().backward()

    works: dict[str, Callable[[], object]] = {"encoder, forward and backward": alone}
    for name, settings in {
        "DIM(L) InfoNCE, all 64 locations, 2,048 units": {},
        "the same, 8 locations": {"locations": 8},
        "all 64 locations, 512 units": {"units": 512},
        "all 64 locations, 128 units": {"units": 128},
    }.items():
        works[name] = _stepping(deep_infomax(dim32(), **settings), batch)  # type: ignore[arg-type]
    times = _interleaved(works, ROUNDS, log)
    own = times["encoder, forward and backward"]
    rows = [[name, times[name], times[name] / own, _held(work)] for name, work in works.items()]
    places, units = 64 * BATCH, 2048
    flops = 3 * 2 * places * units * (128 + 128 + units) / 1e9
    said = (
        f"The critic of 2,048 units takes {flops:.0f} Gflop a step, both ways, on {places:,} locations, nearly "
        "all in one layer of 2,048 x 2,048 before a layer norm, whose backward pass needs that product again: no "
        "order of the work leaves it out. Scores are 64 x 4,096, too few to stream: `streamed` holds them by its "
        "own rule."
    )
    note = f"A step of {BATCH} images, 32 px, median of {ROUNDS}, in turn. MiB: tensors a step makes and holds."
    return Table("DIM(L)'s step", ["step", "CPU s", "times the encoder", "MiB"], rows, note), [said]


def _networks(images: Images, steps: int) -> Callable[[], object]:
    """Encoder and decoder alone: forward, squared error, backward, Adam."""
    torch.manual_seed(0)
    method = vae(dim32())
    for p in method.parameters():
        if p.ndim == 4:
            p.data = p.data.contiguous(memory_format=torch.channels_last)
    trained = torch.optim.Adam(method.parameters(), lr=1e-4, fused=True)

    def epoch() -> None:
        for k in range(steps):
            x = pixels(images.take(torch.arange(k * BATCH, (k + 1) * BATCH)))
            trained.zero_grad()
            read = method.encoder.read(images.take(torch.arange(k * BATCH, (k + 1) * BATCH)), ("fc", "Y"))
            raw = method.decoder(read["Y"] + 0 * method.log_deviation(read["fc"]))
            (torch.tanh(raw) - x).square().sum().div(BATCH).backward()
            trained.step()

    return epoch


def _ours(images: Images) -> Callable[[], object]:
    plan = Plan(
        epochs=1, batch=BATCH, optimizer="adam", lr=1e-4, weight_decay=0.0, accelerator="cpu", log_every=1000
    )

    torch.manual_seed(0)
    method = vae(dim32())

    def epoch() -> None:
        fit(method, images, plan)

    return epoch


def _pythae(images: Images) -> Callable[[], object] | None:
    if place := os.environ.get("PYTHAE"):
        sys.path.append(place)
    if importlib.util.find_spec("pythae") is None:
        return None
    import logging

    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    logging.getLogger("pythae").setLevel(logging.ERROR)
    theirs = vae(dim32())  # for its networks alone

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            BaseEncoder.__init__(self)
            self.net, self.head = theirs.encoder, theirs.log_deviation

        def forward(self, x: Tensor) -> Any:
            read = self.net.read((x + 1) / 2, ("fc", "Y"))
            return ModelOutput(embedding=read["Y"], log_covariance=2 * self.head(read["fc"]))

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self) -> None:
            BaseDecoder.__init__(self)
            self.net: nn.Module = theirs.decoder

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=torch.tanh(self.net(z)))

    data = pixels(images.take(torch.arange(len(images)))).numpy()

    def epoch() -> None:
        with tempfile.TemporaryDirectory() as folder:
            config = BaseTrainerConfig(
                output_dir=folder, num_epochs=1, per_device_train_batch_size=BATCH, learning_rate=1e-4,
                optimizer_cls="Adam", no_cuda=True,
            )  # fmt: skip
            model = VAE(VAEConfig(input_dim=(3, 32, 32), latent_dim=64), Encoder(), Decoder())
            from pythae.data.datasets import DatasetOutput

            class Rows(torch.utils.data.Dataset):  # type: ignore[type-arg]
                def __len__(self) -> int:
                    return len(data)

                def __getitem__(self, i: int) -> Any:
                    return DatasetOutput(data=torch.from_numpy(data[i]))

            BaseTrainer(model=model, train_dataset=Rows(), training_config=config).train()

    return epoch


def main(args: list[str]) -> None:
    """Measure, and keep the record; `--steps N` batches an epoch."""
    steps = int(args[args.index("--steps") + 1]) if "--steps" in args else 40
    log = Log()
    torch.set_num_threads(1)
    images = load("cifar10", "train").subset(torch.arange(steps * BATCH))
    table, words = _local(images.take(torch.arange(BATCH)), log)
    works: dict[str, Callable[[], object]] = {
        "encoder and decoder alone, Adam": _networks(images, steps),
        "mutua's VAE, fit": _ours(images),
    }
    if (peer := _pythae(images)) is not None:
        works["pythae's VAE, BaseTrainer, same networks"] = peer
    times = _interleaved(works, 3, log)
    own = times["encoder and decoder alone, Adam"]
    rows = [[name, steps * BATCH / seconds, seconds / own] for name, seconds in times.items()]
    second = Table(
        "A VAE's epoch",
        ["training", "images a CPU second", "times the networks alone"],
        rows,
        f"{steps} batches of {BATCH}, medians of 3 epochs in turn, one thread.",
    )
    keep("dim_table", "What Deep InfoMax's table costs", [table, second], log, words, {"steps": steps})
