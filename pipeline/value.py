"""Customer value in the run of a day: fitted once a month like the cut-points, read off every day.

The laws are fitted on the features of the month's first day. Too little data is no failure: the artifact says
so, and the numbers that need it are null with the reason.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pipeline import monthly
from storage import artifacts, lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.value.customer_value import Value
    from pipeline.run import Run

log = logging.getLogger(__name__)

SCORES = "customer_value"
KEYS = {"customer_id": "varchar", "as_of": "date", "known_on": "date", "value_version": "varchar"}


def kind(run: Run) -> str:
    """Where the run's laws rest; see `monthly.kind`."""
    return monthly.kind(run, "value")


def ensure(run: Run, month_start: Callable[[Run], Path]) -> dict[str, Any]:
    """The laws in force on the day, fitted now where the training DAG has not."""
    found = artifacts.in_force(run.lake, kind(run), run.day)
    return {"value_version": found[0], "made": False} if found else fit(run, month_start(run))


def fit(run: Run, folder: Path) -> dict[str, Any]:
    """Fit on the features of the month's first day, which `folder` holds, and save the laws with card."""
    from models.value import customer_value

    features = lake.Columns(folder / "features" / "customer_features.parquet")
    fitted = customer_value.fit(features, run.settings.thresholds.customer_value)
    for fault in fitted.said:
        log.warning("customer value of %s: %s", run.day.month_start.as_of, fault)
    holds, saved = monthly.save(run, kind(run), fitted)
    return {"value_version": holds, "fitted": saved, "made": True, "status": fitted.status}


def score(run: Run) -> dict[str, Any]:
    """What every customer is worth, batch by batch: no score looks at a neighbour."""
    from models.value import customer_value

    version, fitted = in_force(run)
    features = lake.features_path(run.lake, run.day)
    constants = {"as_of": run.day.as_of, "known_on": run.day.known_on, "value_version": version}
    scored = (
        fitted.score(batch).assign(**constants) for batch in lake.batches(features, customer_value.FEATURES)
    )
    customers = lake.write_parquet(
        lake.scores_path(run.lake, SCORES, run.day),
        scored,
        KEYS | customer_value.COLUMNS,
        key="customer_id",
    )
    log.info("valued %s customers for %s with %s (%s)", customers, run.day.key, version, fitted.status)
    return {"customers": customers, "value_version": version, "status": fitted.status}


def in_force(run: Run) -> tuple[str, Value]:
    """Version and laws in force on the day. Raises NotFitted where its month has none."""
    from models.value.customer_value import Value

    version, payload = monthly.in_force(run, kind(run), "ensure_models")
    return version, Value.from_json(payload)
