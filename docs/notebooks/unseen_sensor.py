# %% [markdown]
# # A sensor that the model has never seen
#
# WorldView-3 has eight bands between 425 and 950 nm; the shipped checkpoint was trained on none of them. It is told
# their wavelengths and widths, and that is all it needs to begin. What does it make of them, and what if it is told
# something wrong?

# %%
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import stsun
from stsun import Band
from stsun.data.dataset import open_dataset
from stsun.evaluation.evaluate import predict_sample
from stsun.evaluation.summary import scored_names, summarise, tally
from stsun.simulation.dataset import write_dataset

folder = Path(tempfile.mkdtemp())
path = write_dataset(
    folder / "worldview", ["worldview-3"], [date(2021, 6, 1)], gsd_m=10, size=128, samples=12, cloud_cover=0
)
dataset = open_dataset(path)
samples = [dataset.read(record) for record in dataset.records("train")]
bands = samples[0].configuration.bands
for band in bands:
    print(band)

# %% [markdown]
# One score for each way to tell the bands: as they are, with all wavelengths reversed (the numbers are the same, but
# said to be other colours), and with fewer and fewer bands, each told rightly.

# %%
model = stsun.load()


def score(told, kept):
    """Mean IoU where the bands at the places `kept` are given and said to be `told`."""
    tallies = []
    for sample in samples:
        configuration = replace(sample.configuration, bands=told)
        given = replace(sample, images=[image[kept] for image in sample.images], configuration=configuration)
        maps = predict_sample(model, given, torch.device("cpu"))
        tallies.append(tally("segmentation", sample.classes, sample.labels, maps))
    return summarise("segmentation", scored_names(samples[0].configuration), tallies)["mean_iou"]


everything = list(range(len(bands)))
reversed_bands = [
    Band(one.name, other.wavelength_nm, other.bandwidth_nm) for one, other in zip(bands, bands[::-1], strict=True)
]
scores = {"as they are": score(bands, everything), "reversed": score(reversed_bands, everything)}
for count in (5, 3, 1):
    places = np.unique(np.linspace(0, len(bands) - 1, count).round().astype(int)).tolist()
    scores[f"{count} of them"] = score([bands[place] for place in places], places)
for name, value in scores.items():
    print(f"{name:12} {value:.3f}")

# %%
figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
axis.bar(list(scores), list(scores.values()))
axis.set(ylabel="mean IoU", title="eight bands of a sensor never seen, told in different ways")

# %% [markdown]
# The wrong map looks like a map, too. Nothing in it says that it is wrong; only the metadata do.

# %%
sample = samples[0]
wrong = replace(sample, configuration=replace(sample.configuration, bands=reversed_bands))
right, lied = (predict_sample(model, given, torch.device("cpu"))[0] for given in (sample, wrong))
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for axis, (title, shown) in zip(
    axes, {"truth": sample.labels[0], "told rightly": right, "told wrongly": lied}.items(), strict=True
):
    axis.imshow(np.where(shown == 255, np.nan, shown), cmap="tab10", vmin=0, vmax=9, interpolation="nearest")
    axis.set_title(title)
    axis.axis("off")
