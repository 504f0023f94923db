"""Open categories: what a model did not learn by name, added to it without training."""
