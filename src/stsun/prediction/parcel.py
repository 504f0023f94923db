"""A model on its way to the workers of a cluster, and what these do with it."""

import hashlib
import threading
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import rasterio
import torch
from torch import nn

from stsun.errors import ConfigurationError, StsunError
from stsun.extras import extra_package
from stsun.model.inference import usable
from stsun.prediction.inference import Job, compute
from stsun.prediction.run import GDAL_CACHE_MB
from stsun.prediction.seams import Part
from stsun.prediction.tiling import Chunk


@dataclass(frozen=True)
class Parcel:
    """A model and what is asked of it.

    Args:
        digest: Tells one from another.
        content: Both, pickled, and the device.
    """

    digest: str
    content: bytes = field(repr=False, compare=False)


def packed(model: nn.Module, job: Job) -> Parcel:
    """Return a model as it is: what it was built from does not tell what was changed since, such as its windows.

    Raises:
        ConfigurationError: The model or the images of the job cannot be pickled, or the extra ``dask`` is missing.
    """
    cloudpickle = dask_package("cloudpickle")
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    try:
        home = model if device.type == "cpu" else deepcopy(model).cpu()
        content: bytes = cloudpickle.dumps((home, job, str(device)))
    except Exception as error:  # pickling calls code of whatever the model and the arrays hold
        raise ConfigurationError(
            f"the model or the images cannot be sent to other processes ({error}); predict in one process"
        ) from error
    return Parcel(hashlib.sha256(content).hexdigest(), content)


def same(parcel: Parcel) -> Parcel:
    """Return a parcel: as the result of a task it is kept by the workers."""
    return parcel


def computed(parcel: Parcel, chunk: Chunk, threads: int) -> Part | StsunError:
    """Return what a chunk's tiles say, on a worker.

    Errors that the user can mend are returned: those raised on a worker are logged there at length.

    Args:
        parcel: The model and the job.
        chunk: Where.
        threads: Threads of torch.
    """
    config = dask_package("dask").config
    try:
        with _UNPACKING:
            model, job, device = _unpacked(parcel)
        torch.set_num_threads(threads)
        # lazy arrays are computed right here: as tasks of their own they would wait for this one's thread
        with config.set(scheduler="threads"), rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_MB):
            return compute(model, job, chunk, device=device)
    except StsunError as error:
        return error


def dask_package(name: str) -> Any:
    """Return a package of the extra ``dask``.

    Raises:
        ConfigurationError: It is not installed.
    """
    return extra_package(name, "dask", "computations on a cluster")


@lru_cache(maxsize=2)
def _unpacked(parcel: Parcel) -> tuple[nn.Module, Job, torch.device]:
    model, job, name = dask_package("cloudpickle").loads(parcel.content)
    device = usable(name)
    return model.to(device).eval(), job, device


_UNPACKING = threading.Lock()
"""A worker of several threads shall make the model once."""
