"""The command line: each verb parses, calls one library function, and prints."""

from stsun.cli import bench, categories, data, datasets, export, learning, maps, view  # noqa: F401 (each adds its verbs)
from stsun.cli.app import app, main

__all__ = ["app", "main"]
