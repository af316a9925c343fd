import math
from itertools import product
from types import MappingProxyType

import population
import pytest
from population import customer, frame

from models.churn.levels import GapLaw
from models.segments import lifecycle

DEFAULTS = lifecycle.Thresholds()


def judged(*rows, **cuts):
    return lifecycle.assign(frame(*rows), population.cuts(**cuts), DEFAULTS)


def stage(*orders, cuts=None, **overrides):
    return judged(customer("c", *orders, **overrides), **(cuts or {}))["segment"][0]


def steady(*ages, **overrides):
    """A customer with equal orders at `ages`, and level net unless overridden."""
    return customer("c", *[(age, 10) for age in ages], **overrides)


def test_the_cycle_is_the_own_median_drawn_towards_the_population_by_three_gaps():
    # Two gaps of 10 against tau_0 = 20: (2 * 10 + 3 * 20) / 5 = 16.
    found = judged(steady(24, 34, 44), steady(25, 35, 45), customer("once", (5, 1)))
    assert found["tau_days"].tolist() == [16.0, 16.0, 20.0]
    assert found["rho"].tolist() == [1.5, 1.5625, 0.25]
    assert found["segment"].tolist()[:2] == ["LC3_growing", "LC6_declining"]


def test_a_category_with_its_own_cycle_uses_it():
    rows = [steady(24, 34, 44, top_category=name) for name in ("bread", "unheard of", None)]
    found = judged(*rows, tau_0_by_category=MappingProxyType({"bread": 40.0}))
    assert found["tau_days"].tolist() == [28.0, 16.0, 16.0]


def test_rho_is_taken_from_the_rounded_cycle():
    found = judged(steady(10, 20), tau_0_days=20.01)  # (10 + 3 * 20.01) / 4 = 17.5075
    assert found["tau_days"].tolist() == [17.51]
    assert found["rho"].tolist() == [round(10 / 17.51, 4)]


def test_tau_0_is_a_median_over_customers_and_per_category_where_there_are_enough():
    few = lifecycle.Thresholds(category_min_customers=2)
    rows = frame(
        steady(1, 11, 21, 31, top_category="bread"),
        steady(1, 21, top_category="bread"),
        steady(1, 91, top_category="meat"),
        customer("no gap", (1, 1), top_category="meat"),
    )
    assert lifecycle.fit_tau(rows, True, few) == (20.0, {"bread": 15.0})
    assert lifecycle.fit_tau(rows, True, DEFAULTS) == (20.0, {})
    assert lifecycle.fit_tau(rows, False, few) == (40.0, {})


@pytest.mark.parametrize(
    ("age", "wanted"),
    [
        (30, "LC1_new"),
        (31, "LC2_awaiting_second"),
        (50, "LC2_awaiting_second"),
        (51, "LC10_one_time_overdue"),
    ],
)
def test_a_one_time_buyer_ages_from_new_to_overdue(age, wanted):
    assert stage((age, 10)) == wanted


def test_a_quiet_customer_becomes_dormant_and_then_churned_whatever_else_holds():
    # The one-time law ln 100 without spread has limits 100, 150, 200, 400.
    law = {"second_order_law": GapLaw(round(math.log(100), 6), 0.0, 100)}
    assert [stage((age, 10), cuts=law) for age in (200, 201, 400, 401)] == [
        "LC10_one_time_overdue",
        "LC7_dormant",
        "LC7_dormant",
        "LC8_churned",
    ]


def test_awaiting_second_comes_before_dormant():
    law = {"second_order_law": GapLaw(0.0, 0.0, 100), "t2_days": 60}  # dormant from day 29
    assert [stage((age, 10), cuts=law) for age in (45, 61)] == ["LC2_awaiting_second", "LC7_dormant"]


def test_the_first_gap_is_judged_by_the_time_to_second_order():
    law = {"second_order_law": GapLaw(round(math.log(100), 6), 0.0, 100)}  # churned after 400
    assert stage((5, 10), (405, 10), cuts=law) != "LC9_reactivated"
    assert stage((5, 10), (406, 10), cuts=law) == "LC9_reactivated"
    found = judged(customer("c", (5, 10), (406, 10)), **law)
    assert found["reactivation_limit_days"].tolist() == [400.0]


def test_two_orders_on_the_first_day_make_the_first_gap_a_repeat_buyers():
    laws = {
        "gap_law": GapLaw(round(math.log(150), 6), 0.0, 100),  # churned after 600
        "second_order_law": GapLaw(round(math.log(100), 6), 0.0, 100),  # churned after 400
    }
    found = judged(customer("c", (5, 10), (506, 10), (506, 10)), **laws)
    assert found["reactivation_limit_days"].tolist() == [600.0]
    assert found["segment"].tolist() != ["LC9_reactivated"]
    # one order on the first day, two on the second: the gap was the first wait for a second order
    found = judged(customer("c", (5, 10), (5, 10), (506, 10)), **laws)
    assert found["reactivation_limit_days"].tolist() == [400.0]
    assert found["segment"].tolist() == ["LC9_reactivated"]


def test_orders_of_one_day_alone_have_no_limit_to_come_back_from():
    found = judged(customer("c", (5, 10), (5, 10)))
    assert found["reactivation_limit_days"].isna().tolist() == [True]
    assert found["segment"].tolist() == ["LC3_growing"]


def test_a_later_gap_is_judged_by_the_gaps_before_it_alone():
    # Before: one gap of 10 against mu_0 = ln 10 without spread, so q75 = 14, q95 = 28, churned after 180.
    law = {"gap_law": GapLaw(round(math.log(10), 6), 0.0, 100)}
    found = judged(customer("c", (5, 10), (186, 10), (196, 10)), **law)
    assert found["reactivation_limit_days"].tolist() == [180.0]
    assert found["segment"].tolist() == ["LC9_reactivated"]
    assert stage((5, 10), (185, 10), (195, 10), cuts=law) != "LC9_reactivated"


def test_a_comeback_is_news_for_two_months_or_one_own_cycle():
    law = {"second_order_law": GapLaw(round(math.log(100), 6), 0.0, 100), "gap_law": GapLaw(6.0, 0.5, 100)}
    # A gap of 500: tau = (500 + 3 * 20) / 4 = 140.
    assert [stage((age, 10), (age + 500, 10), cuts=law) for age in (60, 140, 141)] == [
        "LC9_reactivated",
        "LC9_reactivated",
        "LC6_declining",  # nothing in 90 days after something in the 270 before
    ]


def test_half_the_earlier_net_is_declining_for_a_long_standing_customer_only():
    ages = (5, 15, 25, 35, 45, 55)
    old = {"tenure_days": 360, "net_previous_90d": 0}
    falls = {**old, "net_90d": 50, "net_previous_270d": 300}
    assert judged(steady(*ages, **falls))["segment"][0] == "LC6_declining"
    assert judged(steady(*ages, **(falls | {"net_90d": 50.01})))["segment"][0] == "LC4_mature"
    assert judged(steady(*ages, **(falls | {"tenure_days": 359})))["segment"][0] == "LC4_mature"
    assert (
        judged(steady(*ages, **(falls | {"net_90d": -5, "net_previous_270d": -9})))["segment"][0]
        == "LC4_mature"
    )


def test_growing_is_young_or_a_fifth_more():
    ages = (5, 15, 25)
    more = {"tenure_days": 181, "net_90d": 120, "net_previous_90d": 100}
    assert judged(steady(*ages, **more))["reason_code"][0] == "LC3_GROWING_VALUE"
    assert judged(steady(*ages, **(more | {"net_90d": 119.99})))["segment"][0] == "LC4_mature"
    assert judged(steady(*ages, **(more | {"net_previous_90d": 0})))["segment"][0] == "LC4_mature"
    assert judged(steady(*ages, **(more | {"tenure_days": 180})))["reason_code"][0] == "LC3_GROWING_YOUNG"


def test_two_steady_orders_are_light_and_three_are_mature():
    old = {"tenure_days": 300}
    assert judged(steady(5, 15, **old))["segment"][0] == "LC5_steady_light"
    assert judged(steady(5, 15, 25, **old))["segment"][0] == "LC4_mature"


def test_new_and_old_customers_follow_the_stages():
    found = judged(
        customer("prospect"),
        customer("new", (5, 1)),
        customer("awaiting", (40, 1)),
        customer("overdue", (60, 1)),
        steady(5, 15, 25),
        customer("churned", (3000, 1), (3010, 1)),
    )
    ages = found["customer_age"].astype(object)
    assert ages.where(ages.notna(), None).tolist() == [None, "new", "new", None, "old", None]
    assert found["churn_level"].isna().tolist() == [True, False, False, False, False, False]
    assert found.loc[0, ["tau_days", "rho", "reactivation_limit_days"]].isna().all()


def by_the_table(row, found, t2):
    """The stages of the definitions, read downwards, on plain numbers."""
    once, repeat = row["orders_life"] == 1, row["orders_life"] >= 2
    back = row["gaps"] >= 1 and row["last_gap_days"] > found["reactivation_limit_days"]
    earlier_mean = float(row["net_previous_270d"]) / 3
    fallen = row["tenure_days"] and row["tenure_days"] >= 360 and row["net_previous_270d"] > 0
    fallen = fallen and float(row["net_90d"]) <= 0.5 * earlier_mean
    risen = row["net_90d"] > 0 and row["net_previous_90d"] > 0
    risen = risen and float(row["net_90d"]) >= 1.2 * float(row["net_previous_90d"])
    table = [
        ("LC0_prospect", row["orders_life"] == 0),
        ("LC1_new", once and row["tenure_days"] <= 30),
        ("LC2_awaiting_second", once and 30 < row["tenure_days"] <= t2),
        ("LC8_churned", found["churn_level"] == "L4"),
        ("LC7_dormant", found["churn_level"] == "L3"),
        ("LC9_reactivated", back and row["recency_days"] <= max(60, found["tau_days"])),
        ("LC10_one_time_overdue", once and row["tenure_days"] > t2),
        ("LC6_declining", repeat and (found["rho"] > 1.5 or fallen)),
        ("LC3_growing", repeat and (row["tenure_days"] <= 180 or risen)),
        ("LC4_mature", row["orders_life"] >= 3),
        ("LC5_steady_light", True),
    ]
    return next(name for name, holds in table if holds)


def test_every_combination_of_inputs_is_in_the_first_stage_that_applies():
    histories = [
        (),
        *((age,) for age in (30, 31, 50, 51, 120, 3000)),
        *((age, age + gap) for age, gap in product((3, 35, 61, 95, 3000), (1, 12, 170, 700))),
        *((age, age + gap, age + gap + 8) for age, gap in product((3, 35, 61, 3000), (12, 170, 700))),
    ]
    amounts = [(0, 0, 0), (50, 60, 300), (51, 40, 300), (-1, 0, 10), (120, 100, 240)]
    rows = [
        customer("c", *[(age, 10) for age in ages], **net)
        for ages in histories
        for net in (
            dict(zip(("net_90d", "net_previous_90d", "net_previous_270d"), each, strict=True))
            for each in amounts
        )
    ]
    found = judged(*rows)
    wanted = [by_the_table(row, each, 50) for row, each in zip(rows, found.to_dict("records"), strict=True)]
    assert found["segment"].tolist() == wanted
    assert set(wanted) == set(lifecycle.GROUPS)
