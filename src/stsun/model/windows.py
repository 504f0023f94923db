"""Windows of tokens for local-global attention, and back: inverse pairs that mask what they pad."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor


@dataclass(frozen=True)
class Window:
    """How one block groups the tokens of a grid.

    Args:
        height: Tokens along a window's height; 0 = the whole grid is one window.
        width: The same along its width.
        spread: The window's tokens are spread over the whole grid (every n-th) instead of lying side by side.
        shifted: Windows are offset by half their size.
    """

    height: int
    width: int
    spread: bool = False
    shifted: bool = False

    def fit(self, length: int, side: int) -> tuple[int, int, int]:
        """Return a window's side, the number of windows and the leading pad along a grid's side.

        Windows are no longer than needed (little padding). Nothing branches on the length, which tracing leaves open.
        """
        if side == 0:
            return length, 1, 0
        lead = side // 2 * torch.sym_min(1, (length - 1) // side) if self.shifted else 0  # a single one is not shifted
        count = (length + lead + side - 1) // side
        return (length + lead + count - 1) // count, count, lead


WHOLE = Window(0, 0)


def window_of_block(kind: str, size: int, block: int) -> Window:
    """Return the window of the n-th block of a cycle (LGWA: square, global, wide, tall; Swin: plain, shifted)."""
    if kind == "global":
        return WHOLE
    if kind == "shifted":
        return Window(size, size, shifted=block % 2 == 1)
    wide, tall = Window(size // 2, 2 * size), Window(2 * size, size // 2)
    return (Window(size, size), Window(size, size, spread=True), wide, tall)[block % 4]


@dataclass(frozen=True)
class Partition:
    """What ``unpartition`` needs to undo ``partition``."""

    rows: int
    columns: int
    height: int
    pad: tuple[int, int, int, int]
    spread: bool


def partition(tokens: Tensor, valid: Tensor, window: Window) -> tuple[Tensor, Tensor, Partition]:
    """Group tokens into windows: ``N H W C`` to ``(N windows) L C`` and the mask ``(N windows) L`` of real tokens."""
    height, width = tokens.shape[1:3]
    win_h, rows, top = window.fit(height, window.height)
    win_w, columns, left = window.fit(width, window.width)
    plan = Partition(
        rows, columns, win_h, (left, columns * win_w - left - width, top, rows * win_h - top - height), window.spread
    )
    grid, grouped = _pattern(plan)
    sizes = {"rows": rows, "columns": columns}
    return (
        rearrange(F.pad(tokens, (0, 0, *plan.pad)), f"{grid} c -> {grouped} c", **sizes),
        rearrange(F.pad(valid, plan.pad), f"{grid} -> {grouped}", **sizes),
        plan,
    )


def unpartition(windows: Tensor, plan: Partition) -> Tensor:
    """Put windows back and cut the padding off: the inverse of ``partition`` for the tokens."""
    grid, grouped = _pattern(plan)
    sizes = {"rows": plan.rows, "columns": plan.columns, "h": plan.height}
    tokens = rearrange(windows, f"{grouped} c -> {grid} c", **sizes)
    return F.pad(tokens, (0, 0, *(-side for side in plan.pad)))


def _pattern(plan: Partition) -> tuple[str, str]:
    grid = "n (h rows) (w columns)" if plan.spread else "n (rows h) (columns w)"
    return grid, "(n rows columns) (h w)"
