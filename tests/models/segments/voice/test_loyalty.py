from dataclasses import replace
from types import MappingProxyType

import numpy as np
import population
import pytest

from models import cutpoints, schemes
from models.segments.voice import loyalty
from models.thresholds import ThresholdInvalid

DEFAULTS = loyalty.Thresholds()
# ten repeat-eligible customers with 1 to 10 orders, and tenures of 100 to 1000 days; tau_0 is 20 days
CUTS = population.cuts(
    reference_quantiles=MappingProxyType(
        {"loyalty.orders_w": tuple(range(1, 11)), "tenure_days": tuple(range(100, 1100, 100))}
    )
)
NOTHING = dict.fromkeys(loyalty.FEATURES[1:]) | {"orders_w": 0, "orders_w_180d_ago": 0}


def judged(thresholds=DEFAULTS, **features):
    row = population.customer("c") | NOTHING | features
    return loyalty.assign(population.frame(row), CUTS, thresholds).iloc[0]


FAITHFUL = {
    "orders_w": 8,
    "tenure_days": 500,
    "gap_cv": 0.5,
    "brand_hhi": 0.6,
    "category_hhi": 0.9,
    "invites_365d": 2,
    "conversions_365d": 1,
    "nps_last": 9,
    "constructive_feedback_365d": 4,
    "unresolved_complaints_365d": 1,
    "stated_loyalty": 8.5,
}


def test_the_index_is_the_weighted_mean_of_its_parts():
    found = judged(**FAITHFUL)
    # mid-ranks: 8 of 1 to 10 is .75; 500 of 100 to 1000 is .45
    expected = {
        "frequency": 0.75,
        "regularity": 0.5 * 0.45 + 0.5 * (1 - 0.5),
        "concentration": 0.6,
        "referral": 0.8 + 0.2,
        "feedback": round((3 - 1) / 3, 4),
        "stated": 0.85,
    }
    assert {part: found[f"{part}_part"] for part in expected} == expected
    total = 0.3 * 0.75 + 0.15 * 0.475 + 0.1 * 0.6 + 0.2 * 1 + 0.15 * 0.6667 + 0.1 * 0.85
    assert found["loyalty_index"] == round(100 * total, 2) == 74.13
    assert (found["segment"], found["loyalty_coverage"]) == ("inclined", 1.0)
    assert found["concentration_basis"] == "brand"


def test_what_is_unknown_is_left_out_and_lowers_the_coverage():
    found = judged(
        **FAITHFUL | {"stated_loyalty": None, "invites_365d": None, "brand_hhi": None, "category_hhi": 0.8}
    )
    known = 0.3 * 0.75 + 0.15 * 0.475 + 0.1 * 0.8 + 0.15 * 0.6667
    assert found["loyalty_index"] == round(100 * known / 0.7, 2)
    assert found["loyalty_coverage"] == 0.7
    assert found["concentration_basis"] == "category"


def test_less_than_half_of_the_weights_is_no_index():
    half = {name: FAITHFUL[name] for name in ("orders_w", "tenure_days", "invites_365d", "conversions_365d")}
    assert judged(**half)["loyalty_coverage"] == 0.5
    assert judged(**half)["segment"] != "unknown"
    less = {
        "constructive_feedback_365d": 0,
        "unresolved_complaints_365d": 0,
        "orders_w": 8,
        "tenure_days": 99,
    }
    found = judged(**less)
    assert (found["loyalty_coverage"], found["segment"]) == (0.45, "unknown")
    assert np.isnan(found["loyalty_index"])
    assert judged()["segment"] == "unknown"


@pytest.mark.parametrize(("tenure", "frequency"), [(20, 0.75), (19, None)])
def test_only_who_has_had_time_to_come_back_is_ranked_by_orders(tenure, frequency):
    found = judged(**FAITHFUL | {"tenure_days": tenure})["frequency_part"]
    assert found == frequency if frequency else np.isnan(found)


@pytest.mark.parametrize(
    ("invites", "conversions", "nps", "part"),
    [
        (0, 0, None, 0.0),
        (0, 0, 9, 0.2),
        (3, 0, 8, 0.5),
        (0, 1, None, 0.8),
        (1, 1, 10, 1.0),
        (1, 2, None, 1.0),
        (1, 2, 10, 1.0),
        (None, None, 10, None),
    ],
)
def test_a_referral_counts_by_what_came_of_it(invites, conversions, nps, part):
    found = judged(invites_365d=invites, conversions_365d=conversions, nps_last=nps)["referral_part"]
    assert np.isnan(found) if part is None else found == part


@pytest.mark.parametrize(
    ("items", "complaints", "part"), [(0, 0, 0), (1, 0, 0.3333), (9, 0, 1), (1, 2, 0), (9, 2, 0.3333)]
)
def test_feedback_is_capped_and_never_below_nothing(items, complaints, part):
    found = judged(constructive_feedback_365d=items, unresolved_complaints_365d=complaints)
    assert found["feedback_part"] == part


@pytest.mark.parametrize(
    ("stated", "segment"),
    [(7.5, "loyal"), (7.49, "inclined"), (5, "inclined"), (4.99, "average"), (2.5, "average"), (2.49, "low")],
)
def test_the_limits_belong_to_the_higher_band(stated, segment):
    words_only = replace(DEFAULTS, min_coverage=0.1)
    assert judged(words_only, stated_loyalty=stated)["segment"] == segment


def test_a_potential_loyal_customer_has_risen_by_ten_points_within_the_second_band():
    before = {
        "orders_w_180d_ago": 8,
        "gap_cv_180d_ago": 0.5,
        "invites_365d_180d_ago": 0,
        "conversions_365d_180d_ago": 0,
        "constructive_feedback_365d_180d_ago": 3,
        "unresolved_complaints_365d_180d_ago": 1,
        "stated_loyalty_180d_ago": 8.5,
    }
    found = judged(**FAITHFUL | before)
    # 320 days of tenure rank .3 in place of .45, and nobody had been invited: 15 * .075 + 20 points less
    assert found["loyalty_index_180d_ago"] == pytest.approx(74.13 - 1.125 - 20, abs=0.01)
    assert found["loyalty_rise_180d"] == pytest.approx(21.13, abs=0.01)
    assert found["potential_loyal"]
    standing = judged(**FAITHFUL | before | {"invites_365d_180d_ago": 2, "conversions_365d_180d_ago": 2})
    assert standing["potential_loyal"] == False  # noqa: E712  a nullable boolean is no False
    assert judged(**FAITHFUL)["potential_loyal"] is not True
    unknown = loyalty.assign(population.frame(population.customer("c") | NOTHING), CUTS, DEFAULTS)
    assert unknown["potential_loyal"].isna().all()


def test_of_records_too_young_for_both_windows_no_rise_is_told():
    young = replace(CUTS, counts=MappingProxyType({"history_days": 544}))
    rows = population.frame(population.customer("c") | NOTHING | FAITHFUL | {"invites_365d_180d_ago": 0})
    before = loyalty.assign(rows, CUTS, replace(DEFAULTS, min_coverage=0.1))
    assert before["loyalty_index_180d_ago"].notna().all()
    found = loyalty.assign(rows, young, replace(DEFAULTS, min_coverage=0.1))
    assert found[["loyalty_index_180d_ago", "potential_loyal"]].isna().all(axis=None)
    assert found["loyalty_index"].notna().all()


def test_each_weight_moved_by_a_fifth_gives_the_band_it_would_give():
    crowd = population.crowd(400, seed=3)
    fitted = cutpoints.fit(crowd, schemes.Thresholds())
    packed = loyalty.assign(crowd, fitted, DEFAULTS)["bands_by_weight"].to_numpy()
    moved = 0
    for place, (part, change) in enumerate(loyalty.CHANGES):
        weight = getattr(DEFAULTS, f"{part}_weight") * (1.2 if change == "higher" else 0.8)
        other = loyalty.assign(crowd, fitted, replace(DEFAULTS, **{f"{part}_weight": weight}))
        positions = other["segment"].astype(str).map({name: at for at, name in enumerate(loyalty.GROUPS)})
        found = packed >> (3 * place) & 7
        assert (found == positions.to_numpy()).mean() == 1
        moved += int((positions.to_numpy() != packed_now(crowd, fitted)).sum())
    assert moved > 0


def packed_now(crowd, fitted):
    segments = loyalty.assign(crowd, fitted, DEFAULTS)["segment"].astype(str)
    return segments.map({name: at for at, name in enumerate(loyalty.GROUPS)}).to_numpy()


def test_orders_are_ranked_among_the_repeat_eligible_of_the_reference():
    rows = population.frame(
        population.customer("new", (5, 1)),
        population.customer("old", (300, 1), (10, 1)),
        population.customer("edge", (20, 1)),
        population.customer("prospect"),
    )
    assert loyalty.references(rows, 20.0)["orders_w"].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("name", "value"), [("bands", (50, 25, 75)), ("frequency_weight", 1.5), ("sensitivity_step", 0)]
)
def test_a_number_without_sense_is_refused(name, value):
    with pytest.raises(ThresholdInvalid, match=name):
        replace(DEFAULTS, **{name: value})
    nothing = dict.fromkeys((f"{part}_weight" for part in loyalty.PARTS), 0)
    with pytest.raises(ThresholdInvalid, match="at least one part"):
        replace(DEFAULTS, **nothing)
