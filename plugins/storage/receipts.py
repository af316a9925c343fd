"""Receipts: what is known of each delivered file, one small JSON file each, and how reading it went."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_DIGITS = 12

# Suffixes that say how a file is packed; the one before them says what is in it.
_PACKED = frozenset({".gz", ".zst", ".zip", ".bz2", ".xz"})

# A receipt's own name must leave room for that of a temporary file within the 255 bytes a name may have.
_LONGEST_NAME = 119


@dataclass(frozen=True)
class Receipt:
    """One delivered file of one extract: the file (grain: source, extract, delivered_on, file, sha256).

    `file` is the path as sent below the extract's folder: one name in two folders is two files.
    `bytes` is the size as sent. `status` is `landed` until the file has been read, then `accepted`,
    `duplicate` (the same bytes were delivered before) or `set_aside` (nothing of it goes on, `reason` says
    why). Rows are counted so that rows_in = rows_raw + rows_quarantined, but for a duplicate, whose rows are
    counted in only; `rows_erased` were of people who were erased, and are in no other count.
    `quarantined_by_reason` counts the rows in quarantine; `read_as` names the declaration the file was
    read by, `encoding` what its text was declared or found to be written in. `released_from` names
    the file and the records of a delivery that was released from quarantine.
    """

    source: str
    extract: str
    delivered_on: date
    file: str
    sha256: str
    bytes: int
    status: str = "landed"
    rows_in: int = 0
    rows_raw: int = 0
    rows_quarantined: int = 0
    duplicate_of: str | None = None
    reason: str | None = None
    added_columns: str = ""
    missing_columns: str = ""
    quarantined_by_reason: Mapping[str, int] = field(default_factory=dict)
    read_as: str | None = None
    encoding: str | None = None
    rows_erased: int = 0
    released_from: Mapping[str, Any] | None = None

    @property
    def content(self) -> str:
        """The short name of the bytes."""
        return self.sha256[:CONTENT_DIGITS]

    @property
    def order(self) -> tuple[date, str, str, str]:
        """Deliveries are worked on in this order, whatever order they came in."""
        return (self.delivered_on, self.extract, self.file, self.sha256)

    @property
    def name(self) -> str:
        """The receipt's place below the folder of receipts."""
        return f"{self.source}/{self.extract}/{self.delivered_on}__{_as_name(self.file)}__{self.content}.json"

    @property
    def partition(self) -> str:
        """The place of the delivery's rows below the folder of raw, and of quarantine."""
        return f"{self.source}/{self.extract}/delivered_on={self.delivered_on}/{self.content}.parquet"

    def path(self, root: Path) -> Path:
        """Where the receipt lies below a lake, or below a folder of pending deliveries."""
        return root / "receipts" / self.name

    def was_read(self, lake: Path) -> bool:
        """Whether the lake knows what became of the delivery, and its bytes need not be there any more."""
        there = self.path(lake)
        return there.exists() and read(there).status != "landed"

    def raw_path(self, root: Path) -> Path:
        """Where the rows that go on lie."""
        return root / "raw" / self.partition

    def quarantine_path(self, root: Path) -> Path:
        """Where the rows that do not go on lie."""
        return root / "quarantine" / self.partition

    def arrival_path(self, lake: Path) -> Path:
        """Where it is noted whence and when the file came."""
        return lake / "arrivals" / self.name

    def landed_path(self, lake: Path) -> Path:
        """Where the bytes as sent lie: by what they are, with the suffixes readers look at, in small."""
        suffixes = [suffix.lower() for suffix in Path(self.file).suffixes]
        kept = suffixes[-2:] if suffixes and suffixes[-1] in _PACKED else suffixes[-1:]
        return lake / "landing" / self.source / self.extract / (self.sha256 + "".join(kept))

    def unread(self) -> Receipt:
        """The receipt as it was when the file landed."""
        return Receipt(
            *(self.source, self.extract, self.delivered_on, self.file, self.sha256, self.bytes),
            released_from=self.released_from,
        )

    def with_outcome(self, **changes: Any) -> Receipt:
        """The receipt after the file has been read."""
        return replace(self, **changes)


def _as_name(file: str) -> str:
    """A path as one file name: reversible unless it is too long, then short and still its own."""
    name = file.replace("%", "%25").replace("/", "%2F")
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(file.encode()).hexdigest()[:16]
    return name.encode()[: _LONGEST_NAME - 17].decode(errors="ignore") + "~" + digest


def as_json(receipt: Receipt) -> bytes:
    """A receipt as it is stored; equal receipts are equal bytes."""
    content = asdict(receipt) | {"delivered_on": receipt.delivered_on.isoformat()}
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


def read(path: Path) -> Receipt:
    """Read one receipt."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Receipt(**content | {"delivered_on": date.fromisoformat(content["delivered_on"])})


def read_all(root: Path, source: str, extract: str) -> dict[str, Receipt]:
    """Every receipt of an extract below `root`, by name."""
    found = (read(path) for path in sorted((root / "receipts" / source / extract).glob("*.json")))
    return {receipt.name: receipt for receipt in found}
