"""Where tensors lie and move, and whether Triton makes kernels here."""
