"""Scores on simulated scenes in which one thing is changed at a time, against exact truth.

Example:
    python benchmarks/curves.py --models tiny=src/stsun/checkpoints/tiny paper=runs/paper --scenes 40 \
        --json benchmarks/results/curves.json

Prints one Markdown table per curve and kind of scene: at each level the score of each model (mean IoU; change F1 where
changes are asked for) with its 95 % bootstrap interval over scenes, the share of pixels that are valid over all dates,
and the number of scenes with a label. All levels of a curve, and all models, see the same places; no place was trained
on. The same command gives the same figures.

- Shifted bands: the sensor's true bands lie at longer wavelengths. The model is told so, or it is told the old ones.
- Bands: of Sentinel-2 the most used come first; of EnMAP they are spread evenly over its list.
- GSD: the same ground in larger or smaller pixels, and truth at that size. The nearest GSD at which whole pixels cover
  the ground; point spread and misregistration stay the same in pixels. Clear sky. Only kinds labelled with land cover.
- Dates: the last date, whose land cover is asked for, always stays; fewer dates spread over the same time, or as many
  dates closer together. Clear sky, so that the truth is one and the same.
- Clouds: on every date about the same share of the sky; pixels not seen where their label needs it do not count.
- Misregistration: every date but the first is moved by this distance, each in a direction of its own. Between whole
  pixels this smooths the image as well, as resampling does.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from stsun.bands import Band
from stsun.bench.flops import parameter_count
from stsun.data.sample import Sample
from stsun.errors import ConfigurationError
from stsun.evaluation.evaluate import predict_sample
from stsun.evaluation.summary import Tally, scored_names, summarise, tally
from stsun.model.checkpoint import load
from stsun.model.inference import evaluating
from stsun.model.stsun import STSUN
from stsun.report.words import interval, number
from stsun.simulation.field import Window
from stsun.simulation.kinds import KINDS
from stsun.simulation.scenes import HELD_OUT, Scene, plan_scene, sample_of, scene_of
from stsun.simulation.view import Conditions
from tables import HEADLINES, head, row, write_json

MOST_USED = ("B08", "B04", "B03", "B02", "B11", "B12", "B8A", "B05", "B06", "B07")
"""Bands of Sentinel-2: near infrared and red, then colours, shortwave infrared, and the red edge."""
SERIES_DATES, SERIES_SPAN = 32, 315.0
"""Dates of a full series, and the days that it lasts. No training here saw more than 16 dates at once."""
SPACED_DATES, SPACED_DAYS = 5, 45.0
"""How many dates there are where their spacing is changed, and the days between them before that."""

Value = TypeVar("Value")
Models = Mapping[str, STSUN]
Base = Callable[[str, int, int], Scene]
"""From a kind, a seed and a size to the scene that is changed."""
Change = Callable[[Scene, float], Scene]


def spread(values: tuple[Value, ...], count: float) -> tuple[Value, ...]:
    """Return ``count`` of the values in their order, spread evenly: the last, and from two on the first among them."""
    positions = np.linspace(len(values) - 1, 0, int(count)).round()[::-1]
    return tuple(values[int(position)] for position in positions)


def shift_bands(scene: Scene, nanometres: float) -> Scene:
    """Return the scene as seen by a sensor whose bands lie at wavelengths longer by ``nanometres``."""

    def moved(band: Band) -> Band:
        return band if band.wavelength_nm is None else replace(band, wavelength_nm=band.wavelength_nm + nanometres)

    return replace(scene, bands=tuple(tuple(moved(band) for band in bands) for bands in scene.bands))


def keep_most_used(scene: Scene, count: float) -> Scene:
    """Return the scene with the ``count`` most used bands of Sentinel-2, in their usual order."""
    kept = MOST_USED[: int(count)]
    return replace(scene, bands=tuple(tuple(band for band in bands if band.name in kept) for bands in scene.bands))


def keep_spread(scene: Scene, count: float) -> Scene:
    """Return the scene with ``count`` bands spread evenly over the list, its first and last among them."""
    return replace(scene, bands=tuple(spread(bands, count) for bands in scene.bands))


def resize_pixels(scene: Scene, factor: float) -> Scene:
    """Return the same ground in pixels about ``factor`` times as large: so that whole pixels cover it exactly."""
    old = scene.window
    height = round(old.height / factor)
    gsd_m = old.height * old.gsd_m / height
    width = round(old.width * old.gsd_m / gsd_m)
    return replace(scene, window=Window(old.x_m, old.y_m, height, width, gsd_m))


def keep_dates(scene: Scene, count: float) -> Scene:
    """Return the scene with ``count`` of its dates, spread evenly, the last among them."""
    return replace(scene, bands=spread(scene.bands, count), conditions=spread(scene.conditions, count))


def space_dates(scene: Scene, days: float) -> Scene:
    """Return the scene with so many days between its dates; the last stays where it is."""
    end, last = scene.conditions[-1].day, len(scene.conditions) - 1
    moved = (replace(date, day=end - days * (last - number)) for number, date in enumerate(scene.conditions))
    return replace(scene, conditions=tuple(moved))


def cover_with_clouds(scene: Scene, share: float) -> Scene:
    """Return the scene with clouds over about this share of the sky on every date."""
    return replace(scene, conditions=tuple(replace(date, cloud_cover=share) for date in scene.conditions))


def misregister(scene: Scene, pixels: float) -> Scene:
    """Return the scene with every date but the first moved by this distance, in a direction of its own."""

    def moved(date: Conditions, length: float) -> Conditions:
        angle = float(np.random.default_rng(date.seed).uniform(0, 2 * math.pi))
        return replace(date, shift_px=(length * math.cos(angle), length * math.sin(angle)))

    first, *others = scene.conditions
    return replace(scene, conditions=(moved(first, 0.0), *(moved(date, pixels) for date in others)))


def clear_scene(kind: str, seed: int, size: int) -> Scene:
    """Return a scene under a clear sky."""
    return cover_with_clouds(scene_of(kind, seed, size), 0.0)


def aligned_scene(kind: str, seed: int, size: int) -> Scene:
    """Return a scene of which all dates lie where they should."""
    return misregister(scene_of(kind, seed, size), 0.0)


def long_series(kind: str, seed: int, size: int) -> Scene:
    """Return a series of ``SERIES_DATES`` dates, evenly spaced, under a clear sky."""
    plan = replace(KINDS[kind], dates=(SERIES_DATES, SERIES_DATES), cloud_cover=0.0)
    return space_dates(plan_scene(plan, seed, size), SERIES_SPAN / (SERIES_DATES - 1))


def short_series(kind: str, seed: int, size: int) -> Scene:
    """Return the end of a long series, ``SPACED_DATES`` dates, ``SPACED_DAYS`` apart."""
    series = long_series(kind, seed, size)
    end = replace(series, bands=series.bands[-SPACED_DATES:], conditions=series.conditions[-SPACED_DATES:])
    return space_dates(end, SPACED_DAYS)


@dataclass(frozen=True)
class Curve:
    """One thing that is changed, and how far.

    Args:
        thing: What it is, with its unit.
        kinds: The kinds of scenes in which it is changed.
        levels: How far.
        unchanged: The level at which a scene stays as it is.
        change: Makes a scene of a level.
        base: Makes the scene that is changed.
        told: Whether the model is told the bands as they are, or as they were before the change.
    """

    thing: str
    kinds: tuple[str, ...]
    levels: tuple[float, ...]
    unchanged: float
    change: Change
    base: Base = scene_of
    told: bool = True


OPTICAL, SHIFTS_NM = ("sentinel2-series", "aerial-buildings"), (0, 10, 20, 40, 60)
LAND_COVER = ("sentinel2-series", "landsat-mixed-series", "hyperspectral")
SERIES, PAIRS = ("sentinel2-series",), ("aerial-change", "sentinel2-semantic-change", "sentinel1-flood")
CLOUDY = ("sentinel2-series", "landsat-mixed-series", "sentinel2-semantic-change")
CURVES = {
    "shift-told": Curve("band shift, told (nm)", OPTICAL, SHIFTS_NM, 0, shift_bands),
    "shift-not-told": Curve("band shift, not told (nm)", OPTICAL, SHIFTS_NM, 0, shift_bands, told=False),
    "bands": Curve("bands", SERIES, (1, 2, 3, 4, 6, 10), 10, keep_most_used),
    "bands-spread": Curve("bands", ("hyperspectral",), (4, 8, 16, 32, 64, 128, 224), 224, keep_spread),
    "gsd": Curve("GSD factor", LAND_COVER, (0.5, 0.7, 1, 1.4, 2, 4), 1, resize_pixels, clear_scene),
    "dates": Curve("dates", SERIES, (1, 2, 3, 5, 8, 16, 32), SERIES_DATES, keep_dates, long_series),
    "spacing": Curve("days between dates", SERIES, (5, 15, 30, 45, 90), SPACED_DAYS, space_dates, short_series),
    "clouds": Curve("cloud share", CLOUDY, (0, 0.2, 0.4, 0.6, 0.8), 0, cover_with_clouds, clear_scene),
    "misregistration": Curve("misregistration (px)", PAIRS, (0, 0.25, 0.5, 1, 2), 0, misregister, aligned_scene),
}
"""Every curve by its name."""


def sample_at(curve: Curve, kind: str, scene: Scene, level: float) -> Sample:
    """Return the labelled sample of a scene changed to a level, with what the model is told of it."""
    sample = sample_of(curve.change(scene, level), KINDS[kind].task, KINDS[kind].legend, f"{kind} at {level:g}")
    if curve.told:
        return sample
    bands = scene.bands if len(set(scene.bands)) > 1 else scene.bands[0]
    return replace(sample, configuration=replace(sample.configuration, bands=bands))


def measure(curve: Curve, kind: str, models: Models, scenes: int, size: int) -> dict[str, Any]:
    """Return the scores of the models at each level of a curve, JSON-able."""
    places = [curve.base(kind, HELD_OUT + number, size) for number in range(scenes)]
    levels = [measure_level(curve, kind, places, level, models) for level in curve.levels]
    facts = {"thing": curve.thing, "kind": kind, "task": KINDS[kind].task, "told": curve.told}
    return {**facts, "unchanged": curve.unchanged, "levels": levels}


def measure_level(curve: Curve, kind: str, places: Sequence[Scene], level: float, models: Models) -> dict[str, Any]:
    """Return the scores of the models on all places changed to a level; None where a model refuses them."""
    tallies: dict[str, list[Tally]] = {name: [] for name in models}
    valid = []
    for place in places:
        sample = sample_at(curve, kind, place, level)
        valid.append(float(sample.valid.mean()))
        for name in list(tallies):
            try:
                tallies[name].append(compare(models[name], sample))
            except ConfigurationError as reason:
                print(f"{kind}, {curve.thing} {level:g}: {name} left out: {reason}", file=sys.stderr)
                del tallies[name]
    names = scored_names(sample.configuration)  # the same at every place
    results = {name: summary(KINDS[kind].task, names, tallies.get(name, ())) for name in models}
    scenes = max(result["scenes"] for result in results.values())
    return {"level": level, "valid": sum(valid) / len(valid), "scenes": scenes, "models": results}


def compare(model: STSUN, sample: Sample) -> Tally:
    """Return the counts of a model's answer to one sample."""
    assert sample.labels is not None
    with evaluating(model, None) as device:
        prediction = predict_sample(model, sample, device)
    return tally(sample.configuration.task, sample.classes, sample.labels, prediction)


def summary(task: str, names: Sequence[str], tallies: Sequence[Tally]) -> dict[str, Any]:
    """Return each headline score with its interval, and the number of scenes that have a label."""
    metrics = HEADLINES[task]
    labelled = [counts for counts in tallies if counts.full.any()]
    if not labelled:
        return {"scenes": 0, "pixels": 0, **dict.fromkeys(metrics), "intervals": dict.fromkeys(metrics)}
    scores = summarise(task, names, labelled)
    chosen, intervals = ({metric: part[metric] for metric in metrics} for part in (scores, scores["intervals"]))
    return {"scenes": len(labelled), "pixels": scores["pixels"], **chosen, "intervals": intervals}


def table(result: dict[str, Any]) -> str:
    """Return the Markdown table of a curve, with the last headline score of its task."""
    metric = HEADLINES[result["task"]][-1]
    columns = [cell for model in result["levels"][0]["models"] for cell in (f"{model} {metric}", "95 % interval")]
    lines = [head([result["thing"], *columns, "valid", "scenes"], texts=0)]
    for level in result["levels"]:
        cells = []
        for scores in level["models"].values():
            cells += [number(scores[metric]), interval(scores["intervals"][metric])]
        lines.append(row([f"{level['level']:g}", *cells, f"{level['valid']:.2f}", str(level["scenes"])]))
    return "\n".join(lines)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", metavar="NAME=FOLDER", help="left out: the shipped checkpoint")
    parser.add_argument("--scenes", type=int, default=40, help="of each kind")
    parser.add_argument("--size", type=int, default=96, help="side of an unchanged scene in pixels")
    parser.add_argument("--only", default="", help="part of a curve's name and kind, such as gsd or clouds/landsat")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    for text in options.models or ():
        if not all(text.partition("=")):
            parser.error(f"got the model {text!r}, expected NAME=FOLDER, such as tiny=src/stsun/checkpoints/tiny")
    if options.scenes < 1:
        parser.error(f"got {options.scenes} scenes, expected at least 1 (2 for intervals)")
    if not any(options.only in f"{name}/{kind}" for name, curve in CURVES.items() for kind in curve.kinds):
        parser.error(f"no curve is called {options.only!r}; expected a part of {', '.join(CURVES)}")
    return options


def main() -> None:
    """Score the models on every curve and print the tables."""
    options = parse()
    torch.set_num_threads(options.threads)
    models = dict(text.split("=", 1) for text in options.models or ())
    loaded = {name: load(folder) for name, folder in models.items()} or {"shipped": load()}
    results = {}
    for name, curve in CURVES.items():
        for kind in curve.kinds:
            if options.only in (key := f"{name}/{kind}"):
                started = time.perf_counter()
                results[key] = measure(curve, kind, loaded, options.scenes, options.size)
                print(f"### {key}, unchanged at {curve.unchanged:g}\n\n{table(results[key])}\n", flush=True)
                print(f"{key}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    if options.json is not None:
        parameters = {name: parameter_count(model) for name, model in loaded.items()}
        facts = {"first_seed": HELD_OUT, "scenes": options.scenes, "size": options.size, "models": parameters}
        write_json(options.json, {**facts, "torch": torch.__version__, "curves": results})


if __name__ == "__main__":
    main()
