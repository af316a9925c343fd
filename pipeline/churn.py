"""The churn model of a month: learned from the customers of past days, whose fate is known by now.

Its rows come from the SQL of the features, built for several past days in one dbt call, each with what had
been delivered by then. They are built beside the day's features, in a schema of their own of the same working
file: the staging under them is read where it is, copying it would take as long as building it, and the day's
own orders say what became of everybody.

The model is fitted once a month and frozen like the cut-points. Where it may not be published, for too little
data, a label that tells nothing or a gate it does not pass, the artifact says so, and the levels speak alone.
"""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pipeline import monthly, value
from storage import artifacts, lake, raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from models.churn.probability import ChurnModel
    from models.cutpoints import Cutpoints
    from pipeline.run import Run
    from storage.lake import Day

log = logging.getLogger(__name__)

SCORES = "churn_probability"
KEYS = {"customer_id": "varchar", "as_of": "date", "known_on": "date", "churn_version": "varchar"}
_TRAINING = "churn_training"
_BESIDE = {"features": "features_of_cutoffs"}


def kind(run: Run) -> str:
    """Where the run's models rest; see `monthly.kind`. A release with other inputs makes its own."""
    from models.churn.inputs import INPUTS
    from models.churn.probability import ChurnModel

    return monthly.kind(run, "churn", [*INPUTS, *(each.name for each in fields(ChurnModel))])


def in_force(run: Run) -> tuple[str, ChurnModel]:
    """Version and model in force on the day. Raises NotFitted where its month has none."""
    from models.churn.probability import ChurnModel

    version, payload = monthly.in_force(run, kind(run), "ensure_models")
    return version, ChurnModel.from_json(payload)


def ensure(
    run: Run, month_start: Callable[[Run], Path], variables: Mapping[str, Any], cutpoints: Cutpoints
) -> dict[str, Any]:
    """The model in force on the day, fitted now where the training DAG has not."""
    found = artifacts.in_force(run.lake, kind(run), run.day)
    if found:
        return {"churn_version": found[0], "made": False}
    return fit(run, month_start(run), variables, cutpoints)


def fit(run: Run, folder: Path, variables: Mapping[str, Any], cutpoints: Cutpoints) -> dict[str, Any]:
    """Train on the past as seen from the month's first day, judge it, and save the model with its card.

    `folder` holds the features of that day and the working file they were built in. Cut-points and laws of
    value must be in force: the cut of the flag is where calling pays.
    """
    from models.churn import probability, training

    start = run.day.month_start
    thresholds = run.settings.thresholds.churn
    features = folder / "features" / "customer_features.parquet"
    today = lake.Columns(features)
    opened_on = probability.opened_on(today["first_order_on"], start.as_of)
    cutoffs = probability.cutoffs(start.as_of, opened_on, thresholds)
    rows = build_training(run, folder, start, cutoffs, variables) if cutoffs else None

    def frame(day: date) -> lake.Columns:
        return today if day == start.as_of else lake.DayColumns(rows, day)

    handed_over = any(known(run, start, cutoff)[1] == "handed_over" for cutoff in cutoffs)
    told = "handed_over" if handed_over else "as_then"
    model = training.train(frame, start.as_of, opened_on, told, thresholds)
    if model.decision != "rule" and thresholds.save_rate:  # one on hold may be approved yet
        model = model.with_cut(*_profit_cut(run, features, model, cutpoints))
    holds, saved = monthly.save(run, kind(run), model)
    log.info("churn model %s: %s, %s %s", saved, model.status, model.decision, ", ".join(model.why))
    return {
        "churn_version": holds,
        "fitted": saved,
        "made": True,
        "status": model.status,
        "decision": model.decision,
    }


def _profit_cut(run: Run, features: Path, model: ChurnModel, cutpoints: Cutpoints) -> tuple[float, str]:
    import numpy as np

    from models.churn import probability
    from models.value import customer_value

    _, worth = value.in_force(run)
    shown = model.with_decision("publish")
    wanted = list(dict.fromkeys((*probability.FEATURES, *customer_value.FEATURES)))
    p, clv = [np.empty(0)], [np.empty(0)]
    for batch in lake.batches(features, wanted):
        scored = probability.score(batch, cutpoints, shown, run.settings.thresholds.churn)
        p.append(scored["churn_probability"].to_numpy())
        clv.append(worth.score(batch)["expected_revenue_90d"].to_numpy(dtype=float, na_value=np.nan))
    cut, basis, _ = probability.profit_cut(
        np.concatenate(p), np.concatenate(clv), run.settings.thresholds.churn
    )
    return cut, basis


def score(run: Run, cutpoints: Cutpoints) -> dict[str, Any]:
    """Judge every customer by the month's model, batch by batch: no score looks at a neighbour."""
    from models.churn import probability
    from pipeline import churn_facts

    version, model = in_force(run)
    thresholds = run.settings.thresholds.churn
    watch = churn_facts.Watch(run, version, model)
    constants = {"as_of": run.day.as_of, "known_on": run.day.known_on, "churn_version": version}
    features = lake.features_path(run.lake, run.day)
    at_risk = 0

    def scored() -> Iterator[pd.DataFrame]:
        nonlocal at_risk
        for batch in lake.batches(features, probability.FEATURES):
            judged = probability.score(batch, cutpoints, model, thresholds)
            at_risk += int((judged["churn_probability"] >= model.cut).sum())
            watch.see(batch, cutpoints)
            yield judged.assign(**constants)

    customers = lake.write_parquet(
        lake.scores_path(run.lake, SCORES, run.day), scored(), KEYS | probability.COLUMNS, key="customer_id"
    )
    drifting = watch.write()
    log.info("scored %s customers for %s with %s (%s)", customers, run.day.key, version, model.decision)
    return {
        "customers": customers,
        "churn_version": version,
        "decision": model.decision,
        "at_risk": at_risk,
        "drifting": drifting,
    }


def known(run: Run, day: Day, cutoff: date) -> tuple[date, str]:
    """The last delivery day a cut-off sees, and what that is: `as_then` or `handed_over`.

    A cut-off sees what had been delivered by it. History from before the first delivery of purchases was
    handed over at once: it counts as known when it happened, or there would be no history at all.
    """
    first = min(
        (
            delivery.delivered_on
            for delivery in raw.deliveries(run.lake, run.sources, day.known_on)
            if delivery.status != "set_aside" and (delivery.source, delivery.extract) in _purchases(run)
        ),
        default=cutoff,
    )
    return (cutoff, "as_then") if cutoff >= first else (first, "handed_over")


def _purchases(run: Run) -> set[tuple[str, str]]:
    return {
        (source.name, extract.name)
        for source in run.sources
        for extract in source.extracts
        if "order_lines" in extract.fills
    }


def build_training(
    run: Run, folder: Path, day: Day, cutoffs: Sequence[date], variables: Mapping[str, Any]
) -> Path:
    """Build the rows of `cutoffs` over the staging and features of `day` in `folder`; return their file.

    Labels are read off the orders of `day`. Where there are more than thresholds.churn.max_customers, the
    rows are of a share of the customers, drawn by the hash of their id.
    """
    import transform

    days = [(cutoff, known(run, day, cutoff)[0]) for cutoff in sorted(cutoffs)]
    customers = len(lake.Columns(folder / "features" / "customer_features.parquet"))
    transform.build(
        (f"+{_TRAINING},path:models/features", _TRAINING),
        folder,
        {
            **variables,
            "run_dir": str(folder),
            "as_of_dates": [
                {"as_of": as_of.isoformat(), "known_on": known_on.isoformat()} for as_of, known_on in days
            ],
            "day_of_labels": day.as_of.isoformat(),
            "customers_below": _hash_below(run.settings.thresholds.churn.max_customers, customers),
        },
        _TRAINING,
        **run.settings.resources.of_build,
        tests=False,
        schemas=_BESIDE,
    )
    return training_rows(folder)


def _hash_below(wanted: int, customers: int) -> str | None:
    """The hexadecimal number below which about `wanted` hashes lie; None where all are wanted."""
    return None if customers <= wanted else f"{int(wanted / customers * 2**32):08x}"


def training_rows(folder: Path) -> Path:
    """Where `build_training` leaves the rows it built."""
    return folder / "features" / f"{_TRAINING}.parquet"
