"""What processes that train together exchange."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.distributed import GradBucket  # type: ignore[attr-defined]


def keep_local(_state: object, bucket: GradBucket) -> torch.futures.Future[Tensor]:
    """Leave the gradients of this process alone: they are clipped before they are averaged (see ``TrainingModule``)."""
    future: torch.futures.Future[Tensor] = torch.futures.Future()
    future.set_result(bucket.buffer())
    return future


def mean_over_processes(
    parameters: Sequence[nn.Parameter], gradients: Mapping[nn.Parameter, Tensor]
) -> dict[nn.Parameter, Tensor]:
    """Return the gradients averaged over all processes; one that a process lacks counts as zero there."""
    trained = [each for each in parameters if each.requires_grad]
    flat = torch.cat([gradients.get(each, torch.zeros_like(each)).flatten() for each in trained])
    torch.distributed.all_reduce(flat)
    parts = (flat / torch.distributed.get_world_size()).split([each.numel() for each in trained])
    return {each: part.view_as(each) for each, part in zip(trained, parts, strict=True)}
