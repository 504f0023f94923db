"""One module a data set: its facts as data, and how its folder becomes rows of samples."""
