"""Nothing personal leaves landing and quarantine: a planted person is followed through a whole day."""

from __future__ import annotations

import csv
import logging
import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml
from test_standard_example import AS_OF, EXAMPLE, SETTINGS

from pipeline import maintenance, steps
from pipeline.run import RAW_MODELS, Run
from pipeline.settings import REPOSITORY, load
from storage import declaration, erasure, published
from storage.lake import Day

pytestmark = pytest.mark.slow

NAME, PHONE, EMAIL = "欧阳测试 Planted", "+86 139-8765-4321", "Planted.Person@nowhere.example"
SPELLINGS = (NAME, "Planted", PHONE, "13987654321", "139-8765-4321", EMAIL, EMAIL.lower())
CUSTOMER = "planted-0001"


def plant(folder: Path, extract: str, day: date, **values: str) -> None:
    """Add a row to the day's file of an extract; columns not named are blank."""
    path = folder / extract / f"{extract}_{day}.csv"
    header = (REPOSITORY / "docs/sources/standard/headers" / f"{extract}.csv").read_text().strip().split(",")
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(values)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """The run of a published day with the planted person in it, and what was logged and given to XCom."""
    folder = tmp_path_factory.mktemp("privacy")
    extracts = folder / "extracts" / "standard"
    shutil.copytree(EXAMPLE, extracts)
    told = {"customer_id": CUSTOMER, "updated_at": f"{AS_OF} 00:00:00"}
    plant(extracts, "customers", AS_OF, name=NAME, phone_hash=PHONE, email_hash=EMAIL, **told)
    plant(extracts, "customers", AS_OF, name=NAME, phone_hash=PHONE, customer_id="c9", family_size="many")
    plant(
        *(extracts, "feedback", AS_OF),
        **{"feedback_id": "f-planted", "customer_id": CUSTOMER, "channel": "online", "kind": "complaint"},
        **{"topic": "quality", "rating": "1", "created_at": "2025-03-09 10:00:00"},
        text=f"Ring me on {PHONE} or write to {EMAIL}",
    )
    (folder / "segmentation.yml").write_text(SETTINGS)
    run = Run(load(folder / "segmentation.yml"), Day.of(AS_OF), "test__privacy")
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        given = [str(steps.take(run, step)) for step in steps.STEPS]
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    return run, "\n".join(records + given)


def with_person(lake: Path) -> set[str]:
    """The files below the lake in which a value of the planted person can be read, however packed."""

    token = re.compile(b"|".join(re.escape(spelling.encode()) for spelling in SPELLINGS))
    found = set()
    for path in sorted(lake.rglob("*")):
        name = path.relative_to(lake).as_posix()
        if not path.is_file() or path.is_symlink():
            continue
        if path.suffix == ".parquet":
            with duckdb.connect() as connection:
                rows = connection.execute(
                    f"from read_parquet('{path}', hive_partitioning = false)"
                ).fetchall()
            content = "\n".join(map(str, rows)).encode()
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
                rows = [
                    connection.execute(f'from "{schema}"."{table}"').fetchall() for schema, table in tables
                ]
            content = str(rows).encode()
        else:
            content = path.read_bytes()
        if token.search(content):
            found.add(name)
    return found


def test_what_was_sent_stands_in_landing_and_quarantine_and_nowhere_else(day):
    run, _ = day
    assert {name.split("/")[0] for name in with_person(run.lake)} == {"landing", "quarantine"}


def test_nothing_personal_is_logged_or_handed_between_tasks(day):
    _, said = day
    assert "landed for" in said
    assert not [spelling for spelling in (*SPELLINGS, CUSTOMER) if spelling in said]


def test_the_person_is_judged_all_the_same(day):
    run, _ = day
    folder = published.version_of(run.lake, run.day)
    (found,) = duckdb.sql(
        f"select complaints_365d from '{folder}/customer_360.parquet' where customer_id = '{CUSTOMER}'"
    ).fetchone()
    assert found == 1


def test_no_published_column_is_one_a_declaration_calls_personal_or_free_text():
    kept_from = {
        column.name
        for source in declaration.read(
            RAW_MODELS, sorted(path.name for path in RAW_MODELS.iterdir() if path.is_dir())
        )
        for extract in source.extracts
        for column in extract.columns
        if column.privacy in ("personal", "free_text")
    }
    assert {"phone_hash", "birth_on", "text"} <= kept_from
    marts = REPOSITORY / "dbt_project" / "models" / "marts"
    seen = 0
    for file in ("_marts.yml", "_published.yml"):
        content = yaml.safe_load((marts / file).read_text())
        tables = content.get("models", []) + [
            table for each in content.get("sources", []) for table in each["tables"]
        ]
        for table in tables:
            columns = {column["name"] for column in table.get("columns", [])}
            seen += len(columns)
            assert not columns & kept_from, table["name"]
    assert seen > 100


def test_the_person_is_found_by_phone_and_erased_with_everything_that_names_them(day):
    run, _ = day
    done = maintenance.erase(run.settings, "standard", AS_OF, phone="13987654321", customers=["c9"])
    assert [each.search["found"] for each in done] == [0, 0]
    assert with_person(run.lake) == set()
    assert erasure.customers_with(run.lake, run.sources[0], "phone", PHONE, maintenance._key()) == []
