"""Everything there is, in one list: name, family, what it is in a line, its paper, how to call it.

Read from the catalogues and docstrings, so that a new member is in it by being listed where it belongs.
`python -m mutua.index` prints the list as Markdown: it is `docs/index.md`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from mutua import (
    bounds,
    critics,
    encoders,
    evaluation,
    generative,
    ica,
    information,
    methods,
    studies,
    views,
    words,
)
from mutua.ica.separation.auxiva import AuxIVA
from mutua.information.estimators.barber_agakov import barber_agakov
from mutua.information.estimators.catalogue import ESTIMATORS
from mutua.information.estimators.classical import PLAIN
from mutua.report import papers

__all__ = ["Entry", "catalogue", "markdown"]


@dataclass(frozen=True)
class Entry:
    """One thing there is.

    Args:
        name: As it is written in code or on the command line.
        family: What it is one of: method, bound, critic, ...
        about: What it is, in a line.
        paper: Where it is from; empty where it is from no paper.
        call: How to call it: a line of shell or of Python.
        also: Other names the field has for it.
    """

    name: str
    family: str
    about: str
    paper: str
    call: str
    also: str = ""


ALSO: dict[str, str] = {
    "deep_infomax": "DIM, Deep InfoMax",
    "ae": "autoencoder",
    "vae": "variational autoencoder",
    "beta_vae": "beta-VAE",
    "aae": "AAE, adversarial autoencoder",
    "bigan": "BiGAN, ALI, adversarially learned inference, adversarial feature learning",
    "nat": "NAT, noise as targets, predicting noise",
    "hinge": "linear SVM, L1 loss, LinearSVC",
    "dependency": "NDM, neural dependency measure, total correlation",
    "ms_ssim": "MS-SSIM, multi-scale structural similarity",
    "colorization": "colourisation, colorful image colorization, Lab",
    "inpainting": "context encoder, hole filling",
    "masked": "MAE, masked autoencoder, masked image modelling",
    "denoising": "DAE, denoising autoencoder, denoising score matching, Tweedie",
    "undo": "AET, auto-encoding transformations, affine, projective",
    "vit": "ViT, vision transformer",
    "barlow_twins": "Barlow Twins, redundancy reduction",
    "cpc": "CPC, contrastive predictive coding, CPC v2",
    "byol": "BYOL, bootstrap your own latent",
    "moco": "MoCo v2, momentum contrast",
    "simsiam": "SimSiam, simple Siamese representation learning",
    "vicreg": "VICReg, variance, invariance, covariance",
    "nice": "NICE, normalising flow, invertible encoder",
    "real_nvp": "Real NVP, normalising flow, invertible encoder",
    "rotation": "RotNet, predicting rotations",
    "simclr": "SimCLR, contrastive learning of visual representations",
    "mine": "MINE, mutual information neural estimation",
    "ksg": "KSG, k-nearest neighbours",
    "ksg_mixed": "KSG of mixtures, Gao",
    "club": "CLUB, contrastive log-ratio upper bound",
    "leave_one_out": "L1Out, leave-one-out upper bound",
    "barber_agakov": "BA, variational lower bound with a conditional model",
    "smile_1": "SMILE, tau = 1",
    "smile_5": "SMILE, tau = 5",
    "smile_inf": "SMILE, tau infinite",
    "interpolated_0.01": "I_alpha, alpha = 0.01",
    "interpolated": "I_alpha",
    "histogram": "plug-in estimator",
    "nwj": "NWJ, MINE-f, f-GAN KL",
    "dv": "DV, Donsker-Varadhan",
    "tuba": "TUBA",
    "jsd": "JSD, Jensen-Shannon divergence",
    "logistic": "NCE, SGNS loss, binary cross-entropy of pairs",
    "nt_xent": "NT-Xent, normalised temperature-scaled cross-entropy",
    "infonce": "InfoNCE, CPC's bound",
    "infonce_loss": "InfoNCE loss, N-pairs loss",
    "LinearICA": "maximum-likelihood ICA, Infomax, Picard, the model of FastICA; Pham-Cardoso with `modulation`",
    "FlowICA": "normalising flow, nonlinear ICA by likelihood",
    "TCL": "time-contrastive learning",
    "PCL": "permutation-contrastive learning",
    "GCL": "generalised contrastive learning",
    "IVAE": "iVAE, identifiable VAE",
    "VAE": "variational autoencoder",
    "BetaVAE": "beta-VAE",
    "ProbabilisticPCA": "PPCA",
    "FactorAnalysis": "FA",
    "AuxIVA": "independent vector analysis, convolutive separation",
    "Word2Vec": "word2vec, skip-gram with negative sampling, SGNS; fastText with `subwords`",
    "CBOW": "continuous bag of words",
    "DocumentVectors": "SIF, sentence embeddings",
    "Phrases": "word2phrase, collocations",
    "conditional_mutual_information": "conditional mutual information, CMI",
    "near_duplicates": "duplicates, leakage between train and test",
    "linear_cka": "CKA, centred kernel alignment",
    "mcc": "MCC, mean correlation coefficient",
    "amari_distance": "Amari index",
    "si_sdr": "SI-SDR",
    "bss_eval": "BSS Eval, SDR, SIR, SAR",
    "knn": "k-NN, nearest neighbours",
    "linear": "linear evaluation, logistic regression",
    "svm": "SVM, support vector machine",
    "few_labels": "semi-supervised evaluation, label efficiency",
    "finetune": "fine-tuning",
    "usable_information": "V-information, decodable information, pointwise V-information, PVI",
    "loss_data": "minimum description length probing, MDL, prequential code, surplus description length, SDL, eSC",
    "loss_capacity": "DCI-ES, explicitness",
    "disentanglement": "MIG, DCI, SAP, modularity, explicitness, BetaVAE score, FactorVAE score, IRS, InfoMEC",
    "udr": "UDR, unsupervised model selection",
    "conditioning": "condition number, singular values of the Jacobian",
    "beta_tcvae": "beta-TCVAE, total correlation",
    "factor_vae": "FactorVAE",
    "dip_vae": "DIP-VAE-I, DIP-VAE-II",
    "annealed_vae": "AnnealedVAE, capacity",
    "locatello": "beta-VAE's encoder, disentanglement_lib",
    "effective_rank": "dimensional collapse, RankMe",
}
"""The field's other words, by name; what a search for them would miss otherwise."""


def catalogue() -> list[Entry]:
    """Every method, estimator, bound, critic, encoder, view, probe, metric and study, by family."""
    return [*_entries()]


def _entries() -> Iterator[Entry]:
    for name, published in methods.METHODS.items():
        about = f"{published.about[:1].upper()}{published.about[1:]}"
        yield _entry(name, "method", published.compose, f"mutua train {name}", about)
    for name, neural in ESTIMATORS.items():
        about = f"Neural estimator: {neural.formula}."
        yield Entry(name, "mutual information", about, neural.paper, _named(name), ALSO.get(name, ""))
    for name, plain in {
        **{key: value.read for key, value in PLAIN.items()},
        "barber_agakov": barber_agakov,
    }.items():
        yield _entry(name, "mutual information", plain, _named(name))
    for name, make in evaluation.PROBES.items():
        yield _entry(name, "probe", make, f"mutua evaluate RUN --probes {name}")
    for name, reading in bounds.BOUNDS.items():
        yield _entry(name, "bound", reading.bound, f"mutua.bounds.{name}(scores)")
    for name, training in bounds.CONTRASTS.items():
        yield _entry(name, "contrast", training.contrast, f"mutua.bounds.{name}(scores)")
    for name, critic in critics.CRITICS.items():
        yield _entry(name, "critic", critic, _call(critic))
    for name, network in encoders.ENCODERS.items():
        yield _entry(name, "encoder", network.build, f"mutua train METHOD --encoder {name}", network.about)
    for name, about in _FOREIGN.items():
        yield Entry(name, "encoder", about, "", f"mutua train METHOD --encoder {name}")
    for view in _public(views, inspect.isclass, without=("Compose", "Transform")):
        yield _entry(view.__name__, "view", view, _call(view))
    for composed in (views.simclr, views.rotations):
        yield _entry(composed.__name__, "view", composed, _call(composed))
    for family, package in (
        ("mutual information", information),
        ("ICA", ica),
        ("generative model", generative),
        ("words", words),
    ):
        for estimator in _public(package, lambda thing: inspect.isclass(thing) and hasattr(thing, "fit")):
            yield _entry(estimator.__name__, family, estimator, _call(estimator, package))
    yield _entry("AuxIVA", "ICA", AuxIVA, "mutua unmix MIC... --convolutive")
    plain_functions = [plain.read for plain in PLAIN.values()]
    for family, package in (("mutual information", information), ("ICA", ica), ("generative model", generative)):
        for function in _public(package, inspect.isfunction):
            if function not in plain_functions:
                yield _entry(function.__name__, family, function, _call(function, package))
    for name, density in ica.DENSITIES.items():
        yield _entry(name, "source density", density, f'mutua.ica.LinearICA(density="{name}")')
    for name, metric in evaluation.METRICS.items():
        yield _entry(name, "metric", metric, _call(metric, evaluation))
    for name, listed in studies.STUDIES.items():
        yield Entry(name, "study", listed.about, "", f"mutua study run {name}")


_FOREIGN = {
    "timm:NAME": "Any network of timm without its head, random or pretrained.",
    "hf:NAME": "Any vision backbone of Hugging Face's transformers.",
}


def _named(name: str) -> str:
    return f"mutua mi x.npy y.npy --estimator {name}"


def _entry(name: str, family: str, thing: Any, call: str, about: str = "") -> Entry:
    """An entry whose line and paper are the docstring's."""
    return Entry(name, family, about or _first(thing), "; ".join(papers(thing)), call, ALSO.get(name, ""))


def _first(thing: Any) -> str:
    """The first paragraph of a docstring, as one line."""
    return re.sub(r":$", ".", " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split()))


def _public(package: ModuleType, chosen: Callable[[Any], bool], without: tuple[str, ...] = ()) -> list[Any]:
    """The public things of a package that are chosen, in alphabetical order."""
    things = [getattr(package, name) for name in sorted(package.__all__) if name not in without]
    return [thing for thing in things if chosen(thing) and not getattr(thing, "_is_protocol", False)]


def _call(thing: Any, package: ModuleType | None = None) -> str:
    """A call with the arguments that have no default; of an estimator, its `fit` too."""
    home = package.__name__ if package is not None else ".".join(thing.__module__.split(".")[:2])
    called = f"{home}.{thing.__name__}({_needed(thing)})"
    return f"{called}.fit({_needed(thing.fit, of_class=True)})" if hasattr(thing, "fit") else called


def _needed(function: Any, of_class: bool = False) -> str:
    """The names of the arguments that have to be given."""
    found = [
        f"{parameter.name}=..." if parameter.kind is parameter.KEYWORD_ONLY else parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    return ", ".join(found[1:] if of_class else found)


def markdown() -> str:
    """The list as a page of Markdown, one table a family."""
    families: dict[str, list[Entry]] = {}
    for entry in catalogue():
        families.setdefault(entry.family, []).append(entry)
    lines = [
        "# Index",
        "",
        "Everything there is, made of the catalogues and docstrings by `python -m mutua.index`. Search this page",
        "for a word of the field, or ask `mutua methods WORD`.",
    ]
    for family, entries in families.items():
        lines += [
            "",
            f"## {family[:1].upper()}{family[1:]}",
            "",
            "| name | what it is | paper | call |",
            "|---|---|---|---|",
        ]
        for entry in entries:
            about = f"{entry.about} *{entry.also}*" if entry.also else entry.about
            lines.append(f"| `{entry.name}` | {_cell(about)} | {_cell(entry.paper)} | `{entry.call}` |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that a cell of a Markdown table shows as it is."""
    text = re.sub(r"([|<>])", r"\\\1", text)
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


if __name__ == "__main__":
    print(markdown(), end="")
