"""The table of public data sets, as it stands in docs/public-datasets.md."""

from collections.abc import Mapping
from typing import Any

from stsun.adapters.adapter import Adapter, adapter, adapter_names
from stsun.sensors import sensor

HEADER = ("name", "task", "T", "C", "GSD (m)", "classes", "splits", "licence", "tested on")


def table() -> str:
    """Return the public data sets that have an adapter as a Markdown table."""
    rows = [HEADER, tuple("---" for _ in HEADER), *(_row(adapter(name)) for name in adapter_names())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(one: Adapter) -> tuple[str, ...]:
    description = one.description
    changes = description["task"] == "binary_change"
    return (
        f"`{one.name}`",
        description["task"].replace("_", " ") + (" per date" if description.get("per_date") else ""),
        one.dates,
        _bands(description),
        f"{description['gsd_m']:g}" if "gsd_m" in description else "-",
        list(description["classes"].values())[1] if changes else str(len(description["classes"])),
        ", ".join(one.splits),
        one.licence,
        one.tested,
    )


def _bands(description: Mapping[str, Any]) -> str:
    if "sensors" in description:
        return ", ".join(_bands(entry) for entry in description["sensors"].values())
    bands = description["bands"]
    return str(len(sensor(bands).bands if isinstance(bands, str) else bands))
