"""The errors a user can meet. Each message says what was found, what was expected, and what to do."""


class StsunError(Exception):
    """Base of every error that the user can mend; the command line prints it and exits with 2."""


class ConfigurationError(StsunError):
    """Bands, GSD, dates, task or categories that are implausible or contradict one another."""


class DataError(StsunError):
    """A data set whose description, files or labels are not what they should be."""


class RasterError(StsunError):
    """A raster that cannot be read or written, or whose bands are not known."""


class CheckpointError(StsunError):
    """A checkpoint that is damaged, incomplete, or not made for this model."""


class ExperimentError(StsunError):
    """An experiment file that cannot be run as written."""
