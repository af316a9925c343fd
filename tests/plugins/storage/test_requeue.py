"""Letting records out of quarantine: as deliveries of their own, put right or as sent."""

from __future__ import annotations

from datetime import date

import pytest
from raw_shop import DECLARATION, Shop

from storage import requeue, retention

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
    assert [(each.file, each.reason, each.records, each.first, each.details) for each in found] == [
        (FILE, "above_maximum", 1, (3,), ("column quantity: above maximum 100",)),
        (FILE, "missing_value", 1, (2,), ("column amount: required, and blank",)),
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
    assert [(each.reason, each.first) for each in requeue.held(shop.lake, shop.sources)] == [
        ("above_maximum", (3,))
    ]


def test_what_is_still_wrong_is_held_again_under_the_new_file(shop):
    requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None)
    deliveries = shop.load(LATER)
    assert (deliveries[-1].rows_in, deliveries[-1].rows_quarantined) == (2, 2)
    again = requeue.held(shop.lake, shop.sources)
    assert [(each.file, each.reason, each.first) for each in again] == [
        ("released/2017-01-05/orders_2017-01-05.csv", "above_maximum", (2,)),
        ("released/2017-01-05/orders_2017-01-05.csv", "missing_value", (1,)),
    ]


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


def test_records_released_once_are_refused_by_the_file_and_day_of_the_first_time(shop):
    requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None, records=[2])
    first = r"records 2 of .* were released on 2017-01-09 as released/2017-01-05/orders_2017-01-05\.csv$"
    with pytest.raises(requeue.AlreadyReleased, match=first):
        requeue.release(shop.lake, orders(shop), FILE, date(2017, 1, 10), seen_until=None, records=[2, 3])
    rest = requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None)
    assert rest.released_from["records"] == [3]
    with pytest.raises(requeue.AlreadyReleased):
        requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None)


def test_what_was_held_again_is_released_from_the_released_file(shop):
    first = requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None)
    shop.load(LATER)
    with pytest.raises(requeue.AlreadyReleased, match="still wrong is held under that file"):
        requeue.release(shop.lake, orders(shop), FILE, date(2017, 1, 10), seen_until=None)
    shop.declare(DECLARATION.replace("{max: 100}", "{max: 1000}"))
    requeue.release(shop.lake, orders(shop), first.file, date(2017, 1, 10), seen_until=None, records=[2])
    shop.load(date(2017, 1, 10))
    assert [row["quantity"] for row in shop.rows() if row["order_id"] == "a3"][-1] == "900"


def test_records_of_a_release_that_was_set_aside_are_open_again(shop, tmp_path):
    paper = tmp_path / "held.csv"
    paper.write_text("nothing,of,the,kind\n1,2,3,4\n")
    requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None, corrected=paper)
    assert requeue.held(shop.lake, shop.sources) == []
    assert shop.load(LATER)[-1].status == "set_aside"
    found = requeue.held(shop.lake, shop.sources)
    assert [(each.file, each.first, each.whole) for each in found] == [
        (FILE, (3,), False),
        (FILE, (2,), False),
    ]
    requeue.release(shop.lake, orders(shop), FILE, date(2017, 1, 10), seen_until=None)


def test_nothing_is_released_that_would_be_held_again(shop, tmp_path):
    paper = tmp_path / "held.csv"
    requeue.export(shop.lake, orders(shop), FILE, paper)
    paper.write_text(paper.read_text().replace("c1,1,,", "c1,1,6.50,"))
    before = shop.files()
    checked = {"seen_until": None, "source": shop.sources[0], "time_zone": shop.time_zone}
    wrong = r"1 of 2 records would be held again: above_maximum: column quantity: .* \(records 2 of"
    with pytest.raises(requeue.StillWrong, match=wrong):
        requeue.release(shop.lake, orders(shop), FILE, LATER, corrected=paper, **checked)
    assert shop.files() == before
    assert not list((shop.lake / "runs").glob("release-*"))
    paper.write_text(paper.read_text().replace(",900,", ",90,"))
    with pytest.raises(requeue.StillWrong, match="2 records would be released in place of 1 that are held"):
        requeue.release(shop.lake, orders(shop), FILE, LATER, corrected=paper, records=[2], **checked)
    requeue.release(shop.lake, orders(shop), FILE, LATER, corrected=paper, **checked)
    assert shop.load(LATER)[-1].rows_raw == 2


def test_what_is_hashed_is_looked_at_without_the_key_of_raw(shop):
    personal = "{name: note, data_type: varchar, config: {meta: {class: personal}}}"
    shop.declare(
        DECLARATION.replace("{name: note, data_type: varchar}", personal).replace("{max: 100}", "{max: 1000}")
    )
    checked = {"seen_until": None, "source": shop.sources[0], "time_zone": shop.time_zone}
    with pytest.raises(requeue.StillWrong, match="1 of 2 records would be held again: missing_value"):
        requeue.release(shop.lake, orders(shop), FILE, LATER, **checked)
    requeue.release(shop.lake, orders(shop), FILE, LATER, records=[3], **checked)


def test_a_correction_under_another_header_is_refused_by_the_columns_it_lacks(shop, tmp_path):
    paper = tmp_path / "held.csv"
    paper.write_text(HEADER.replace("amount", "price") + ROWS[0] + "\n")
    with pytest.raises(requeue.StillWrong, match=r"nothing of it would be read: wrong_header .*amount"):
        requeue.release(
            *(shop.lake, orders(shop), FILE, LATER),
            **{"seen_until": None, "source": shop.sources[0], "corrected": paper, "records": [2]},
        )


def test_a_file_set_aside_is_listed_whole_until_it_is_sent_again(shop):
    sixth = date(2017, 1, 6)
    shop.send("order_id\na1\n", sixth)
    shop.load()
    (whole,) = [each for each in requeue.held(shop.lake, shop.sources) if each.delivered_on == sixth]
    assert (whole.reason, whole.whole, whole.first) == ("wrong_header", True, ())
    shop.send(HEADER + ROWS[0] + "\n", sixth)
    shop.load()
    assert {each.delivered_on for each in requeue.held(shop.lake, shop.sources)} == {SENT}


def test_what_retention_took_is_counted_as_no_longer_kept(shop):
    requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None, records=[2])
    retention.expire_quarantine(shop.lake, date(2017, 1, 6))
    (gone,) = requeue.held(shop.lake, shop.sources)
    assert (gone.reason, gone.records, gone.kept) == ("above_maximum, missing_value", 1, False)
    with pytest.raises(requeue.NothingHeld, match="no longer kept"):
        requeue.release(shop.lake, orders(shop), FILE, LATER, seen_until=None)


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("小票_20250330.csv", "小票_20250330"),
        ("north/orders.v2.CSV.GZ", "north/orders.v2"),
        ("orders_2017.01.05", "orders_2017.01.05"),
        ("day.2017/orders", "day.2017/orders"),
    ],
)
def test_a_released_file_has_one_suffix(file, stem):
    assert requeue._without_suffixes(file) == stem


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
    checked = {"seen_until": None, "source": shop.sources[0]}
    with pytest.raises(requeue.StillWrong, match="below_minimum: column price"):
        requeue.release(shop.lake, stock, held.file, LATER, corrected=paper, **checked)
    paper.write_text(paper.read_text().replace("-1.00", "1.25").replace("-1.0", "1.25"))
    requeue.release(shop.lake, stock, held.file, LATER, corrected=paper, **checked)
    shop.load(LATER)
    assert sorted((row["product_id"], str(row["price"])) for row in shop.rows(extract="stock")) == [
        (1, "2.50"),
        (2, "1.25"),
        (3, "1.00"),
    ]
