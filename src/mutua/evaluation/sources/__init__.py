"""Estimated sources against the true ones, and the evidence there is without them."""
