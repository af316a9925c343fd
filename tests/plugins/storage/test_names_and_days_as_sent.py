"""Files that call their columns otherwise than we do, and days in other spellings than ours."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime

import duckdb
import pytest
import yaml
from raw_shop import Shop

from pipeline import new_source
from storage import date_format, declaration, raw, requeue
from storage.reading.row_checks import literal

SENT = date(2017, 1, 5)
HEADER = ("订单号", "Account Name.id", "下单 日期", "n")
SUFFIXES = {"csv": ".csv", "excel": ".xlsx", "jsonl": ".jsonl", "parquet": ".parquet"}
ROWS = [
    ("a1", "c1", "20170104", 1),
    ("a2", "c2", "20170231", 2),
    ("a3", "c3", "20170106", 3),
    ("a4", "c4", "20170105", 4),
]


class LabelledShop(Shop):
    """A shop whose exports have labels for headers."""

    def declare_as(self, file_format: str, **of_columns: dict) -> None:
        columns = {
            "order_id": {"data_type": "varchar", "sent_as": HEADER[0], "required": True},
            "account_id": {"data_type": "varchar", "sent_as": HEADER[1]},
            "ordered_on": {"data_type": "date", "sent_as": HEADER[2], "date_format": "%Y%m%d"},
            "n": {"data_type": "bigint"},
        }
        for name, changed in of_columns.items():
            columns[name] = {k: v for k, v in (columns[name] | changed).items() if v is not None}
        meta = {
            **{"path": "orders_{delivered_on}" + SUFFIXES[file_format], "format": file_format},
            **{"key": ["order_id"], "event_column": "ordered_on", "customer_column": "account_id"},
        }
        declared = [
            {"name": name, "data_type": entry.pop("data_type"), "config": {"meta": entry}}
            for name, entry in columns.items()
        ]
        table = {"name": "orders", "config": {"meta": meta}, "columns": declared}
        source = {
            "name": "shop",
            "config": {"meta": {"time_zone": "UTC", "currency": "USD"}},
            "tables": [table],
        }
        self.declare(yaml.safe_dump({"version": 2, "sources": [source]}, allow_unicode=True))

    def export(self, file_format: str, header=HEADER, rows=ROWS) -> None:
        file = self.incoming / "shop" / f"orders_{SENT}{SUFFIXES[file_format]}"
        file.parent.mkdir(parents=True, exist_ok=True)
        if file_format == "csv":
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([header, *rows])
            file.write_text(text.getvalue(), encoding="utf-8")
        elif file_format == "jsonl":
            lines = (json.dumps(dict(zip(header, row, strict=True))) for row in rows)
            file.write_text("".join(line + "\n" for line in lines))
        elif file_format == "excel":
            import openpyxl

            workbook = openpyxl.Workbook()
            for row in (header, *rows):
                workbook.active.append(row)
            workbook.save(file)
        else:
            names = ", ".join(f'"{name}"' for name in header)
            values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
            duckdb.execute(
                f"copy (select * from (values {values}) as t ({names})) to '{file}' (format parquet)"
            )


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else literal(str(value))


@pytest.fixture
def shop(tmp_path):
    return LabelledShop(tmp_path, "UTC")


# --- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", SUFFIXES)
def test_raw_has_the_declared_names_whatever_the_file_calls_its_columns(shop, file_format):
    shop.declare_as(file_format)
    shop.export(file_format)
    (delivery,) = shop.load()
    assert (delivery.status, delivery.rows_in, delivery.rows_raw, delivery.added_columns) == (
        "accepted",
        4,
        2,
        "",
    )
    row = shop.rows()[0]
    assert (row["order_id"], row["account_id"], str(row["n"])) == ("a1", "c1", "1")
    # Parquet has types: what it holds of a day is the day
    assert row["ordered_on"] == (date(2017, 1, 4) if file_format == "parquet" else "20170104")
    held = {row["record"]: row["reason"] for row in shop.rows("quarantine")}
    assert held == {2: "not_a_date", 3: "after_delivery"}


@pytest.mark.parametrize("file_format", SUFFIXES)
def test_a_column_more_or_less_is_named_as_the_file_has_it(shop, file_format):
    shop.declare_as(file_format)
    # `account_id` is ours for another column: under that name the file has something else
    shop.export(file_format, ("订单号", "account_id", "下单 日期", "n"), ROWS[:1])
    (delivery,) = shop.load()
    assert delivery.missing_columns == "Account Name.id"
    if file_format == "jsonl":  # a key may be left out
        assert (delivery.status, delivery.added_columns) == ("accepted", "account_id")
        assert shop.rows()[0]["account_id"] is None
    else:
        assert (delivery.status, delivery.reason) == ("set_aside", "wrong_header")


@pytest.mark.parametrize("file_format", SUFFIXES)
def test_a_column_of_the_file_that_has_one_of_our_names_is_an_added_one(shop, file_format):
    shop.declare_as(file_format)
    shop.export(file_format, (*HEADER, "account_id"), [(*ROWS[0], "x")])
    (delivery,) = shop.load()
    assert (delivery.status, delivery.added_columns) == ("accepted", "account_id")
    assert shop.rows()[0]["account_id"] == "c1"


def test_a_line_with_something_odd_in_it_has_its_names_too(shop):
    shop.declare_as("csv")
    shop.export("csv", rows=[*ROWS[:2], ("a4", 'c"4', "20170104", 1), ("a5", "c5")])
    shop.load()
    assert {row["order_id"]: row["account_id"] for row in shop.rows()} == {"a1": "c1", "a4": 'c"4'}


def test_another_name_reads_the_delivery_again(shop):
    shop.declare_as("csv", account_id={"sent_as": "Account"})
    shop.export("csv")
    assert [each.status for each in shop.load()] == ["set_aside"]
    shop.declare_as("csv")
    assert [each.status for each in shop.load()] == ["accepted"]


def test_a_column_that_says_neither_is_read_as_it_always_was(shop):
    """What a lake holds need not be read again because there are more things to declare."""
    shop.declare_as("csv")
    plain = shop.sources[0].extracts[0].columns[3]
    assert not {"sent_as", "date_format"} & set(raw._column_form(plain))


def test_a_record_of_labels_is_released_under_its_labels_when_the_file_is_gone(shop):
    shop.declare_as("csv")
    shop.export("csv")
    shop.load()
    for file in (shop.lake / "landing").rglob("*.csv"):
        file.unlink()
    (extract,) = shop.sources[0].extracts
    requeue.release(shop.lake, extract, f"orders_{SENT}.csv", date(2017, 1, 9), seen_until=None, records=[3])
    shop.load()
    assert [(row["order_id"], row["_delivered_on"]) for row in shop.rows()] == [
        ("a1", SENT),
        ("a4", SENT),
        ("a3", date(2017, 1, 9)),
    ]


def test_rows_of_parquet_are_released_as_the_file_has_them(shop, tmp_path):
    shop.declare_as("parquet")
    shop.export("parquet")
    shop.load()
    (extract,) = shop.sources[0].extracts
    paper = tmp_path / "held.jsonl"
    requeue.export(shop.lake, extract, f"orders_{SENT}.parquet", paper, [2])
    assert json.loads(paper.read_text()) == dict(zip(HEADER, ROWS[1], strict=True))
    paper.write_text(paper.read_text().replace("20170231", "20170103"))
    requeue.release(
        shop.lake,
        extract,
        f"orders_{SENT}.parquet",
        date(2017, 1, 9),
        **{"seen_until": None, "records": [2], "corrected": paper},
    )
    shop.load()
    assert [(row["order_id"], row["ordered_on"]) for row in shop.rows()] == [
        ("a1", date(2017, 1, 4)),
        ("a4", date(2017, 1, 5)),
        ("a2", date(2017, 1, 3)),
    ]


def test_a_new_source_tells_its_sender_the_names_of_the_file(shop):
    shop.declare_as("csv", n={"sent_as": "How many, in all"})
    line = new_source.headers(shop.sources[0])["orders"]
    assert line == '订单号,Account Name.id,下单 日期,"How many, in all"\n'
    assert next(csv.reader([line])) == list(shop.sources[0].extracts[0].sent_names)


@pytest.mark.parametrize(
    ("file_format", "changed", "said"),
    [
        ("csv", {"n": {"sent_as": 7}}, "column n: sent_as: must be text"),
        ("csv", {"n": {"sent_as": "订单号"}}, "sent_as: '订单号' is declared more than once"),
        ("csv", {"n": {"sent_as": "account_id"}}, "'account_id' is the name of another declared column"),
        ("csv", {"n": {"sent_as": "two\nlines"}}, "is a name on one line"),
        ("parquet", {"n": {"sent_as": "account name.ID"}}, "'account name.id' is declared more than once"),
        ("csv", {"n": {"date_format": "%Y%m%d"}}, "is of a date or a timestamp, not of bigint"),
        ("csv", {"ordered_on": {"date_format": "%Y%m"}}, "'%Y%m' must have a year"),
    ],
)
def test_names_and_formats_that_cannot_be_are_refused(shop, file_format, changed, said):
    shop.declare_as(file_format, **changed)
    with pytest.raises(declaration.DeclarationWrong, match=said):
        _ = shop.sources


def test_a_name_is_refused_where_columns_have_places(shop):
    shop.declare("""
version: 2
sources:
  - name: shop
    config: {meta: {time_zone: UTC, currency: USD}}
    tables:
      - name: orders
        config: {meta: {path: "orders_{delivered_on}.txt", format: fixed_width, key: [n]}}
        columns:
          - {name: n, data_type: bigint, config: {meta: {start: 1, width: 4, sent_as: Number}}}
""")
    with pytest.raises(declaration.DeclarationWrong, match="column n: sent_as: means nothing where"):
        _ = shop.sources


# --- days --------------------------------------------------------------------------------------------------

# By format: values with what they are; None is quarantined.
WRITTEN: dict[tuple[str, str], dict[str, object]] = {
    ("date", "%Y%m%d"): {
        **{"19970101": date(1997, 1, 1), " 20000229 ": date(2000, 2, 29)},
        **dict.fromkeys(("19970231", "19990229", "1997011", "199701010", "1997-01-01", "00000101")),
        **dict.fromkeys(("infinity", "today", "epoch", "１９９７0101", "-9970101", "1997 101")),
    },
    ("date", "%d/%m/%Y"): {
        **{"31/01/2017": date(2017, 1, 31), "1/2/2017": date(2017, 2, 1)},
        **dict.fromkeys(("01/31/2017", "2017-01-31", "31/01/17", "31.01.2017", "1/2/20170", "1/ 2/2017")),
    },
    ("date", "%m.%d.%y"): {
        **{"12.31.68": date(2068, 12, 31), "12.31.69": date(1969, 12, 31), "1.2.00": date(2000, 1, 2)},
        **dict.fromkeys(("31.12.17", "12.31.2017", "12x31x17")),
    },
    ("date", "%Y年%m月%d日"): {"2017年1月5日": date(2017, 1, 5), "2017年2月30日": None, "2017年1月5号": None},
    ("timestamp", "%d/%m/%Y %H:%M"): {
        **{"31/01/2017 23:59": datetime(2017, 1, 31, 23, 59), "1/2/2017 0:05": datetime(2017, 2, 1, 0, 5)},
        **dict.fromkeys(("31/01/2017 24:00", "31/01/2017", "31/01/2017 23:60", "31/01/2017  23:59")),
    },
    ("timestamp", "%Y%m%dT%H%M%S.%f"): {
        "20170131T235959.5": datetime(2017, 1, 31, 23, 59, 59, 500_000),
        "20170131T235959.000001": datetime(2017, 1, 31, 23, 59, 59, 1),
        **dict.fromkeys(("20170131T235960.0", "20170131T235959.1234567", "20170131t235959.5")),
    },
    ("timestamp", "%m/%d/%Y %I:%M %p"): {
        "1/2/2017 12:00 AM": datetime(2017, 1, 2),
        "1/2/2017 12:30 pm": datetime(2017, 1, 2, 12, 30),
        **dict.fromkeys(("1/2/2017 13:00 PM", "1/2/2017 0:30 AM", "1/2/2017 1:30", "1/2/2017 1:30 P.M.")),
    },
    ("timestamp", "%d%%%m'%Y"): {"1%2'2017": datetime(2017, 2, 1), "1%%2'2017": None},
}


@pytest.mark.parametrize(("kind", "written"), WRITTEN, ids=lambda value: value)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_value_is_read_as_declared_or_quarantined_and_python_reads_the_same(
    shop, file_format, kind, written
):
    values = WRITTEN[kind, written]
    # without the check of the delivery's day
    shop.declare_as(file_format, ordered_on={"data_type": kind, "date_format": written})
    file = shop.root / "models" / "shop" / "_shop__sources.yml"
    file.write_text(file.read_text().replace("event_column: ordered_on", "required: false"))
    # and enough good ones for the file to be one of ours
    rows = [(str(i), "c", value, 1) for i, value in enumerate([*values, *[next(iter(values))] * 20])]
    shop.export(file_format, rows=rows)
    shop.load()
    days = {row["order_id"]: row["ordered_on"] for row in shop.rows() if int(row["order_id"]) < len(values)}
    assert days == {
        str(i): value if file_format == "parquet" else text
        for i, (text, value) in enumerate(values.items())
        if value
    }
    assert {row["reason"] for row in shop.rows("quarantine")} <= {f"not_a_{kind}"}
    for text, value in values.items():
        if value:
            read = datetime.strptime(text.strip(), written)
            assert value == (read.date() if kind == "date" else read), text


def test_a_day_of_parquet_may_be_a_number(shop):
    shop.declare_as("parquet")
    shop.export("parquet", rows=[("a1", "c1", 20170104, 1), ("a2", "c2", 20170231, 2)])
    shop.load()
    assert [row["ordered_on"] for row in shop.rows()] == [date(2017, 1, 4)]


def test_bounds_hold_for_days_in_a_format(shop):
    shop.declare_as("csv", ordered_on={"min": "2017-01-04"})
    shop.export("csv", rows=[("a1", "c1", "20170104", 1), ("a2", "c2", "20170103", 2), ("a3", "c3", "", 2)])
    shop.load()
    assert [row["order_id"] for row in shop.rows()] == ["a1", "a3"]
    assert [row["reason"] for row in shop.rows("quarantine")] == ["below_minimum"]


def test_a_delivery_whose_bytes_are_gone_keeps_its_days(shop):
    shop.declare_as("csv", ordered_on={"data_type": "varchar", "date_format": None})
    file = shop.root / "models" / "shop" / "_shop__sources.yml"
    file.write_text(file.read_text().replace("event_column: ordered_on", "required: false"))
    shop.export("csv")
    shop.load()
    for landed in (shop.lake / "landing").rglob("*.csv"):
        landed.unlink()
    shop.declare_as("csv")
    shop.read()
    raw.put_in_place(shop.lake, shop.pending)
    assert [row["ordered_on"] for row in shop.rows()] == ["20170104", None, "20170106", "20170105"]


@pytest.mark.parametrize(
    ("written", "kind", "said"),
    [
        ("%d %b %Y", "date", "has %b"),
        ("%s", "timestamp", "has %s"),
        ("%Y%m%d %z", "timestamp", "has %z"),
        ("%d.%m", "date", "must have a year"),
        ("%Y-%y-%m-%d", "date", "must have a year"),
        ("%Y-%m-%d %m", "date", "a code twice"),
        ("%Y-%m-%d %H:%M", "date", "declare a timestamp"),
        ("%Y-%m-%d %I:%M", "timestamp", "%I with %p"),
        ("%Y-%m-%d %H:%S", "timestamp", "without the greater one"),
        ("%Y-%m-%dT00", "timestamp", "digit"),
        (" %Y-%m-%d", "date", "blank"),
        ("%Y-%m-%d%", "date", "ends in %"),
    ],
)
def test_a_format_that_cannot_be_read_is_refused(written, kind, said):
    with pytest.raises(date_format.FormatWrong, match=said):
        date_format.check(written, kind)
