"""Simulation: small labelled worlds for the demo and for tests."""
