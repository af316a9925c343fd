"""How a pull keeps its pages and writes its file, whatever the vendor."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pulls import pulling
from pulls.pulling import Line, Page, pull

COLUMNS = ("id", "name")


class Vendor:
    """Hands out `lines` in pages of `size`; dies before page `dies_before`."""

    def __init__(self, lines, size, dies_before=None):
        self.lines, self.size, self.dies_before = lines, size, dies_before
        self.windows, self.pages = [], []

    def check(self, extract, columns):
        pass

    def page(self, extract, columns, window, cursor):
        start = cursor["start"] if cursor else 0
        if start // self.size == self.dies_before:
            raise KeyboardInterrupt
        self.windows.append(window)
        self.pages.append(start // self.size)
        end = start + self.size
        return Page(self.lines[start:end], {"start": end} if end < len(self.lines) else None)


def line(number, name="x", minutes=None):
    moment = datetime(2024, 3, 1, tzinfo=UTC) + timedelta(minutes=number if minutes is None else minutes)
    return Line(moment, str(number), {"id": str(number), "name": name})


def ids(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(text)["id"] for text in file]


def test_the_bytes_depend_on_the_records_not_on_their_pages_or_order(order):
    lines = [line(number, minutes=number % 3) for number in range(20)]
    contents = set()
    for size, given in ((3, lines), (7, lines[::-1]), (100, lines)):
        asked = order("accounts", COLUMNS)
        pull(Vendor(given, size), asked)
        contents.add(asked.target.read_bytes())
        asked.record.unlink()
    assert len(contents) == 1


def test_a_record_that_two_pages_hold_is_written_once_and_its_two_states_twice(order):
    asked = order("accounts", COLUMNS)
    pull(Vendor([line(1), line(2), line(2), line(1, "changed", minutes=5)], 2), asked)
    assert ids(asked.target) == ["1", "2", "1"]


@pytest.mark.parametrize("dies_before", [0, 1, 4])
def test_a_killed_pull_goes_on_at_its_page(order, dies_before):
    lines = [line(number) for number in range(10)]
    asked = order("accounts", COLUMNS)
    with pytest.raises(KeyboardInterrupt):
        pull(Vendor(lines, 2, dies_before), asked)
    assert not asked.target.exists()
    second = Vendor(lines, 2)
    pull(second, asked)
    assert second.pages == list(range(dies_before, 5))
    assert ids(asked.target) == [str(number) for number in range(10)]
    assert list(asked.records.rglob("*.gz")) == []


def test_pages_of_another_window_or_of_other_columns_are_not_gone_on_with(order):
    lines = [line(number) for number in range(4)]
    asked = order("accounts", COLUMNS)
    with pytest.raises(KeyboardInterrupt):
        pull(Vendor(lines, 2, 1), asked)
    second = Vendor(lines, 2)
    pull(second, order("accounts", (*COLUMNS, "more")))
    assert second.pages == [0, 1]


def test_a_day_without_a_pull_leaves_no_gap(order):
    pull(Vendor([line(1)], 2), order("accounts", COLUMNS, day=3))
    later = Vendor([line(2)], 2)
    pull(later, order("accounts", COLUMNS, day=9))
    (window,) = later.windows
    assert window.since == datetime(2024, 3, 3, tzinfo=UTC) - pulling.OVERLAP
    assert window.until == datetime(2024, 3, 9, tzinfo=UTC)


def test_the_first_pull_begins_at_the_beginning_and_no_later_day_moves_an_earlier_one(order):
    pull(Vendor([line(1)], 2), order("accounts", COLUMNS, day=9))
    earlier = Vendor([line(1)], 2)
    pull(earlier, order("accounts", COLUMNS, day=3))
    assert earlier.windows[0].since is None


def test_a_day_that_was_pulled_is_left_as_it_is_unless_asked_for_from_a_moment(order):
    asked = order("accounts", COLUMNS)
    pull(Vendor([line(1)], 2), asked)
    again = Vendor([line(1), line(2)], 2)
    assert pull(again, asked) == pulling.Pulled("accounts", 1, before=True)
    assert again.pages == []
    assert pull(again, asked, since=datetime(2024, 1, 1, tzinfo=UTC)).lines == 2
    assert again.windows[0].since == datetime(2024, 1, 1, tzinfo=UTC)


def test_more_pages_than_files_can_be_open_are_merged_in_steps(order, monkeypatch):
    monkeypatch.setattr(pulling, "_FAN_IN", 3)
    lines = [line(number, minutes=-number) for number in range(40)]
    asked = order("accounts", COLUMNS)
    assert pull(Vendor(lines, 1), asked).lines == 40
    assert ids(asked.target) == [str(number) for number in reversed(range(40))]


def test_a_file_is_there_whole_or_not_at_all_and_only_its_owner_reads_it(order, monkeypatch):
    asked = order("accounts", COLUMNS)
    pull(Vendor([line(1)], 2), asked)
    assert asked.target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in asked.target.parent.iterdir()] == [asked.target.name]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("19.90"), "19.90"),
        (Decimal("12345678901234567.89"), "12345678901234567.89"),
        (9007199254740993, "9007199254740993"),
        ('tab\t "quoted"\n', '"tab\\t \\"quoted\\"\\n"'),
        ("张三\u2028x", '"张三\u2028x"'),
        (True, "true"),
        (None, "null"),
    ],
)
def test_a_value_is_written_as_it_came(order, value, written):
    asked = order("accounts", COLUMNS)
    moment = datetime(2024, 3, 1, tzinfo=UTC)
    pull(Vendor([Line(moment, "1", {"id": "1", "name": value})], 2), asked)
    assert gzip.decompress(asked.target.read_bytes()).decode() == f'{{"id":"1","name":{written}}}\n'


def test_a_reference_is_its_id_an_instant_is_in_utc_and_what_is_nested_is_text():
    assert pulling.flat({"id": "5", "name": "A Person"}) == "5"
    assert pulling.flat(["a", "b"]) == '["a", "b"]'
    assert pulling.flat("2024-03-01T02:00:00+08:00") == "2024-02-29T18:00:00Z"
    assert pulling.flat("2024-13-01T02:00:00+08:00") == "2024-13-01T02:00:00+08:00"
    assert pulling.flat("2024-03-01") == "2024-03-01"
    assert pulling.flat({"b": 1, "a": Decimal("1.0")}) == '{"a": "1.0", "b": 1}'
