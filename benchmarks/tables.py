"""What the benchmark programs share: headline metrics, options, data sets under a folder, what a card tells, tables."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stsun.data.dataset import DataSet, open_dataset

HEADLINES = {
    "segmentation": ("mean_iou",),
    "binary_change": ("change_f1",),
    "semantic_change": ("mean_iou", "change_f1"),
}
"""The metrics of a task that a table shows."""


def scoring_parser(description: str | None, split: str) -> argparse.ArgumentParser:
    """Return the options of a program that scores a checkpoint on a split of the data sets under a folder.

    Args:
        description: Of the program.
        split: Where none is given.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default=split)
    parser.add_argument("--only", help="part of a data set's path, such as levir_cd")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    return parser


def data_sets(root: Path, splits: Iterable[str], only: str | None = None) -> Iterator[tuple[str, DataSet]]:
    """Yield the data sets under a folder that have all the splits, each with its path below the folder as its name.

    Args:
        root: The folder.
        splits: Names of splits; a data set that lacks one is left out.
        only: Part of a name, such as ``levir_cd``; None = all data sets.

    Raises:
        DataError: A description is wrong.
        SystemExit: There is none, so that a program has nothing to tell of.
    """
    wanted, found = set(splits), False
    for path in sorted(root.rglob("*.yaml")):
        name = path.relative_to(root).with_suffix("").as_posix()
        if only is None or only in name:
            dataset = open_dataset(path)
            if wanted <= set(dataset.splits):
                found = True
                yield name, dataset
    if not found:
        named = "" if only is None else f" with {only!r} in its path"
        raise SystemExit(f"{root} holds no data set{named} that has the splits {', '.join(sorted(wanted))}")


def samples_told(card: dict[str, Any]) -> Counter[str]:
    """Return how many samples of each source all parts of the training drew, repetitions counted."""
    seen: Counter[str] = Counter()
    part = card.get("training")
    while part:
        seen.update(part.get("samples_seen", {}))
        part = part.get("earlier")
    return seen


def row(cells: Sequence[str]) -> str:
    """Return one line of a Markdown table."""
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def head(columns: Sequence[str], texts: int) -> str:
    """Return the first two lines of a Markdown table, of which the first ``texts`` columns hold words, not numbers."""
    return row(columns) + "\n" + row(["---"] * texts + ["---:"] * (len(columns) - texts))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write the content as JSON; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
