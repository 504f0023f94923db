"""Data sets: from a description and its files to samples and batches."""
