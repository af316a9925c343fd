from datetime import date

import population
import pytest
from population import customer, frame

from models.segments.engagement import usage

BEFORE = date(2017, 5, 1)


@pytest.mark.parametrize(
    ("days", "last_used_on", "expected"),
    [
        (None, None, "unknown"),
        (0, None, "never_used"),
        (0, BEFORE, "lapsed"),
        (1, BEFORE, "occasional"),
        (3, BEFORE, "occasional"),
        (4, BEFORE, "active"),
        (30, BEFORE, "active"),
    ],
)
def test_a_user_once_a_week_is_active_and_who_never_began_has_not_stopped(days, last_used_on, expected):
    row = customer("c", usage_days_30d=days, last_used_on=last_used_on)
    found = usage.assign(frame(row), population.cuts(), usage.Thresholds())
    assert found["segment"].tolist() == [expected]


def test_the_days_of_an_active_user_are_a_setting():
    row = customer("c", usage_days_30d=4, last_used_on=BEFORE)
    found = usage.assign(frame(row), population.cuts(), usage.Thresholds(active_days=5))
    assert found["segment"].tolist() == ["occasional"]
    assert found["reason_params"].tolist() == ['{"active_days": 5}']
