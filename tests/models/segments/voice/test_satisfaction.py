from dataclasses import replace
from types import MappingProxyType

import population
import pytest

from models.segments.voice import satisfaction
from models.thresholds import ThresholdInvalid

CUTS = population.cuts(fitted=MappingProxyType({"satisfaction": {"return_rate": 0.10}}))
BOUGHT = {
    "shipped_orders_365d": 4,
    "shipped_365d": 100.0,
    "returned_of_shipped_365d": 0.0,
    "return_rate_180d": 0.0,
    "complaints_365d": 0,
    "complaints_180d": 0,
    "unresolved_complaints_365d": 0,
}
DEFAULTS = satisfaction.Thresholds()


def judged(**features):
    row = population.customer("c", (10, 25), (40, 25), (70, 25), (100, 25), **features)
    return satisfaction.assign(population.frame(row), CUTS, DEFAULTS).iloc[0]


def test_the_index_is_six_tenths_of_what_is_said_and_four_tenths_of_what_is_done():
    # one complaint on four orders, resolved; a tenth of the money back: 1 - (.25 + .10 + 0) / 3 = .8833
    found = judged(
        csat_score=0.75,
        csat_weight=1.0,
        **BOUGHT | {"complaints_365d": 1, "returned_of_shipped_365d": 10.0},
    )
    assert (found["attitude"], found["behaviour"]) == (0.75, 0.8833)
    assert found["satisfaction_index"] == round(100 * (0.6 * 0.75 + 0.4 * 0.8833), 2) == 80.33
    assert (found["segment"], found["reason_code"]) == ("satisfied", "SAT_SATISFIED_BOTH")
    assert (found["satisfaction_basis"], found["satisfaction_coverage"]) == ("attitude_and_behaviour", 1.0)


def test_an_opinion_weighs_what_it_has_not_lost_since():
    # an answer of today says 1, a review of half a year ago 0: (1 * 1 + .5 * 0) / 1.5
    found = judged(csat_score=1.0, csat_weight=1.0, review_score=0.0, review_weight=0.5)
    assert found["attitude"] == 0.6667
    assert (found["satisfaction_index"], found["satisfaction_basis"]) == (66.67, "attitude")
    assert (found["segment"], found["reason_code"]) == ("neutral", "SAT_NEUTRAL_SAID")
    assert found["satisfaction_coverage"] == 0.6


def test_who_said_nothing_is_judged_by_behaviour_and_it_says_so():
    found = judged(**BOUGHT)
    assert (found["satisfaction_index"], found["satisfaction_basis"]) == (100.0, "behaviour")
    assert (found["reason_code"], found["satisfaction_coverage"]) == ("SAT_SATISFIED_DID", 0.4)


@pytest.mark.parametrize("absent", [{}, BOUGHT | {"shipped_orders_365d": 0, "shipped_365d": 0.0}])
def test_who_neither_said_nor_did_anything_is_unknown(absent):
    found = judged(**absent)
    assert found["segment"] == "unknown"
    assert found["satisfaction_index"] != found["satisfaction_index"]
    assert found["satisfaction_coverage"] == 0
    assert not found["dissatisfied_flag"]


def test_of_an_absent_extract_nothing_is_made_up():
    found = judged(
        **BOUGHT | {"returned_of_shipped_365d": None, "return_rate_180d": None, "complaints_365d": 4}
    )
    # complaint_share 1 and unresolved_share 0 are known: 1 - 1 / 2
    assert found["behaviour"] == 0.5
    assert found["return_rate_value"] != found["return_rate_value"]
    assert found["satisfaction_coverage"] == round(0.4 * 2 / 3, 4)


def test_the_returns_of_one_order_are_drawn_towards_the_shops():
    once = BOUGHT | {"shipped_orders_365d": 1, "shipped_365d": 50.0, "returned_of_shipped_365d": 50.0}
    assert judged(**once)["return_rate_value"] == round((1 + 5 * 0.10) / 6, 4)
    assert judged(**once | {"shipped_orders_365d": 2})["return_rate_value"] == 1
    nowhere = satisfaction.assign(
        population.frame(population.customer("c", (10, 50), **once)), population.cuts(), DEFAULTS
    )
    assert nowhere["return_rate_value"].isna().all()


def test_complaints_without_an_order_count_in_full():
    found = judged(**BOUGHT | {"shipped_orders_365d": 0, "shipped_365d": 0.0, "complaints_365d": 1})
    assert (found["complaint_share"], found["unresolved_share"]) == (1, 0)


@pytest.mark.parametrize(("days", "bonus"), [(25, 0.1), (26, 0.0), (None, 0.0)])
def test_an_order_within_the_own_cycle_after_a_complaint_adds_a_tenth(days, bonus):
    # three gaps of 30 days, drawn towards 20 by 3: tau = (3 * 30 + 3 * 20) / 6 = 25
    complained = {"complaints_365d": 4, "unresolved_complaints_365d": 4, "reorder_days_after_complaint": days}
    found = judged(**BOUGHT | complained)
    assert found["reorder_bonus"] == bonus
    assert found["behaviour"] == round(1 - 2 / 3 + bonus, 4)


@pytest.mark.parametrize(
    ("features", "code", "signs"),
    [
        ({"csat_score": 0.0, "csat_weight": 1.0}, "SAT_LOW_INDEX", "low_index"),
        ({"nps_score": 0.6, "nps_weight": 1.0, "nps_last": 6}, "SAT_DETRACTOR", "detractor"),
        ({"nps_score": 0.0, "nps_weight": 1.0, "nps_last": 0}, "SAT_LOW_INDEX", "low_index|detractor"),
        (BOUGHT | {"complaints_365d": 2, "complaints_180d": 2}, "SAT_COMPLAINTS", "repeated_complaints"),
        (BOUGHT | {"return_rate_180d": 0.4}, "SAT_RETURNS", "many_returns"),
        (
            BOUGHT | {"complaints_365d": 2, "complaints_180d": 2, "return_rate_180d": 0.4},
            "SAT_COMPLAINTS",
            "repeated_complaints|many_returns",
        ),
    ],
)
def test_each_sign_makes_dissatisfied_and_all_that_hold_are_named(features, code, signs):
    found = judged(**features)
    assert found["segment"] == "dissatisfied"
    assert found["dissatisfied_flag"]
    assert (found["reason_code"], found["dissatisfied_reasons"]) == (code, signs)


@pytest.mark.parametrize(
    "features",
    [
        {"nps_score": 0.7, "nps_weight": 1.0, "nps_last": 7},
        BOUGHT | {"complaints_365d": 1, "complaints_180d": 1, "return_rate_180d": 0.3999},
    ],
)
def test_one_step_below_each_sign_is_none(features):
    assert not judged(**features)["dissatisfied_flag"]


@pytest.mark.parametrize(
    ("score", "segment"),
    [(0.7, "satisfied"), (0.6999, "neutral"), (0.4, "neutral"), (0.3999, "dissatisfied")],
)
def test_the_limits_belong_to_the_better_group(score, segment):
    assert judged(csat_score=score, csat_weight=1.0)["segment"] == segment


def test_the_shops_rate_of_returns_is_all_money_back_of_all_money_sent():
    rows = population.frame(
        population.customer("a", (10, 1), **BOUGHT | {"shipped_365d": 90.0, "returned_of_shipped_365d": 9.0}),
        population.customer(
            "b", (10, 1), **BOUGHT | {"shipped_365d": 10.0, "returned_of_shipped_365d": 10.0}
        ),
        population.customer(
            "c", (10, 1), **BOUGHT | {"shipped_365d": 99.0, "returned_of_shipped_365d": None}
        ),
        population.customer("d"),
    )
    assert satisfaction.fit(rows, DEFAULTS) == {"return_rate": 0.19, "customers_with_orders_sent": 2}
    assert satisfaction.fit(rows.iloc[2:], DEFAULTS)["return_rate"] is None


def test_limits_that_cross_are_refused():
    with pytest.raises(ThresholdInvalid, match="dissatisfied_below"):
        replace(DEFAULTS, dissatisfied_below=80)
