from datetime import date
from itertools import pairwise

import drawn
import numpy as np
import pandas as pd
import pytest

from models.churn import folds, probability, training
from models.churn.probability import ChurnModel, Thresholds
from models.thresholds import ThresholdInvalid

DEFAULTS = Thresholds()


def test_cutoffs_of_a_young_shop_stand_a_month_apart_and_have_history_before_them():
    found = probability.cutoffs(date(2011, 12, 10), date(2010, 12, 1), DEFAULTS)
    assert found[0] == date(2011, 1, 14)  # of 15 December only two weeks are before it
    assert found[-1] == date(2011, 9, 11)
    assert {(late - early).days for early, late in pairwise(found)} == {30}


def test_cutoffs_of_an_old_shop_stand_a_horizon_apart_as_far_as_they_reach():
    found = probability.cutoffs(date(2020, 1, 1), date(2015, 1, 1), DEFAULTS)
    assert [(date(2020, 1, 1) - day).days for day in found] == [540, 450, 360, 270, 180, 90]


def test_a_shop_younger_than_a_horizon_has_no_cutoff():
    assert probability.cutoffs(date(2020, 3, 1), date(2020, 1, 1), DEFAULTS) == ()


def test_a_model_of_unknown_fields_is_refused():
    with pytest.raises(probability.ChurnModelUnreadable, match="train it again"):
        ChurnModel.from_json('{"decision": "publish"}')


# --- scoring -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model():
    days = probability.cutoffs(drawn.AS_OF, drawn.FIRST, DEFAULTS)
    few = Thresholds(bootstrap_rounds=10, runs=1)
    found = training.train(drawn.past(days, 1_500), drawn.AS_OF, drawn.FIRST, "as_then", few)
    return found.with_decision("publish")


def scored(features, model, laws=None):
    return probability.score(features, laws or folds.laws_of(features, DEFAULTS), model, DEFAULTS)


def test_only_who_can_still_be_lost_has_a_probability(model):
    features = drawn.draw(1_000, 5)
    found = scored(features, model)
    assert found["churn_probability"].notna().eq(found["is_eligible"]).all()
    assert 0 < found["is_eligible"].sum() < 1_000
    assert not found.loc[features["orders_w"] == 0, "is_eligible"].any()
    assert list(found.columns) == ["customer_id", *probability.COLUMNS]


def test_a_customer_is_scored_alone(model):
    features = drawn.draw(60, 5)
    laws = folds.laws_of(drawn.draw(1_000, 5), DEFAULTS)
    together = scored(features, model, laws)
    alone = pd.concat([scored(features.iloc[[at]], model, laws) for at in range(60)])
    assert together["churn_probability"].tolist() == pytest.approx(
        alone["churn_probability"].tolist(), nan_ok=True, abs=0
    )
    for place in ("reason_1", "reason_2", "reason_3"):
        assert (
            together[place].astype(object).fillna("").tolist()
            == alone[place].astype(object).fillna("").tolist()
        )


def test_rows_in_another_order_score_the_same(model):
    features = drawn.draw(500, 5)
    laws = folds.laws_of(features, DEFAULTS)
    shuffled = scored(features.sample(frac=1, random_state=1), model, laws).sort_index()
    assert shuffled["churn_probability"].equals(scored(features, model, laws)["churn_probability"])


@pytest.mark.parametrize("decision", ["rule", "hold"])
def test_a_model_that_is_not_published_shows_no_probability(model, decision):
    found = scored(drawn.draw(300, 5), model.with_decision(decision))
    assert found["churn_probability"].isna().all()
    assert found["churn_band"].isna().all()
    assert found["reason_1"].isna().all()
    assert found["is_eligible"].any()


@pytest.mark.parametrize("cut", [0.1, 0.66])
def test_whoever_is_at_risk_by_level_band_or_cut_has_a_reason_be_it_unknown(model, cut):
    features = drawn.draw(1_000, 5)
    laws, mute = folds.laws_of(features, DEFAULTS), Thresholds(min_share=1_000)
    _, level = folds.eligible(features, laws, DEFAULTS)
    found = probability.score(features, laws, model.with_cut(cut, "profit"), mute)
    at_risk = found["is_eligible"] & ((found["churn_probability"] >= min(cut, 0.33)) | (level >= 2))
    assert (found["reason_1"] == "unknown").eq(at_risk).all()


def test_a_survey_answer_goes_before_the_model_and_is_shown_without_one(model):
    features = drawn.draw(300, 5)
    features["stop_reason_stated"] = "after_sales"
    features["stop_reason_stated_days"] = np.where(np.arange(300) % 2, 720, 721)
    for each in (model, model.with_decision("rule")):
        found = scored(features, each)
        said = found[found["is_eligible"] & (found.index % 2 == 1)]
        assert said["reason_1"].eq("service").all()
        assert said["reason_basis"].eq("survey").all()
        assert not found.loc[found.index % 2 == 0, "reason_basis"].eq("survey").any()


def test_a_band_holds_its_lower_limit():
    p = np.array([0.0, 0.329999, 0.33, 0.659999, 0.66, 1.0, np.nan])
    assert probability.band_labels(p, DEFAULTS).tolist()[:6] == ["low", "low", "mid", "mid", "high", "high"]
    assert probability.bands(p, DEFAULTS).tolist() == [0, 0, 1, 1, 2, 2, -1]


def test_a_probability_is_never_certain_so_a_cut_of_one_flags_nobody(model):
    found = model.calibrated(np.array([-1e6, 0.0, 1e6]))
    assert found[0] == 1e-6
    assert found[2] == 1 - 1e-6


# --- the cut -----------------------------------------------------------------------------------------------


def test_the_cut_is_where_profit_is_greatest():
    p, clv = np.array([0.9, 0.6, 0.6, 0.2]), np.array([100.0, 50.0, 10.0, 30.0])
    paying = Thresholds(save_rate=0.2, contact_cost=3.0)
    # .9: 18 - 3 = 15; both at .6: 6 - 3 and 1.2 - 3, together 1.2; .2: 1.2 - 3
    assert probability.profit_cut(p, clv, paying) == (0.6, "profit", pytest.approx(16.2))


def test_where_no_contact_pays_nobody_is_flagged_and_without_costs_the_default_stands():
    p, clv = np.array([0.9, 0.5]), np.array([10.0, 10.0])
    assert probability.profit_cut(p, clv, Thresholds(save_rate=0.1, contact_cost=5.0))[:2] == (1.0, "profit")
    assert probability.profit_cut(p, clv, DEFAULTS)[:2] == (0.66, "default")


def test_a_profit_needs_the_rate_and_the_cost():
    with pytest.raises(ThresholdInvalid, match="contact_cost"):
        Thresholds(save_rate=0.1)
