"""A large CSV delivery read into raw, beside DuckDB copying the same file to Parquet: the floor.

    python bench/ingest.py FILE.csv [--reps 3] [--only ours|floor]

`FILE.csv` is a generator's order lines with the columns below. Each side runs in a process of its own, in
turn; wall and CPU seconds, peak resident memory and the ratio to the floor are medians. The floor parses
straight into types, keeps no order, and checks nothing; ours counts, checks and keeps every record.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from storage import declaration, landing, raw

COLUMNS = {
    "order_id": "bigint",
    "line_no": "bigint",
    "customer_id": "bigint",
    "order_ts": "timestamp",
    "product_id": "bigint",
    "category": "varchar",
    "channel": "varchar",
    "region": "varchar",
    "quantity": "bigint",
    "unit_price_cents": "bigint",
    "discount_cents": "bigint",
}
DECLARATION = """\
version: 2
sources:
  - name: bench
    description: Order lines of a generator.
    config: {{meta: {{time_zone: UTC, currency: USD}}}}
    tables:
      - name: lines
        description: One row per order line.
        config: {{meta: {{path: "lines_{{delivered_on}}{suffix}", key: [order_id, line_no],
                 event_column: order_ts, customer_column: customer_id}}}}
        columns:
{columns}
"""
DELIVERED_ON = date(2026, 1, 1)


def ours(file: Path, folder: Path) -> dict[str, object]:
    """Land the file, then read it into raw; only the reading is timed."""
    suffix = "".join(file.suffixes)
    kept = {"order_id", "line_no", "order_ts"}
    columns = "\n".join(
        f"          - {{name: {name}, data_type: {kind}, "
        f"config: {{meta: {{required: {str(name in kept).lower()}}}}}}}"
        for name, kind in COLUMNS.items()
    )
    declared = folder / "models" / "bench" / "_bench__sources.yml"
    declared.parent.mkdir(parents=True)
    declared.write_text(DECLARATION.format(suffix=suffix, columns=columns))
    incoming = folder / "incoming" / "bench"
    incoming.mkdir(parents=True)
    os.link(file, incoming / f"lines_{DELIVERED_ON}{suffix}")
    sources = declaration.read(folder / "models", ["bench"])
    landing.land(folder / "lake", folder / "incoming", sources, DELIVERED_ON)
    with measured() as found:
        (delivery,) = raw.read_pending(folder / "lake", sources, DELIVERED_ON, folder / "pending", "UTC")
    return found | {"rows": delivery.rows_raw, "quarantined": delivery.rows_quarantined}


def floor(file: Path, folder: Path) -> dict[str, object]:
    """Copy the file to Parquet as DuckDB does it fastest."""
    types = {"line_no": "smallint", "quantity": "smallint"}
    types |= dict.fromkeys(("customer_id", "product_id", "unit_price_cents", "discount_cents"), "integer")
    columns = ", ".join(f"'{name}': '{types.get(name, kind)}'" for name, kind in COLUMNS.items())
    written = "auto_detect=false, header=true, delim=',', quote='\"'"
    reader = f"read_csv('{file}', {written}, columns={{{columns}}})"
    settings = {"threads": 2, "preserve_insertion_order": False}
    with duckdb.connect(config=settings) as connection, measured() as found:
        query = f"copy (from {reader}) to '{folder}/floor.parquet' (format parquet, compression zstd)"
        ((rows,),) = connection.execute(query).fetchall()
    return found | {"rows": rows}


class measured:  # noqa: N801 - reads as a sentence where it is used
    """Wall and CPU seconds of a block, and the peak memory (MiB) of the process at its end."""

    def __enter__(self) -> dict[str, object]:
        self._found: dict[str, object] = {}
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self._found

    def __exit__(self, *_: object) -> None:
        self._found["wall_s"] = round(time.perf_counter() - self._wall, 2)
        self._found["cpu_s"] = round(time.process_time() - self._cpu, 2)
        self._found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


SIDES = {"floor": floor, "ours": ours}


def main() -> None:
    """Run both sides in turn and print their medians; with `--once`, one side in this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--only", choices=SIDES)
    parser.add_argument("--once", choices=SIDES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ingest-", dir=asked.file.parent))
    try:
        if asked.once:
            print(json.dumps(SIDES[asked.once](asked.file.resolve(), folder)))
            return
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(asked.reps):
        for side in [asked.only] if asked.only else SIDES:
            command = [sys.executable, __file__, str(asked.file), "--once", side]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.setdefault(side, []).append(json.loads(done.stdout))
    base = None
    for side, runs in found.items():
        line = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        base = base or line["wall_s"]
        print(json.dumps({"side": side, **line, "ratio": round(line["wall_s"] / base, 2)}), flush=True)


if __name__ == "__main__":
    main()
