"""The errors a user can meet. Each message says what was found, what was expected, and what to do."""

from typing import ClassVar


class StsunError(Exception):
    """Base of every error that the user can mend; the command line prints it and exits with 2.

    ``page`` is the page of ``docs/`` that tells more; empty = the message says it all.
    """

    page: ClassVar[str] = ""


class ConfigurationError(StsunError):
    """Bands, GSD, dates, task or categories that are implausible or contradict one another."""

    page = "errors.md"


class DataError(StsunError):
    """A data set whose description, files or labels are not what they should be."""

    page = "datasets.md"


class RasterError(StsunError):
    """A raster that cannot be read or written, or whose bands are not known."""

    page = "maps.md"


class CheckpointError(StsunError):
    """A checkpoint that is damaged, incomplete, or not made for this model."""

    page = "errors.md"


class ExperimentError(StsunError):
    """An experiment file that cannot be run as written."""

    page = "training.md"


class ExportError(StsunError):
    """A network that cannot be written for another runtime, or that gives something else there."""

    page = "export.md"


class BenchmarkError(StsunError):
    """Something that cannot be measured, or a file of measurements that is none."""

    page = "speed.md"
