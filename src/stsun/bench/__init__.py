"""What networks cost: operations, time and memory of one forward pass."""
