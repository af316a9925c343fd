"""Bad input, line by line: what goes on, what goes to quarantine, and where exactly it stood."""

from __future__ import annotations

import gzip
from datetime import date

import pytest
from raw_shop import DAY, DECLARATION, HEADER, Shop, csv_lines, order

from storage import raw

GOOD = (order(1), order(2), order(3), order(4))


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    shop.declare()
    return shop


def with_line(bad: str | bytes, *, end: bytes = b"\n") -> tuple[bytes, bytes, int]:
    """Two good lines, a bad one, two good ones; the bad one's bytes, and the offset they stand at."""
    bad = (bad.encode() if isinstance(bad, str) else bad) + end
    lines = [line.encode() + end for line in (HEADER, *GOOD)]
    return b"".join((*lines[:3], bad, *lines[3:])), bad, len(b"".join(lines[:3]))


BAD_LINES = {
    "an unclosed quote": ('o9,c1,2,9.50,2017-01-04 12:00:00,"never closed', "unclosed_quote"),
    "a quote closed too early": ('o9,c1,2,9.50,2017-01-04 12:00:00,"so "called" good"', "unclosed_quote"),
    "too few columns": ("o9,c1,2", "wrong_column_count"),
    "too many columns": (order(9) + ",more", "wrong_column_count"),
    "a line that is not UTF-8": (b"o9,c1,2,9.50,2017-01-04 12:00:00,caf\xe9", "not_decodable"),
    "binary rubbish": (b"\x00\xff\xfe\x80 rubbish", "wrong_column_count"),
    "no order number": (order(9, order_id=""), "missing_value"),
    "a blank order number": (order(9, order_id="  "), "missing_value"),
    "no amount": (order(9, amount=""), "missing_value"),
    "a word for a number": (order(9, quantity="two"), "not_a_bigint"),
    "a fraction for a count": (order(9, quantity="1.5"), "not_a_bigint"),
    "a word for an amount": (order(9, amount="free"), "not_a_decimal"),
    "an amount with an underscore": (order(9, amount="1_0"), "not_a_decimal"),
    "a day that does not exist": (order(9, ordered_at="2017-02-30 12:00:00"), "not_a_timestamp"),
    "a word DuckDB takes for a time": (order(9, ordered_at="epoch"), "not_a_timestamp"),
    "an offset from UTC DuckDB reads over": (
        order(9, ordered_at="2017-01-04 12:00:00+02"),
        "not_a_timestamp",
    ),
    "a negative price": (order(9, amount="-0.01"), "below_minimum"),
    "too many": (order(9, quantity="101"), "above_maximum"),
    "a date in the future": (order(9, ordered_at="2017-01-06 05:00:00"), "after_delivery"),
    "a bad line of two lines": (order(9, quantity="x", note='"one\ntwo"'), "not_a_bigint"),
}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(("bad", "reason"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_in_quarantine_as_it_stood_and_the_good_ones_go_on(shop, bad, reason, end):
    content, original, offset = with_line(bad, end=end)
    shop.send(content)

    (delivery,) = shop.load()

    assert (delivery.rows_in, delivery.rows_raw, delivery.rows_quarantined) == (5, 4, 1)
    assert (delivery.status, delivery.reason) == ("accepted", None)
    assert [(row["order_id"], row["_record"]) for row in shop.rows()] == [
        ("o1", 1),
        ("o2", 2),
        ("o3", 4),
        ("o4", 5),
    ]
    (row,) = shop.rows("quarantine")
    assert (row["record"], row["line"], row["byte_offset"]) == (3, 4, offset)
    assert (row["original"], row["reason"]) == (original, reason)
    assert (row["source"], row["extract"], row["delivered_on"]) == ("shop", "orders", DAY)
    assert (row["file"], row["content"]) == (delivery.file, delivery.sha256[:12])


def test_quarantine_never_tells_the_values_of_a_row(shop):
    secret = "Jane-Doe"
    shop.send(
        csv_lines(
            *GOOD,
            *GOOD,
            *GOOD,
            *(order(9, **{name: secret}) for name in ("quantity", "amount", "ordered_at")),
        )
    )
    shop.load()
    details = [row["detail"] for row in shop.rows("quarantine")]
    assert len(details) == 3
    assert not any(secret in detail for detail in details)


def test_an_unclosed_quote_does_not_swallow_the_good_lines_behind_it(shop):
    quoted = order(7, note='"closed, and fine"')
    bad = order(9, note='"never closed')
    shop.send(csv_lines(order(1), bad, *(order(n) for n in range(10, 510)), quoted))
    (delivery,) = shop.load()
    assert (delivery.rows_in, delivery.rows_raw, delivery.rows_quarantined) == (503, 502, 1)
    assert shop.rows("quarantine")[0]["original"] == bad.encode() + b"\n"


def test_an_unclosed_quote_that_meets_another_makes_no_record_of_many_lines(shop):
    first, second = order(8, note='"never closed'), order(9, note='nor opened"')
    shop.send(csv_lines(*GOOD, first, order(5), second))
    (delivery,) = shop.load()
    assert (delivery.rows_raw, delivery.rows_quarantined) == (6, 1)
    assert shop.rows()[-1]["note"] == 'nor opened"'


def test_an_unclosed_quote_in_a_short_line_holds_no_lines_together(shop):
    shop.send(csv_lines(*GOOD, 'o8,c1,"oops', order(5), order(9, note='nor opened"')))
    (delivery,) = shop.load()
    assert (delivery.rows_in, delivery.rows_raw) == (7, 6)
    assert shop.rows("quarantine")[0]["original"] == b'o8,c1,"oops\n'


def test_line_ends_inside_quotes_belong_to_the_value(shop):
    shop.send(csv_lines(order(1, note='"one\r\ntwo, ""three"""'), order(2), end="\r\n"))
    (delivery,) = shop.load()
    assert (delivery.rows_in, delivery.rows_raw) == (2, 2)
    assert [row["note"] for row in shop.rows()] == ['one\r\ntwo, "three"', None]


@pytest.mark.parametrize("bad", [order(9, quantity="x"), "o9,c1"], ids=["fast", "exact"])
def test_lines_are_counted_as_an_editor_counts_them_and_records_as_records(shop, bad):
    content = csv_lines(order(1, note='"one\ntwo\nthree"'), "", order(2), bad, order(3)).encode()
    shop.send(content)
    (delivery,) = shop.load()
    assert (delivery.rows_in, delivery.rows_raw) == (4, 3)
    (row,) = shop.rows("quarantine")
    assert (row["record"], row["line"], row["byte_offset"]) == (3, 7, content.index(bad.encode()))


def test_a_byte_order_mark_is_no_part_of_the_first_column(shop):
    bad = order(9, quantity="x")
    content = b"\xef\xbb\xbf" + csv_lines(order(1), bad, order(2)).encode()
    shop.send(content)
    (delivery,) = shop.load()
    assert (delivery.rows_raw, delivery.rows_quarantined) == (2, 1)
    (row,) = shop.rows("quarantine")
    assert (row["line"], row["byte_offset"]) == (3, content.index(bad.encode()))


def test_a_customer_without_id_goes_on(shop):
    shop.send(csv_lines(order(1, customer_id=""), order(2, customer_id='""')))
    (delivery,) = shop.load()
    assert (delivery.rows_raw, delivery.rows_quarantined) == (2, 0)
    assert [row["customer_id"] for row in shop.rows()] == [None, ""]


def test_values_stay_as_sent(shop):
    shop.send(
        csv_lines(
            order(1, customer_id=" c 1 ", quantity=" 2", amount="9.5000", note="NULL"),
            order(2, quantity='""'),
        )
    )
    shop.load()
    first, second = shop.rows()
    assert (first["customer_id"], first["quantity"], first["amount"], first["note"]) == (
        " c 1 ",
        " 2",
        "9.5000",
        "NULL",
    )
    assert second["quantity"] is None  # a number that is nothing, in a file that quotes every field


@pytest.mark.parametrize(("at", "goes_on"), [("2017-01-06 04:59:59", True), ("2017-01-06 05:00:00", False)])
def test_the_local_day_of_an_event_is_that_of_the_settings(shop, at, goes_on):
    shop.send(csv_lines(order(1), order(2, ordered_at=at)))  # New York is five hours behind UTC
    (delivery,) = shop.load()
    assert delivery.rows_raw == (2 if goes_on else 1)


def test_columns_in_another_order_are_the_same_columns(shop):
    names = HEADER.split(",")
    lines = [",".join(reversed(line.split(","))) for line in GOOD]
    shop.send(csv_lines(*lines, header=",".join(reversed(names))))
    (delivery,) = shop.load()
    assert delivery.rows_raw == 4
    assert [row["order_id"] for row in shop.rows()] == ["o1", "o2", "o3", "o4"]


def test_an_extra_column_is_named_and_not_stored(shop):
    shop.send(csv_lines(*(line + ",x" for line in GOOD), header=HEADER + ",colour"))
    (delivery,) = shop.load()
    assert (delivery.status, delivery.added_columns, delivery.rows_raw) == ("accepted", "colour", 4)
    assert "colour" not in shop.rows()[0]


def test_a_missing_column_sets_the_file_aside(shop):
    shop.send(csv_lines("o1,c1,2", "o2,c1,2", header="order_id,customer_id,quantity"))
    (delivery,) = shop.load()
    assert (delivery.status, delivery.reason) == ("set_aside", "wrong_header")
    assert delivery.missing_columns == "amount,ordered_at,note"
    assert (delivery.rows_in, delivery.rows_raw, delivery.rows_quarantined) == (2, 0, 2)
    assert_whole_file_in_quarantine(shop, "wrong_header")


def assert_whole_file_in_quarantine(shop, reason):
    (row,) = shop.rows("quarantine")
    assert (row["record"], row["line"], row["byte_offset"], row["original"]) == (None, None, None, None)
    assert row["reason"] == reason
    assert shop.rows() == []


ARCHIVE = gzip.compress(csv_lines(*(order(n) for n in range(500))).encode(), mtime=0)
WHOLE_FILES = {
    "an empty file": (b"", "empty_file"),
    "an empty archive": (gzip.compress(b""), "empty_file"),
    "a truncated archive": (ARCHIVE[: len(ARCHIVE) // 2], "truncated_archive"),
    "an archive without its trailer": (ARCHIVE[:-8], "truncated_archive"),
    "an archive with half its trailer": (ARCHIVE[:-3], "truncated_archive"),
    "a wrong checksum": (ARCHIVE[:-8] + b"\0\0\0\0" + ARCHIVE[-4:], "corrupt_archive"),
    "a damaged middle": (ARCHIVE[:400] + b"\xff" * 40 + ARCHIVE[440:], "corrupt_archive"),
    "no archive at all": (csv_lines(*GOOD).encode(), "corrupt_archive"),
    "a header that is no text": (gzip.compress(b"\xff\xfe\xfa,b\n1,2\n"), "not_decodable"),
    "no header": (gzip.compress("\n".join(GOOD).encode()), "wrong_header"),
    "a column twice": (gzip.compress((HEADER + ",note\n").encode()), "wrong_header"),
}


@pytest.mark.parametrize(("sent", "reason"), WHOLE_FILES.values(), ids=WHOLE_FILES.keys())
def test_a_file_that_is_not_whole_is_set_aside_whole(shop, sent, reason):
    shop.send(sent, compress=False)
    (delivery,) = shop.load()
    assert (delivery.status, delivery.reason, delivery.rows_raw) == ("set_aside", reason, 0)
    assert delivery.rows_in == delivery.rows_quarantined
    assert_whole_file_in_quarantine(shop, reason)


def test_the_rows_of_a_truncated_archive_are_counted_as_far_as_they_can_be_seen(shop):
    shop.send(ARCHIVE[:-8], compress=False)
    (delivery,) = shop.load()
    assert (delivery.rows_in, delivery.rows_quarantined) == (500, 500)


def test_archives_one_after_the_other_are_one_file(shop):
    parts = [
        gzip.compress(csv_lines(*GOOD[:2]).encode()),
        gzip.compress(csv_lines(*GOOD[2:]).encode()[len(HEADER) + 1 :]),
    ]
    shop.send(b"".join(parts), compress=False)
    (delivery,) = shop.load()
    assert delivery.rows_raw == 4


def test_a_header_alone_is_a_quiet_day_each_time(shop):
    shop.send(csv_lines(), DAY)
    shop.send(csv_lines(), date(2017, 1, 6))
    assert [(each.status, each.rows_in) for each in shop.load()] == [("accepted", 0), ("accepted", 0)]
    assert shop.rows() == []


def test_swapped_values_set_the_file_aside_with_every_reason(shop):
    swapped = [f"o{n},c1,9.50,2017-01-04 12:00:00,2,note" for n in range(3)]
    shop.send(csv_lines(order(1), *swapped, order(2)))
    (delivery,) = shop.load()
    assert (delivery.status, delivery.reason) == ("set_aside", "mostly_unreadable")
    assert (delivery.rows_in, delivery.rows_raw, delivery.rows_quarantined) == (5, 0, 5)
    assert shop.rows() == []
    rows = shop.rows("quarantine")
    assert [(row["record"], row["reason"]) for row in rows] == [
        (2, "not_a_bigint"),
        (3, "not_a_bigint"),
        (4, "not_a_bigint"),
        (None, "mostly_unreadable"),
    ]


def test_half_the_rows_unreadable_is_not_most_of_them(shop):
    shop.send(csv_lines(order(1), order(2, quantity="x")))
    (delivery,) = shop.load()
    assert (delivery.status, delivery.rows_raw, delivery.rows_quarantined) == ("accepted", 1, 1)


@pytest.mark.parametrize("came", [(5, 6, 7), (6, 7, 5), (7, 5, 6)])
def test_it_makes_no_difference_which_of_the_same_bytes_came_first(tmp_path, came):
    shops = []
    for order_of_days in ((5, 6, 7), came):
        shop = Shop(tmp_path / f"{len(shops)}")
        shop.declare()
        for day in order_of_days:
            shop.send(csv_lines(order(1), order(2, amount="x")), date(2017, 1, day))
            loaded = shop.load()
        assert [each.status for each in loaded] == ["accepted", "duplicate", "duplicate"]
        assert {each.duplicate_of for each in loaded} == {None, "orders_2017-01-05.csv.gz"}
        assert shop.read() == []  # and that is how it stays
        shops.append(shop)
    assert shops[1].files() == shops[0].files()


def test_the_same_bytes_again_are_a_duplicate_that_adds_nothing(shop):
    first, again = shop.send(csv_lines(*GOOD)), shop.send(csv_lines(*GOOD), date(2017, 1, 6))
    one, two = shop.load()
    assert (one.status, two.status, two.duplicate_of) == ("accepted", "duplicate", first.name)
    assert (two.file, two.rows_in, two.rows_raw, two.rows_quarantined) == (again.name, 4, 0, 0)
    assert len(shop.rows()) == 4


def test_a_snapshot_that_comes_back_to_what_it_was_is_read_again(shop):
    shop.declare(DECLARATION.replace("key: [order_id]", "key: [order_id]\n            delivers: snapshot"))
    for day, amount in ((5, "9.50"), (6, "1.00"), (7, "9.50")):
        shop.send(csv_lines(order(1, amount=amount)), date(2017, 1, day))
    assert [each.status for each in shop.load()] == ["accepted"] * 3
    assert [row["amount"] for row in shop.rows()] == ["9.50", "1.00", "9.50"]


@pytest.mark.parametrize(("too_early", "first"), [(3, "set_aside"), (1, "accepted")])
def test_bytes_first_sent_too_early_are_read_when_sent_again(shop, too_early, first):
    orders = (order(n, ordered_at="2017-01-06 12:00:00") for n in range(too_early))
    content = csv_lines(order(8), order(9), *orders)
    shop.send(content, date(2017, 1, 5))
    shop.send(content, date(2017, 1, 7))
    one, two = shop.load()
    assert (one.status, one.rows_raw) == (first, 2 if first == "accepted" else 0)
    assert (two.status, two.rows_raw) == ("accepted", 2 + too_early)


def test_a_day_sees_only_what_was_delivered_by_then(shop):
    shop.send(csv_lines(order(1)), date(2017, 1, 5))
    shop.send(csv_lines(order(2)), date(2017, 1, 6))
    assert [each.delivered_on for each in shop.load(date(2017, 1, 5))] == [date(2017, 1, 5)]
    assert len(shop.load(date(2017, 1, 6))) == 2
    assert len(raw.deliveries(shop.lake, shop.sources, date(2017, 1, 5))) == 1


def test_what_a_later_run_landed_is_not_read_for_an_earlier_day(shop):
    shop.send(csv_lines(order(1)), date(2017, 1, 5))
    shop.send(csv_lines(order(2)), date(2017, 1, 6))
    shop.land(date(2017, 1, 6))
    assert [each.delivered_on for each in shop.read(date(2017, 1, 5))] == [date(2017, 1, 5)]


def test_days_loaded_in_any_order_make_the_same_lake(tmp_path):
    days = [date(2017, 1, 5), date(2017, 1, 6), date(2017, 1, 7)]
    lakes = []
    for name, asked in (("in order", days), ("backwards", days[::-1])):
        shop = Shop(tmp_path / name)
        shop.declare()
        for day in days:
            shop.send(csv_lines(*GOOD) if day != days[1] else csv_lines(order(5), order(6, amount="x")), day)
        for day in asked:
            shop.load(day)
        lakes.append(shop.files())
    assert lakes[0] == lakes[1]


def test_nothing_of_the_lake_changes_before_it_is_put_in_place(shop):
    shop.send(csv_lines(*GOOD, order(9, amount="x")))
    shop.land()
    before = shop.files()
    (delivery,) = shop.read()
    assert shop.files() == before
    assert raw.deliveries(shop.lake, shop.sources, DAY) == []
    assert raw.deliveries(shop.lake, shop.sources, DAY, shop.pending) == [delivery]


def test_pending_rows_that_went_are_read_again_and_never_put_in_place_as_nothing(shop):
    shop.send(csv_lines(*GOOD))
    shop.land()
    read = shop.read()
    (pending,) = (shop.pending / "raw").rglob("*.parquet")
    pending.unlink()
    with pytest.raises(raw.PendingLost, match="orders_2017-01-05"):
        raw.put_in_place(shop.lake, shop.pending)
    assert shop.read() == read
    raw.put_in_place(shop.lake, shop.pending)
    assert len(shop.rows()) == 4


def test_a_changed_declaration_reads_what_was_set_aside_again(shop):
    shop.send(csv_lines("o1,9.50", "o2,1.00", header="order_id,amount"))
    assert shop.load()[0].status == "set_aside"
    lines = [
        line
        for line in DECLARATION.splitlines()
        if not line.strip().startswith(
            (
                "- {name: customer_id",
                "- {name: quantity",
                "- {name: ordered_at",
                "- {name: note",
                "event_column",
                "customer_column",
            )
        )
    ]
    shop.declare("\n".join(lines))
    (delivery,) = shop.load()
    assert (delivery.status, delivery.rows_raw) == ("accepted", 2)
    assert shop.rows("quarantine") == []
    shop.declare()
    assert shop.load()[0].status == "set_aside"
    assert shop.rows() == []


def test_every_declared_extract_has_a_raw_of_no_rows(shop):
    import pyarrow.parquet as pq

    raw.ensure_empty(shop.lake, shop.sources)
    before = shop.files()
    raw.ensure_empty(shop.lake, shop.sources)
    assert shop.files() == before
    orders = pq.read_table(
        shop.lake / "raw/shop/orders/delivered_on=0001-01-01/none.parquet", partitioning=None
    )
    stock = pq.read_table(
        shop.lake / "raw/shop/stock/delivered_on=0001-01-01/none.parquet", partitioning=None
    )
    assert (orders.num_rows, stock.num_rows) == (0, 0)
    assert {str(orders.schema.field(name).type) for name in HEADER.split(",")} == {"string"}
    assert str(stock.schema.field("price").type) == "decimal128(18, 2)"
    assert orders.column_names[-4:] == ["_delivered_on", "_file", "_content", "_record"]


def test_deliveries_are_written_with_a_row_each(shop, tmp_path):
    import pyarrow.parquet as pq

    shop.send(csv_lines(*GOOD))
    raw.write_deliveries(tmp_path / "deliveries.parquet", shop.load())
    (row,) = pq.read_table(tmp_path / "deliveries.parquet").to_pylist()
    assert (row["extract"], row["delivered_on"], row["rows_in"], row["required"]) == ("orders", DAY, 4, True)
    raw.write_deliveries(tmp_path / "none.parquet", [])
    assert pq.read_schema(tmp_path / "none.parquet") == pq.read_schema(tmp_path / "deliveries.parquet")


def test_a_snapshot_without_a_row_is_set_aside_and_the_one_before_stays(shop):
    shop.declare(DECLARATION.replace("key: [order_id]", "key: [order_id]\n            delivers: snapshot"))
    header = "order_id,customer_id,quantity,amount,ordered_at,note\n"
    shop.send(header + "a,c,1,5.00,2017-01-04 10:00:00,\n", date(2017, 1, 5))
    shop.send(header, date(2017, 1, 6))
    first, second = shop.load()
    assert (first.status, second.status, second.reason) == ("accepted", "set_aside", "empty_snapshot")


def test_documents_with_bytes_that_came_before_are_read_again(shop):
    declared = "key: [order_id]\n            delivers: documents\n            document: [order_id]"
    shop.declare(DECLARATION.replace("key: [order_id]", declared))
    header = "order_id,customer_id,quantity,amount,ordered_at,note\n"
    for day, amount in ((5, "5.00"), (6, "6.00"), (7, "5.00")):
        shop.send(header + f"a,c,1,{amount},2017-01-04 10:00:00,\n", date(2017, 1, day))
    assert [delivery.status for delivery in shop.load()] == ["accepted"] * 3
