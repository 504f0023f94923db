"""Prediction: a scene goes through the network chunk by chunk and comes out as maps."""
