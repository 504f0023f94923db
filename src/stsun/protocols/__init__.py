"""Protocols: what papers mean by the score on a data set, one YAML file each."""
