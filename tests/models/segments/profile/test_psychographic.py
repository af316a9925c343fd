import pandas as pd
import population
import pytest

from models.segments.profile import psychographic


@pytest.mark.parametrize(
    ("group", "basis", "answered", "expected"),
    [
        ("urban", "lifestyle", True, ("urban", "PSY_LIFESTYLE")),
        ("traditional", "life_value", True, ("traditional", "PSY_LIFE_VALUE")),
        ("quality", "motive", True, ("quality", "PSY_MOTIVE")),
        (None, None, True, ("unknown", "PSY_UNREADABLE")),
        (None, None, False, ("unknown", "PSY_NO_ANSWER")),
        (None, None, None, ("unknown", "PSY_NO_ANSWER")),
    ],
)
def test_only_what_was_stated_and_can_be_read_puts_anybody_anywhere(group, basis, answered, expected):
    rows = pd.DataFrame([("c", group, basis, answered)], columns=list(psychographic.FEATURES), dtype=object)
    found = psychographic.assign(rows, population.cuts(), psychographic.Thresholds())
    assert (found["segment"][0], found["reason_code"][0]) == expected
