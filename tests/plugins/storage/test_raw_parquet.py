"""Parquet deliveries: the same promises as of CSV, on columns that have types already."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from raw_shop import DAY, DECLARATION, Shop

NOON = datetime(2017, 1, 4, 12)


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    shop.declare()
    return shop


def send(shop: Shop, **columns: pa.Array) -> bytes:
    path = shop.incoming / "shop" / str(DAY) / "stock.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


def good(count: int = 4) -> dict[str, pa.Array]:
    return {
        "product_id": pa.array(range(1, count + 1), pa.int32()),
        "price": pa.array([Decimal("1.50")] * count, pa.decimal128(9, 2)),
        "counted_at": pa.array([NOON] * count, pa.timestamp("ms")),
    }


def test_values_are_kept_in_their_declared_types(shop):
    send(shop, **good(2))
    (delivery,) = shop.load()
    assert (delivery.rows_in, delivery.rows_raw, delivery.status) == (2, 2, "accepted")
    assert shop.rows(extract="stock")[1] == {
        "product_id": 2,
        "price": Decimal("1.50"),
        "counted_at": NOON,
        "_delivered_on": DAY,
        "_file": "2017-01-05/stock.parquet",
        "_content": delivery.content,
        "_record": 2,
    }
    from storage import raw

    (source,) = shop.sources
    written = next((shop.lake / "raw/shop/stock").rglob("*.parquet"))
    assert pq.read_schema(written).remove_metadata() == raw.raw_schema(source.extracts[1])


def test_a_bad_row_is_in_quarantine_and_the_others_go_on(shop):
    columns = good() | {
        "price": pa.array([Decimal("1"), Decimal("-1"), None, Decimal("2")], pa.decimal128(9, 2))
    }
    send(shop, **columns | {"product_id": pa.array([1, 2, 3, None], pa.int64())})
    (delivery,) = shop.load()
    assert (delivery.rows_in, delivery.rows_raw, delivery.rows_quarantined) == (4, 2, 2)
    assert [row["_record"] for row in shop.rows(extract="stock")] == [1, 3]
    first, second = shop.rows("quarantine", "stock")
    assert (first["record"], first["line"], first["byte_offset"]) == (2, None, None)
    assert (first["reason"], second["reason"]) == ("below_minimum", "missing_value")
    assert json.loads(first["original"])["product_id"] == 2


def test_a_column_of_another_type_sets_the_file_aside(shop):
    send(shop, **good() | {"product_id": pa.array(["1", "2", "3", "4"])})
    (delivery,) = shop.load()
    assert (delivery.status, delivery.reason, delivery.rows_quarantined) == ("set_aside", "wrong_header", 4)
    (row,) = shop.rows("quarantine", "stock")
    assert row["detail"] == "column product_id is VARCHAR, declared is bigint"


def test_a_missing_column_sets_the_file_aside_and_an_added_one_does_not(shop):
    columns = good()
    del columns["price"]
    send(shop, **columns)
    (delivery,) = shop.load()
    assert (delivery.status, delivery.missing_columns, delivery.rows_in) == ("set_aside", "price", 4)
    send(shop, **good(), colour=pa.array(["red"] * 4))
    accepted = next(each for each in shop.load() if each.status == "accepted")
    assert accepted.added_columns == "colour"


def test_an_instant_becomes_the_local_time_of_the_source(shop):
    shop.declare(DECLARATION.replace("time_zone: UTC", "time_zone: Asia/Tokyo"))
    at = datetime(2017, 1, 4, 3, tzinfo=UTC)
    send(shop, **good(1) | {"counted_at": pa.array([at], pa.timestamp("us", "Asia/Shanghai"))})
    shop.load()
    assert shop.rows(extract="stock")[0]["counted_at"] == NOON  # nine hours ahead of UTC


@pytest.mark.parametrize(
    ("keep", "reason"),
    [(slice(0, 0), "empty_file"), (slice(0, -20), "truncated_archive"), (slice(20, None), "corrupt_archive")],
    ids=["empty", "without its end", "without its start"],
)
def test_a_file_that_is_not_whole_is_set_aside(shop, keep, reason):
    content = send(shop, **good())
    (shop.incoming / "shop" / str(DAY) / "stock.parquet").write_bytes(content[keep])
    (delivery,) = shop.load()
    assert (delivery.status, delivery.reason, delivery.rows_in) == ("set_aside", reason, 0)
    assert shop.rows(extract="stock") == []


def test_a_damaged_page_sets_the_file_aside(shop):
    content = send(shop, **good(4))
    damaged = content[:4] + b"\xff" * 60 + content[64:]
    (shop.incoming / "shop" / str(DAY) / "stock.parquet").write_bytes(damaged)
    (delivery,) = shop.load()
    assert (delivery.status, delivery.reason) == ("set_aside", "corrupt_archive")


def test_mostly_unreadable_rows_set_the_file_aside(shop):
    send(shop, **good() | {"price": pa.array([Decimal("-1")] * 3 + [Decimal("1")], pa.decimal128(9, 2))})
    (delivery,) = shop.load()
    assert (delivery.status, delivery.reason, delivery.rows_in) == ("set_aside", "mostly_unreadable", 4)
    assert len(shop.rows("quarantine", "stock")) == 4
