"""The command line: each verb parses, calls one library function, and prints."""

from stsun.cli import data, learning, maps  # noqa: F401 (each adds its verbs)
from stsun.cli.app import app, main

__all__ = ["app", "main"]
