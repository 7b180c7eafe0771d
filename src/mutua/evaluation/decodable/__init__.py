"""How much of y a family of probes can read from a representation z: what mutual information doesn't say."""
