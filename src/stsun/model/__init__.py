"""The network: torch and einops only; it knows tensors and a configuration, never a file."""
