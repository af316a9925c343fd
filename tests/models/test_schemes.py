from dataclasses import fields, is_dataclass, replace

import pandas as pd
import pytest

from models import schemes, units
from models.churn import levels
from models.schemes import SCHEMES, Thresholds
from models.thresholds import ThresholdInvalid

DEFAULTS = Thresholds()
EVERY_SCHEME = pytest.mark.parametrize("scheme", SCHEMES)


def assigned(scheme, rows, cuts):
    return SCHEMES[scheme].assign(rows, cuts, getattr(DEFAULTS, scheme))


@EVERY_SCHEME
def test_everybody_is_in_one_known_group_in_the_order_they_came(scheme, crowd, fitted):
    found = assigned(scheme, crowd, fitted)
    assert found["customer_id"].tolist() == crowd["customer_id"].tolist()
    assert found[["segment", "reason_code", "reason_params"]].notna().all(axis=None)
    assert set(found["segment"]) <= set(SCHEMES[scheme].GROUPS)


@EVERY_SCHEME
def test_a_customer_is_scored_alone_as_in_a_crowd(scheme, crowd, fitted):
    together = assigned(scheme, crowd, fitted)
    for place in range(0, len(crowd), 20):
        alone = assigned(scheme, crowd.iloc[[place]], fitted)
        pd.testing.assert_frame_equal(alone, together.iloc[[place]])


@EVERY_SCHEME
def test_scoring_leaves_the_features_as_they_were(scheme, crowd, fitted):
    before = crowd.copy(deep=True)
    assigned(scheme, crowd, fitted)
    pd.testing.assert_frame_equal(crowd, before)


@EVERY_SCHEME
def test_a_scheme_reads_the_features_it_declares_and_no_others(scheme, crowd, fitted):
    declared = list(SCHEMES[scheme].FEATURES)
    pd.testing.assert_frame_equal(assigned(scheme, crowd[declared], fitted), assigned(scheme, crowd, fitted))
    for column in declared:
        with pytest.raises(units.FeatureMissing, match=column):
            assigned(scheme, crowd[declared].drop(columns=column), fitted)


@EVERY_SCHEME
def test_no_customers_give_no_rows_with_the_same_columns(scheme, crowd, fitted):
    none = assigned(scheme, crowd.iloc[:0], fitted)
    assert len(none) == 0
    assert list(none.columns) == list(assigned(scheme, crowd, fitted).columns)


@EVERY_SCHEME
def test_reasons_are_few(scheme, crowd, fitted):
    found = assigned(scheme, crowd, fitted)
    assert found["reason_params"].cat.categories.size <= 131
    assert found["reason_params"].nunique() <= 131


def test_the_stages_and_the_levels_agree_on_who_is_churned(crowd, fitted):
    strict = Thresholds(churn_level=levels.Thresholds(churned_floor_days=40, churned_ratio=1))
    level = SCHEMES["churn_level"].assign(crowd, fitted, strict.churn_level)["segment"].astype(str)
    stage = SCHEMES["lifecycle"].assign(crowd, fitted, strict.lifecycle)
    assert (stage["churn_level"].astype(object).fillna("no_order") == level).all()
    assert (level != assigned("churn_level", crowd, fitted)["segment"].astype(str)).any()


@pytest.mark.parametrize("part", [part.name for part in fields(Thresholds)])
def test_every_threshold_has_a_unit_and_a_reason(part):
    for number in fields(getattr(DEFAULTS, part)):
        if not is_dataclass(getattr(getattr(DEFAULTS, part), number.name)):
            assert number.metadata["unit"]
            assert number.metadata["reason"]


@pytest.mark.parametrize(
    ("scheme", "name", "value"),
    [
        ("rfm", "mode", "deciles"),
        ("rfm", "high_score", 6),
        ("rfm", "high_score", 3.5),
        ("rfm", "fixed_recency_days", [30, 90, 90, 365]),
        ("rfm", "fixed_recency_days", [30, 90, 180]),
        ("rfm", "fixed_net", [0.001, 1, 2, 3]),
        ("rfm", "fixed_orders", [3, 6, "12"]),
        ("purchase_group", "mode", "kmeans"),
        ("purchase_group", "t2_share", 80),
        ("purchase_group", "t2_floor_days", 0),
        ("purchase_group", "fixed_orders", [6, 3, 12]),
        ("value_tier", "a_share", 0.96),
        ("value_tier", "b_share", 1.1),
        ("value_tier", "min_cost_coverage", True),
        ("lifecycle", "shrinkage", 0),
        ("lifecycle", "growing_ratio", 0.9),
        ("lifecycle", "mature_orders", 1),
        ("lifecycle", "declining_ratio", float("nan")),
        ("churn_level", "q75_cap_days", 13),
        ("churn_level", "q95_ratio", 1.4),
        ("churn_level", "calendar_days", [40, 90, 80, 180]),
        ("churn_level", "risk_levels", ["L2", "L9"]),
        ("minimum_data", "three_order_share", 2),
        ("minimum_data", "buyers", None),
    ],
)
def test_a_value_without_sense_is_refused_by_its_name(scheme, name, value):
    with pytest.raises(ThresholdInvalid, match=rf"Thresholds\.{name} is .*; wanted "):
        replace(getattr(DEFAULTS, scheme), **{name: value})


def test_the_stages_judge_by_the_thresholds_of_the_levels():
    found = Thresholds(churn_level=levels.Thresholds(shrinkage=5))
    assert found.lifecycle.levels.shrinkage == found.churn_level.shrinkage == 5
    assert found.satisfaction.lifecycle == found.lifecycle
    assert found.referral.satisfaction == found.satisfaction


def test_every_scheme_has_its_thresholds():
    assert [part.name for part in fields(schemes.Thresholds)] == [
        *SCHEMES,
        "minimum_data",
        "sentiment",
        "churn",
        "customer_value",
    ]


@pytest.mark.parametrize("scheme", [name for name, module in SCHEMES.items() if hasattr(module, "segments")])
def test_segments_alone_are_those_of_the_scores(scheme, crowd, fitted):
    module, own = SCHEMES[scheme], getattr(DEFAULTS, scheme)
    judged = module.assign(crowd, fitted, own)["segment"].astype(str)
    alone = module.segments(crowd, fitted, own)
    assert [module.GROUPS[place] for place in alone] == judged.tolist()
    assert len(set(alone.tolist())) > 2
