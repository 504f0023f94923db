"""Training: losses, schedule, the stream of batches, the Lightning module."""
