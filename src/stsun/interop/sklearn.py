"""scikit-learn: a classifier of pixels with ``fit`` and ``predict``, on the features of a model that stays as it is."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import DataError
from stsun.model.checkpoint import load
from stsun.model.inference import evaluating
from stsun.model.stsun import STSUN

TASK = "segmentation"


class PixelClassifier:
    """Multinomial logistic regression on pixel features: for few labels, any bands, and the tools of scikit-learn.

    A sample is a pixel: its bands alone, ``X`` of shape ``n C``, or with its surroundings, ``n C h w``, whose middle
    pixel it is. Values are physical (reflectance 0 to 1, or the band's unit); what is not finite is no data.

    Args:
        bands: What the columns of ``X`` are.
        gsd_m: Ground sample distance in metres; None = not known.
        model: Of ``head: category``; None = the one that ships with the package.
        C: Inverse of the strength of regularisation, as in scikit-learn's ``LogisticRegression``.
        max_iter: Most iterations of the fit (L-BFGS).
        batch_size: Samples that go through the model together.

    Attributes:
        classes_: The labels, sorted.
        n_features_in_: Bands.
    """

    _estimator_type = "classifier"

    def __init__(
        self,
        bands: Sequence[Band],
        gsd_m: float | None = None,
        model: STSUN | None = None,
        C: float = 100.0,
        max_iter: int = 200,
        batch_size: int = 256,
    ) -> None:
        # kept as they are given, and checked when they are used: scikit-learn copies by them
        self.bands, self.gsd_m, self.model = bands, gsd_m, model
        self.C, self.max_iter, self.batch_size = C, max_iter, batch_size

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments it was made with."""
        return {name: getattr(self, name) for name in ("bands", "gsd_m", "model", "C", "max_iter", "batch_size")}

    def set_params(self, **params: Any) -> Self:
        """Exchange arguments.

        Raises:
            DataError: There is no such argument.
        """
        unknown = sorted(params.keys() - self.get_params().keys())
        if unknown:
            raise DataError(f"no argument {unknown[0]!r}; expected some of {', '.join(self.get_params())}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        """Fit to labelled pixels; the same give the same.

        Args:
            X: ``n C`` or ``n C h w``.
            y: ``n`` labels: numbers or texts, at least two different ones.

        Raises:
            DataError: The arrays do not fit one another or the bands, or there is only one label.
        """
        labels = np.asarray(y)
        if labels.ndim != 1 or len(labels) != len(X):
            raise DataError(f"y has shape {labels.shape}, expected one label for each of the {len(X)} samples of X")
        self.classes_, places = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"y holds only the label {self.classes_.tolist()}; give samples of at least two classes")
        features = self.transform(X)
        self.n_features_in_ = len(self.bands)
        self.mean_ = features.mean(axis=0)
        self.scale_ = features.std(axis=0) + 1e-6
        known = torch.from_numpy((features - self.mean_) / self.scale_).double()
        fitted = _fitted(known, torch.from_numpy(places.ravel()), len(self.classes_), self.C, self.max_iter)
        self.coef_, self.intercept_ = fitted[:, :-1], fitted[:, -1]
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return the features of each sample, ``n E``: what any other estimator of scikit-learn may use.

        Raises:
            DataError: The array does not fit the bands.
        """
        patches = self._patches(X)
        model = load() if self.model is None else self.model
        configuration = Configuration(list(self.bands), self.gsd_m, TASK, model.categories_for(TASK))
        with evaluating(model, None) as device, torch.inference_mode():
            parts = [
                _features(model, configuration, part.to(device)).cpu()
                for part in torch.from_numpy(patches).split(self.batch_size)
            ]
        features: NDArray[np.float32] = torch.cat(parts).numpy()
        return features

    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return logits ``n K``.

        Raises:
            DataError: It is not fitted yet, or the array does not fit the bands.
        """
        if not hasattr(self, "coef_"):
            raise DataError("this classifier has not been fitted yet; call fit(X, y) first")
        logits: NDArray[np.float64] = (self.transform(X) - self.mean_) / self.scale_ @ self.coef_.T + self.intercept_
        return logits

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return probabilities ``n K``, in the order of ``classes_``."""
        logits = self.decision_function(X)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the label of each sample."""
        best = self.decision_function(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def score(self, X: NDArray[Any], y: NDArray[Any]) -> float:
        """Return the share of right labels."""
        return float((self.predict(X) == np.asarray(y)).mean())

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn, which alone asks, that this is a classifier."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(three_d_array=True, allow_nan=True),
        )

    def _patches(self, X: NDArray[Any]) -> NDArray[np.float32]:
        values = np.asarray(X, np.float32)
        if values.ndim not in (2, 4) or values.shape[1] != len(self.bands) or not values.size:
            raise DataError(
                f"X has shape {values.shape}, expected n x {len(self.bands)} or n x {len(self.bands)} x h x w: a pixel "
                "a row, a column for each band; an image C H W becomes image.reshape(C, -1).T"
            )
        return values if values.ndim == 4 else values[:, :, None, None]


def _features(model: STSUN, configuration: Configuration, patches: Tensor) -> Tensor:
    """Return the features of the middle pixels ``n E`` of patches ``n C h w``."""
    images = patches[:, None]
    days = torch.full(images.shape[:2], torch.nan, dtype=torch.float64, device=images.device)
    features = model.features(images, images.isfinite().all(dim=2), days, configuration)
    return features[:, 0, :, features.shape[-2] // 2, features.shape[-1] // 2]


def _fitted(features: Tensor, labels: Tensor, classes: int, strength: float, steps: int) -> NDArray[np.float64]:
    """Return weights and bias ``K E+1``; as in scikit-learn the sum of losses, and biases that are not penalised."""
    rows = torch.zeros(classes, features.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    method = torch.optim.LBFGS([rows], max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        method.zero_grad()
        misfit = F.cross_entropy(features @ rows[:, :-1].T + rows[:, -1], labels)
        total: Tensor = misfit + rows[:, :-1].square().sum() / (2 * strength * len(features))
        total.backward()
        return total

    method.step(closure)
    weights: NDArray[np.float64] = rows.detach().numpy()
    return weights
