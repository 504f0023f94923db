"""Predictions that the page starts: one at a time, watched, cancelled, and shown where they were asked for."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from stsun.errors import ConfigurationError, StsunError
from stsun.raster.whole import explained
from stsun.scene.scene import Scene, open_scene
from stsun.view.catalogue import Catalogue, shot_of
from stsun.view.crop import cropped
from stsun.view.layers import Layer, stacked
from stsun.view.opening import open_files

if TYPE_CHECKING:
    from torch import nn

LoadModel = Callable[[], "nn.Module"]

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
MOST_WAITING = 4
REMEMBERED = 50

FIX_BANDS = "choose the sensor that took the images"


@dataclass(frozen=True)
class Request:
    """What to predict.

    Args:
        layer: Identifier of an imagery layer.
        dates: Numbers of its dates, in order.
        box: West, south, east, north in degrees on the page's map; None = all.
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        categories: What to map; none = all that the model knows.
        per_date: One map per date.
        sensor: The catalogue's name of the sensor, for images whose bands are not known.
    """

    layer: str
    dates: Sequence[int]
    box: tuple[float, float, float, float] | None
    task: str
    categories: Sequence[str]
    per_date: bool
    sensor: str | None


@dataclass
class Job:
    """One prediction and how far it is: how many tiles are done, then what is done after them."""

    number: int
    request: Request
    state: str = WAITING
    done: int = 0
    total: int = 0
    stage: str = ""
    message: str = ""
    layers: list[str] = field(default_factory=list)
    cancelled: Event = field(default_factory=Event)

    def to_json(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {
            "id": str(self.number), "state": self.state, "done": self.done, "total": self.total,
            "stage": self.stage, "message": self.message, "task": self.request.task, "layers": list(self.layers),
        }  # fmt: skip


class CancelledError(Exception):
    """The user wants no more of a prediction."""


class Jobs:
    """Predictions of one viewer.

    Args:
        catalogue: What can be predicted from, and where results appear.
        folder: Where results are written; made when the first prediction starts.
        load_model: Gives the model; called once, when it is first needed.
    """

    def __init__(self, catalogue: Catalogue, folder: Path, load_model: LoadModel) -> None:
        self._catalogue, self._folder, self._load = catalogue, folder, load_model
        self._model: nn.Module | None = None
        self._jobs: dict[int, Job] = {}
        self._numbers = count(1)
        self._lock, self._loading = Lock(), Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="predict")

    def model(self) -> "nn.Module":
        """Return the model.

        Raises:
            CheckpointError: It cannot be loaded.
        """
        with self._loading:
            if self._model is None:
                self._model = self._load()
            return self._model

    def start(self, request: Request) -> Job:
        """Return a new prediction, which begins as soon as those before it have ended.

        Raises:
            UnknownError: There is no such layer or date.
            ConfigurationError: It cannot be made, or too many wait.
        """
        layer = self._catalogue.layer(request.layer)
        for number in request.dates:
            shot_of(layer, number)
        if layer.kind != "imagery":
            raise ConfigurationError(f"{layer.title} shows no images; predict from images")
        if layer.unknown is not None and request.sensor is None:
            raise ConfigurationError(f"{layer.unknown}; {FIX_BANDS}")
        with self._lock:
            if sum(job.state == WAITING for job in self._jobs.values()) >= MOST_WAITING:
                raise ConfigurationError(f"{MOST_WAITING} predictions wait already; let one end, or cancel it")
            job = Job(next(self._numbers), request)
            self._jobs[job.number] = job
            for number in list(self._jobs)[:-REMEMBERED]:
                if self._jobs[number].state not in (WAITING, RUNNING):
                    del self._jobs[number]
        self._worker.submit(self._run, job)
        return job

    def all(self) -> list[Job]:
        """Return the predictions that are remembered, the latest last."""
        return list(self._jobs.values())

    def get(self, identifier: str) -> Job | None:
        """Return a prediction; None where there is none of that number."""
        return self._jobs.get(int(identifier)) if identifier.isdecimal() and len(identifier) < 10 else None

    def cancel(self, job: Job) -> None:
        """End a prediction after the tile or the file that it is at; what it has made is removed."""
        job.cancelled.set()
        if job.state == WAITING:
            job.state = CANCELLED

    def close(self) -> None:
        """Cancel all that is not done, and wait until it has ended."""
        for job in self.all():
            self.cancel(job)
        self._worker.shutdown()

    def _run(self, job: Job) -> None:
        if job.cancelled.is_set():
            return
        job.state = RUNNING
        folder = None
        try:
            folder = self._new_folder()
            job.layers = self._predict(job, folder)
            job.state, job.message = DONE, f"written to {folder}"
            return
        except CancelledError:
            state, message = CANCELLED, job.message
        except StsunError as error:
            state, message = FAILED, str(error)
        except Exception as error:  # it must be seen on the page, not only in a terminal
            state, message = FAILED, f"this is a bug: {type(error).__name__}: {error}"
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        job.state, job.message = state, message  # last: who is told that it ended finds nothing left of it

    def _new_folder(self) -> Path:
        number = count(1)
        while True:
            folder = self._folder / f"prediction-{next(number):03}"
            with explained(folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                try:
                    folder.mkdir()
                except FileExistsError:
                    continue
            return folder

    def _predict(self, job: Job, folder: Path) -> list[str]:
        from stsun.prediction.predict import predict_scene
        from stsun.prediction.run import Settings
        from stsun.prediction.targets import Targets

        def go_on() -> None:
            if job.cancelled.is_set():
                raise CancelledError

        def progress(done: int, total: int) -> None:
            job.done, job.total = done, total
            go_on()

        def stage(words: str) -> None:
            job.stage = words
            go_on()

        request, layer = job.request, self._catalogue.layer(job.request.layer)
        targets = Targets(folder / "map.tif", folder / "probabilities.tif", confidence=folder / "confidence.tif")
        result = predict_scene(
            self.model(), _scene(layer, request), task=request.task, categories=list(request.categories) or None,
            per_date=request.per_date, targets=targets, settings=Settings(progress=progress, stage=stage),
        )  # fmt: skip
        layers, _ = open_files(result.files)
        named = [replace(one, title=f"{one.title} ({folder.name})") for one in stacked(layers)]
        return self._catalogue.add(request.layer.rpartition(".")[0], named)


def _scene(layer: Layer, request: Request) -> Scene:
    dates = [shot_of(layer, number).image for number in request.dates]
    if layer.unknown is not None:
        paths = [file.name for date in dates for file in date.files]
        dates = list(open_scene(paths, sensor=request.sensor).dates)
    return cropped(dates, request.box, layer.gsd_m)
