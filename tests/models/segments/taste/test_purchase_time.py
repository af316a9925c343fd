import pandas as pd
import population
import pytest

from models.segments.taste import purchase_time


def judged(*shares):
    columns = list(purchase_time.FEATURES)
    rows = pd.DataFrame([("c", *each) for each in shares], columns=columns, dtype=object)
    return purchase_time.assign(rows, population.cuts(), purchase_time.Thresholds())


@pytest.mark.parametrize(
    ("shares", "segment", "most"),
    [
        ((0.6, 0.2, 0.2, 0.0), "morning", 0.6),
        ((0.0, 1.0, 0.0, 0.0), "noon", 1.0),
        ((0.25, 0.0, 0.5, 0.25), "evening", 0.5),
        ((0.2, 0.0, 0.0, 0.8), "night", 0.8),
        ((0.5, 0.0, 0.5, 0.0), "mixed", 0.5),  # two lead together
        ((0.4, 0.2, 0.2, 0.2), "mixed", 0.4),
        ((0.25, 0.25, 0.25, 0.25), "mixed", 0.25),
    ],
)
def test_a_part_of_the_day_is_preferred_with_half_of_the_orders_and_alone(shares, segment, most):
    found = judged(shares)
    assert (found["segment"][0], found["preferred_time_share"][0]) == (segment, most)


def test_without_a_time_of_day_it_is_unknown_and_not_night():
    found = judged((None,) * 4, (0.0, 0.0, 0.0, 1.0))
    assert found["segment"].tolist() == ["unknown", "night"]
    assert found["preferred_time_share"].isna().tolist() == [True, False]
