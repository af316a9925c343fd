"""Faults in the planted files, each counted: what the loader must find, and what must not change any figure.

The rows with a bad value are of orders nobody made, so that losing them to quarantine changes no truth; rows
sent twice and corrected rows are real ones.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.planted.extracts import Rows

if TYPE_CHECKING:
    from pipeline.planted.shop import Shop


@dataclass(frozen=True)
class BadValue:
    """`rows` rows of an extract whose `column` holds `value`; the loader must give `reason`."""

    extract: str
    id_column: str
    column: str
    value: str
    reason: str
    rows: int


BAD_VALUES = (
    BadValue("order_lines", "order_id", "qty", "two", "not_a_decimal", 3),
    BadValue("order_lines", "order_id", "qty", "-1", "below_minimum", 2),
    BadValue("order_lines", "order_id", "product_id", "", "missing_value", 2),
    BadValue("orders", "order_id", "status", "lost", "not_an_accepted_value", 3),
    BadValue("orders", "order_id", "ordered_at", "2099-01-01 00:00:00", "after_delivery", 2),
    BadValue("feedback", "feedback_id", "rating", "9", "above_maximum", 2),
    BadValue("customers", "customer_id", "family_size", "many", "not_a_bigint", 1),
)
SENT_TWICE = {"order_lines": 5}  # rows that stand twice in one file
SENT_AGAIN = {"returns": 12}  # rows that stand in the next file too: an export whose window overlaps
CORRECTED = {"order_lines": 6}  # rows sent again five days later with another discount
FILE_SENT_TWICE = "returns"  # one file again a day later, byte for byte
EMPTY_FILE = "web_events"  # one file of no bytes, a day after a whole one

KEYS = {
    "customers": ("customer_id",),
    "orders": ("order_id",),
    "order_lines": ("order_id", "line_no"),
    "feedback": ("feedback_id",),
    "service_tickets": ("ticket_id",),
    "interactions": ("interaction_id",),
    "referrals": ("referral_id",),
    "products": ("product_id",),
}
"""Keys of the extracts in which a key is sent more than once with another content."""


@dataclass(frozen=True)
class Account:
    """What must become of every row of an extract; rows_in is the sum of the other five counts of rows."""

    extract: str
    files: int
    rows_in: int
    accepted: int
    duplicate: int
    superseded: int
    anonymous: int
    quarantined: int
    reasons: dict[str, int]
    files_duplicate: int
    files_set_aside: int


def plant(shop: Shop, extracts: dict[str, Rows]) -> dict[str, Rows]:
    """The extracts with their faulty rows, in the files a company would have sent them in."""
    planted = dict(extracts)
    for name, count in SENT_AGAIN.items():
        planted[name] = _overlap(planted[name], count)
    for name, count in SENT_TWICE.items():
        planted[name] = _copies(shop, planted[name], count, later=0, change=None)
    for name, count in CORRECTED.items():
        planted[name] = _copies(shop, planted[name], count, later=5, change="discount")
    for number, bad in enumerate(BAD_VALUES):
        planted[bad.extract] = _bad_rows(shop, planted[bad.extract], bad, number)
    return planted


def accounts(shop: Shop, extracts: dict[str, Rows], planted: dict[str, Rows]) -> list[Account]:
    """The account of each extract, from the rows before and after the faults were planted."""
    import numpy as np

    found = []
    for name, rows in extracts.items():
        sent = planted[name]
        reasons: Counter[str] = Counter()
        for bad in BAD_VALUES:
            if bad.extract == name:
                reasons[bad.reason] += bad.rows
        keys = (
            set(zip(*(rows.columns[column] for column in KEYS[name]), strict=True)) if name in KEYS else None
        )
        superseded = (len(rows) - len(keys) if keys else 0) + CORRECTED.get(name, 0)
        twice = int((sent.delivered == day_sent_twice(sent)).sum()) if name == FILE_SENT_TWICE else 0
        duplicate = SENT_TWICE.get(name, 0) + SENT_AGAIN.get(name, 0) + twice
        blank = {"customer_id", "referrer_id"} & set(rows.columns)
        nobody = 0
        if blank:
            last = dict.fromkeys(keys) if keys else None
            column = rows.columns[blank.pop()]
            if last is None:
                nobody = sum(not value for value in column)
            else:
                each = zip(
                    zip(*(rows.columns[part] for part in KEYS[name]), strict=True), column, strict=True
                )
                nobody = len({key for key, value in each if not value})
        quarantined = sum(reasons.values())
        rows_in = len(sent) + twice
        files = len(np.unique(sent.delivered))
        found.append(
            Account(
                name,
                files + (name == FILE_SENT_TWICE) + (name == EMPTY_FILE),
                rows_in,
                rows_in - duplicate - superseded - nobody - quarantined,
                duplicate,
                superseded,
                nobody,
                quarantined,
                dict(sorted(reasons.items())),
                int(name == FILE_SENT_TWICE),
                int(name == EMPTY_FILE),
            )
        )
    return found


def day_sent_twice(rows: Rows) -> int:
    """The day of the file that is sent again the day after: the middle one of the extract."""
    import numpy as np

    days = np.unique(rows.delivered)
    return int(days[len(days) // 2])


def _add(rows: Rows, delivered: list[int], added: list[dict[str, str]]) -> Rows:
    import numpy as np

    columns = {name: column + [row[name] for row in added] for name, column in rows.columns.items()}
    return Rows(np.concatenate([rows.delivered, np.array(delivered, dtype=int)]), columns)


def _row(rows: Rows, position: int) -> dict[str, str]:
    return {name: column[position] for name, column in rows.columns.items()}


def _spread(rows: Rows, count: int, until: int) -> list[int]:
    """Positions of `count` rows, evenly over the deliveries before `until`."""
    import numpy as np

    early = np.flatnonzero(rows.delivered < until)
    return early[np.linspace(len(early) // 7, len(early) - 1 - len(early) // 7, count).astype(int)].tolist()


def _copies(shop: Shop, rows: Rows, count: int, later: int, change: str | None) -> Rows:
    positions = [position + 1 + bool(change) for position in _spread(rows, count, shop.days - 10)]
    added = [_row(rows, position) for position in positions]
    if change:
        added = [row | {change: f"{float(row[change]) + 0.5:.2f}"} for row in added]
    return _add(rows, [int(rows.delivered[position]) + later for position in positions], added)


def _overlap(rows: Rows, count: int) -> Rows:
    """Rows of several files stand in the file after theirs as well."""
    import numpy as np

    days = np.unique(rows.delivered)
    positions = _spread(rows, count, int(days[len(days) // 3]))
    following = dict(pairwise(days.tolist()))
    return _add(
        rows,
        [following[int(rows.delivered[position])] for position in positions],
        [_row(rows, position) for position in positions],
    )


def _bad_rows(shop: Shop, rows: Rows, bad: BadValue, number: int) -> Rows:
    positions = [position + 3 + number for position in _spread(rows, bad.rows, shop.days - 20)]
    added = [
        _row(rows, position) | {bad.id_column: f"BAD-{number}-{count}", bad.column: bad.value}
        for count, position in enumerate(positions)
    ]
    return _add(rows, [int(rows.delivered[position]) for position in positions], added)
