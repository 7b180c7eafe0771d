"""Nonlinear ICA without more is hopeless: independent components always exist, and infinitely many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from mutua.data.sources import Coupling, Mixing
from mutua.evaluation import mcc, spearman
from mutua.evaluation.sources.hsic import hsic_test
from mutua.ica import LinearICA
from mutua.studies import LOGGER
from mutua.studies.darmois.figures import grids, posteriors_figure, swirl_grids
from mutua.studies.darmois.maps import Known, bent, darmois_from_samples, sech_from_normal, swirled_sources
from mutua.studies.darmois.twin import decoder, prior_error
from mutua.types import InputError, Result, Table

__all__ = ["PRESETS", "Config", "run"]


@dataclass(frozen=True)
class Config:
    """What is drawn.

    Args:
        n_samples: Rows that independence is tested on.
        n_train: Other rows, that the map from samples and the linear models are fitted on.
        data_sets: Samples, each tested by itself.
        permutations: Of each test.
        slope: Of the bent mixture tanh(x) + slope x between two rotations; smaller is more bent.
        turns: Swirls: by how many turns the middle of the distribution is rotated against its outside.
        rows: Of x whose likelihood is computed under the generative model and its twins.
        angles: Of the quadrature of that likelihood, times 80 radii.
        seed: Of everything.
    """

    n_samples: int = 1000
    n_train: int = 5000
    data_sets: int = 20
    permutations: int = 499
    slope: float = 0.1
    turns: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    rows: int = 200
    angles: int = 400
    seed: int = 0


PRESETS = {
    "cpu": Config(),
    "full": Config(n_samples=2000, n_train=20_000, data_sets=100, permutations=999, rows=1000, angles=800),
}

ORDERS = ("order 1, 2", "order 2, 1")


def run(config: Config) -> Result:
    """Darmois's map by both orders of the coordinates, swirls of the sources, a generative model with its twins.

    Papers: Darmois 1951; Hyvarinen and Pajunen, Nonlinear independent component analysis: existence and uniqueness
    results (1999); Khemakhem et al., Variational autoencoders and nonlinear ICA (2020); Gretton et al. 2008.
    """
    if config.data_sets < 1 or config.n_samples < 10 or config.rows < 2 or not config.turns:
        raise InputError(
            f"darmois: data_sets={config.data_sets}, n_samples={config.n_samples}, rows={config.rows}, "
            f"turns={config.turns}; give at least 1, 10, 2 and one"
        )
    triangular = Mixing([Coupling(np.array([[0.5]]), np.array([[2.0]]))])
    known = {"triangular": Known(triangular), "bent": Known(bent(config.slope))}
    maps = _darmois_table(config, known)
    swirls = _swirl_table(config)
    twins, posteriors = _twin_table(config)
    figures = {
        "A grid of the sources (left), as x, and as Darmois's components by either order, as normal scores: the "
        "bent mixture. Both right panels have independent components.": grids(known["bent"]),
        "The same grid under swirls of the sources: each is as independent, and of the same distribution.": (
            swirl_grids(config.turns)
        ),
        "Posterior means of the same x under the generative model and under its twin, of the same p(x); coloured "
        "by the model's first latent.": posteriors_figure(*posteriors),
    }
    return Result(
        "Independence alone does not find the sources",
        [maps, swirls, twins],
        figures,
        _words(maps, swirls, twins),
        asdict(config),
    )


def _candidates(known: Known, s: np.ndarray, x: np.ndarray, train: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Components of x (n, 2), by name, the controls first."""
    yield "the sources", s
    yield "x itself", x
    yield "PCA", PCA().fit(train).transform(x)
    yield "LinearICA", LinearICA().fit(train).transform(x)
    for first, order in enumerate(ORDERS):
        yield order, known.darmois(x, first)
    for first, order in enumerate(ORDERS):
        yield f"{order}, from samples", darmois_from_samples(train, x, first)


def _darmois_table(config: Config, known: Mapping[str, Known]) -> Table:
    rows: list[list[Any]] = []
    for number, (name, one) in enumerate(known.items()):
        tests: dict[str, list[tuple[float, float, float]]] = {}
        for data_set in range(config.data_sets):
            rng = np.random.default_rng([config.seed, number, data_set])
            _, train = one.sample(config.n_train, rng)
            s, x = one.sample(config.n_samples, rng)
            found = dict(_candidates(one, s, x, train))
            for label, y in found.items():
                p = hsic_test(y[:, 0], y[:, 1], permutations=config.permutations, seed=data_set)
                twin = found.get(_other(label))
                apart = float("nan") if twin is None else mcc(twin, y, spearman)
                tests.setdefault(label, []).append((p, mcc(s, y, spearman), apart))
        LOGGER.info("%s mixture: %d data sets", name, config.data_sets)
        for label, values in tests.items():
            p, truth, apart = np.array(values).T
            spread = (float(truth.mean()), float(truth.std()))
            other = float(apart.mean()) if label.startswith("order") else None
            rows.append([name, label, _rejected(p), float(np.median(p)), spread, other])
    note = (
        f"{config.data_sets} data sets of {config.n_samples:,} rows each. Independence: HSIC of ranks, "
        "permutation test; under independence 1 in 20 is rejected. MCC by Spearman: with the true sources, mean "
        "and deviation; and with the other order. PCA, LinearICA and the maps from samples are fitted on "
        f"{config.n_train:,} other rows; the other maps use the known density, by quadrature."
    )
    columns = ["mixture", "components", "dependent at 5%", "p, median", "MCC, sources", "MCC, other order"]
    return Table("Independent components by Darmois's construction", columns, rows, note)


def _other(label: str) -> str:
    here = 0 if label.startswith(ORDERS[0]) else 1
    return label.replace(ORDERS[here], ORDERS[1 - here]) if label.startswith("order") else ""


def _rejected(p: np.ndarray) -> str:
    return f"{int((p < 0.05).sum())} of {len(p)}"


def _swirl_table(config: Config) -> Table:
    rows: list[list[Any]] = []
    for turns in config.turns:
        p, ranks, linear = [], [], []
        for data_set in range(config.data_sets):
            rng = np.random.default_rng([config.seed, 10, data_set])
            s = sech_from_normal(rng.standard_normal((config.n_samples, 2)))
            moved = swirled_sources(s, turns)
            p.append(hsic_test(moved[:, 0], moved[:, 1], permutations=config.permutations, seed=data_set))
            ranks.append(mcc(s, moved, spearman))
            linear.append(mcc(s, moved))
        worst = prior_error(s, turns)
        rows.append(
            [
                turns,
                _rejected(np.array(p)),
                float(np.median(p)),
                (float(np.mean(ranks)), float(np.std(ranks))),
                (float(np.mean(linear)), float(np.std(linear))),
                worst,
            ]
        )
    note = (
        "Sources made normal, each point rotated by turns * 360 degrees * exp(-r^2 / 2), and made sech again: any "
        "function of the radius r would do. Last: largest |log p(f(s)) + log |det f'(s)| - log p(s)| over rows, "
        "the Jacobian by differences; 0 says that f(s) has exactly the distribution of s."
    )
    columns = ["turns", "dependent at 5%", "p, median", "MCC, Spearman", "MCC, Pearson", "distribution error"]
    return Table("Measure-preserving swirls of the sources", columns, rows, note)


def _twin_table(config: Config) -> tuple[Table, tuple[np.ndarray, np.ndarray, float]]:
    model = decoder(config.seed)
    s, x = model.sample(config.rows, np.random.default_rng([config.seed, 20]))
    log_prob, posterior = model.marginal(x, angles=config.angles)
    joint = model.log_joint(s, x)
    rows: list[list[Any]] = []
    last, shown = posterior, 0.0
    for turns in config.turns:
        twin = model.twin(turns)
        other, moved = twin.marginal(x, angles=config.angles)
        difference = joint - twin.log_joint(s, x)
        error = (float(difference.mean()), float(difference.std() / np.sqrt(len(x))))
        rows.append(
            [
                turns,
                float(other.mean()),
                float(np.abs(other - log_prob).max()),
                error,
                mcc(s, moved, spearman),
                mcc(posterior, moved, spearman),
            ]
        )
        if abs(turns) >= shown and turns <= 1:
            last, shown = moved, abs(turns)
    note = (
        f"A decoder with Gaussian noise and two sech latents; each twin has the decoder g(f^-1(s)) and the same "
        f"prior, f a swirl. {config.rows:,} rows of x from the model. Likelihoods by quadrature with "
        f"{80 * config.angles:,} nodes. KL: of the joint p(s, x) from the twin's, in nats, and standard error. "
        "Posterior means E[s | x]: MCC by Spearman with the latents that x was drawn with, and with the model's "
        "own."
    )
    columns = [
        "turns",
        "log p(x)",
        "largest change of log p(x)",
        "KL of p(s, x)",
        "MCC, latents",
        "MCC, model's posterior",
    ]
    return Table("A generative model and its twins", columns, rows, note), (posterior, last, shown)


def _words(maps: Table, swirls: Table, twins: Table) -> list[str]:
    found = {(row["mixture"], row["components"]): row for row in maps.records()}
    first, second = (found["triangular", order] for order in ORDERS)
    third, fourth = (found["bent", order] for order in ORDERS)
    rejected, truth, other = "dependent at 5%", "MCC, sources", "MCC, other order"
    swirl, twin = swirls.records()[-1], twins.records()[-1]
    change = max(row["largest change of log p(x)"] for row in twins.records())
    kl, agreed = twin["KL of p(s, x)"][0], twin["MCC, model's posterior"]
    return [
        "The triangular mixture leaves x_1 = s_1 and puts x_2 = s_2 exp(tanh(s_1 / 2)) + tanh(2 s_1). Darmois's "
        f"map by the order 1, 2 gives the sources (MCC {first[truth][0]:.3f}), by the order 2, 1 other components "
        f"(MCC {second[truth][0]:.3f}). The test rejects independence of the first in {first[rejected]} data sets "
        f"and of the second in {second[rejected]}: nothing in x says which is right.",
        f"In the bent mixture both orders are independent too (rejected in {third[rejected]} and "
        f"{fourth[rejected]}), they differ from each other (MCC {third[other]:.3f}) and so at most one could be "
        f"the sources; in fact neither is (MCC with them {third[truth][0]:.3f} and {fourth[truth][0]:.3f}).",
        "The MCC of Darmois's components with the sources need not be low: it is high wherever the mixture is "
        "near a linear one without rotation. What shows that they are not unique is that two differ and both are "
        "independent. A map from samples is as independent as its estimate of the conditional distributions is "
        "good.",
        f"Swirls give infinitely many: at {swirl['turns']:g} turns the components have the distribution of the "
        f"sources to {swirl['distribution error']:.0e}, and an MCC with them of {swirl['MCC, Spearman'][0]:.3f}.",
        f"A generative model and its twins have the same p(x): log p(x) differs by at most {change:.0e} nats, the "
        f"rounding of the numbers. Their p(s, x) differ by {kl:.2f} nats at {twin['turns']:g} turns, and their "
        f"posteriors disagree on the latents (MCC {agreed:.3f}). No amount of data on x tells them apart: a VAE "
        "finds one of them, by luck of its start. It takes two dimensions or more; a smooth map of a single "
        "latent that keeps its distribution can only turn it round.",
    ]
