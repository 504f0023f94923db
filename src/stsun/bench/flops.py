"""Parameters and floating-point operations: exact, and the same on every machine."""

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def count_gflops(network: nn.Module, *inputs: object) -> float:
    """Return 2 x multiply-add of one forward pass in 1e9, attention counted; sums, norms and activations are not.

    The counter sees no operation inside the fused kernels that a CPU uses for attention and for Transformer layers, so
    both give way to their unfused forms while it counts.
    """
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        counting = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.baddbmm_: _added_product})
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counting as counter:
            network(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops() / 1e9


def _added_product(_total: torch.Size, left: torch.Size, right: torch.Size, **_: object) -> int:
    """Return the operations of products that are added in place, which the counter passes over by itself."""
    return 2 * left.numel() * right[-1]


def parameter_count(network: nn.Module) -> int:
    """Return the number of parameters; weights that a specialised network got from a hypernetwork are buffers."""
    return sum(parameter.numel() for parameter in network.parameters())
