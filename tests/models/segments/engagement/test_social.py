from types import MappingProxyType

import population
import pytest
from population import customer, frame

from models.segments.engagement import social

# Ten customers: p(0) = .40, p(2.5) = .85, p(30) = .95; anything between 2.5 and 30 has .90
REFERENCE = MappingProxyType({"influence_points_365d": (0.0,) * 8 + (2.5, 30.0)})
CUTS = population.cuts(reference_quantiles=REFERENCE)


def judged(shares, comments, likes, reach, points, cuts=CUTS):
    row = customer(
        "c",
        shares_365d=shares,
        comments_365d=comments,
        likes_365d=likes,
        reach_365d=reach,
        influence_points_365d=points,
    )
    return social.assign(frame(row), cuts, social.Thresholds()).iloc[0]


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ((None, None, None, None, None), "unknown"),
        ((0, 0, 0, 0, 0.0), "none"),
        ((1, 0, 0, 1000, 2.5001), "influencer"),
        ((1, 0, 0, 1000, 2.5), "active"),
        ((1, 0, 0, 999, 30.0), "active"),
        ((0, 0, 9, 5000, 30.0), "influencer"),
        ((0, 0, 9, 10, 1.0), "passive"),
        ((0, 1, 0, 9000, None), "active"),
        ((0, 5, 0, 90_000, -40.0), "active"),
    ],
)
def test_an_influencer_ranks_high_and_is_heard_by_many(acts, expected):
    assert judged(*acts)["segment"] == expected


def test_the_rank_is_told_in_points_of_four_decimals():
    found = judged(1, 0, 0, 1000, 2.5001)
    assert found["influence_score"] == 90.0
    assert found["reason_params"] == '{"percent": 90.0, "points_from": 2.5001, "reach_from": 1000}'


def test_acts_that_tell_no_reach_have_no_score_and_still_count_as_acts():
    found = judged(2, 0, 0, 0, None)
    assert found["segment"] == "active"
    assert found["influence_score"] != found["influence_score"]


def test_where_nobody_is_there_to_rank_against_nobody_is_an_influencer():
    assert judged(9, 9, 9, 90_000, 99.0, population.cuts())["segment"] == "active"
