"""Letting records out of quarantine: as deliveries of their own, put right or as sent."""

from __future__ import annotations

from datetime import date

import pytest
from raw_shop import DECLARATION, Shop

from storage import requeue

SENT = date(2017, 1, 5)
LATER = date(2017, 1, 9)
HEADER = "order_id,customer_id,quantity,amount,ordered_at,note\n"
# The second record has no amount, the third a quantity above 100.
ROWS = [
    "a1,c1,1,5.00,2017-01-04 10:00:00,fine",
    'a2,c1,1,,2017-01-04 10:00:00,"no, none"',
    "a3,c2,900,7.00,2017-01-04 10:00:00,many",
    *(f"b{n},c2,1,1.00,2017-01-04 10:00:00," for n in range(20)),
]
FILE = "orders_2017-01-05.csv.gz"


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    shop.declare()
    shop.send(HEADER + "\n".join(ROWS) + "\n", SENT)
    shop.load()
    return shop


def orders(shop):
    return shop.sources[0].extracts[0]


def test_what_is_held_is_listed_by_file_and_reason(shop):
    found = requeue.held(shop.lake, shop.sources)
    assert [(each.file, each.reason, each.records, each.released) for each in found] == [
        (FILE, "above_maximum", 1, 0),
        (FILE, "missing_value", 1, 0),
    ]


def test_a_record_put_right_is_a_delivery_of_its_own_day(shop, tmp_path):
    paper = tmp_path / "held.csv"
    assert requeue.export(shop.lake, orders(shop), FILE, paper, [2]) == 1
    assert paper.read_text() == HEADER + ROWS[1] + "\n"
    assert paper.stat().st_mode & 0o077 == 0
    paper.write_text(paper.read_text().replace("c1,1,,", "c1,1,6.50,"))
    requeue.release(
        shop.lake, orders(shop), FILE, LATER, seen_until=date(2017, 1, 8), records=[2], corrected=paper
    )
    before = {row["order_id"] for row in shop.rows()}
    shop.load(date(2017, 1, 8))
    assert {row["order_id"] for row in shop.rows()} == before
    deliveries = shop.load(LATER)
    assert deliveries[-1].delivered_on == LATER
    assert (deliveries[-1].rows_in, deliveries[-1].rows_raw, deliveries[-1].status) == (1, 1, "accepted")
    assert [row["amount"] for row in shop.rows() if row["order_id"] == "a2"] == ["6.50"]
    assert [each.released for each in requeue.held(shop.lake, shop.sources)] == [1, 1]


def test_what_is_still_wrong_is_held_again_under_the_new_file(shop):
    requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None)
    deliveries = shop.load(LATER)
    assert (deliveries[-1].rows_in, deliveries[-1].rows_quarantined) == (2, 2)
    again = [each for each in requeue.held(shop.lake, shop.sources) if each.delivered_on == LATER]
    assert [each.reason for each in again] == ["above_maximum", "missing_value"]


def test_a_wider_promise_lets_what_was_sent_go(shop):
    shop.declare(DECLARATION.replace("{max: 100}", "{max: 1000}"))
    requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None, records=[3])
    shop.load(LATER)
    assert {row["quantity"] for row in shop.rows() if row["order_id"] == "a3"} == {"900"}


def test_a_day_that_was_published_is_not_changed_by_a_release(shop):
    with pytest.raises(requeue.ReleaseTooEarly, match="2017-01-09"):
        requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=LATER)


@pytest.mark.parametrize("delivers", ["snapshot", "documents"])
def test_no_record_is_released_where_it_would_replace_the_rows_around_it(shop, delivers):
    document = "\n            document: [order_id]" if delivers == "documents" else ""
    declared = f"key: [order_id]\n            delivers: {delivers}{document}"
    shop.declare(DECLARATION.replace("key: [order_id]", declared))
    with pytest.raises(requeue.WholesOnly, match=f"shop.orders delivers {delivers}"):
        requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None)


def test_what_is_not_held_is_named_with_what_is(shop):
    with pytest.raises(requeue.NothingHeld, match=FILE):
        requeue.release(shop.lake, orders(shop), "orders_2017-01-06.csv.gz", LATER, seen_until=None)
    with pytest.raises(requeue.NothingHeld, match="records"):
        requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None, records=[1])


def test_releasing_twice_is_one_release(shop):
    first = requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None)
    assert requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None) == first


def test_rows_of_parquet_are_released_with_their_types(shop, tmp_path):
    import duckdb

    path = shop.incoming / "shop" / "2017-01-05" / "stock_north.parquet"
    path.parent.mkdir(parents=True)
    duckdb.execute(
        f"copy (select * from (values (1, 2.50), (2, -1.00), (3, 1.00)) as t (product_id, price), "
        f"(select timestamp '2017-01-04 09:00:00' as counted_at)) to '{path}' (format parquet)"
    )
    shop.load(SENT)
    stock = shop.sources[0].extracts[1]
    (held,) = [each for each in requeue.held(shop.lake, shop.sources) if each.extract == "stock"]
    paper = tmp_path / "held.jsonl"
    requeue.export(shop.lake, stock, held.file, paper)
    paper.write_text(paper.read_text().replace("-1.00", "1.25").replace("-1.0", "1.25"))
    requeue.release(shop.lake, stock, held.file, LATER, seen_until=None, corrected=paper)
    shop.load(LATER)
    assert sorted((row["product_id"], str(row["price"])) for row in shop.rows(extract="stock")) == [
        (1, "2.50"),
        (2, "1.25"),
        (3, "1.00"),
    ]
