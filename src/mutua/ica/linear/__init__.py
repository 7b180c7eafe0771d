"""Linear ICA by maximum likelihood."""

from mutua.moved import names_of

__getattr__ = names_of(__name__, "model", ("SOLVERS", "LinearICA"))
