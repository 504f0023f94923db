"""What results of trials say together: means over seeds, their standard errors, and paired differences to STSUN."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.evaluation.intervals import bootstrap
from stsun.evaluation.scores import binary_change_measures, overall_measures
from trials import OURS, SHIPPED, Result

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
        ``behind_stsun`` and ``interval``: see `lead`, None for STSUN itself.
    """
    scores = [result.score or 0.0 for result in group]
    spread = statistics.stdev(scores) / len(scores) ** 0.5 if len(scores) > 1 else None
    behind, interval = (None, None) if ours is None or ours is group else lead(ours, group, metric)
    return {"score": mean_score(group), "standard_error": spread, "behind_stsun": behind, "interval": interval}


def lead(first: Group, second: Group, metric: str) -> tuple[float | None, list[float] | None]:
    """Return the first network's mean score minus the second's, and its interval; None where no seeds are shared.

    The interval is that of 95 % of the paired bootstrap over samples: both networks are scored on the same draws of
    samples, the seeds they share averaged. With fewer than two samples there is none.
    """
    pairs = [(own, other) for own in first for other in second if own.seed == other.seed]
    if not pairs:
        return None, None
    matrices = np.array([[own.matrices, other.matrices] for own, other in pairs])  # seeds, networks, samples, K K
    difference = _difference(metric)
    bounds = bootstrap(matrices.transpose(2, 0, 1, 3, 4), difference)
    interval = None if bounds is None else [float(bound) for bound in bounds["difference"]]
    return float(difference(matrices.sum(2))["difference"]), interval


def verdicts(groups: Sequence[Group], metrics: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return, per data set, what the unified model is held against: the best rival, and STSUN trained alone.

    Returns:
        ``data_set``, ``metric``; ``rival``: the one trained alone that scores best on the very split, which favours
        rivals, its score and costs, None where none was trained; ``alone``: STSUN's score; and ``unified``: for each
        STSUN that was trained on several data sets, by its network's name, its score, costs and `lead` over the two.
    """
    found = []
    for name in dict.fromkeys(group[0].data_set for group in groups):
        own = [group for group in groups if group[0].data_set == name]
        metric = metrics[own[0][0].task]
        rivals = [group for group in own if group[0].network not in (OURS, SHIPPED) and not group[0].joint]
        rival, alone = max(rivals, key=mean_score, default=None), reference_for(own[0], own)
        unified = {
            group[0].network: {
                "score": mean_score(group),
                "over_rival": None if rival is None else lead(group, rival, metric),
                "over_alone": None if alone is None else lead(group, alone, metric),
                **_costs(group),
            }
            for group in own
            if group[0].network in (OURS, SHIPPED) and group[0].joint
        }
        told = {
            "rival": None
            if rival is None
            else {"network": rival[0].network, "score": mean_score(rival), **_costs(rival)},
            "alone": None if alone is None else mean_score(alone),
        }
        found.append({"data_set": name, "metric": metric, **told, "unified": unified})
    return found


def cost_of_all(verdicts: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return what it takes to serve all data sets: a best rival for each, or one unified model for all of them.

    Returns:
        By ``rivals`` and the names of unified models: parameters, and the sum of GFLOPs of one sample of each data set.
    """
    total = {"rivals": {"parameters": 0.0, "gflops": 0.0}}
    for verdict in verdicts:
        for name in ("parameters", "gflops"):
            total["rivals"][name] += verdict["rival"][name] if verdict["rival"] else 0
        for network, own in verdict["unified"].items():
            sums = total.setdefault(network, {"parameters": own["parameters"], "gflops": 0.0})
            sums["gflops"] += own["gflops"]
    return total


def _costs(group: Group) -> dict[str, float]:
    return {"parameters": group[0].parameters, "gflops": group[0].gflops}


def mean_score(group: Group) -> float:
    """Return the mean score over seeds; an undefined one counts as 0."""
    return statistics.mean(result.score or 0.0 for result in group)


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
