import numpy as np
import population
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from population import customer, frame

from models import cutpoints, schemes
from models.segments import value_tier
from models.segments.value_tier import TierCuts

DEFAULTS = value_tier.Thresholds()


def tiers(values):
    return value_tier.fit_tier_cuts(np.array(values), DEFAULTS)


def judged(*rows, **cuts):
    return value_tier.assign(frame(*rows), population.cuts(**cuts), DEFAULTS)


def test_the_cuts_are_the_smallest_values_of_a_and_of_b():
    # Shares of strictly larger customers: 0, .60, .85, .95, .98.
    found = tiers([3, 60, 2, 25, 10])
    assert (found.v_a, found.v_b) == (25, 10)


def test_a_share_before_of_exactly_four_fifths_is_b():
    found = tiers([40, 40, 10, 5, 5])
    assert (found.v_a, found.v_b) == (40, 5)


def test_equal_values_are_in_one_class_even_across_the_line():
    # Both tens have 70 % strictly above them, although the second one starts at 80 %.
    found = tiers([50, 20, 10, 10, 5, 5])
    assert (found.v_a, found.v_b) == (10, 5)


def test_values_of_zero_or_less_do_not_change_the_cuts():
    assert tiers([60, 25, 10, 3, 2, 0, -70]) == tiers([60, 25, 10, 3, 2])


def test_nobody_of_value_gives_cuts_nobody_reaches():
    assert tiers([0, -5]) == TierCuts(None, None, 0, None, None)
    found = judged(customer("c", (1, 50)), net_tiers=tiers([]))
    assert found["segment"].tolist() == ["C"]


def test_where_nobody_is_b_its_cut_is_that_of_a():
    assert (tiers([7]).v_a, tiers([7]).v_b) == (7, 7)


def test_gini_and_top_fifth_of_small_populations():
    assert tiers([5, 5, 5, 5]).gini == 0
    assert tiers([1, 3]).gini == 0.25
    assert tiers([3, 1, 1]).gini == pytest.approx(4 / 15, abs=1e-6)  # ranks 1, 2, 3: 2 * 12 / 15 - 4 / 3
    assert tiers([9, 9, 9, 3, 2, 2]).top_share == round(18 / 34, 6)  # a fifth of six is two
    assert tiers([60, 25, 10, 3, 2]).top_share == 0.6
    assert tiers([60, 25, 10, 3, 2, 0]).customers == 5


@settings(max_examples=60)
@given(st.lists(st.integers(-20, 200), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_frozen_cuts_give_every_member_the_class_of_the_definition(values, random):
    found = tiers(random.sample(values, len(values)))
    rows = [customer(f"{n}", (5, 0), net_w=value / 100) for n, value in enumerate(values)]
    classes = judged(*rows, net_tiers=found)["segment"].tolist()
    total = sum(value for value in values if value > 0)
    for value, group in zip(values, classes, strict=True):
        above = sum(other for other in values if other > value > 0)
        wanted = (
            "D" if value <= 0 else "A" if above * 5 < total * 4 else "B" if above * 20 < total * 19 else "C"
        )
        assert group == wanted


def test_no_order_in_the_window_is_d_with_no_care_level():
    found = judged(customer("long ago", (400, 99)), customer("prospect"), customer("lost money", (5, -3)))
    assert found["segment"].tolist() == ["D", "D", "D"]
    assert found["care_level"].isna().all()
    assert found["reason_code"].tolist() == ["VT_NO_ORDER", "VT_NO_ORDER", "VT_D_NET"]
    assert found["value"].tolist() == [0.0, 0.0, -3.0]


def test_care_follows_the_class():
    found = judged(customer("a", (5, 25)), customer("b", (5, 24.99)), customer("c", (5, 9.99)))
    assert found["segment"].tolist() == ["A", "B", "C"]
    assert found["care_level"].tolist() == ["high", "middle", "light"]
    assert set(found["value_basis"]) == {"net"}


MARGIN = {"value_basis": "margin", "margin_tiers": TierCuts(500, 200, 5, 0.5, 0.6)}


def test_the_margin_basis_is_the_artifacts_and_holds_for_one_row_alone():
    row = customer("c", (5, 99), margin_w=4.0, cost_coverage_w=1.0)
    found = judged(row, **MARGIN)
    assert found[["segment", "value_basis", "value"]].astype(object).to_numpy().tolist() == [
        ["B", "margin", 4.0]
    ]
    assert judged(row)[["segment", "value"]].astype(object).to_numpy().tolist() == [["A", 99.0]]


def test_without_a_known_cost_a_customer_is_judged_by_net_and_says_so():
    found = judged(customer("c", (5, 12), margin_w=None), **MARGIN)
    assert found["value_basis"].tolist() == ["net"]
    assert found["segment"].tolist() == ["B"]
    assert found["reason_code"].tolist() == ["VT_B_NET_NO_COST"]


@pytest.mark.parametrize(("known", "basis"), [(0.9, "net"), (0.95, "margin")])
def test_margin_is_the_basis_once_nearly_all_costs_are_known(known, basis):
    # Weighted by net: the small customer's missing cost weighs 1 in 101.
    rows = frame(
        customer("big", (5, 1000), margin_w=300, cost_coverage_w=known),
        customer("small", (5, 10), margin_w=3, cost_coverage_w=0.95),
        customer("not in the window", (500, 10**6), cost_coverage_w=0.0),
        customer("returned more", (5, -500), cost_coverage_w=1.0),
    )
    fitted = cutpoints.fit(rows, schemes.Thresholds())
    assert fitted.value_basis == basis
    assert (fitted.margin_tiers is not None) == (basis == "margin")
