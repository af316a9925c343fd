"""What a churn model learns from: features of past days as they were, and what became of their customers."""

from __future__ import annotations

from datetime import date

import pytest
from small_shop import APRIL_1, MAY_1, Built, FixtureLake, build, sale, shop

from models.churn.inputs import TRAINING

HORIZON = {"churn_horizon_days": 30}
MARCH_15 = ("2017-03-15", "2017-03-15")
NOT_FEATURES = {"is_churned"}


@pytest.fixture(scope="module")
def three_days(tmp_path_factory) -> Built:
    """Two cut-offs and the day being run, of the small shop."""
    lake = shop(tmp_path_factory.mktemp("shop"))
    return build(lake, tmp_path_factory.mktemp("run"), MARCH_15, APRIL_1, MAY_1, **HORIZON)


def features_of(built: Built, day: str) -> list[dict]:
    """The training rows of one day without their label."""
    rows = [row for row in built.records("churn_training") if str(row["as_of"]) == day]
    return [{name: value for name, value in row.items() if name not in NOT_FEATURES} for row in rows]


def test_a_training_row_is_the_customers_features_of_that_day(three_days):
    trained = three_days.records("churn_training")
    of_the_day = {(row["customer_id"], row["as_of"]): row for row in three_days.records("customer_features")}

    shared = set(trained[0]) - NOT_FEATURES
    bought = {key for key, row in of_the_day.items() if row["orders_life"] > 0}
    assert shared <= set(next(iter(of_the_day.values())))
    assert shared == {*TRAINING, "as_of", "known_on"}  # neither more nor less than the model asks for
    assert {(row["customer_id"], row["as_of"]) for row in trained} == bought
    for row in trained:
        features = of_the_day[row["customer_id"], row["as_of"]]
        assert {name: row[name] for name in shared} == {name: features[name] for name in shared}


def test_types_are_those_of_customer_features(three_days):
    features, trained = three_days.types("customer_features"), three_days.types("churn_training")

    assert {name: kind for name, kind in trained.items() if name not in NOT_FEATURES} == {
        name: features[name] for name in trained if name not in NOT_FEATURES
    }


def test_an_order_delivered_late_is_in_the_label_and_not_in_an_earlier_cut_offs_features(three_days):
    # household 1: basket 106 was sold on 20 March and delivered on 5 April
    columns = "as_of, orders_life, recency_days, is_churned"

    assert three_days.rows("churn_training", columns, "customer_id = '1'") == [
        (date(2017, 3, 15), 3, 4, False),  # bought again on the 20th, as is known by now
        (date(2017, 4, 1), 3, 21, True),  # nothing from 1 to 30 April; the basket is not there yet
        (date(2017, 5, 1), 4, 42, None),  # its horizon is open
    ]


def test_history_handed_over_counts_as_known_when_it_happened(tmp_path):
    lake = FixtureLake(tmp_path / "lake", "complete_journey")
    lake.deliver("purchases", "2017-04-20", [sale(1, 7, 1, "5.00", "2017-03-01 15:00:00")], "a")

    built = build(lake, tmp_path / "run", ("2017-03-15", "2017-04-20"), MAY_1, **HORIZON)

    columns = "as_of, known_on, orders_life, is_churned"
    assert built.rows("churn_training", columns) == [
        (date(2017, 3, 15), date(2017, 4, 20), 1, True),
        (date(2017, 5, 1), date(2017, 5, 1), 1, None),
    ]


def test_a_purchase_in_the_label_window_changes_the_label_and_no_feature(three_days, tmp_path):
    lake = shop(tmp_path / "lake")
    bought = [sale(201, 7, 1, "50.00", "2017-04-01 15:00:00")]
    lake.deliver("purchases", "2017-05-01", bought, "late")

    again = build(lake, tmp_path / "run", MARCH_15, APRIL_1, MAY_1, **HORIZON)

    for cutoff in ("2017-03-15", "2017-04-01"):
        assert features_of(again, cutoff) == features_of(three_days, cutoff)
    assert again.rows("churn_training", "is_churned", "as_of = '2017-04-01' and customer_id = '1'") == [
        (False,)
    ]
    assert features_of(again, "2017-05-01") != features_of(three_days, "2017-05-01")


def test_rows_stand_by_day_and_customer(three_days):
    keys = [(row["as_of"], row["customer_id"]) for row in three_days.records("churn_training")]

    assert keys == sorted(set(keys))
