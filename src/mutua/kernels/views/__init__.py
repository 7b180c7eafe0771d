"""Whole compositions of image views in one pass: a compiled loop for the CPU, Triton for CUDA."""
