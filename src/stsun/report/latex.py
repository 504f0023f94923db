"""Tables for papers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stsun.report.words import category_rows, heading, headline_rows

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def to_latex(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """Return scores as LaTeX, two tables for each evaluation: headline scores, and categories (package booktabs)."""
    tables = []
    for scores in evaluations:
        told = f"% {' '.join(heading(scores).split())}"
        tables += [told, _table(headline_rows(scores)), _table(category_rows(scores))]
    return "\n\n".join(["% needs \\usepackage{booktabs}", *tables]) + "\n"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = [" & ".join(map(_escaped, row)) + r" \\" for row in rows]
    columns = "l" + "r" * (len(rows[0]) - 1)
    begin = rf"\begin{{tabular}}{{{columns}}}", r"\toprule"
    return "\n".join([*begin, head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"])


def _escaped(text: str) -> str:
    escaped = re.sub(r"[\\{}$&#%_~^–<>]", lambda found: SPECIAL[found[0]], " ".join(text.split()))
    return re.sub(r"(?<!\S)-(?=\d)", "$-$", escaped)  # of a number: a minus, not a hyphen
