import numpy as np

from models.churn import reasons
from models.churn.inputs import GROUPS

NOBODY = np.array([-1])


def chosen(stated=-1, at_risk=True, **shares):
    found = reasons.choose(
        {group: np.array([share]) for group, share in shares.items()},
        np.array([stated]),
        np.array([at_risk]),
        minimum=0.1,
    )
    columns = [
        found[name].astype(object)[0] for name in (*(f"reason_{at}" for at in (1, 2, 3)), "reason_basis")
    ]
    return [value if isinstance(value, str) else None for value in columns]


def test_reasons_stand_by_what_they_add_and_three_are_enough():
    found = chosen(price=0.2, quality=0.4, service=0.3, season=0.1)
    assert found == ["quality", "service", "price", "model"]


def test_a_group_that_adds_too_little_or_takes_away_is_no_reason():
    assert chosen(price=0.09, quality=-2.0, value_drop=0.1) == ["value_drop", None, None, "model"]


def test_what_was_said_comes_first_and_once():
    said = GROUPS.index("service")
    assert chosen(said, price=3.0, service=0.2) == ["service", "price", None, "survey"]
    assert chosen(said, price=3.0, service=-1.0) == ["service", "price", None, "survey"]


def test_risk_without_a_reason_is_unknown_and_no_risk_has_none():
    assert chosen(price=0.0) == ["unknown", None, None, "unknown"]
    assert chosen(at_risk=False, price=0.0) == [None, None, None, None]


def test_of_groups_that_add_the_same_the_first_listed_goes_first():
    assert chosen(season=0.5, price=0.5)[:2] == ["price", "season"]


def test_a_fall_is_said_only_of_what_fell():
    values = {
        "recency_of_typical": np.array([0.5, 2.0, np.nan]),
        "orders_90d_of_usual": np.array([1.5, 1.5, np.nan]),
        "net_90d_of_usual": np.array([1.0, 0.9, np.nan]),
        "net_90d_of_previous": np.array([1.0, 1.2, np.nan]),
        "category_left_share": np.array([0.0, 0.2, np.nan]),
    }
    fell = {group: mask.tolist() for group, mask in reasons.dropped(values).items()}
    assert set(fell) == {"frequency_drop", "value_drop", "category_exit"}
    assert all(each == [False, True, False] for each in fell.values())
