"""The lake: one root folder, partitions put in place in one step.

A partition is one file. It is written under a temporary name beside its place and moved there with
`os.replace`, so a reader sees the old bytes or the new ones and never half of either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, order=True)
class Day:
    """A day of the pipeline: what had happened before `as_of` and was delivered by `known_on`.

    `as_of` is the exclusive upper bound of every event window. `known_on` is the last delivery day that is
    seen; it equals `as_of` unless a past day is stated again with what came later.

    Raises ValueError when `known_on` lies before `as_of`.
    """

    as_of: date
    known_on: date

    def __post_init__(self) -> None:
        if self.known_on < self.as_of:
            msg = f"known_on {self.known_on} lies before as_of {self.as_of}; it can only be the same day or later"
            raise ValueError(msg)

    @classmethod
    def of(cls, as_of: date, known_on: date | None = None) -> Day:
        """The day `as_of` as it was known then, or on `known_on` when that is given."""
        return cls(as_of, known_on or as_of)

    @property
    def key(self) -> str:
        """The partition name of the day, e.g. `as_of=2018-01-01`; names `known_on` only where it differs."""
        if self.known_on == self.as_of:
            return f"as_of={self.as_of.isoformat()}"
        return f"as_of={self.as_of.isoformat()},known_on={self.known_on.isoformat()}"

    @property
    def month_start(self) -> Day:
        """The first day of the month of `as_of`, as it was known then: the day cut-points are fitted on."""
        return Day.of(self.as_of.replace(day=1))
