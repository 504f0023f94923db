"""Areas of categories that are corrected for the map's errors, with confidence intervals.

The stratified estimator of Olofsson et al., Good practices for estimating area and assessing accuracy of land change,
Remote Sensing of Environment 148 (2014). The strata are the categories of the map.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.data.sample import Sample
from stsun.tasks import output_periods

Z = 1.96
"""Half the width of a 95 % interval in standard errors."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Areas and accuracies, each ``K``, with half the width of their 95 % intervals; NaN = undefined.

    Args:
        area_m2: Estimated area of each category.
        area_margin_m2: Its interval is the area plus and minus this.
        users: User's accuracy: the share of a category's map that is right.
        users_margin: See above.
        producers: Producer's accuracy: the share of a category's area that the map has as it.
        producers_margin: See above.
        overall: Share of the map that is right.
        overall_margin: See above.
    """

    area_m2: Values
    area_margin_m2: Values
    users: Values
    users_margin: Values
    producers: Values
    producers_margin: Values
    overall: float
    overall_margin: float


def estimate(matrix: NDArray[Any], mapped_m2: NDArray[Any]) -> Estimate:
    r"""Return what a map and a sample of labels say of areas.

    With map category i, label k, n_ik counts, n_i the sum over labels, W_i the mapped share of i:

    * share of k: p_k = sum_i W_i n_ik / n_i, and its area p_k times the whole (equations 8, 9)
    * its standard error: sqrt(sum_i W_i^2 (n_ik / n_i) (1 - n_ik / n_i) / (n_i - 1)) (equation 10)
    * accuracies and their variances: equations 1 to 3 and 5 to 7

    A category that is mapped, but of whose map fewer than two pixels are labelled, leaves all undefined that depends on
    it.

    Args:
        matrix: ``K K`` counts of labelled pixels; row = label, column = prediction, as everywhere here.
        mapped_m2: ``K``, area of each category in the map.
    """
    counts = np.asarray(matrix, np.float64).T  # row = map
    mapped = np.asarray(mapped_m2, np.float64)
    drawn, whole = counts.sum(axis=1), mapped.sum()
    used = mapped > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = mapped / whole
        rate = np.where(used[:, None], counts / drawn[:, None], 0)
        spread = np.where(used[:, None], rate * (1 - rate) / (drawn[:, None] - 1), 0)  # of each rate, squared
        right, doubt = rate.diagonal(), spread.diagonal()
        area = mapped @ rate
        producers = mapped * right / area
        missed = mapped[:, None] ** 2 * spread
        np.fill_diagonal(missed, 0)
        errors = (mapped * (1 - producers)) ** 2 * doubt + producers**2 * missed.sum(axis=0)
        return Estimate(
            area_m2=area,
            area_margin_m2=Z * np.sqrt(mapped**2 @ spread),
            users=np.where(used, right, np.nan),
            users_margin=Z * np.where(used, np.sqrt(doubt), np.nan),
            producers=producers,
            producers_margin=Z * np.sqrt(errors) / area,
            overall=float(weight @ right),
            overall_margin=float(Z * np.sqrt(weight**2 @ doubt)),
        )


def mapped_m2(sample: Sample, maps: NDArray[np.int64]) -> Values | None:
    """Return the area of each category in the maps of a sample, ``K``, where there are data; None = GSD not known."""
    configuration = sample.configuration
    if configuration.gsd_m is None:
        return None
    periods = output_periods(configuration.task, len(sample.images), configuration.per_date)
    seen = np.stack([sample.valid[start : end + 1].any(axis=0) for start, end in periods])
    return np.bincount(maps[seen], minlength=sample.classes).astype(np.float64) * configuration.gsd_m**2


def area_scores(names: Sequence[str], matrix: NDArray[Any], mapped: Values) -> dict[str, dict[str, Any]]:
    """Return for each category ``mapped_m2``, ``estimated_m2`` and its ``interval_m2``, JSON-able; None = undefined."""
    found = estimate(matrix, mapped)
    return {
        name: {"mapped_m2": float(own), "estimated_m2": _plain(area), "interval_m2": _interval(area, margin)}
        for name, own, area, margin in zip(names, mapped, found.area_m2, found.area_margin_m2, strict=True)
    }


def _interval(area: float, margin: float) -> list[float] | None:
    return [float(max(0.0, area - margin)), float(area + margin)] if np.isfinite(area + margin) else None


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
