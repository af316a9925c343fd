"""A whole small day: end to end, the same bytes again, in any order, after any kill, and never a bad one."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from shop import write_shop

from pipeline import steps
from pipeline.gates import CUSTOMER_TABLES
from pipeline.run import Run
from pipeline.settings import REPOSITORY, load
from storage import published
from storage.lake import Day

FIRST = date(2017, 10, 2)
LAST = date(2017, 12, 18)  # a Monday: the weekly extracts are due
SETTINGS = """sources: [complete_journey]
time_zone: America/New_York
currency: USD
schedule: {start: 2017-10-02, end: 2017-12-31}
resources: {min_free_gib: 0.1}
"""


def make(folder: Path, **options) -> Path:
    """A deployment in `folder`: settings and the shop's extracts; returns its settings file."""
    folder.mkdir(parents=True, exist_ok=True)
    write_shop(folder / "extracts", FIRST, options.pop("last", LAST), **options)
    path = folder / "segmentation.yml"
    path.write_text(SETTINGS)
    return path


def run_of(settings: Path, as_of: date, known_on: date | None = None) -> Run:
    return Run(load(settings), Day.of(as_of, known_on), f"test__{as_of}__{known_on or as_of}")


def take_all(settings: Path, as_of: date, known_on: date | None = None) -> Run:
    run = run_of(settings, as_of, known_on)
    for step in steps.STEPS:
        steps.take(run, step)
    return run


def digest(folder: Path) -> dict[str, str]:
    """Relative path → SHA-256 of every Parquet and CSV file below."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".parquet", ".csv") and path.is_file()
    }


def tables(run: Run) -> dict[str, str]:
    found = digest(published.version_of(run.lake, run.day))
    assert len(found) > 10
    return found


def bi_content(lake: Path) -> dict[str, list]:
    import duckdb

    with duckdb.connect(str(lake / "published" / "bi.duckdb"), read_only=True) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()]
        return {
            name: connection.execute(f"select * from {name} order by all").fetchall()
            for name in sorted(names)
        }


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    return take_all(make(tmp_path_factory.mktemp("shop")), LAST)


def test_a_day_publishes_every_table_and_every_row_is_accounted_for(day):
    import pandas as pd

    folder = published.version_of(day.lake, day.day)
    names = {path.stem for path in folder.glob("*.parquet")}
    assert names >= {
        *CUSTOMER_TABLES,
        "segment_profile",
        "quality_results",
        "manifest",
        "dictionary",
        "delivery",
        "reconciliation",
    }
    delivery = pd.read_parquet(folder / "delivery.parquet")
    parts = delivery[["accepted", "duplicate", "superseded", "anonymous", "quarantined"]].sum(axis=1)
    assert (delivery["rows_in"] == parts).all()
    customers = pd.read_parquet(folder / "customer_360.parquet")
    assert customers["customer_id"].is_unique
    for table in CUSTOMER_TABLES:
        assert set(pd.read_parquet(folder / f"{table}.parquet")["customer_id"]) == set(
            customers["customer_id"]
        )


def test_every_code_that_is_published_is_in_the_dictionary(day):
    sys.path.insert(0, str(REPOSITORY / "tests" / "dbt_project"))
    import words

    assert words.unknown_codes(published.version_of(day.lake, day.day)) == []


def test_the_money_of_the_files_is_the_money_of_the_features(day):
    import pandas as pd

    folder = published.version_of(day.lake, day.day)
    purchases = sorted((day.settings.incoming / "complete_journey" / "purchases").glob("*.csv.gz"))
    sent = pd.concat(pd.read_csv(path) for path in purchases)
    back = pd.concat(
        pd.read_csv(path) for path in (day.settings.incoming / "complete_journey" / "returns").glob("*.csv")
    )
    local = pd.to_datetime(back["returned_at"]).dt.date
    net = sent["sales_value"].sum() - back[local < LAST]["amount"].sum()
    assert round(
        float(pd.read_parquet(folder / "customer_360.parquet")["net_life"].astype(float).sum()), 2
    ) == round(net, 2)


def test_every_cent_of_every_file_is_found_again(day):
    import pandas as pd

    folder = published.version_of(day.lake, day.day)
    table = pd.read_parquet(folder / "reconciliation.parquet")
    of_files = table[table["file"] != "*"].fillna({"amount": 0})
    assert "left_out" not in set(of_files["layer"])
    key = ["source", "extract", "delivered_on", "file"]
    raw = of_files[of_files["layer"] == "raw"].set_index(key)
    gone = of_files[~of_files["layer"].isin(["raw", "quarantine"])].groupby(key)[["rows", "amount"]].sum()
    assert len(raw) > 50
    assert (raw["rows"] == gone.loc[raw.index, "rows"]).all()
    assert (raw["amount"] == gone.loc[raw.index, "amount"]).all()
    whole = table[table["file"] == "*"]
    assert len(whole) == 2
    assert whole[["rows", "amount"]].nunique().tolist() == [1, 1]


@pytest.mark.slow
def test_the_same_day_again_gives_the_same_bytes(day, tmp_path):
    before, shown = tables(day), bi_content(day.lake)
    again = take_all(day.settings.lake.parent / "segmentation.yml", LAST)
    assert tables(again) == before
    assert bi_content(day.lake) == shown


@pytest.mark.slow
def test_training_on_the_first_makes_the_cut_points_a_daily_run_would_make_later(day, tmp_path):
    settings = make(tmp_path)
    first = LAST.replace(day=1)
    training = Run(load(settings), Day.of(first), f"model_training__{first}", None)
    taken = ("land", "check_landed", "load_raw", "fit_cutpoints", "evaluate_cutpoints", "promote_cutpoints")
    made = [steps.take(training, step) for step in taken]
    assert {counts["cutpoint_version"] for counts in made[3:]} == {
        steps.take(day, "ensure_cutpoints")["cutpoint_version"]
    }
    assert not (tmp_path / "lake" / "published").exists()


@pytest.mark.slow
def test_a_shop_that_starts_in_the_middle_of_a_month_publishes_its_first_day(tmp_path):
    first = FIRST + timedelta(days=9)
    (tmp_path / "segmentation.yml").write_text(SETTINGS)
    write_shop(tmp_path / "extracts", first, first + timedelta(days=60), upto=first, customers=900)
    run = take_all(tmp_path / "segmentation.yml", first)
    assert published.current(run.lake)["as_of"] == str(first)


@pytest.mark.slow
def test_a_past_day_stated_again_sees_what_came_later_and_the_day_itself_stays(tmp_path):
    settings = make(tmp_path)
    late = LAST - timedelta(days=3)
    late_file = settings.parent / "extracts" / "complete_journey" / "purchases" / f"purchases_{LAST}.csv.gz"
    before = tables(take_all(settings, late))
    rows = gzip.decompress(late_file.read_bytes()).decode().splitlines()
    old = f"9001,1,990001,1,1,77.00,0.00,0.00,0.00,1,{late - timedelta(days=2)} 17:00:00"
    late_file.write_bytes(gzip.compress("\n".join([*rows, old, ""]).encode(), mtime=0))
    restated = take_all(settings, late, LAST)
    assert tables(take_all(settings, late)) == before
    import pandas as pd

    customers = pd.read_parquet(published.version_of(restated.lake, restated.day) / "customer_360.parquet")
    assert "9001" in set(customers["customer_id"])
    assert set(customers["known_on"].astype(str)) == {str(LAST)}
    assert published.current(restated.lake)["known_on"] == str(LAST)


@pytest.mark.slow
def test_rows_permuted_within_their_files_give_the_same_bytes(day, tmp_path):
    permuted = take_all(make(tmp_path, shuffle=99), LAST)
    assert tables(permuted) == tables(day)
    assert bi_content(permuted.lake) == bi_content(day.lake)


@pytest.mark.slow
@pytest.mark.long
def test_fourteen_days_in_random_order_equal_the_same_days_in_order(tmp_path):
    last = date(2017, 12, 7)  # half of them in another month, under other cut-points and models
    days = [last - timedelta(days=i) for i in reversed(range(14))]
    shuffled = random.Random(5).sample(days, len(days))
    in_order, any_order = make(tmp_path / "in_order"), make(tmp_path / "any_order")
    expected = {as_of: tables(take_all(in_order, as_of)) for as_of in days}
    found = {as_of: tables(take_all(any_order, as_of)) for as_of in shuffled}
    assert found == expected
    assert bi_content(tmp_path / "in_order" / "lake") == bi_content(tmp_path / "any_order" / "lake")
    assert published.current(tmp_path / "any_order" / "lake")["as_of"] == str(last)


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from pipeline import steps
from pipeline.gates import CUSTOMER_TABLES
from pipeline.run import Run
from pipeline.settings import load
from storage.lake import Day

settings, as_of = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
step, after = sys.argv[3], int(sys.argv[4])
calls = 0
replace = os.replace

def dying(source, target, **options):
    global calls
    calls += 1
    if calls > after:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(source, target, **options)

os.replace = dying
steps.take(Run(load(settings), Day.of(as_of), f"test__{as_of}__{as_of}"), step)
os.kill(os.getpid(), signal.SIGKILL)  # done, but Airflow never heard of it
"""


@pytest.mark.slow
@pytest.mark.long
def test_a_task_killed_in_the_middle_and_run_again_leaves_the_same_bytes(day, tmp_path):
    settings = make(tmp_path)
    run = run_of(settings, LAST)
    root = tmp_path / "lake" / "published"
    for step in steps.STEPS:
        seen = digest(root) if root.exists() else {}
        for after in (0, 2):
            killed = subprocess.run(
                [sys.executable, "-c", KILLED, str(settings), str(LAST), step, str(after)],
                env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'plugins'}"},
                capture_output=True,
                check=False,
            )
            assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
            if step != "publish":
                assert (digest(root) if root.exists() else {}) == seen, f"{step} touched published"
            current = published.current(tmp_path / "lake")
            if current:  # whatever is visible is whole
                assert digest(root / "versions" / current["version"]) == tables(day)
        steps.take(run, step)
    assert tables(run) == tables(day)
    assert bi_content(run.lake) == bi_content(day.lake)


def break_purchases(folder: Path, how: str) -> None:
    path = folder / "extracts" / "complete_journey" / "purchases" / f"purchases_{LAST}.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-40])
    elif how == "wrong header":
        path.write_bytes(gzip.compress(text.replace("basket_id", "bsket_id", 1).encode()))
    elif how == "swapped columns":
        head, _, rest = text.partition("\n")
        swapped = [",".join([*row.split(",")[:10][::-1], row.split(",")[10]]) for row in rest.splitlines()]
        path.write_bytes(gzip.compress("\n".join([head, *swapped, ""]).encode()))
    elif how == "empty":
        path.write_bytes(b"")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["missing", "truncated", "wrong header", "swapped columns", "empty"])
def test_a_bad_day_publishes_nothing_and_says_why(day, tmp_path, how):
    shutil.copytree(day.settings.lake.parent / "extracts", tmp_path / "extracts")
    (tmp_path / "segmentation.yml").write_text(SETTINGS)
    yesterday = take_all(tmp_path / "segmentation.yml", LAST - timedelta(days=1))
    before = digest(yesterday.lake / "published")
    break_purchases(tmp_path, how)
    run = run_of(tmp_path / "segmentation.yml", LAST)
    steps.take(run, "land")
    with pytest.raises(ValueError, match="purchases"):
        steps.take(run, "check_landed")
    assert digest(run.lake / "published") == before
    said = json.loads((run.folder / "gates" / "landed.json").read_text())
    broken = [verdict for verdict in said if not verdict["passed"] and verdict["strength"] == "break"]
    assert broken
    assert all(verdict["text_zh"] and verdict["text_en"] for verdict in broken)
