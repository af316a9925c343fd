import pandas as pd
import population
import pytest
from population import customer, frame

from models import schemes
from models.churn import levels
from models.segments.engagement import silent

REACHED = {"interactions_90d": 0, "consent_marketing": True, "has_valid_contact": True}
CUTS = population.cuts(gap_law=None, second_order_law=None)  # the calendar: 40, 90, 135, 180 days


def judged(*orders, **features):
    row = customer("c", *orders, **(REACHED | features))
    return silent.assign(frame(row), CUTS, silent.Thresholds()).iloc[0]


@pytest.mark.parametrize(
    ("recency", "level", "kind"),
    [
        (40, "L0", "silent_buyer"),
        (90, "L1", "silent_buyer"),
        (91, "L2", "silent_fading"),
        (180, "L3", "silent_fading"),
        (181, "L4", "silent_lost"),
    ],
)
def test_the_kind_of_silence_is_the_churn_level(recency, level, kind):
    found = judged((recency, 9.0))
    assert (found["segment"], found["silent_kind"], found["churn_level"]) == (kind, kind, level)
    assert found["silent_flag"]


@pytest.mark.parametrize(
    ("features", "segment", "code", "flag"),
    [
        ({"interactions_90d": None}, "unknown", "SIL_UNKNOWN", None),
        ({"interactions_90d": 1, "consent_marketing": False}, "engaged", "SIL_ENGAGED", False),
        ({"consent_marketing": False}, "unreachable", "SIL_NO_CONSENT", False),
        ({"consent_marketing": False, "has_valid_contact": None}, "unreachable", "SIL_NO_CONSENT", False),
        ({"has_valid_contact": False}, "unreachable", "SIL_NO_CONTACT", False),
        ({"consent_marketing": None, "has_valid_contact": False}, "unreachable", "SIL_NO_CONTACT", False),
        ({"consent_marketing": None}, "unknown", "SIL_REACH_UNKNOWN", None),
        ({"has_valid_contact": None}, "unknown", "SIL_REACH_UNKNOWN", None),
    ],
)
def test_only_who_can_be_reached_is_silent(features, segment, code, flag):
    found = judged((10, 9.0), **features)
    assert (found["segment"], found["reason_code"]) == (segment, code)
    assert (None if pd.isna(found["silent_flag"]) else bool(found["silent_flag"])) is flag
    assert found["silent_kind"] != found["silent_kind"]


def test_a_prospect_without_a_sign_is_silent_of_no_kind():
    found = judged()
    assert (found["segment"], bool(found["silent_flag"])) == ("silent_prospect", True)
    assert found["silent_kind"] != found["silent_kind"]
    assert found["churn_level"] != found["churn_level"]


def test_silence_judges_by_the_thresholds_of_the_levels():
    found = schemes.Thresholds(churn_level=levels.Thresholds(shrinkage=5))
    assert found.silent.levels.shrinkage == 5
