"""The churn model of a month: learned from the customers of past days, whose fate is known by now.

Its rows come from the SQL of the features, built for several past days in one dbt call, each with what had
been delivered by then. They are built beside the day's features, in a schema of their own of the same working
file: the staging under them is read where it is, and copying it would take as long as building it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from storage import raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.run import Run
    from storage.lake import Day

log = logging.getLogger(__name__)

_TRAINING = "churn_training"
_BESIDE = {"features": "features_of_cutoffs"}


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
    """Build the rows of `cutoffs`, and of `day` itself, over the staging in `folder`; return their file.

    `day` comes last, for that is the day whose orders the labels are read off; its own labels are null.
    """
    import transform

    days = [(cutoff, known(run, day, cutoff)[0]) for cutoff in sorted(cutoffs) if cutoff < day.as_of]
    days.append((day.as_of, day.known_on))
    transform.build(
        (f"+{_TRAINING},path:models/features", _TRAINING),
        folder,
        {
            **variables,
            "run_dir": str(folder),
            "as_of_dates": [
                {"as_of": as_of.isoformat(), "known_on": known_on.isoformat()} for as_of, known_on in days
            ],
        },
        _TRAINING,
        run.settings.resources.memory_limit,
        tests=False,
        schemas=_BESIDE,
    )
    return folder / "features" / f"{_TRAINING}.parquet"
