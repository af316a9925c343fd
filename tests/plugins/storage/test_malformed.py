"""What real exports send: every record of a file is in raw or in quarantine with its reason, never nowhere.

The table below holds a file on every line; what must become of it is written beside it, or follows from a
rule that stands above it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections import Counter
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_table import (
    GOOD,
    NAMES,
    WIDTH,
    Case,
    Found,
    Reading,
    csv_text,
    excel_bytes,
    fixed_text,
    jsonl_text,
    row,
    zipped,
)

from storage.reading import text_delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

JSONL = (("format", "jsonl"),)
FIXED = (("format", "fixed_width"),)
EXCEL = (("format", "excel"),)
PARQUET = (("format", "parquet"),)

# A value in one column of a good record, and the reason it is refused for, or None: it goes on as sent.
# The same text gets the same verdict in CSV, JSON lines, fixed width and in a cell of text in Excel.
VALUES: dict[str, dict[str, str | None]] = {
    "id": {"": "missing_value", "  ": "missing_value", "0007": None, "汉": None, "NULL": None},
    "n": {
        **dict.fromkeys(("0", "1000", "+5", "5.0", "007", "-0", ""), None),
        **dict.fromkeys(("-1", "-5"), "below_minimum"),
        **dict.fromkeys(("1001", "99999"), "above_maximum"),
        **dict.fromkeys(("two", "1.5", "1,5", "1 000", "1,000", "1'000", "1.000,00"), "not_a_bigint"),
        **dict.fromkeys(("1e3", "0x1F", "0b1", "1_0", "１２", "١٢", "−5", "5-", "(5)"), "not_a_bigint"),
        **dict.fromkeys(("--1", "5\u00a0", "\u20075", "5 pcs", "$5", "1/2", "½", "∞"), "not_a_bigint"),
        **dict.fromkeys(("#REF!", "=", "NaN", "NULL", "null", "N/A", "None", "-", "?"), "not_a_bigint"),
        **dict.fromkeys(("true", "TBD", "9223372036854775808", "1" * 30), "not_a_bigint"),
    },
    "amount": {
        **dict.fromkeys(("0", "1e2", "+5.00", ".5", "5.", "9.5000", "9.505", "1E+2"), None),
        **dict.fromkeys(("-0.01", "-9"), "below_minimum"),
        **dict.fromkeys(("9,50", "1.234,56", "1,234.56", "£9.50", "9.50 EUR", "¥9"), "not_a_decimal"),
        **dict.fromkeys(("９.５", "99999999999999999.99", "1e20", "nan", "inf"), "not_a_decimal"),
        **dict.fromkeys(("9.5.0", "1e", "−9.50"), "not_a_decimal"),
    },
    "rate": {
        **dict.fromkeys(("1e5", "-1.5", ".5", "1e-300"), None),
        **dict.fromkeys(("nan", "NaN", "inf", "-inf", "Infinity", "1e400", "1,5"), "not_a_double"),
        **dict.fromkeys(("0x1p3", "1.5.2", "50%"), "not_a_double"),
    },
    "at": {
        **dict.fromkeys(("2017-01-04T12:00:00", "2017-01-04", "2017/1/4 9:05"), None),
        **dict.fromkeys(("2017-01-04 12:00:00.123", "2017-01-04 12:00:00Z"), None),
        **dict.fromkeys(("2017-01-04T12:00:00+00:00", "2017-01-05 23:59:59"), None),
        **dict.fromkeys(("2017-01-06 00:00:00", "2017-12-31", "9999-12-31 00:00:00"), "after_delivery"),
        **dict.fromkeys(("31/02/2017", "04.01.2017", "01/04/2017 12:00", "17-01-04"), "not_a_timestamp"),
        **dict.fromkeys(("4 Jan 2017", "2017-13-01", "2017-02-30 10:00:00"), "not_a_timestamp"),
        **dict.fromkeys(("2017-01-04 25:00:00", "0000-00-00", "12:00:00", "20170104"), "not_a_timestamp"),
        **dict.fromkeys(("2017-01-04 12:00:00+02", "2017-01-04 12:00 PST"), "not_a_timestamp"),
        **dict.fromkeys(("42739", "42739.5", "1483531200", "epoch", "now"), "not_a_timestamp"),
        **dict.fromkeys(("infinity", "2017-01", "2017-01-04 12", "2017-01-04T1200"), "not_a_timestamp"),
    },
    "day": {
        **dict.fromkeys(("2017/01/04", "2017-1-4", "2030-01-01"), None),
        **dict.fromkeys(("2017-02-29", "29/02/2016", "2017-13-01", "2017-00-10"), "not_a_date"),
        **dict.fromkeys(("42739", "today", "2017-01-04 00:00:00", "infinity", "-infinity"), "not_a_date"),
        "２０１７-01-04": "not_a_date",
    },
    "ok": {
        **dict.fromkeys(("TRUE", "False", "1", "0", "t"), None),
        **dict.fromkeys(("2", "ja", "wahr", "是", "on/off", "-1"), "not_a_boolean"),
    },
    "kind": {
        **dict.fromkeys(("web", "APP", " Web ", "Ａｐｐ", "ＷＥＢ　", ""), None),
        **dict.fromkeys(("ap p", "аpp", "application", "app,web", "0", "NULL"), "not_an_accepted_value"),
    },
    "note": dict.fromkeys(("NULL", "#N/A", "=1+1", "\u200b", "😀", "-", "a\\nb", "<b>", "'"), None),
}


def of_values() -> Iterator[Case]:
    """A file of three records for every value of the table, the value in the second of them."""
    for column, values in VALUES.items():
        for value, reason in values.items():
            rows = (row(), row(**{column: value}), row())
            good, bad = ((1, 2, 3), {}) if reason is None else ((1, 3), {2: reason})
            name = f"{column} {value!r}"
            yield Case(f"csv {name}", csv_text(*rows).encode(), good, bad)
            yield Case(f"jsonl {name}", jsonl_text(*rows).encode(), good, bad, written=JSONL)
            yield Case(f"fixed {name}", fixed_text(*rows).encode(), good, bad, written=FIXED)


def of_csv_lines() -> Iterator[Case]:
    """Two good records, a line that is not one, and two good records, with either line end."""
    wrong = {
        "an unclosed quote at the start": ('"a,7,9.50,0.5,2017-01-04,,true,app,x', "unclosed_quote"),
        "an unclosed quote in the middle": ('a,7,9.50,0.5,2017-01-04,,true,"app,x', "unclosed_quote"),
        "an unclosed quote at the end": ('a,7,9.50,0.5,2017-01-04,,true,app,"x', "unclosed_quote"),
        "text behind a closing quote": ('a,7,9.50,0.5,2017-01-04,,true,app,"x"y', "unclosed_quote"),
        "a quote not doubled": ('a,7,9.50,0.5,2017-01-04,,true,app,"5" pipe"', "unclosed_quote"),
        "a quote escaped by a backslash": (
            r'a,7,9.50,0.5,2017-01-04,,true,app,"5\" pipe"',
            "unclosed_quote",
        ),
        "a column too few": ("a,7,9.50,0.5,2017-01-04,,true,app", "wrong_column_count"),
        "a column too many": ("a,7,9.50,0.5,2017-01-04,,true,app,x,y", "wrong_column_count"),
        "a delimiter at the end": ("a,7,9.50,0.5,2017-01-04,,true,app,x,", "wrong_column_count"),
        "an unquoted comma in a text": ("a,7,9.50,0.5,2017-01-04,,true,app,x, y", "wrong_column_count"),
        "a decimal comma": ("a,7,9,50,0.5,2017-01-04,,true,app,x", "wrong_column_count"),
        "another delimiter": ("a;7;9.50;0.5;2017-01-04;2017-01-04;true;app;x", "wrong_column_count"),
        "a total": ("Total: 4", "wrong_column_count"),
        "a comment": ("# exported at noon", "wrong_column_count"),
        "an error in the middle": ("ERROR 2013 (HY000): Lost connection", "wrong_column_count"),
        "nothing but delimiters": (",,,,,,,,", "missing_value"),
        "nothing but blanks": ("   ", "wrong_column_count"),
        "the header again": (",".join(NAMES), "not_a_bigint"),
        "columns moved by one": ("7,9.50,0.5,2017-01-04,,true,app,x,a", "not_a_bigint"),
        "quotes by apostrophes": (
            "'a','7','9.50','0.5','2017-01-04','2017-01-04','true','app','x'",
            "not_a_bigint",
        ),
        "a NUL in a number": ("a,7\0,9.50,0.5,2017-01-04,,true,app,x", "not_a_bigint"),
        "a NUL for a line": ("\0" * 8, "wrong_column_count"),
        "an end of file of DOS": ("\x1a", "wrong_column_count"),
    }
    fine = {
        "a quote inside a field": 'a,7,9.50,0.5,2017-01-04,,true,app,5" pipe',
        "a line end inside quotes": 'a,7,9.50,0.5,2017-01-04,,true,app,"one\r\ntwo"',
        "quotes doubled": 'a,7,9.50,0.5,2017-01-04,,true,app,"so ""called"" good"',
        "every field in quotes": '"a","7","9.50","0.5","2017-01-04","2017-01-04","true","app","x"',
        "a delimiter in quotes": '"a,b",7,9.50,0.5,2017-01-04,,true,app,x',
        "a NUL in a text": "a,7,9.50,0.5,2017-01-04,,true,app,x\0y",
        "a tab in a text": "a,7,9.50,0.5,2017-01-04,,true,app,x\ty",
        "a return in a text": "a,7,9.50,0.5,2017-01-04,,true,app,x\ry",
        "a return before the line end": "a,7,9.50,0.5,2017-01-04,,true,app,x\r",
        "a line separator of Unicode": "a,7,9.50,0.5,2017-01-04,,true,app,x\u2028y",
        "numbers that are nothing, in quotes": 'a,"","","",2017-01-04,"","","app",""',
    }
    for end, called in (("\n", "LF"), ("\r\n", "CRLF")):
        for name, (line, reason) in wrong.items():
            sent = csv_text(row(), row(), line, row(), row(), end=end).encode()
            yield Case(f"csv {called} {name}", sent, (1, 2, 4, 5), {3: reason})
        for name, line in fine.items():
            sent = csv_text(row(), row(), line, row(), row(), end=end).encode()
            yield Case(f"csv {called} {name}", sent, (1, 2, 3, 4, 5))
    long = row(note="x" * (2 << 20))
    yield Case("csv a field of 2 MB", csv_text(row(), long, row()).encode(), (1, 3), {2: "record_too_long"})
    mixed = good_line() + "\r\n" + good_line()
    yield Case("csv mixed line ends", csv_text(row(), mixed, row(note="x\ry")).encode(), (1, 2, 3, 4))


def good_line() -> str:
    """A good record of CSV."""
    return csv_text(row()).splitlines()[1]


def of_csv_files() -> Iterator[Case]:
    """Whole files that are not what was declared, or nearly not."""
    good = csv_text(row(), row(), row())
    line = good.splitlines()[1]
    aside = {
        "nothing": (b"", "empty_file", 0),
        "only a byte order mark": (b"\xef\xbb\xbf", "empty_file", 0),
        "only a line end": (b"\n", "wrong_header", 0),
        "only blanks": (b"   \n  \n", "wrong_header", 1),
        "no header": ("".join(good.splitlines(keepends=True)[1:]).encode(), "wrong_header", 2),
        "header in capitals": (good.replace("id,n", "ID,N").encode(), "wrong_header", 3),
        "header with blanks": (good.replace("id,n", "id, n").encode(), "wrong_header", 3),
        "header with two byte order marks": (b"\xef\xbb\xbf" * 2 + good.encode(), "wrong_header", 3),
        "header with a column twice": (good.replace(",note", ",note,n", 1).encode(), "wrong_header", 3),
        "header without a column": (good.replace(",note\n", "\n", 1).encode(), "wrong_header", 3),
        "header with an unclosed quote": (b'"' + good.encode(), "wrong_header", 3),
        "header that is no text": (b"\xff" + good.encode(), "not_decodable", 3),
        "semicolons": (good.replace(",", ";").encode(), "wrong_header", 3),
        "tabs": (good.replace(",", "\t").encode(), "wrong_header", 3),
        "Excel's sep line": (b"sep=,\n" + good.encode(), "wrong_header", 4),
        "a title above the header": (b"Export of orders\n" + good.encode(), "wrong_header", 4),
        "line ends of an old Mac": (good.replace("\n", "\r").encode(), "wrong_header", 0),
        "an HTML page": (b"<!DOCTYPE html>\n<html><body>503</body></html>\n", "wrong_format", 0),
        "an HTML page after blanks": (b"\n  <html><body>Please log in</body></html>\n", "wrong_format", 0),
        "an XML error": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "wrong_format", 0),
        "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "wrong_format", 0),
        "a workbook": (zipped({"xl/workbook.xml": b"<workbook/>"}), "wrong_format", 0),
        "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504, "wrong_format", 0),
        "an archive": (gzip.compress(good.encode()), "wrong_format", 0),
        "a Parquet file": (b"PAR1" + b"\0" * 20 + b"PAR1", "wrong_format", 0),
        "JSON": (b'{"id": 1}\n{"id": 2}\n', "wrong_header", 1),
        "a message": (b"ERROR: permission denied for table orders\n", "wrong_header", 0),
        "rows a column longer than the header": (
            csv_text(*[line + ",x"] * 3).encode(),
            "mostly_unreadable",
            3,
        ),
        "most values wrong": (csv_text(row(n="x"), row(n="y"), row()).encode(), "mostly_unreadable", 3),
        "UTF-16 declared as UTF-8": (good.encode("utf-16"), "not_decodable", 0),
        "UTF-16 without a mark": (
            good.encode("utf-16-le"),
            "wrong_header",
            4,
        ),  # the last of half a character
        "UTF-32": (good.encode("utf-32"), "not_decodable", 0),
        "EBCDIC": (good.encode("cp500"), "not_decodable", 0),
        "zeros": (b"\0" * 5000, "wrong_header", 0),
    }
    for name, (sent, reason, counted) in aside.items():
        yield Case(f"csv {name}", sent, reason=reason, counted=counted)
    yield Case("csv a header alone", csv_text().encode())
    yield Case("csv a header without its line end", csv_text().strip().encode())
    yield Case("csv a byte order mark", b"\xef\xbb\xbf" + good.encode(), (1, 2, 3))
    yield Case("csv no line end at the end", good.strip().encode(), (1, 2, 3))
    yield Case("csv empty lines", good.replace("\n", "\n\n").encode(), (1, 2, 3))
    yield Case("csv cut off in its last line", good.encode()[:-20], (1, 2), {3: "wrong_column_count"})
    yield Case("csv cut off in a quote", good.encode()[:-5] + b'"fi', (1, 2), {3: "unclosed_quote"})
    reordered = "\n".join(",".join(reversed(each.split(","))) for each in good.splitlines())
    yield Case("csv columns in another order", reordered.encode(), (1, 2, 3))
    wider = "\n".join(f"{each},{'colour' if not i else 'red'}" for i, each in enumerate(good.splitlines()))
    yield Case("csv a column more", wider.encode(), (1, 2, 3), added="colour")
    trailing = "\n".join(each + "," for each in good.splitlines())
    yield Case("csv a delimiter at every end", trailing.encode(), (1, 2, 3))
    swallowed = csv_text(row(), good_line().replace("fine", '"open'), *[row()] * 500)
    good = (1, *range(3, 503))
    yield Case("csv a stray quote before good lines", swallowed.encode(), good, {2: "unclosed_quote"})


# Text that each encoding can write, with what its bytes could be taken for: a delimiter, a quote, a line end.
TEXTS = {
    "utf-8": "汉字 café 😀",
    "utf-16": "汉字 café 😀",
    "utf-16-le": "汉字 ਊ café 😀",
    "utf-16-be": "汉字 ਊ ∢ café 😀",
    "gb18030": "汉字 乗 乕 倈 café 😀",
    "gbk": "汉字 乗 乕 倈",
    "big5": "漢字 功 許",
    "latin-1": "café ñ ÿ",
    "cp1252": "café – “so” €",
}


def of_encodings() -> Iterator[Case]:
    """In every encoding, with every delimiter: a text in quotes, a bad value, and a line that is no text."""
    broken = {"utf-8": b"\xc3\x28", "gb18030": b"\xff\xff", "gbk": b"\xff\xff", "big5": b"\xff\xff"}
    broken |= {"cp1252": b"\x81\x8d"}
    for encoding, text in TEXTS.items():
        for delimiter in ",;\t|":
            written = (("encoding", encoding), ("delimiter", delimiter))
            note = f"{text}{delimiter}\r\n{text}"
            rows = (row(note=note), row(n="x", note=note), row(note=text), row(), row())
            sent = csv_text(*rows, delimiter=delimiter, end="\r\n").encode(encoding)
            name = f"csv {encoding} {delimiter!r}"
            yield Case(
                name, sent, (1, 3, 4, 5), {2: "not_a_bigint"}, written=written, encoding=_name(encoding)
            )
            wrong = broken.get(encoding)
            if encoding.startswith("utf-16"):
                wrong = {"utf-16": b"\x00\xd8", "utf-16-le": b"\x00\xd8", "utf-16-be": b"\xd8\x00"}[encoding]
            if wrong:
                line = csv_text(row(note="HERE"), row(), row(), delimiter=delimiter).encode(encoding)
                mark = "HERE".encode(encoding if encoding != "utf-16" else "utf-16-le")
                sent = line.replace(mark, wrong)
                yield Case(
                    f"{name} half a character",
                    sent,
                    (2, 3),
                    {1: "not_decodable"},
                    written=written,
                    encoding=_name(encoding),
                )
    good = csv_text(row(note="汉字"), row())
    yield Case(
        "csv big-endian mark",
        b"\xfe\xff" + good.encode("utf-16-be"),
        (1, 2),
        written=(("encoding", "utf-16"),),
        encoding="utf-16",
    )
    yield Case(
        "csv utf-16 half a unit at the end",
        good.encode("utf-16-le")[:-2] + b"\n",
        (1,),
        {2: "not_decodable"},
        written=(("encoding", "utf-16-le"),),
        encoding="utf-16-le",
    )
    yield Case(
        "csv utf-16 without its mark",
        good.encode("utf-16-le"),
        reason="not_decodable",
        written=(("encoding", "utf-16"),),
        encoding="utf-16",
    )
    yield Case(
        "csv gb18030 with the mark of utf-8",
        b"\xef\xbb\xbf" + good.encode(),
        reason="not_decodable",
        written=(("encoding", "gb18030"),),
        encoding="gb18030",
    )


def _name(encoding: str) -> str:
    return {"latin-1": "iso8859-1"}.get(encoding, encoding)


def of_detection() -> Iterator[Case]:
    """What was found stands in the receipt; what nobody can know sets the file aside."""
    chinese, western = csv_text(row(note="我们的客户"), row()), csv_text(row(note="Müller café señor"), row())
    found = {
        "plain ASCII": (csv_text(row(), row()).encode(), "utf-8"),
        "utf-8": (chinese.encode(), "utf-8"),
        "a mark of utf-8": (b"\xef\xbb\xbf" + chinese.encode(), "utf-8"),
        "a mark of utf-16": (chinese.encode("utf-16"), "utf-16-le"),
        "a big-endian mark": (b"\xfe\xff" + chinese.encode("utf-16-be"), "utf-16-be"),
        "gb18030": (chinese.encode("gb18030"), "gb18030"),
    }
    detect = (("encoding", "detect"),)
    for name, (sent, encoding) in found.items():
        yield Case(f"csv detect {name}", sent, (1, 2), written=detect, encoding=encoding)
    refused = {
        "western text, not declared": western.encode("latin-1"),
        "half a character in UTF-8": chinese.encode().replace("户".encode(), b"\xe6\x88"),
        "UTF-32": chinese.encode("utf-32"),
        "rubbish": bytes(range(256)) * 4,
    }
    for name, sent in refused.items():
        yield Case(f"csv detect {name}", sent, reason="unknown_encoding", written=detect, encoding=None)
    latin = (*detect, ("encoding_candidates", ("gb18030", "latin-1")))
    yield Case(
        "csv detect western text, declared",
        western.encode("latin-1"),
        (1, 2),
        written=latin,
        encoding="iso8859-1",
    )
    yield Case(
        "csv detect chinese before western", chinese.encode("gbk"), (1, 2), written=latin, encoding="gb18030"
    )
    yield Case(
        "jsonl detect gb18030",
        jsonl_text(row(note="我们的客户")).encode("gbk"),
        (1,),
        written=(*JSONL, *detect),
        encoding="gb18030",
    )


def of_archives() -> Iterator[Case]:
    """Archives that are whole, and archives that are not."""
    content = csv_text(*(row(id=str(n)) for n in range(500))).encode()
    every = tuple(range(1, 501))
    gz, zst, packed = gzip.compress(content, mtime=0), zstd(content), zipped({"a.csv": content})
    yield Case("gz whole", gz, every, suffix=".csv.gz")
    yield Case(
        "gz in two members",
        gzip.compress(content[:5000]) + gzip.compress(content[5000:]),
        every,
        suffix=".csv.gz",
    )
    yield Case("gz padded with zeros", gz + b"\0" * 512, every, suffix=".csv.gz")
    yield Case("zst whole", zst, every, suffix=".csv.zst")
    yield Case("zst in two frames", zstd(content[:5000]) + zstd(content[5000:]), every, suffix=".csv.zst")
    yield Case("zip whole", packed, every, suffix=".csv.zip")
    of_a_mac = zipped({"orders.csv": content, "__MACOSX/._orders.csv": b"x", ".DS_Store": b"x"})
    yield Case("zip with what a Mac adds", of_a_mac, every, suffix=".csv.zip")
    two, member = zipped({"read.me": b"hi", "a.csv": content}), (("member", "*.csv"),)
    yield Case("zip with the member declared", two, every, suffix=".csv.zip", written=member)
    aside = {
        "gz cut in the middle": (gz[: len(gz) // 2], ".gz", "truncated_archive"),
        "gz without its trailer": (gz[:-8], ".gz", "truncated_archive"),
        "gz wrong checksum": (gz[:-8] + b"\0\0\0\0" + gz[-4:], ".gz", "corrupt_archive"),
        "gz wrong length": (gz[:-4] + b"\1\0\0\0", ".gz", "corrupt_archive"),
        "gz with garbage behind it": (gz + b"garbage", ".gz", "corrupt_archive"),
        "gz that is none": (content, ".gz", "corrupt_archive"),
        "gz that is a zip": (packed, ".gz", "corrupt_archive"),
        "gz a page of HTML": (b"<html>504</html>", ".gz", "corrupt_archive"),
        "gz only its header": (gz[:10], ".gz", "truncated_archive"),
        "gz nothing": (b"", ".gz", "empty_file"),
        "gz of nothing": (gzip.compress(b""), ".gz", "empty_file"),
        "gz packed twice": (gzip.compress(gz), ".gz", "wrong_format"),
        "zst cut in the middle": (zst[: len(zst) // 2], ".zst", "truncated_archive"),
        "zst cut at its end": (zst[:-1], ".zst", "truncated_archive"),
        "zst damaged": (zst[:20] + b"\xff" * 9 + zst[29:], ".zst", "corrupt_archive"),
        "zst with garbage behind it": (zst + b"garbage", ".zst", "corrupt_archive"),
        "zst that is none": (content, ".zst", "corrupt_archive"),
        "zst that is a gz": (gz, ".zst", "corrupt_archive"),
        "zst nothing": (b"", ".zst", "empty_file"),
        "zip cut in the middle": (packed[: len(packed) // 2], ".zip", "truncated_archive"),
        "zip wrong checksum": (wrong_checksum(packed), ".zip", "corrupt_archive"),
        "zip damaged": (packed[:60] + b"\xff" * 20 + packed[80:], ".zip", "corrupt_archive"),
        "zip encrypted": (encrypted(packed), ".zip", "encrypted_archive"),
        "zip of two files": (zipped({"a.csv": content, "b.csv": content}), ".zip", "archive_members"),
        "zip of no file": (zipped({}), ".zip", "archive_members"),
        "zip that is none": (content, ".zip", "corrupt_archive"),
        "zip nothing": (b"", ".zip", "empty_file"),
        "zip of an empty file": (zipped({"a.csv": b""}), ".zip", "empty_file"),
    }
    for name, (sent, suffix, reason) in aside.items():
        yield Case(name, sent, reason=reason, counted=-1, suffix=".csv" + suffix)


def zstd(content: bytes) -> bytes:
    """The content as one frame of zstd."""
    import pyarrow as pa

    return pa.compress(content, codec="zstd", asbytes=True)


def wrong_checksum(packed: bytes, member: str = "") -> bytes:
    """The zip, saying of a file in it another checksum in both places it stands."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        checksum = next(each.CRC for each in archive.infolist() if each.filename.endswith(member))
    return packed.replace(checksum.to_bytes(4, "little"), (checksum ^ 1).to_bytes(4, "little"))


def encrypted(packed: bytes) -> bytes:
    """The zip, saying of its file that it is encrypted."""
    local, central = packed.index(b"PK\x03\x04") + 6, packed.index(b"PK\x01\x02") + 8
    changed = bytearray(packed)
    changed[local] |= 1
    changed[central] |= 1
    return bytes(changed)


def of_jsonl() -> Iterator[Case]:
    """Two good records, a line that is not one, and two good records."""
    wrong = {
        "a list": ("[1, 2]", "not_an_object"),
        "a list of an object": (json.dumps([row()]), "not_an_object"),
        "a text": ('"a"', "not_an_object"),
        "a number": ("7", "not_an_object"),
        "null": ("null", "not_an_object"),
        "no JSON": ("oops", "not_an_object"),
        "a comma behind the object": (json.dumps(row()) + ",", "broken_json"),
        "two objects on a line": (json.dumps(row()) * 2, "broken_json"),
        "half an object": (json.dumps(row())[:-20], "broken_json"),
        "an open brace": ("{", "broken_json"),
        "a comma before the brace": (json.dumps(row())[:-1] + ",}", "broken_json"),
        "no colon": ('{"id" "a"}', "broken_json"),
        "no value": ('{"id": }', "broken_json"),
        "apostrophes": ("{'id': 'a'}", "broken_json"),
        "a key without quotes": ('{id: "a"}', "broken_json"),
        "a comment": (json.dumps(row()) + " // so", "broken_json"),
        "NaN": ('{"id": "a", "rate": NaN}', "broken_json"),
        "Infinity": ('{"id": "a", "rate": -Infinity}', "broken_json"),
        "a number with a leading zero": ('{"id": "a", "n": 007}', "broken_json"),
        "a number with a plus": ('{"id": "a", "n": +7}', "broken_json"),
        "True of Python": ('{"id": "a", "ok": True}', "broken_json"),
        "a line end in a text": ('{"id": "a", "note": "one\ttwo"}', "broken_json"),
        "an escape that is none": (r'{"id": "a", "note": "\x41"}', "broken_json"),
        "a key twice": ('{"id": "a", "id": "b"}', "repeated_key"),
        "a key twice, nested": ('{"id": "a", "note": {"x": 1, "x": 2}}', "repeated_key"),
        "half a character, escaped": (r'{"id": "a", "note": "\ud83d"}', "not_decodable"),
        "nested without end": ('{"id": ' + "[" * 100_000, "broken_json"),
        "no id": ('{"n": 7}', "missing_value"),
        "an id that is null": ('{"id": null}', "missing_value"),
        "an object of nothing": ("{}", "missing_value"),
        "a fraction for a count": ('{"id": "a", "n": 1.5}', "not_a_bigint"),
        "an exponent for a count": ('{"id": "a", "n": 1e3}', "not_a_bigint"),
        "a number beyond 64 bits": ('{"id": "a", "n": 9223372036854775808}', "not_a_bigint"),
        "a list for a count": ('{"id": "a", "n": [7]}', "not_a_bigint"),
        "true for a count": ('{"id": "a", "n": true}', "not_a_bigint"),
        "a double beyond all": ('{"id": "a", "rate": 1e400}', "not_a_double"),
        "an instant in seconds": ('{"id": "a", "at": 1483531200}', "not_a_timestamp"),
        "a NUL": ("\0", "not_an_object"),
    }
    fine = {
        "numbers": '{"id": 12345678901234567890, "n": 7, "amount": 9.50, "rate": 1e-5}',
        "nested values": '{"id": "a", "note": {"x": [1, 2.50], "y": "\u6c49"}}',
        "nulls": json.dumps({**dict.fromkeys(NAMES), "id": "a"}),
        "keys that are missing": '{"id": "a"}',
        "blanks between": ' { "id" : "a" , "n" :\t7 } ',
        "an emoji, escaped": r'{"id": "a", "note": "\ud83d\ude00"}',
        "true": '{"id": "a", "ok": true}',
    }
    for name, (line, reason) in wrong.items():
        sent = jsonl_text(row(), row(), line, row(), row()).encode()
        yield Case(f"jsonl {name}", sent, (1, 2, 4, 5), {3: reason}, written=JSONL)
    for name, line in fine.items():
        yield Case(f"jsonl {name}", jsonl_text(row(), line, row()).encode(), (1, 2, 3), written=JSONL)
    good = jsonl_text(row(), row(), row())
    yield Case("jsonl no end", good.strip().encode(), (1, 2, 3), written=JSONL)
    yield Case(
        "jsonl CRLF and empty lines", good.replace("\n", "\r\n\r\n").encode(), (1, 2, 3), written=JSONL
    )
    yield Case("jsonl a mark", b"\xef\xbb\xbf" + good.encode(), (1, 2, 3), written=JSONL)
    yield Case("jsonl cut off", good.encode()[:-9], (1, 2), {3: "broken_json"}, written=JSONL)
    half = good.encode().replace(b"fine", b"\xff", 1)
    yield Case("jsonl a byte that is no text", half, (2, 3), {1: "not_decodable"}, written=JSONL)
    more = jsonl_text(row(), row(colour="red"), row(size=2, colour="blue"))
    yield Case("jsonl keys more", more.encode(), (1, 2, 3), written=JSONL, added="colour,size")
    utf16 = (*JSONL, ("encoding", "utf-16"))
    sent = jsonl_text(row(note="汉"), "oops", row()).encode("utf-16")
    yield Case("jsonl utf-16", sent, (1, 3), {2: "not_an_object"}, written=utf16, encoding="utf-16")
    aside = {
        "nothing": (b"", "empty_file", 0),
        "blanks": (b" \n\n", "empty_file", 0),
        "one JSON of all": (json.dumps([row()] * 3, indent=1).encode(), "mostly_unreadable", 35),
        "CSV": (csv_text(row(), row()).encode(), "mostly_unreadable", 3),
        "HTML": (b"<html>\n<body>\n", "wrong_format", 0),
        "no id in any": (b'{"n": 1}\n{"n": 2}\n', "wrong_header", 2),
    }
    for name, (sent, reason, counted) in aside.items():
        yield Case(f"jsonl {name}", sent, reason=reason, counted=counted, written=JSONL)
    long = jsonl_text(row(), row(note="x" * (2 << 20)), row()).encode()
    yield Case("jsonl a line of 2 MB", long, (1, 3), {2: "record_too_long"}, written=JSONL)


def of_fixed_width() -> Iterator[Case]:
    """Two good records, a line that is not one, and two good records."""
    line, width = fixed_text(row()).rstrip("\n"), WIDTH * len(NAMES)
    wrong = {
        "a character too few": (line[:-1], "wrong_length"),
        "a character too many": (line + "x", "wrong_length"),
        "blanks cut off at the end": (line.rstrip(), "wrong_length"),
        "a tab for blanks": (line.replace(" " * 8, "\t", 1), "wrong_length"),
        "half a line": (line[: width // 2], "wrong_length"),
        "moved by 31 places": (" " * 31 + line[:-31], "not_a_double"),
        "nothing but blanks": (" " * width, "missing_value"),
        "a page end": ("\f", "wrong_length"),
        "a total": ("TOTAL 4".ljust(width), "missing_at_all"),
    }
    wrong["a total"] = ("TOTAL 4".ljust(WIDTH) + "four".ljust(width - WIDTH), "not_a_bigint")
    for name, (text, reason) in wrong.items():
        sent = fixed_text(row(), row(), text, row(), row()).encode()
        yield Case(f"fixed {name}", sent, (1, 2, 4, 5), {3: reason}, written=FIXED)
    good = fixed_text(row(), row(note="汉字"), row())
    yield Case("fixed characters", good.encode(), (1, 2, 3), written=FIXED)
    yield Case("fixed CRLF", good.replace("\n", "\r\n").encode(), (1, 2, 3), written=FIXED)
    yield Case("fixed blanks behind", good.replace("\n", "   \n").encode(), (1, 2, 3), written=FIXED)
    yield Case("fixed no end", good.rstrip("\n").encode(), (1, 2, 3), written=FIXED)
    headed = (*FIXED, ("header_lines", 2))
    yield Case("fixed heading", ("REPORT\n\n" + good).encode(), (1, 2, 3), written=headed)
    in_bytes = (*FIXED, ("positions", "bytes"), ("encoding", "gbk"))
    byte_line = b"".join(row(note="汉字")[name].encode("gbk").ljust(WIDTH) for name in NAMES) + b"\n"
    half = byte_line[: 8 * WIDTH - 1] + "汉".encode("gbk") + byte_line[8 * WIDTH + 1 :]
    yield Case("fixed bytes", byte_line * 3, (1, 2, 3), written=in_bytes, encoding="gbk")
    yield Case(
        "fixed a character across two columns",
        byte_line + half + byte_line,
        (1, 3),
        {2: "not_decodable"},
        written=in_bytes,
        encoding="gbk",
    )
    for name, sent, reason, counted in (
        ("nothing", b"", "empty_file", 0),
        ("CSV", csv_text(row(), row()).encode(), "mostly_unreadable", 3),
        ("a PDF", b"%PDF-1.4", "wrong_format", 0),
    ):
        yield Case(f"fixed {name}", sent, reason=reason, counted=counted, written=FIXED)


def of_excel() -> Iterator[Case]:
    """Cells of every kind, and workbooks that are not what was declared."""
    fine = {
        "texts": row(),
        "numbers": row(n=7, amount=9.5, rate=0.1, id=17850.0),
        "a large whole number": row(id=9007199254740991, n=None),
        "an instant": row(at=datetime(2017, 1, 4, 12, 30)),
        "a day": row(at=datetime(2017, 1, 4), day=date(2017, 1, 4)),
        "true": row(ok=True),
        "an empty cell": row(note=None, n=None),
        "a number saved as text": row(n="7", id="0007"),
        "a line end in a cell": row(note="one\ntwo"),
        "a time of day": row(note=time(9, 30)),
    }
    wrong = {
        "a fraction for a count": (row(n=1.5), "not_a_bigint"),
        "an instant for a count": (row(n=datetime(2017, 1, 4)), "not_a_bigint"),
        "a serial for a day": (row(day=42739), "not_a_date"),
        "an instant for a day": (row(day=datetime(2017, 1, 4, 12)), "not_a_date"),
        "an error": (row(n="#N/A"), "cell_error"),
        "an error in a text": (row(note="#REF!"), "cell_error"),
        "a formula never calculated": (row(n="=1+1"), "formula_without_value"),
        "a formula in a text": (row(note='=HYPERLINK("x")'), "formula_without_value"),
        "no id": (row(id=None), "missing_value"),
        "an event after the delivery": (row(at=datetime(2017, 1, 6)), "after_delivery"),
        "a value behind the columns": ([*GOOD.values(), "x"], "wrong_column_count"),
        "a total": (["Total", "four"], "not_a_bigint"),
    }
    kind = {"written": EXCEL, "suffix": ".xlsx", "encoding": None}
    for name, each in fine.items():
        yield Case(f"excel {name}", excel_bytes(row(), each, row()), (1, 2, 3), **kind)
    for name, (each, reason) in wrong.items():
        yield Case(f"excel {name}", excel_bytes(row(), each, row()), (1, 3), {2: reason}, **kind)
    good = excel_bytes(row(), row(), row())
    yield Case("excel empty rows", excel_bytes(row(), [None] * 9, ["", None], row()), (1, 2), **kind)
    yield Case("excel a header alone", excel_bytes(), **kind)
    yield Case("excel a wrong size", with_dimension(good, "A1:B2"), (1, 2, 3), **kind)
    named = kind | {"written": (*EXCEL, ("sheet", "Orders"))}
    yield Case(
        "excel the sheet declared", excel_bytes(row(), sheet="Orders", other_sheets=["x"]), (1,), **named
    )
    titled = kind | {"written": (*EXCEL, ("header_row", 3))}
    title = excel_bytes([None], list(NAMES), list(row().values()), header=["Orders of January"])
    yield Case("excel a title above the header", title, (1,), **titled)
    yield Case(
        "excel a column more",
        excel_bytes([*GOOD.values(), 1], header=[*NAMES, "colour"]),
        (1,),
        added="colour",
        **kind,
    )
    aside = {
        "nothing": (b"", "empty_file", 0),
        "CSV": (csv_text(row()).encode(), "wrong_format", 0),
        "HTML": (b"<html><table></table></html>", "wrong_format", 0),
        "a password": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504, "encrypted_archive", 0),
        "cut off": (good[: len(good) // 2], "truncated_archive", 0),
        "a zip of something else": (zipped({"a.csv": b"x"}), "corrupt_archive", 0),
        "a damaged sheet": (wrong_checksum(good, "sheet1.xml"), "corrupt_archive", 0),
        "a sheet too many": (excel_bytes(row(), other_sheets=["x"]), "wrong_sheet", 0),
        "a column missing": (excel_bytes(["a"], header=["id"]), "wrong_header", 1),
        "a header with blanks": (excel_bytes(row(), header=[*NAMES[:8], "note "]), "wrong_header", 1),
        "a title above the header": (title, "wrong_header", 2),
        "most values wrong": (excel_bytes(row(n="x"), row(n="y"), row()), "mostly_unreadable", 3),
    }
    for name, (sent, reason, counted) in aside.items():
        yield Case(f"excel aside: {name}", sent, reason=reason, counted=counted, **kind)
    missing = excel_bytes(row())
    yield Case("excel no such sheet", missing, reason="wrong_sheet", **named)


def of_parquet() -> Iterator[Case]:
    """Parquet keeps types, so that fewer things go wrong; these do."""
    kind = {"written": PARQUET, "suffix": ".parquet", "encoding": None}
    good = parquet_bytes()
    yield Case("parquet good", good, (1, 2, 3), **kind)
    yield Case("parquet no rows", parquet_bytes(rows=0), **kind)
    yield Case("parquet a column more", parquet_bytes(colour=["x"] * 3), (1, 2, 3), added="colour", **kind)
    yield Case("parquet a null id", parquet_bytes(id=["a", None, "b"]), (1, 3), {2: "missing_value"}, **kind)
    yield Case("parquet a negative", parquet_bytes(n=[1, -1, 2]), (1, 3), {2: "below_minimum"}, **kind)
    yield Case(
        "parquet a kind",
        parquet_bytes(kind=["app", "x", "WEB"]),
        (1, 3),
        {2: "not_an_accepted_value"},
        **kind,
    )
    yield Case(
        "parquet NaN", parquet_bytes(rate=[1.0, float("nan"), 2.0]), (1, 3), {2: "not_a_double"}, **kind
    )
    aside = {
        "nothing": (b"", "empty_file", 0),
        "cut off": (good[: len(good) // 2], "truncated_archive", 0),
        "without its footer": (good[:-4], "truncated_archive", 0),
        "CSV": (csv_text(row()).encode(), "corrupt_archive", 0),
        "a gz": (gzip.compress(good), "corrupt_archive", 0),
        "a damaged footer": (good[:-30] + b"\xff" * 22 + good[-8:], "corrupt_archive", 0),
        "a retyped column": (parquet_bytes(n=["1", "2", "3"]), "wrong_header", 3),
        "a column missing": (parquet_bytes(n=None), "wrong_header", 3),
        "most values wrong": (parquet_bytes(n=[-1, -1, 2]), "mostly_unreadable", 3),
    }
    for name, (sent, reason, counted) in aside.items():
        yield Case(f"parquet aside: {name}", sent, reason=reason, counted=counted, **kind)


def parquet_bytes(rows: int = 3, **changed: object) -> bytes:
    """A Parquet file of good rows, with these columns in place of its own; None leaves one out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    one = {"id": "a", "n": 7, "amount": Decimal("9.50"), "rate": 0.5, "at": datetime(2017, 1, 4, 12)}
    one |= {"day": date(2017, 1, 4), "ok": True, "kind": "app", "note": "fine"}
    types = {"amount": pa.decimal128(18, 2), "at": pa.timestamp("us")}
    columns = {name: pa.array([value] * 3, types.get(name))[:rows] for name, value in one.items()}
    columns |= {name: pa.array(values) for name, values in changed.items() if values is not None}
    table = pa.table({name: values for name, values in columns.items() if changed.get(name, 0) is not None})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def with_dimension(workbook: bytes, says: str) -> bytes:
    """The workbook, saying of its sheet another size than it has."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(
                name,
                re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % says.encode(), old.read(name)),
            )
    return buffer.getvalue()


CASES = [
    *of_values(),
    *of_csv_lines(),
    *of_csv_files(),
    *of_encodings(),
    *of_detection(),
    *of_archives(),
    *of_jsonl(),
    *of_fixed_width(),
    *of_excel(),
    *of_parquet(),
]


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'")
        yield Reading(tmp_path_factory.mktemp("malformed"), connection)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_record_of_a_file_is_accounted_for(reading, case):
    found = reading.read(case.sent, case.suffix, case.written)
    receipt = found.receipt
    assert (receipt.status, receipt.reason) == (
        ("set_aside", case.reason) if case.reason else ("accepted", None)
    )
    assert (
        receipt.rows_in
        == receipt.rows_raw + receipt.rows_quarantined
        == len(found.raw) + receipt.rows_quarantined
    )
    if case.counted >= 0:
        assert receipt.rows_in == case.rows_in
    assert receipt.encoding == case.encoding
    assert tuple(each["_record"] for each in found.raw) == case.good
    told = {each["record"]: each["reason"] for each in found.quarantine}
    if case.reason:
        assert told[None] == case.reason
        assert sum(receipt.quarantined_by_reason.values()) == receipt.rows_in
    else:
        assert told == case.bad
        assert receipt.quarantined_by_reason == dict(Counter(case.bad.values()))
        assert receipt.added_columns == case.added
        if case.suffix == ".csv":
            require_nothing_lost(case.sent, found, dict(case.written))


def require_nothing_lost(sent: bytes, found: Found, written: dict[str, str]) -> None:
    """What is in quarantine stands in the file where it says; what is left of the file is what is in raw."""
    left, taken = b"", 0
    for each in found.quarantine:
        start, original = each["byte_offset"], each["original"]
        assert sent[start : start + len(original)] == original
        assert start >= taken
        left, taken = left + sent[taken:start], start + len(original)
    left += sent[taken:]
    encoding = found.receipt.encoding
    text = left.decode("utf-8-sig" if encoding == "utf-8" else encoding).removeprefix("\ufeff")
    if written.get("format", "csv") != "csv":
        lines = [line for line in text.split("\n")[written.get("header_lines", 0) :] if line.strip()]
        assert len(lines) == len(found.raw)
        return
    # To Python's reader a return alone is a line end; to ours, as to RFC 4180, it is a character.
    text = re.sub("\r(?!\n)", "\ue000", text)
    rows = [row for row in csv.reader(io.StringIO(text, ""), delimiter=written.get("delimiter", ",")) if row]
    header, *records = rows or [[]]
    assert [[values[header.index(name)].replace("\ue000", "\r") for name in NAMES] for values in records] == [
        [each[name] or "" for name in NAMES] for each in found.raw
    ]


def test_there_are_hundreds_of_malformed_inputs():
    assert len([case for case in CASES if case.bad or case.reason]) >= 400
    assert len({case.name for case in CASES}) == len(CASES)


PROPERTY = settings(
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# Bytes that mean something to somebody: to CSV, to JSON, to an encoding, to a terminal.
NASTY = st.lists(
    st.sampled_from(
        [
            b'"',
            b'""',
            b",",
            b"\n",
            b"\r",
            b"\r\n",
            b"\0",
            b"\xff",
            b"\xc3",
            b"\\",
            b"{",
            b"}",
            b"7",
            b" ",
            b":",
        ]
    ),
    max_size=3,
).map(b"".join)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), NASTY), min_size=1, max_size=4)
WRITTEN = {
    "csv utf-8": (csv_text(row(note="汉,字"), row(), row(n="8"), row(note="a\r\nb")).encode(), ()),
    "csv utf-16": (
        csv_text(row(note="汉,字"), row(), row(n="8")).encode("utf-16"),
        (("encoding", "utf-16"),),
    ),
    "csv gb18030": (csv_text(row(note="汉"), row()).encode("gb18030"), (("encoding", "gb18030"),)),
    "csv gbk pipe": (
        csv_text(row(note="乗"), row(), delimiter="|").encode("gbk"),
        (("encoding", "gbk"), ("delimiter", "|")),
    ),
    "csv detect": (csv_text(row(note="我们"), row()).encode("gbk"), (("encoding", "detect"),)),
    "jsonl": (jsonl_text(row(note="汉"), row(), row()).encode(), JSONL),
    "fixed": (fixed_text(row(), row(), row()).encode(), FIXED),
}


@pytest.mark.parametrize("written", WRITTEN)
@PROPERTY
@given(edits=EDITS)
def test_a_file_damaged_anywhere_loses_nothing_silently(reading, written, edits):
    sent, declared = WRITTEN[written]
    for place, deleted, inserted in edits:
        at = round(place * len(sent))
        sent = sent[:at] + inserted + sent[at + deleted :]
    found = reading.read(sent, ".csv", declared)
    receipt = found.receipt
    assert receipt.rows_in == receipt.rows_raw + receipt.rows_quarantined
    if receipt.status == "accepted":
        assert (len(found.raw), len(found.quarantine)) == (receipt.rows_raw, receipt.rows_quarantined)
        require_nothing_lost(sent, found, dict(declared))
    else:
        assert found.raw == []
        assert found.quarantine[-1]["reason"] == receipt.reason


CONTENT = csv_text(*(row(id=str(n), note="x" * (n % 7)) for n in range(60))).encode()
ARCHIVES = {
    ".csv.gz": gzip.compress(CONTENT, mtime=0),
    ".csv.zst": zstd(CONTENT),
    ".csv.zip": zipped({"a.csv": CONTENT}),
}


@pytest.mark.parametrize("suffix", ARCHIVES)
@PROPERTY
@given(share=st.floats(0, 1, exclude_max=True))
def test_an_archive_cut_anywhere_is_set_aside(reading, suffix, share):
    archive = ARCHIVES[suffix]
    found = reading.read(archive[: int(share * len(archive))], suffix)
    assert found.receipt.status == "set_aside"


@pytest.mark.parametrize("suffix", [".csv.gz", ".csv.zip"])
@PROPERTY
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_an_archive_with_a_bit_turned_is_set_aside_or_says_the_same(reading, suffix, share, bit):
    archive = bytearray(ARCHIVES[suffix])
    archive[int(share * len(archive))] ^= 1 << bit
    found = reading.read(bytes(archive), suffix)
    assert found.receipt.status == "set_aside" or len(found.raw) == 60


VALUE = st.text(st.sampled_from("0123456789+-.,:/ TZeExXinfa_\u2212\uff11"), max_size=20)
INSTANT = st.from_regex(
    r"[0-9]{4}[-/ ][0-9]{1,2}[-/ ][0-9]{1,2}([ T][0-9]{1,2}(:[0-9]{2}){0,2}(\.[0-9]+)?Z?)?", fullmatch=True
)


@PROPERTY
@given(
    values=st.lists(
        st.tuples(st.sampled_from(["n", "amount", "rate", "at", "day", "ok", "kind"]), VALUE | INSTANT),
        max_size=4,
    )
)
def test_a_column_is_vouched_for_only_if_every_value_keeps_its_promises(reading, values):
    sent = csv_text(row(), row(), *(row(**{name: value}) for name, value in values), *[row()] * 5).encode()
    fast = reading.read(sent, ".csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_delivery, "unvouched_columns", lambda *_: frozenset(NAMES))
        one_by_one = reading.read(sent, ".csv")
    assert [each["_record"] for each in fast.raw] == [each["_record"] for each in one_by_one.raw]
    assert [each["reason"] for each in fast.quarantine] == [each["reason"] for each in one_by_one.quarantine]


def test_raw_keeps_the_text_as_sent_whatever_the_format(reading):
    sent = row(id=" 007", n="+5", amount="9.500", kind="ＡＰＰ", note='a,\n"b" 汉')
    for content, written, suffix in (
        (csv_text(sent).encode(), (), ".csv"),
        (csv_text(sent, delimiter="|").encode("gbk"), (("delimiter", "|"), ("encoding", "gbk")), ".csv"),
        (csv_text(sent).encode("utf-16"), (("encoding", "utf-16"),), ".csv.gz"),
        (jsonl_text(sent).encode(), JSONL, ".jsonl"),
        (excel_bytes(sent), EXCEL, ".xlsx"),
    ):
        packed = gzip.compress(content) if suffix.endswith(".gz") else content
        (found,) = reading.read(packed, suffix, written).raw
        assert {name: found[name] for name in NAMES} == sent


def test_json_values_go_on_as_they_were_written(reading):
    line = (
        '{"id": 12345678901234567890, "amount": 9.50, "ok": true, "note": {"x": [1, 2.50, "汉"]}, "n": null}'
    )
    (found,) = reading.read(line.encode(), ".jsonl", JSONL).raw
    assert (found["id"], found["amount"], found["ok"], found["n"], found["kind"]) == (
        *("12345678901234567890", "9.50", "true"),
        *(None, None),
    )
    assert found["note"] == '{"x": [1, 2.50, "汉"]}'


def test_an_optional_key_in_no_record_is_null_and_named(reading):
    receipt = reading.read(b'{"id": "a"}\n', ".jsonl", JSONL).receipt
    assert receipt.missing_columns == "n,amount,rate,at,day,ok,kind,note"


def test_excel_values_are_written_as_a_person_reads_them(reading):
    sent = row(id=17850.0, n=7, amount=11.77, rate=0.1, at=datetime(2017, 1, 4, 12, 30), ok=True)
    (found,) = reading.read(excel_bytes(sent | {"day": datetime(2017, 1, 4)}), ".xlsx", EXCEL).raw
    values = [found[name] for name in ("id", "n", "amount", "rate", "at", "day", "ok")]
    assert values == ["17850", "7", "11.77", "0.1", "2017-01-04 12:30:00", "2017-01-04", "true"]


def test_a_row_of_excel_is_found_by_its_number(reading):
    content = excel_bytes(row(), [None] * 9, row(n="x"), row())
    (found,) = reading.read(content, ".xlsx", EXCEL).quarantine
    assert (found["record"], found["line"], found["byte_offset"]) == (2, 4, None)
    assert json.loads(found["original"])[:2] == ["a", "x"]


def test_a_bomb_is_set_aside_before_it_bursts(reading, monkeypatch):
    monkeypatch.setattr("storage.reading.archive.LARGE", 1 << 20)
    bomb = gzip.compress(b"\n" * (8 << 20))
    assert reading.read(bomb, ".csv.gz").receipt.reason == "archive_bomb"


def test_a_line_without_end_in_utf_16_is_not_held_whole(reading, monkeypatch):
    monkeypatch.setattr("storage.reading.content.LONGEST_LINE", 1 << 10)
    monkeypatch.setattr("storage.reading.content.CHUNK", 1 << 10)
    monkeypatch.setattr("storage.reading.archive.PIECE", 1 << 10)
    sent = csv_text(row(note="x" * 9000)).encode("utf-16")
    assert reading.read(sent, ".csv", (("encoding", "utf-16"),)).receipt.reason == "record_too_long"


@pytest.mark.parametrize("written", WRITTEN)
def test_where_a_chunk_ends_changes_nothing(reading, monkeypatch, written):
    sent, declared = WRITTEN[written]
    whole = reading.read(sent, ".csv", declared)
    monkeypatch.setattr("storage.reading.content.CHUNK", 64)
    monkeypatch.setattr("storage.reading.archive.PIECE", 61)
    pieces = reading.read(sent, ".csv", declared)
    rows = [[each[name] for name in (*NAMES, "_record")] for each in whole.raw]
    assert [[each[name] for name in (*NAMES, "_record")] for each in pieces.raw] == rows
