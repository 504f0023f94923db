"""Whether training waits for its data: samples per second of the stream alone, against those that a step consumes.

Example:
    python benchmarks/speed/loader.py configs/joint-tiny.yaml --batches 30 stream.crop=96 --json loader.json

One process, one thread, batch by batch in turn: the stream makes it, then the model takes a training step with it, that
of `stsun train` (forward, loss, backward, clipping; the optimiser once per update). Samples per CPU second of both, and
the ratio of the two, which a busy machine does not move. Of the stream's time the shares of its stages are told, too:
`read` takes samples from memory, or from their files where stream.cache_gb does not reach or scenes are simulated. What
the stream keeps in memory is read before the first batch, as in training. KEY=VALUE changes the experiment.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback

from stsun.data.batching import Batch
from stsun.data.dataset import open_dataset
from stsun.errors import BenchmarkError
from stsun.files import write_text
from stsun.terminal import to_json
from stsun.training.experiment import read_experiment, sources_of
from stsun.training.module import StreamData, TrainingModule
from stsun.training.plan import Experiment
from stsun.training.stream import TrainingStream
from stsun.training.vocabulary import start_model, vocabulary_of

AIM = 3.0
"""The stream alone should make so many times the samples that a step takes."""

STAGES = {
    "read": "_read",
    "dates": "_choose_dates",
    "windows": "_choose_windows",
    "jitter": "_jitter",
    "drop": "_forget",
}
"""Of a batch, and what of the stream does them; what is left is its tensors being put together."""


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
        write_text(arguments.json, to_json(facts) + "\n", BenchmarkError)


def stream_of(experiment: Experiment) -> TrainingStream:
    """Return the stream that the experiment would be trained on."""
    datasets = {entry.dataset: open_dataset(entry.dataset) for entry in experiment.data if entry.dataset}
    return TrainingStream(sources_of(experiment, datasets), experiment.stream, seed=experiment.seed)


def rates(experiment: Experiment, stream: TrainingStream, batches: int) -> dict[str, float]:
    """Return samples, CPU seconds and samples per CPU second of the stream and of the training steps."""
    model = start_model(experiment.model, vocabulary_of(stream.library.configurations), seed=experiment.seed).train()
    module = TrainingModule(
        model, experiment.optimiser, steps=experiment.steps, label_smoothing=experiment.label_smoothing
    )
    made, steps = Made(stream), Steps()
    Trainer(
        accelerator="cpu", devices=1, max_epochs=1, limit_train_batches=1 + batches, limit_val_batches=0,
        accumulate_grad_batches=experiment.stream.accumulate, callbacks=[steps], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    ).fit(module, datamodule=StreamData(made))  # fmt: skip
    # what only the first step does is not counted, nor what is made ahead of the last
    making, taking, samples = (sum(each[1 : 1 + batches]) for each in (made.seconds, steps.seconds, steps.samples))
    shares = {f"share_{name}": spent / sum(made.seconds) for name, spent in made.stages.items()}
    return {
        "samples": samples, "stream_cpu_s": making, "step_cpu_s": taking, "stream_samples_per_s": samples / making,
        "step_samples_per_s": samples / taking, "ratio": taking / making, **shares,
    }  # fmt: skip


class Made:
    """A stream that notes the CPU seconds of each batch that it makes, and of each stage of them all."""

    def __init__(self, stream: TrainingStream) -> None:
        self.stream, self.plan = stream, stream.plan
        self.seconds: list[float] = []
        self.stages = dict.fromkeys(STAGES, 0.0)
        for stage, method in STAGES.items():
            setattr(stream, method, self._timed(stage, getattr(stream, method)))

    def _timed(self, stage: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            begun = time.process_time()
            try:
                return method(*arguments)
            finally:
                self.stages[stage] += time.process_time() - begun

        return timed

    def __getitem__(self, index: int) -> Batch:
        begun = time.process_time()
        batch = self.stream[index]
        self.seconds.append(time.process_time() - begun)
        return batch


class Steps(Callback):
    """Notes the CPU seconds of each training step, and the samples of its batch."""

    def __init__(self) -> None:
        self.begun = 0.0
        self.seconds: list[float] = []
        self.samples: list[int] = []

    def on_train_batch_start(self, *_: Any) -> None:
        """Look at the clock."""
        self.begun = time.process_time()

    def on_train_batch_end(self, _trainer: Trainer, _module: Any, _outputs: Any, batch: Batch, _index: int) -> None:
        """Look at it again."""
        self.seconds.append(time.process_time() - self.begun)
        self.samples.append(len(batch.ids))


if __name__ == "__main__":
    main()
