"""The memory of a small shop: every day rebuilt, every cause by eye, in any order, after any change."""

from __future__ import annotations

import csv
import gzip
import itertools
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from test_day import LAST, bi_content, digest, make, run_of, take_all

from models.moves import CAUSES
from models.schemes import SCHEMES
from pipeline import memory, steps, summary, why
from pipeline.run import Run
from storage import artifacts, history, lake, published

pytestmark = [pytest.mark.slow, pytest.mark.long]

# Two days in November, whose cut-points a third one in December does not share.
DAYS = [date(2017, 11, 29), date(2017, 11, 30), date(2017, 12, 1)]
LATE = "9001"  # one order on 10 November, delivered twenty days late: known on 30 November


def shop(folder: Path) -> Path:
    """The small shop, with one order told late of a household that had one in October."""
    settings = make(folder, last=LAST)
    for delivered, ordered, basket in ((date(2017, 10, 20), 19, 990991), (date(2017, 11, 30), 41, 990992)):
        path = folder / "extracts" / "complete_journey" / "purchases" / f"purchases_{delivered}.csv.gz"
        rows = gzip.decompress(path.read_bytes()).decode()
        at = date(2017, 10, 1) + timedelta(days=ordered - 1)
        rows += f"{LATE},1,{basket},1,1,77.00,0.00,0.00,0.00,1,{at} 17:00:00\n"
        path.write_bytes(gzip.compress(rows.encode(), mtime=0))
    return settings


@pytest.fixture(scope="module")
def remembered(tmp_path_factory) -> Run:
    """The three days, the last one first; the run of the one published last."""
    settings = shop(tmp_path_factory.mktemp("memory"))
    return [take_all(settings, as_of) for as_of in (DAYS[2], DAYS[0], DAYS[1])][-1]


def table(root: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(published.current_memory(root) / f"{name}.parquet")


def moves(root: Path) -> pd.DataFrame:
    found = table(root, "segment_event")
    return found[(found["kind"] == "enter") & found["previous_as_of"].notna()]


def segments(root: Path, scheme: str, as_of: date) -> dict[str, str]:
    frame = pd.read_parquet(lake.scores_path(root, scheme, lake.Day.of(as_of)))
    return dict(zip(frame["customer_id"], frame["segment"], strict=True))


def require_replay(root: Path) -> None:
    """Events played until any day, and stays that hold on it, are the scores of the day."""
    stays, events = table(root, "segment_membership"), table(root, "segment_event")
    for scheme in SCHEMES:
        mine = stays[stays["scheme"] == scheme]
        played = events[events["scheme"] == scheme].sort_values(["as_of", "kind"], ascending=[True, False])
        for as_of in DAYS:
            wanted = segments(root, scheme, as_of)
            holds = (mine["valid_from"] <= as_of) & ~(mine["valid_to"] <= as_of)
            assert dict(mine[holds][["customer_id", "segment_code"]].to_numpy().tolist()) == wanted
            state: dict[str, str] = {}
            until = played[played["as_of"] <= as_of]
            for customer, kind, segment in until[["customer_id", "kind", "segment_code"]].to_numpy().tolist():
                if kind == "exit":
                    assert state.pop(customer) == segment
                else:
                    assert state.setdefault(customer, segment) == segment
            assert state == wanted


def bought(settings_file: Path, since: date, until: date) -> set[str]:
    """Who bought on the days from `since` to before `until`, by the files as they were sent."""
    found = set()
    for path in (settings_file.parent / "extracts" / "complete_journey" / "purchases").glob("*.csv.gz"):
        for row in csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines()):
            day = pd.Timestamp(row["transaction_timestamp"], tz="UTC").tz_convert("America/New_York").date()
            if since <= day < until:
                found.add(row["household_id"])
    return found


def test_every_day_is_rebuilt_from_the_events_and_from_the_stays(remembered):
    require_replay(remembered.lake)


def test_each_cause_is_the_one_that_can_be_seen(remembered):
    root = remembered.lake
    found = moves(root)
    assert set(found["cause"]) <= set(CAUSES)
    assert set(found["as_of"]) == set(DAYS[1:])
    settings_file = root.parent / "segmentation.yml"
    for since, until in itertools.pairwise(DAYS):
        mine = found[found["as_of"] == until]
        buyers = bought(settings_file, since, until)
        by_cause = {cause: set(mine[mine["cause"] == cause]["customer_id"]) for cause in CAUSES}
        assert by_cause["own_behaviour"] <= buyers
        assert not by_cause["passage_of_time"] & buyers
        assert by_cause["passage_of_time"], until
        assert (by_cause["corrected_data"] == {LATE}) == (until == DAYS[1])
        assert bool(by_cause["new_cutpoints"]) == (until.day == 1)
    told = found[(found["customer_id"] == LATE) & (found["scheme"] == "rfm")]
    assert told[["as_of", "cause"]].to_numpy().tolist()[0] == [DAYS[1], "corrected_data"]


def test_who_moved_for_new_cutpoints_would_have_stayed_under_the_earlier_ones(remembered):
    root, settings = remembered.lake, remembered.settings
    found = moves(root)
    found = found[(found["as_of"] == DAYS[2]) & found["previous_segment_code"].notna()]
    rules = history.days(root)[DAYS[1]].rules
    from models.cutpoints import Cutpoints

    earlier = Cutpoints.from_json(artifacts.load(root, *rules["cutpoints"]))
    day = lake.Day.of(DAYS[2])
    seen = set()
    for scheme, mine in found.groupby("scheme"):
        module = SCHEMES[scheme]
        features = lake.table(lake.features_path(root, day), module.FEATURES)
        judged = module.assign(features, earlier, getattr(settings.thresholds, scheme))
        under = dict(zip(features["customer_id"], judged["segment"], strict=True))
        for customer, previous, cause in (
            mine[["customer_id", "previous_segment_code", "cause"]].to_numpy().tolist()
        ):
            assert (under[customer] == previous) == (cause == "new_cutpoints")
            seen.add(cause)
    assert "new_cutpoints" in seen


def test_migration_sums_to_the_moves_and_shares_are_of_who_was_there(remembered):
    migration, found = table(remembered.lake, "segment_migration"), moves(remembered.lake)
    by_day = migration[migration["period"] == "day"]
    assert by_day["moves"].sum() == len(found)
    assert migration[migration["period"] == "month"]["moves"].sum() == len(found)
    for row in by_day.to_dict("records"):
        before = max(each for each in DAYS if each < row["period_from"])
        for column, code, as_of in (
            ("from_customers", "from_segment_code", before),
            ("to_customers", "to_segment_code", row["period_from"]),
        ):
            members = list(segments(remembered.lake, row["scheme"], as_of).values())
            wanted = members.count(row[code]) if row[code] else None
            assert (row[column] if pd.notna(row[column]) else None) == wanted


def test_summary_and_why_tell_of_the_moves(remembered):
    text = summary.text(remembered.settings, lake.Day.of(DAYS[2]))
    assert "Moves since as_of=2017-11-30, by cause" in text
    assert "Passage of time 时间推移" in text
    told = why.text(remembered.settings, LATE)
    assert "since   2017-11-30" in told
    assert "数据更正 Corrected data" in told


def test_days_in_another_order_give_the_same_memory(remembered, tmp_path):
    settings = shop(tmp_path)
    runs = [take_all(settings, as_of) for as_of in DAYS]
    other = runs[-1].lake
    name = published.current_memory(other).name
    assert published.current_memory(remembered.lake).name == name
    assert digest(published.current_memory(other)) == digest(published.current_memory(remembered.lake))
    assert digest(other / "history") == digest(remembered.lake / "history")
    assert bi_content(other) == bi_content(remembered.lake)


def test_pinned_to_a_day_bi_is_told_of_no_move_after_it(remembered):
    before = digest(published.current_memory(remembered.lake))
    steps.rollback(remembered.settings, DAYS[1])
    assert moves(remembered.lake)["as_of"].max() == DAYS[1]
    stays = table(remembered.lake, "segment_membership")
    assert stays["valid_to"].dropna().max() == DAYS[1]
    steps.unpin(remembered.settings)
    assert digest(published.current_memory(remembered.lake)) == before


def test_a_day_run_again_under_other_settings_repairs_what_is_told_of_it(remembered):
    """Last: it changes the lake."""
    root = remembered.lake
    file = root.parent / "segmentation.yml"
    file.write_text(file.read_text() + "thresholds: {lifecycle: {new_days: 10}}\n")
    again = take_all(file, DAYS[1])
    assert history.days(root)[DAYS[1]].rules != history.days(root)[DAYS[0]].rules
    require_replay(again.lake)
    told = [path.name[:16] for path in sorted((root / "history" / "moves").iterdir())]
    assert told == [f"as_of={each}" for each in DAYS]


def test_a_trial_under_rules_that_cannot_be_read_explains_nothing_by_itself(remembered):
    day = history.days(remembered.lake)
    gone = {"cutpoints": ["cutpoints/00000000", "2017-11-01-00000000"], "thresholds": {}}
    before = history.Remembered(DAYS[0], day[DAYS[0]].key, tuple(SCHEMES), ("complete_journey",), gone)
    assert memory._rules(remembered.lake, before) is None
    assert run_of(remembered.lake.parent / "segmentation.yml", DAYS[0]).day.as_of == DAYS[0]
