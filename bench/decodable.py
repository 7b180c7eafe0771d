"""Loss-data curves and prequential codes beside scikit-learn's LogisticRegression, retrained at each point.

Both at the same penalty, and both over the same grid of five, of which one is chosen at each point. Losses are
compared first, then CPU time, on one thread.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from bench.record import Log, keep
from mutua.data import load
from mutua.data.splits import split_rows
from mutua.evaluation import loss_data
from mutua.evaluation.decodable.curves import CURVE_PENALTIES, SIZES
from mutua.types import Table

ORDERINGS, TEST = 5, 10_000


def representations(n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Codes of n MNIST digits, and a Gaussian mixture."""
    images = load("mnist", "train")
    rows = np.random.default_rng(0).permutation(len(images))[:n]
    pixels = torch.as_tensor(images.take(torch.from_numpy(rows))).float() / 255
    assert images.labels is not None
    labels = images.labels[rows]
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 32, 5, 2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(32, 64, 5, 2),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 128),
        torch.nn.ReLU(),
    )
    with torch.no_grad():
        features = torch.cat([net(part) for part in pixels.split(1000)]).numpy()
    features = features[:, features.std(0) > 1e-6]
    flat = pixels.flatten(1).numpy()
    centred = flat - flat.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    random = np.random.default_rng(1)
    classes = random.integers(0, 10, n)
    mixture = 0.4 * random.normal(size=(10, 64))[classes] + random.normal(size=(n, 64))
    return {
        f"random convolutions, {features.shape[1]}": (features, labels),
        "principal components, 64": (centred @ axes[:, :64], labels),
        "Gaussian mixture, 64": (mixture.astype(np.float32), classes),
        "pixels, 784": (flat, labels),
    }


def peer(x: np.ndarray, y: np.ndarray, penalties: tuple[float, ...], seed: int, share: float) -> tuple[Any, Any]:
    """`loss_data` by scikit-learn: the same rows, orderings, pseudo-row and choice of the penalty."""
    learned, tested = split_rows(len(x), y, share, seed)
    mean, spread = x[learned].mean(0), x[learned].std(0)
    x = ((x - mean) / np.where(spread > 0, spread, 1)).astype(np.float32)
    k = int(y.max()) + 1
    losses, ahead = np.empty((ORDERINGS, len(SIZES))), np.empty((ORDERINGS, len(SIZES) - 1))

    def lost(model: LogisticRegression, rows: np.ndarray, n: int) -> float:
        chance = np.zeros((len(rows), k))
        chance[:, model.classes_] = model.predict_proba(x[rows])
        return -float(np.log((n * chance[np.arange(len(rows)), y[rows]] + 1 / k) / (n + 1)).mean())

    for o in range(ORDERINGS):
        order = np.random.RandomState([seed, o]).permutation(learned)[: SIZES[-1]]
        best = len(penalties) // 2
        models: list[LogisticRegression] = []
        for i, n in enumerate(SIZES):
            if models:
                fresh = [lost(model, order[SIZES[i - 1] : n], SIZES[i - 1]) for model in models]
                ahead[o, i - 1] = fresh[best]
                best = int(np.argmin(fresh))
            models = [
                LogisticRegression(C=1 / penalty, max_iter=2000).fit(x[order[:n]], y[order[:n]])
                for penalty in penalties
            ]
            losses[o, i] = lost(models[best], tested, n)
    return losses, ahead


def main(args: list[str]) -> None:
    """Curves over 10 to 10,000 labels in five orderings."""
    parser = argparse.ArgumentParser(prog="python -m bench decodable", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(args)
    log, rows = Log(), []
    n = SIZES[-1] + TEST
    share = TEST / n
    torch.set_num_threads(1)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name, (x, y) in representations(n).items():
            for penalties, words in (((1.0,), "C = 1"), (CURVE_PENALTIES, "of five")):
                if x.shape[1] > 500 and len(penalties) > 1:
                    continue
                ours_s, theirs_s = [], []
                for _ in range(given.rounds if len(penalties) == 1 else 1):
                    start = time.process_time()
                    only = penalties[0] if len(penalties) == 1 else None
                    ours = loss_data(x, y, orderings=ORDERINGS, test=share, penalty=only)
                    middle = time.process_time()
                    losses, ahead = peer(x, y, penalties, 0, share)
                    ours_s.append(middle - start)
                    theirs_s.append(time.process_time() - middle)
                bits = np.log(2)
                code = (ahead @ np.diff(SIZES) / bits + SIZES[0] * np.log2(10)).mean() / SIZES[-1]
                rows.append(
                    [
                        name,
                        words,
                        float(ours.losses[:, -1].mean()),
                        float(losses[:, -1].mean()),
                        float(np.abs(ours.losses.mean(0) - losses.mean(0)).max()),
                        float(ours.description_length().mean() / SIZES[-1]),
                        float(code),
                        median(ours_s),
                        median(theirs_s),
                        median(a / b for a, b in zip(ours_s, theirs_s, strict=True)),
                    ]
                )
                log(f"{name}, {words}: {rows[-1][-1]:.3f} of the time")
    columns = [
        "representation",
        "penalty",
        "loss at 10,000",
        "scikit-learn's",
        "largest difference",
        "code, bits a label",
        "scikit-learn's ",
        "CPU s",
        "scikit-learn, CPU s",
        "ratio",
    ]
    note = (
        f"Held-out loss in nats a label on {TEST:,} rows, {ORDERINGS} orderings, {len(SIZES)} sizes to 10,000; "
        "largest difference of the mean losses over sizes; one thread; reading the test rows is in both times. "
        "scikit-learn with its default tolerance."
    )
    table = Table("Loss-data curves and prequential codes", columns, rows, note)
    keep("decodable", "Loss-data curves beside scikit-learn", [table], log, [], vars(given))
