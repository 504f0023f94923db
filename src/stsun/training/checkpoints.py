"""The state of a run on disk: whole at every moment, and told in one sentence where it cannot be written or read."""

import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from stsun.errors import ExperimentError
from stsun.files import CHECK, appearing


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that replace one another whole.

    Lightning's own come from the folder for temporary files, which may lie on another disk: a run that is killed while
    one is copied from there would lose the one before, too.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write the state of a run.

        Raises:
            ExperimentError: It cannot be written; the one before is untouched.
        """
        try:
            with appearing(Path(path)) as unfinished:
                torch.save(checkpoint, unfinished)
        except (OSError, RuntimeError) as problem:  # torch tells a full disk as a RuntimeError
            raise ExperimentError(
                f"{path} cannot be written: {_first_line(problem)}; {CHECK}, and go on with --resume"
            ) from problem

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Return the state of a run.

        Raises:
            ExperimentError: The file is damaged.
        """
        try:
            state: dict[str, Any] = torch.load(path, map_location=map_location or "cpu", weights_only=weights_only)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as problem:
            raise ExperimentError(
                f"{path} cannot be read: {_first_line(problem)}; remove it and start again without --resume"
            ) from problem
        return state


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0]
