"""What a declaration says, and how it is refused when it says something else."""

from __future__ import annotations

from datetime import date

import pytest
from raw_shop import DECLARATION, Shop

from storage import declaration


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_declaration_says_what_a_source_delivers(shop):
    shop.declare()
    (source,) = shop.sources
    assert (source.name, source.time_zone, source.currency) == ("shop", "UTC", "USD")
    orders, stock = source.extracts
    assert (orders.source, orders.name, orders.format, orders.delimiter, orders.encoding) == (
        ("shop", "orders", "csv", ",", "utf-8")
    )
    assert (orders.key, orders.event_column, orders.load_column) == (("order_id",), "ordered_at", None)
    assert (orders.required, orders.simulated, stock.required, stock.calendar) == (True, False, False, "any")
    amount = orders.columns[3]
    assert (amount.name, amount.kind, amount.required, amount.minimum) == ("amount", "decimal", True, 0)


@pytest.mark.parametrize(
    ("path", "delivered_on"),
    [
        ("orders/orders_2017-01-05.csv.gz", date(2017, 1, 5)),
        ("orders/orders_2017-02-30.csv.gz", None),
        ("orders/orders_20170105.csv.gz", None),
        ("orders/orders_2017-01-05.csv", None),
        ("orders/orders_2017-01-05_csv_gz", None),
        ("orders_2017-01-05.csv.gz", None),
    ],
)
def test_the_day_of_a_delivery_is_read_from_its_name(shop, path, delivered_on):
    shop.declare()
    assert shop.sources[0].extracts[0].delivered_on(path) == delivered_on


def test_the_day_of_a_delivery_may_be_its_folder(shop):
    shop.declare()
    stock = shop.sources[0].extracts[1]
    assert stock.delivered_on("2017-01-05/stock_north.parquet") == date(2017, 1, 5)
    assert stock.delivered_on("2017-01-05/north/stock.parquet") is None


@pytest.mark.parametrize(
    ("calendar", "due"),
    [("daily", [24, 25, 27, 28]), ("weekly:monday", [25]), ("weekly:tuesday", []), ("any", [])],
)
def test_a_delivery_is_due_by_its_calendar_but_for_the_exceptions(shop, calendar, due):
    shop.declare(DECLARATION.replace("calendar: daily", f"calendar: {calendar}"))
    orders = shop.sources[0].extracts[0]
    # 2017-12-26, a Tuesday, is an exception
    assert [day for day in range(24, 29) if orders.is_due(date(2017, 12, day))] == due


WRONG = {
    "an unknown key": (
        "required: true\n            cal",
        "requird: true\n            cal",
        "table orders",
        "requird",
    ),
    "an unknown key of a column": ("{max: 100}", "{maximum: 100}", "column quantity", "maximum"),
    "an unknown key of dbt": ("description: One row", "descripton: One row", "table orders", "descripton"),
    "a time zone that is none": ("time_zone: UTC", "time_zone: Mars/Base", "source shop", "time_zone"),
    "a currency that is none": ("currency: USD", "currency: dollars", "source shop", "currency"),
    "a calendar that is none": ("calendar: daily", "calendar: weekly:mon", "table orders", "calendar"),
    "a day that is none": ("2017-12-26", "2017-12-32", "table orders", "except"),
    "a flag that is none": ("required: true\n", "required: perhaps\n", "table orders", "required"),
    "a key that is no column": ("key: [order_id]", "key: [order]", "table orders", "key"),
    "an event that is no column": (
        "event_column: ordered_at",
        "event_column: at",
        "table orders",
        "event_column",
    ),
    "an event that is no time": (
        "event_column: ordered_at",
        "event_column: note",
        "table orders",
        "event_column",
    ),
    "a type that is none": (
        "data_type: bigint, config: {meta: {max",
        "data_type: int, config: {meta: {max",
        "column quantity",
        "data_type",
    ),
    "a bound of a text": (
        "name: note, data_type: varchar",
        "name: note, data_type: varchar, config: {meta: {min: 1}}",
        "column note",
        "min",
    ),
    "a bound that is no number": ("{max: 100}", "{max: many}", "column quantity", "max"),
    "a column twice": ("name: note", "name: amount", "table orders", "amount"),
    "a column of the loader's": ("name: note", "name: _file", "column _file", "loader"),
    "a key twice": (
        "            required: true\n",
        "            required: true\n            required: false\n",
        "_shop__sources.yml",
        "required",
    ),
    "a path without its day": ("orders_{delivered_on}", "orders", "table orders", "path"),
    "a marker nothing waits for": (
        "required: true\n",
        "required: true\n            marker: _SUCCESS\n",
        "table orders",
        "marker",
    ),
    "a marker that is not named": (
        "required: true\n",
        "required: true\n            complete_when: marker\n",
        "table orders",
        "marker",
    ),
    "a way to be whole that is none": (
        "required: true\n",
        "required: true\n            complete_when: quiet\n",
        "table orders",
        "complete_when",
    ),
    "an archive we cannot open": (".csv.gz", ".csv.7z", "table orders", "path"),
    "an archive of what is compressed already": (
        "stock*.parquet",
        "stock*.parquet.gz",
        "table stock",
        "path",
    ),
    "an option of another format": (
        "required: true\n",
        "required: true\n            sheet: Orders\n",
        "table orders",
        "sheet",
    ),
    "candidates where nothing is detected": (
        "required: true\n",
        "required: true\n            encoding_candidates: [latin-1]\n",
        "table orders",
        "encoding_candidates",
    ),
    "a candidate that would fit any bytes": (
        "required: true\n",
        "required: true\n            encoding: detect\n            encoding_candidates: [utf-16]\n",
        "table orders",
        "encoding_candidates",
    ),
    "a place in a file without places": (
        "quantity, data_type: bigint, config: {meta: {max: 100}}",
        "quantity, data_type: bigint, config: {meta: {max: 100, start: 1, width: 2}}",
        "table orders",
        "column quantity",
    ),
    "a file of places without a place": (
        "required: true\n",
        "required: true\n            format: fixed_width\n",
        "table orders",
        "column order_id",
    ),
    "an encoding whose line ends can be anything": (
        "required: true\n",
        "required: true\n            encoding: utf-7\n",
        "table orders",
        "encoding",
    ),
    "an entity that is none": (
        "required: true\n",
        "required: true\n            fills: [order_line]\n",
        "table orders",
        "fills",
    ),
    "a document that is not in the key": (
        "required: true\n",
        "required: true\n            delivers: documents\n            document: [note]\n",
        "table orders",
        "document",
    ),
    "documents that are not named": (
        "required: true\n",
        "required: true\n            delivers: documents\n",
        "table orders",
        "document",
    ),
    "a record for a key where rows are replaced one by one": (
        "key: [order_id]",
        "key: [_record]",
        "table orders",
        "key",
    ),
    "a load column of a snapshot": (
        "required: true\n",
        "required: true\n            delivers: snapshot\n            load_column: note\n",
        "table orders",
        "load_column",
    ),
    "a class that is none": (
        "name: note, data_type: varchar",
        "name: note, data_type: varchar, config: {meta: {class: secret}}",
        "column note",
        "class",
    ),
    "a personal number that could not be a hash": (
        "data_type: bigint, config: {meta: {max: 100}}",
        "data_type: bigint, config: {meta: {class: personal}}",
        "column quantity",
        "class",
    ),
    "a reason to keep what is not personal": (
        "name: note, data_type: varchar",
        "name: note, data_type: varchar, config: {meta: {keep_personal: why not}}",
        "column note",
        "keep_personal",
    ),
    "another source": ("name: shop", "name: stall", "sources", "shop"),
}


@pytest.mark.parametrize(("right", "wrong", "place", "key"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_declaration_is_refused_with_its_place(shop, right, wrong, place, key):
    assert right in DECLARATION
    shop.declare(DECLARATION.replace(right, wrong, 1))
    with pytest.raises(declaration.DeclarationWrong) as refusal:
        shop.land()
    message = str(refusal.value)
    assert "_shop__sources.yml" in message
    assert place in message
    assert key in message


def test_a_source_without_a_declaration_is_named(shop):
    with pytest.raises(declaration.DeclarationMissing, match=r"source shop .*_shop__sources\.yml"):
        shop.land()


LOCATION = "external_location: 'read_parquet(lake/raw/shop/{name}/delivered_on=*/*.parquet)'"


def test_a_source_dbt_would_not_find_is_refused_with_what_to_write(shop):
    shop.declare()
    with pytest.raises(declaration.DeclarationWrong, match="source shop: external_location") as refused:
        declaration.variables(shop.sources)
    assert 'var(\\"lake_root\\") }}/raw/shop/{name}/delivered_on=*/*.parquet' in str(refused.value)


def test_a_declaration_says_what_its_rows_fill_and_what_a_delivery_replaces(shop):
    shop.declare(
        DECLARATION.replace("currency: USD", f"currency: USD, numbered_ids: true, {LOCATION}")
        .replace("required: true\n", "required: true\n            fills: [orders, order_lines]\n", 1)
        .replace("key: [product_id]", "key: [product_id], fills: [products], delivers: snapshot")
    )
    (source,) = shop.sources
    orders, stock = source.extracts
    assert (orders.fills, orders.delivers, stock.delivers) == (("orders", "order_lines"), "rows", "snapshot")
    assert declaration.variables([source]) == {
        "enabled_sources": ["shop"],
        "numbered_sources": ["shop"],
        "currencies": {"shop": "USD"},
        "mixed_currencies": [],
        "extracts": {"shop": ["orders", "stock"]},
        "fills": {
            "orders": [["shop", "orders"]],
            "order_lines": [["shop", "orders"]],
            "products": [["shop", "stock"]],
        },
        "resent": {"products": ["shop"]},
    }
