"""Pseudonyms: the keyed hash that stands in raw where a source sent something personal.

A hash is HMAC-SHA256 (RFC 2104) under a secret key, as 64 hex digits, so that nobody without the key can try
out all phone numbers. The same person gives the same hash in every source, which is how sources are joined.
What is hashed is the value in one spelling:

    phone   its digits (full-width ones too), without a + or 00 before the country's code, and without 86
            before an eleven-digit Chinese mobile number; a text without any digit is no number: null
    email   without the blanks around it, in small letters
    (none)  without the blanks around it

Null stays null and nothing but blanks becomes the empty text: neither says anything of anybody.

Free text stays free text, but phone numbers, identity and card numbers and e-mail addresses in it are struck
out. Names in it cannot be told from other words; it goes no further than raw and staging.

The key reaches DuckDB as two variables of the connection, never as SQL text, so no statement, error or log
holds it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.reading.row_checks import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb
    import pyarrow as pa

    from storage.declaration import Column, Extract, Source

SHORTEST_KEY = 16  # bytes; fewer could be tried out

_BLOCK = 64  # bytes SHA-256 works on at a time
_INNER, _OUTER = "pseudonym_inner", "pseudonym_outer"

_BLANKS = r" \t\r\n\v\f" + "\u00a0\u3000\ufeff"
_FULL_WIDTH, _ASCII = "０１２３４５６７８９＋．", "0123456789+."
# Digits. What people type where a number is asked for and they give none (0, 12345) would join strangers.
_SHORTEST_PHONE = 6
_CHINESE_MOBILE = "^86(1[3-9][0-9]{9})$"


# What is struck out of free text. Dates, amounts and short order numbers are none of these.
_STRUCK_OUT = (
    (r"[0-9A-Za-z._%+-]+[@＠][0-9A-Za-z-]+([.．][0-9A-Za-z-]+)+", "[e-mail]"),
    (r"[+＋][0-9０-９]([ ().-]?[0-9０-９]){6,16}", "[number]"),
    (r"[0-9０-９]{11,}[Xx]?", "[number]"),
    (r"[1１][3-9３-９][0-9０-９]([ .-]?[0-9０-９]{4}){2}", "[number]"),
    (r"[0０][0-9０-９]{2,3}[ -]?[0-9０-９]{7,8}", "[number]"),
    (r"([0-9]{4}[ -]){3}[0-9]{4}", "[number]"),
)


class HashKeyMissing(ValueError):
    """Something personal would go into raw as sent, for there is no key to hash it with."""


class HashKeyTooShort(ValueError):
    """The key could be guessed."""


@dataclass(frozen=True)
class HashKey:
    """The secret under which personal values are hashed; printing it does not show it."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_KEY:
            msg = (
                f"the hash key has {len(self.secret)} bytes; wanted at least {SHORTEST_KEY}, and random ones"
            )
            raise HashKeyTooShort(msg)

    @property
    def name(self) -> str:
        """Eight hex digits that tell one key from another and say nothing of either."""
        return self.hash("the name of this key", "key")[:8]

    def hash(self, text: str, purpose: str = "") -> str:
        """The keyed hash of a text; one for another `purpose` than raw is never the same as raw's."""
        return hmac.new(
            self.secret, (purpose + "\0" if purpose else "").encode() + text.encode(), "sha256"
        ).hexdigest()

    def put_on(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let `expression` and `hashed` work on this connection."""
        key = hashlib.sha256(self.secret).digest() if len(self.secret) > _BLOCK else self.secret
        for variable, pad in ((_INNER, 0x36), (_OUTER, 0x5C)):
            block = bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\0"))
            connection.execute(f"set variable {variable} = ?", [block])


def require_key(key: HashKey | None, sources: Iterable[Source]) -> None:
    """Raise HashKeyMissing, naming the columns, when a declared column is hashed and there is no key."""
    hashed = [
        f"{source.name}.{extract.name}.{column.name}"
        for source in sources
        for extract in source.extracts
        for column in extract.columns
        if column.is_hashed
    ]
    if hashed and key is None:
        msg = (
            f"personal columns are hashed under a secret key, and there is none: {', '.join(hashed)}; set "
            "SEGMENTATION_HASH_KEY, or the password of the Airflow connection segmentation_hash_key, to a "
            "random text of 32 characters, or give the columns keep_personal with a reason"
        )
        raise HashKeyMissing(msg)


def expression(column: Column, value: str = "") -> str:
    """SQL: what raw holds of a personal column; `value` is the SQL of its text, by default the column."""
    spelling = _SPELLINGS[column.normalise](value or quoted(column.name))
    return f"if({spelling} = '', '', {hashed(spelling)})"


def hashed(text: str, purpose: str = "") -> str:
    """SQL: the keyed hash of a text, as `HashKey.hash` gives it; null for null."""
    message = f"encode({text})" if not purpose else f"encode({literal(purpose)} || chr(0) || {text})"
    inner = f"sha256(getvariable('{_INNER}') || {message})"
    return f"sha256(getvariable('{_OUTER}') || unhex({inner}))"


def raw_value(column: Column, value: str = "") -> str:
    """SQL: what raw holds of a column: a hash, a text with numbers struck out, or the value."""
    if column.is_hashed:
        return expression(column, value)
    if column.privacy != "free_text":
        return value or quoted(column.name)
    text = value or quoted(column.name)
    for pattern, instead in _STRUCK_OUT:
        text = f"regexp_replace({text}, '{pattern}', '{instead}', 'g')"
    return text


def hashed_columns(extract: Extract) -> Sequence[Column]:
    """The columns raw holds a hash of."""
    return [column for column in extract.columns if column.is_hashed]


def with_pseudonyms(rows: pa.Table, extract: Extract, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The rows as raw holds them, in the same order: hashes and struck out texts for what is personal."""
    columns = [column for column in extract.columns if column.is_hashed or column.privacy == "free_text"]
    if not columns or not rows.num_rows:
        return rows
    connection.register("as_sent", rows.select([column.name for column in columns]).to_reader())
    try:
        values = ", ".join(f"{raw_value(column)} as {quoted(column.name)}" for column in columns)
        found = connection.execute(f"select {values} from as_sent").to_arrow_table()
    finally:
        connection.unregister("as_sent")
    for column in columns:
        position = rows.column_names.index(column.name)
        rows = rows.set_column(position, rows.schema.field(position), found.column(column.name))
    return rows


def _trimmed(value: str) -> str:
    return f"regexp_replace({value}, '^[{_BLANKS}]+|[{_BLANKS}]+$', '', 'g')"


def _phone(value: str) -> str:
    # A spreadsheet that took the number for one writes 13812345678.0.
    plain = f"regexp_replace(translate({_trimmed(value)}, '{_FULL_WIDTH}', '{_ASCII}'), '[.]0+$', '')"
    digits = f"regexp_replace(regexp_replace({plain}, '[^0-9]', '', 'g'), '^00', '')"
    national = f"regexp_replace({digits}, '{_CHINESE_MOBILE}', '\\1')"
    return f"if({_trimmed(value)} = '', '', if(length({national}) < {_SHORTEST_PHONE}, null, {national}))"


def _email(value: str) -> str:
    address = f"lower({_trimmed(value)})"
    return f"if({address} = '' or regexp_full_match({address}, '[^@]+@[^@]+'), {address}, null)"


_SPELLINGS = {
    "phone": _phone,
    "email": _email,
    None: _trimmed,
}
