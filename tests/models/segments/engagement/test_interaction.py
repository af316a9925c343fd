from types import MappingProxyType

import population
import pytest
from population import customer, frame

from models.segments.engagement import interaction

# Ten customers: p(0) = .20, p(1) = .45, p(2) = .60, p(5) = .80, p(9) = .95
REFERENCE = MappingProxyType({"attention_points_90d": (0, 0, 0, 0, 1, 2, 2, 5, 5, 9)})
CUTS = population.cuts(reference_quantiles=REFERENCE)


def judged(points, cuts=CUTS, **features):
    row = customer("c", attention_points_90d=points, **features)
    return interaction.assign(frame(row), cuts, interaction.Thresholds()).iloc[0]


@pytest.mark.parametrize(
    ("points", "score", "expected"),
    [
        (0, 20.0, "none"),
        (1, 45.0, "low"),
        (2, 60.0, "middle"),
        (4, 70.0, "middle"),
        (5, 80.0, "high"),
        (99, 100.0, "high"),
    ],
)
def test_the_band_is_the_rank_among_customers_with_an_order(points, score, expected):
    found = judged(points)
    assert (found["segment"], found["attention_score"]) == (expected, score)


def test_a_band_is_told_in_points():
    assert judged(4)["reason_params"] == (
        '{"high_from": 5, "high_percent": 80.0, "middle_from": 2, "middle_percent": 50.0}'
    )


def test_without_points_or_without_anybody_to_rank_against_attention_is_unknown():
    assert judged(None)["segment"] == "unknown"
    alone = judged(7, population.cuts())
    assert (alone["segment"], alone["reason_code"]) == ("unknown", "INT_NO_REFERENCE")
    assert judged(0, population.cuts())["segment"] == "none"


@pytest.mark.parametrize(
    ("opens", "visits", "basis"),
    [(1, 1, "messages_and_visits"), (0, None, "messages"), (None, 0, "visits")],
)
def test_the_basis_says_which_extracts_the_points_rest_on(opens, visits, basis):
    assert judged(1, opens_90d=opens, visits_90d=visits)["attention_basis"] == basis
