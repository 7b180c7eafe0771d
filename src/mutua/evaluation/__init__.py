"""Judging any function from images to vectors, with labels, few labels, or none; and sources against the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mutua.evaluation.attention import attention, attention_maps, attention_table, on_object
from mutua.evaluation.conditioning import Conditioning, conditioning
from mutua.evaluation.controls.supervised import FINETUNE, SUPERVISED, Labelled, Supervised, finetune, supervised
from mutua.evaluation.controls.untrained import RANDOM, RANDOM_NOTE, random_twin
from mutua.evaluation.decodable.capacity import LossCapacity, loss_capacity
from mutua.evaluation.decodable.curves import LossData, loss_data, over_orderings
from mutua.evaluation.decodable.families import FAMILIES
from mutua.evaluation.decodable.usable import UsableInformation, usable_information
from mutua.evaluation.disentangled.table import DISENTANGLEMENT, disentanglement
from mutua.evaluation.disentangled.udr import udr, udr_mended
from mutua.evaluation.features import features, raw, raw_name
from mutua.evaluation.nats import Learned, nats_learned, nats_table
from mutua.evaluation.neighbours import nearest
from mutua.evaluation.pieces import left_out_table, piece_features, piece_table
from mutua.evaluation.probes.catalogue import PROBES, Probe, Score, hinge, knn, linear, mlp, mlp2, svm
from mutua.evaluation.probes.few_labels import FEW_LABEL_PROBES, LABELS_PER_CLASS, Curve, few_labels
from mutua.evaluation.retrieval import Matched, codes_of_both, retrieval_table, retrieved
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
from mutua.evaluation.unlabelled.dependency import dependency
from mutua.evaluation.unlabelled.duplicates import Duplicates, exact_duplicates, near_duplicates
from mutua.evaluation.unlabelled.metrics import (
    alignment,
    collapse,
    effective_rank,
    linear_cka,
    neighbour_overlap,
    uniformity,
)
from mutua.evaluation.unlabelled.ms_ssim import ms_ssim
from mutua.evaluation.unlabelled.table import unlabelled_tables

__all__ = [
    "DISENTANGLEMENT",
    "FAMILIES",
    "FEW_LABEL_PROBES",
    "FINETUNE",
    "LABELS_PER_CLASS",
    "METRICS",
    "PROBES",
    "RANDOM",
    "RANDOM_NOTE",
    "RAW",
    "SUPERVISED",
    "Conditioning",
    "Curve",
    "Duplicates",
    "Labelled",
    "Learned",
    "LossCapacity",
    "LossData",
    "Matched",
    "Matching",
    "Probe",
    "Score",
    "Separation",
    "Supervised",
    "UsableInformation",
    "Variability",
    "agreement",
    "alignment",
    "amari_distance",
    "attention",
    "attention_maps",
    "attention_table",
    "beats_linear",
    "bss_eval",
    "codes_of_both",
    "collapse",
    "conditioning",
    "dependency",
    "disentanglement",
    "effective_rank",
    "evaluate",
    "evidence",
    "exact_duplicates",
    "features",
    "few_labels",
    "finetune",
    "held_out_r2",
    "hinge",
    "knn",
    "left_out_table",
    "linear",
    "linear_cka",
    "loss_capacity",
    "loss_data",
    "matched",
    "matched_si_sdr",
    "mcc",
    "mlp",
    "mlp2",
    "ms_ssim",
    "nats_learned",
    "nats_table",
    "near_duplicates",
    "nearest",
    "neighbour_overlap",
    "on_object",
    "over_orderings",
    "pearson",
    "piece_features",
    "piece_table",
    "random_twin",
    "raw",
    "raw_name",
    "retrieval_table",
    "retrieved",
    "si_sdr",
    "spearman",
    "supervised",
    "svm",
    "udr",
    "udr_mended",
    "uniformity",
    "unlabelled_tables",
    "usable_information",
    "variability_of_means",
    "variability_of_scales",
    "warn_unless_better",
    "weak_mcc",
]

METRICS: dict[str, Callable[..., Any]] = {
    "alignment": alignment,
    "uniformity": uniformity,
    "effective_rank": effective_rank,
    "collapse": collapse,
    "dependency": dependency,
    "ms_ssim": ms_ssim,
    "linear_cka": linear_cka,
    "neighbour_overlap": neighbour_overlap,
    "exact_duplicates": exact_duplicates,
    "near_duplicates": near_duplicates,
    "few_labels": few_labels,
    "conditioning": conditioning,
    "usable_information": usable_information,
    "loss_data": loss_data,
    "loss_capacity": loss_capacity,
    "disentanglement": disentanglement,
    "udr": udr,
    "finetune": finetune,
    "nats_learned": nats_learned,
    "attention": attention,
    "on_object": on_object,
    "mcc": mcc,
    "weak_mcc": weak_mcc,
    "matched": matched,
    "pearson": pearson,
    "spearman": spearman,
    "held_out_r2": held_out_r2,
    "amari_distance": amari_distance,
    "si_sdr": si_sdr,
    "matched_si_sdr": matched_si_sdr,
    "bss_eval": bss_eval,
    "agreement": agreement,
    "beats_linear": beats_linear,
    "evidence": evidence,
    "variability_of_means": variability_of_means,
    "variability_of_scales": variability_of_scales,
}
"""What is measured of features or of sources, beside the probes."""
