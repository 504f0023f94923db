"""What a run is scored on: evaluations on splits that it does not train on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from stsun.data.dataset import DataSet
from stsun.evaluation.evaluate import Watch, evaluate
from stsun.report.contents import Chapter, chapter_of
from stsun.report.write import colors_of_legend
from stsun.training.plan import Experiment

HEADLINES = ("overall_accuracy", "mean_iou", "mean_f1", "kappa", "change_f1", "change_iou", "miou_scd", "sek", "f_scd")
"""Scores that are logged at each validation."""
SHOWN = 1
"""So many of the best and of the worst samples of each data set are in a run's report."""


@dataclass(frozen=True)
class Validation:
    """The evaluation of a model on a data set that it does not train on.

    Args:
        dataset: The data set.
        split: Name of its split.
    """

    dataset: DataSet
    split: str

    def scores(self, model: nn.Module, watch: Watch | None = None) -> dict[str, Any]:
        """Return all scores, as ``stsun.evaluate`` gives them."""
        return evaluate(model, self.dataset, self.split, watch=watch)

    def headlines(self, model: nn.Module) -> dict[str, float]:
        """Return the scores that are logged, by data set and name."""
        scores = self.scores(model)
        return {f"{self.dataset.name}/{name}": scores[name] for name in HEADLINES if scores.get(name) is not None}

    def chapter(self, model: nn.Module) -> Chapter:
        """Return all scores and the best and the worst sample."""
        return chapter_of(lambda watch: self.scores(model, watch), colors_of_legend(self.dataset.legend), shown=SHOWN)


def validations_of(experiment: Experiment, datasets: Mapping[str, DataSet]) -> list[Validation]:
    """Return one evaluation for each data set that names a validation split.

    Raises:
        DataError: A split does not exist.
    """
    runs: list[Validation] = []
    for entry in experiment.data:
        if entry.dataset is not None and entry.validation is not None:
            dataset = datasets[entry.dataset]
            dataset.records(entry.validation)
            runs.append(Validation(dataset, entry.validation))
    return runs
