"""See maps and images in a browser: a local server for rasters, data sets and predictions. Needs the extra ``view``."""
