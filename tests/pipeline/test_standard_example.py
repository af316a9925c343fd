"""The filled example of the standard contract: a company that exports like this gets through, row for row."""

from __future__ import annotations

import csv
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from pipeline import steps
from pipeline.run import RAW_MODELS, Run
from pipeline.settings import REPOSITORY, load
from storage import declaration, published
from storage.lake import Day

STANDARD = REPOSITORY / "docs" / "sources" / "standard"
EXAMPLE = STANDARD / "example"
AS_OF = date(2025, 3, 10)
MOST_ROWS = 10
SETTINGS = """sources: [standard]
time_zone: Asia/Shanghai
currency: CNY
resources: {min_free_gib: 0.1}
"""


def contents() -> dict[str, list[list[str]]]:
    """Extract → header and rows of all its files, one after the other."""
    found: dict[str, list[list[str]]] = {}
    for path in sorted(EXAMPLE.glob("*/*.csv")):
        with path.open(newline="") as file:
            found.setdefault(path.parent.name, []).extend(csv.reader(file))
    return found


def test_the_example_fills_every_extract_with_few_rows_under_the_header_we_hand_out():
    declared = {extract.name for extract in declaration.read(RAW_MODELS, ["standard"])[0].extracts}
    found = contents()
    assert set(found) == declared
    for extract, rows in found.items():
        header = (STANDARD / "headers" / f"{extract}.csv").read_text().strip().split(",")
        data = [row for row in rows if row != header]
        assert rows[0] == header
        assert 0 < len(data) <= MOST_ROWS, extract
        assert all(len(row) == len(header) for row in data), extract


def test_every_file_of_the_example_is_named_as_declared():
    for extract in declaration.read(RAW_MODELS, ["standard"])[0].extracts:
        pattern = re.escape(extract.path).replace(re.escape("{delivered_on}"), r"\d{4}-\d{2}-\d{2}")
        for path in (EXAMPLE / extract.name).iterdir():
            assert re.fullmatch(pattern, str(path.relative_to(EXAMPLE))), path


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "extracts" / "standard")
    (folder / "segmentation.yml").write_text(SETTINGS)
    run = Run(load(folder / "segmentation.yml"), Day.of(AS_OF), "test__example")
    for step in steps.STEPS:
        steps.take(run, step)
    return run


def table(run: Run, name: str):
    import pandas as pd

    return pd.read_parquet(published.version_of(run.lake, run.day) / f"{name}.parquet")


@pytest.mark.slow
def test_the_example_is_accepted_row_for_row_and_published(day):
    account = table(day, "delivery")
    found = account.groupby("extract")[["rows_in", "accepted", "superseded", "anonymous"]].sum()
    headers = dict.fromkeys(found.index, 0)
    for path in EXAMPLE.glob("*/*.csv"):
        headers[path.parent.name] += 1
    sent = {extract: len(rows) - headers[extract] for extract, rows in contents().items()}
    assert found["rows_in"].to_dict() == sent
    assert account[["quarantined", "duplicate"]].sum().sum() == 0
    # sent again when something changed: who became a member, what was paid, answered, registered and ordered
    assert found[found["superseded"] > 0]["superseded"].to_dict() == {
        "customers": 1,
        "orders": 1,
        "feedback": 1,
        "referrals": 1,
    }
    assert found["anonymous"].sum() == 1  # a visitor nobody knows


@pytest.mark.slow
def test_the_example_tells_of_one_customer_what_it_set_out_to_tell(day):
    customers = table(day, "customer_360").set_index("customer_id")
    assert sorted(customers.index) == ["c1", "c2", "c3", "c4"]
    first = customers.loc["c1"]
    # 500.00 + (299.00 - 99.00 returned) + 368.00
    assert (first["orders_life"], float(first["net_life"])) == (3, 1068.00)
    assert (first["complaints_365d"], first["open_complaints"]) == (1, 0)
    assert float(first["return_amount_365d"]) == 99.00
    assert (first["age_band"], customers.loc["c4", "age_band"]) == ("young", "senior")
    assert customers.loc["c3", "orders_life"] == 1  # known from the second delivery on, when it was paid
    assert customers.loc["c4", "orders_life"] == 0


def test_the_page_about_the_contract_names_every_extract():
    page = (REPOSITORY / "docs" / "sources" / "standard.md").read_text()
    for path in sorted(Path(STANDARD / "headers").glob("*.csv")):
        assert f"`{path.stem}`" in page, path.stem
