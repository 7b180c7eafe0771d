"""The rows every table has beside the learned ones: the untrained encoder, and the same one with all labels."""
