"""Whether training waits for its data: samples per second of the stream alone, against those that a step consumes.

Example:
    python benchmarks/speed/loader.py configs/joint-tiny.yaml --batches 30 stream.crop=96 --json loader.json

One process, one thread, batch by batch in turn: the stream makes it, then the model takes a training step with it
(forward, loss, backward, clipping, optimiser). Samples per CPU second of both, and the ratio of the two, which a busy
machine does not move. What the stream keeps in memory is read before the first batch, as in training. KEY=VALUE changes
the experiment.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from stsun.data.batching import Batch
from stsun.data.dataset import open_dataset
from stsun.terminal import to_json, write_text
from stsun.training.experiment import read_experiment, sources_of
from stsun.training.losses import loss
from stsun.training.plan import Experiment
from stsun.training.schedule import adamw
from stsun.training.stream import TrainingStream
from stsun.training.vocabulary import start_model, vocabulary_of

AIM = 3.0
"""The stream alone should make so many times the samples that a step takes."""


def main() -> None:
    """Take the batches, and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--batches", type=int, default=30)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_intermixed_args()
    torch.set_num_threads(1)
    experiment = read_experiment(arguments.experiment, arguments.overrides)
    started = time.perf_counter()
    stream = stream_of(experiment)
    print(f"{len(stream.library.sources)} sources read in {time.perf_counter() - started:.0f} s")
    facts = {"torch": torch.__version__, "batches": arguments.batches, **rates(experiment, stream, arguments.batches)}
    print("\n".join(f"{name}: {value}" for name, value in facts.items()))
    print(f"ratio {facts['ratio']:.2f}, aim at least {AIM:g}")
    if arguments.json is not None:
        write_text(arguments.json, to_json(facts))


def stream_of(experiment: Experiment) -> TrainingStream:
    """Return the stream that the experiment would be trained on."""
    datasets = {entry.dataset: open_dataset(entry.dataset) for entry in experiment.data if entry.dataset}
    return TrainingStream(sources_of(experiment, datasets), experiment.stream, seed=experiment.seed)


def rates(experiment: Experiment, stream: TrainingStream, batches: int) -> dict[str, float]:
    """Return samples, CPU seconds and samples per CPU second of the stream and of the training steps."""
    model = start_model(experiment.model, vocabulary_of(stream.library.configurations), seed=experiment.seed).train()
    step = training_step(model, experiment)
    step(stream[0])  # what only the first step does is not counted
    samples, making, taking = 0, 0.0, 0.0
    for index in range(1, batches + 1):
        begun = time.process_time()
        batch = stream[index]
        made = time.process_time()
        step(batch)
        making, taking = making + made - begun, taking + time.process_time() - made
        samples += len(batch.ids)
    return {
        "samples": samples, "stream_cpu_s": making, "step_cpu_s": taking, "stream_samples_per_s": samples / making,
        "step_samples_per_s": samples / taking, "ratio": taking / making,
    }  # fmt: skip


def training_step(model: nn.Module, experiment: Experiment) -> Callable[[Batch], None]:
    """Return a call that updates the model with one batch."""
    plan = experiment.optimiser
    optimiser = adamw(model, plan)

    def step(batch: Batch) -> None:
        assert batch.labels is not None
        logits = model(batch.images, batch.valid, batch.days, batch.configuration)
        smoothing = experiment.label_smoothing
        loss(logits, batch.labels, batch.configuration, label_smoothing=smoothing).backward()
        if plan.clip:
            nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        optimiser.step()
        optimiser.zero_grad()

    return step


if __name__ == "__main__":
    main()
