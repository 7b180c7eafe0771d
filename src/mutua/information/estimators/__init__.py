"""The published estimators, each under its name in the field."""

from mutua.moved import names_of

__getattr__ = names_of(
    __name__, "catalogue", ("ESTIMATORS", "Arrangement", "Estimator", "all_pairs", "one_negative", "plugin")
)
