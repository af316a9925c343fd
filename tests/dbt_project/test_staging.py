"""What a later delivery does to earlier ones, where it replaces more than the rows of its keys."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest

from tests.dbt_project.small_shop import MAY_1, FixtureLake, run_dbt, shop

FIRST = date(2017, 1, 1)
LAST = date(9999, 12, 31)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("lake"))


def judge(lake, folder, rows, key, document):
    """The verdicts of rows (doc, line, body, day, record), as the macro gives them."""
    values = ", ".join(
        f"('{doc}', {line}, '{body}', date '{day}', 'f', '{content[0] if content else 'c'}', {record})"
        for doc, line, body, day, record, *content in rows
    )
    names = "doc, line, body, _delivered_on, _file, _content, _record"
    relation = f"(select * from (values {values}) as sent ({names}))"
    call = f'judge_replaced_rows("{relation}", {key}, ["doc", "line", "body"], {document})'
    command = ["show", "--inline", "select * from ({{ " + call + " }})", "--limit", "1000"]
    (result,) = run_dbt(command, lake, folder, [MAY_1], "UTC").results
    table = result.agate_table
    return [dict(zip(table.column_names, row, strict=True)) for row in table.rows]


def told(judged):
    return sorted(
        (row["doc"], int(row["line"]), row["body"], row["_delivered_on"].day, row["verdict"])
        for row in judged
    )


def test_a_later_document_replaces_all_lines_of_the_earlier_one(lake, tmp_path):
    rows = [
        ("A", 1, "tea", date(2017, 1, 1), 1),
        ("A", 2, "cup", date(2017, 1, 1), 2),
        ("A", 1, "tea", date(2017, 1, 3), 1),  # sent again without the cup
        ("B", 1, "pot", date(2017, 1, 1), 3),  # never sent again: not judged at all
        ("C", 1, "pan", date(2017, 1, 2), 4),
        ("C", 1, "pan", date(2017, 1, 2), 5),  # the same line twice in one delivery
    ]
    judged = judge(lake, tmp_path, rows, ["doc", "line", "body"], ["doc"])
    # the newest tea is nobody's repeat and passes by itself
    assert told(judged) == [
        ("A", 1, "tea", 1, "superseded"),
        ("A", 2, "cup", 1, "superseded"),
        ("C", 1, "pan", 2, "accepted"),
        ("C", 1, "pan", 2, "duplicate"),
    ]
    cup = next(row for row in judged if row["body"] == "cup")
    assert (cup["known_from_on"], cup["known_until_on"]) == (date(2017, 1, 1), date(2017, 1, 3))


def test_equal_rows_stay_apart_when_the_record_is_their_key(lake, tmp_path):
    rows = [
        ("A", 1, "cd", date(2017, 1, 1), 1),
        ("A", 1, "cd", date(2017, 1, 1), 2),
        ("A", 1, "cd", date(2017, 1, 5), 1),
    ]
    judged = judge(lake, tmp_path, rows, ["_record"], [])
    assert told(judged) == [("A", 1, "cd", 1, "superseded")] * 2  # the last snapshot's row needs no judge


def test_of_two_files_of_a_day_with_the_same_document_one_is_seen_whole(lake, tmp_path):
    day = date(2017, 1, 1)
    rows = [
        ("A", 1, "six", day, 1, "c1"),
        ("A", 2, "cup", day, 2, "c1"),
        ("B", 1, "pot", day, 3, "c1"),
        ("A", 1, "two", day, 1, "c2"),  # the correction, and the cup is gone
    ]
    assert told(judge(lake, tmp_path, rows, ["doc", "line", "body"], ["doc"])) == [
        ("A", 1, "six", 1, "superseded"),
        ("A", 2, "cup", 1, "superseded"),
    ]
    whole = told(judge(lake, tmp_path, rows, ["doc", "line"], []))  # a snapshot sent again under its name
    assert whole == [
        ("A", 1, "six", 1, "superseded"),
        ("A", 1, "two", 1, "accepted"),
        ("A", 2, "cup", 1, "superseded"),
        ("B", 1, "pot", 1, "superseded"),
    ]


def test_on_every_day_exactly_the_newest_snapshot_of_a_document_is_seen(lake, tmp_path):
    draw = random.Random(11)
    rows = [
        (draw.choice("ABC"), draw.randint(1, 3), draw.choice("xy"), FIRST + timedelta(draw.randint(0, 4)), n)
        for n in range(60)
    ]
    judged = judge(lake, tmp_path, rows, ["doc", "line"], ["doc"])
    judged_ids = {int(row["_record"]) for row in judged}
    versions = [
        (row["doc"], int(row["line"]), row["known_from_on"], row["known_until_on"])
        for row in judged
        if row["known_from_on"]
    ]
    versions += [(doc, line, day, LAST) for doc, line, _, day, n in rows if n not in judged_ids]
    for on in (FIRST + timedelta(n) for n in range(6)):
        newest = {
            doc: max((row[3] for row in rows if row[0] == doc and row[3] <= on), default=None)
            for doc in "ABC"
        }
        wanted = sorted({(doc, line) for doc, line, _, day, _ in rows if day == newest[doc]})
        assert sorted((doc, line) for doc, line, begins, ends in versions if begins <= on < ends) == wanted


def test_a_key_with_blanks_around_it_is_the_same_key(tmp_path):
    row = {"line_no": "1", "ordered_at": "2017-01-01 10:00:00", "qty": "1"}
    lake = FixtureLake(tmp_path / "lake", "standard")
    for day, order_id, price in (("2017-01-02", "o1", "9.00"), ("2017-01-03", " o1 ", "5.00")):
        lake.deliver("order_lines", day, [{**row, "order_id": order_id, "list_price": price}], f"c{price[0]}")
    command = ["run", "--select", "+stg_standard__order_lines"]
    run_dbt(command, lake, tmp_path / "run", [MAY_1], "UTC")
    with duckdb.connect(str(tmp_path / "run" / "run.duckdb"), read_only=True) as connection:
        lines = connection.table("staging.stg_standard__order_lines")
        now = lines.filter("known_until_on > date '2018-01-01'").project("order_id, net_amount")
        assert now.fetchall() == [("o1", Decimal("5.00"))]
