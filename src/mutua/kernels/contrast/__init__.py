"""Log-sum-exp of scores, streamed: a compiled loop for the CPU, Triton for CUDA."""
