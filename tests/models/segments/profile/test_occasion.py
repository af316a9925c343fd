from dataclasses import replace
from decimal import Decimal

import pandas as pd
import population
import pytest

from models.segments.profile import occasion
from models.thresholds import ThresholdInvalid

DEFAULTS = occasion.Thresholds()
NOBODY = {
    "customer_id": "c",
    "customer_kind": None,
    "orders_w": 5,
    "business_orders_w": None,
    "family_size": None,
    "net_w": Decimal("100.00"),
    "family_net_w": None,
    "age_band": None,
}
COMPANY = {"customer_kind": "company"}
AT_WORK = {"business_orders_w": 3}  # 3 of 5 are 60 %
HOUSEHOLD = {"family_size": 3}
FAMILY_SPEND = {"family_net_w": Decimal("30.00")}
YOUNG = {"age_band": "young"}


def judged(thresholds=DEFAULTS, **told):
    rows = pd.DataFrame([NOBODY | told])
    found = occasion.assign(rows, population.cuts(), thresholds)
    return found["segment"][0], found["reason_code"][0]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, ("unknown", "OC_UNKNOWN")),
        (COMPANY, ("business", "OC_COMPANY")),
        (AT_WORK, ("business", "OC_WORK_TIME")),
        ({"business_orders_w": 2}, ("unknown", "OC_UNKNOWN")),
        ({"business_orders_w": 0, "orders_w": 0}, ("unknown", "OC_UNKNOWN")),
        (HOUSEHOLD, ("family", "OC_HOUSEHOLD")),
        ({"family_size": 2}, ("unknown", "OC_UNKNOWN")),
        (FAMILY_SPEND, ("family", "OC_FAMILY_SPEND")),
        ({"family_net_w": Decimal("29.99")}, ("unknown", "OC_UNKNOWN")),
        ({"family_net_w": Decimal("0.00"), "net_w": Decimal("0.00")}, ("unknown", "OC_UNKNOWN")),
        ({"family_net_w": Decimal("-1.00"), "net_w": Decimal("-5.00")}, ("unknown", "OC_UNKNOWN")),
        (YOUNG, ("young", "OC_YOUNG")),
        ({"age_band": "senior"}, ("unknown", "OC_UNKNOWN")),
        # the first that holds: business, family, young
        (COMPANY | HOUSEHOLD | YOUNG, ("business", "OC_COMPANY")),
        (AT_WORK | HOUSEHOLD | FAMILY_SPEND | YOUNG, ("business", "OC_WORK_TIME")),
        (HOUSEHOLD | FAMILY_SPEND | YOUNG, ("family", "OC_HOUSEHOLD")),
        (FAMILY_SPEND | YOUNG, ("family", "OC_FAMILY_SPEND")),
    ],
)
def test_business_goes_before_family_and_family_before_youth(told, expected):
    assert judged(**told) == expected


def test_the_shares_are_settings():
    strict = replace(DEFAULTS, business_share=0.61, family_spend_share=0.31, family_size=4)
    assert judged(strict, **AT_WORK, **HOUSEHOLD, **FAMILY_SPEND) == ("unknown", "OC_UNKNOWN")
    with pytest.raises(ThresholdInvalid, match="family_spend_share"):
        replace(DEFAULTS, family_spend_share=30)
