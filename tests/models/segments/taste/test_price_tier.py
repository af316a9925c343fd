from dataclasses import replace

import pandas as pd
import population
import pytest

from models.segments.taste import price_tier
from models.thresholds import ThresholdInvalid

DEFAULTS = price_tier.Thresholds()
CUTS = {"customers": 100, "mean": 1.0, "sd": 0.25, "cheaper_below": 0.75, "expensive_above": 1.25}


def judged(*cells, fitted=CUTS):
    columns = list(price_tier.FEATURES)
    rows = pd.DataFrame([("c", *each) for each in cells], columns=columns, dtype=object)
    return price_tier.assign(rows, population.cuts(fitted={"price_tier": fitted}), DEFAULTS)


@pytest.mark.parametrize(
    ("level", "stated", "segment", "basis"),
    [
        (1.2501, None, "premium", "price"),
        (1.25, None, "mid", "price"),
        (0.75, None, "mid", "price"),
        (0.7499, None, "budget", "price"),
        (0.7499, "limited", "budget", "both"),
        (0.7499, "enough", "budget", "price"),
        (1.0, "limited", "budget", "stated"),
        (1.0, "enough", "mid", "price"),
        (1.2501, "limited", "premium", "price"),  # money speaks louder than the answer
        (None, "limited", "budget", "stated"),
        (None, "enough", "unknown", None),
        (None, None, "unknown", None),
    ],
)
def test_the_price_level_decides_and_then_what_was_said_of_the_budget(level, stated, segment, basis):
    found = judged((level, stated))
    assert found["segment"].tolist() == [segment]
    assert [None if pd.isna(each) else each for each in found["price_tier_basis"]] == [basis]


def test_with_nobody_to_compare_with_only_what_was_said_counts():
    cells = (9.0, None), (0.1, "enough"), (1.0, "limited"), (None, None)
    found = judged(*cells, fitted={"cheaper_below": None})
    assert found["segment"].tolist() == ["unknown", "unknown", "budget", "unknown"]


def levels(*values, orders=1, **settings):
    rows = pd.DataFrame({"orders_life": orders, "price_level": list(values)})
    return price_tier.fit(rows, replace(DEFAULTS, **settings))


def test_the_cuts_are_one_standard_deviation_from_the_mean_of_buyers_with_a_level():
    found = levels(*[0.5, 1.5] * 15, None)
    assert found == {"customers": 30, "mean": 1.0, "sd": 0.5, "cheaper_below": 0.5, "expensive_above": 1.5}
    assert levels(*[1.5, 0.5] * 15) == found
    assert levels(*[0.5, 1.5] * 14, 1.0)["mean"] is None  # 29
    assert levels(*[0.5, 1.5] * 15, orders=0)["customers"] == 0


def test_on_the_logarithmic_scale_half_the_price_is_as_far_as_twice_the_price():
    found = levels(*[0.5, 2.0] * 15, scale="log")
    assert found == {"customers": 30, "mean": 1.0, "sd": 0.6931, "cheaper_below": 0.5, "expensive_above": 2.0}
    with pytest.raises(ThresholdInvalid, match="scale"):
        replace(DEFAULTS, scale="cubic")


def test_a_few_who_buy_very_dear_things_leave_nobody_cheap_but_on_the_logarithmic_scale():
    crowd = [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 10.0] * 3
    assert levels(*crowd)["cheaper_below"] < 0
    assert 0.5 < levels(*crowd, scale="log")["cheaper_below"] < 1.0
