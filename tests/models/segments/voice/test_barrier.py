"""Purchase barriers and stop reasons, rule by rule. T2 is 50 days; PB2 has few orders and much net."""

import pandas as pd
import population
import pytest

from models.segments import purchase_group
from models.segments.voice import barrier
from models.segments.voice.barrier import EVIDENCE, Thresholds

POTENTIAL = {"orders_life": 2, "net_life": 500, "tenure_days": 300}
ONCE = {"orders_life": 1, "net_life": 5, "tenure_days": 51}
WAITING = ONCE | {"tenure_days": 50}
NOBODY = dict.fromkeys(barrier.FEATURES) | dict.fromkeys((f"{code}_evidence" for code in EVIDENCE), 0)


def judged(thresholds=None, **known):
    rows = pd.DataFrame([NOBODY | {"customer_id": "c"} | known])
    return barrier.assign(rows, population.cuts(), thresholds or Thresholds()).iloc[0]


@pytest.mark.parametrize(
    ("customer", "segment"),
    [
        (POTENTIAL, "unknown"),
        (ONCE, "unknown"),
        (WAITING, "not_asked"),
        ({"orders_life": 0, "net_life": 0, "tenure_days": None}, "not_asked"),
        ({"orders_life": 9, "net_life": 500, "tenure_days": 300}, "not_asked"),
        ({"orders_life": 9, "net_life": 5, "tenure_days": 300}, "not_asked"),
        ({"orders_life": 2, "net_life": 5, "tenure_days": 300}, "not_asked"),
    ],
)
def test_asked_are_potential_loyal_customers_and_overdue_one_time_buyers(customer, segment):
    found = judged(**customer)
    assert found["segment"] == segment
    assert pd.isna(found["barrier_basis"])
    if segment == "not_asked":
        assert judged(**customer, price_evidence=5)["segment"] == "not_asked"


def test_each_group_is_judged_by_its_own_question():
    answers = {
        "barrier_stated": "price", "barrier_stated_days": 10,
        "stop_reason_stated": "after_sales", "stop_reason_stated_days": 20,
    }  # fmt: skip
    found = judged(**POTENTIAL, **answers)
    assert (found["segment"], found["barrier_basis"], found["stated_age_days"]) == ("price", "stated", 10)
    found = judged(**ONCE, **answers)
    assert (found["segment"], found["barrier_basis"], found["stated_age_days"]) == (
        "after_sales",
        "stated",
        20,
    )


def test_who_is_waited_for_is_heard_when_he_says_why():
    found = judged(**WAITING, stop_reason_stated="product_experience", stop_reason_stated_days=3)
    assert (found["segment"], found["maturity"]) == ("product_experience", "awaiting_second")


def test_stated_wins_for_720_days():
    shown = {"price_evidence": 9}
    said = {"barrier_stated": "feature_gap"}
    assert judged(**POTENTIAL, **shown, **said, barrier_stated_days=720)["segment"] == "feature_gap"
    found = judged(**POTENTIAL, **shown, **said, barrier_stated_days=721)
    assert (found["segment"], found["barrier_basis"], found["reason_code"]) == (
        "price", "evidence", "BAR_PRICE_SHOWN",
    )  # fmt: skip
    assert pd.isna(found["stated_age_days"])


def test_a_named_competitor_is_the_barrier_unless_another_was_stated():
    lost = {"lost_to_stated_days": 30, "price_evidence": 2}
    found = judged(**POTENTIAL, **lost)
    assert (found["segment"], found["reason_code"]) == ("competitor", "BAR_COMPETITOR_NAMED")
    assert judged(**POTENTIAL, **lost, barrier_stated="price", barrier_stated_days=700)["segment"] == "price"


def test_the_most_evidence_decides_and_of_equal_kinds_the_first():
    assert judged(**ONCE, after_sales_evidence=1, price_evidence=2)["segment"] == "price"
    assert judged(**ONCE, after_sales_evidence=1, price_evidence=1)["segment"] == "after_sales"
    assert judged(**ONCE, product_experience_evidence=1, price_evidence=1)["segment"] == "product_experience"
    strict = Thresholds(min_evidence=2)
    assert judged(strict, **ONCE, price_evidence=1)["segment"] == "unknown"


def test_unknown_evidence_is_no_evidence():
    unknown = dict.fromkeys(f"{code}_evidence" for code in EVIDENCE)
    assert judged(**ONCE, **unknown)["segment"] == "unknown"


def test_the_groups_asked_are_those_of_the_purchase_groups():
    strict = Thresholds(groups=purchase_group.Thresholds(high_score=5))
    assert judged(**POTENTIAL | {"net_life": 35})["segment"] == "unknown"
    assert judged(strict, **POTENTIAL | {"net_life": 35})["segment"] == "not_asked"
