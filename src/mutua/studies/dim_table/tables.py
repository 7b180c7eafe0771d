"""The tables of Deep InfoMax's table, ours beside the published, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mutua.methods.nat import matching_alone
from mutua.studies.dim_table.published import MEASURES, MLP, SVM
from mutua.studies.dim_table.rows import ROWS
from mutua.types import Table

if TYPE_CHECKING:
    from mutua.studies.dim_table import Config

__all__ = ["Found", "tables", "words"]

Found = dict[str, list[dict[str, Any]]]
"""Row to what was measured of it under each seed."""

_GENERATIVE = ("vae", "ae", "beta_vae", "aae", "bigan")
_LOCAL = ("dim_dv", "dim_jsd", "dim_infonce")


def _cell(values: Sequence[float | None]) -> Any:
    """The figure of one seed, or mean and deviation over several."""
    there = [value for value in values if value is not None]
    if not there:
        return None
    mean = float(np.mean(there))
    return mean if len(there) == 1 else f"{mean:.2f} ± {float(np.std(there, ddof=1)):.2f}"


def _at(records: Sequence[Mapping[str, Any]], depth: str, probe: str) -> list[float | None]:
    found = [record["probes"] for record in records]
    return [one.get(depth, {}).get(probe) for one in found]


def _mean(records: Sequence[Mapping[str, Any]], depth: str, probe: str) -> float | None:
    there = [value for value in _at(records, depth, probe) if value is not None]
    return float(np.mean(there)) if there else None


def _budget(config: Config) -> str:
    images = f"{config.examples:,} images" if config.examples else "all images of train"
    places = f"{config.locations} locations" if config.locations else "all locations"
    epochs = f"{config.epochs} epoch{'s' * (config.epochs > 1)}"
    return (
        f"{epochs} of {images}, Adam at {config.rate:g} ({config.schedule}), {places} "
        "of a map a step for "
        f"DIM(L), {len(config.seeds)} seed{'s' * (len(config.seeds) > 1)}, last epoch (BiGAN: the "
        "part chosen without "
        "labels)"
    )


def _probe_table(
    config: Config, data: str, found: Found, probe: str, title: str, published: Any, note: str
) -> Table:
    columns = ["row", *config.depths, *(f"published, {depth}" for depth in config.depths if published)]
    rows = []
    for name, records in found.items():
        ours = [_cell(_at(records, depth, probe)) for depth in config.depths]
        if name == "pixels":
            ours[0] = _cell(_at(records, "", probe))
        theirs = dict(zip(("conv", "fc", "Y"), published.get(name, ()), strict=False)) if published else {}
        rows.append([ROWS[name].title, *ours, *(theirs.get(depth) for depth in config.depths if published)])
    return Table(f"{data}: {title}", columns, rows, note)


def tables(config: Config, found: Mapping[str, Found]) -> list[Table]:
    """Each probe's table, the published figures beside ours, then what is read without labels."""
    made = []
    budget = f"Percent right on test. {_budget(config)}. Raw pixels have one depth, which stands first."
    titles = {
        "mlp": ("MLP of 200 units, last epoch", MLP, f"{config.mlp_epochs} epochs of the probe, the last taken."),
        "mlp, mean": (
            f"MLP, mean of the last {config.averaged} epochs",
            MLP,
            "As the paper prints it; the paper takes 100.",
        ),
        "hinge": ("linear SVM, simple hinge, converged", SVM, "Solved to a duality gap of a thousandth."),
        "svm": ("linear SVM, squared hinge", SVM, ""),
        "linear": ("logistic regression", None, ""),
        "knn": ("k-NN", None, "20 nearest by cosine."),
    }
    for data, rows in found.items():
        read = [record["probes"] for records in rows.values() for record in records]
        there = {probe for one in read for at in one.values() for probe in at}
        for probe, (title, published, note) in titles.items():
            if probe in there:
                theirs = None if published is None else published.get(data)
                made.append(_probe_table(config, data, rows, probe, title, theirs, f"{note} {budget}".strip()))
        made.append(_measures(data, rows))
    return made


def _measures(data: str, rows: Found) -> Table:
    keys = ("MS-SSIM", "MINE", "dependency")
    told = [
        (name, [record["measures"] for record in records if "measures" in record])
        for name, records in rows.items()
    ]
    body = []
    for name, each in told:
        if each:
            theirs: Sequence[float | None] = MEASURES.get(name, (None,) * 3) if data == "cifar10" else (None,) * 3
            body.append([ROWS[name].title, *(_cell([one.get(key) for one in each]) for key in keys), *theirs])
    note = (
        "MS-SSIM of test images decoded from Y by a decoder of one kind for all rows (two scales at "
        "32 px). MINE: nats "
        "of held-out pixels and Y; the true value is infinite or the images' entropy, so it reads "
        "what a network finds. "
        "Dependency: total correlation of Y, nats, held out."
    )
    return Table(
        f"{data}: measures without labels", ["row", *keys, *(f"published {key}" for key in keys)], body, note
    )


def words(
    config: Config, found: Mapping[str, Found], sources: Mapping[str, str], missing: Sequence[str]
) -> list[str]:
    """What the tables say: the budget, the order at Y, gains over random weights, NAT beside matching alone."""
    said = [f"{_budget(config)}."]
    said += [f"{data}: {source}." for data, source in sources.items() if source]
    if missing:
        said.append(f"Not on this machine, and left out: {', '.join(missing)}.")
    last = config.depths[-1]
    for data, rows in found.items():
        for name, records in rows.items():
            said += [f"{data}, {ROWS[name].title}: {each['failed']}." for each in records if "failed" in each]
        at = {name: _mean(records, last, config.probes[0]) for name, records in rows.items()}
        known = {name: value for name, value in at.items() if value is not None}
        groups = {
            "DIM(L)": [known[name] for name in _LOCAL if name in known],
            "the generative rows": [known[name] for name in _GENERATIVE if name in known],
            "NAT": [known["nat"]] if "nat" in known else [],
        }
        if all(groups.values()):
            means = {name: float(np.mean(values)) for name, values in groups.items()}
            order = sorted(means, key=lambda name: -means[name])
            holds = order == list(groups)
            figures = ", ".join(f"{name} {means[name]:.1f}" for name in order)
            said.append(
                f"{data}, at {last} by {config.probes[0]}: {figures}. The published order, DIM(L) "
                "over the generative rows "
                f"over NAT, {'holds' if holds else 'does not hold'} here."
            )
        if "random" in known:
            below = [ROWS[name].title for name in known if name != "random" and known[name] < known["random"]]
            said.append(
                f"{data}: random weights read {known['random']:.1f} at {last}; "
                f"{', '.join(below) if below else 'no row'} read{'' if len(below) > 1 else 's'} less."
            )
        curve = rows["nat"][0]["curve"] if "nat" in rows else []
        if curve:
            said.append(
                f"{data}: NAT's loss ends at {curve[-1]['loss']:.3f}; exchanging targets without learning gives "
                f"{curve[-1].get('matching_alone', matching_alone(64, 256)):.3f}."
            )
    return said
