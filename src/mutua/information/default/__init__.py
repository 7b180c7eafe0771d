"""The default estimator of `mutual_information`: cross-fitted density ratios, read from both ends."""

from mutua.moved import names_of

__getattr__ = names_of(__name__, "evidence", ("EFFORTS", "Effort", "Evidence", "gather"))
