"""Need groups, rule by rule, on customers whose ranks are known: the reference is 0.00, 0.01, … 1.00."""

from types import MappingProxyType

import pandas as pd
import population
import pytest

from models.segments.voice import need
from models.segments.voice.need import NEEDS, Thresholds

POINTS = tuple(number / 100 for number in range(101))
# (below + upto)/2 of 101 points: the value .80 has the rank 80.5/101 = .797, .81 is the first from .80 on
CUTS = population.cuts(
    reference_quantiles=MappingProxyType(
        dict.fromkeys(need.RANKED, POINTS) | {"feature_breadth": (0, 0, 0, 0, 1, 2, 3, 4, 5)}
    )
)
NOBODY = dict.fromkeys(need.FEATURES)


def judged(**known):
    """The one row of a customer with these features; everything else is unknown."""
    rows = pd.DataFrame([NOBODY | {"customer_id": "c", "orders_w": 0} | known])
    return need.assign(rows, CUTS, Thresholds()).iloc[0]


def said(days=100, **importance):
    """Stated importance of some needs, all of one age."""
    told = {f"stated_{name}": value for name, value in importance.items()}
    return told | {f"stated_{name}_days": days for name in importance}


def rank(value):
    return (value * 100 + 0.5) / 101


BARGAINS = {"orders_w": 3, "dsi_value": 0.81, "discount_count_share": 0.5}


def test_nothing_known_is_unknown_and_not_a_need():
    found = judged()
    assert (found["segment"], found["reason_code"]) == ("unknown", "NEED_NOT_KNOWN")
    assert found["need_coverage"] == 0
    assert found[[f"{name}_score" for name in NEEDS]].isna().all()


def test_evidence_without_a_flag_is_unknown_too():
    found = judged(**BARGAINS | {"dsi_value": 0.80})
    assert (found["segment"], found["reason_code"]) == ("unknown", "NEED_NONE_SHOWN")
    assert found["price_score"] == round(rank(0.80), 4)
    assert found["need_coverage"] == 0.4  # price, and the low DSI of quality and brand


@pytest.mark.parametrize(
    ("name", "known", "reason"),
    [
        ("price", BARGAINS, "NEED_PRICE_DISCOUNTS"),
        ("function", {"function_share_365d": 0.4, "function_items_365d": 2}, "NEED_FUNCTION_TOPIC"),
        ("function", {"feature_breadth": 5}, "NEED_FUNCTION_USE"),
        ("service", {"orders_w": 1, "service_contacts_per_order": 0.81}, "NEED_SERVICE_CONTACTS"),
        ("service", {"service_share_365d": 0.4, "service_items_365d": 2}, "NEED_SERVICE_TOPIC"),
        ("quality_brand", {"orders_w": 3, "premium_line_share": 0.5, "dsi_value": 0.39},
         "NEED_QUALITY_BRAND_PREMIUM"),
        ("experience", {"experience_share_365d": 0.4, "experience_items_365d": 2}, "NEED_EXPERIENCE_TOPIC"),
        ("experience", {"new_product_share_365d": 0.81}, "NEED_EXPERIENCE_NEW"),
    ],
)  # fmt: skip
def test_each_need_is_shown_by_its_own_signs(name, known, reason):
    found = judged(**known)
    assert (found["segment"], found["reason_code"]) == (name, reason)
    assert found[f"has_{name}_need"]
    assert found["need_basis"] == "behaviour"
    assert pd.isna(found["need_stated_days"])
    # one step below any of its limits there is no need
    for feature, value in known.items():
        below = value + 0.02 if (name, feature) == ("quality_brand", "dsi_value") else value * 0.98
        below = value - 1 if isinstance(value, int) else below
        if feature != "orders_w" or name in {"price", "quality_brand"}:
            assert judged(**known | {feature: below})["segment"] == "unknown", feature


def test_breadth_is_ranked_among_those_who_use_anything():
    # of the five users the one with four functions stands at .7, with five at .9; zeros do not count
    assert judged(feature_breadth=4)["segment"] == "unknown"
    assert judged(feature_breadth=5)["function_score"] == 0.9
    assert pd.isna(judged(feature_breadth=0)["function_score"])


def test_a_score_is_the_mean_of_the_ranks_there_are():
    assert judged(orders_w=3, dsi_value=0.2)["price_score"] == round(rank(0.2), 4)
    found = judged(orders_w=3, dsi_value=0.2, promotion_order_share=0.6, unbought_after_rise_share=0.7)
    assert found["price_score"] == round((rank(0.2) + rank(0.6) + rank(0.7)) / 3, 4)
    assert found["quality_brand_score"] == round(1 - rank(0.2), 4)
    # below three orders neither is judged
    assert pd.isna(judged(orders_w=2, dsi_value=0.2)["price_score"])


@pytest.mark.parametrize(
    ("importance", "score", "flagged"), [(1, 0.0, False), (3, 0.5, False), (4, 1.0, True), (5, 1.0, True)]
)
def test_a_statement_is_its_distance_from_unimportant_and_the_top_is_one(importance, score, flagged):
    found = judged(**said(price=importance, service=1))
    assert found["price_score"] == score
    assert found["has_price_need"] == flagged
    assert found["segment"] == ("price" if flagged else "unknown")


def test_two_at_the_top_are_not_forced_and_are_mixed():
    found = judged(**said(price=4, service=4, function=2))
    assert (found["price_score"], found["service_score"]) == (0.75, 0.75)
    assert (found["segment"], found["reason_code"]) == ("mixed", "NEED_MIXED")
    assert (found["primary_need"], found["secondary_need"], found["need_lead"]) == ("price", "service", 0)


def test_the_second_need_is_kept():
    found = judged(**said(price=4, service=5))
    assert (found["segment"], found["secondary_need"], found["need_lead"]) == ("service", "price", 0.25)


@pytest.mark.parametrize(
    ("days", "score", "basis", "segment"),
    [
        (540, 0.0, None, "unknown"),  # said not to matter, and that stands against buying in sales
        (541, round(rank(0.81) / 2, 4), "both", "price"),
        (720, round(rank(0.81) / 2, 4), "both", "price"),
        (721, round(rank(0.81), 4), "behaviour", "price"),
    ],
)
def test_stated_beats_shown_for_540_days_and_is_half_of_it_to_720(days, score, basis, segment):
    found = judged(**BARGAINS, **said(days, price=1))
    assert found["price_score"] == score
    assert found["segment"] == segment
    assert (
        found["need_basis"] is basis
        or found["need_basis"] == basis
        or (basis is None and pd.isna(found["need_basis"]))
    )


def test_an_old_statement_without_behaviour_stands_alone():
    found = judged(**said(600, price=5))
    assert (found["price_score"], found["need_basis"], found["need_stated_days"]) == (1.0, "stated", 600)
    assert judged(**said(721, price=5))["segment"] == "unknown"


def test_a_lead_of_exactly_the_gap_is_an_order():
    # 1.00 stated against a rank of 90.5/101 = .8960 and of 91.5/101 = .9059
    shown = {"experience_items_365d": 2, **said(price=5)}
    apart, close = judged(experience_share_365d=0.90, **shown), judged(experience_share_365d=0.91, **shown)
    assert (apart["segment"], apart["need_lead"]) == ("price", 0.104)
    assert (close["segment"], close["need_lead"]) == ("mixed", 0.0941)
    wide = need.assign(
        pd.DataFrame([NOBODY | {"customer_id": "c", "orders_w": 0, "experience_share_365d": 0.9} | shown]),
        CUTS,
        Thresholds(mixed_gap=0.104),
    )
    assert wide["segment"].tolist() == ["price"]


def test_the_sub_need_is_what_is_spoken_of_within_the_need():
    spoken = {"function_share_365d": 0.5, "function_items_365d": 2, "function_subtopic": "export"}
    found = judged(**spoken, price_subtopic="sales")
    assert (found["segment"], found["sub_need"]) == ("function", "export")
    assert pd.isna(judged(**spoken, **said(function=4, price=4))["sub_need"])  # mixed


def test_nobody_to_rank_with_flags_nobody_by_rank():
    rows = pd.DataFrame(
        [NOBODY | {"customer_id": "c", "orders_w": 9, "dsi_value": 0.0, "premium_line_share": 1.0}]
    )
    found = need.assign(rows, population.cuts(), Thresholds()).iloc[0]
    assert found["segment"] == "unknown"
