"""Costs, and ratios of costs, as Markdown tables."""

from collections.abc import Iterator, Sequence

from stsun.bench.measure import Cost
from stsun.bench.run import Run

COLUMNS = (
    "network", "input", "parameters (M)", "GFLOPs", "est. ms", "share of the GEMM rate", "CPU ms",
    "GEMM rate (GFLOP per CPU s)", "peak MB",
)  # fmt: skip
TRAINING = ("forward + backward est. ms", "peak MB")
RATIOS = ("network", "input", "parameters", "GFLOPs", "est. ms", "peak MB")


def cost_table(costs: Sequence[Cost]) -> str:
    """Return costs as a table, with those of training where they were timed."""
    training = any(cost.step is not None for cost in costs)
    return _table((*COLUMNS, *TRAINING) if training else COLUMNS, [_cells(cost, training) for cost in costs])


def _cells(cost: Cost, training: bool) -> Iterator[str]:
    yield from _names(cost)
    yield from (f"{cost.parameters / 1e6:.2f}", f"{cost.gflops:.2f}", f"{cost.forward.est_ms:.0f}", f"{cost.share:.2f}")
    yield from (f"{1000 * cost.forward.cpu_s:.0f}", f"{cost.forward.gemm_rate:.0f}", f"{cost.peak_mb:.0f}")
    if training:
        yield "–" if cost.step is None else f"{cost.step.est_ms:.0f}"
        yield "–" if cost.step_peak_mb is None else f"{cost.step_peak_mb:.0f}"


def ratio_table(new: Run, old: Run) -> str:
    """Return what each case of the new run costs as a ratio to the old one; dashes where that lacks the case."""
    return _table(RATIOS, [_ratios(cost, old.of_cases.get(cost.case)) for cost in new.costs])


def _ratios(new: Cost, old: Cost | None) -> Iterator[str]:
    yield from _names(new)
    if old is None:
        yield from ("–",) * (len(RATIOS) - 2)
        return
    yield f"{new.parameters / old.parameters:.3f}"
    yield f"{new.gflops / old.gflops:.3f}"
    yield f"{new.forward.est_ms / old.forward.est_ms:.2f}"
    yield f"{new.peak_mb / old.peak_mb:.2f}"


def _names(cost: Cost) -> tuple[str, str]:
    return f"{cost.case.size}{'' if cost.case.specialised else ' (generic)'}", cost.case.input


def _table(columns: Sequence[str], rows: Sequence[Iterator[str]]) -> str:
    rule = ["---"] * 2 + ["---:"] * (len(columns) - 2)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows))
