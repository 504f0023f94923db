"""Trains the same in several ways, one after the other; run by two processes (see ``test_sharded.py``)."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from conftest import make_sample
from stsun.model.stsun import create
from stsun.training.fit import fit
from stsun.training.plan import Experiment
from stsun.training.schedule import OptimiserPlan
from stsun.training.sources import memory_source
from stsun.training.stream import StreamPlan, TrainingStream

torch.set_num_threads(1)
TASKS = ("segmentation", "binary_change", "semantic_change")
ddp = Experiment(
    "test",
    (),
    stream=StreamPlan(crop=32, batch_size=2, accumulate=4),
    optimiser=OptimiserPlan(warmup=1, clip=0.2),
    steps=4,
    accelerator="cpu",
    devices=2,
    validate_every=2,
    checkpoint_every=2,
)
fsdp = replace(ddp, strategy="fsdp")


class Cut(Exception):
    """As a power cut would end it."""


def cut(source, left):
    def read(index):
        left[0] -= 1
        if left[0] < 0:
            raise Cut
        return source.read(index)

    return replace(source, read=read)


def trained(name, experiment, *, rotten=False, stop=False, resume=False):
    samples = {task: [make_sample(task, task, seed) for seed in range(4)] for task in TASKS}
    if rotten:
        samples["segmentation"][0].images[-1][:] = float("nan")
    model, out, means = create("nano", ["water", "land"], seed=1), Path(sys.argv[1]) / name, []

    def validation(model):
        means.append(sum(each.double().abs().sum().item() for each in model.parameters()))
        return {"mean": means[-1]}

    sources = [memory_source(task, samples[task]) for task in TASKS]
    if stop:  # after 12 samples to look at, and those of three updates: two batches of two in each process
        left = [12 + 3 * 2 * 2]
        sources = [cut(source, left) for source in sources]
    plan = replace(experiment.stream, cache_gb=0 if stop else 1)
    try:
        trainer = fit(model, TrainingStream(sources, plan), experiment, out, validations=[validation], resume=resume)
    except Cut:
        return
    parts = sum(each.numel() for each in trainer.lightning_module.parameters())
    if trainer.is_global_zero:
        save_file(model.state_dict(), out / "weights.safetensors")
        facts = {"means": means, "parts": parts, "skipped": trainer.lightning_module.skipped}
        (out / "facts.json").write_text(json.dumps(facts))


trained("ddp", ddp)
trained("ddp-sparing", replace(ddp, checkpoint_activations=True))
trained("fsdp", replace(fsdp, checkpoint_activations=True))
trained("resumed", fsdp, stop=True)
torch.distributed.barrier()
if torch.distributed.get_rank() == 0:
    shutil.copytree(Path(sys.argv[1]) / "resumed", Path(sys.argv[1]) / "resumed-by-ddp")
torch.distributed.barrier()
trained("resumed", fsdp, resume=True)
trained("resumed-by-ddp", ddp, resume=True)
trained("rotten-ddp", replace(ddp, not_finite="skip"), rotten=True)
trained("rotten", replace(fsdp, not_finite="skip"), rotten=True)
