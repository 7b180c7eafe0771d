"""Nonlinear ICA by contrastive learning: TCL, GCL, PCL."""
