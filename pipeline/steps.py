"""The steps of a day, each *read → call → write*: what the DAG's tasks and the benchmark call.

Every step can be killed at any point and run again: it replaces what it wrote and starts from what the step
before put in place. Each returns counts, never rows.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from models.schemes import FAMILIES, SCHEMES
from pipeline import (
    approval,
    churn,
    churn_facts,
    comparing,
    feedback_text,
    gates,
    hash_key,
    memory,
    monthly,
    value,
)
from pipeline.run import SEEDS, Run
from pipeline.settings import Settings
from storage import artifacts, declaration, incoming, lake, landing, published, raw, upkeep
from storage.lake import Day

log = logging.getLogger(__name__)

_FEATURE_LAYERS = (
    "tag:read_by_features",
    "path:models/raw",
    "path:models/staging",
    "path:models/features",
)
_PUBLISHED = "published.json"
_DICTIONARY = "dictionary.sha256"  # of the seeds as they were when the marts were built
INTERNAL_MARTS = ("published_measures", "reason_replay")
"""Marts the audit reads and BI does not see."""
_MART_LAYERS = ("path:seeds", "path:models/marts")


class RunIncomplete(ValueError):
    """What an earlier step of the run made is not there (any more); the message says from where to clear."""


def land(run: Run) -> dict[str, int]:
    """Copy what was delivered, byte for byte, and read what is new beside the lake, for the gate to judge."""
    key = hash_key.needed(run.sources)  # before anything is copied that could not be read
    run.claim()
    lake.require_free(run.lake, int(run.settings.resources.min_free_gib * 2**30))
    lake.remove_leftovers(run.lake)
    run.folder.mkdir(parents=True, exist_ok=True)
    place = incoming.place(run.settings.incoming, run.settings.incoming_connection)
    run.note()
    landed = landing.land(run.lake, place, run.sources, run.day.known_on)
    read = raw.read_pending(run.lake, run.sources, run.day.known_on, run.pending, run.settings.time_zone, key)
    counts = {
        "deliveries": len(landed.receipts),
        "new": len(read),
        "unknown_files": len(landed.unmatched),
        "still_being_written": len(landed.still_being_written),
        "sent_again": len(landed.sent_again),
        "rows_in": sum(delivery.rows_in for delivery in read),
        "rows_quarantined": sum(delivery.rows_quarantined for delivery in read),
    }
    if landed.unmatched:
        log.warning("no declaration names these files: %s", ", ".join(landed.unmatched))
    if landed.still_being_written:
        log.warning("still being written, not taken: %s", ", ".join(landed.still_being_written))
    if landed.sent_again:
        log.warning("sent again under their names with other bytes: %s", ", ".join(landed.sent_again))
    log.info("landed for %s (known on %s): %s", run.day.as_of, run.day.known_on, counts)
    return counts


def check_landed(run: Run) -> dict[str, int]:
    """Gate "landed": is every due extract here, whole, with its columns and about its usual size?"""
    deliveries = raw.deliveries(run.lake, run.sources, run.day.known_on, run.pending)
    return gates.check_landed(run.folder, run.day, run.sources, deliveries)


def load_raw(run: Run) -> dict[str, int]:
    """Put what passed the gate into raw and quarantine, and note every delivery the day may see."""
    raw.put_in_place(run.lake, run.pending)
    shutil.rmtree(run.folder / "fit", ignore_errors=True)  # it was built of what was there before
    raw.ensure_empty(run.lake, run.sources)
    deliveries = raw.deliveries(run.lake, run.sources, run.day.known_on)
    raw.write_deliveries(run.folder / "deliveries.parquet", deliveries)
    return {
        "deliveries": len(deliveries),
        "rows_in": sum(delivery.rows_in for delivery in deliveries),
        "rows_raw": sum(delivery.rows_raw for delivery in deliveries),
        "rows_quarantined": sum(delivery.rows_quarantined for delivery in deliveries),
    }


def read_feedback(run: Run) -> dict[str, Any]:
    """Topic and sentiment of the day's free texts, for the features; the month's model is made if need be."""
    return feedback_text.read(run, run.folder, run.day, _variables(run, run.folder, run.day))


def fit_sentiment(run: Run) -> dict[str, Any]:
    """Learn the month's sentiment from what was rated before its first day, and save it with its card."""
    return feedback_text.fit(run, _variables(run, run.folder, run.day))


def build_features(run: Run) -> dict[str, int]:
    """dbt: staging and features of the day, then the features into the lake."""
    counts = _build_features(run, run.folder, run.day)
    lake.put(run.folder / "features" / "customer_features.parquet", lake.features_path(run.lake, run.day))
    return counts


def _build_features(run: Run, folder: Path, day: Day) -> dict[str, int]:
    import transform

    folder.mkdir(parents=True, exist_ok=True)
    raw.write_deliveries(folder / "deliveries.parquet", raw.deliveries(run.lake, run.sources, day.known_on))
    for leftover in folder.glob("run.duckdb*"):  # a killed build's file is never built upon
        leftover.unlink()
    shutil.rmtree(folder / "features", ignore_errors=True)  # the lake may share its file: never write into it
    return transform.build(
        _FEATURE_LAYERS,
        folder,
        _variables(run, folder, day),
        "features",
        **run.settings.resources.of_build,
        without=("tag:training",),
    )


def time_models(run: Run, models: Sequence[str], folder: Path) -> dict[str, float]:
    """dbt: models of the features of the day, one at a time, with what they read; seconds of each.

    In a run two are built at once, and neither has the machine to itself.
    """
    import transform

    folder.mkdir(parents=True)
    raw.write_deliveries(
        folder / "deliveries.parquet", raw.deliveries(run.lake, run.sources, run.day.known_on)
    )
    transform.build(
        [f"+{model}" for model in models],
        folder,
        _variables(run, folder, run.day),
        "timed",
        run.settings.resources.memory_limit,
        models_at_once=1,
        tests=False,
        without=("tag:training",),
    )
    results = json.loads((folder / "dbt" / "timed_run_results.json").read_text(encoding="utf-8"))["results"]
    seconds = {node["unique_id"].split(".")[-1]: node["execution_time"] for node in results}
    return {model: seconds[model] for model in models}


def _variables(run: Run, folder: Path, day: Day) -> dict[str, Any]:
    return {
        "lake_root": str(run.lake),
        "run_dir": str(folder),
        "day_key": day.key,
        "as_of_dates": [{"as_of": day.as_of.isoformat(), "known_on": day.known_on.isoformat()}],
        "known_on": day.known_on.isoformat(),
        **asdict(run.settings.features),
        **declaration.variables(run.sources),
        "identity": list(run.settings.identity),
        "time_zone": run.settings.time_zone,
        "currency": run.settings.currency,
        "churn_horizon_days": run.settings.thresholds.churn.horizon_days,
    }


def check_features(run: Run) -> dict[str, int]:
    """Gate "features": would a model understand them, and does the money still add up?"""
    return gates.check_features(run.folder, run.day, lake.features_path(run.lake, run.day))


def ensure_cutpoints(run: Run) -> dict[str, Any]:
    """The cut-points in force on the day; made with the training DAG's own function if they are not there."""
    found = artifacts.in_force(run.lake, _cutpoint_kind(run), run.day)
    return {"cutpoint_version": found[0], "made": False} if found else fit_cutpoints(run)


def _cutpoint_kind(run: Run) -> str:
    return monthly.kind(run, "cutpoints")


def fit_cutpoints(run: Run) -> dict[str, Any]:
    """Fit the month's cut-points on the features of its first day, and save them with their card."""
    from models import cutpoints

    features = _month_start(run) / "features" / "customer_features.parquet"
    fitted = cutpoints.fit(lake.Columns(features), run.settings.thresholds)
    fitted = fitted.with_reference_shares(_shares(run, features, fitted))
    holds, saved = monthly.save(run, _cutpoint_kind(run), fitted)
    return {"cutpoint_version": holds, "fitted": saved, "made": True, "status": fitted.status}


def _month_start(run: Run) -> Path:
    """The folder with the features of the month's first day and the working file they were built in.

    It is the run's own where the run is of that day; else they are built beside it, once a run.
    """
    start = run.day.month_start
    own = (run.folder / "features" / "customer_features.parquet", run.folder / "run.duckdb")
    if start == run.day and all(path.exists() for path in own):
        return run.folder
    folder = run.folder / "fit"
    built = folder / "built.json"  # written last: what a killed build left is not taken for features
    if not (built.exists() and (folder / "run.duckdb").exists()):
        feedback_text.read(run, folder, start, _variables(run, folder, start))
        _build_features(run, folder, start)
        lake.write_json(built, {"as_of": start.as_of.isoformat()})
    return folder


def _shares(run: Run, features: Path, fitted: Any) -> dict[str, dict[str, float]]:
    """Scheme → segment → share of customers on the day of the fit: what later days are compared with."""
    shares = {}
    for scheme, module in SCHEMES.items():
        counts: dict[str, int] = dict.fromkeys(module.GROUPS, 0)
        for batch in lake.batches(features, module.FEATURES):
            judged = module.assign(batch, fitted, getattr(run.settings.thresholds, scheme))
            for segment, count in judged["segment"].value_counts().items():
                counts[segment] += int(count)
        total = sum(counts.values())
        if total:  # nobody has no shares, and nothing can be compared with them
            shares[scheme] = {segment: count / total for segment, count in counts.items()}
    return shares


def _cutpoints(run: Run) -> tuple[str, Any]:
    from models.cutpoints import Cutpoints

    version, payload = monthly.in_force(run, _cutpoint_kind(run), "ensure_cutpoints")
    return version, Cutpoints.from_json(payload)


def evaluate_cutpoints(run: Run) -> dict[str, Any]:
    """How far the month's cut-points moved the segments' shares against the month before, as PSI a scheme."""
    version, fitted = _cutpoints(run)
    before = artifacts.in_force(run.lake, _cutpoint_kind(run), _month_before(run.day))
    if before is None:
        return {"cutpoint_version": version, "status": fitted.status, "compared_with": None}
    from models.cutpoints import Cutpoints

    reference = Cutpoints.from_json(before[1]).reference_shares
    shift = {
        scheme: round(gates.psi(shares, reference[scheme]), 4)
        for scheme, shares in fitted.reference_shares.items()
        if scheme in reference
    }
    return {"cutpoint_version": version, "status": fitted.status, "compared_with": before[0], "psi": shift}


def _month_before(day: Day) -> Day:
    from datetime import timedelta

    return Day.of(day.month_start.as_of - timedelta(days=1)).month_start


def promote_cutpoints(run: Run) -> dict[str, Any]:
    """Name the month's cut-points as the ones in force."""
    version, _ = _cutpoints(run)
    artifacts.promote(run.lake, _cutpoint_kind(run), version)
    return {"cutpoint_version": version}


def ensure_models(run: Run) -> dict[str, Any]:
    """Laws of customer value and churn model in force on the day; made as the training DAG does, if not."""
    start = run.day.month_start
    worth = value.ensure(run, _month_start)
    variables = _variables(run, run.folder, start)
    return worth | churn.ensure(run, _month_start, variables, _cutpoints(run)[1])


def fit_value(run: Run) -> dict[str, Any]:
    """Fit the month's laws of customer value on the features of its first day, and save them with card."""
    return value.fit(run, _month_start(run))


def fit_churn(run: Run) -> dict[str, Any]:
    """Train the month's churn model on past days, judge it there, and save it with its card."""
    start = run.day.month_start
    made = churn.fit(run, _month_start(run), _variables(run, run.folder, start), _cutpoints(run)[1])
    approval.propose(run, made["fitted"])
    return made


def evaluate_churn(run: Run) -> dict[str, Any]:
    """Whether the month's churn model is clear, or a person has to be asked; `next` names the step."""
    return approval.evaluate(run, _month_before(run.day), _month_start(run))


def promote_churn(run: Run) -> dict[str, Any]:
    """Put the month's churn model in force."""
    return approval.promote(run)


def keep_champion(run: Run) -> dict[str, Any]:
    """Keep the churn model of the month before in force; without one the levels."""
    return approval.keep(run, _month_before(run.day))


def score_models(run: Run) -> dict[str, Any]:
    """What every customer is worth, and how likely those who can still be lost are to be lost."""
    return {"value": value.score(run), "churn": churn.score(run, _cutpoints(run)[1])}


def score(run: Run, family: str) -> dict[str, Any]:
    """Judge every customer by each scheme of a family, batch by batch: no score looks at a neighbour."""
    version, fitted = _cutpoints(run)
    counts = {}
    for scheme, module in FAMILIES[family].items():
        judged = (
            module.assign(batch, fitted, getattr(run.settings.thresholds, scheme))
            for batch in lake.batches(lake.features_path(run.lake, run.day), module.FEATURES)
        )
        counts[scheme] = lake.write_scores(run.lake, scheme, run.day, version, judged, columns=module.COLUMNS)
        log.info("scored %s of %s customers for %s", scheme, counts[scheme], run.day.key)
    return {"customers": counts, "cutpoint_version": version}


def compare(run: Run) -> dict[str, int]:
    """Count over all customers what SQL could not, or only dearly, for the marts to tell."""
    folder = run.folder / "compared"
    tries = {"daily": True, "monthly": run.day.as_of.day == 1, "never": False}[run.settings.what_if]
    fitted = _cutpoints(run)[1] if tries else None
    features = lake.features_path(run.lake, run.day)
    return {
        "pairs": comparing.write_pairs(run.lake, run.day, folder),
        "trials": comparing.write_trials(features, fitted, run.settings.thresholds, folder),
    }


def build_marts(run: Run) -> dict[str, int]:
    """dbt: what BI reads, into the run's folder: of the day, and of all days until the one BI will see.

    Raises RunIncomplete when the run's working file was dropped after it published.
    """
    import transform

    if not (run.folder / "run.duckdb").exists():
        msg = f"run {run.run_id} has no working file any more; clear build_features and after"
        raise RunIncomplete(msg)
    shutil.rmtree(run.folder / "marts", ignore_errors=True)  # a table that is no longer built must not stay
    lake.write_text(run.folder / _DICTIONARY, dictionary_hash())
    _write_cutpoint_facts(run)
    churn_facts.write(run)
    memory.gather(run, _cutpoint_kind(run), _cutpoints(run)[0])
    return transform.build(
        (*_MART_LAYERS, *memory.LAYERS),
        run.folder,
        _variables(run, run.folder, run.day),
        "marts",
        **run.settings.resources.of_build,
    )


def _write_cutpoint_facts(run: Run) -> None:
    import pandas as pd

    _, fitted = _cutpoints(run)
    facts = {
        "status": fitted.status,
        "gini": fitted.tiers.gini,
        "top_fifth_share": fitted.tiers.top_share,
    }
    kinds = {"status": "varchar", "gini": "double", "top_fifth_share": "double"}
    lake.write_parquet(run.folder / "cutpoints.parquet", [pd.DataFrame([facts])], kinds)


def audit(run: Run) -> dict[str, int]:
    """Gate "published": do the tables hold what BI was promised? Nothing is visible before they do."""
    import transform

    _, fitted = _cutpoints(run)
    memory.check(run)
    return gates.check_published(
        run.folder,
        run.day,
        contract=transform.descriptions(run.folder, "published"),
        # Too little data to fit on is too little to compare with: a shop's first half-year only shifts.
        reference_shares=fitted.reference_shares if fitted.status == "ok" else {},
        approved_shift=run.settings.approved_shift,
    )


def publish(run: Run) -> dict[str, Any]:
    """Show the audited tables to BI in one switch; drop the run's working files, keep what its gates said.

    Raises RunIncomplete when the run's tables were dropped after it published.
    """
    import transform

    if not (run.folder / "marts").exists():
        msg = (
            f"the tables of run {run.run_id} were dropped after it published; clear build_features and after"
        )
        raise RunIncomplete(msg)

    version, _ = _cutpoints(run)
    simulated = sorted(
        f"{source.name}.{extract.name}"
        for source in run.sources
        for extract in source.extracts
        if extract.simulated
    )
    facts = published.Facts(
        settings_hash=run.settings.meaning_hash,
        dictionary_hash=(run.folder / _DICTIONARY).read_text(),
        cutpoint_version=version,
        sources=tuple(sorted(run.settings.sources)),
        simulated_extracts=tuple(simulated),
    )
    outcome = published.publish(
        run.lake,
        run.folder / "marts",
        run.day,
        facts,
        extra={"quality_results": gates.quality_results(run.folder, run.day)},
        files={"gates.html": gates.report(run.folder, run.day, with_keys=False)},
        without=INTERNAL_MARTS,
        descriptions=transform.descriptions(run.folder, "published"),
        csv=run.settings.publish.csv,
        keep=run.settings.publish.keep,
        memory=memory.Shown(run, _variables(run, run.folder, run.day)),
    )
    lake.write_json(run.folder / _PUBLISHED, outcome)
    _clear_published_runs(run)
    return outcome


def _clear_published_runs(run: Run) -> None:
    """Drop the working files of runs that published: this one's at once, what it published with the next run.

    A publish that was killed after its switch is run again and needs its tables; runs that are still going
    on have not left their mark yet. What the gates and dbt said stays.
    """
    for mark in (run.lake / "runs").glob(f"*/{_PUBLISHED}"):
        spent = ["pending", "fit", "spill", "text"]
        if mark.parent != run.folder:
            spent += ["marts", "compared", "features", "memory", "history"]
        for name in spent:
            shutil.rmtree(mark.parent / name, ignore_errors=True)
        for leftover in mark.parent.glob("run.duckdb*"):
            leftover.unlink(missing_ok=True)


def rollback(settings: Settings, to: date | str | None) -> dict[str, Any]:
    """Hold BI at an older version, and the memory at its day; see `published.rollback`."""
    with _memory_alone(settings) as told:
        return published.rollback(settings.lake, to, told)


def unpin(settings: Settings) -> dict[str, Any]:
    """Let BI follow the greatest published day again, and the memory with it; see `published.unpin`."""
    with _memory_alone(settings) as told:
        return published.unpin(settings.lake, told)


@contextmanager
def _memory_alone(settings: Settings) -> Iterator[memory.Shown]:
    """Who builds the memory where no day is being published; what it worked with goes."""
    newest = published.newest(settings.lake)
    if newest is None:
        raise published.NothingPublished(f"nothing is published in {settings.lake / 'published'} yet")
    run = Run(settings, Day.of(newest), "memory", None)
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    try:
        with upkeep.working(run.lake):
            yield memory.Shown(run, _variables(run, run.folder, run.day))
    finally:
        shutil.rmtree(run.folder, ignore_errors=True)


def parse(run: Run) -> None:
    """Parse the dbt project for the run's builds; the first of them does so itself where nobody did."""
    import transform

    transform.parse(_variables(run, run.folder, run.day))


def write_docs(run: Run) -> Path:
    """The tables' documentation as one HTML page below the lake."""
    import transform

    return transform.docs(run.lake / "docs", _variables(run, run.lake / "docs", run.day))


def dictionary_hash() -> str:
    """SHA-256 over the seeds people edit: labels, definitions, reasons and actions."""
    digest = hashlib.sha256()
    for seed in sorted(SEEDS.glob("*.csv")):
        digest.update(seed.name.encode() + b"\0" + seed.read_bytes() + b"\0")
    return digest.hexdigest()


STEPS: Sequence[str] = (
    "land",
    "check_landed",
    "load_raw",
    "read_feedback",
    "build_features",
    "check_features",
    "ensure_cutpoints",
    "ensure_models",
    *(f"score:{family}" for family in FAMILIES),
    "score_models",
    "compare",
    "build_marts",
    "audit",
    "publish",
)
"""The steps of a day in order; `score:<family>` and `score_models` may run side by side."""


def take(run: Run, step: str) -> dict[str, Any]:
    """Run one step by its name in STEPS."""
    name, _, family = step.partition(":")
    with upkeep.working(run.lake):
        return globals()[name](run, family) if family else globals()[name](run)
