from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from models import units


def one(values, dtype=None):
    return pd.DataFrame({"x": pd.Series(values, dtype=dtype)})


@pytest.mark.parametrize(
    "frame",
    [
        one([Decimal("0.29"), Decimal("-98765432101.10")], object),
        one([0.29, -98765432101.10], "float64"),
        one(pd.array([0.29, -98765432101.10], dtype="Float64")),
    ],
    ids=["decimals", "doubles", "nullable doubles"],
)
def test_money_is_the_same_cents_however_it_arrives(frame):
    assert units.cents(frame, "x").tolist() == [29, -9876543210110]


@pytest.mark.parametrize(
    "frame",
    [
        one([2**60 + 1, None], object),
        one(pd.array([2**60 + 1, None], dtype="Int64")),
        one([Decimal(2**60 + 1), None], object),
    ],
    ids=["objects", "nullable", "decimals"],
)
def test_large_whole_numbers_keep_their_last_digit_beside_a_null(frame):
    assert units.whole(frame, "x", missing=-1).tolist() == [2**60 + 1, -1]


def test_a_column_without_any_value_is_all_missing():
    assert units.whole(one([None, None], object), "x", missing=0).tolist() == [0, 0]


def test_a_null_is_refused_where_a_number_is_needed():
    with pytest.raises(units.FeatureUnknown, match="x is null for 1 of 2 customers"):
        units.whole(one([1.0, np.nan]), "x")
    with pytest.raises(units.FeatureUnknown, match="x is null for 1 of 2 customers"):
        units.cents(one([1.0, np.nan]), "x")
    with pytest.raises(units.FeatureUnknown, match="x is null or negative for 1 of 2"):
        units.days_where(one([np.nan, 3.0]), "x", np.array([True, True]))


def test_a_missing_column_is_named_with_who_reads_it():
    with pytest.raises(units.FeatureMissing, match=r"rfm reads \['y'\]"):
        units.require(one([1]), ("x", "y"), "rfm")
