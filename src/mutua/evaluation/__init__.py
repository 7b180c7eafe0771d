"""Judging any function from images to vectors, with labels, few labels, or none; and sources against the truth."""

from __future__ import annotations

from mutua.evaluation.controls.supervised import FINETUNE, SUPERVISED, Labelled, Supervised, finetune, supervised
from mutua.evaluation.controls.untrained import RANDOM, RANDOM_NOTE, random_twin
from mutua.evaluation.features import features, raw
from mutua.evaluation.neighbours import nearest
from mutua.evaluation.probes.catalogue import PROBES, Probe, Score, knn, linear, mlp, svm
from mutua.evaluation.probes.few_labels import FEW_LABEL_PROBES, LABELS_PER_CLASS, Curve, few_labels
from mutua.evaluation.sources.evidence import (
    agreement,
    beats_linear,
    evidence,
    warn_unless_better,
)
from mutua.evaluation.sources.mcc import (
    Matching,
    amari_distance,
    held_out_r2,
    matched,
    mcc,
    pearson,
    spearman,
    weak_mcc,
)
from mutua.evaluation.sources.si_sdr import Separation, bss_eval, matched_si_sdr, si_sdr
from mutua.evaluation.sources.variability import Variability, variability_of_means, variability_of_scales
from mutua.evaluation.table import RAW, evaluate
from mutua.evaluation.unlabelled.duplicates import Duplicates, exact_duplicates, near_duplicates
from mutua.evaluation.unlabelled.metrics import (
    alignment,
    collapse,
    effective_rank,
    linear_cka,
    neighbour_overlap,
    uniformity,
)
from mutua.evaluation.unlabelled.table import unlabelled_tables

__all__ = [
    "FEW_LABEL_PROBES",
    "FINETUNE",
    "LABELS_PER_CLASS",
    "PROBES",
    "RANDOM",
    "RANDOM_NOTE",
    "RAW",
    "SUPERVISED",
    "Curve",
    "Duplicates",
    "Labelled",
    "Matching",
    "Probe",
    "Score",
    "Separation",
    "Supervised",
    "Variability",
    "agreement",
    "alignment",
    "amari_distance",
    "beats_linear",
    "bss_eval",
    "collapse",
    "effective_rank",
    "evaluate",
    "evidence",
    "exact_duplicates",
    "features",
    "few_labels",
    "finetune",
    "held_out_r2",
    "knn",
    "linear",
    "linear_cka",
    "matched",
    "matched_si_sdr",
    "mcc",
    "mlp",
    "near_duplicates",
    "nearest",
    "neighbour_overlap",
    "pearson",
    "random_twin",
    "raw",
    "si_sdr",
    "spearman",
    "supervised",
    "svm",
    "uniformity",
    "unlabelled_tables",
    "variability_of_means",
    "variability_of_scales",
    "warn_unless_better",
    "weak_mcc",
]
