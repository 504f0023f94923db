"""What results of trials say together: means over seeds, their standard errors, and paired differences to STSUN."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.evaluation.intervals import bootstrap
from stsun.evaluation.scores import binary_change_measures, overall_measures
from trials import OURS, Result

Group = list[Result]
"""Results of one network on one data set that differ in nothing but the seed."""


def groups_of(results: Iterable[Result]) -> list[Group]:
    """Return results grouped by data set, network and training, data sets and networks in the order they come in."""
    groups: dict[tuple[str, str, bool], Group] = {}
    for result in results:
        groups.setdefault((result.data_set, result.network, result.joint), []).append(result)
    places = {name: place for place, name in enumerate(dict.fromkeys(key[0] for key in groups))}
    return sorted(groups.values(), key=lambda group: places[group[0].data_set])


def summary_of(group: Group, ours: Group | None, metric: str) -> dict[str, Any]:
    """Return what a table says of a network on a data set.

    Args:
        group: The network, all its seeds.
        ours: STSUN trained on that data set alone; None = not trained.
        metric: The headline metric.

    Returns:
        ``score``: mean over seeds, an undefined one counts as 0; ``standard_error`` of it, None with one seed;
        ``behind_stsun``: STSUN's mean minus it, with ``interval``, 95 % of the paired bootstrap over samples (None with
        fewer than two): both networks are scored on the same draws of samples, the seeds they share averaged.
    """
    scores = [result.score or 0.0 for result in group]
    spread = statistics.stdev(scores) / len(scores) ** 0.5 if len(scores) > 1 else None
    summary = {"score": statistics.mean(scores), "standard_error": spread, "behind_stsun": None, "interval": None}
    pairs = [(own, other) for own in ours or () for other in group if own.seed == other.seed]
    if not pairs or ours is group:
        return summary
    matrices = np.array([[own.matrices, other.matrices] for own, other in pairs])  # seeds, networks, samples, K K
    difference = _difference(metric)
    bounds = bootstrap(matrices.transpose(2, 0, 1, 3, 4), difference)
    interval = None if bounds is None else [float(bound) for bound in bounds["difference"]]
    behind = difference(matrices.sum(2))["difference"]
    return summary | {"behind_stsun": float(behind), "interval": interval}


def reference_for(group: Group, groups: Sequence[Group]) -> Group | None:
    """Return STSUN trained alone on the data set of a group."""
    found = [one for one in groups if one[0].network == OURS and not one[0].joint]
    return next((one for one in found if one[0].data_set == group[0].data_set), None)


def _difference(metric: str) -> Callable[[NDArray[Any]], dict[str, NDArray[np.float64]]]:
    """Return what gives, of matrices ``... seeds 2 K K``, the mean of the first network's scores minus the second's."""
    measure = binary_change_measures if metric == "change_f1" else overall_measures

    def difference(matrices: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        scores = np.nan_to_num(measure(matrices)[metric])
        return {"difference": (scores[..., 0] - scores[..., 1]).mean(-1)}

    return difference
