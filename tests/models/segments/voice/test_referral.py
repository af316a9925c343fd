import numpy as np
import population
import pytest

from models import schemes
from models.segments.voice import loyalty, referral, satisfaction

DEFAULTS = referral.Thresholds()
# enough for a loyalty index of 60 (feedback and referral full) and a satisfaction index of 100
FIT = {
    "invites_365d": 0,
    "invites_converted_365d": 0,
    "conversions_365d": 0,
    "conversions_life": 0,
    "constructive_feedback_365d": 3,
    "unresolved_complaints_365d": 0,
    "stated_loyalty": 9.0,
    "brand_hhi": 1.0,
    "csat_score": 1.0,
    "csat_weight": 1.0,
    "nps_last": 9,
}


def judged(**features):
    row = population.customer("c") | FIT | features
    thresholds = referral.Thresholds(loyalty=loyalty.Thresholds(min_coverage=0.4))
    return referral.assign(population.frame(row), population.cuts(), thresholds).iloc[0]


def test_who_is_loyal_satisfied_and_a_promoter_is_a_potential_referrer():
    found = judged()
    # .1 * 1 + .2 * .2 + .15 * 1 + .1 * .9 of .55
    assert found["loyalty_index"] == round(100 * (0.1 + 0.04 + 0.15 + 0.09) / 0.55, 2) == 69.09
    assert (found["segment"], found["reason_code"]) == ("potential_referrer", "REF_PROMOTER")


@pytest.mark.parametrize(
    ("features", "segment", "code"),
    [
        ({"conversions_365d": 1, "conversions_life": 1}, "advocate", "REF_ADVOCATE"),
        ({"nps_last": 8, "stated_loyalty": 10.0, "conversions_life": 1}, "potential_referrer", "REF_PAST"),
        ({"nps_last": 8, "stated_loyalty": 10.0}, "none", "REF_NONE"),
        ({"nps_last": 8, "invites_365d": 1}, "inviter", "REF_INVITER"),
        ({"csat_score": 0.5}, "none", "REF_NONE"),
        ({"constructive_feedback_365d": 0}, "none", "REF_NONE"),
        (
            {"invites_365d": None, "conversions_365d": None, "conversions_life": None, "nps_last": 8},
            "unknown",
            "REF_UNKNOWN",
        ),
    ],
)
def test_each_group_needs_what_it_says(features, segment, code):
    found = judged(**features)
    assert (found["segment"], found["reason_code"]) == (segment, code)


def test_an_advocate_may_be_a_potential_referrer_too():
    assert judged(conversions_365d=1)["is_potential_referrer"]
    assert not judged(conversions_365d=1, csat_score=0.0)["is_potential_referrer"]


def test_the_indices_are_those_of_their_own_schemes():
    crowd = population.crowd(300, seed=5)
    fitted = population.cuts()
    every = schemes.Thresholds()
    found = referral.assign(crowd, fitted, every.referral)
    held = loyalty.assign(crowd, fitted, every.loyalty)
    content = satisfaction.assign(crowd, fitted, every.satisfaction)
    np.testing.assert_array_equal(found["loyalty_index"], held["loyalty_index"])
    np.testing.assert_array_equal(found["satisfaction_index"], content["satisfaction_index"])


def test_conversion_is_of_the_invitations_of_the_year_and_null_without_any():
    assert judged(invites_365d=4, invites_converted_365d=1)["referral_conversion"] == 0.25
    assert np.isnan(judged()["referral_conversion"])


def test_the_value_of_referrals_is_never_additive():
    assert not referral.assign(population.crowd(50), population.cuts(), DEFAULTS)["additive"].any()
