# %% [markdown]
# # Fine-tuning
#
# Fifty labelled tiles of a sensor that the shipped checkpoint has not been trained on. How good is it as it is, and
# after a short training that goes on from it? Needs `pip install 'stsun[train]'`.

# %%
import tempfile
from datetime import date
from pathlib import Path

import matplotlib.pyplot as plt
import yaml

import stsun
from stsun.report.curves import panels_of
from stsun.simulation.dataset import write_dataset

folder = Path(tempfile.mkdtemp())
dataset = write_dataset(folder / "tiles", ["planetscope-8"], [date(2021, 6, 1)], size=128, samples=50)

# %% [markdown]
# The score to beat, on tiles that nothing is trained on:

# %%
shipped = stsun.load()
before = stsun.evaluate(shipped, dataset, split="test")
print(before["mean_iou"], before["intervals"]["mean_iou"])

# %% [markdown]
# The experiment goes on from the shipped checkpoint, with a small learning rate. Paths are relative to the file.

# %%
experiment = {
    "name": "tuned",
    "output": str(folder / "run"),
    "model": {"checkpoint": str(shipped.checkpoint.parent)},
    "data": [{"dataset": "tiles/dataset.yaml", "validation": "val"}],
    "stream": {"crop": 128, "batch_size": 4, "accumulate": 2},
    "optimiser": {"learning_rate": 2.0e-4, "warmup": 20, "ema": 0.99},
    "steps": 300,
    "validate_every": 100,
}
(folder / "tune.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
run = stsun.train(folder / "tune.yaml")

# %% [markdown]
# The curves are in the run's report (`report.html`) and in `metrics.csv`:

# %%
panels = panels_of(run / "metrics.csv", [{"data_set": before["data_set"], "task": "segmentation"}])
figure, axes = plt.subplots(1, len(panels), figsize=(4 * len(panels), 3), layout="constrained", squeeze=False)
for axis, panel in zip(axes.flat, panels, strict=True):
    for name, (updates, values) in panel.lines.items():
        axis.plot(updates, values, label=name)
    axis.set(xlabel="updates", title=panel.title)

# %% [markdown]
# The same test tiles again. If the intervals overlap widely, do not speak of an improvement yet.

# %%
after = stsun.evaluate(stsun.load(run), dataset, split="test")
for name, scores in (("before", before), ("after", after)):
    print(name, round(scores["mean_iou"], 3), scores["intervals"]["mean_iou"])

# %%
for name in after["categories"]:
    was, now = (scores["categories"][name]["iou"] for scores in (before, after))
    print(f"{name:20}", *("–" if value is None else f"{value:.3f}" for value in (was, now)))
