"""What a forward pass of a network costs on a batch, in a process of its own: memory is not told otherwise."""

from typing import Any

import torch
from torch import nn

from stsun.bench.apart import apart, peak_mb
from stsun.bench.clock import timed
from stsun.bench.flops import count_gflops, parameter_count
from stsun.data.batching import Batch
from stsun.model.specialise import fastest

REPEATS = 3


def cost_on(model: nn.Module, batch: Batch) -> dict[str, Any]:
    """Return ``parameters`` of the model, and ``gflops``, ``est_ms`` and ``peak_mb`` of one forward pass.

    STSUN is specialised for the batch's configuration, as it is when it is used.
    """
    network = fastest(model.eval(), batch.configuration)
    inputs = (batch.images, batch.valid, batch.days, batch.configuration)
    return {"parameters": parameter_count(model), **apart(_measured, network, inputs, torch.get_num_threads())}


def _measured(network: nn.Module, inputs: tuple[object, ...], threads: int) -> dict[str, float]:
    torch.set_num_threads(threads)

    def forward() -> None:
        with torch.inference_mode():
            network(*inputs)

    times, peak = timed(forward, REPEATS), peak_mb()
    # operations are counted after the peak was read: unfused attention needs more memory
    return {"gflops": count_gflops(network, *inputs), "est_ms": times.est_ms, "peak_mb": peak}
