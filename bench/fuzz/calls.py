"""Estimators and functions of the library, called with generated values."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.fuzz.values import odd, rows, spoiled, table
from mutua import generative, ica, information
from mutua.data import from_array
from mutua.estimators.base import Estimator
from mutua.evaluation import loss_data, near_duplicates, usable_information
from mutua.evaluation.sources.si_sdr import matched_si_sdr
from mutua.words import Vectors, Word2Vec

__all__ = ["Kind", "calls"]

Made = tuple[str, Callable[[], Any]]
Kind = tuple[int, Callable[[random.Random, Path], Made]]
"""How often it is drawn, and what makes an input of it: words for it, and the call."""

_FAST: dict[str, Any] = {
    "max_iter": 5, "n_init": 1, "batch_size": 16, "hidden_layer_sizes": (5,), "baseline": False, "trial_iter": 2,
    "finalists": 1,
}  # fmt: skip


def calls() -> dict[str, Kind]:
    """Name to kind."""
    kinds: dict[str, Kind] = {}
    for name, kind in (ica.ESTIMATORS | generative.ESTIMATORS).items():
        kinds[f"estimator {name}"] = (20 if name in ("LinearICA", "ProbabilisticPCA", "FactorAnalysis") else 7,
        partial(
            _estimator, kind
        ))  # fmt: skip
    kinds["information"] = (60, _information)
    kinds["columns of a table"] = (30, _columns)
    kinds["vectors"] = (40, _vectors)
    kinds["word2vec"] = (8, _word2vec)
    kinds["evaluation"] = (30, _evaluation)
    kinds["images"] = (30, _images)
    return kinds


def _shown(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__}{'' if shape is None else tuple(shape)} {str(value)[:60]!r}"


def _estimator(kind: type[Estimator], draw: random.Random, _: Path) -> Made:
    parameters = inspect.signature(kind).parameters
    settings = {name: value for name, value in _FAST.items() if name in parameters}
    if draw.random() < 0.4:
        settings[draw.choice(list(parameters))] = odd(draw)
    x = rows(draw)
    n = len(x)
    u: Any = draw.choice(
        [np.arange(n) % 4, np.arange(n) // max(1, n // 4), np.arange(n) / max(n, 1), None, rows(draw, n, 2)]
    )
    if draw.random() < 0.2:
        u = odd(draw)
    good, takes_u = spoiled(draw, x), "u" in inspect.signature(kind.fit).parameters
    again = spoiled(draw, rows(draw, 20, x.shape[1]))
    then = draw.choice(
        ["transform", "score", "inverse_transform", "report", "remove", "score_samples", "partial_fit"]
    )

    def call() -> None:
        model = kind(**settings)
        model.fit(good, u) if takes_u else model.fit(good)
        found = model.transform(good)
        assert np.isfinite(np.asarray(found, float)).all(), "transform is not finite"
        if then == "remove" and hasattr(model, then):
            model.remove(again, odd(draw))
        elif then == "report" and (not hasattr(model, then) or draw.random() < 0.9):
            return
        elif hasattr(model, then):
            getattr(model, then)(*([] if then == "report" and not isinstance(model, ica.LinearICA) else [again]))

    words = ", ".join(f"{name}={_shown(value)}" for name, value in settings.items() if name not in _FAST)
    return f"{kind.__name__}({words}).fit({_shown(good)}, {_shown(u)}).{then}({_shown(again)})", call


def _information(draw: random.Random, _: Path) -> Made:
    n = draw.choice([0, 1, 2, 5, 20, 60, 100, 140])
    x, y = (spoiled(draw, rows(draw, n, draw.choice([1, 1, 2]))[:, 0]) if draw.random() < 0.7 else spoiled(
        draw, rows(draw, n, 2)) for _ in range(2))  # fmt: skip
    name = draw.choice(
        ["mutual_information", "ksg", "ksg_mixed", "gaussian_information", "histogram", "histogram_miller_madow",
        "pairwise",
         "conditional_mutual_information"]
    )  # fmt: skip
    settings: dict[str, Any] = {}
    if name in ("mutual_information", "conditional_mutual_information"):
        settings = {"effort": "quick", "permutations": 19}
    if draw.random() < 0.25:
        known = [
            k
            for k in inspect.signature(getattr(information, name)).parameters
            if k not in ("x", "y", "z", "table", "effort")
        ]
        settings |= {draw.choice(known): odd(draw)} if known else {}
    given = (x,) if name == "pairwise" else (x, y, spoiled(draw, rows(draw, n, 1))) if "cond" in name else (x, y)
    return f"{name}({', '.join(map(_shown, given))}, {settings})", lambda: getattr(information, name)(
        *given, **settings
    )


def _columns(draw: random.Random, _: Path) -> Made:
    import pandas as pd

    columns = table(draw, draw.choice([0, 1, 5, 40, 120]))
    frame: Any = columns if draw.random() < 0.5 else pd.DataFrame(columns)
    name = draw.choice(list(columns)) if draw.random() < 0.8 else odd(draw)
    call = draw.choice(
        [lambda: information.pairwise(frame), lambda: information.pairs(frame), lambda: information.against(
            frame, name, permutations=19)]
    )  # fmt: skip
    return f"columns {columns} against {name!r}"[:400], call


def _vectors(draw: random.Random, _: Path) -> Made:
    n, d = draw.choice([0, 1, 3, 20]), draw.choice([1, 2, 5])
    words: Any = [draw.choice(["a", "b", f"w{i}", f"w{i}", f"w{i}", " ", "", "é", "x y", "x\n"]) for i in range(n)]
    values = spoiled(draw, rows(draw, n, d)) if draw.random() < 0.5 else rows(draw, n, d)
    asked = {"most_similar": 1, "analogy": 3, "similarity": 2, "similarities": 1, "analogy_cosmul": 3, "unit": 1}
    ask, count = draw.choice([*asked.items(), ("__getitem__", 1), ("doesnt_match", 1)])
    given = [draw.choice(["a", "w1", "w2", "nowhere", ["w1", "w2"], odd(draw)]) for _ in range(count)]

    def call() -> None:
        vectors = Vectors(words, values)
        found = getattr(vectors, ask)(*given)
        if ask == "most_similar":
            assert all(np.isfinite(score) for _, score in found), "a similarity is not finite"

    return f"Vectors({words}, {_shown(values)}).{ask}({given})"[:400], call


def _word2vec(draw: random.Random, _: Path) -> Made:
    alphabet = ["a", "b", "c", "d", "e", "", " ", "\n", "\0", "é", "日本"]
    sentences: Any = [
        [draw.choice(alphabet) for _ in range(draw.randrange(12))] for _ in range(draw.choice([0, 1, 50]))
    ]
    settings: dict[str, Any] = {"vector_size": 4, "epochs": 1, "min_count": 1}
    if draw.random() < 0.6:
        settings[draw.choice(list(inspect.signature(Word2Vec).parameters))] = odd(draw)
    if draw.random() < 0.2:
        sentences = odd(draw)
    return f"Word2Vec({settings}).fit({str(sentences)[:80]})", lambda: Word2Vec(**settings).fit(sentences)


def _evaluation(draw: random.Random, _: Path) -> Made:
    x = spoiled(draw, rows(draw))
    y: Any = spoiled(draw, np.arange(draw.choice([1, 10, 40, 120])) % 3)
    call: Callable[[], Any] = draw.choice(
        [
            lambda: near_duplicates(x),
            lambda: usable_information(x, y),
            lambda: loss_data(x, y, orderings=1, sizes=(10, 30)),
            lambda: matched_si_sdr(x, spoiled(draw, rows(draw))),
            lambda: ica.nongaussianity(x),
        ]
    )
    return f"evaluation of {_shown(x)}, {_shown(y)}", call


def _images(draw: random.Random, _: Path) -> Made:
    shape = draw.choice([(5, 3, 8, 8), (5, 8, 8, 3), (5, 1, 8, 8), (5, 8, 8), (5, 64), (0, 3, 8, 8), (5, 3, 8, 8)])
    rng = np.random.default_rng(draw.randrange(2**32))
    x = spoiled(draw, draw.choice([rng.random(shape), rng.integers(0, 256, shape).astype(float)]))
    if draw.random() < 0.5 and isinstance(x, np.ndarray) and x.dtype == float:
        x = np.nan_to_num(x).clip(0, 255).astype(np.uint8)
    labels = draw.choice([None, np.arange(5) % 2, list("abcab"), odd(draw)])
    which = draw.choice([[0], np.array([0]), 0, [-1], slice(0, 2), odd(draw)])

    def call() -> None:
        images = from_array(x, labels)
        images.take(which)

    return f"from_array({_shown(x)}, {labels!r}).take({which!r})"[:300], call
