"""mutua: representations, mutual information and sources from data without labels."""
