"""The picture on the first page: images and maps of the demo, as they lie in its folder.

make demo && .venv/bin/python docs/overview.py stsun-demo docs/images/overview.png
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from stsun.report.pictures import composite_of, painted, photographs
from stsun.scene.scene import open_scene

KINDS = {
    "aerial-buildings": "aerial photograph:\nwhat is where",
    "sentinel2-series": "Sentinel-2 series:\nland cover of the season",
    "aerial-change": "two aerial photographs:\nnew buildings",
    "sentinel2-semantic-change": "two Sentinel-2 images:\nland cover at each date",
    "sentinel1-flood": "two radar images:\nwhat was flooded",
}
INCHES, DOTS_PER_INCH, COLORS = 1.75, 110, 200
MOST_NAMED = 4
"""Categories of a map that its legend names: those that cover most."""


def images_of(folder: Path) -> list[Any]:
    """Return the first and the last date in colours."""
    scene = open_scene(sorted(folder.glob("image_*.tif")))
    shown = [0, len(scene.dates) - 1] if len(scene.dates) > 1 else [0]
    pixels = []
    for date in shown:
        with rasterio.open(scene.paths[date]) as raster:
            values = raster.read(masked=True) * np.array(raster.scales)[:, None, None]
        pixels.append((values.filled(0).astype(np.float32), ~np.ma.getmaskarray(values).any(0)))
    composites = [
        composite_of(scene.bands[date] if isinstance(scene.bands[0], tuple) else scene.bands) for date in shown
    ]
    return photographs([one for one, _ in pixels], np.stack([seen for _, seen in pixels]), composites)


def map_of(folder: Path) -> tuple[Any, dict[str, str]]:
    """Return the last map in its own colours, and the colours of what covers most of it by name."""
    with rasterio.open(folder / "map.tif") as raster:
        tags, values = raster.tags(raster.count), raster.read(raster.count)
    count = sum(name.startswith("color_") for name in tags)
    order = np.argsort(-np.bincount(values.ravel(), minlength=count)[:count], kind="stable")
    named = [int(value) for value in order if (values == value).any()][:MOST_NAMED]
    colors = [tags[f"color_{value}"] for value in range(count)]
    return painted(values.astype(np.int64), colors), {tags[f"category_{value}"]: colors[value] for value in named}


def main(demo: Path, target: Path) -> None:
    """Write the picture."""
    figure = Figure(figsize=(INCHES * len(KINDS), INCHES * 3.65), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots(3, len(KINDS))
    for column, (kind, title) in enumerate(KINDS.items()):
        images = images_of(demo / kind)
        picture_of_map, legend = map_of(demo / kind)
        shown = {
            "first date" if len(images) > 1 else "": images[0],
            "last date": images[-1],
            "map": picture_of_map,
        }
        for row, (name, picture) in enumerate(shown.items()):
            place = axes[row, column]
            place.axis("off")
            if row != 1 or len(images) > 1:
                place.imshow(picture, interpolation="nearest")
                place.text(0, -3, name, fontsize=7, color="#56606a")
        axes[0, column].set_title(title, fontsize=8, pad=12)
        axes[2, column].legend(
            [Patch(facecolor=color) for color in legend.values()], list(legend), loc="upper left",
            bbox_to_anchor=(0, 0), borderaxespad=0.3, borderpad=0, handlelength=1, frameon=False, fontsize=7,
        )  # fmt: skip
    figure.savefig(target)
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLORS).save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
