"""Frozen artifacts: what the training DAG fitted, versioned by the day it holds from and by its content.

    artifacts/<kind>/<valid_from>/<version>.json    the artifact; <version> = <valid_from>-<sha256[:8]>
                                  <version>.md      its card: on what it was fitted, and how well it went
                                  first.json        {"version": …}: the one that was made first
                                  promoted.json     {"version": …}: the one a person or model_training named

An artifact is added, never edited. In force on a day is one that holds from the first of its month: the
promoted one, else the first made. "First" is settled once, by linking first.json into place: a link fails
when the name is there, so of two processes that fit at the same moment one wins, and both read the same
answer from then on. Nothing is in force before first.json is there, so an answer once given changes only by
a promotion. Neither file times nor the order of names play any part.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from storage import lake as place

if TYPE_CHECKING:
    from storage.lake import Day

log = logging.getLogger(__name__)


class ArtifactMissing(FileNotFoundError):
    """No artifact of that version was ever saved."""


class ArtifactAltered(ValueError):
    """An artifact's bytes are not the ones its version names: somebody edited a frozen file."""


def save(lake: Path, kind: str, valid_from: date, payload: str, card: str) -> str:
    """Add an artifact that holds from `valid_from`, the first of a month; return its version.

    `payload` is JSON text and kept byte for byte; `card` is Markdown. Saving equal content again touches
    nothing. Other content for the same day is added beside it and changes nothing until it is promoted.

    Raises ValueError when `payload` is no JSON or `valid_from` not the first of a month.
    """
    if valid_from.day != 1:
        msg = f"an artifact holds from the first of a month, not from {valid_from}"
        raise ValueError(msg)
    json.loads(payload)
    version = f"{valid_from.isoformat()}-{_hash(payload.encode())}"
    path = _path(lake, kind, version)
    if not path.exists():
        # The card first: where an artifact is, its card is.
        place.write_text(path.with_suffix(".md"), card)
        place.write_text(path, payload)
        log.info("saved %s %s", kind, version)
    _claim_first(path.with_name("first.json"), version)
    return version


def _claim_first(pointer: Path, version: str) -> None:
    """Point `pointer` at `version` unless it points already; exactly one of several processes wins."""
    if pointer.exists():
        return
    mine = place.temporary_name(pointer)
    mine.write_text(json.dumps({"version": version}) + "\n", encoding="utf-8")
    place.sync(mine)
    try:
        os.link(mine, pointer)
        place.sync(pointer.parent)
    except FileExistsError:
        pass
    finally:
        mine.unlink()


def promote(lake: Path, kind: str, version: str) -> None:
    """Put `version` in force for its month, in place of the first made or of an earlier promotion.

    Raises ArtifactMissing and ArtifactAltered as `load` does; then nothing is promoted.
    """
    load(lake, kind, version)
    pointer = _path(lake, kind, version).with_name("promoted.json")
    if _named(pointer) != version:
        place.write_json(pointer, {"version": version})
        log.info("promoted %s %s", kind, version)


def in_force(lake: Path, kind: str, day: Day) -> tuple[str, str] | None:
    """(version, payload) of the artifact in force on `day`, or None when its month has none yet.

    Raises ArtifactMissing or ArtifactAltered when what a pointer names is gone or was edited.
    """
    folder = lake / "artifacts" / kind / day.month_start.as_of.isoformat()
    version = _named(folder / "promoted.json") or _named(folder / "first.json")
    return (version, load(lake, kind, version)) if version else None


def load(lake: Path, kind: str, version: str) -> str:
    """The payload of one version, checked against the hash in its name.

    Raises ArtifactMissing when there is none, ArtifactAltered when its bytes are not those that were saved.
    """
    path = _path(lake, kind, version)
    try:
        payload = path.read_bytes()
    except FileNotFoundError:
        msg = f"no {kind} artifact {version}: {path} is not there"
        raise ArtifactMissing(msg) from None
    found = _hash(payload)
    if found != version[-8:]:
        msg = f"{path} was edited: its content hashes to {found}, its version says {version[-8:]}"
        raise ArtifactAltered(msg)
    return payload.decode("utf-8")


def versions(lake: Path, kind: str) -> list[str]:
    """Every version of `kind`, sorted by the day it holds from, then by hash."""
    found = (lake / "artifacts" / kind).glob("*/*.json")
    return sorted(path.stem for path in found if _VERSION.fullmatch(path.stem))


_VERSION = re.compile(r"(\d{4}-\d\d-\d\d)-[0-9a-f]{8}")


def _path(lake: Path, kind: str, version: str) -> Path:
    """Where a version rests; ValueError for a kind or version that would lead elsewhere."""
    named = _VERSION.fullmatch(version)
    if not named or not re.fullmatch(r"[a-z0-9_]+(/[a-z0-9_]+)*", kind):
        msg = f"{kind!r} {version!r} is no artifact; a version reads <valid_from>-<8 hex digits>"
        raise ValueError(msg)
    return lake / "artifacts" / kind / named[1] / f"{version}.json"


def _hash(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()[:8]


def _named(pointer: Path) -> str | None:
    try:
        return json.loads(pointer.read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        return None
