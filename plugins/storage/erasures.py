"""Erasures: the record of who was erased, by hash, when and where from; one small JSON file each.

A record is written before anything is touched and completed when the search afterwards has found nothing:
`state` is `begun` until then, so an erasure that was killed, or could not finish, is seen and done again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from storage import lake as lake_files
from storage.reading.erased import Erased

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Erasure:
    """One person erased from one source.

    `counts` are the rows and files taken, by layer, `files` the files touched (paths below the lake),
    `search` what the search afterwards looked at and found.
    """

    number: int
    erased: Erased
    state: str = "begun"
    counts: Mapping[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    search: Mapping[str, Any] = field(default_factory=dict)

    def with_outcome(self, **changes: Any) -> Erasure:
        """The record further on."""
        return replace(self, **changes)

    def path(self, lake: Path) -> Path:
        """Where the record lies."""
        return lake / "erasures" / f"{self.number}.json"

    def write(self, lake: Path) -> None:
        """Put the record in place in one step."""
        content = asdict(self)
        content["erased"]["day"] = self.erased.day.isoformat()
        lake_files.write_json(self.path(lake), content)


def read_all(lake: Path) -> list[Erasure]:
    """Every record, by number."""
    return sorted(map(_read, (lake / "erasures").glob("*.json")), key=lambda each: each.number)


def in_force(lake: Path) -> list[Erased]:
    """Everybody who was erased, also by an erasure that has not been completed."""
    return [each.erased for each in read_all(lake)]


def _read(path: Path) -> Erasure:
    content = json.loads(path.read_text(encoding="utf-8"))
    erased = content.pop("erased")
    erased["day"] = date.fromisoformat(erased["day"])
    return Erasure(**content | {"erased": Erased(**erased), "files": tuple(content["files"])})
