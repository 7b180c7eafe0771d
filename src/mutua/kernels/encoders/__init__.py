"""For encoders."""
