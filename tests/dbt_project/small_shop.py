"""A lake of a few rows, written as the loader writes it, and dbt over it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml

import transform
from storage import declaration

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
FEEDBACK_TEXT = """as_of date, source varchar, feedback_id varchar, topic varchar, subtopic varchar,
    sentiment decimal(5, 4), model_version varchar"""
DELIVERIES = (
    "source varchar, extract varchar, delivered_on date, file varchar, sha256 varchar, content varchar, "
    "bytes bigint, rows_in bigint, rows_raw bigint, rows_quarantined bigint, status varchar, "
    "duplicate_of varchar, reason varchar, added_columns varchar, missing_columns varchar, "
    "required boolean, simulated boolean"
)


@dataclass
class FixtureLake:
    """Raw Parquet files below `root` and the account of their deliveries."""

    root: Path
    source: str
    deliveries: list[tuple] = field(default_factory=list)
    beside: list[FixtureLake] = field(default_factory=list)  # other sources below the same root

    def __post_init__(self) -> None:
        """Write the zero-row file of every declared extract."""
        file = PROJECT / "models" / "raw" / self.source / f"_{self.source}__sources.yml"
        (declared,) = yaml.safe_load(file.read_text())["sources"]
        self.columns = {
            table["name"]: {
                column["name"]: "varchar"
                if table["config"]["meta"]["format"] != "parquet"
                else column["data_type"]
                for column in table["columns"]
            }
            for table in declared["tables"]
        }
        for extract in self.columns:
            self._write(extract, "0001-01-01", "none", "", [])

    def deliver(
        self, extract: str, day: str, rows: list[dict[str, Any]], content: str, file: str = ""
    ) -> None:
        """One accepted file of `rows`; columns that a row does not name are blank."""
        file = file or f"{extract}_{day}.csv"
        self._write(extract, day, content, file, rows)
        self._account(extract, day, file, content, len(rows), "accepted")

    def deliver_again(self, extract: str, day: str, file: str, content: str, rows: int) -> None:
        """A file whose bytes were there before: it has a receipt and no raw rows."""
        self._account(extract, day, file, content, rows, "duplicate")

    def _account(self, extract: str, day: str, file: str, content: str, rows: int, status: str) -> None:
        raw_rows = rows if status == "accepted" else 0
        self.deliveries.append(
            (
                *(self.source, extract, day, file, content, content),
                *(1, rows, raw_rows, 0, status, None, None, None, None, False, False),
            )
        )

    def _write(self, extract: str, day: str, content: str, file: str, rows: list[dict[str, Any]]) -> None:
        types = self.columns[extract]
        folder = self.root / "raw" / self.source / extract / f"delivered_on={day}"
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            kept = {
                **types,
                "_delivered_on": "date",
                "_file": "varchar",
                "_content": "varchar",
                "_record": "bigint",
            }
            columns = ", ".join(f"{name} {kind}" for name, kind in kept.items())
            connection.execute(f"create table rows ({columns})")
            for record, row in enumerate(rows, start=1):
                unknown = set(row) - set(types)
                assert not unknown, f"{extract} has no column {unknown}"
                values = [row.get(name, "" if kind == "varchar" else None) for name, kind in types.items()]
                places = ", ".join("?" * (len(values) + 4))
                connection.execute(
                    f"insert into rows values ({places})", [*values, day, file, content, record]
                )
            connection.execute(f"copy rows to '{folder / content}.parquet'")


@dataclass(frozen=True)
class Built:
    """What one dbt build left behind."""

    run_dir: Path
    results: list[Any]

    def rows(self, table: str, columns: str, where: str = "true") -> list[tuple]:
        """Some columns of a table's file, in a fixed order."""
        with duckdb.connect() as connection:
            query = f"select {columns} from '{self.file(table)}' where {where} order by all"
            return connection.execute(query).fetchall()

    def records(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table's file as it stands there, by column name."""
        with duckdb.connect() as connection:
            found = connection.execute(f"from '{self.file(table)}'")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def types(self, table: str) -> dict[str, str]:
        """Column → type of a table's file, in its order."""
        with duckdb.connect() as connection:
            described = connection.execute(f"describe from '{self.file(table)}'").fetchall()
            return {name: kind for name, kind, *_ in described}

    def file(self, table: str) -> Path:
        """The Parquet file of a table of the features build."""
        return self.run_dir / "features" / f"{table}.parquet"

    def statuses(self, kind: str) -> dict[str, str]:
        """Status by name of the nodes of one resource type."""
        return {
            result.node.name: str(result.status)
            for result in self.results
            if result.node.resource_type == kind
        }


@contextlib.contextmanager
def _environment(values: dict[str, str]):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def run_dbt(
    command: list[str],
    lake: FixtureLake,
    run_dir: Path,
    days: list[tuple[str, str]],
    zone: str,
    **settings: Any,
) -> Any:
    """One dbt command over the lake for some (as_of, known_on) days; the connection is closed afterwards."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    (run_dir / "features").mkdir(parents=True, exist_ok=True)
    lakes = [lake, *lake.beside]
    names = [each.source for each in lakes]
    with duckdb.connect() as connection:
        connection.execute(f"create table deliveries ({DELIVERIES})")
        places = ", ".join("?" * 17)
        for each in lakes:
            connection.executemany(f"insert into deliveries values ({places})", each.deliveries)
        connection.execute(f"copy deliveries to '{run_dir / 'deliveries.parquet'}'")
        if not (run_dir / "feedback_text.parquet").exists():  # what an earlier step reads
            connection.execute(f"create table feedback_text ({FEEDBACK_TEXT})")
            connection.execute(f"copy feedback_text to '{run_dir / 'feedback_text.parquet'}'")
    variables = {
        "lake_root": str(lake.root),
        "run_dir": str(run_dir),
        "as_of_dates": [{"as_of": as_of, "known_on": known_on} for as_of, known_on in days],
        "known_on": max(known_on for _, known_on in days),
        **declaration.variables(sources := declaration.read(PROJECT / "models" / "raw", names)),
        "currency": sources[0].currency,
        "time_zone": zone,
        **settings,
    }
    project = transform.project(run_dir / "dbt" / "project", names)
    folders = ["--project-dir", project, "--profiles-dir", project]
    folders += ["--target-path", run_dir / "dbt", "--log-path", run_dir / "dbt"]
    arguments = [
        *command,
        *map(str, folders),
        "--vars",
        json.dumps(variables),
        "--quiet",
        "--no-version-check",
    ]
    environment = {
        "DO_NOT_TRACK": "1",
        "SEGMENTATION_RUN_DUCKDB": str(run_dir / "run.duckdb"),
        "SEGMENTATION_SPILL": str(run_dir / "spill"),
    }
    with _environment(environment):
        try:
            outcome = dbtRunner().invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()
    if outcome.exception:
        raise outcome.exception
    return outcome.result


def build(
    lake: FixtureLake,
    run_dir: Path,
    *days: tuple[str, str],
    zone: str = "America/New_York",
    unit_tests: bool = False,
    **settings: Any,
) -> Built:
    """Staging and features of the days, with data tests; everything must have passed."""
    command = ["build", "--select", "tag:read_by_features", "raw", "staging", "features"]
    if not unit_tests:
        command += ["--exclude-resource-type", "unit_test"]
    results = list(run_dbt(command, lake, run_dir, list(days), zone, **settings).results)
    broken = {r.node.name: r.message for r in results if str(r.status) not in {"success", "pass"}}
    assert not broken
    return Built(run_dir, results)


def sale(basket: int, product: int, household: int | str, sales_value: str, at: str, **more: str) -> dict:
    """A purchases row; `at` is UTC."""
    return {
        "basket_id": str(basket),
        "product_id": str(product),
        "household_id": str(household),
        "quantity": "1",
        "sales_value": sales_value,
        "transaction_timestamp": at,
        **more,
    }


# Household 1 buys on 1 March (two baskets), 11 March and, sold 20 March but delivered in April, once more;
# household 2 brings everything back; one basket has no household; household 3 only told its age.
MARCH_2 = [
    sale(101, 7, 1, "10.00", "2017-03-01 15:00:00", retail_disc="2.00"),
    sale(101, 8, 1, "5.00", "2017-03-01 15:00:00"),
    sale(102, 7, 1, "4.00", "2017-03-02 04:59:00"),
    sale(103, 7, 2, "6.00", "2017-03-01 16:00:00"),
    sale(104, 8, "", "9.00", "2017-03-01 17:00:00"),
]
MARCH_12 = [sale(105, 8, 1, "3.00", "2017-03-11 15:00:00")]
APRIL_5 = [
    sale(106, 7, 1, "20.00", "2017-03-20 15:00:00"),
    sale(105, 8, 1, "3.50", "2017-03-11 15:00:00"),  # a correction
    sale(101, 8, 1, "5.00", "2017-03-01 15:00:00"),  # sent again
]
PRODUCTS = [
    {"product_id": "7", "product_category": "TEA"},
    {"product_id": "8", "product_category": "BREAD"},
]
BROUGHT_BACK = {"returned_at": "2017-03-05 15:00:00", "quantity": "1"}
RETURNS = [
    {
        **BROUGHT_BACK,
        "return_id": "r1",
        "household_id": "2",
        "basket_id": "103",
        "product_id": "7",
        "amount": "6.00",
    },
    {**BROUGHT_BACK, "return_id": "r2", "household_id": "1", "amount": "1.00"},
]
APRIL_1 = ("2017-04-01", "2017-04-01")
MAY_1 = ("2017-05-01", "2017-05-01")


def shop(root: Path, reverse: bool = False) -> FixtureLake:
    """The small shop above; reversed, the same rows stand in other order in files of other names."""
    lake = FixtureLake(root, "complete_journey")
    step = -1 if reverse else 1
    name = "z" if reverse else "a"
    lake.deliver("purchases", "2017-03-02", MARCH_2[::step], f"{name}1")
    lake.deliver("purchases", "2017-03-12", MARCH_12[::step], f"{name}2")
    lake.deliver("purchases", "2017-04-05", APRIL_5[::step], f"{name}3")
    lake.deliver_again("purchases", "2017-04-06", "purchases_2017-04-06.csv", f"{name}2", 1)
    lake.deliver("products", "2017-03-02", PRODUCTS[::step], f"{name}4")
    lake.deliver("demographics", "2017-03-02", [{"household_id": "3", "age": "65+"}], f"{name}5")
    lake.deliver("returns", "2017-03-06", RETURNS[::step], f"{name}6")
    return lake
