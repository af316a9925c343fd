import json

import pandas as pd
import population
import pytest
from population import customer, frame

from models import cutpoints, schemes, units
from models.cutpoints import Cutpoints
from models.segments.value_tier import TierCuts

DEFAULTS = schemes.Thresholds()


def test_the_order_of_the_rows_does_not_change_a_byte(crowd, fitted):
    for seed in range(3):
        shuffled = crowd.sample(frac=1, random_state=seed)
        assert cutpoints.fit(shuffled, DEFAULTS).to_json() == fitted.to_json()


def test_decimals_and_doubles_give_the_same_cut_points(crowd, fitted):
    doubles = crowd.astype(dict.fromkeys(cutpoints.MONEY, "float64"))
    assert cutpoints.fit(doubles, DEFAULTS).to_json() == fitted.to_json()


def test_what_is_written_reads_back_equal(fitted):
    full = fitted.with_reference_shares({"rfm": {"RFM01": 0.1, "RFM02": 0.9}})
    for value in (fitted, full, population.cuts(gap_law=None), population.cuts(m_cuts=(1, None, None, None))):
        text = value.to_json()
        assert Cutpoints.from_json(text) == value
        assert Cutpoints.from_json(text).to_json() == text


def test_the_json_has_sorted_keys_so_that_equal_cut_points_are_equal_bytes(fitted):
    keys = list(json.loads(fitted.to_json()))
    assert keys == sorted(keys)


def test_an_artifact_of_other_fields_is_refused(fitted):
    fields = json.loads(fitted.to_json())
    fields["t3_days"] = fields.pop("t2_days")
    with pytest.raises(
        cutpoints.CutpointsUnreadable, match=r"lack \['t2_days'\] and have unknown \['t3_days'\]"
    ):
        Cutpoints.from_json(json.dumps(fields))


def test_the_populations_of_the_cuts_are_those_of_the_definitions():
    rows = frame(
        *(customer(f"prospect {n}") for n in range(4)),
        *(customer(f"once {n}", (n, 1)) for n in range(1, 5)),
        *(customer(f"lapsed {n}", (400, 5), (500 + n, 5)) for n in range(4)),
        *(customer(f"repeat {n}", *[(5 + day, 10) for day in range(n)]) for n in range(2, 6)),
    )
    found = cutpoints.fit(rows, DEFAULTS)
    # Frequency in the window: the four repeat customers with 2, 3, 4 and 5 orders, one to a quartile.
    assert found.f_cuts == (3, 4, 5)
    # Lifetime frequency: also the lapsed, four more with two orders.
    assert found.f_life_cuts == (2, 3, 4)
    # Recency: four at 400 (class 1), four at 5 (middle, class 3), then 4 and 3 (class 4), 2 and 1 (class 5).
    assert found.r_cuts == (-5, -5, -4, -2)
    assert found.counts["buyers"] == 12
    assert found.counts["buyers_in_window"] == 8
    # Net in the window leaves out the lapsed: four of 1.00, then 20, 30, 40, 50.
    assert found.m_cuts == (100, 2000, 3000, 4000)


ENOUGH = schemes.Thresholds(minimum_data=schemes.MinimumData(buyers=4))


def enough_rows(repeat=1, first=180, last=30, buyers=4):
    return [
        customer("first", (first, 1), (last, 1), *[(last, 1)] * repeat),
        *(customer(f"{n}", (last, 1)) for n in range(1, buyers)),
    ]


def test_enough_data_is_ok():
    found = cutpoints.fit(frame(*enough_rows()), ENOUGH)
    assert (found.status, found.shortfalls) == ("ok", ())


def test_two_buyers_in_a_hundred_with_three_orders_are_just_enough():
    assert cutpoints.fit(frame(*enough_rows(buyers=50)), ENOUGH).status == "ok"
    assert cutpoints.fit(frame(*enough_rows(buyers=51)), ENOUGH).status == "insufficient"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (enough_rows(buyers=3), "3 buyers of 4 wanted"),
        (enough_rows(first=179), "179 days of history of 180 wanted"),
        (enough_rows(last=31), "last order 31 days ago, at most 30 wanted"),
        (enough_rows(repeat=0), "0 of 4 buyers with three orders, 2% wanted"),
    ],
    ids=["buyers", "history", "fresh", "repeaters"],
)
def test_each_thing_that_is_too_little_makes_the_status_insufficient(rows, words):
    found = cutpoints.fit(frame(*rows), ENOUGH)
    assert found.status == "insufficient"
    assert found.shortfalls == (words,)


def test_nobody_at_all_still_gives_cut_points():
    found = cutpoints.fit(frame(), DEFAULTS)
    assert found.status == "insufficient"
    assert found.as_of is None
    assert Cutpoints.from_json(found.to_json()) == found


def test_a_law_is_in_force_for_everybody_or_for_nobody():
    # 120 customers came back the same day: a law for one-time buyers, none for the gaps of repeat buyers.
    rows = frame(*(customer(f"{n}", (9, 1), (9, 1)) for n in range(120)))
    found = cutpoints.fit(rows, DEFAULTS)
    assert (found.gap_law, found.second_order_law) == (None, None)
    assert found.gap_limits_days == found.second_order_limits_days == (40.0, 90.0, 135.0, 180.0)


def test_reference_quantiles_are_of_buyers_and_known_values_only(crowd, fitted):
    buyers = crowd[crowd["orders_life"] >= 1]
    assert fitted.reference_quantiles["margin_w"] == ()
    points = fitted.reference_quantiles["recency_days"]
    assert len(points) == 1001
    assert (points[0], points[-1]) == (buyers["recency_days"].min(), buyers["recency_days"].max())
    assert set(fitted.reference_quantiles["net_life"]) <= set(buyers["net_life"].astype(float))
    assert fitted.reference_quantiles["orders_life"][0] == 1


def test_the_tiers_in_force_are_those_of_the_basis():
    net, margin = TierCuts(2500, 1000, 5, 0.5, 0.6), TierCuts(500, 100, 5, 0.3, 0.4)
    assert population.cuts(net_tiers=net).tiers == net
    assert population.cuts(net_tiers=net, margin_tiers=margin, value_basis="margin").tiers == margin
    assert population.cuts(net_tiers=net, margin_tiers=margin, value_basis="net").tiers == net


def test_rows_of_two_days_are_refused():
    rows = pd.concat(
        [frame(customer("a", (1, 1))), frame(customer("b", (1, 1), as_of=pd.Timestamp("2017-12-01")))]
    )
    with pytest.raises(ValueError, match="2 days from 2017-12-01 to 2018-01-01"):
        cutpoints.fit(rows, DEFAULTS)


def test_a_missing_column_is_named(crowd):
    with pytest.raises(units.FeatureMissing, match=r"\['tenure_days'\]"):
        cutpoints.fit(crowd.drop(columns="tenure_days"), DEFAULTS)


def test_the_card_says_what_the_cuts_are_and_where_they_come_from(fitted):
    card = fitted.with_reference_shares({"rfm": {"RFM01": 0.125}}).card()
    assert card.startswith("# Cut-points fitted on 2018-01-01\n")
    for words in (
        "Status: **ok**",
        f"{fitted.gap_law.mu:.6f}",
        f"{fitted.t2_days:g} days",
        "| rfm | RFM01 | 12.50% |",
    ):
        assert words in card
    assert "2 days of history" not in card
    assert "calendar" in population.cuts(gap_law=None, gap_limits_days=(40.0,)).card()
