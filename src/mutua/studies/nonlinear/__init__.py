"""The studies of nonlinear ICA."""
