"""Each table and figure of the lecture as a study: a function of a frozen config that returns a `Result`.

A study module holds a frozen dataclass `Config` of plain values (its defaults are the `cpu` preset, minutes on
one core), `PRESETS` that name configs (`cpu`, and `full` for the published setting), and `run(config) -> Result`,
whose docstring names the papers. The catalogue is a literal dict, so that listing the studies imports none.
What a study does meanwhile it tells to the logger `mutua.studies`, which is silent unless someone listens.

>>> study("density-ratio").PRESETS["cpu"].steps > 0
True
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from mutua.types import InputError, Result, names

__all__ = ["LOGGER", "STUDIES", "Listed", "Study", "study"]

LOGGER = logging.getLogger("mutua.studies")


@runtime_checkable
class Study(Protocol):
    """What a study module holds."""

    PRESETS: Mapping[str, Any]
    run: Callable[[Any], Result]


@dataclass(frozen=True)
class Listed:
    """A study in the catalogue: the module that holds it, and what it shows, in a line."""

    module: str
    about: str


STUDIES: dict[str, Listed] = {
    "density-ratio": Listed(
        "mutua.studies.density_ratio",
        "A classifier learns the log density ratio; properties of information; the chain of bounds.",
    ),
    "mi-estimators": Listed(
        "mutua.studies.mi_estimators",
        "Every estimator of mutual information and every critic on the staircase of 2 to 10 nats.",
    ),
    "mi-which": Listed(
        "mutua.studies.mi_which",
        "Which estimator should I use? Answered from measurements of bias, variance and cost.",
    ),
    "batch-size": Listed(
        "mutua.studies.batch_size",
        "How large a batch? The bias of InfoNCE against K; time and memory, streamed and in chunks.",
    ),
    "dim-table": Listed(
        "mutua.studies.dim_table",
        "Deep InfoMax's table, whole: generative rows, NAT, DIM by three measures, controls; two probes.",
    ),
    "simclr-views": Listed(
        "mutua.studies.simclr_views",
        "SimCLR's crops on a picture; how far histograms of pixels alone tell which views belong together.",
    ),
    "pretext": Listed(
        "mutua.studies.pretext",
        "Every pretext task on one encoder at equal images and equal time: nats learned, probes at each depth.",
    ),
    "shortcuts": Listed(
        "mutua.studies.shortcuts",
        "Jigsaw and relative position with each counter-measure off in turn: nats learned, and the probe.",
    ),
    "cpc": Listed(
        "mutua.studies.cpc",
        "Contrastive predictive coding of sound, series and images; what each choice of negatives drops.",
    ),
    "cpc-v2": Listed(
        "mutua.studies.cpc_v2",
        "Version 2 of contrastive predictive coding on images: its five changes, each switched in turn.",
    ),
    "future": Listed(
        "mutua.studies.future",
        "Arrow of time and order of frames where physics is known; what negatives keep of place and speed.",
    ),
    "audio-video": Listed(
        "mutua.studies.audio_video",
        "Sound and picture of known shared information: three heads, retrieval, labels saved; real films.",
    ),
    "ppca-ambiguity": Listed(
        "mutua.studies.ppca_ambiguity",
        "What PPCA and factor analysis cannot identify: W rotated or rescaled at the same likelihood.",
    ),
    "gaussian-sources": Listed(
        "mutua.studies.gaussian_sources",
        "ICA on Gaussian sources: stability at chance; one Gaussian among others is found.",
    ),
    "darmois": Listed(
        "mutua.studies.darmois",
        "Independent components always exist and are never unique: Darmois's map, swirls, and a model's twin.",
    ),
    "ivae": Listed(
        "mutua.studies.nonlinear.ivae",
        "iVAE finds the sources of a nonlinear mixture, held out and without u; VAE and beta-VAE don't.",
    ),
    "tcl": Listed(
        "mutua.studies.nonlinear.tcl",
        "Time-contrastive learning: MCC against the depth of the mixture.",
    ),
    "gcl": Listed(
        "mutua.studies.nonlinear.gcl",
        "Generalised contrastive learning: u a segment, time, the past, or iVAE's.",
    ),
    "pcl": Listed(
        "mutua.studies.nonlinear.pcl",
        "Permutation-contrastive learning: MCC against the depth of the mixture.",
    ),
    "identifiability": Listed(
        "mutua.studies.nonlinear.identifiability",
        "Fitted again from other starts: iVAE, TCL, GCL agree with themselves and the truth; VAEs don't.",
    ),
    "flow-ica": Listed(
        "mutua.studies.nonlinear.flow",
        "Exact likelihood of an invertible network finds the sources; what u, the make and the layers each add.",
    ),
    "voices": Listed(
        "mutua.studies.nonlinear.voices",
        "Real voices under a known nonlinear mixing: what nonlinear and linear ICA give back of them.",
    ),
    "bijection": Listed(
        "mutua.studies.information_and_use.bijection",
        "A bijection spoils a representation: its information stays, what probes can use of it falls.",
    ),
    "constant-information": Listed(
        "mutua.studies.information_and_use.constant_information",
        "Accuracy rises, and falls, at constant information: invertible encoders of halves of digits.",
    ),
    "critics-and-representations": Listed(
        "mutua.studies.information_and_use.critics",
        "Bilinear, separable, MLP critics: held-out bounds against accuracy; two encoders at one bound.",
    ),
    "density-choice": Listed(
        "mutua.studies.density_choice",
        "ICA under the wrong density: where maximum likelihood still separates, and where it fails.",
    ),
    "analogies": Listed(
        "mutua.studies.analogies",
        "Newspapers, teams, airlines, executives: analogies of phrases and words, with coverage and intervals.",
    ),
}


def study(name: str) -> Study:
    """The module of the study of that name, imported now. Raises `InputError` for any other name."""
    if name not in STUDIES:
        raise InputError(f"study: none is called {name!r}; choose one of {names(STUDIES)}")
    return cast(Study, importlib.import_module(STUDIES[name].module))
