"""The memory: which segment each customer was in on every day that published, and what moved them.

A day's version is a function of that day. The memory is one of all of them: it is made anew with each publish
from what is remembered of the days (`storage.history`) and shown in the same switch. What it tells ends
with the day BI sees.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import moves
from models.schemes import SCHEMES
from pipeline import gates
from pipeline.run import Run
from pipeline.settings import SettingsInvalid, thresholds_as_set, thresholds_of
from storage import artifacts, history, lake, published, remembered_tables
from storage.history import Remembered

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

log = logging.getLogger(__name__)

LAYERS = ("path:models/memory",)
_SEEDS = ("path:seeds",)
_SEGMENTS = "segments.parquet"
_REMEMBERED = "remembered.json"
_BUILT = "memory.json"  # which memory the tables in the run's folder are


@dataclass(frozen=True)
class Rules:
    """What a day was judged by, read back so that another day can be judged by it."""

    cutpoints: Any
    thresholds: Any


def rules_told(run: Run, kind: str, version: str) -> dict[str, Any]:
    """The rules of a run's day, as `storage.history` keeps them."""
    return {"cutpoints": [kind, version], "thresholds": thresholds_as_set(run.settings.thresholds)}


def _rules(root: Path, day: Remembered) -> Rules | None:
    """The rules of a remembered day; None when this release cannot read them any more."""
    from models.cutpoints import Cutpoints, CutpointsUnreadable

    try:
        payload = artifacts.load(root, *day.rules["cutpoints"])
        return Rules(Cutpoints.from_json(payload), thresholds_of(day.rules["thresholds"]))
    except (CutpointsUnreadable, SettingsInvalid, artifacts.ArtifactMissing) as fault:
        log.warning("the rules of %s cannot be tried on a later day: %s", day.as_of, fault)
        return None


# --- moves between two days --------------------------------------------------------------------------------


def find_moves(
    root: Path, day: Remembered, before: Mapping[str, Remembered | None], path: Path
) -> dict[str, int]:
    """Write the moves of a day since the day before it in each scheme; return moves per cause.

    Customers are taken some hundred thousand at a time; the result does not depend on how they are cut.
    """
    groups: dict[date | None, list[str]] = {}
    for scheme in day.schemes:
        groups.setdefault(before[scheme] and before[scheme].as_of, []).append(scheme)
    counts: dict[str, int] = {}
    parts = []
    for since in sorted(groups, key=lambda each: each or date.min):
        schemes = sorted(groups[since])
        parts.append(
            _told(root, day, before[schemes[0]], schemes, counts)
            if since
            else history.arrivals(root, day, schemes)
        )
    # A day has one day before it, but for a scheme that is new, which it fills.
    lake.write_parquet(path, (frame for part in parts for frame in part), history.MOVES)
    log.info("moves of %s: %s", day.as_of, counts)
    return counts


def _told(
    root: Path, day: Remembered, before: Remembered, schemes: Sequence[str], counts: dict[str, int]
) -> Iterator[pd.DataFrame]:
    trial = _Trial(root, before, day)
    pair = history.segments_path(root, before), history.segments_path(root, day)
    for then, today in history.read_aligned(*pair, schemes):
        found = moves.find(then, today, schemes)
        causes = moves.cause(found, before.as_of, trial.restored(found, today), trial.is_partial)
        for cause in moves.CAUSES:
            counts[cause] = counts.get(cause, 0) + int((causes == cause).sum())
        yield found.assign(as_of=day.as_of, previous_as_of=before.as_of, cause=causes)[list(history.MOVES)]


class _Trial:
    """Today's customers under the earlier day's rules: would they be where they were?"""

    def __init__(self, root: Path, before: Remembered, day: Remembered) -> None:
        self._features = lake.features_path(root, lake.Day.of(day.as_of))
        rules_differ = _by_content(before.rules) != _by_content(day.rules)
        self._rules = _rules(root, before) if rules_differ else None
        if self._rules and not _same_customers(self._features, history.segments_path(root, day)):
            log.warning("%s is not of the customers that were remembered", self._features)
            self._rules = None
        # Nothing else then tells what the change of the rules did: what remains unexplained is theirs.
        self.is_partial = before.settings != day.settings or (rules_differ and self._rules is None)
        self._batches = self._read() if self._rules else None

    def _read(self) -> Iterator[Any]:
        columns = sorted({name for module in SCHEMES.values() for name in module.FEATURES})
        return history.slices(self._features, columns)

    def restored(self, found: pd.DataFrame, today: pd.DataFrame) -> np.ndarray:
        """Of each move, whether the earlier rules would have left the customer, as they are today, in place.

        Called once for each slice of today, in order.
        """
        import numpy as np

        restored = np.zeros(len(found), dtype=bool)
        if self._batches is None or not len(today):
            return restored
        features = next(self._batches)
        for scheme in found["scheme"].unique():
            module = SCHEMES.get(scheme)
            mine = np.flatnonzero(
                (found["scheme"] == scheme) & (found["row"] >= 0) & found["previous_segment"].notna()
            )
            if module is None or not len(mine):
                continue
            customers = lake.frame(features.take(found["row"].to_numpy()[mine]), module.FEATURES)
            thresholds = getattr(self._rules.thresholds, scheme)
            judged = module.assign(customers, self._rules.cutpoints, thresholds)
            restored[mine] = (
                judged["segment"].to_numpy(dtype=object) == found["previous_segment"].to_numpy()[mine]
            )
        return restored


def _by_content(rules: Mapping[str, Any]) -> tuple[str, str]:
    """Rules to compare: a version of cut-points is named by its content, wherever it lies."""
    return rules["cutpoints"][1], json.dumps(rules["thresholds"], sort_keys=True)


def _same_customers(features: Path, segments: Path) -> bool:
    if not features.exists():
        return False
    pairs = zip(
        history.slices(features, ("customer_id",)), history.slices(segments, ("customer_id",)), strict=False
    )
    import pyarrow.parquet as pq

    same_length = pq.read_metadata(features).num_rows == pq.read_metadata(segments).num_rows
    return same_length and all(here.equals(there) for here, there in pairs)


# --- the memory of a run -----------------------------------------------------------------------------------


def gather(run: Run, kind: str, version: str) -> dict[str, Any]:
    """Lay beside the run's tables what the memory is made from, the run's own day among it.

    A day stated again with what came later is not remembered; its run shows the memory as it is.
    """
    if run.day.known_on == run.day.as_of:
        schemes = tuple(SCHEMES)
        segments = run.folder / _SEGMENTS
        key = history.write_segments(run.lake, run.day, schemes, segments)
        rules = rules_told(run, kind, version)
        own = Remembered(
            run.day.as_of, key, schemes, tuple(run.settings.sources), rules, run.settings.features_hash
        )
        lake.write_json(run.folder / _REMEMBERED, own.to_json())
        if not history.segments_path(run.lake, own).exists():
            lake.put(segments, history.segments_path(run.lake, own))
    return _lay_out(run, published.visible_with(run.lake, run.day))


def _own(run: Run) -> Remembered | None:
    path = run.folder / _REMEMBERED
    return Remembered.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _chain(run: Run, visible: date) -> dict[date, Remembered]:
    """The remembered days until `visible`, the run's own among them."""
    days = history.days(run.lake)
    own = _own(run)
    if own is not None:
        days[own.as_of] = own
    return {as_of: days[as_of] for as_of in sorted(days) if as_of <= visible}


def _lay_out(run: Run, visible: date) -> dict[str, Any]:
    shutil.rmtree(run.folder / "memory", ignore_errors=True)  # tables of other days must not pass for these
    chain = _chain(run, visible)
    folder = run.folder / "history"
    made = history.lay_out(
        run.lake, chain, folder, lambda day, before, path: find_moves(run.lake, day, before, path)
    )
    last = list(chain.values())[-1:]
    for day in last:
        lake.put(history.segments_path(run.lake, day), folder / _SEGMENTS)
    if not last:
        lake.write_parquet(
            folder / _SEGMENTS, [], history.SEGMENTS | dict.fromkeys(sorted(SCHEMES), "varchar")
        )
    told = {"name": f"as_of={visible.isoformat()},key={made}", "as_of": visible.isoformat()}
    lake.write_json(run.folder / _BUILT, told)
    return {"remembered_days": len(chain), "memory": told["name"]}


def check(run: Run) -> dict[str, int]:
    """Hold the tables of the memory in the run's folder against what is promised of them."""
    import transform

    return gates.check_memory(run.folder, run.day, transform.descriptions(run.folder, "memory"))


@dataclass(frozen=True)
class Shown:
    """The memory as `storage.published` asks for it, while it holds the lock of what BI sees."""

    run: Run
    variables: Mapping[str, Any]

    def remember(self) -> None:
        """Put the run's day into the memory, just before its version takes its name."""
        own = _own(self.run)
        if own is not None:
            history.remember(self.run.lake, own, self.run.folder / _SEGMENTS)

    def put(self, as_of: date) -> str:
        """Have the tables of the memory until `as_of` lie in place; return their name.

        Those the run built will do when no other day came in between; else they are built anew, and held
        against their promises.
        """
        built = self._built
        name = f"as_of={as_of.isoformat()},key={history.fingerprint(_chain(self.run, as_of).values())}"
        if built != name:
            if remembered_tables.is_whole(self.run.lake, name):
                return name
            log.info("the memory is built again: %s, not %s", name, built)
            self._build(as_of)
        tables = self.run.folder / "memory"
        remembered_tables.put(
            self.run.lake, name, tables, self._descriptions, csv=self.run.settings.publish.csv
        )
        return name

    @property
    def _built(self) -> str | None:
        path = self.run.folder / _BUILT
        tables = list((self.run.folder / "memory").glob("*.parquet"))
        return json.loads(path.read_text(encoding="utf-8"))["name"] if path.exists() and tables else None

    @cached_property
    def _descriptions(self) -> dict[str, dict[str, Any]]:
        import transform

        return transform.descriptions(self.run.folder, "memory")

    def _build(self, as_of: date) -> None:
        import transform

        _lay_out(self.run, as_of)
        is_new = not (self.run.folder / "run.duckdb").exists()
        layers = (*_SEEDS, *LAYERS) if is_new else LAYERS
        limits = self.run.settings.resources.of_build
        transform.build(layers, self.run.folder, self.variables, "memory", **limits, alone=True)
        check(self.run)
