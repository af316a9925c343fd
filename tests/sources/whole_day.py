"""A whole day of a source on its real files, with what the tests ask of it afterwards."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline import gates, steps
from pipeline.run import Run
from pipeline.settings import load
from storage import published
from storage.lake import Day

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True)
class WholeDay:
    """One published day; `engine` is its DuckDB file as it was before the run closed it."""

    run: Run
    engine: Path

    def one(self, query: str) -> Any:
        """The single row of a query, its single value if it has one column.

        It may name the tables of raw and staging, and Parquet files below {features} and {tables}, what was
        published.
        """
        query = query.format(features=self.run.folder / "features", tables=self.tables)
        with duckdb.connect(str(self.engine), read_only=True) as connection:
            (row,) = connection.execute(query).fetchall()
        return row if len(row) > 1 else row[0]

    @property
    def tables(self) -> Path:
        return published.version_of(self.run.lake, self.run.day)

    def broken(self) -> list[str]:
        """The promises that broke at any gate of the day."""
        return [
            verdict.promise
            for gate in gates.GATES
            for verdict in gates.read(self.run.folder, gate)
            if verdict.breaks
        ]


def take(settings: Path, as_of: date) -> WholeDay:
    """Every step of the day in order."""
    run = Run(load(settings), Day.of(as_of), f"test__{as_of}")
    # its views name the catalogue, which is the file's name
    engine = settings.parent / "engines" / str(as_of) / "run.duckdb"
    engine.parent.mkdir(parents=True)
    for step in steps.STEPS:
        steps.take(run, step)
        if step == "build_features":
            shutil.copy(run.folder / "run.duckdb", engine)
    return WholeDay(run, engine)
