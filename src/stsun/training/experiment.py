"""An experiment file run: data sets and simulated scenes in, a checkpoint with all that is needed to repeat it out."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import Sample
from stsun.errors import ExperimentError
from stsun.model import checkpoint
from stsun.report.contents import Report
from stsun.report.curves import panels_of
from stsun.report.write import LATEX, provenance_of, write_report
from stsun.simulation.scenes import HELD_OUT, simulate
from stsun.training.plan import DataPlan, Experiment
from stsun.training.record import (
    RESOLVED,
    card_of,
    facts_of,
    is_first_process,
    with_history,
    write_description,
    write_scores,
)
from stsun.training.sources import Source
from stsun.training.stream import TrainingStream
from stsun.training.validation import validations_of
from stsun.training.vocabulary import start_model, vocabulary_of
from stsun.yamlfile import load_mapping, validate, value_of

SIMULATED_COUNT = 200.0
"""A simulated kind counts as this many samples, unless the experiment says otherwise."""
DECIDES_NOTHING = (
    "name", "output", "validate_every", "checkpoint_every", "devices", "accelerator", "precision", "workers", "threads",
    "not_finite", "strategy", "checkpoint_activations",
)  # fmt: skip
"""Keys that may differ when a run is resumed: they do not say which weights it should end with."""


def read_experiment(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Return the experiment of a file, its paths made absolute.

    Args:
        path: The YAML file.
        overrides: ``dotted.key=value``, the value as YAML: ``stream.crop=128``, ``data.0.weight=2``.

    Raises:
        ExperimentError: The file or an override cannot be read, or does not fit.
    """
    file = Path(path)
    data = load_mapping(file, ExperimentError)
    for override in overrides:
        _override(data, override)
    experiment = validate(data, Experiment, ExperimentError, str(file))
    return _with_absolute_paths(experiment, file.resolve().parent)


def _override(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ExperimentError(f"override {override!r} is not of the form key=value, such as stream.crop=128")
    *parents, last = key.split(".")
    place: Any = data
    for name in parents:
        if isinstance(place, list) and name.isdigit() and int(name) < len(place):
            place = place[int(name)]
        elif isinstance(place, dict):
            place = place.setdefault(name, {})
        else:
            raise ExperimentError(f"override {override!r}: there is no {name!r} to set; look at the experiment file")
    in_list = isinstance(place, list) and last.isdigit() and int(last) < len(place)
    if not isinstance(place, dict) and not in_list:
        raise ExperimentError(
            f"override {override!r}: {'.'.join(parents)} has no {last!r}; look at the experiment file"
        )
    try:
        place[int(last) if in_list else last] = value_of(text, ExperimentError)
    except ExperimentError as problem:
        raise ExperimentError(f"override {override!r}: {problem}") from problem


def _with_absolute_paths(experiment: Experiment, folder: Path) -> Experiment:
    data = tuple(
        dataclasses.replace(entry, dataset=str((folder / entry.dataset).resolve())) if entry.dataset else entry
        for entry in experiment.data
    )
    start = experiment.model.checkpoint
    model = dataclasses.replace(experiment.model, checkpoint=str((folder / start).resolve()) if start else None)
    output = str(Path(experiment.output or Path("runs") / experiment.name).resolve())
    return dataclasses.replace(experiment, data=data, model=model, output=output)


def train(path: str | Path, overrides: Sequence[str] = (), resume: bool = False) -> Path:
    """Run an experiment; return the folder with its checkpoint, scores, logs and resolved description.

    Args:
        path: The experiment's YAML file.
        overrides: ``dotted.key=value``, as on the command line.
        resume: Go on from the last checkpoint of a run that was stopped; the weights are those of an unbroken run.
            A finished run of the same experiment is left as it is.

    Raises:
        ExperimentError: The experiment cannot be run as written.
        DataError: A data set cannot be read.
    """
    return run(path, overrides, resume)[0]


def run(path: str | Path, overrides: Sequence[str] = (), resume: bool = False) -> tuple[Path, bool]:
    """Run an experiment as ``train`` does; return its folder, and whether there was anything left to do."""
    experiment = read_experiment(path, overrides)
    folder = Path(str(experiment.output))
    if is_first_process():
        _refuse_another_experiment(experiment, folder, resume)
    if resume and _is_finished(folder):
        return folder, False
    fitting = _fitting()
    if is_first_process() and not resume:
        _refuse_used_folder(folder, fitting.LAST)
    _fit(experiment, folder, fitting, resume=resume)
    return folder, True


def _fit(experiment: Experiment, folder: Path, fitting: Any, *, resume: bool) -> None:
    if experiment.threads:
        torch.set_num_threads(experiment.threads)
    datasets = {entry.dataset: open_dataset(entry.dataset) for entry in experiment.data if entry.dataset}
    stream = TrainingStream(sources_of(experiment, datasets), experiment.stream, seed=experiment.seed)
    vocabulary = vocabulary_of(stream.library.configurations)
    model = start_model(experiment.model, vocabulary, seed=experiment.seed)
    validations = validations_of(experiment, datasets)

    def describe() -> None:
        if is_first_process():
            write_description(experiment, folder)

    logged = [run.headlines for run in validations]
    trainer = fitting.fit(model, stream, experiment, folder, validations=logged, resume=resume, start=describe)
    if trainer.is_global_zero:
        minutes = trainer.lightning_module.seconds / 60
        log = fitting.merge_logs(folder)
        chapters = [run.chapter(model) for run in validations]
        scores = [dict(chapter.scores) for chapter in chapters]
        write_scores(scores, folder)
        seen = samples_seen(stream, experiment.steps * experiment.stream.accumulate)
        card = card_of(experiment, list(datasets.values()), vocabulary, scores, minutes=minutes, seen=seen)
        start = experiment.model.checkpoint
        checkpoint.save(model, folder, with_history(card, checkpoint.read_card(start)) if start else card)
        provenance = {**facts_of(card), **provenance_of(model, folder / checkpoint.WEIGHTS)}
        settings = (folder / RESOLVED).read_text(encoding="utf-8")
        write_report(Report(experiment.name, tuple(chapters), provenance, panels_of(log, scores), settings), folder)


def sources_of(experiment: Experiment, datasets: Mapping[str, DataSet]) -> list[Source]:
    """Return what the experiment trains on.

    Raises:
        ExperimentError: Two entries have the same name.
        DataError: A split does not exist.
    """
    sources = [
        _simulated(entry) if entry.dataset is None else _stored(entry, datasets[entry.dataset])
        for entry in experiment.data
    ]
    names = [source.name for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ExperimentError(f"{', '.join(twice)} is listed more than once under `data`; raise its weight instead")
    return sources


def _stored(entry: DataPlan, dataset: DataSet) -> Source:
    records = dataset.records(entry.train)

    def read(index: int) -> Sample:
        return dataset.read(records[index])

    return Source(
        dataset.name,
        dataset.task,
        len(records),
        read,
        weight=entry.weight,
        time_swap=entry.time_swap,
        counts_as=entry.counts_as,
    )


def _simulated(entry: DataPlan) -> Source:
    kind = str(entry.simulation)

    def read(index: int) -> Sample:
        return simulate(kind, index, entry.size)

    return Source(
        kind,
        read(0).configuration.task,
        HELD_OUT,
        read,
        weight=entry.weight,
        time_swap=entry.time_swap,
        endless=True,
        counts_as=entry.counts_as or SIMULATED_COUNT,
    )


def samples_seen(stream: TrainingStream, batches: int) -> dict[str, int]:
    """Return how many samples of each source the first ``batches`` of a stream hold, repetitions counted."""
    seen = {source.name: 0 for source in stream.library.sources}
    for index in range(batches):
        name, samples = stream.drawn(index)
        seen[name] += samples
    return seen


def _is_finished(folder: Path) -> bool:
    """Return whether all that a run leaves is there, to the last form of its report."""
    return (folder / checkpoint.WEIGHTS).is_file() and (folder / LATEX).is_file()


def _refuse_used_folder(folder: Path, last: str) -> None:
    if (folder / checkpoint.WEIGHTS).is_file():
        raise ExperimentError(f"{folder} holds a finished run; give another `output`, or remove it to train again")
    if (folder / last).is_file():
        raise ExperimentError(f"{folder} holds an unfinished run; go on with --resume, or remove it to start again")


def _refuse_another_experiment(experiment: Experiment, folder: Path, resume: bool) -> None:
    """Refuse to resume with other values than the run was started with: its weights would be those of neither."""
    if not resume or not (folder / RESOLVED).is_file():
        return
    before, now = (_decisive(each) for each in (read_experiment(folder / RESOLVED), experiment))
    differing = [name for name in before if before[name] != now[name]]
    if differing:
        raise ExperimentError(
            f"{folder} was started with other values of {', '.join(differing)}; give the same to --resume "
            f"(they are in its {RESOLVED}), or another `output` to start again"
        )


def _decisive(experiment: Experiment) -> dict[str, Any]:
    values = dataclasses.asdict(experiment)
    for name in DECIDES_NOTHING:
        del values[name]
    del values["stream"]["cache_gb"]
    for entry in values["data"]:
        del entry["validation"]
    return values


def _fitting() -> Any:
    """Return the module that needs Lightning, which only training does."""
    try:
        from stsun.training import fit
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "lightning":
            raise
        raise ExperimentError(f"training needs {error.name}; install it with: pip install 'stsun[train]'") from error
    return fit
