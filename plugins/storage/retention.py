"""Retention: what was sent, and what runs left behind, goes when its days are over.

Days are those of deliveries and runs, counted back from the day of the maintenance run; no clock, no file
time. Receipts stay, so a file that still lies in the incoming place is not landed again.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from storage import lake as lake_files
from storage import published, receipts
from storage.access import private_file
from storage.reading.outcome import quarantine_schema

if TYPE_CHECKING:
    from pathlib import Path

    from storage.receipts import Receipt

log = logging.getLogger(__name__)

# What stays of an old run whose version is still published: what its gates said, and which version that is.
_STAYS = ("gates", "published.json", "run.json", "dictionary.sha256")


def expire_landing(lake: Path, before: date) -> dict[str, int]:
    """Remove the landed files that were delivered, each time, before a day, and that have been read.

    Returns {"landing_files", "landing_bytes", "landing_unread": files as old that nobody has read yet}. Those
    stay: with their bytes their rows would be lost.
    """
    told: dict[Path, list[Receipt]] = {}
    for receipt in map(receipts.read, sorted((lake / "receipts").glob("*/*/*.json"))):
        told.setdefault(receipt.landed_path(lake), []).append(receipt)
    counts = {"landing_files": 0, "landing_bytes": 0, "landing_unread": 0}
    for path, deliveries in told.items():
        if not path.exists() or any(each.delivered_on >= before for each in deliveries):
            continue
        if any(each.status == "landed" for each in deliveries):
            counts["landing_unread"] += 1
            continue
        counts["landing_bytes"] += path.stat().st_size
        counts["landing_files"] += 1
        path.unlink()
    if counts["landing_unread"]:
        log.warning(
            "%d landed files from before %s were never read and stay", counts["landing_unread"], before
        )
    return counts


def expire_quarantine(lake: Path, before: date) -> dict[str, int]:
    """Empty the quarantine of deliveries from before a day; their counts stay in the receipts.

    A file of no rows stays in the place of each: its receipt says there is one. Returns {"quarantine_rows"}.
    """
    import pyarrow.parquet as pq

    rows = 0
    for path in sorted((lake / "quarantine").glob("*/*/delivered_on=*/*.parquet")):
        delivered_on = date.fromisoformat(path.parent.name.removeprefix("delivered_on="))
        found = pq.read_metadata(path).num_rows if delivered_on < before else 0
        if found:
            rows += found
            with lake_files.replacing(path) as temporary:
                pq.write_table(quarantine_schema().empty_table(), temporary, compression="zstd")
                private_file(temporary)
    return {"quarantine_rows": rows}


def expire_runs(lake: Path, before: date, is_running: Callable[[str], bool]) -> dict[str, int]:
    """Remove what runs of days before a day left behind; a run that is still going on keeps everything.

    Of a run whose version is still published its gates' results stay. A folder that says nothing of its run
    is one that landed nothing, or an old one: it goes when its claim is of an old day, or it has none.
    Returns {"run_folders": removed whole, "run_leftovers": cleared but for what the gates said}.
    """
    counts = {"run_folders": 0, "run_leftovers": 0}
    claims = {path: _json(path) for path in sorted((lake / "runs").glob("*.claim.json"))}
    there = set(published.versions(lake))
    for folder in sorted(path for path in (lake / "runs").glob("*") if path.is_dir()):
        about = _about(folder, claims, lake)
        if about.get("as_of", "") >= before.isoformat() or is_running(about.get("run_id", folder.name)):
            continue
        if _json(folder / "published.json").get("version") not in there:
            shutil.rmtree(folder)
            counts["run_folders"] += 1
        elif leftovers := [path for path in folder.iterdir() if path.name not in _STAYS]:
            for path in leftovers:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            counts["run_leftovers"] += 1
    for path, claim in claims.items():
        if claim and not lake_files.run_dir(lake, claim["run_id"]).exists():
            path.unlink(missing_ok=True)
    return counts


def _about(folder: Path, claims: dict[Path, dict[str, Any]], lake: Path) -> dict[str, Any]:
    """{"run_id", "as_of"} of a run's folder, as far as they can be told."""
    about = _json(folder / "run.json")
    for path, claim in claims.items():
        if not about and claim and lake_files.run_dir(lake, claim["run_id"]) == folder:
            about = claim | {"as_of": path.name.removeprefix("as_of=")[:10]}
    return about


def _json(path: Path) -> dict[str, Any]:
    """A small JSON file; empty when it is not there, or its writer was killed before the first byte."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return json.loads(text) if text else {}
