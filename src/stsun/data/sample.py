"""One sample and one batch, and THE layout of every array.

=============  ======================  =========================================================================
array          layout                  meaning
=============  ======================  =========================================================================
images         T arrays ``C_t H W``    float32, physical values (reflectance 0..1 or the band's unit)
valid          ``T H W``               bool, true where a pixel of a date holds data
days           ``T``                   float64, days since 1970-01-01 UTC; NaN = unknown
labels         ``T2 H W``              int64, index into the configuration's categories; 255 = ignore.
                                       Binary change: 0 unchanged, 1 changed
=============  ======================  =========================================================================

A batch is the same with a leading ``B``, as torch tensors; its images are one tensor ``B T C H W``, or a list of T
tensors ``B C_t H W`` where the dates come from different sensors.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stsun.configuration import Configuration
from stsun.errors import DataError
from stsun.tasks import channels, output_periods

IGNORE = 255


@dataclass
class Sample:
    """One labelled (or unlabelled) series of images with all that is known of it.

    Args:
        id: Unique within its data set and split.
        images: One array ``C_t H W`` per date, float32.
        valid: ``T H W`` bool.
        days: ``T`` float64, days since 1970-01-01 UTC, NaN = unknown.
        labels: ``T2 H W`` int64 with 255 = ignore, or None.
        configuration: Bands, GSD, task and categories.

    Raises:
        DataError: The arrays do not fit one another or the configuration.
    """

    id: str
    images: list[NDArray[np.float32]]
    valid: NDArray[np.bool_]
    days: NDArray[np.float64]
    labels: NDArray[np.int64] | None
    configuration: Configuration

    def __post_init__(self) -> None:
        if not self.images or any(image.ndim != 3 for image in self.images):
            shapes = [image.shape for image in self.images]
            raise DataError(f"sample {self.id!r} needs one image of bands x height x width per date, got {shapes}")
        dates, (height, width) = len(self.images), self.images[0].shape[1:]
        for date, bands in enumerate(self.configuration.bands_of_dates(dates)):
            image = self.images[date]
            if len(image) != len(bands):
                raise DataError(
                    f"sample {self.id!r}: the image of date {date} has {len(image)} bands, but {len(bands)} are listed "
                    f"({', '.join(band.name for band in bands)}); list every band of the image, in its order"
                )
            self._expect(f"image of date {date}", image.shape, (len(bands), height, width))
        self._expect("valid mask", self.valid.shape, (dates, height, width))
        self._expect("days", self.days.shape, (dates,))
        if self.labels is not None:
            maps = len(output_periods(self.configuration.task, dates, self.configuration.per_date))
            self._expect("labels", self.labels.shape, (maps, height, width))

    def _expect(self, what: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
        if found != expected:
            raise DataError(f"sample {self.id!r}: the {what} has shape {found}, expected {expected}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.valid.shape[1:]
        return height, width

    @property
    def classes(self) -> int:
        """How many values labels can take: two for a binary change, else the number of categories."""
        count = channels(self.configuration.task, len(self.configuration.categories))
        return max(count, 2) if self.configuration.task == "binary_change" else count
