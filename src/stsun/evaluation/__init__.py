"""Evaluation: streaming confusion matrices, scores, intervals."""
