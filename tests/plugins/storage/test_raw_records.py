"""Cutting CSV into records: the fast way and the exact way give the same rows, wherever a chunk ends."""

from __future__ import annotations

import csv
import io
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_shop import DAY, Shop, csv_lines, order

from storage.reading import content as reading_content
from storage.reading import csv_delivery
from storage.reading.csv_records import Dialect, clean_records, exact_records, lines_are_records

UNHURRIED = settings(deadline=None, max_examples=60)
DIALECT = Dialect(b",", "utf-8", 3)

# Texts with everything that can stand in a quoted field, and cells that look like other things.
CELLS = st.text(st.sampled_from('ab é汉\0,"\n\r;|\t'), max_size=6)
TABLES = st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12)
LINE_END = st.sampled_from(["\n", "\r\n"])


def exact_rows(content: bytes, dialect: Dialect = DIALECT) -> list[list[str | None]]:
    records, end, _ = exact_records(content, at_end=True, dialect=dialect)
    assert end == len(content)
    assert [record.reason for record in records] == [None] * len(records)
    return [record.fields for record in records]


def written(rows: list[list[str]], line_end: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=line_end, quoting=quoting).writerows(rows)
    return buffer.getvalue().encode()


@UNHURRIED
@given(TABLES, LINE_END)
def test_what_a_csv_writer_writes_is_read_back(rows, line_end):
    assert exact_rows(written(rows, line_end, csv.QUOTE_ALL)) == rows


@UNHURRIED
@given(TABLES, LINE_END, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_clean_records_are_the_exact_ones(rows, line_end, quoting):
    content = written(rows, line_end, quoting)
    records, end, _ = exact_records(content, at_end=True, dialect=DIALECT)
    clean = clean_records(content, at_end=True, dialect=DIALECT)
    if clean is not None:  # a lone \r sends a chunk the exact way
        assert list(zip(clean.starts.tolist(), clean.ends.tolist(), strict=True)) == [
            (record.start, record.end) for record in records
        ]
        assert clean.end == end


def arrow_rows(content: bytes) -> list[list[str | None]] | None:
    """What Arrow's parser sees, as the reader asks it; None when it sees no records of three columns."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = ["0", "1", "2"]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
            arrow_csv.ParseOptions(newlines_in_values=False),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return [list(row.values()) for row in table.to_pylist()]


@settings(deadline=None, max_examples=400, derandomize=True)
@given(
    st.lists(
        st.sampled_from([b"a", b'"', b'""', b",", b'"b"', b"\r", b"\r\n", b"\n", b'"c,"', b"1,2,3\n"]),
        max_size=14,
    ).map(b"".join)
)
def test_records_shown_by_counting_are_the_exact_ones(content):
    rows = arrow_rows(content) if content else None
    if rows is not None and lines_are_records(content, len(rows), DIALECT):
        assert exact_rows(content) == rows


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_records_of_plain_lines_are_shown_by_counting(quoting, line_end):
    content = written([["a", "b c", "1"], ["", "é", "汉"]], line_end, quoting)
    assert lines_are_records(content, 2, DIALECT)
    assert lines_are_records(content.removesuffix(line_end.encode()), 2, DIALECT)
    assert not lines_are_records(content, 1, DIALECT)


@UNHURRIED
@given(
    st.binary(max_size=60).map(
        lambda noise: noise.translate(bytes(b'a,"\n\r\xe9b,'[i % 8] for i in range(256)))
    )
)
def test_every_byte_of_any_file_is_in_one_record_or_an_empty_line(content):
    records, end, lines = exact_records(content, at_end=True, dialect=DIALECT)
    assert end == len(content)
    position = 0
    for record in records:
        assert set(content[position : record.start]) <= set(b"\r\n")
        assert record.line == content.count(b"\n", 0, record.start)
        position = record.end
    assert set(content[position:]) <= set(b"\r\n")
    assert lines >= content.count(b"\n")


@UNHURRIED
@given(
    st.binary(max_size=80).map(
        lambda noise: noise.translate(bytes(b'a,"\n\r\xe9b,'[i % 8] for i in range(256)))
    ),
    st.data(),
)
def test_where_a_chunk_ends_changes_no_record(content, data):
    whole = exact_records(content, at_end=True, dialect=DIALECT)[0]
    cut = data.draw(st.integers(0, len(content)))
    first, end, _ = exact_records(content[:cut], at_end=False, dialect=DIALECT)
    rest, _, _ = exact_records(content[end:], at_end=True, dialect=DIALECT)
    found = [(each.start, each.end, each.fields, each.reason) for each in first]
    found += [(each.start + end, each.end + end, each.fields, each.reason) for each in rest]
    assert found == [(each.start, each.end, each.fields, each.reason) for each in whole]


def test_a_chunk_may_end_anywhere_in_a_line_end_or_an_escaped_quote():
    content = b'1,"a","b"\r\n"x""y",2,"3"\r\n4,"""",6\r\n7,8,"two\nlines"\r\n'
    whole = exact_rows(content)
    for cut in range(len(content)):
        first, end, _ = exact_records(content[:cut], at_end=False, dialect=DIALECT)
        assert [record.fields for record in first] + exact_rows(content[end:]) == whole


def test_a_return_without_its_newline_is_left_to_the_exact_way():
    assert clean_records(b"1,2,3\r\r\n", at_end=True, dialect=DIALECT) is None
    assert exact_rows(b"1,2,3\r\r\n") == [["1", "2", "3\r"]]


def test_empty_lines_are_passed_over_both_ways():
    content = b"1,2,3\n\n4,5,6\r\n\r\n7,8,9"
    records, _, _ = exact_records(content, at_end=True, dialect=DIALECT)
    clean = clean_records(content, at_end=True, dialect=DIALECT)
    places = [(record.start, record.end) for record in records]
    assert places == list(zip(clean.starts.tolist(), clean.ends.tolist(), strict=True))


def test_a_quote_inside_a_field_is_a_character():
    assert exact_rows(b'1,5" pipe,a"b"\n') == [["1", '5" pipe', 'a"b"']]


def test_nothing_between_delimiters_is_null_and_quoted_nothing_is_not():
    assert exact_rows(b',"",\n') == [[None, "", None]]


def test_an_empty_line_is_a_record_only_where_a_record_is_one_value():
    assert exact_rows(b"1,2,3\n\n\r\n4,5,6\n") == [["1", "2", "3"], ["4", "5", "6"]]
    assert exact_rows(b"1\n\n2\n", Dialect(b",", "utf-8", 1)) == [["1"], [None], ["2"]]


def test_an_endless_line_is_cut_and_never_held_whole(monkeypatch):
    monkeypatch.setattr("storage.reading.csv_records.LONGEST_RECORD", 10)
    records, end, _ = exact_records(b"1,2,3\n" + b"x" * 50, at_end=False, dialect=DIALECT)
    assert [record.reason for record in records] == [None, "record_too_long"]
    assert end == 56


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Load a file and give back the rows of raw, by the fast way or the exact one."""

    def load(content: bytes, *, exact: bool, chunk: int = reading_content.CHUNK) -> list[tuple]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading_content, "CHUNK", chunk)
            patch.setattr(csv_delivery, "WINDOW", min(chunk // 4, csv_delivery.WINDOW))
            if exact:
                patch.setattr(csv_delivery, "lines_are_records", lambda *_: False)
                patch.setattr(csv_delivery, "clean_records", lambda *_, **__: None)
            shop = Shop(tmp_path_factory.mktemp("shop"))
            shop.declare()
            shop.send(content)
            (delivery,) = shop.load()
        quarantine = [tuple(row.values()) for row in shop.rows("quarantine")]
        raw = [tuple(row.values()) for row in shop.rows()]
        assert delivery.rows_in == delivery.rows_raw + delivery.rows_quarantined
        return [*raw, *quarantine, delivery]

    return load


ORDERS = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(["c1", "", '""', '"c,1"']),
            "quantity": st.sampled_from(["1", "x", "", '"7"', "1000", '""']),
            "amount": st.sampled_from(["1.00", "1", "-1", "", "1e2", "nan"]),
            "note": st.sampled_from(["", '""', '"a\nb"', '"a ""b"""', "汉", "x\0y", '"\r\n"', 'b"', "\r"]),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ORDERS, LINE_END)
def test_the_fast_way_and_the_exact_way_load_the_same(loaded, orders, line_end):
    content = csv_lines(*(order(n, **changed) for n, changed in enumerate(orders)), end=line_end).encode()
    assert loaded(content, exact=False) == loaded(content, exact=True)


def test_a_file_of_many_chunks_loads_as_one(loaded, monkeypatch):
    lines = [order(n, note='"two\nlines"' if n % 7 == 0 else "") for n in range(400)]
    lines[150] = order(9, note='"never closed')
    lines[300] = order(9, quantity="x")
    content = csv_lines(*lines).encode()
    whole = loaded(content, exact=False)
    monkeypatch.setattr("storage.reading.archive.PIECE", 100)
    assert loaded(content, exact=False, chunk=1000) == whole
    assert whole[-1].rows_quarantined == 2


def test_rows_in_another_order_are_the_same_rows(loaded):
    lines = [
        order(n, note=note) for n, note in enumerate(["", '"a\nb"', '""', "x", '"never closed', "y"] * 5)
    ]
    shuffled = random.Random(7).sample(lines, len(lines))
    one, other = (loaded(csv_lines(*each).encode(), exact=False) for each in (lines, shuffled))
    declared = len(lines[0].split(","))
    assert one[-1].rows_raw == other[-1].rows_raw == 25
    values = [sorted(str(row[:declared]) for row in each[:25]) for each in (one, other)]
    assert values[0] == values[1]
    assert one[0][-4] == DAY


def test_however_many_threads_read_the_bytes_of_raw_are_the_same(tmp_path, monkeypatch):
    import pyarrow as pa

    lines = [
        order(n, note="汉" if n % 3 else '"a\nb"', quantity="x" if n % 50 == 0 else "2") for n in range(900)
    ]
    monkeypatch.setattr(reading_content, "CHUNK", 4096)
    monkeypatch.setattr("storage.reading.archive.PIECE", 1000)
    found = []
    for threads, ahead in ((1, 0), (4, 7)):
        before = pa.cpu_count()
        pa.set_cpu_count(threads)
        monkeypatch.setattr("storage.reading.text_delivery.AHEAD", ahead)
        shop = Shop(tmp_path / str(threads))
        shop.declare()
        shop.send(csv_lines(*lines))
        shop.load()
        pa.set_cpu_count(before)
        found.append({path.name: path.read_bytes() for path in shop.lake.rglob("*.parquet")})
    assert found[0] == found[1]
