"""What two processes train in chunks, for the test that they train as one does."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from mutua import ranks
from mutua.training import Plan, fit

sys.path.insert(0, str(Path(__file__).parents[1]))
from training.cut_toys import contrastive, images

KINDS = {"plain": "refuse", "tangled": "exact"}
"""Encoder to what is done about its batch norms."""


class Twenty:
    """Rows in double precision."""

    def __len__(self) -> int:
        return 20

    def take(self, index: Tensor) -> Tensor:
        return images(20)[index]


def plan(encoder: str, devices: int, micro_batch: int) -> Plan:
    return Plan(
        epochs=2, batch=10, micro_batch=micro_batch, batch_norm=KINDS[encoder], optimizer="sgd", lr=0.1, clip=0.5,
        accumulate=2, devices=devices, accelerator="cpu", log_every=1,
    )  # fmt: skip


def main(encoder: str, folder: str) -> None:
    torch.set_num_threads(1)
    method = contrastive(encoder)
    rows = fit(method, Twenty(), plan(encoder, 2, 2))  # each has 5 of a batch: chunks of 2, 2 and 1
    if ranks.rank() == 0:
        torch.save({"rows": rows, "weights": method.state_dict()}, Path(folder) / "found.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
