"""What the marts tell of the churn model beside its scores: its record, its backtests, and how it drifts.

Small tables, written into the run's folder as Parquet. Counts and rates only: no row is a customer.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline import churn
from storage import history, lake
from storage.lake import Day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    import numpy as np
    import pandas as pd

    from models.churn.probability import ChurnModel
    from models.cutpoints import Cutpoints
    from pipeline.run import Run

log = logging.getLogger(__name__)

MODEL = {
    "churn_version": "varchar",
    "trained_as_of": "date",
    "model_status": "varchar",
    "why": "varchar",
    "definition": "varchar",
    "horizon_days": "integer",
    "model_kind": "varchar",
    "known": "varchar",
    "is_overlapping": "boolean",
    "season": "varchar",
    "last_cutoff": "date",
    "base_rate": "double",
    "cut": "double",
    "cut_basis": "varchar",
    "auc": "double",
    "ap": "double",
    "ece": "double",
    "best_rule": "varchar",
    "best_rule_auc": "double",
    "best_rule_ap": "double",
}
RECORD = {
    "churn_version": "varchar",
    "kind": "varchar",
    "code": "varchar",
    "customers": "bigint",
    "churned": "bigint",
    "rate": "double",
    "rate_low": "double",
    "rate_high": "double",
    "lift": "double",
    "runs": "integer",
    "first_cutoff": "date",
    "last_cutoff": "date",
}
BACKTEST = {
    "churn_version": "varchar",
    "trained_as_of": "date",
    "cutoff": "date",
    "model": "varchar",
    "is_baseline": "boolean",
    "band": "varchar",
    "season": "varchar",
    "base_rate": "double",
    "auc": "double",
    "ap": "double",
    "brier": "double",
    "ece": "double",
    "lift": "double",
    "n": "bigint",
    "expected_true": "double",
    "expected_false": "double",
    "realised_true": "bigint",
    "realised_false": "bigint",
}
DRIFT = {
    "churn_version": "varchar",
    "input": "varchar",
    "reason_group": "varchar",
    "extract": "varchar",
    "since": "date",
    "customers": "bigint",
    "psi": "double",
    "status": "varchar",
    "unknown_share": "double",
    "unknown_share_reference": "double",
}
OUTCOME = {
    "churn_version": "varchar",
    "kind": "varchar",
    "name": "varchar",
    "since": "date",
    "customers": "bigint",
    "found": "double",
    "reference": "double",
    "measure": "varchar",
    "drift": "double",
    "status": "varchar",
}
_RULES = ("level", "recency_days", "recency_of_typical")
_PLACES = 6


def status(model: ChurnModel) -> str:
    """Why BI sees probabilities, or does not, in one code of the dictionary."""
    if model.is_published:
        return "published"
    if model.decision == "hold":
        return "hold"
    if model.status != "ok":
        return model.status
    return "rejected" if "rejected" in model.why else "challenger_lost"


def definition(model: ChurnModel) -> str:
    """The id of what counts as churned."""
    return f"no_order_{model.horizon_days}d"


def write(run: Run) -> None:
    """The model in force, its record and its backtests, into the run's folder."""
    import pandas as pd

    version, model = churn.in_force(run)
    rows = {
        "churn_model": (MODEL, [_model(version, model)]),
        "churn_record": (RECORD, list(_record(version, model))),
        "churn_backtest": (BACKTEST, list(_backtests(version, model))),
    }
    for name, (columns, found) in rows.items():
        frame = pd.DataFrame(found, columns=list(columns))
        for column, kind in columns.items():
            if kind == "date":
                frame[column] = pd.to_datetime(frame[column])
        lake.write_parquet(run.folder / f"{name}.parquet", [frame], columns)


def _model(version: str, model: ChurnModel) -> dict[str, Any]:
    newest = max((row["cutoff"] for row in model.backtest), default=None)
    of_newest = [row for row in model.backtest if row["cutoff"] == newest]
    own = next((row for row in of_newest if not row["is_baseline"] and row["band"] == "all"), {})
    rules = [row for row in of_newest if row["model"] in _RULES]
    best = max(rules, key=lambda row: row["ap"], default={})
    return {
        "churn_version": version,
        "trained_as_of": model.as_of,
        "model_status": status(model),
        "why": "; ".join(model.why) or None,
        "definition": definition(model),
        "horizon_days": model.horizon_days,
        "model_kind": own.get("model"),
        "known": model.known,
        "is_overlapping": bool(model.folds["overlapping"]),
        "season": model.level["season"],
        "last_cutoff": max(model.counts, default=None),
        "base_rate": model.base_rate,
        "cut": model.cut if model.is_published else None,
        "cut_basis": model.cut_basis if model.is_published else None,
        "auc": own.get("auc"),
        "ap": own.get("ap"),
        "ece": own.get("ece"),
        "best_rule": best.get("model"),
        "best_rule_auc": best.get("auc"),
        "best_rule_ap": best.get("ap"),
    }


def _record(version: str, model: ChurnModel) -> Iterator[dict[str, Any]]:
    """A row per band and per level: what came of them in the last runs, and times the rate of everybody."""
    for kind, entries in model.record.items():
        customers = sum(each["n"] for each in entries.values())
        churned = sum(each["churned"] for each in entries.values())
        for code, each in entries.items():
            rate = each["rate"]
            yield {
                "churn_version": version,
                "kind": kind,
                "code": code,
                "customers": each["n"],
                "churned": each["churned"],
                "rate": rate,
                "rate_low": each["low"],
                "rate_high": each["high"],
                "lift": round(rate * customers / churned, 4) if churned and rate is not None else None,
                "runs": len(each["runs"]),
                "first_cutoff": min(each["runs"], default=None),
                "last_cutoff": max(each["runs"], default=None),
            }


def _backtests(version: str, model: ChurnModel) -> Iterator[dict[str, Any]]:
    """The backtests of the model in force. Those of other months are told on their own days: which of them
    are in the lake depends on the days run so far, and a day's tables must not."""
    for row in model.backtest:
        yield {"churn_version": version, "trained_as_of": model.as_of, **row}


class Watch:
    """How the day's customers differ from those the model was made for, counted as they are scored."""

    def __init__(self, run: Run, version: str, model: ChurnModel) -> None:
        self._run = run
        self._version = version
        self._model = model
        self._counts: dict[str, np.ndarray] = {}

    def see(self, batch: pd.DataFrame, cutpoints: Cutpoints) -> None:
        """Count the inputs of one batch."""
        from models.churn import drift

        thresholds = self._run.settings.thresholds.churn
        for name, counts in drift.counts(batch, cutpoints, self._model, thresholds).items():
            self._counts[name] = self._counts[name] + counts if name in self._counts else counts

    def write(self) -> int:
        """Write a row per input, and beside them what became of earlier scores; return how many are off.

        What became of those judged a horizon ago is not published: whether that day was run is no fact of
        this one, and a day run again in another lake must give the same bytes.
        """
        import pandas as pd

        from models.churn import drift

        inputs = [self._of_input(row) for row in drift.rows(self._counts, self._model)]
        off = []
        for file, rows, columns, about in (
            ("churn_drift", inputs, DRIFT, ["input"]),
            ("churn_outcome", list(self._of_label()), OUTCOME, ["kind", "name"]),
        ):
            frame = pd.DataFrame(rows, columns=list(columns))
            frame["since"] = pd.to_datetime(frame["since"])
            lake.write_parquet(self._run.folder / f"{file}.parquet", [frame], columns)
            off += [" ".join(row[name] for name in about) for row in rows if row["status"] == "alert"]
        if off:
            log.warning("the churn model drifts: %s", ", ".join(off))
        return len(off)

    def _of_input(self, row: Mapping[str, Any]) -> dict[str, Any]:
        about = {name: row[name] for name in DRIFT.keys() & row.keys()}
        return about | {
            "churn_version": self._version,
            "input": row["name"],
            "since": self._model.as_of,
            "customers": row["n"],
        }

    def _row(self, kind: str, name: str) -> dict[str, Any]:
        return dict.fromkeys(OUTCOME) | {"churn_version": self._version, "kind": kind, "name": name}

    def _of_label(self) -> Iterator[dict[str, Any]]:
        """What became of those judged one horizon ago, whose fate is known today."""
        thresholds = self._run.settings.thresholds.churn
        horizon = self._model.horizon_days
        then = self._run.day.as_of - timedelta(days=horizon)
        about = {"since": then}
        judged = _outcome(self._run, then, horizon)
        base = self._row("label", "base_rate") | about | {"measure": "relative_shift"}
        if judged is None or judged.empty:
            yield base | {"status": "unknown"}
            return
        rate, usual = float(judged["is_churned"].mean()), self._model.base_rate
        shift = abs(rate - usual) / usual if usual else None
        yield base | {
            "customers": len(judged),
            "found": round(rate, _PLACES),
            "reference": usual,
            "drift": None if shift is None else round(shift, _PLACES),
            "status": _judged(shift, thresholds.max_base_shift),
        }
        known = judged[judged["churn_probability"].notna()]
        if known.empty:
            return
        from models.churn import evaluate

        p, y = known["churn_probability"].to_numpy(dtype=float), known["is_churned"].to_numpy(dtype=float)
        error = evaluate.ece(y, p)
        yield (
            self._row("calibration", "all")
            | about
            | {
                "customers": len(known),
                "found": round(float(y.mean()), _PLACES),
                "reference": round(float(p.mean()), _PLACES),
                "drift": round(error, _PLACES),
                "measure": "ece",
                "status": _judged(error, thresholds.max_ece),
            }
        )
        for band, part in known.groupby("churn_band", observed=True, sort=True):
            found, expected = float(part["is_churned"].mean()), float(part["churn_probability"].mean())
            yield (
                self._row("calibration", str(band))
                | about
                | {
                    "customers": len(part),
                    "found": round(found, _PLACES),
                    "reference": round(expected, _PLACES),
                    "drift": round(abs(found - expected), _PLACES),
                    "measure": "gap",
                    "status": _judged(abs(found - expected), 2 * thresholds.max_ece),
                }
            )


def _judged(drift: float | None, limit: float) -> str:
    if drift is None:
        return "unknown"
    return "alert" if drift > limit else "note" if drift > limit / 2 else "ok"


def _outcome(run: Run, then: date, horizon: int) -> pd.DataFrame | None:
    """Of those who could still be lost on `then`: probability, band and whether they were; None unjudged.

    Both days are sorted by customer and read side by side; no id is kept.
    """
    import pandas as pd

    path = lake.scores_path(run.lake, churn.SCORES, Day.of(then))
    if not path.exists():
        return None
    judged = ["customer_id", "is_eligible", "churn_probability", "churn_band"]
    now = ["customer_id", "recency_days"]
    found = []
    for before, today in history.aligned(
        history.slices(path, judged), history.slices(lake.features_path(run.lake, run.day), now)
    ):
        rows = [
            pd.concat([lake.frame(part, names) for part in parts])
            for parts, names in ((before, judged), (today, now))
            if parts
        ]
        if len(rows) == 2:
            joined = rows[0][rows[0]["is_eligible"].astype(bool)].merge(
                rows[1], on="customer_id", validate="one_to_one"
            )
            # no valid order since: the last one is older than the horizon
            joined["is_churned"] = joined["recency_days"] > horizon
            found.append(joined[["churn_probability", "churn_band", "is_churned"]])
    return pd.concat(found, ignore_index=True) if found else None
