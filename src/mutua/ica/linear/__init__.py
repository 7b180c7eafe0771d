"""Linear ICA by maximum likelihood."""
