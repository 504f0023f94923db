"""The main job end to end on data made on the spot: scores on three tasks, georeferenced maps, pictures, a report."""

import html
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import IGNORE, Sample
from stsun.errors import RasterError
from stsun.evaluation.evaluate import predict_sample
from stsun.evaluation.summary import scored_names, summarise, tally
from stsun.legend import color_of
from stsun.model.checkpoint import load
from stsun.model.inference import evaluating
from stsun.model.stsun import STSUN
from stsun.prediction.predict import predict
from stsun.raster.writer import write_picture
from stsun.simulation.scenes import KINDS, simulate
from stsun.simulation.write import write_scene

Colors = NDArray[np.uint8]
Maps = NDArray[np.int64]
Echo = Callable[[str], object]

FIRST_SEED = 1_000_000
"""Worlds of seeds below this are for training; the demo makes its own from here on, so none has been trained on."""

FOLDER = Path("stsun-demo")
HEADLINES = {
    "segmentation": ("mean_iou", "overall_accuracy"),
    "binary_change": ("change_f1", "change_iou"),
    "semantic_change": ("mean_iou", "change_f1"),
}
ROW = "{:27} {:16} {:>5} {:17} {:>6}  {}"
PICTURED_DATES = 4
GAP = 4
NEAR_INFRARED, RED, GREEN, BLUE = 840.0, 665.0, 560.0, 490.0


def run(
    output: Path | None = None,
    *,
    seed: int = 1000,
    model: STSUN | None = None,
    echo: Echo = print,
    samples: int = 6,
    size: int = 128,
    kinds: Sequence[str] = tuple(KINDS),
) -> dict[str, Any]:
    """Return the scores of a model on simulated scenes it has never seen, after writing maps and pictures of them.

    For each kind of scene, ``samples`` worlds are simulated (seeds from 1 000 000 on; training uses seeds below that)
    and scored against their exact truth. The first world is also written as GeoTIFFs, one per date, from which a
    georeferenced map is made, and a picture that shows dates, truth and map side by side.

    Args:
        output: Folder for the files, made if need be; None = ``stsun-demo`` in the current folder.
        seed: Of the worlds; other seeds give other worlds.
        model: The model; None = the checkpoint that ships with the package.
        echo: Gets each line of the summary.
        samples: Number of worlds of each kind.
        size: Side of each scene in pixels.
        kinds: Kinds of scenes (see `stsun.simulation.scenes.KINDS`).

    Returns:
        JSON-able dict: ``seed``, ``seconds``, ``scores`` (kind -> scores as `stsun.evaluate` gives them), ``files``.

    Raises:
        StsunError: A kind is unknown, the checkpoint is damaged, or the folder cannot be written.
    """
    started = time.perf_counter()
    folder = FOLDER if output is None else Path(output)
    _make_folder(folder)
    used = load(None) if model is None else model
    scores: dict[str, Any] = {}
    files: list[Path] = []
    echo(ROW.format("scenes", "task", "dates", "score", "value", "95 % interval").rstrip())
    for kind in kinds:
        worlds = [simulate(kind, FIRST_SEED + seed * samples + number, size) for number in range(samples)]
        scores[kind], maps = _score(used, worlds)
        for line in _rows(kind, worlds, scores[kind]):
            echo(line)
        files += _write_files(used, worlds[0], maps, folder, kind)
    result = {"seed": seed, "seconds": time.perf_counter() - started, "scores": scores}
    files += [folder / "index.html", folder / "scores.json"]
    result["files"] = [str(file) for file in files]
    (folder / "index.html").write_text(_report(scores), encoding="utf-8")
    (folder / "scores.json").write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    echo(f"\n{len(files)} files in {folder} ({result['seconds']:.0f} s):")
    for file in files:
        echo(f"  {file}")
    return result


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RasterError(f"{folder} cannot be made: {error}; choose another folder (--output)") from error


def _score(model: STSUN, worlds: Sequence[Sample]) -> tuple[dict[str, Any], Maps]:
    """Return the scores over all worlds, and the maps of the first."""
    configuration = worlds[0].configuration
    with evaluating(model, None) as device:
        maps = [predict_sample(model, world, device) for world in worlds]
    tallies = [
        tally(configuration.task, world.classes, world.labels, prediction)
        for world, prediction in zip(worlds, maps, strict=True)
        if world.labels is not None
    ]
    return summarise(configuration.task, scored_names(configuration), tallies), maps[0]


def _rows(kind: str, worlds: Sequence[Sample], scores: dict[str, Any]) -> list[str]:
    """Return the lines of the table for one kind of scene."""
    counts = sorted({len(world.images) for world in worlds})
    dates = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"
    rows = []
    for name in HEADLINES[scores["task"]]:
        interval = scores["intervals"][name]
        bounds = "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
        rows.append(ROW.format(kind, scores["task"], dates, name, _number(scores[name]), bounds).rstrip())
    return rows


def _number(score: float | None) -> str:
    return "-" if score is None else f"{score:.3f}"


def _write_files(model: STSUN, world: Sample, maps: Maps, folder: Path, kind: str) -> list[Path]:
    """Write one world's images, its map made from these files, and the picture; return the paths."""
    images = write_scene(world, folder / kind, "image")
    prediction = predict(
        model,
        images,
        task=world.configuration.task,
        categories=world.configuration.categories,
        output=folder / kind / "map.tif",
        overwrite=True,
    )
    picture = write_picture(folder / f"{kind}.png", _picture(world, maps))
    return [*images, *prediction.files, picture]


def _picture(world: Sample, maps: Maps) -> Colors:
    """Return dates, truth and maps side by side, ``H W 3``."""
    shown = np.unique(np.linspace(0, len(world.images) - 1, PICTURED_DATES).round().astype(int))
    bands = world.configuration.bands_of_dates(len(world.images))
    panels = [_photograph(world.images[date], bands[date]) for date in shown]
    panels += [_painted(labels, world.configuration) for labels in ([] if world.labels is None else world.labels)]
    panels += [_painted(prediction, world.configuration) for prediction in maps]
    white = np.full((world.size[0], GAP, 3), 255, np.uint8)
    return np.concatenate([part for panel in panels for part in (panel, white)][:-1], 1)


def _photograph(image: NDArray[np.float32], bands: Sequence[Band]) -> Colors:
    """Return an image in colours: infrared, red, green where there is infrared, else red, green, blue; radar vv, vh."""
    wavelengths_nm = np.array([np.nan if band.wavelength_nm is None else band.wavelength_nm for band in bands])
    if np.isnan(wavelengths_nm).any():
        layers = np.stack([image[0], image[-1], image[0] - image[-1]])
    else:
        infrared = bool((np.abs(wavelengths_nm - NEAR_INFRARED) < 60).any())
        wanted_nm = (NEAR_INFRARED, RED, GREEN) if infrared else (RED, GREEN, BLUE)
        layers = image[[int(np.abs(wavelengths_nm - target).argmin()) for target in wanted_nm]]
    low, high = np.percentile(layers, [2, 98], (1, 2), keepdims=True)
    stretched = ((layers - low) / np.maximum(high - low, 1e-6)).clip(0, 1)
    return np.moveaxis((255 * stretched).astype(np.uint8), 0, -1)


def _painted(labels: Maps, configuration: Configuration) -> Colors:
    """Return a map ``H W`` in the colours of its categories; what is ignored is white."""
    palette = np.full((IGNORE + 1, 3), 255, np.uint8)
    for index, name in enumerate(scored_names(configuration)):
        palette[index] = list(bytes.fromhex(color_of(name).lstrip("#")))
    return palette[labels]


def _report(scores: dict[str, Any]) -> str:
    """Return the report as one HTML page that shows the pictures beside it."""
    parts = [
        "<!doctype html><meta charset='utf-8'><title>STSUN demo</title>",
        "<style>body{font-family:sans-serif;margin:2em}img{image-rendering:pixelated;max-width:100%}"
        "i{display:inline-block;width:1em;height:1em;margin:0 .4em 0 1em}</style>",
        "<h1>STSUN demo</h1><p>Simulated scenes that the model has never seen. Each picture shows the dates "
        "(infrared, red, green where there is infrared), then the truth, then the map.</p>",
    ]
    for kind, score in scores.items():
        keys = "".join(
            f"<i style='background:{color_of(name)}'></i>{html.escape(name)} (IoU {_number(category['iou'])})"
            for name, category in score["categories"].items()
        )
        values = ", ".join(f"{name} {_number(score[name])}" for name in HEADLINES[score["task"]])
        parts.append(
            f"<h2>{html.escape(kind)}</h2><p>{score['task']}, {score['samples']} scenes: {values}</p>"
            f"<img src='{html.escape(kind)}.png' alt='dates, truth and map'><p>{keys}</p>"
        )
    return "\n".join(parts) + "\n"
