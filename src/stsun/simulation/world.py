"""A small world: what covers the ground before and after some events, drawn from a seed.

Built objects are drawn in metres (houses of 8 to 20 m along streets of 6 m) as long as the grid can show them; on
coarser grids they grow with the pixel, so that a settlement stays a mixture of roofs, streets and gardens.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stsun.simulation.spectra import SURFACES

Floats = NDArray[np.float64]
Field = NDArray[np.float32]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

NUMBER = {name: number for number, name in enumerate(SURFACES)}
CROPS = ("winter crop", "summer crop", "fodder")
ROOFS = ("tile roof", "grey roof", "metal roof")
FINEST_BUILT_GSD_M = 2.0
LOTS = 64


@dataclass(frozen=True)
class World:
    """Ground truth on a square grid that is finer than any sensor that looks at it.

    Args:
        gsd_m: Metres per pixel of this grid.
        surface: ``2 H W`` uint8, number of the surface (order of ``SURFACES``) before and after the events.
        vigour: ``H W`` deviation of the greenness from its surface's mean, by parcel and by place.
        texture: ``H W`` brightness variation with mean 0 and standard deviation 1, the same at all dates.
        tint: ``S 2`` for every surface its brightness here, and the slope of its spectrum, relative to the usual.
    """

    gsd_m: float
    surface: NDArray[np.uint8]
    vigour: Field
    texture: Field
    tint: Floats


@dataclass(frozen=True)
class _Lots:
    """The street grid of a settlement: for every pixel, whether it is street or roof, and of which lot."""

    street: Mask
    footprint: Mask
    index: tuple[Ints, Ints]
    centre: tuple[Ints, Ints]


def make_world(seed: int, size: int, gsd_m: float, *, built: float = 0.25, flood: float = 0.5) -> World:
    """Return the world of a seed: ``size x size`` pixels of ``gsd_m`` metres; the same seed gives the same world.

    Args:
        seed: Non-negative.
        size: Pixels along one side, at least 8.
        gsd_m: Metres per pixel.
        built: About which share of the land is settled, 0..1.
        flood: Chance that the water rises, 0..1.
    """
    rng = np.random.default_rng([seed, 0])
    elevation = smooth_noise(rng, size, size / 2)
    lots = _lots(rng, size, gsd_m)
    town = smooth_noise(rng, size, size / 2.5)
    parcel, crop = _parcels(rng, size, gsd_m), rng.integers(0, len(CROPS), (2, LOTS, LOTS))
    before = _natural(rng, size, elevation, crop[0][parcel])
    # what is flooded later stands above the water: a flood demolishes nothing
    dry = before != NUMBER["water"]
    lots = replace(lots, street=lots.street & dry, footprint=lots.footprint & dry)
    after = _after(rng, before, elevation, crop[1][parcel], flood=rng.random() < flood)
    roof, flips = rng.choice(len(ROOFS), (LOTS, LOTS), p=(0.45, 0.35, 0.2)), rng.random((2, LOTS, LOTS))
    standing = flips[0] < rng.uniform(0.5, 0.9)
    turned = standing ^ (flips[1] < rng.uniform(0.1, 0.45))
    growth = rng.uniform(0.0, 0.12) * (rng.random() < 0.5)
    settled = built * rng.uniform(0.5, 1.5)
    _build(before, lots, _highest(town, settled), standing, roof)
    _build(after, lots, _highest(town, settled + growth), turned, roof)
    vigour = 0.08 * smooth_noise(rng, size, size / 8) + 0.10 * rng.standard_normal((LOTS, LOTS))[parcel]
    texture = smooth_noise(rng, size, 3.0, octaves=2)
    tint = rng.normal((1.0, 0.0), (0.12, 0.08), (len(SURFACES), 2)).clip(-0.3, 1.4)
    return World(gsd_m, np.stack([before, after]), vigour.astype(np.float32), texture, tint)


def smooth_noise(rng: np.random.Generator, size: int, cell: float, octaves: int = 3) -> Field:
    """Return a random field ``size x size`` with features of about ``cell`` pixels, mean 0, standard deviation 1."""
    field = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        width = max(cell / 2**octave, 1.0)
        rows, columns = _interpolation(rng, size, width), _interpolation(rng, size, width)
        knots = rng.standard_normal((rows.shape[1], columns.shape[1]), np.float32) / 2**octave
        field += rows @ knots @ columns.T
    field -= field.mean()
    return field / max(float(field.std()), 1e-9)


def _interpolation(rng: np.random.Generator, size: int, cell: float) -> Field:
    """Return the matrix that interpolates smoothly from random knots ``cell`` pixels apart to ``size`` pixels."""
    position = np.arange(size) / cell + rng.random()
    knot = position.astype(np.int64)
    fraction = position - knot
    fraction = fraction * fraction * (3 - 2 * fraction)
    matrix = np.zeros((size, int(knot[-1]) + 2), np.float32)
    pixels = np.arange(size)
    matrix[pixels, knot], matrix[pixels, knot + 1] = 1 - fraction, fraction
    return matrix


def _highest(field: Field, share: float) -> Mask:
    """Return the pixels of the highest ``share`` of a field."""
    return np.asarray(field > np.quantile(field, max(1 - share, 0))) if share > 0 else np.zeros(field.shape, bool)


def _natural(rng: np.random.Generator, size: int, elevation: Field, crop: Ints) -> NDArray[np.uint8]:
    """Return the land without anything built: grassland, fields, forest, bare soil, water."""
    surface = np.full((size, size), NUMBER["grassland"], np.uint8)
    fields = _highest(smooth_noise(rng, size, size / 2.5, octaves=1), rng.uniform(0.2, 0.6))
    surface[fields] = np.array([NUMBER[name] for name in CROPS], np.uint8)[crop[fields]]
    forest = _highest(smooth_noise(rng, size, size / 3), rng.uniform(0.1, 0.4))
    evergreen = smooth_noise(rng, size, size / 4) > rng.uniform(-1, 1)
    surface[forest & evergreen] = NUMBER["evergreen forest"]
    surface[forest & ~evergreen] = NUMBER["deciduous forest"]
    surface[_highest(smooth_noise(rng, size, size / 6), rng.uniform(0.02, 0.12))] = NUMBER["bare soil"]
    surface[_lake(rng, elevation)] = NUMBER["water"]
    river = np.abs(smooth_noise(rng, size, size / 1.5, octaves=2))
    surface[_highest(-river, rng.uniform(0.02, 0.06) * (rng.random() < 0.5))] = NUMBER["water"]
    return surface


def _lake(rng: np.random.Generator, elevation: Field) -> Mask:
    return _highest(-elevation, rng.uniform(0.03, 0.25) * (rng.random() < 0.7))


def _after(
    rng: np.random.Generator, before: NDArray[np.uint8], elevation: Field, crop: Ints, *, flood: bool
) -> NDArray[np.uint8]:
    """Return the unbuilt land after rotation of crops and, by chance, clear-cut and fire; and flood."""
    size = len(before)
    after = before.copy()
    fields = np.isin(before, [NUMBER[name] for name in CROPS])
    after[fields] = np.array([NUMBER[name] for name in CROPS], np.uint8)[crop[fields]]
    forest = np.isin(before, [NUMBER["deciduous forest"], NUMBER["evergreen forest"]])
    cut, burned = rng.random(2) < (0.6, 0.5)
    after[forest & _highest(smooth_noise(rng, size, size / 4), 0.25 * cut)] = NUMBER["bare soil"]
    fuel = forest | fields | (before == NUMBER["grassland"])
    after[fuel & _highest(smooth_noise(rng, size, size / 3), rng.uniform(0.08, 0.25) * burned)] = NUMBER["burned area"]
    if flood:  # the same elevation as the lakes: the water rises from where it stands
        low = float((before == NUMBER["water"]).mean())
        after[_highest(-elevation, low + rng.uniform(0.08, 0.25))] = NUMBER["water"]
    return after


def _rotated(rng: np.random.Generator, size: int, gsd_m: float) -> tuple[Field, Field, float]:
    """Return coordinates in metres along two rotated axes, positive everywhere, and the angle in radians."""
    angle = rng.uniform(0, math.pi / 2)
    down, right = gsd_m * np.arange(size, dtype=np.float32)[:, None], gsd_m * np.arange(size, dtype=np.float32)
    reach = size * gsd_m
    u = right * math.cos(angle) + down * math.sin(angle) + reach * (1 + rng.random())
    v = down * math.cos(angle) - right * math.sin(angle) + reach * (1 + rng.random())
    return u.astype(np.float32), v.astype(np.float32), angle


def _parcels(rng: np.random.Generator, size: int, gsd_m: float) -> tuple[Ints, Ints]:
    """Return the row and column, in a table of fields, of the field that each pixel would belong to."""
    u, v, _ = _rotated(rng, size, gsd_m)
    width = float(np.clip(size * gsd_m * rng.uniform(0.08, 0.2), 20, 250))
    row = np.floor(u / width)
    column = np.floor((v + 0.37 * width * row) / (width * rng.uniform(1.0, 2.5)))
    return row.astype(np.int64) % LOTS, column.astype(np.int64) % LOTS


def _lots(rng: np.random.Generator, size: int, gsd_m: float) -> _Lots:
    """Return streets and, in the lots between them, the footprints of possible buildings."""
    u, v, angle = _rotated(rng, size, gsd_m)
    unit = max(1.0, gsd_m / FINEST_BUILT_GSD_M)
    pitch, width = unit * rng.uniform(16, 28), unit * rng.uniform(5, 8)
    (lot_u, du, street_u), (lot_v, dv, street_v) = (
        _along(axis, pitch, width, lots) for axis, lots in ((u, int(rng.integers(2, 5))), (v, 2))
    )
    index = (lot_u % LOTS, lot_v % LOTS)
    half_u, half_v, shift_u, shift_v, turn = rng.random((5, LOTS, LOTS), np.float32)
    half_u, half_v, turn = 0.20 + 0.18 * half_u, 0.20 + 0.18 * half_v, 0.3 * (turn - 0.5)
    x = du - (0.16 * pitch * (shift_u - 0.5))[index]
    y = dv - (0.16 * pitch * (shift_v - 0.5))[index]
    cos, sin = np.cos(turn)[index], np.sin(turn)[index]
    footprint = np.abs(x * cos + y * sin) < (pitch * half_u)[index]
    footprint &= np.abs(y * cos - x * sin) < (pitch * half_v)[index]
    # where the middle of the lot lies in the picture decides whether the whole lot is settled
    rows, columns = np.ogrid[:size, :size]
    row = rows - (du * math.sin(angle) + dv * math.cos(angle)) / gsd_m
    column = columns - (du * math.cos(angle) - dv * math.sin(angle)) / gsd_m
    centre = tuple(np.clip(np.rint(axis), 0, size - 1).astype(np.int64) for axis in (row, column))
    street = street_u | street_v
    return _Lots(street, footprint & ~street, index, (centre[0], centre[1]))


def _along(axis: Field, pitch: float, width: float, lots: int) -> tuple[Ints, Field, Mask]:
    """Return the lot's number, the distance from its middle in metres, and where the street is, along one axis."""
    block = np.floor(axis / (lots * pitch + width))
    inside = axis - block * (lots * pitch + width)
    lot = np.floor((inside - width) / pitch).clip(0, lots - 1)
    distance = inside - width - (lot + 0.5) * pitch
    return (block * lots + lot).astype(np.int64), distance, np.asarray(inside < width)


def _build(surface: NDArray[np.uint8], lots: _Lots, town: Mask, standing: Mask, roof: Ints) -> None:
    """Draw the streets and the standing buildings of a town into a surface map."""
    surface[lots.street & town] = NUMBER["asphalt"]
    house = lots.footprint & standing[lots.index] & town[lots.centre]
    surface[house] = np.array([NUMBER[name] for name in ROOFS], np.uint8)[roof[lots.index]][house]
