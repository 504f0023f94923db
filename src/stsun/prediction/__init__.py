"""Prediction: aligned dates, tiles, blended logits, maps."""
