"""The churn model at size: train it on several past days of many customers, then score a day.

    python bench/churn.py --customers 1000000 --cutoffs 5

Days are drawn with planted churn (tests/models/churn/drawn.py), every input filled, and stored as the
features are. Training and scoring run in a process of their own each; imports are not counted. One JSON line
each: wall and CPU seconds, peak resident memory in MiB, and what came of it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins"), str(REPOSITORY / "tests" / "models" / "churn")]

import drawn  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from models.churn import folds, inputs, probability, training  # noqa: E402
from storage import lake  # noqa: E402

THRESHOLDS = probability.Thresholds()
for name in ("scipy.optimize", "scipy.special", "sklearn.ensemble", "sklearn.linear_model"):
    importlib.import_module(name)  # not counted: a process imports once


def main() -> None:
    """Draw the days, then train and score, each in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--cutoffs", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path(".bench", "churn").resolve())
    parser.add_argument("--take", choices=("train", "score"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    days = tuple(drawn.AS_OF - timedelta(days=90 * back) for back in range(options.cutoffs, -1, -1))
    if options.take:
        print(json.dumps({"train": _train, "score": _score}[options.take](options.work, days)))
        return
    options.work.mkdir(parents=True, exist_ok=True)
    for at, day in enumerate(days):
        _draw(options.work / f"{day}.parquet", options.customers, at, is_labelled=day != drawn.AS_OF)
    for step in ("train", "score"):
        command = [sys.executable, __file__, "--work", str(options.work), "--take", step]
        subprocess.run([*command, "--cutoffs", str(options.cutoffs)], check=True)
    shutil.rmtree(options.work)


def _draw(path: Path, customers: int, seed: int, *, is_labelled: bool) -> None:
    """One day; every column that the planted effects leave empty is filled with counts, a third unknown."""
    frame = drawn.draw(customers, seed)
    rng = np.random.default_rng(seed + 1_000)
    for name in inputs.TRAINING:
        if frame[name].isna().all():
            frame[name] = np.where(rng.random(customers) < 0.3, np.nan, rng.poisson(3, customers))
    if not is_labelled:
        frame["is_churned"] = pd.array([None] * customers, dtype="boolean")
    frame.to_parquet(path, index=False)


def _train(work: Path, days: tuple) -> dict:
    thresholds = probability.Thresholds(reach_days=90 * (len(days) - 1))
    started = time.perf_counter(), sum(os.times()[:4])
    model = training.train(
        lambda day: lake.Columns(work / f"{day}.parquet"), days[-1], drawn.FIRST, "as_then", thresholds
    )
    measured = _measured("train", *started)
    (work / "model.json").write_text(model.to_json())
    test = model.backtest[0]
    runs = len({row["cutoff"] for row in model.backtest})
    return measured | {
        "decision": model.decision,
        "runs": runs,
        "auc": test["auc"],
        "ece": test["ece"],
        "bytes": len(model.to_json()),
    }


def _score(work: Path, days: tuple) -> dict:
    path = work / f"{days[-1]}.parquet"
    laws = folds.laws_of(lake.Columns(path), THRESHOLDS)
    started = time.perf_counter(), sum(os.times()[:4])
    model = probability.ChurnModel.from_json((work / "model.json").read_text()).with_decision("publish")
    rows = 0
    for batch in lake.batches(path, probability.FEATURES):
        rows += int(probability.score(batch, laws, model, THRESHOLDS)["is_eligible"].sum())
    return _measured("score", *started) | {"eligible": rows}


def _measured(step: str, wall: float, cpu: float) -> dict:
    return {
        "step": step,
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(sum(os.times()[:4]) - cpu, 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


if __name__ == "__main__":
    main()
