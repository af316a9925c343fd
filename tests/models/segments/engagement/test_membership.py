import population
import pytest
from population import customer, frame

from models.segments.engagement import membership


def judged(*orders, **features):
    row = customer("c", *orders, **features)
    return membership.assign(frame(row), population.cuts(), membership.Thresholds()).iloc[0]["segment"]


@pytest.mark.parametrize(
    ("order_age", "points_age", "expiring", "expected"),
    [
        (180, None, 0, "member_active"),
        (181, None, 0, "member_dormant"),
        (None, 180, 0, "member_active"),
        (181, 181, 99, "member_dormant"),
        (500, 500, 100, "member_points_expiring"),
        (3, 3, 100, "member_points_expiring"),
        (None, None, None, "member_dormant"),
        (20, None, None, "member_active"),
    ],
)
def test_a_member_with_expiring_points_comes_first_then_who_moved_in_half_a_year(
    order_age, points_age, expiring, expected
):
    orders = [(order_age, 5.0)] if order_age else []
    found = judged(*orders, is_member=True, last_points_days=points_age, points_expiring_30d=expiring)
    assert found == expected


def test_who_is_no_member_stays_one_whatever_they_buy_and_nobody_says_is_unknown():
    assert judged((3, 5.0), is_member=False, points_expiring_30d=0) == "non_member"
    assert judged((3, 5.0)) == "unknown"
