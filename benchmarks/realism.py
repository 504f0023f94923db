"""Simulated scenes beside real ones: the same statistics of both, and pictures side by side.

Example:
    python benchmarks/realism.py --gallery docs/simulation.png --json benchmarks/results/realism.json

Each real data set (its split `train`) is paired with the kind of simulated scene that imitates it. Of both are told,
as medians over images: mean and spread of each shared band, correlations between bands, autocorrelation of brightness
at 1, 4 and 16 pixels, the NDVI of shared categories (10 %, 50 %, 90 % of pixels) and the median area of their patches.
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from stsun.configuration import Bands
from stsun.data.dataset import open_dataset
from stsun.data.sample import Sample
from stsun.raster.writer import write_picture
from stsun.report.words import number
from stsun.simulation.scenes import HELD_OUT, simulate
from tables import head, row, write_json

PAIRS = (
    ("xbd_ida/buildings", "aerial-buildings"),
    ("dubai_aerial/dataset", "aerial-buildings"),
    ("levir_cd/dataset", "aerial-change"),
    ("ca_burned_area/post", "sentinel2-semantic-change"),
    ("cloud_s2_l7_l5/sentinel2", "sentinel2-series"),
    ("landsat7_nc/dataset", "landsat-mixed-series"),
    ("enmap_potsdam/dataset", "hyperspectral"),
    ("sen1floods11_spain/dataset", "sentinel1-flood"),
    ("ombria_flood/s1", "sentinel1-flood-pictures"),
)
"""Real data set, and the kind that imitates it."""
NOMINAL_NM = {"blue": 485.0, "green": 560.0, "red": 660.0, "nir": 840.0, "swir16": 1620.0, "swir22": 2200.0}
TOLERANCE_NM = 60.0
LAGS = (1, 4, 16)
ENOUGH, FLAT = 20, 1e-6
SIZE, TILE, COLUMNS = 128, 96, 5
Image = NDArray[np.float32]
Statistics = dict[str, float]


def main() -> None:
    """Print a Markdown table of all pairs, and write pictures and JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--scenes", type=int, default=12, help="images of each side")
    parser.add_argument("--pictures", type=Path, help="folder for one picture per pair: real above, simulated below")
    parser.add_argument("--gallery", type=Path, help="PNG of the simulated scenes alone, a row per kind")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    gallery: dict[str, NDArray[np.uint8]] = {}
    results: dict[str, Any] = {}
    for name, kind in PAIRS:
        real = list(real_samples(arguments.root / f"{name}.yaml", arguments.scenes))
        simulated = [simulate(kind, HELD_OUT + index, SIZE) for index in range(arguments.scenes)]
        both = statistics(real), statistics(simulated)
        results[f"{name} / {kind}"] = {"real": both[0], "simulated": both[1]}
        print(f"\n**{name}** beside `{kind}`\n\n{table(*both)}", flush=True)
        gallery[kind] = strip(simulated)
        if arguments.pictures is not None:
            sheet = np.concatenate([strip(real), gallery[kind]])
            write_picture(arguments.pictures / f"{kind}-{name.replace('/', '-')}.png", sheet)
    if arguments.gallery is not None:
        write_picture(arguments.gallery, np.concatenate(list(gallery.values())))
    if arguments.json is not None:
        write_json(arguments.json, {"scenes": arguments.scenes, "size": SIZE, "pairs": results})


def real_samples(path: Path, count: int) -> Iterator[Sample]:
    """Yield up to ``count`` training samples, evenly spread over the split."""
    dataset = open_dataset(path)
    records = dataset.records("train")
    for index in np.unique(np.linspace(0, len(records) - 1, count).round().astype(int)):
        yield dataset.read(records[int(index)])


def statistics(samples: Sequence[Sample]) -> Statistics:
    """Return the medians over the images of samples, by the name of the statistic."""
    gathered: dict[str, list[float]] = {}
    for sample in samples:
        for date, bands in enumerate(sample.configuration.bands_of_dates(len(sample.images))):
            layers = named_layers(sample.images[date], bands)
            for key, value in image_statistics(layers, sample.valid[date]).items():
                gathered.setdefault(key, []).append(value)
            for key, value in category_statistics(sample, date, layers).items():
                gathered.setdefault(key, []).append(value)
    return {key: float(np.median(values)) for key, values in gathered.items()}


def named_layers(image: Image, bands: Bands) -> dict[str, Image]:
    """Return the bands that both sides may share: the nearest to each nominal wavelength, and the named tokens."""
    layers = {band.token: image[index] for index, band in enumerate(bands) if band.token is not None}
    wavelengths_nm = np.array([np.inf if band.wavelength_nm is None else band.wavelength_nm for band in bands])
    for name, nominal_nm in NOMINAL_NM.items():
        nearest = int(np.abs(wavelengths_nm - nominal_nm).argmin())
        if abs(wavelengths_nm[nearest] - nominal_nm) <= TOLERANCE_NM:
            layers[name] = image[nearest]
    return layers


def image_statistics(layers: dict[str, Image], valid: NDArray[np.bool_]) -> Statistics:
    """Return mean and spread of each band, correlations of neighbouring bands, autocorrelation of the first."""
    if valid.sum() < ENOUGH or not layers:
        return {}
    found: Statistics = {}
    names = [name for name in layers if name in NOMINAL_NM] or list(layers)
    for name in names:
        found[f"mean {name}"] = float(layers[name][valid].mean())
        found[f"spread {name}"] = float(layers[name][valid].std())
    for first, second in itertools.pairwise(names):
        found[f"correlation {first} {second}"] = correlation(layers[first][valid], layers[second][valid])
    brightness = layers["green" if "green" in layers else names[0]]
    for lag in LAGS:
        both = valid[:, lag:] & valid[:, :-lag]
        if both.sum() >= ENOUGH:
            pairs = brightness[:, lag:][both], brightness[:, :-lag][both]
            found[f"autocorrelation at {lag} px"] = correlation(*pairs)
    return found


def category_statistics(sample: Sample, date: int, layers: dict[str, Image]) -> Statistics:
    """Return NDVI quantiles and the median patch area of each category of a map that speaks for the date."""
    if sample.labels is None or sample.configuration.task == "binary_change":
        return {}
    labels = sample.labels[min(date, len(sample.labels) - 1)]
    area_m2 = (sample.configuration.gsd_m or np.nan) ** 2
    found: Statistics = {}
    for index, name in enumerate(sample.configuration.categories):
        where = (labels == index) & sample.valid[date]
        if where.sum() < ENOUGH or name == "background":
            continue
        patches, _ = ndimage.label(labels == index)
        found[f"patch area {name} (m2)"] = float(np.median(np.bincount(patches.ravel())[1:])) * area_m2
        if {"red", "nir"} <= layers.keys():
            total = layers["nir"] + layers["red"]
            ndvi = ((layers["nir"] - layers["red"]) / np.where(total > 0, total, np.nan))[where]
            for quantile in (10, 50, 90):
                found[f"NDVI {name} {quantile} %"] = float(np.nanpercentile(ndvi, quantile))
    return found


def correlation(first: Image, second: Image) -> float:
    """Return Pearson's correlation; 0 where one of both is constant."""
    if min(first.std(), second.std()) < FLAT:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def table(real: Statistics, simulated: Statistics) -> str:
    """Return a Markdown table of the statistics that both sides have."""
    shared = [key for key in real if key in simulated]
    lines = [row([key, number(real[key]), number(simulated[key])]) for key in shared]
    return "\n".join([head(("statistic", "real", "simulated"), texts=1), *lines])


def strip(samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """Return the first date of some samples side by side, each stretched to its own 1 to 99 %."""
    chosen = [samples[int(index)] for index in np.linspace(0, len(samples) - 1, COLUMNS).round()]
    tiles = [photograph(sample) for sample in chosen]
    return np.concatenate([np.pad(tile, ((2, 2), (2, 2), (0, 0)), constant_values=255) for tile in tiles], axis=1)


def photograph(sample: Sample) -> NDArray[np.uint8]:
    """Return a square of the first date: infrared, red, green where there is infrared; else true colour, or grey."""
    layers = named_layers(sample.images[0], sample.configuration.bands_of_dates(len(sample.images))[0])
    shown = next(
        (names for names in (("nir", "red", "green"), ("red", "green", "blue")) if layers.keys() >= {*names}), None
    )
    planes = [layers[name] for name in shown] if shown else [next(iter(layers.values()))] * 3
    stack = np.stack(planes)[:, :TILE, :TILE]
    low, high = np.percentile(stack, (1, 99), axis=(1, 2), keepdims=True)
    picture = (255 * ((stack - low) / np.maximum(high - low, 1e-6)).clip(0, 1)).astype(np.uint8)
    side = max(1, TILE // max(picture.shape[1:]))
    enlarged = picture.repeat(side, 1).repeat(side, 2)
    missing = ((0, 0), (0, TILE - enlarged.shape[1]), (0, TILE - enlarged.shape[2]))
    return np.moveaxis(np.pad(enlarged, missing, constant_values=255), 0, -1)


if __name__ == "__main__":
    main()
