"""All schemes over many customers, without Airflow: seconds, CPU and peak memory of each.

    python bench/schemes.py --customers 100000 1000000 3000000
    python bench/schemes.py --customers 1000000 --marts

Features are given: drawn from the contract of customer_features, each customer one of a few thousand of the
tests' crowd with money of their own, so a new feature or scheme is measured as soon as the crowd knows it.
Each size is scored in a process of its own, by the pipeline's own steps. With --marts everything behind the
scores is built and audited as well, and the seconds of every table are shown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins"), str(REPOSITORY / "tests" / "models")]

from pipeline import steps, value  # noqa: E402
from pipeline.run import Run  # noqa: E402
from pipeline.settings import load  # noqa: E402
from storage import lake  # noqa: E402
from storage.lake import Day  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import pandas as pd
    import pyarrow as pa

CROWD = 3_000
ROWS = 250_000
SETTINGS = """sources: [standard]
time_zone: UTC
currency: USD
lake: lake
incoming: extracts
publish: {csv: false}
resources: {min_free_gib: 0.5, memory_limit: 4GB}
"""


def main() -> None:
    """Draw, score (and build) each size in turn; one table at the end."""
    options = _options()
    if options.one:
        _take(options.work / str(options.one), options.one, options.marts)
        return
    results = {}
    for size in options.customers:
        folder = options.work / str(size)
        command = [sys.executable, __file__, "--work", str(options.work), "--one", str(size)]
        _draw(folder, size)
        said = subprocess.run(
            [*command, *(["--marts"] if options.marts else [])], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        results[size] = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        if not options.keep:
            shutil.rmtree(folder)
    _report(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--marts", action="store_true", help="build and audit what is published as well")
    parser.add_argument("--keep", action="store_true", help="leave the lake where it was made")
    parser.add_argument("--work", type=Path, default=Path(".bench", "schemes").resolve())
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(folder: Path) -> Run:
    import population

    return Run(load(folder / "segmentation.yml"), Day.of(population.AS_OF), "bench__schemes")


# --- the features -------------------------------------------------------------------------------------------


def _draw(folder: Path, size: int) -> None:
    """The features of `size` customers, and the categories they bought, as the day's build leaves them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "segmentation.yml").write_text(SETTINGS)
    run = _run(folder)
    columns = _contract()
    path = lake.features_path(run.lake, run.day)
    lake.write_parquet(path, _drawn(columns, size), columns, key="customer_id")
    kinds = {"as_of": "date", "customer_id": "varchar", "category": "varchar", "net_w": "decimal(18,2)"}
    lake.write_parquet(folder / "categories.parquet", _categories(path), kinds)


def _contract() -> dict[str, str]:
    """Column → type of customer_features, from its contract."""
    import yaml

    text = (REPOSITORY / "dbt_project" / "models" / "features" / "_features.yml").read_text(encoding="utf-8")
    models = {model["name"]: model for model in yaml.safe_load(text)["models"]}
    return {column["name"]: column["data_type"] for column in models["customer_features"]["columns"]}


def _drawn(columns: dict[str, str], size: int) -> Iterator[pa.Table]:
    """Customers of the crowd, drawn again and again, each with a level of money of their own."""
    import numpy as np
    import population
    import pyarrow as pa

    crowd = population.crowd(CROWD, seed=1)
    crowd = crowd.assign(**{name: None for name in columns if name not in crowd})[list(columns)]
    money = [name for name, kind in columns.items() if kind.replace(" ", "") == "decimal(18,2)"]
    cents = {name: crowd[name].astype("float64").to_numpy() * 100 for name in money}
    others = pa.Table.from_pandas(crowd.drop(columns=money), preserve_index=False)
    rng = np.random.default_rng(0)
    for start in range(0, size, ROWS):
        rows = min(ROWS, size - start)
        drawn = rng.integers(0, CROWD, rows)
        level = rng.lognormal(0.0, 0.5, rows)
        table = others.take(drawn)
        ids = pa.array([f"c{number:09d}" for number in range(start, start + rows)])
        table = table.set_column(table.column_names.index("customer_id"), "customer_id", ids)
        for name, values in cents.items():
            table = table.append_column(name, _money(np.rint(values[drawn] * level)))
        yield table


def _money(cents: np.ndarray) -> pa.Array:
    """Whole cents as decimals of two places; nan is null."""
    import numpy as np
    import pyarrow as pa

    unknown = np.isnan(cents)
    whole = np.where(unknown, 0, cents).astype(np.int64)
    words = pa.py_buffer(np.column_stack([whole, whole >> 63]).tobytes())
    valid = pa.array(~unknown).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(whole), [valid, words])


def _categories(path: Path) -> Iterator[pd.DataFrame]:
    """Up to three categories of everybody with money in the window, out of thirty."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    for batch in lake.batches(path, ("customer_id", "as_of", "net_w"), ROWS):
        bought = batch[batch["net_w"] > 0]
        for place in range(3):
            names = np.array([f"category {number:02d}" for number in range(place * 10, place * 10 + 10)])
            yield pd.DataFrame(
                {
                    "as_of": bought["as_of"],
                    "customer_id": bought["customer_id"],
                    "category": rng.choice(names, len(bought)),
                    "net_w": (bought["net_w"] / (place + 2)).round(2),
                }
            )


# --- the measured part --------------------------------------------------------------------------------------


def _take(folder: Path, size: int, marts: bool) -> None:
    """Fit, score each scheme, and with `marts` all that follows: one JSON line each."""
    run = _run(folder)
    features = lake.features_path(run.lake, run.day)
    if marts:
        _build_an_empty_day(run, folder)
    else:
        lake.put(features, run.folder / "features" / "customer_features.parquet")
        (run.folder / "run.duckdb").touch()  # features count as built where their working file is
    _measured("fit", steps.fit_cutpoints, run)
    for family, schemes in steps.FAMILIES.items():
        for scheme, module in schemes.items():
            steps.FAMILIES[family] = {scheme: module}
            _measured(f"score:{scheme}", steps.score, run, family)
        steps.FAMILIES[family] = schemes
    if marts:  # where there is a working file, churn models look for a past in it, and find it empty
        _measured("fit:models", steps.ensure_models, run)
        _measured("score:models", steps.score_models, run)
    else:
        _measured("fit:value", steps.fit_value, run)
        _measured("score:value", value.score, run)
    if marts:
        scored = max(place for place, step in enumerate(steps.STEPS) if step.startswith("score"))
        for step in steps.STEPS[scored + 1 : -1]:  # all but publish, which copies
            _measured(step, steps.take, run, step)
            if step == "build_marts":
                _tables(run.folder / "dbt" / "marts_run_results.json")


def _build_an_empty_day(run: Run, folder: Path) -> None:
    """Every relation the marts read, of a shop with one empty file; then the drawn customers instead."""
    import duckdb

    sent = folder / "extracts" / "standard" / "customers" / "customers_2017-12-31.csv"
    sent.parent.mkdir(parents=True)
    customers = next(each for each in run.sources[0].extracts if each.name == "customers")
    sent.write_text(",".join(column.name for column in customers.columns) + "\n")
    os.environ.setdefault("SEGMENTATION_HASH_KEY", "nobody is hashed in a benchmark, but who knows")
    drawn = folder / "drawn.parquet"
    lake.put(lake.features_path(run.lake, run.day), drawn)
    for step in (steps.land, steps.load_raw, steps.read_feedback, steps.build_features):
        step(run)
    lake.put(drawn, lake.features_path(run.lake, run.day))
    taken = run.folder / "features" / "customer_features.parquet"
    lake.put(drawn, taken)
    with duckdb.connect(str(run.folder / "run.duckdb")) as connection:
        connection.execute("drop table if exists features.feat_customer_category")
        connection.read_parquet(str(folder / "categories.parquet")).create("features.feat_customer_category")


def _measured(name: str, step: Callable[..., Any], *arguments: Any) -> None:
    wall, cpu = time.perf_counter(), os.times()
    step(*arguments)
    now = os.times()
    used = sum(after - before for after, before in zip(now[:4], cpu[:4], strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _say(name, time.perf_counter() - wall, used, peak >> 10)


def _tables(path: Path) -> None:
    for result in json.loads(path.read_text())["results"]:
        kind, _, name = result["unique_id"].partition(".")
        if result["execution_time"] >= 0.05:
            _say(f"  {kind} {name.split('.')[1]}", result["execution_time"])


def _say(name: str, wall: float, cpu: float | None = None, peak_mib: int | None = None) -> None:
    line = {"what": name, "wall_s": round(wall, 2), "cpu_s": cpu and round(cpu, 2), "peak_mib": peak_mib}
    print(json.dumps(line), flush=True)


def _report(results: dict[int, list[dict[str, Any]]]) -> None:
    for size, lines in results.items():
        print(f"\n{size:,} customers, {len(steps.SCHEMES)} schemes")
        for line in lines:
            cpu = "" if line["cpu_s"] is None else f"{line['cpu_s']:10.2f} CPU s{line['peak_mib']:8,} MiB"
            print(f"  {line['what']:60}{line['wall_s']:9.2f} s{cpu}")
        scored = [line for line in lines if line["what"].startswith(("fit", "score:"))]
        wall, cpu = (sum(line[name] for line in scored) for name in ("wall_s", "cpu_s"))
        peak = max(line["peak_mib"] for line in scored)
        print(f"  {'all schemes':60}{wall:9.2f} s{cpu:10.2f} CPU s{peak:8,} MiB")


if __name__ == "__main__":
    main()
