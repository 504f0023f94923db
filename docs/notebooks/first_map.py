# %% [markdown]
# # The first map
#
# Two satellite images of one place become maps: what is there at each date, and what became what. The images are
# simulated here: nothing has to be fetched, and the truth is known. With your own GeoTIFFs only the paths differ.

# %%
import tempfile
from datetime import date
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import rasterio
from matplotlib.colors import ListedColormap

import stsun
from stsun.simulation.dataset import write_dataset

folder = Path(tempfile.mkdtemp())
dataset = write_dataset(
    folder / "world",
    ["sentinel-2-l2a"],
    [date(2018, 6, 1), date(2024, 6, 1)],
    task="semantic_change",
    size=256,
    samples=3,
)
images = [folder / "world" / "images" / f"002_{number}.tif" for number in range(2)]

# %% [markdown]
# What does a file say of itself? The model needs wavelengths, the scale of the stored numbers, and the day.

# %%
with rasterio.open(images[0]) as raster:
    print(raster.descriptions)
    print([raster.tags(band)["wavelength"] for band in raster.indexes])
    print(raster.scales, raster.tags()["ACQUISITION_DATE"])

# %% [markdown]
# The map. `categories` says what to look for; any of the names that the model knows will do.

# %%
model = stsun.load()
categories = [
    "water",
    "forest",
    "shrubland",
    "grassland",
    "agriculture",
    "bare soil",
    "artificial surface",
    "burned area",
]
result = stsun.predict(
    model,
    images,
    task="semantic_change",
    categories=categories,
    output=folder / "cover.tif",
    changes=folder / "changes.tif",
    transitions=folder / "areas.csv",
)
for each in result.maps:
    largest = sorted(each.pixels, key=each.pixels.get, reverse=True)[:3]
    print(each.period, {name: f"{each.area_m2[name] / 1e4:.1f} ha" for name in largest})

# %% [markdown]
# The file holds one map per date, with the colours of the categories in its tags.

# %%
figure, axes = plt.subplots(2, 2, figsize=(8, 8), layout="constrained")
with rasterio.open(folder / "cover.tif") as raster:
    colors = [raster.tags(1)[f"color_{value}"] for value in range(len(categories))]
    maps = raster.read()
palette = ListedColormap(colors)
for column, (path, period) in enumerate(zip(images, result.maps, strict=True)):
    with rasterio.open(path) as raster:
        infrared, red, green = (raster.read(band) / 5000 for band in (7, 3, 2))
    axes[0, column].imshow(np.stack([infrared, red, green], -1).clip(0, 1))
    axes[0, column].set_title(period.period)
    axes[1, column].imshow(maps[column], cmap=palette, vmin=-0.5, vmax=len(categories) - 0.5, interpolation="nearest")
for axis in axes.flat:
    axis.axis("off")
handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in colors]
figure.legend(handles, categories, loc="outside lower center", ncols=4)

# %% [markdown]
# Hectares from each category to each other:

# %%
print((folder / "areas.csv").read_text(encoding="utf-8"))

# %% [markdown]
# How good is it? Here the truth is known. On your own images, label a few tiles.

# %%
scores = stsun.evaluate(model, dataset, split="test")
print({name: round(scores[name], 3) for name in ("overall_accuracy", "mean_iou", "change_f1")})
