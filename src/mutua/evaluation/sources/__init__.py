"""Estimated sources against the true ones, and the evidence there is without them."""

from mutua.moved import names_of

__getattr__ = names_of(
    __name__,
    "mcc",
    ("Matching", "amari_distance", "held_out_r2", "matched", "pearson", "spearman", "weak_mcc"),
)
