"""Probes: how well a simple classifier, trained on frozen features, reads the labels off them.

Each is a function (train_x, train_y, test_x, test_y, seed) -> Score of features (n, d) and whole-number labels
(n,). Test features and labels are used for the last number only: settings are chosen within train.

Each raises `InputError` for NaN or infinity (naming the row), for sizes that do not fit, and for a train set of
one class. `linear`, `svm` and `hinge`, which hold rows out to choose C, also for a class with one example,
naming it; `knn` and `mlp` choose nothing and take such a class as it is."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mutua.evaluation.neighbours import nearest, unit
from mutua.evaluation.probes.hinge import hinge
from mutua.evaluation.probes.linear_probes import linear, svm
from mutua.evaluation.probes.score import Probe, Score, check, moments, percent_right
from mutua.training import Plan, descend

__all__ = ["PROBES", "Probe", "Score", "hinge", "knn", "linear", "mlp", "svm"]


def knn(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    seed: int = 0,
    *,
    k: int = 20,
    temperature: float = 0.07,
    device: torch.device | str = "cpu",
) -> Score:
    """The k nearest neighbours by cosine similarity s, each voting exp(s / temperature) for its class.

    k is at most the number of train rows. Among equally similar rows the first, among classes of equal vote
    the lower. Has no randomness: `seed` is not used.

    Paper: Wu, Xiong, Yu and Lin 2018, Unsupervised Feature Learning via Non-Parametric Instance Discrimination,
    arXiv:1805.01978.
    """
    classes = check(train_x, train_y, test_x, test_y)
    k = min(k, len(train_x))
    similar, rows = nearest(unit(test_x, device), unit(train_x, device), k)  # (n, k) each
    codes = torch.from_numpy(np.searchsorted(classes, train_y)).to(device)[rows]  # (n, k)
    votes = torch.zeros(len(test_x), len(classes), device=device)
    for j in range(k):  # one neighbour at a time: the order of the sum, hence its rounding, is fixed
        votes.scatter_add_(1, codes[:, j : j + 1], ((similar[:, j : j + 1] - 1) / temperature).exp())
    accuracy = percent_right(classes[votes.numpy(force=True).argmax(1)], test_y)
    settings = {"k": k, "temperature": temperature}
    weighting = f", votes weighted exp(s/{temperature:g})" if k > 1 else ""
    return Score(accuracy, settings, f"{k} nearest neighbours by cosine similarity s{weighting}")


def mlp(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    seed: int,
    *,
    hidden: int = 200,
    dropout: float = 0.1,
    epochs: int = 50,
    batch: int = 64,
    rate: float = 1e-3,
    schedule: Literal["cosine", "constant"] = "cosine",
    averaged: int = 0,
    device: torch.device | str = "cpu",
) -> Score:
    """One hidden layer with batch norm, ReLU and dropout; Adam, the rate falling to 0 as a cosine; last epoch.

    Features are standardised. Where train is small the epochs grow, to at least 1,000 steps in all. Nothing is
    chosen on any split.

    Args:
        schedule: of the rate; the paper's is constant.
        averaged: so many last epochs are read, and the mean of their accuracies stands beside that of the last,
            among the settings; the paper prints the mean of the last 100. No figure is of the best epoch.

    Paper: the evaluation of Hjelm et al. 2019, Deep InfoMax, arXiv:1808.06670 (200 units, dropout 0.1).
    """
    classes = check(train_x, train_y, test_x, test_y)
    mean, scale = (torch.from_numpy(m).to(device) for m in moments(train_x))
    x = torch.as_tensor(train_x, dtype=torch.float32)
    codes = torch.from_numpy(np.searchsorted(classes, train_y))
    pieces = -(-len(x) // batch)
    epochs = max(epochs, -(-1000 // pieces))
    generator = torch.Generator().manual_seed(seed)
    place = torch.device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(x.shape[1], hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, len(classes)),
        ).to(device)
        plan = Plan(epochs=epochs, optimizer="adam", lr=rate, weight_decay=0.0, schedule=schedule)

        def judged() -> float:
            net.eval()
            with torch.no_grad():
                tests = torch.as_tensor(test_x, dtype=torch.float32).split(4096)
                scores = torch.cat([net((part.to(device) - mean) / scale).cpu() for part in tests])
            net.train()
            return percent_right(classes[scores.numpy().argmax(1)], test_y)

        read: list[float] = []

        def watch(done: int, _loss: torch.Tensor) -> None:
            if done % pieces == 0 and done // pieces > epochs - averaged:
                read.append(judged())

        descend(
            lambda rows: F.cross_entropy(net((x[rows].to(device) - mean) / scale), codes[rows].to(device)),
            net.parameters(),
            # Pieces of nearly one size: batch norm cannot take a last batch of one row.
            (
                rows
                for _ in range(epochs)
                for rows in torch.randperm(len(x), generator=generator).tensor_split(pieces)
            ),
            plan,
            watch=watch if averaged else None,
            steps_per_epoch=pieces,
        )
        accuracy = read[-1] if read else judged()
    settings = {"hidden": hidden, "dropout": dropout, "epochs": epochs, "batch": batch, "rate": rate}
    if averaged:
        settings[f"mean of the last {len(read)} epochs"] = float(np.mean(read))
    falling = " to 0 as a cosine" if schedule == "cosine" else ""
    return Score(
        accuracy,
        settings,
        f"MLP of {hidden} hidden units (batch norm, dropout {dropout:g}) on standardised features, "
        f"Adam {rate:g}{falling}, {epochs} epochs, the last taken",
    )


PROBES: dict[str, Probe] = {"linear": linear, "svm": svm, "hinge": hinge, "knn": knn, "mlp": mlp}
