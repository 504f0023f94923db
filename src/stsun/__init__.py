"""STSUN: one network for dense prediction from any remote-sensing imagery.

What is named here is imported on first use, so that ``import stsun`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stsun.bands import Band
    from stsun.categories.add import add_category
    from stsun.configuration import Configuration
    from stsun.errors import StsunError
    from stsun.evaluation.evaluate import evaluate
    from stsun.model.checkpoint import load
    from stsun.model.specialise import specialise
    from stsun.model.stsun import create
    from stsun.prediction.predict import predict
    from stsun.training.experiment import train

__version__ = "0.1.0"

__all__ = [
    "Band",
    "Configuration",
    "StsunError",
    "__version__",
    "add_category",
    "create",
    "evaluate",
    "load",
    "predict",
    "specialise",
    "train",
]

_HOMES = {
    "Band": "stsun.bands",
    "Configuration": "stsun.configuration",
    "StsunError": "stsun.errors",
    "add_category": "stsun.categories.add",
    "create": "stsun.model.stsun",
    "evaluate": "stsun.evaluation.evaluate",
    "load": "stsun.model.checkpoint",
    "predict": "stsun.prediction.predict",
    "specialise": "stsun.model.specialise",
    "train": "stsun.training.experiment",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stsun' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
