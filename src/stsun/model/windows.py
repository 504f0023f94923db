"""Windows of tokens for local-global attention, and back: inverse pairs that mask what they pad."""

from dataclasses import dataclass

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


WHOLE = Window(0, 0)


def window_of_block(kind: str, size: int, block: int) -> Window:
    """Return the window of the n-th block of a cycle (LGWA: wide, square, tall, global; Swin: plain, shifted)."""
    if kind == "global":
        return WHOLE
    if kind == "shifted":
        return Window(size, size, shifted=block % 2 == 1)
    wide, tall = Window(size // 2, 2 * size), Window(2 * size, size // 2)
    return (Window(size, size), Window(size, size, spread=True), wide, tall)[block % 4]


@dataclass(frozen=True)
class Partition:
    """What ``unpartition`` needs to undo ``partition``."""

    height: int
    width: int
    top: int
    left: int
    rows: int
    columns: int
    spread: bool


def partition(tokens: Tensor, valid: Tensor, window: Window) -> tuple[Tensor, Tensor, Partition]:
    """Group tokens into windows: ``N H W C`` to ``(N windows) L C`` and the mask ``(N windows) L`` of real tokens."""
    height, width = tokens.shape[1:3]
    win_h, rows, top = _fit(height, window.height, window.shifted)
    win_w, columns, left = _fit(width, window.width, window.shifted)
    bottom, right = rows * win_h - top - height, columns * win_w - left - width
    if top or left or bottom or right:
        tokens = F.pad(tokens, (0, 0, left, right, top, bottom))
        valid = F.pad(valid, (left, right, top, bottom))
    plan = Partition(height, width, top, left, rows, columns, window.spread)
    pattern = _pattern(plan)
    sizes = {"rows": rows, "columns": columns}
    return (
        rearrange(tokens, f"{pattern[0]} c -> {pattern[1]} c", **sizes),
        rearrange(valid, f"{pattern[0]} -> {pattern[1]}", **sizes),
        plan,
    )


def unpartition(windows: Tensor, plan: Partition) -> Tensor:
    """Put windows back and cut the padding off: the inverse of ``partition`` for the tokens."""
    grid, grouped = _pattern(plan)
    win_h = -(-(plan.height + plan.top) // plan.rows)
    tokens = rearrange(windows, f"{grouped} c -> {grid} c", rows=plan.rows, columns=plan.columns, h=win_h)
    return tokens[:, plan.top : plan.top + plan.height, plan.left : plan.left + plan.width]


def _pattern(plan: Partition) -> tuple[str, str]:
    grid = "n (h rows) (w columns)" if plan.spread else "n (rows h) (columns w)"
    return grid, "(n rows columns) (h w)"


def _fit(length: int, window: int, shifted: bool) -> tuple[int, int, int]:
    """Return window length, number of windows and leading pad, with windows no longer than needed (little padding)."""
    if window == 0 or length <= window:
        return length, 1, 0
    lead = window // 2 if shifted else 0
    count = -(-(length + lead) // window)
    return -(-(length + lead) // count), count, lead
