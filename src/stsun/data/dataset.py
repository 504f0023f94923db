"""Data sets: a description and its files, opened as splits of samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.configuration import Configuration
from stsun.data.alignment import Cover, check_aligned
from stsun.data.images import DateFacts, read_dates, sample_gsd
from stsun.data.labels import indexed, label_cover, read_area, read_label, size_of
from stsun.data.record import Record, check_dates
from stsun.data.rows import read_rows
from stsun.data.rules import Checked, read_description
from stsun.data.sample import IGNORE, Sample
from stsun.data.splits import split_names, split_records
from stsun.errors import DataError
from stsun.legend import Legend
from stsun.tasks import output_periods


@dataclass(frozen=True)
class DataSet:
    """A data set that is read in place; nothing is held open.

    Args:
        checked: Its description.
        samples: The records of each split, in the order of the description.
    """

    checked: Checked
    samples: dict[str, tuple[Record, ...]]

    @property
    def path(self) -> Path:
        """The YAML file."""
        return self.checked.path

    @property
    def name(self) -> str:
        """The data set's unique name."""
        return self.checked.description.name

    @property
    def title(self) -> str:
        """Its title; may be empty."""
        return self.checked.description.title

    @property
    def licence(self) -> str:
        """Its licence; may be empty."""
        return self.checked.description.licence

    @property
    def task(self) -> str:
        """``segmentation``, ``binary_change`` or ``semantic_change``."""
        return self.checked.description.task

    @property
    def per_date(self) -> bool:
        """True where a segmentation has one label per date."""
        return self.checked.description.per_date

    @property
    def legend(self) -> Legend:
        """Stored label values, class names and colours."""
        return self.checked.legend

    @property
    def categories(self) -> tuple[str, ...]:
        """What its labels answer: the changed class of a binary change, else all classes in declared order."""
        return categories_of(self.checked)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits."""
        return tuple(self.samples)

    def records(self, split: str) -> tuple[Record, ...]:
        """Return the samples of a split, as records to ``read``.

        Raises:
            DataError: There is no such split.
        """
        if split not in self.samples:
            raise DataError(f"{self.path}: has no split {split!r}; it has {', '.join(self.samples)}")
        return self.samples[split]

    def read(self, record: Record) -> Sample:
        """Return one sample: physical values, valid mask, days, and labels as category indices.

        Raises:
            DataError: The files contradict the description or one another, or a label holds an undeclared value.
            RasterError: A file cannot be read.
        """
        dates, stored = read_dates(self.checked, record)
        facts = [date.facts for date in dates]
        covers = [date.cover for date in facts]
        check_aligned("the images of one sample", covers)
        labels = self._labels(record, stored, covers)
        configuration = configuration_of(self.checked, record, facts, len(labels))
        return Sample(
            id=record.id,
            images=[date.values for date in dates],
            valid=np.stack([date.valid for date in dates]),
            days=np.array([np.nan if date.day is None else date.day for date in facts], np.float64),
            labels=np.stack(labels),
            configuration=configuration,
        )

    def _labels(self, record: Record, stored: NDArray[np.int64] | None, images: list[Cover]) -> list[NDArray[np.int64]]:
        if stored is None:
            read = partial(read_label, self.checked, window=record.window, image=images[0].size)
            maps, covers = [], []
            for file, layer in record.label_layers:
                maps.append(read(file, layer))
                covers.append(label_cover(self.checked, file, maps[-1]))  # while it is open
        else:
            maps = [indexed(self.checked, values, images[0].file) for values in stored]
            covers = [Cover(images[0].file, size_of(labels)) for labels in maps]
        check_aligned("images and labels", [*images, *covers])
        if record.area is not None:
            outside = ~read_area(self.checked, record.area, covers[0], record.window)
            for labels in maps:
                labels[outside] = IGNORE
        return maps


def open_dataset(path: str | Path, mapping: Mapping[str, Any] | None = None) -> DataSet:
    """Return the data set that a YAML file describes; no image is opened yet.

    Args:
        path: Its YAML file.
        mapping: What the file would hold; given, no file is read, and ``path`` only says where the data lie.

    Raises:
        DataError: The description or one of its lists is wrong, or a split is empty.
    """
    checked = read_description(Path(path), mapping)
    rows = read_rows(checked)
    return DataSet(checked, {split: split_records(checked, rows, split) for split in split_names(checked, rows)})


def configuration_of(checked: Checked, record: Record, dates: Sequence[DateFacts], maps: int) -> Configuration:
    """Return the configuration of a sample of which dates and the number of label maps are known.

    Raises:
        DataError: The dates of a change decrease, or GSDs or the number of label maps do not fit.
        ConfigurationError: What the files tell is implausible.
    """
    d, where = checked.description, f"{checked.path}: sample {record.id!r}"
    check_dates(where, d.task, [date.day for date in dates])
    expected = len(output_periods(d.task, len(dates), d.per_date))
    if maps != expected:
        raise DataError(
            f"{where}: has {maps} label maps for {len(dates)} dates, but {d.task}{' per date' if d.per_date else ''} "
            f"has {expected}; give one label for each map"
        )
    bands = tuple(date.bands for date in dates)
    return Configuration(
        bands=bands[0] if len(set(bands)) == 1 else bands,
        gsd_m=sample_gsd(where, dates, record.gsd_m, in_rows=d.samples is not None),
        task=d.task,
        categories=categories_of(checked),
        per_date=d.per_date,
    )


def categories_of(checked: Checked) -> tuple[str, ...]:
    """Return what the labels answer: the changed class of a binary change, else all classes in declared order."""
    return checked.legend.names[1:] if checked.description.task == "binary_change" else checked.legend.names
