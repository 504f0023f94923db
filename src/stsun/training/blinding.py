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

    Coarser strides go on from them as they are. Which batches these are follows from seed, update and place in it: a
    resumed run blinds the same ones.

    Args:
        share: Of all batches, above 0 to below 1.
        seed: Of the run.
    """

    def __init__(self, share: float, seed: int) -> None:
        self.share, self.seed = share, seed
        self._blind = False
        self._hook: RemovableHandle | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stand between encoder and all else.

        Raises:
            ExperimentError: The encoder has one stride only, or the model is not STSUN.
        """
        model = pl_module.model
        if not isinstance(model, Network) or len(model.encoder.strides) == 1:
            raise ExperimentError("drop_finest needs a model whose encoder has several strides; leave it out")
        self._hook = model.encoder.register_forward_hook(self._blinded)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Draw for one batch."""
        place = batch_idx % trainer.accumulate_grad_batches
        draw = random.Random(f"{self.seed} {trainer.global_step} {place} {trainer.global_rank}")
        self._blind = draw.random() < self.share

    def on_train_batch_end(self, *_: object) -> None:
        """Let whatever is between two batches see."""
        self._blind = False

    def on_fit_end(self, *_: object) -> None:
        """Leave the model as it was."""
        if self._hook is not None:
            self._hook.remove()

    def _blinded(self, _encoder: object, _arguments: object, levels: list[Level]) -> list[Level]:
        if not self._blind:
            return levels
        finest, *coarser = levels
        return [Level(torch.zeros_like(finest.tokens), finest.valid), *coarser]
