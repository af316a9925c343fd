"""Moves: found row by row, each with the first cause that holds."""

from __future__ import annotations

import random
from datetime import date

import numpy as np
import pandas as pd
import pytest

from models import moves

SINCE = date(2018, 1, 9)  # the earlier day; the later one is told of
SCHEMES = ("color", "size")


def day(rows: dict[str, tuple]) -> pd.DataFrame:
    """Customer → (color, size, net, day of the last act, day something came late)."""
    ids = sorted(rows)
    columns = list(zip(*(rows[each] for each in ids), strict=True)) or [()] * 5
    return pd.DataFrame(
        {
            "customer_id": ids,
            "color": pd.Categorical(columns[0]),
            "size": pd.Categorical(columns[1]),
            "net_w": np.array(columns[2], dtype=float),
            "last_event_on": pd.to_datetime(pd.Series(columns[3], dtype="object")),
            "last_late_on": pd.to_datetime(pd.Series(columns[4], dtype="object")),
        }
    )


def told(found: pd.DataFrame) -> list[tuple]:
    columns = ["customer_id", "scheme", "previous_segment", "segment"]
    plain = found[columns].astype(object).where(found[columns].notna(), None)
    return [tuple(row) for row in plain.to_numpy().tolist()]


def test_only_who_is_elsewhere_has_moved():
    before = day({"a": ("red", "S", 1, None, None), "b": ("red", "S", 2, None, None)})
    today = day({"a": ("red", "S", 1, None, None), "b": ("blue", "S", 3, None, None)})
    found = moves.find(before, today, SCHEMES)
    assert told(found) == [("b", "color", "red", "blue")]
    assert found[["net_w", "previous_net_w", "row"]].to_numpy().tolist() == [[3.0, 2.0, 1.0]]


def test_who_was_not_there_arrives_in_every_scheme_and_who_is_not_there_departs_from_every_one():
    before = day({"b": ("red", "S", 2, None, None), "d": ("red", "M", 2, None, None)})
    today = day({"a": ("blue", "S", 3, None, None), "d": ("red", "M", 2, None, None)})
    assert told(moves.find(before, today, SCHEMES)) == [
        ("a", "color", None, "blue"),
        ("a", "size", None, "S"),
        ("b", "color", "red", None),
        ("b", "size", "S", None),
    ]


@pytest.mark.parametrize("empty", ["before", "today"])
def test_a_day_without_customers_is_a_day(empty):
    someone = day({"a": ("red", "S", 1, None, None)})
    pair = {"before": someone, "today": someone} | {empty: day({})}
    gone = empty == "today"
    assert told(moves.find(pair["before"], pair["today"], SCHEMES)) == [
        ("a", "color", *(("red", None) if gone else (None, "red"))),
        ("a", "size", *(("S", None) if gone else (None, "S"))),
    ]
    assert told(moves.find(day({}), day({}), SCHEMES)) == []


def test_played_on_the_earlier_day_the_moves_give_the_later_one_whatever_the_days_are():
    draw = random.Random(3)

    def drawn() -> dict[str, tuple]:
        people = draw.sample(range(40), draw.randrange(41))
        return {
            f"{each:02}": (draw.choice("rgb"), draw.choice("SML"), draw.randrange(9), None, None)
            for each in people
        }

    for _ in range(200):
        then, now = drawn(), drawn()
        held = {(each, "color"): row[0] for each, row in then.items()}
        held |= {(each, "size"): row[1] for each, row in then.items()}
        found = told(moves.find(day(then), day(now), SCHEMES))
        assert [row[:2] for row in found] == sorted(row[:2] for row in found)
        for customer, scheme, previous, segment in found:
            assert held.pop((customer, scheme), None) == previous
            if segment is not None:
                held[customer, scheme] = segment
        wanted = {(each, "color"): row[0] for each, row in now.items()}
        assert held == wanted | {(each, "size"): row[1] for each, row in now.items()}


def one_move(event=None, late=None, previous="red", segment="blue") -> pd.DataFrame:
    there, here = ("x", "S", 1, None, None), ("x", "S", 1, event, late)
    before = day({"a": (previous, *there[1:])} if previous else {})
    today = day({"a": (segment, *here[1:])} if segment else {})
    found = moves.find(before, today, ("color",))
    assert len(found) == 1
    return found


@pytest.mark.parametrize(
    ("event", "late", "restored", "cause"),
    [
        (None, None, False, "passage_of_time"),
        ("2018-01-08", "2018-01-09", False, "passage_of_time"),  # all of it was known on the earlier day
        ("2018-01-09", None, False, "own_behaviour"),  # as_of itself is not before as_of: it is new
        ("2018-01-08", "2018-01-10", False, "corrected_data"),
        ("2018-01-09", "2018-01-10", False, "own_behaviour"),  # the first that holds
        ("2018-01-09", "2018-01-10", True, "new_cutpoints"),
        (None, None, True, "new_cutpoints"),
    ],
)
def test_the_cause_of_a_move_is_the_first_that_holds(event, late, restored, cause):
    found = moves.cause(one_move(event, late), SINCE, np.array([restored]), rules_differ_otherwise=False)
    assert found.tolist() == [cause]


@pytest.mark.parametrize(
    ("event", "late", "cause"),
    [
        ("2018-01-09", None, "own_behaviour"),
        ("2018-01-01", "2018-01-10", "corrected_data"),
        (None, None, "corrected_data"),  # time brings nobody
    ],
)
def test_an_arrival_is_an_act_or_the_data(event, late, cause):
    rows = one_move(event, late, previous=None)
    assert moves.cause(rows, SINCE, np.array([True]), rules_differ_otherwise=True).tolist() == [cause]


def test_nobody_departs_by_themselves():
    rows = one_move(segment=None)
    assert moves.cause(rows, SINCE, np.array([False]), False).tolist() == ["corrected_data"]


def test_what_other_settings_did_and_nothing_else_explains_is_theirs():
    no = np.array([False])
    assert moves.cause(one_move(), SINCE, no, rules_differ_otherwise=True).tolist() == ["new_cutpoints"]
    acted = one_move("2018-01-09")
    assert moves.cause(acted, SINCE, no, rules_differ_otherwise=True).tolist() == ["own_behaviour"]


def test_every_cause_is_one_of_the_four():
    assert set(moves.CAUSES) == {"own_behaviour", "passage_of_time", "new_cutpoints", "corrected_data"}
