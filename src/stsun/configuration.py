"""The configuration: what all samples of one forward pass share. Hashable, so that it is the batch key."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

from stsun.bands import Band, check_bands, is_name
from stsun.errors import ConfigurationError
from stsun.tasks import check_task

GSD_RANGE_M = (0.001, 100_000.0)

Bands = tuple[Band, ...]
Merged = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Configuration:
    """Bands, GSD, task and categories of one forward pass (interfaces: section 3).

    Args:
        bands: The bands in channel order, for all dates alike; or one such list per date. Equal lists are kept as one,
            so that they are the same configuration; a forward pass still checks that there are as many images.
        gsd_m: Ground sample distance in metres per pixel; None where it is not known.
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        categories: Names of the categories asked for, in the order of the output's channels. For a binary change:
            the kinds of change that count as one (none: any change the model knows as ``changed``).
        per_date: Segmentation only: one map per date instead of one for the whole series.
        merged: Which categories stand for several that the model knows, or for one by another name, such as
            ``{"vegetation": ["forest", "grassland"]}``: their odds are summed.

    Raises:
        ConfigurationError: A field is implausible or two contradict each other.
    """

    bands: Any
    gsd_m: float | None = None
    task: str = "segmentation"
    categories: Any = ()
    per_date: bool = False
    merged: Any = ()

    _listed_dates: ClassVar[int | None] = None
    """Of how many dates the bands were listed, None = for any number; no field: it does not tell batches apart."""

    def __post_init__(self) -> None:
        bands = _as_bands(self.bands)
        if isinstance(bands[0], tuple):
            object.__setattr__(self, "_listed_dates", len(bands))
            if len(bands) > 1 and len(set(bands)) == 1:
                bands = bands[0]
        object.__setattr__(self, "bands", bands)
        object.__setattr__(self, "categories", _as_categories(self.categories))
        object.__setattr__(self, "merged", _as_merged(self.merged, self.categories))
        if self.gsd_m is not None:
            object.__setattr__(self, "gsd_m", _as_gsd(self.gsd_m))
        check_task(self.task)
        if self.task != "binary_change" and not self.categories:
            raise ConfigurationError(f"{self.task} needs categories, got none; for example ['building', 'water']")
        if not isinstance(self.per_date, bool):
            raise ConfigurationError(f"per_date must be True or False, got {self.per_date!r}")
        if self.per_date and self.task != "segmentation":
            raise ConfigurationError(f"per_date is for segmentation only, the task is {self.task}; leave it out")

    @property
    def mixed_sensors(self) -> bool:
        """True where every date has its own list of bands."""
        return isinstance(self.bands[0], tuple)

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """For each category the names, known to the model, that it stands for: mostly its own alone."""
        merged = dict(self.merged)
        return tuple(merged.get(name, (name,)) for name in self.categories)

    @property
    def dates(self) -> int | None:
        """How many dates the bands are listed for; None = they are those of any number of dates."""
        return self._listed_dates

    @property
    def sensors(self) -> tuple[Bands, ...]:
        """The different lists of bands, each once, in the order of the dates."""
        return tuple(dict.fromkeys(self.bands)) if self.mixed_sensors else (self.bands,)

    def bands_of_dates(self, dates: int) -> tuple[Bands, ...]:
        """Return the bands of each of ``dates`` dates.

        Raises:
            ConfigurationError: The configuration lists the bands of another number of dates.
        """
        if self._listed_dates not in (None, dates):
            raise ConfigurationError(
                f"the configuration lists the bands of {self._listed_dates} dates, but there are {dates} images; "
                "give one list of bands per image, in the same order"
            )
        return tuple(self.bands) if self.mixed_sensors else (self.bands,) * dates


def read_categories(texts: Sequence[str], known: Collection[str] = ()) -> tuple[Any, dict[str, Any]]:
    """Return names, and what is merged, of categories as they are written: ``water``, ``vegetation=forest+grassland``.

    Args:
        texts: One for each category.
        known: Names that are taken as they are, whatever they hold.
    """
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        return texts, {}  # which a configuration refuses
    merged = {}
    for text in texts:
        name, sign, parts = text.partition("=")
        if sign and text not in known:
            merged[text] = name.strip(), tuple(part.strip() for part in parts.split("+"))
    return tuple(merged[text][0] if text in merged else text for text in texts), dict(merged.values())


def _as_bands(bands: object) -> tuple[Any, ...]:
    if isinstance(bands, Band):
        raise ConfigurationError(f"bands must be a list, got the single band {bands.name!r}; write [{bands.name!r}]")
    if not isinstance(bands, Sequence) or isinstance(bands, str) or not bands:
        raise ConfigurationError(f"bands must be a non-empty list of Band, or one such list per date, got {bands!r}")
    if all(isinstance(band, Band) for band in bands):
        check_bands(bands)
        return tuple(bands)
    if any(isinstance(band, Band) or isinstance(band, str) or not isinstance(band, Sequence) for band in bands):
        raise ConfigurationError("bands must hold only Band, or only lists of Band (one per date), not a mixture")
    dates = tuple(_as_bands(date) for date in bands)
    if any(not isinstance(band, Band) for date in dates for band in date):
        raise ConfigurationError("bands are nested too deep; expected a list of Band, or one such list per date")
    return dates


def _as_categories(categories: object) -> tuple[str, ...]:
    if isinstance(categories, str) or not isinstance(categories, Sequence):
        raise ConfigurationError(f"categories must be a list of names, got {categories!r}")
    names = tuple(categories)
    for name in names:
        if not is_name(name):
            raise ConfigurationError(f"a category is a name, got {name!r}")
    for name, count in Counter(names).items():
        if count > 1:
            raise ConfigurationError(f"category {name!r} is asked for {count} times; list each once")
    return names


def _as_merged(merged: object, categories: tuple[str, ...]) -> Merged:
    entries = tuple(merged.items()) if isinstance(merged, Mapping) else merged
    if not isinstance(entries, Sequence) or not all(isinstance(one, list | tuple) and len(one) == 2 for one in entries):
        raise ConfigurationError(
            f"merged must map names to lists of names, got {merged!r}; write {{'vegetation': ['forest', 'grassland']}}"
        )
    result = tuple((name, _as_categories(parts)) for name, parts in entries)
    for name, parts in result:
        if name not in categories or not parts:
            raise ConfigurationError(
                f"merged makes {name!r} of {list(parts)}; expected at least one name, and {name!r} among the "
                f"categories asked for ({', '.join(categories)})"
            )
    used = [part for _, parts in result for part in parts]
    known = dict(result)
    used += [name for name in categories if name not in known]
    for part, count in Counter(used).items():
        if count > 1:
            raise ConfigurationError(f"{part!r} counts as {count} categories; let it count as one")
    return result


def _as_gsd(gsd_m: object) -> float:
    low, high = GSD_RANGE_M
    if isinstance(gsd_m, bool) or not isinstance(gsd_m, Real) or not math.isfinite(gsd_m):
        raise ConfigurationError(f"gsd_m must be a number of metres per pixel or None, got {gsd_m!r}")
    if not low <= float(gsd_m) <= high:
        raise ConfigurationError(
            f"a GSD of {gsd_m:g} m is outside {low:g} to {high:g} m per pixel; give metres, or None if it is not known"
        )
    return float(gsd_m)
