from itertools import product

import population
import pytest
from population import customer, frame

from models.segments.engagement import decision_stage
from models.segments.engagement.decision_stage import STAGES

STEPS = tuple(f"{stage}_steps_30d" for stage in STAGES)


def judged(*orders, **features):
    row = customer("c", *orders, **features)
    return decision_stage.assign(frame(row), population.cuts(), decision_stage.Thresholds()).iloc[0]


@pytest.mark.parametrize("steps", list(product([0, 1], repeat=4)))
@pytest.mark.parametrize("orders", [(), ((31, 10.0),)])
def test_without_an_order_in_the_window_the_furthest_step_is_the_stage(orders, steps):
    reached = [stage for stage, count in zip(STAGES, steps, strict=True) if count]
    found = judged(*orders, **dict(zip(STEPS, steps, strict=True)))
    assert found["segment"] == (reached[0] if reached else "none")
    assert found["stage_basis"] == "orders_and_web"


@pytest.mark.parametrize(
    ("age", "expected"), [(1, "purchase"), (7, "purchase"), (8, "post_purchase"), (30, "post_purchase")]
)
def test_an_order_in_the_window_is_further_than_any_step(age, expected):
    found = judged((age, 10.0), **dict.fromkeys(STEPS, 9))
    assert found["segment"] == expected


def test_without_web_events_only_the_last_two_stages_are_told_and_the_basis_says_so():
    for orders, expected in (((), "unknown"), (((31, 1.0),), "unknown"), (((3, 1.0),), "purchase")):
        found = judged(*orders)
        assert (found["segment"], found["stage_basis"]) == (expected, "orders_only")


@pytest.mark.parametrize(
    ("returned", "complained", "satisfied", "expected"),
    [
        (None, None, None, None),
        (None, None, 20, "satisfied"),
        (None, 5, 1, "complained"),
        (20, 5, 1, "returned"),
        # what was said before the order is not about it
        (21, 300, 21, None),
        (21, 20, 21, "complained"),
    ],
)
def test_the_outcome_is_the_worst_of_what_came_on_the_day_of_the_order_or_since(
    returned, complained, satisfied, expected
):
    found = judged(
        (20, 10.0), last_return_days=returned, last_complaint_days=complained, last_satisfied_days=satisfied
    )
    assert found["segment"] == "post_purchase"
    assert (found["outcome"] if found["outcome"] == found["outcome"] else None) == expected


def test_a_fresh_order_and_no_order_have_no_outcome():
    for age in (7, 31):
        found = judged((age, 10.0), last_complaint_days=1)
        assert found["outcome"] != found["outcome"]
