"""The pipeline beside its peers, in one call: ratios, CPU and peak memory; a benchmark, never a timed test.

    make bench LINES=10000000 BENCH='--peers FOLDER'

`FOLDER` holds the peers: `gen.py` (a generator of order lines), `duckdb_rfm.py` (the same customer table in
hand-written SQL: the floor) and `e2e.py` (a lean whole pipeline in one process). Each is run in turn with the
pipeline, `--reps` times; medians are compared, because absolute times swing on a shared machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

AS_OF = "2026-01-01"  # the generator's snapshot: two years of lines end the day before
SETTINGS = """sources: [bench]
time_zone: UTC
currency: USD
lake: lake
incoming: extracts
publish: {{csv: false}}
resources: {{memory_limit: {memory}, min_free_gib: 1.0}}
"""

# Stage → steps of the pipeline (a prefix will do), stages of e2e, and what ours does beside the same work.
STAGES = {
    "row checks": (
        ("land", "check_landed"),
        ("row_checks",),
        "hashes and copies what was sent, rewrites it as raw, starts Great Expectations (2 s)",
    ),
    "features": (
        ("read_feedback", "build_features", "check_features"),
        ("key_unique", "features"),
        "starts dbt and reads the project (4 s), 270 columns for 19, accounts for every file, 60 promises",
    ),
    "score": (("score:",), ("score",), "every scheme for one, each with its reasons"),
    "publish": (
        ("build_marts", "audit", "publish"),
        ("publish_write", "gate_swap"),
        "62 tables in two languages for one, every reason replayed, the memory, a DuckDB file for BI",
    ),
}


def main() -> None:
    """Generate, lay out, run everything in turn, print one table."""
    options = _options()
    work = options.work / f"{options.lines}"
    data = work / "data"
    if not (data / "done").exists():
        _measured(
            [
                options.peer_python,
                str(options.peers / "gen.py"),
                "--lines",
                str(options.lines),
                "--out",
                str(data),
            ]
        )
        (data / "done").touch()
    _lay_out(data, work / "extracts" / "bench" / "lines")
    settings = work / "segmentation.yml"
    settings.write_text(SETTINGS.format(memory=options.memory))
    os.environ["BENCH_TMP"] = str(work / "peers")
    (work / "peers").mkdir(exist_ok=True)
    commands = {
        "duckdb_rfm": [options.peer_python, str(options.peers / "duckdb_rfm.py"), str(data)],
        "e2e": [options.peer_python, str(options.peers / "e2e.py"), str(data)],
        "pipeline": [sys.executable, str(Path(__file__).with_name("day.py")), str(settings), AS_OF],
    }
    results: dict[str, list[dict]] = {name: [] for name in commands}
    for _ in range(options.reps):
        for name, command in commands.items():
            if name == "pipeline":
                shutil.rmtree(work / "lake", ignore_errors=True)
            results[name].append(_measured(command))
    _report(options.lines, results)
    same = [sys.executable, str(Path(__file__).with_name("same_columns.py")), str(settings), AS_OF]
    _report_sql(work / "lake", results, _measured(same)["said"][-1])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument(
        "--peers", type=Path, default=os.environ.get("BENCH_PEERS"), required="BENCH_PEERS" not in os.environ
    )
    parser.add_argument(
        "--peer-python", default=sys.executable, help="an interpreter with what the peers need"
    )
    parser.add_argument("--work", type=Path, default=Path(".bench").resolve())
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit in the pipeline")
    parser.add_argument("--reps", type=int, default=3)
    options = parser.parse_args()
    options.peers = Path(options.peers).resolve()
    return options


def _lay_out(data: Path, folder: Path) -> None:
    """The generator's monthly files as a source delivers them: each on the first day of the next month."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(data.glob("lines-*.parquet")):
        year, month = (int(part) for part in path.stem.split("-")[1:])
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        place = folder / f"lines_{year}-{month:02d}-01.parquet"
        if not place.exists():
            os.link(path, place)


def _measured(command: list[str]) -> dict:
    """Run a command; its wall and CPU seconds, the peak memory of its process tree, and its JSON lines."""
    began, before = time.perf_counter(), os.times()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out)
        root, peak = psutil.Process(process.pid), 0
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):  # a child that ended between listing and asking
                peak = max(peak, sum(p.memory_info().rss for p in [root, *root.children(recursive=True)]))
            time.sleep(0.05)
        out.seek(0)
        lines = out.read().splitlines()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    said = [json.loads(line) for line in lines if line.startswith("{")]
    return {"wall": time.perf_counter() - began, "cpu": cpu, "peak_mib": peak >> 20, "said": said}


def _report(lines: int, results: dict[str, list[dict]]) -> None:
    floor = statistics.median(run["wall"] for run in results["duckdb_rfm"])
    lean = statistics.median(run["wall"] for run in results["e2e"])
    print(f"\n{lines:,} lines · medians of {len(results['e2e'])} runs in turn")
    print(f"{'':14}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}{'× floor':>9}{'× e2e':>8}")
    for name, runs in results.items():
        wall = statistics.median(run["wall"] for run in runs)
        cpu = statistics.median(run["cpu"] for run in runs)
        peak = max(run["peak_mib"] for run in runs)
        print(f"{name:14}{wall:9.1f}{cpu:9.1f}{peak:10,}{wall / floor:9.2f}{wall / lean:8.2f}")
    _report_stages(results)
    print("\nstages of e2e: " + ", ".join(f"{k} {v}" for k, v in results["e2e"][-1]["said"][-1].items()))
    print("\nsteps of the pipeline (last run)")
    for step in results["pipeline"][-1]["said"]:
        print(
            f"  {step['step']:24}{step['wall_s']:9.2f} s{step['cpu_s']:9.2f} CPU s{step['peak_mib']:9,} MiB"
        )


def _report_stages(results: dict[str, list[dict]]) -> None:
    """The stages both have, side by side: medians of wall seconds, the ratio of each and of their sums."""
    ours, theirs = [], []
    print(f"\n{'stages of both':14}{'pipeline s':>12}{'e2e s':>8}{'ratio':>8}  beside the same work, ours …")
    for stage, (steps, peers, besides) in STAGES.items():
        ours.append(
            statistics.median(
                sum(step["wall_s"] for step in run["said"] if step["step"].startswith(steps))
                for run in results["pipeline"]
            )
        )
        theirs.append(
            statistics.median(sum(run["said"][-1][peer] for peer in peers) for run in results["e2e"])
        )
        print(f"{stage:14}{ours[-1]:12.1f}{theirs[-1]:8.2f}{ours[-1] / theirs[-1]:8.1f}  {besides}")
    print(f"{'together':14}{sum(ours):12.1f}{sum(theirs):8.2f}{sum(ours) / sum(theirs):8.1f}")


def _report_sql(lake: Path, results: dict[str, list[dict]], same: dict[str, float]) -> None:
    """The SQL of the features beside that of e2e: the columns it has as well, alone; and every column."""
    (told,) = lake.glob(f"runs/bench__{AS_OF}/dbt/features_run_results.json")
    nodes = [
        node["execution_time"]
        for node in json.loads(told.read_text())["results"]
        if node["unique_id"].startswith("model.")
    ]
    last = results["e2e"][-1]["said"][-1]
    theirs = last["key_unique"] + last["features"]
    print(f"\n{'SQL of the features':44}{'pipeline s':>12}{'e2e s':>8}{'ratio':>8}")
    for what, ours in (
        ("the same columns, nothing beside", sum(same.values())),
        ("every column, two tables at once, summed up", sum(nodes)),
    ):
        print(f"{what:44}{ours:12.2f}{theirs:8.2f}{ours / theirs:8.1f}")
    print("  " + ", ".join(f"{model} {seconds:.2f}" for model, seconds in same.items()))


if __name__ == "__main__":
    main()
