"""ICA on Gaussian sources: nothing to find, and said to be; one Gaussian among others: found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mutua import plots
from mutua.evaluation import matched
from mutua.ica import LinearICA, report
from mutua.studies import LOGGER
from mutua.types import InputError, Result, Table

__all__ = ["PRESETS", "Config", "run"]


@dataclass(frozen=True)
class Config:
    """What is drawn, and how often it is fitted again.

    Args:
        n_sources: Sources, and channels, at least 3.
        n_samples: Samples of each recording.
        data_sets: Recordings of each kind.
        refits: Fits of each recording to resampled blocks.
        seed: Of sources, mixtures and refits.
    """

    n_sources: int = 4
    n_samples: int = 5_000
    data_sets: int = 5
    refits: int = 8
    seed: int = 0


PRESETS = {"cpu": Config(), "full": Config(n_sources=8, n_samples=50_000, data_sets=20, refits=20)}


def run(config: Config) -> Result:
    """Laplace sources of which none, one, two or all are Gaussian, mixed at random: the stability of components
    over refits beside what chance gives, how near they come to the truth, and what the report says by itself.

    Paper: Comon, Independent component analysis, a new concept? (1994); Himberg, Hyvarinen and Esposito,
    Validating the independent components of neuroimaging time series via clustering and visualization (2004).
    """
    k = config.n_sources
    if k < 3 or config.data_sets < 1:
        raise InputError(f"n_sources={k}, data_sets={config.data_sets}; give at least 3 sources and 1 data set")
    rows: list[list[Any]] = []
    seen: list[tuple[str, list[float], list[bool], float]] = []
    said: dict[str, list[str]] = {}
    for gaussians in (0, 1, 2, k):
        kind = {0: "none", k: "all"}.get(gaussians, str(gaussians))
        index: list[float] = []
        chances: list[tuple[float, float]] = []
        correct: list[float] = []
        others: list[float] = []
        verdicts: list[tuple[bool, bool]] = []
        which: list[bool] = []
        for data_set in range(config.data_sets):
            rng = np.random.default_rng([config.seed, gaussians, data_set])
            s = rng.laplace(size=(config.n_samples, k)) / np.sqrt(2)
            s[:, :gaussians] = rng.normal(size=(config.n_samples, gaussians))
            x = s @ rng.normal(size=(k, k))
            ica = LinearICA().fit(x)
            found = report(ica, x, refits=config.refits, restarts=2, random_state=data_set)
            match = matched(s, ica.transform(x))
            components = found.tables[0].records()
            for source in range(k):
                row = components[int(match.estimate[source])]
                index.append(row["index"])
                which.append(source < gaussians)
                (correct if source < gaussians else others).append(abs(float(match.correlation[source])))
                verdicts.append((source < gaussians, row["verdict"].startswith("identified")))
            chances.append((found.settings["noise_index_mean"], found.settings["noise_index_largest"]))
            said.setdefault(kind, []).append(" ".join(found.words))
        LOGGER.info("%s Gaussian: index %.2f", kind, np.mean(index))
        typical, largest = map(float, np.mean(chances, 0))
        seen.append((kind, index, which, typical))
        rows.append(
            [
                kind,
                float(np.mean(index)),
                typical,
                largest,
                _mean(others),
                _mean(correct),
                _share([good for gaussian, good in verdicts if not gaussian]),
                _share([good for gaussian, good in verdicts if gaussian]),
            ]
        )
    columns = [
        "Gaussian sources",
        "index",
        "noise, mean",
        "noise, most",
        "|r|, Laplace",
        "|r|, Gaussian",
        "identified, Laplace",
        "identified, Gaussian",
    ]
    note = (
        f"{config.data_sets} data sets each of {config.n_samples:,} samples of {k} sources. Index: mean "
        "|correlation| of a component over refits of resampled rows, less that with other components; beside it "
        "the mean and the largest for Gaussian noise of the same size. |r|: of a source with its estimate. "
        "Identified: components that the report calls so."
    )
    table = Table("Gaussian sources under ICA", columns, rows, note)
    chance_said = sum("level of chance" in text for text in said["all"])
    one_said = sum("One such component is allowed" in text for text in said["1"])
    words = [
        f"All sources Gaussian: the stability index is {rows[-1][1]:.2f}, that of noise {rows[-1][2]:.2f}; "
        f"the report says by itself that stability is at the level of chance in {chance_said} of "
        f"{config.data_sets} data sets.",
        f"One Gaussian among non-Gaussian sources is found (|r| {rows[1][5]:.3f}), because the others leave it no "
        f"choice; the report names it as the only one in {one_said} of {config.data_sets} data sets.",
        f"Two Gaussians are rotated at will (|r| {rows[2][5]:.2f}) while the others stay identified "
        f"(|r| {rows[2][4]:.3f}): what is lost is the pair, not the rest.",
    ]
    caption = (
        "Stability index of each component by how many sources are Gaussian (those in orange), and the mean "
        "index of Gaussian noise (line)."
    )
    return Result(
        "ICA cannot tell Gaussian sources apart", [table], {caption: _figure(seen)}, words, asdict(config)
    )


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _share(flags: list[bool]) -> str | None:
    return f"{sum(flags)} of {len(flags)}" if flags else None


def _figure(seen: list[tuple[str, list[float], list[bool], float]]) -> str:
    with plots.figure(5.5, 3.4) as (fig, axes):
        rng = np.random.default_rng(0)
        for at, (_, index, which, chance) in enumerate(seen):
            across = at + rng.uniform(-0.25, 0.25, len(index))
            colours = [plots.COLOURS[1] if gaussian else plots.COLOURS[0] for gaussian in which]
            axes.scatter(across, index, s=12, c=colours)
            axes.plot([at - 0.35, at + 0.35], [chance, chance], color=plots.COLOURS[6])
        axes.set_xticks(range(len(seen)), [kind for kind, *_ in seen])
        axes.set(xlabel="Gaussian sources", ylabel="stability index", ylim=(0, 1.03))
        return plots.svg(fig)
