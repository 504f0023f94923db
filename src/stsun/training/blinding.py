"""Batches in which the network does without its finest stride, so that it learns to use the coarser ones."""

import random
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.hooks import RemovableHandle

from stsun.errors import ExperimentError
from stsun.model.encoder import Level
from stsun.model.network import Network


class FinestBlinded(Callback):
    """In a share of all batches the tokens of the encoder's finest stride are zeros to what comes after the encoder.

    Coarser strides go on from them as they are. Which batches these are follows from seed, update and place in it, as
    the batches themselves do: a resumed run blinds the same ones, on any number of processes.

    Args:
        share: Of all batches, above 0 to below 1.
        seed: Of the run.
    """

    def __init__(self, share: float, seed: int) -> None:
        self.share, self.seed = share, seed
        self._hook: RemovableHandle | None = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Draw for one batch, and stand between encoder and all else if it is to be blind.

        Raises:
            ExperimentError: The encoder has one stride only, or there is none.
        """
        network = next((module for module in pl_module.modules() if isinstance(module, Network)), None)
        if network is None or len(network.encoder.strides) == 1:
            raise ExperimentError("drop_finest needs a network whose encoder has several strides; leave it out")
        place = batch_idx % trainer.accumulate_grad_batches * trainer.world_size + trainer.global_rank
        if random.Random(f"{self.seed} {trainer.global_step} {place}").random() < self.share:
            self._hook = network.encoder.register_forward_hook(_blinded)

    def on_train_batch_end(self, *_: object) -> None:
        """Let the next batch, and whatever comes between, see."""
        if self._hook is not None:
            self._hook.remove()
            self._hook = None

    def on_exception(self, *_: object) -> None:
        """Leave the model as it was."""
        self.on_train_batch_end()


def _blinded(_encoder: object, _arguments: object, levels: list[Level]) -> list[Level]:
    finest, *coarser = levels
    return [Level(torch.zeros_like(finest.tokens), finest.valid), *coarser]
