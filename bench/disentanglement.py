"""Metrics of disentanglement: published definitions on scikit-learn, as the public libraries are, and ours.

disentanglement_lib asks for TensorFlow 1, and disent for an old torch; what both compute is scikit-learn's
GradientBoostingClassifier, LinearSVC, LogisticRegression, mutual_info_score, mutual_info_classif in these loops.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score, roc_auc_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from bench.record import Log, keep
from mutua.evaluation.disentangled.dci import disentanglement_completeness
from mutua.evaluation.disentangled.given import Given, given
from mutua.evaluation.disentangled.table import DISENTANGLEMENT
from mutua.types import Table

LEVELS = (3, 6, 40, 32, 32)


def codes(n: int) -> Given:
    """Ten codes of dSprites' factors: each once with noise, two rotated together, three of noise."""
    random = np.random.default_rng(0)
    factors = np.stack([random.integers(0, level, n) for level in LEVELS], 1)
    scaled = factors / np.array(LEVELS) + 0.03 * random.normal(size=(n, 5))
    turned = scaled[:, 3:] @ np.linalg.qr(random.normal(size=(2, 2)))[0]
    return given(np.hstack([scaled, turned, random.normal(size=(n, 3))]), factors)


def _information(data: Given) -> np.ndarray:
    found = np.zeros((data.codes.shape[1], data.factors.shape[1]))
    for i, code in enumerate(data.codes.T):
        bins = np.digitize(code, np.histogram(code, 20)[1][:-1])
        for j, factor in enumerate(data.factors.T):
            found[i, j] = mutual_info_score(factor, bins)
    return found


def mig(data: Given, seed: int) -> dict[str, float]:
    found = np.sort(_information(data), 0)[::-1]
    full = [mutual_info_score(factor, factor) for factor in data.factors.T]
    return {"MIG": float(np.mean((found[0] - found[1]) / full))}


def modularity(data: Given, seed: int) -> dict[str, float]:
    square = _information(data) ** 2
    most = square.max(1)
    return {"modularity": float(np.mean(1 - (square.sum(1) - most) / (most * (square.shape[1] - 1))))}


def dci(data: Given, seed: int) -> dict[str, float]:
    learned, judged = data.split(seed)
    table, right = np.zeros((data.codes.shape[1], len(LEVELS))), []
    for j in range(len(LEVELS)):
        model = GradientBoostingClassifier(random_state=0).fit(learned.codes, learned.factors[:, j])
        table[:, j] = model.feature_importances_
        right.append((model.predict(judged.codes) == judged.factors[:, j]).mean())
    d, c = disentanglement_completeness(table)
    return {"disentanglement": d, "completeness": c, "informativeness": float(np.mean(right))}


def sap(data: Given, seed: int) -> dict[str, float]:
    learned, judged = data.split(seed)
    table = np.zeros((data.codes.shape[1], len(LEVELS)))
    for i in range(len(table)):
        for j in range(len(LEVELS)):
            model = LinearSVC(C=0.01, class_weight="balanced").fit(learned.codes[:, [i]], learned.factors[:, j])
            table[i, j] = (model.predict(judged.codes[:, [i]]) == judged.factors[:, j]).mean()
    top = np.sort(table, 0)
    return {"SAP": float((top[-1] - top[-2]).mean())}


def explicitness(data: Given, seed: int) -> dict[str, float]:
    learned, judged = data.split(seed)
    mean, spread = learned.codes.mean(0), learned.codes.std(0)
    areas = []
    for j in range(len(LEVELS)):
        model = LogisticRegression().fit((learned.codes - mean) / spread, learned.factors[:, j])
        one_hot = LabelBinarizer().fit(learned.factors[:, j]).transform(judged.factors[:, j])
        areas.append(roc_auc_score(one_hot, model.predict_proba((judged.codes - mean) / spread)))
    return {"explicitness": float(np.mean(areas))}


def irs(data: Given, seed: int) -> dict[str, float]:
    most = np.abs(data.codes - data.codes.mean(0)).max(0)
    table = np.zeros((data.codes.shape[1], len(LEVELS)))
    for j, factor in enumerate(data.factors.T):
        for value in np.unique(factor):
            part = data.codes[factor == value]
            table[:, j] += np.quantile(np.abs(part - part.mean(0)), 0.99, axis=0)
        table[:, j] /= len(np.unique(factor))
    return {"IRS": float(np.average((1 - table / most[:, None]).max(1), weights=most))}


def infomec(data: Given, seed: int) -> dict[str, float]:
    standard = (data.codes - data.codes.mean(0)) / data.codes.std(0)
    active = np.ptp(data.codes, axis=0) > np.ptp(data.codes, axis=0).max() / 20
    share = np.zeros((len(LEVELS), standard.shape[1]))
    explained = []
    for j, factor in enumerate(data.factors.T):
        for i in range(standard.shape[1]):
            share[j, i] = mutual_info_classif(standard[:, [i]], factor, n_neighbors=10, random_state=0)[0]
        share[j] /= mutual_info_score(factor, factor)
        model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100).fit(standard, factor)
        null = np.log(len(np.unique(factor)))
        explained.append(1 - log_loss(factor, model.predict_proba(standard)) / null)
    share = share[:, active]
    s, a = share.shape
    return {
        "InfoM": float((np.mean(share.max(0) / share.sum(0)) - 1 / s) / (1 - 1 / s)),
        "InfoC": float((np.mean(share.max(1) / share.sum(1)) - 1 / a) / (1 - 1 / a)),
        "InfoE": float(np.mean(explained)),
    }


def beta_vae(data: Given, seed: int) -> dict[str, float]:
    """Pair by pair, as the library draws; the draws are its own, so that scores agree to their noise."""
    random = np.random.RandomState(seed)
    of = [[np.flatnonzero(factor == value) for value in range(factor.max() + 1)] for factor in data.factors.T]

    def drawn(many: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.zeros((many, data.codes.shape[1])), np.zeros(many, int)
        for at in range(many):
            y[at] = random.randint(len(LEVELS))
            first = random.randint(len(data.codes), size=64)
            second = [random.choice(of[y[at]][data.factors[row, y[at]]]) for row in first]
            x[at] = np.abs(data.codes[first] - data.codes[second]).mean(0)
        return x, y

    model = LogisticRegression(max_iter=1000).fit(*drawn(10_000))
    return {"BetaVAE": float(model.score(*drawn(5_000)))}


def factor_vae(data: Given, seed: int) -> dict[str, float]:
    random = np.random.RandomState(seed)
    of = [[np.flatnonzero(factor == value) for value in range(factor.max() + 1)] for factor in data.factors.T]
    variance = data.codes.var(0, ddof=1)
    tables = []
    for many in (10_000, 5_000):
        votes = np.zeros((len(LEVELS), len(variance)), int)
        for _ in range(many):
            j = random.randint(len(LEVELS))
            rows = random.choice(of[j][data.factors[random.randint(len(data.codes)), j]], 64)
            votes[j, (data.codes[rows].var(0, ddof=1) / variance).argmin()] += 1
        tables.append(votes)
    winner = tables[0].argmax(0)
    return {"FactorVAE": float(tables[1][winner, np.arange(len(winner))].sum() / tables[1].sum())}


PEERS: dict[str, Callable[[Given, int], dict[str, float]]] = {
    "mig": mig,
    "modularity": modularity,
    "irs": irs,
    "infomec": infomec,
    "sap": sap,
    "explicitness": explicitness,
    "beta_vae": beta_vae,
    "factor_vae": factor_vae,
    "dci": dci,
}


def main(args: list[str]) -> None:
    """Every published metric on codes of 10,000 x 10."""
    parser = argparse.ArgumentParser(prog="python -m bench disentanglement", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    given_ = parser.parse_args(args)
    log, rows = Log(), []
    data = codes(given_.rows)
    torch.set_num_threads(1)
    totals = np.zeros(3)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        DISENTANGLEMENT["dci"].published(codes(200), 0)  # compiles
        for name, theirs in PEERS.items():
            start = time.process_time()
            ours = DISENTANGLEMENT[name].published(data, 0)
            at = time.process_time()
            mended = DISENTANGLEMENT[name].mended(data, 0)
            then = time.process_time()
            found = theirs(data, 0)
            seconds = at - start, time.process_time() - then, then - at
            totals += seconds
            for part, value in found.items():
                line: list[Any] = [name, part, ours[part], value, abs(ours[part] - value), mended.get(part)]
                rows.append([*line, *(seconds[:2] if part == next(iter(found)) else (None, None))])
            log(f"{name}: {seconds[0]:.2f} s, {seconds[1]:.2f} s")
    rows.append(["all", "", None, None, None, None, float(totals[0]), float(totals[1])])
    columns = ["metric", "part", "ours", "reference", "difference", "mended", "CPU s", "reference, CPU s"]
    note = (
        f"{given_.rows:,} rows of 10 codes, dSprites' five factors; one thread. Scores that draw pairs or points "
        "draw their own; boosted trees choose at random among splits that are equally good; LogisticRegression "
        "stops at its default tolerance, ours at the minimum. "
        f"The mended metrics took {totals[2]:.1f} CPU s beside."
    )
    words = [f"All published metrics take {totals[0] / totals[1]:.3f} of the reference's CPU time."]
    table = Table("Metrics of disentanglement", columns, rows, note)
    title = "Metrics of disentanglement beside their published definitions"
    keep("disentanglement", title, [table], log, words, vars(given_))
