"""The best and the worst samples of an evaluation as pictures: a fixed number of them, whatever the data set's size."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from stsun.bands import describe
from stsun.data.sample import Sample
from stsun.evaluation.evaluate import Judged
from stsun.evaluation.summary import sample_score
from stsun.report.exhibits import Figure, MapRow, days_of, inputs_of, map_rows

BANDS_NAMED = 12


@dataclass(frozen=True)
class Exhibit:
    """One sample with its score.

    Args:
        id: Of the sample.
        score: By which it is ranked (see `stsun.evaluation.summary.sample_score`).
        inputs: Pictures of its dates.
        input_note: What to know of them; may be empty.
        maps: Pictures of its maps.
    """

    id: str
    score: float
    inputs: tuple[Figure, ...]
    input_note: str
    maps: tuple[MapRow, ...]


class Gallery:
    """Watches an evaluation and keeps pictures of the samples at both ends of the ranking.

    Samples whose score is undefined, such as those without any change, are not ranked. Of equal ones the earlier is
    the better.

    Args:
        colors: ``#rrggbb`` of categories.
        count: How many of the best and how many of the worst samples are kept.
    """

    def __init__(self, colors: Mapping[str, str], count: int) -> None:
        self.colors = colors
        self.count = count
        self.asked: Mapping[str, str] = {}
        self._number = 0
        self._ranked: list[tuple[tuple[float, int], Exhibit]] = []

    def __call__(self, judged: Judged) -> None:
        """Keep a sample if it is among the best or the worst so far."""
        self.asked = self.asked or asked_of(judged.sample)
        self._number += 1
        score = sample_score(judged.sample.configuration.task, judged.counts)
        if score is None:
            return
        rank = (-score, self._number)
        place, full = bisect_left(self._ranked, rank, key=lambda entry: entry[0]), 2 * self.count
        if len(self._ranked) == full and place == self.count:
            return  # neither among the best nor among the worst
        inputs, input_note = inputs_of(judged.sample)
        maps = map_rows(judged.sample, judged.maps, self.colors)
        self._ranked.insert(place, (rank, Exhibit(judged.sample.id, score, inputs, input_note, maps)))
        if len(self._ranked) > full:
            del self._ranked[self.count]

    @property
    def best(self) -> tuple[Exhibit, ...]:
        """The best samples, the best one first; of a few samples the better half."""
        return tuple(exhibit for _, exhibit in self._ranked[: (len(self._ranked) + 1) // 2])

    @property
    def worst(self) -> tuple[Exhibit, ...]:
        """The worst samples, the worst one first; none that is among the best."""
        return tuple(exhibit for _, exhibit in self._ranked[(len(self._ranked) + 1) // 2 :][::-1])


def asked_of(sample: Sample) -> dict[str, str]:
    """Return what the model was given and asked with a sample, in words."""
    configuration, dates = sample.configuration, len(sample.images)
    bands = list(dict.fromkeys(band for own in configuration.bands_of_dates(dates) for band in own))
    named = [describe(band) for band in bands[:BANDS_NAMED]]
    more = [f"and {len(bands) - BANDS_NAMED} more"] if len(bands) > BANDS_NAMED else []
    height, width = sample.size
    return {
        "bands": ", ".join([*named, *more]),
        "pixel size": "unknown" if configuration.gsd_m is None else f"{configuration.gsd_m:g} m",
        "categories": ", ".join(configuration.categories) or "any change",
        "first sample": f"{sample.id}: {height} x {width} pixels, {', '.join(days_of(sample))}",
    }
