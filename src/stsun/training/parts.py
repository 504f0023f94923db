"""Which part of a model an experiment trains."""

from torch import Tensor, nn

from stsun.configuration import Configuration
from stsun.errors import ExperimentError
from stsun.model.network import Images
from stsun.model.stsun import STSUN
from stsun.training.plan import Experiment

PIXEL_PATH = "pixel_path"


def trained_part(model: STSUN, experiment: Experiment) -> nn.Module:
    """Return what is trained: the model, or its pixel path alone.

    Raises:
        ExperimentError: The pixel path is asked for, and the model has none.
    """
    if experiment.part != PIXEL_PATH:
        return model
    if model.pixel_path is None:
        raise ExperimentError(
            f"part is {PIXEL_PATH}, and the model has no such path; give model.options: {{pixel_width: 24}}"
        )
    return PixelPathAlone(model, all_else_fixed=experiment.model.checkpoint is not None)


class PixelPathAlone(nn.Module):
    """A model that answers by its pixel path alone; the weights are the model's own.

    Args:
        model: The model.
        all_else_fixed: What the rest has learned stays: only the path learns.
    """

    def __init__(self, model: STSUN, *, all_else_fixed: bool) -> None:
        super().__init__()
        self.model = model
        if all_else_fixed:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name.startswith(f"{PIXEL_PATH}."))

    def forward(self, images: Images, valid: Tensor, days: Tensor, configuration: Configuration) -> Tensor:
        """Return logits ``B T2 K H W``; see ``STSUN.forward``."""
        made = self.model.made(configuration)
        return self.model.run(images, valid, days, configuration, made, surroundings=False)
