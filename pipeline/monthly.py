"""What is fitted once a month and read every day: cut-points, sentiment, laws of value, churn model.

Frozen in the lake's artifacts from the first day of the month on. `model_training` makes them, or, where that
did not run, the first day that needs them, with the same function and the same result.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Protocol

from storage import artifacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.run import Run

log = logging.getLogger(__name__)


class NotFitted(ValueError):
    """Nothing of the kind holds in the month of the day; the message says from where to clear."""


class Fitted(Protocol):
    """A frozen value that can be saved and read by a person."""

    def to_json(self) -> str:
        """The value as JSON, the same bytes for the same value."""

    def card(self) -> str:
        """What it is and how it went, in Markdown."""


def kind(run: Run, name: str, made_of: Sequence[str] = ()) -> str:
    """Where the run's artifacts of that name rest: each set of settings has its own.

    So has each list of what they are `made_of` besides: a release that reads other columns cannot use those
    of the release before. A day stated again has those of what is known now: the first of its month may have
    known nothing yet.
    """
    mark = run.settings.fit_hash
    if made_of:
        mark = hashlib.sha256(",".join([mark, *made_of]).encode()).hexdigest()
    named = f"{name}/{mark[:8]}"
    return named if run.day.known_on == run.day.as_of else f"{named}/known_on_{run.day.known_on:%Y%m%d}"


def in_force(run: Run, kind: str, made_by: str) -> tuple[str, str]:
    """(version, JSON) of what holds on the day. Raises NotFitted where the step `made_by` has not run."""
    found = artifacts.in_force(run.lake, kind, run.day)
    if found is None:
        what = kind.partition("/")[0].replace("_", " ")
        msg = f"no {what} for {run.day.as_of} under these settings; clear {made_by} and after"
        raise NotFitted(msg)
    return found


def save(run: Run, kind: str, fitted: Fitted) -> tuple[str, str]:
    """Save what was fitted, with its card: (version that holds now, version saved).

    They differ where another was fitted before, or promoted.
    """
    saved = artifacts.save(run.lake, kind, run.day.month_start.as_of, fitted.to_json(), fitted.card())
    holds, _ = artifacts.in_force(run.lake, kind, run.day)
    if holds != saved:
        log.warning("fitted %s %s, but %s was fitted before it, or promoted, and holds", kind, saved, holds)
    return holds, saved
