"""Crowns of trees, where pixels are small enough to show them."""

from dataclasses import dataclass

import numpy as np

from stsun.simulation.field import Field, Hashes, Window, hashed, uniform

CELL_M, RADIUS_M = 9.0, (1.6, 4.3)
FINEST_GSD_M = 3.0
"""Pixels larger than this show no single trees."""


@dataclass(frozen=True)
class Crowns:
    """One crown in every cell of a lattice, and whole within it, whether or not a tree stands there.

    Args:
        dome: ``H W``: 1 in a crown's middle, falling to 0 at its rim and outside.
        hashes: ``H W``: one hash per crown.
    """

    dome: Field
    hashes: Hashes


def make_crowns(seed: int, window: Window) -> Crowns:
    """Return the crowns of a window; none where its pixels are too large."""
    if window.gsd_m > FINEST_GSD_M:
        return Crowns(np.zeros(window.shape, np.float32), np.zeros(window.shape, np.uint64))
    x, y = window.axes()
    first_i, first_j = int(window.x_m // CELL_M), int(window.y_m // CELL_M)
    # places relative to the lattice keep the precision of float32 anywhere on the plane
    x, y = x + np.float32(window.x_m - first_i * CELL_M), y + np.float32(window.y_m - first_j * CELL_M)
    i, j = np.floor(x / np.float32(CELL_M)), np.floor(y / np.float32(CELL_M))
    hashes = hashed(seed, j.astype(np.int64) + first_j, i.astype(np.int64) + first_i)
    low, high = RADIUS_M
    radius = low + uniform(hashes, 2) * np.float32(high - low)
    free = np.float32(CELL_M) - 2 * radius
    right = x - i * np.float32(CELL_M) - radius - uniform(hashes, 0) * free
    down = y - j * np.float32(CELL_M) - radius - uniform(hashes, 1) * free
    dome = 1 - (right**2 + down**2) / radius**2
    return Crowns(np.asarray(dome.clip(0, 1), np.float32), hashes)
