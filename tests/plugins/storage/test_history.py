"""History: pure pieces of days and of pairs of days, the same in whatever order they come."""

from __future__ import annotations

import itertools
import random
from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest

from storage import history, lake
from storage.history import Remembered
from storage.lake import Day

SCHEMES = ("color", "size")


def january(day: int) -> date:
    return date(2018, 1, day)


def segments(path, rows: dict[str, tuple[str, str]], schemes=SCHEMES) -> None:
    frame = pd.DataFrame(
        {
            "customer_id": pd.Series(sorted(rows), dtype="str"),
            "net_w": [1.0 for _ in rows],
            "last_event_on": pd.Series([pd.NaT for _ in rows], dtype="datetime64[us]"),
            "last_late_on": pd.Series([pd.NaT for _ in rows], dtype="datetime64[us]"),
        }
    )
    for place, scheme in enumerate(schemes):
        frame[scheme] = pd.Series([rows[each][place] for each in sorted(rows)], dtype="str")
    columns = history.SEGMENTS | dict.fromkeys(schemes, "varchar")
    lake.write_parquet(path, [frame], columns, key="customer_id")


def remembered(day: int, key: str = "a", schemes=SCHEMES, **rules) -> Remembered:
    return Remembered(january(day), key, tuple(schemes), ("shop",), rules, "settings")


def test_a_remembered_day_is_read_back_as_it_was():
    day = remembered(3, thresholds={"color": {"cut": 1}})
    assert Remembered.from_json(day.to_json()) == day


def test_segments_of_all_schemes_lie_side_by_side_however_the_files_were_cut(tmp_path, monkeypatch):
    day = Day.of(january(3))
    ids = [f"{each:03}" for each in range(50)]
    features = pd.DataFrame({"customer_id": ids, "net_w": 2.5}).astype({"customer_id": "str"})
    features["last_event_on"] = features["last_late_on"] = pd.Timestamp("2018-01-02")
    lake.write_parquet(lake.features_path(tmp_path, day), [features], history.SEGMENTS, key="customer_id")
    for scheme in SCHEMES:
        scored = features[["customer_id"]].assign(segment=[f"{scheme}{each}" for each in ids])
        scored = scored.assign(reason_code="R", reason_params="{}").astype("str")
        lake.write_scores(tmp_path, scheme, day, "v", [scored], columns={})
    keys = set()
    for rows in (7, 50, 1000):
        monkeypatch.setattr(history.slices, "__defaults__", (rows, ()))
        keys.add(history.write_segments(tmp_path, day, SCHEMES, tmp_path / "segments.parquet"))
    assert len(keys) == 1
    found = pq.read_table(tmp_path / "segments.parquet").to_pylist()
    assert [(row["customer_id"], row["color"], row["size"]) for row in found] == [
        (each, f"color{each}", f"size{each}") for each in ids
    ]


@pytest.mark.parametrize("other", [["000", "002"], ["000"]])
def test_scores_of_other_customers_are_not_put_beside(tmp_path, other):
    day = Day.of(january(3))
    features = pd.DataFrame({"customer_id": ["000", "001"], "net_w": 1.0}).astype({"customer_id": "str"})
    features["last_event_on"] = features["last_late_on"] = pd.Timestamp("2018-01-02")
    lake.write_parquet(lake.features_path(tmp_path, day), [features], history.SEGMENTS)
    scored = pd.DataFrame({"customer_id": other, "segment": "x", "reason_code": "R", "reason_params": "{}"})
    lake.write_scores(tmp_path, "color", day, "v", [scored.astype("str")], columns={})
    with pytest.raises(history.SegmentsDiffer, match="color"):
        history.write_segments(tmp_path, day, ("color",), tmp_path / "segments.parquet")


def test_two_days_are_read_side_by_side_each_customer_once(tmp_path, monkeypatch):
    draw = random.Random(1)
    for rows in (1, 2, 3, 5, 100):
        monkeypatch.setattr(history.slices, "__defaults__", (rows, ()))
        for _ in range(15):
            then, now = (
                {f"{each:02}": ("red", "S") for each in draw.sample(range(30), draw.randrange(12))}
                for _ in range(2)
            )
            segments(tmp_path / "then", then)
            segments(tmp_path / "now", now)
            pairs = list(history.read_aligned(tmp_path / "then", tmp_path / "now", SCHEMES))
            before = [each for pair in pairs for each in pair[0]["customer_id"]]
            today = [each for pair in pairs for each in pair[1]["customer_id"]]
            assert (before, today) == (sorted(then), sorted(now))
            for pair in pairs[:-1]:  # nobody is looked for in the wrong slice
                if len(pair[0]) and len(pair[1]):
                    assert max(pair[0]["customer_id"]) <= max(pair[1]["customer_id"])
                assert not set(pair[0]["customer_id"]) & {
                    each for other in pairs if other is not pair for each in other[1]["customer_id"]
                }


def chain_of(*days: Remembered) -> dict[date, Remembered]:
    return {each.as_of: each for each in sorted(days, key=lambda each: each.as_of)}


class TestTheChain:
    def test_the_day_before_is_the_last_one_that_has_the_scheme(self):
        first, middle, last = remembered(1), remembered(2, schemes=("color",)), remembered(5)
        before = history.previous(chain_of(first, middle, last), last)
        assert before == {"color": middle, "size": first}
        assert history.previous(chain_of(first, last), first) == {"color": None, "size": None}

    def test_moves_are_made_anew_when_what_they_were_made_from_is_another(self, tmp_path):
        def name(*days):
            return history.moves_path(tmp_path, chain_of(*days), days[-1]).name

        first, last = remembered(1), remembered(5)
        names = [
            name(first, last),
            name(last),
            name(first, remembered(3), last),
            name(remembered(1, "other"), last),
            name(remembered(1, cut=2), last),
            name(first, remembered(5, "other")),
            name(first, remembered(5, cut=2)),
        ]
        assert len(set(names)) == len(names)
        assert name(remembered(0 + 1), remembered(1 + 4)) == names[0]
        assert (
            name(first, last) == history.moves_path(tmp_path, chain_of(first, last, remembered(7)), last).name
        )

    def test_in_whatever_order_days_come_the_same_files_are_left(self, tmp_path):
        days = [remembered(each, f"key{each}") for each in (1, 2, 4)]
        left = set()
        for number, order in enumerate(itertools.permutations(days)):
            root = tmp_path / str(number)
            for day in order:
                segments(root / "mine.parquet", {"a": ("red", "S")})
                history.remember(root, day, root / "mine.parquet")
                chain = history.days(root)
                for each in chain.values():
                    history.moves_path(root, chain, each).parent.mkdir(exist_ok=True)
                    history.moves_path(root, chain, each).touch()
                history.remember(root, day, root / "mine.parquet")
            found = sorted(str(path.relative_to(root)) for path in (root / "history").rglob("*.*"))
            left.add(tuple(found))
        assert len(left) == 1
        assert len(left.pop()) == 9

    def test_a_day_that_is_replaced_takes_its_files_with_it(self, tmp_path):
        segments(tmp_path / "mine.parquet", {"a": ("red", "S")})
        for key in ("old", "new"):
            history.remember(tmp_path, remembered(2, key), tmp_path / "mine.parquet")
        kept = [path.name for path in (tmp_path / "history" / "segments").iterdir()]
        assert kept == ["as_of=2018-01-02,key=new.parquet"]
        assert history.days(tmp_path) == chain_of(remembered(2, "new"))


def test_no_day_is_a_memory_too(tmp_path):
    def never(*_):
        raise AssertionError

    name = history.lay_out(tmp_path, {}, tmp_path / "laid", never)
    assert name == history.fingerprint([])
    assert pq.read_table(tmp_path / "laid" / "moves" / "none.parquet").num_rows == 0
