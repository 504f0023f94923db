"""Where figures are from: versions, hardware, weights, time."""

import hashlib
import importlib.metadata
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import torch

PACKAGES = ("stsun", "torch", "numpy", "lightning", "rasterio", "einops", "safetensors", "pydantic")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed, and the hardware that computes."""
    known = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):  # not all work needs all packages
            known[name] = importlib.metadata.version(name)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    return {"python": platform.python_version(), **known, "system": platform.system(), "device": device}


def digest_of(weights: Path) -> str:
    """Return the SHA-256 of a file of weights."""
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def now() -> str:
    """Return the time, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
