"""What can be said of features, and of the data, without a label."""

from mutua.moved import names_of

__getattr__ = names_of(
    __name__,
    "metrics",
    ("alignment", "collapse", "effective_rank", "linear_cka", "neighbour_overlap", "uniformity"),
)
