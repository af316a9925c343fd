"""The churn model on real purchases: what docs/churn_evaluation.md says, from the publishers' files.

    python bench/churn_real.py --data FOLDER [--sources cdnow …] [--horizons 90 60 30]

FOLDER holds online_retail, cdnow and olist as the tests know them (SEGMENTATION_TEST_DATA); Complete Journey
comes from its installed package, without the extracts the demo makes up. Each source is landed, loaded and
staged as any other; its past days are built by the SQL of the features, with what had been delivered by then.
At every cut-off with folds before it the model is trained, chosen and calibrated on earlier ones alone, and
held against every rule and against BG/NBD's P(alive) on the same customers. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tarfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins")]

from pipeline import churn, demo, steps  # noqa: E402
from pipeline.run import Run  # noqa: E402
from pipeline.settings import load  # noqa: E402
from storage import lake  # noqa: E402
from storage.lake import Day  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.churn.probability import ChurnModel

DAYS = {
    "complete_journey": ("America/New_York", "USD", Day.of(date(2018, 1, 1))),
    "online_retail": ("Europe/London", "GBP", Day.of(date(2011, 12, 10))),
    "cdnow": ("America/New_York", "USD", Day.of(date(1998, 7, 1))),
    # the dump came two months after the last order of a whole month
    "olist": ("America/Sao_Paulo", "BRL", Day.of(date(2018, 9, 1), date(2018, 11, 1))),
}
"""Source → time zone, currency and the day at the end of its purchases."""

MADE_UP = ("feedback", "returns", "survey_responses")
REPORTED_RUNS = 12
_COLUMNS = (
    *("source", "days", "cut-off", "folds", "customers", "rate", "AUC", "best rule", "P(alive)"),
    *("AP", "best rule", "P(alive)", "ECE", "season"),
)
HEAD = f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}"


def main() -> None:
    """Build each source once, train once a horizon, and print a row per cut-off."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sources", nargs="+", choices=DAYS, default=list(DAYS))
    parser.add_argument("--horizons", nargs="+", type=int, default=[90])
    parser.add_argument("--work", type=Path, default=Path(".bench", "churn_real").resolve())
    options = parser.parse_args()
    rows, told = [], []
    for source in options.sources:
        for horizon in options.horizons:
            model = trained(options.data, options.work / f"{source}_{horizon}", source, horizon)
            rows += _rows(source, horizon, model)
            gates = ", ".join(f"{name} {gate['found']:.3f}" for name, gate in model.gates.items())
            told.append(
                f"* {source}, {horizon} days: status {model.status}, decision **{model.decision}**"
                f" {'; '.join(model.why)} ({gates})"
            )
    print("\n".join([HEAD, *rows, "", *told]))


def trained(data: Path, work: Path, source: str, horizon: int) -> ChurnModel:
    """The churn model of the last day of a source, with every run its cut-offs allow."""
    from models.churn import probability, training

    zone, currency, day = DAYS[source]
    shutil.rmtree(work, ignore_errors=True)
    _lay_out(data, work / "extracts", source)
    (work / "segmentation.yml").write_text(
        f"sources: [{source}]\ntime_zone: {zone}\ncurrency: {currency}\nincoming: extracts\n"
        "resources: {min_free_gib: 0.1}\n"
        f"thresholds: {{churn: {{horizon_days: {horizon}}}}}\n"
    )
    run = Run(load(work / "segmentation.yml"), day, "real", None)
    for step in ("land", "load_raw", "read_feedback", "build_features"):
        steps.take(run, step)
    thresholds = replace(run.settings.thresholds.churn, runs=REPORTED_RUNS)
    today = lake.Columns(lake.features_path(run.lake, day))
    opened_on = probability.opened_on(today["first_order_on"], day.as_of)
    cutoffs = probability.cutoffs(day.as_of, opened_on, thresholds)
    variables: dict[str, Any] = steps._variables(run, run.folder, day)
    rows = churn.build_training(run, run.folder, day, cutoffs, variables)
    model = training.train(
        lambda of: today if of == day.as_of else lake.DayColumns(rows, of),
        day.as_of, opened_on, churn.known(run, day, cutoffs[0])[1], thresholds,
    )  # fmt: skip
    (work / "card.md").write_text(model.card())
    return model


def _lay_out(data: Path, incoming: Path, source: str) -> None:
    """The files of a source where an engineer would drop them."""
    folder = incoming / source
    if source == "complete_journey":
        demo.write_extracts(incoming)
        for extract in MADE_UP:
            shutil.rmtree(folder / extract)
        return
    folder.mkdir(parents=True)
    if source == "online_retail":
        with tarfile.open(data / source / "by_day_2010_2011.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    elif source == "cdnow":
        shutil.copyfile(data / source / "CDNOW_master.txt.gz", folder / "CDNOW_master_1998-07-01.txt.gz")
    else:
        place = folder / DAYS[source][2].known_on.isoformat()
        shutil.copytree(data / source, place, ignore=shutil.ignore_patterns("*sellers*"))


def _rows(source: str, horizon: int, model: ChurnModel) -> Iterator[str]:
    """A row of the table for each run of a model; best rule by the measure itself."""
    for day in dict.fromkeys(row["cutoff"] for row in model.backtest):
        rows = [row for row in model.backtest if row["cutoff"] == day]
        own = next(row for row in rows if row["band"] == "all" and not row["is_baseline"])
        rivals = {row["model"]: row for row in rows if row["is_baseline"]}
        rules = [row for name, row in rivals.items() if name not in ("p_alive", "orders_expected")]
        cells = [source, horizon, day, "overlapping" if model.folds["overlapping"] else "apart"]
        cells += [f"{own['n']:,}", f"{own['base_rate']:.1%}"]
        for measure in ("auc", "ap"):
            best = max(row[measure] for row in rules)
            cells += [f"{each:.3f}" for each in (own[measure], best, rivals["p_alive"][measure])]
        cells += [f"{own['ece']:.3f}", own["season"]]
        yield f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
