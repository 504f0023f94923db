"""STSUN: one network for dense prediction from any remote-sensing imagery."""

__version__ = "0.1.0"
