from datetime import date
from itertools import pairwise

import pytest

from models.churn import probability
from models.churn.probability import ChurnModel, Thresholds

DEFAULTS = Thresholds()


def test_cutoffs_of_a_young_shop_stand_a_month_apart_and_have_history_before_them():
    found = probability.cutoffs(date(2011, 12, 10), date(2010, 12, 1), DEFAULTS)
    assert found[0] == date(2011, 2, 13)  # 14 January has 44 days before it
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
