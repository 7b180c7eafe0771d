"""The checker that conftest puts on every function of mutua: beartype, an int being good for a float."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
