"""Simulation: endless labelled worlds as the sensors of the catalogue would see them."""
