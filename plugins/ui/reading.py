"""What the page shows, read from the lake's files alone; nothing is written and nothing is asked of Airflow.

A day is known by two things: the version published for it, and the run that last worked on it. Either may be
missing: a day that failed has no version, and a run's folder may have been cleared away.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GATES = ("landed", "features", "published")
DAY_KEY = re.compile(r"as_of=(\d{4}-\d\d-\d\d)(?:,known_on=(\d{4}-\d\d-\d\d))?")
FAILING_KEYS_SHOWN = 100
REPORT = "gates.html"


class DayUnknown(LookupError):
    """Neither a version nor a run of that day is in the lake."""


@dataclass(frozen=True)
class Promise:
    """One promise of a gate, and what was seen of it."""

    gate: str
    promise: str
    subject: str
    strength: str
    passed: bool
    observed: str
    expected: str
    failing_count: int
    text: Mapping[str, str]

    @property
    def is_broken(self) -> bool:
        """Not kept, and strong enough to stop the day."""
        return not self.passed and self.strength == "break"


@dataclass(frozen=True)
class Day:
    """One day as the lake knows it."""

    key: str
    as_of: str
    known_on: str
    version: str | None
    is_shown: bool
    run: Path | None
    promises: Sequence[Promise]

    @property
    def broken(self) -> list[Promise]:
        """The promises that stopped the day's last run."""
        return [promise for promise in self.promises if promise.is_broken]

    @property
    def state(self) -> str:
        """What an operator wants to know first: broken, published or unfinished."""
        if self.broken:
            return "broken"
        return "published" if self.version else "unfinished"

    def gate(self, name: str) -> dict[str, Any]:
        """A gate's verdict (passed, noted, broken, none) and how many of its promises were kept."""
        mine = [promise for promise in self.promises if promise.gate == name]
        kept = sum(promise.passed for promise in mine)
        if not mine:
            verdict = "none"
        elif any(promise.is_broken for promise in mine):
            verdict = "broken"
        else:
            verdict = "passed" if kept == len(mine) else "noted"
        return {"name": name, "verdict": verdict, "kept": kept, "of": len(mine)}


def lake_root() -> Path:
    """The lake: ``SEGMENTATION_LAKE``, else ``lake`` beside the plugins folder."""
    return Path(os.environ.get("SEGMENTATION_LAKE") or Path(__file__).resolve().parents[2] / "lake")


def shown(lake: Path) -> dict[str, Any]:
    """What BI sees: version, as_of, known_on, pinned; empty before the first day."""
    return _json(lake / "published" / "current.json") or {}


def days(lake: Path) -> list[Day]:
    """Every day that was published or worked on, the newest first."""
    versions = _versions(lake)
    runs = _runs(lake)
    current = shown(lake).get("version")
    found = []
    for key in sorted(versions.keys() | runs.keys(), reverse=True):
        as_of, known_on = DAY_KEY.fullmatch(key).groups()
        version, run = versions.get(key), runs.get(key)
        found.append(
            Day(
                key=key,
                as_of=as_of,
                known_on=known_on or as_of,
                version=version,
                is_shown=version is not None and version == current,
                run=run,
                promises=_promises(lake, version, run),
            )
        )
    return found


def day(lake: Path, key: str) -> Day:
    """One day by its key; raises DayUnknown."""
    for found in days(lake):
        if found.key == key:
            return found
    raise DayUnknown(f"{key} is not in {lake}")


def failing_keys(run: Path) -> dict[tuple[str, str], list[str]]:
    """The stored failing keys of a run's gates by gate and promise, at most a hundred each."""
    import pyarrow.parquet as pq

    keys: dict[tuple[str, str], list[str]] = {}
    for gate in GATES:
        path = run / "gates" / f"{gate}_failing_keys.parquet"
        if path.exists():
            for row in pq.ParquetFile(path).read().to_pylist():
                keys.setdefault((gate, row["promise"]), []).append(row["key"])
    return {promise: found[:FAILING_KEYS_SHOWN] for promise, found in keys.items()}


def report(lake: Path, day: Day) -> Path | None:
    """The page the gates of the day's last run left; where that is gone, the one of the published version."""
    own = day.run / "gates" / REPORT if day.run else None
    if own is not None and own.is_file():
        return own
    return published_file(lake, day.version, REPORT) if day.version else None


def schemes(lake: Path, version: str) -> list[dict[str, Any]]:
    """Each scheme of a version with its label and its segments, in the dictionary's order."""
    segments: dict[str, list[dict[str, Any]]] = {}
    for row in _table(lake, version, "segment_profile"):
        segments.setdefault(row["scheme"], []).append(row)
    labels = {row["code"]: row for row in _table(lake, version, "dictionary") if row.get("kind") == "scheme"}
    found = [
        {
            "scheme": scheme,
            "label_zh": labels.get(scheme, {}).get("label_zh") or scheme,
            "label_en": labels.get(scheme, {}).get("label_en") or scheme,
            "sort_order": labels.get(scheme, {}).get("sort_order") or 0,
            "customers": sum(row["customers"] for row in rows),
            "is_told": any(row["customers"] and row["segment_code"] != "unknown" for row in rows),
            "segments": sorted(rows, key=lambda row: (row.get("sort_order") or 0, row["segment_code"])),
        }
        for scheme, rows in segments.items()
    ]
    return sorted(found, key=lambda scheme: (int(scheme["sort_order"]), scheme["scheme"]))


def churn_model(lake: Path, version: str) -> dict[str, Any] | None:
    """The churn model in force: its status, its base rate and cut, its newest backtest beside the best rule.

    Each row of churn_flag carries its model, so one row tells it. None where the version has no customer.
    """
    import pyarrow.parquet as pq

    path = lake / "published" / "versions" / version / "churn_flag.parquet"
    if not path.exists():
        return None
    rows = pq.ParquetFile(path).iter_batches(batch_size=1, columns=_OF_MODEL)
    of_all = next((batch.to_pylist()[0] for batch in rows if batch.num_rows), None)
    if of_all is None:
        return None
    tested = [
        row
        for row in _table(lake, version, "churn_backtest")
        if row["churn_version"] == of_all["churn_version"] and row["ap"] is not None
    ]
    newest = [row for row in tested if row["cutoff_on"] == max(each["cutoff_on"] for each in tested)]
    ranked = sorted(newest, key=lambda row: (-row["ap"], row["model"]))
    return of_all | {
        "own": next((row for row in ranked if not row["is_baseline"]), None),
        "rule": next((row for row in ranked if row["is_baseline"]), None),
        "drifted": [row for row in _table(lake, version, "churn_drift") if row["status"] == "alert"],
    }


_OF_MODEL = (
    "churn_version",
    "churn_definition",
    "model_status",
    "model_status_label_zh",
    "model_status_label_en",
    "base_rate",
    "churn_cut",
    "churn_cut_basis_label_zh",
    "churn_cut_basis_label_en",
)


def manifest(lake: Path, version: str) -> dict[str, Any]:
    """What a version's manifest says; empty when it has none."""
    return _json(lake / "published" / "versions" / version / "manifest.json") or {}


def published_file(lake: Path, version: str, name: str) -> Path | None:
    """A file of a version, if its manifest names it; nothing else of the lake can be asked for."""
    if version not in _versions(lake).values() or name not in manifest(lake, version).get("files", {}):
        return None
    folder = (lake / "published" / "versions" / version).resolve()
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder) and path.is_file() else None


def _versions(lake: Path) -> dict[str, str]:
    """Day key → the version last published for it."""
    found: dict[str, str] = {}
    for path in sorted((lake / "published" / "versions").glob("as_of=*/manifest.json")):
        key, _, _ = path.parent.name.rpartition(",key=")
        if not DAY_KEY.fullmatch(key):
            continue
        named = (_json(lake / "published" / "days" / f"{key}.json") or {}).get("version")
        if key not in found or named == path.parent.name:
            found[key] = path.parent.name
    return found


def _runs(lake: Path) -> dict[str, Path]:
    """Day key → folder of the run that last worked on it."""
    folders = {path.name: path for path in (lake / "runs").glob("*") if path.is_dir()}
    # A run id with characters no folder should have is spelled otherwise, and ends in a part of its hash.
    by_hash = {name.rpartition("~")[2]: path for name, path in folders.items() if "~" in name}
    found = {}
    for path in (lake / "runs").glob("as_of=*.claim.json"):
        key = path.name.removesuffix(".claim.json")
        run_id = (_json(path) or {}).get("run_id", "")
        folder = folders.get(run_id) or by_hash.get(hashlib.sha256(run_id.encode()).hexdigest()[:8])
        if folder and DAY_KEY.fullmatch(key):
            found[key] = folder
    return found


def _promises(lake: Path, version: str | None, run: Path | None) -> list[Promise]:
    """What the gates told the day's last run; where that is gone, what was published with the version."""
    told = [
        verdict
        for gate in GATES
        for verdict in (_json(run / "gates" / f"{gate}.json") or [] if run is not None else [])
    ]
    if not told and version is not None:
        told = _table(lake, version, "quality_results")
    return [
        Promise(
            gate=row["gate"],
            promise=row["promise"],
            subject=row["subject"],
            strength=row["strength"],
            passed=bool(row["passed"]),
            observed=_text(row["observed"]),
            expected=_text(row["expected"]),
            failing_count=int(row.get("failing_count") or 0),
            text={"zh": row.get("text_zh") or "", "en": row.get("text_en") or ""},
        )
        for row in told
    ]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _table(lake: Path, version: str, table: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    path = lake / "published" / "versions" / version / f"{table}.parquet"
    # Not read_table: it would take the folder's name as_of=… for a partition column of its own.
    return pq.ParquetFile(path).read().to_pylist() if path.exists() else []


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8") or "null")
    except FileNotFoundError:
        return None
