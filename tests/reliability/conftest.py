"""Small products and data sets of other folders' tests are inputs here, too: ``fuzz`` makes them importable."""

import fuzz  # noqa: F401
