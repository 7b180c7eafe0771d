"""Compiled loops of the linear, flow and variational models."""
