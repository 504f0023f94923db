"""A request has the temperature of its categories, else that of its task."""

import pytest

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.model.temperatures import key_of, temperature_for

RED = (Band("red", 665.0),)
KNOWN = {"segmentation": 1.5, "segmentation: forest, water": 2.0, "binary_change: changed": 0.5}


def asked(*categories, task="segmentation", **more):
    return Configuration(RED, 10.0, task, list(categories), **more)


@pytest.mark.parametrize(
    ("configuration", "temperature"),
    [
        (asked("water", "forest"), 2.0),
        (asked("forest", "water", per_date=True), 2.0),
        (asked("forest", "lake", merged={"lake": ["water"]}), 2.0),
        (asked("water"), 1.5),
        (asked("water", "green", merged={"green": ["forest", "grassland"]}), 1.5),
        (asked("changed", task="binary_change"), 0.5),
        (asked(task="binary_change"), 0.5),
        (asked("flooded", task="binary_change"), None),
        (asked("water", "forest", task="semantic_change"), None),
    ],
)
def test_categories_in_any_order_before_the_task(configuration, temperature):
    assert temperature_for(KNOWN, configuration) == temperature


def test_merged_categories_are_another_question_than_their_parts():
    merged = asked("green", merged={"green": ["grassland", "forest"]})
    assert key_of(merged) == "segmentation: forest+grassland" != key_of(asked("forest", "grassland"))
