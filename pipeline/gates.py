"""The three gates of a day: what each looks at, what it says, and where an operator reads it.

Each gate puts small frames together from what storage and the run's folder hold, has `expectations` judge
them, stores the verdicts below `<run>/gates/` and only then stops the day on a broken promise:

    landed.json, features.json, published.json      one object per promise
    <gate>_failing_keys.parquet                     up to 100 failing keys per promise
    gates.html                                      all gates so far, for people
    quality_results.parquet                         the same as a table, once all three have spoken
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from expectations import gate
from expectations.gate import Verdict
from expectations.report import render
from models.schemes import SCHEMES
from storage import lake

if TYPE_CHECKING:
    import pyarrow as pa
    from pandas import DataFrame

    from storage.declaration import Extract, Source
    from storage.lake import Day
    from storage.raw import Delivery

log = logging.getLogger(__name__)

GATES = ("landed", "features", "published")

WEEKS_BEFORE = 8  # the same weekday of so many weeks before says what is usual
FEWEST_WEEKS = 4  # with fewer of them delivered, nothing is usual yet

# Marts that are for the audit, not for BI.
MEASURES = "published_measures"
REPLAY = "reason_replay"
MEMORY_MEASURES = "memory_measures"

# Tables of one row per customer: every scheme's and the wide one.
SCHEME_TABLES = {scheme: "churn_flag" if scheme == "churn_level" else scheme for scheme in SCHEMES}
CUSTOMER_TABLES = (*SCHEME_TABLES.values(), "customer_value", "customer_360")

QUALITY_RESULTS = {
    "as_of": "date",
    "known_on": "date",
    "gate": "varchar",
    "promise": "varchar",
    "subject": "varchar",
    "strength": "varchar",
    "passed": "boolean",
    "observed": "varchar",
    "expected": "varchar",
    "failing_count": "bigint",
    "text_zh": "varchar",
    "text_en": "varchar",
}
FAILING_KEYS = {"gate": "varchar", "promise": "varchar", "subject": "varchar", "key": "varchar"}


class GateNotPassed(FileNotFoundError):
    """A gate has not spoken about this run yet."""


# --- landed ------------------------------------------------------------------------------------------------


def check_landed(
    run_dir: Path, day: Day, sources: Sequence[Source], deliveries: Sequence[Delivery]
) -> dict[str, int]:
    """Gate "landed": is every due extract here, whole, with its columns and about its usual size?

    `deliveries` are all the day may see, those read but not yet loaded among them. Returns counts of
    promises. Raises PromiseBroken naming what is missing, set aside or too small.
    """
    frames = {
        "extracts": extracts_frame(sources, deliveries, day),
        "deliveries": deliveries_frame(deliveries),
    }
    return _judge(run_dir, day, "landed", frames)


def extracts_frame(sources: Sequence[Source], deliveries: Sequence[Delivery], day: Day) -> DataFrame:
    """One row per declared extract (key: source, extract), as seen on `day.as_of`.

    `state_today` is usable, sent again (only files that were delivered before), missing and what was looked
    for, not due, or why the file was set aside. `weekday_median_rows` is the median rows of the accepted
    deliveries of the same weekday in the 8 weeks before, empty with fewer than 4; `rows_ratio` compares with
    it, and is empty on a day without an accepted delivery: that is `state_today`'s to say.
    `earlier_missing_days` counts the days other than this one, from the first usable delivery to
    `day.known_on`, on which the extract was due and no usable delivery is known.
    """
    import pandas as pd

    by_extract: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in deliveries:
        by_extract.setdefault((delivery.source, delivery.extract), []).append(delivery)
    rows = [
        _extract_row(extract, by_extract.get((source.name, extract.name), []), day)
        for source in sources
        for extract in source.extracts
    ]
    return pd.DataFrame(sorted(rows, key=lambda row: (row["source"], row["extract"])))


def _extract_row(extract: Extract, deliveries: Sequence[Delivery], day: Day) -> dict[str, Any]:
    usable = [delivery for delivery in deliveries if delivery.status in ("accepted", "duplicate")]
    today = [delivery for delivery in deliveries if delivery.delivered_on == day.as_of]
    accepted = [delivery for delivery in today if delivery.status == "accepted"]
    set_aside = [delivery for delivery in today if delivery.status == "set_aside"]
    rows_in = sum(delivery.rows_in for delivery in accepted)
    quarantined = sum(delivery.rows_quarantined for delivery in accepted)
    usual = _weekday_median_rows(deliveries, day.as_of)
    added = sorted({column for each in today for column in (each.added_columns or "").split(",") if column})
    return {
        "source": extract.source,
        "extract": extract.name,
        "required": extract.required,
        "due": extract.is_due(day.as_of),
        "state_today": _state(extract, today, day),
        "usable_deliveries_today": sum(delivery.delivered_on == day.as_of for delivery in usable),
        "usable_deliveries_ever": len(usable),
        "set_aside_today": len(set_aside),
        "duplicates_today": sum(delivery.status == "duplicate" for delivery in today),
        "missing_columns": ",".join(
            sorted({each.missing_columns for each in set_aside if each.missing_columns})
        ),
        "added_columns_today": ",".join(added) or None,
        "rows_in_today": rows_in,
        "weekday_median_rows": usual,
        "rows_ratio": rows_in / usual if usual and accepted else math.nan,
        "quarantined_share_today": quarantined / rows_in if rows_in else math.nan,
        "earlier_missing_days": _earlier_missing_days(extract, usable, day),
    }


def _state(extract: Extract, today: Sequence[Delivery], day: Day) -> str:
    statuses = {delivery.status for delivery in today}
    if "accepted" in statuses:
        return "usable"
    if "duplicate" in statuses:
        return "sent again"
    if today:
        reasons = sorted({_reason(delivery) for delivery in today})
        return f"set aside ({'; '.join(reasons)})"
    return f"missing ({_expected(extract, day.as_of)})" if extract.is_due(day.as_of) else "not due"


def _expected(extract: Extract, as_of: date) -> str:
    """What was looked for below the source's folder: the declared path, with the day where it says so."""
    path = extract.path.replace("{delivered_on}", as_of.isoformat())
    marked = " and its marker" if extract.marker else ""
    return f"no file like {path}{f' of {as_of}' if '{' in path else ''}{marked}"


def _reason(delivery: Delivery) -> str:
    reason = delivery.reason or delivery.status
    return f"{reason}, without {delivery.missing_columns}" if delivery.missing_columns else reason


def _weekday_median_rows(deliveries: Sequence[Delivery], as_of: date) -> float:
    weeks = {as_of - timedelta(weeks=weeks) for weeks in range(1, WEEKS_BEFORE + 1)}
    rows: Counter[date] = Counter()
    for delivery in deliveries:
        if delivery.delivered_on in weeks and delivery.status == "accepted":
            rows[delivery.delivered_on] += delivery.rows_in
    return float(median(rows.values())) if len(rows) >= FEWEST_WEEKS else math.nan


def _earlier_missing_days(extract: Extract, usable: Sequence[Delivery], day: Day) -> int:
    if not usable:
        return 0
    here = {delivery.delivered_on for delivery in usable}
    first = min(here)
    days = (first + timedelta(days=n) for n in range((day.known_on - first).days + 1))
    return sum(extract.is_due(each) and each not in here for each in days if each != day.as_of)


def deliveries_frame(deliveries: Sequence[Delivery]) -> DataFrame:
    """One row per delivered file (key: source, extract, delivered_on, file, content).

    `rows_unaccounted` is rows_in - rows_raw - rows_quarantined; it is not promised of a duplicate, whose rows
    are counted in and go nowhere.
    """
    import pandas as pd

    columns = ("source", "extract", "file", "content", "status", "reason", "rows_in", "rows_raw")
    rows = [
        {name: getattr(delivery, name) for name in columns}
        | {
            "delivered_on": pd.Timestamp(delivery.delivered_on),
            "rows_unaccounted": delivery.rows_in - delivery.rows_raw - delivery.rows_quarantined,
        }
        for delivery in deliveries
    ]
    frame = pd.DataFrame(rows, columns=[*columns, "delivered_on", "rows_unaccounted"])
    return frame.sort_values(["source", "extract", "delivered_on", "file", "content"], ignore_index=True)


# --- features ----------------------------------------------------------------------------------------------


def check_features(run_dir: Path, day: Day, features: Path) -> dict[str, int]:
    """Gate "features": would a model understand the customers, and does the money still add up?

    Reads `features` batch by batch, and the measures dbt left in the run's folder. Returns counts of
    promises; raises PromiseBroken.
    """
    frames = {
        "customer_features": lambda columns: _batches(features, columns),
        "feature_measures": feature_measures_frame(run_dir / "features" / "feature_measures.parquet"),
        "owner_conflicts": lambda columns: _batches(
            run_dir / "features" / "owner_conflicts.parquet", columns
        ),
        "identity_report": lake.table(
            run_dir / "features" / "identity_report.parquet",
            ("rule", "source", "other_source", "ambiguous", "refused"),
        ),
    }
    return _judge(run_dir, day, "features", frames)


def _batches(path: Path, columns: Sequence[str]) -> Iterator[DataFrame]:
    """The wanted columns that are there: of a lost one the gate says which promises it breaks."""
    import pyarrow.parquet as pq

    there = set(pq.read_schema(path).names)
    return lake.batches(path, [column for column in columns if column in there])


def feature_measures_frame(path: Path) -> DataFrame:
    """The measures of the day, one row per as_of, with `net_difference` subtracted as decimals.

    As doubles two amounts beyond 90 trillion cannot be told apart by a cent; as decimals they can.
    """
    import pyarrow.parquet as pq

    rows = pq.read_table(path).to_pylist()
    frame = lake.table(path, pq.read_schema(path).names)
    frame["net_difference"] = [
        float(Decimal(row["net_features"]) + Decimal(row["net_anonymous"]) - Decimal(row["net_staging"]))
        for row in rows
    ]
    return frame


# --- published ---------------------------------------------------------------------------------------------


def check_published(
    run_dir: Path,
    day: Day,
    *,
    contract: Mapping[str, Mapping[str, Any]],
    reference_shares: Mapping[str, Mapping[str, float]],
    approved_shift: Collection[str] = (),
) -> dict[str, int]:
    """Gate "published", the audit: do the finished tables hold what BI was promised?

    `contract` is table → {"types": {column → SQL type, in order}, "columns": {column → description}};
    `reference_shares` is scheme → segment → share of customers at the fit of the cut-points in force, and
    `approved_shift` names the schemes whose drift somebody has looked at. Returns counts of promises; raises
    PromiseBroken.
    """
    marts = run_dir / "marts"
    measures = lake.table(marts / f"{MEASURES}.parquet", ("table_name", "measure", "subject", "value"))
    shares = shares_frame(measures, reference_shares)
    frames = {
        "published_measures": published_measures_frame(measures),
        "reason_replay": lambda columns: _replayed(marts / f"{REPLAY}.parquet", columns),
        "columns": columns_frame(marts, contract),
        "shares": shares,
        "drift": drift_frame(shares, approved_shift),
    }
    return _judge(run_dir, day, "published", frames)


def check_memory(run_dir: Path, day: Day, contract: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Gate "memory": is what is told of the days the days themselves?

    Not one of the day's three gates, whose verdicts are published with it: what is found here is of all days.
    Returns counts of promises; raises PromiseBroken.
    """
    tables = run_dir / "memory"
    measures = tables / f"{MEMORY_MEASURES}.parquet"
    import pyarrow.parquet as pq

    frames = {
        "memory_measures": lake.table(measures, pq.read_schema(measures).names),
        "columns": columns_frame(tables, contract),
    }
    return _judge(run_dir, day, "memory", frames)


def published_measures_frame(measures: DataFrame) -> DataFrame:
    """One row per table, one column per measure of the table as a whole; empty where it has no such measure.

    `customers` repeats the number of customers in the features for the tables that must have as many rows.
    """
    whole = measures[measures["subject"] == ""]
    frame = whole.pivot(index="table_name", columns="measure", values="value").rename_axis(columns=None)
    frame = frame.sort_index().reset_index()
    customers = frame.loc[frame["table_name"] == "customer_features", "rows"]
    per_customer = frame["table_name"].isin(CUSTOMER_TABLES)
    frame["customers"] = math.nan
    if len(customers):
        frame.loc[per_customer, "customers"] = float(customers.iloc[0])
    # The features are the audit's yardstick; promises about published tables are not theirs to keep.
    return frame[frame["table_name"] != "customer_features"].reset_index(drop=True)


def _replayed(path: Path, columns: Sequence[str]) -> Iterator[DataFrame]:
    """The customers whose reason does not replay: the keys behind two measures, which hold without them."""
    return _batches(path, columns) if path.exists() else iter(())


def columns_frame(marts: Path, contract: Mapping[str, Mapping[str, Any]]) -> DataFrame:
    """One row per column of a finished table, found, promised or both; positions count from 1.

    A promised column that is not there has no `position`, one nobody promised no `promised_position`.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    rows = []
    for path in sorted(marts.glob("*.parquet")):
        table = path.stem
        if table in (MEASURES, REPLAY, MEMORY_MEASURES):
            continue
        schema = pq.read_schema(path)
        types = contract.get(table, {}).get("types", {})
        descriptions = contract.get(table, {}).get("columns", {})
        found = {field.name: (place, _sql_type(field.type)) for place, field in enumerate(schema, 1)}
        promised = {name: (place, _spelled(kind)) for place, (name, kind) in enumerate(types.items(), 1)}
        rows += [
            {
                "table_name": table,
                "column_name": name,
                "position": found.get(name, (math.nan, None))[0],
                "data_type": found.get(name, (math.nan, None))[1],
                "promised_position": promised.get(name, (math.nan, None))[0],
                "promised_type": promised.get(name, (math.nan, None))[1],
                "description": descriptions.get(name) or None,
            }
            for name in dict.fromkeys([*promised, *found])
        ]
    names = ("table_name", "column_name", "position", "data_type", "promised_position", "promised_type")
    return pd.DataFrame(rows, columns=[*names, "description"])


def _sql_type(kind: pa.DataType) -> str:
    """A Parquet column's type in the words of the contract."""
    names = {
        "string": "varchar",
        "large_string": "varchar",
        "int64": "bigint",
        "int32": "integer",
        "int16": "smallint",
        "int8": "tinyint",
        "double": "double",
        "float": "real",
        "bool": "boolean",
        "date32[day]": "date",
        "timestamp[us]": "timestamp",
    }
    spelled = str(kind)
    if spelled.startswith("decimal128"):
        return _spelled(spelled.replace("decimal128", "decimal"))
    return names.get(spelled, spelled)


def _spelled(kind: str | None) -> str | None:
    return kind.lower().replace(" ", "") if kind else None


def shares_frame(measures: DataFrame, reference_shares: Mapping[str, Mapping[str, float]]) -> DataFrame:
    """One row per scheme and segment, found or in the reference (key: scheme, segment).

    `size_ratio` is share : reference_share, each no smaller than half a customer of today. Both references
    are empty for a scheme the cut-points hold no shares of.
    """
    import pandas as pd

    found: dict[tuple[str, str], dict[str, float]] = {}
    profile = measures[(measures["table_name"] == "segment_profile") & (measures["subject"] != "")]
    for subject, measure, value in zip(profile["subject"], profile["measure"], profile["value"], strict=True):
        scheme, _, segment = subject.partition("/")
        found.setdefault((scheme, segment), {})[measure] = value
    sizes: Counter[str] = Counter()
    for (scheme, _), values in found.items():
        sizes[scheme] += values["customers"]
    keys = {*found, *((scheme, segment) for scheme, of in reference_shares.items() for segment in of)}
    rows = []
    for scheme, segment in sorted(keys):
        customers = found.get((scheme, segment), {}).get("customers", 0.0)
        share = customers / sizes[scheme] if sizes[scheme] else 0.0
        reference = reference_shares[scheme].get(segment, 0.0) if reference_shares.get(scheme) else math.nan
        empty = _empty_cell(sizes[scheme])
        rows.append(
            {
                "scheme": scheme,
                "segment": segment,
                "customers": customers,
                "share": share,
                "reference_share": reference,
                "reference_customers": reference * sizes[scheme],
                "size_ratio": round(max(share, empty) / max(reference, empty), 6),
            }
        )
    columns = ["scheme", "segment", "customers", "share", "reference_share", "reference_customers"]
    return pd.DataFrame(rows, columns=[*columns, "size_ratio"])


def drift_frame(shares: DataFrame, approved_shift: Collection[str]) -> DataFrame:
    """One row per scheme: `psi` of its shares against the reference, empty where there is none."""
    import pandas as pd

    rows = []
    for scheme, mine in shares.groupby("scheme", sort=True):
        customers = float(mine["customers"].sum())
        today = dict(zip(mine["segment"], mine["share"], strict=True))
        reference = dict(zip(mine["segment"], mine["reference_share"], strict=True))
        known = not any(map(math.isnan, reference.values()))
        rows.append(
            {
                "scheme": scheme,
                "customers": customers,
                "share_sum": math.fsum(today.values()),
                "psi": round(psi(today, reference, customers), 6) if known and customers else math.nan,
                "approved": scheme in approved_shift,
            }
        )
    return pd.DataFrame(rows, columns=["scheme", "customers", "share_sum", "psi", "approved"])


def psi(shares: Mapping[str, float], reference: Mapping[str, float], customers: float | None = None) -> float:
    """Population stability index: Σ (pᵢ - qᵢ) · ln(pᵢ / qᵢ) over the segments i of either side.

    p are `shares`, q the `reference`. A share below ε counts as ε, as ln 0 has no value: ε is 0.0001, or half
    a customer where `customers` are given and so few that half of one is more. With a fixed ε, one customer
    of forty who enters an empty segment would be a PSI of .14, with half a customer it is .01. The customary
    reading: below .10 stable, above .25 a different population.
    """
    empty = _empty_cell(customers)
    pairs = [
        (max(shares.get(segment, 0.0), empty), max(reference.get(segment, 0.0), empty))
        for segment in sorted({*shares, *reference})
    ]
    return math.fsum((p - q) * math.log(p / q) for p, q in pairs)


def _empty_cell(customers: float | None) -> float:
    return max(1e-4, 0.5 / customers) if customers else 1e-4


# --- what was said -----------------------------------------------------------------------------------------


def _judge(run_dir: Path, day: Day, name: str, frames: Mapping[str, Any]) -> dict[str, int]:
    verdicts = gate.check(name, frames, {"as_of": day.as_of, "known_on": day.known_on})
    _store(run_dir, day, name, verdicts)
    counts = {
        "promises": len(verdicts),
        "broken": sum(verdict.breaks for verdict in verdicts),
        "noted": sum(not verdict.passed and not verdict.breaks for verdict in verdicts),
    }
    log.info("gate %s for %s: %s", name, day.key, counts)
    gate.require(verdicts)
    return counts


def _store(run_dir: Path, day: Day, name: str, verdicts: Sequence[Verdict]) -> None:
    """Write what the gate said; the verdicts last, so that whoever sees them finds the keys beside them."""
    import pyarrow as pa

    folder = run_dir / "gates"
    # What later gates said of an earlier try of this run is not true of this one.
    for later in GATES[GATES.index(name) :] if name in GATES else (name,):
        _verdicts_path(run_dir, later).unlink(missing_ok=True)
    if name in GATES:
        (folder / "quality_results.parquet").unlink(missing_ok=True)
    keys = [
        {"gate": name, "promise": verdict.promise, "subject": verdict.subject, "key": key}
        for verdict in verdicts
        for key in verdict.failing_keys
    ]
    table = pa.table(
        {column: pa.array([row[column] for row in keys], pa.string()) for column in FAILING_KEYS}
    )
    lake.write_parquet(folder / f"{name}_failing_keys.parquet", [table], FAILING_KEYS)
    told = [
        {field: value for field, value in asdict(verdict).items() if field != "failing_keys"}
        for verdict in verdicts
    ]
    lake.write_json(_verdicts_path(run_dir, name), told)
    report(run_dir, day)


def _verdicts_path(run_dir: Path, name: str) -> Path:
    return run_dir / "gates" / f"{name}.json"


def _spoke(run_dir: Path, name: str) -> bool:
    return _verdicts_path(run_dir, name).exists()


def read(run_dir: Path, name: str) -> list[Verdict]:
    """What a gate said about the run, with its failing keys. Raises GateNotPassed when it has not spoken."""
    import pyarrow.parquet as pq

    path = _verdicts_path(run_dir, name)
    if not _spoke(run_dir, name):
        msg = f"{path} is not there: gate {name} has not spoken about this run"
        raise GateNotPassed(msg)
    keys: dict[str, list[str]] = {}
    for row in pq.read_table(run_dir / "gates" / f"{name}_failing_keys.parquet").to_pylist():
        keys.setdefault(row["promise"], []).append(row["key"])
    return [
        Verdict(**told, failing_keys=tuple(keys.get(told["promise"], ())))
        for told in json.loads(path.read_text(encoding="utf-8"))
    ]


def report(run_dir: Path, day: Day, with_keys: bool = True) -> Path:
    """Write the page that shows what the gates said of the run so far, and return its path.

    Its bytes depend on the verdicts and the day alone. Failing keys can be customers': they are for the
    operators of the run, and left out (`with_keys`) of the page that lies beside the published tables.
    """
    said = [verdict for name in GATES if _spoke(run_dir, name) for verdict in read(run_dir, name)]
    path = run_dir / "gates" / ("gates.html" if with_keys else "published.html")
    if not with_keys:
        said = [replace(verdict, failing_keys=()) for verdict in said]
    lake.write_text(path, render(said, day.as_of, day.known_on))
    return path


def quality_results(run_dir: Path, day: Day) -> Path:
    """Write what the three gates said of the day as one table, and return its path.

    Grain: gate, promise; sorted by gate in the order of the day, then by promise. Raises GateNotPassed when a
    gate has not spoken yet.
    """
    rows = [
        {"as_of": day.as_of, "known_on": day.known_on} | asdict(verdict)
        for name in GATES
        for verdict in _by_promise(read(run_dir, name))
    ]
    path = run_dir / "gates" / "quality_results.parquet"
    lake.write_parquet(path, [_table(rows)], QUALITY_RESULTS)
    return path


def _by_promise(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda verdict: verdict.promise)


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.table({column: [row[column] for row in rows] for column in QUALITY_RESULTS})
