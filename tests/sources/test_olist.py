"""Olist: what its dumps hold, each figure with the rule it is counted by, and a day of it published.

Counts are of staging, as known on the day of the newest dump; where a file's rows are counted as sent, the
name of the figure says so.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import duckdb
import pytest

from pipeline import steps
from pipeline.run import Run
from pipeline.settings import load
from storage import published
from storage.lake import Day
from tests.dbt_project.small_shop import FixtureLake, build
from tests.real_data import real_data

SETTINGS = """sources: [olist]
time_zone: America/Sao_Paulo
currency: BRL
resources: {min_free_gib: 0.1}
"""
OLDER, DUMP = date(2018, 10, 30), date(2018, 11, 1)
RULES = {
    "a_category_is_named_in_english_or_stays_portuguese_when_nobody_translated_it",
    "a_comment_is_its_title_and_message_and_keeps_its_line_breaks",
    "a_dump_counts_in_every_stretch_until_it_is_replaced",
    "a_line_is_one_unit_at_its_price_without_freight",
    "a_payment_that_is_not_defined_has_no_method",
    "a_person_lives_where_the_latest_order_went_and_of_one_instant_the_greatest_order_says",
    "a_review_is_dated_when_it_was_answered_and_one_about_two_orders_is_two_rows",
    "a_stretch_begins_with_any_dump_and_ends_with_the_next",
    "an_approved_payment_is_paid_until_the_parcel_leaves_and_what_cannot_be_sent_is_cancelled",
    "an_id_any_file_knows_is_counted_once_and_the_method_is_the_one_with_most_of_the_money",
    "an_order_is_the_persons_and_stays_without_items_with_no_amount",
}


# --- by eye ------------------------------------------------------------------------------------------------


def order(order_id: str, record: str, status: str, at: str) -> dict:
    return {
        "order_id": order_id,
        "customer_id": record,
        "order_status": status,
        "order_purchase_timestamp": at,
    }


def item(order_id: str, number: int, price: str) -> dict:
    return {
        "order_id": order_id,
        "order_item_id": str(number),
        "product_id": "cup",
        "price": price,
        "freight_value": "5.00",
    }


@pytest.fixture(scope="module")
def two_dumps(tmp_path_factory):
    """Ana buys in August and, in the second dump, again in November; Eva's order is only in the first."""
    lake = FixtureLake(tmp_path_factory.mktemp("lake"), "olist")
    people = [
        {"customer_id": "r1", "customer_unique_id": "ana", "customer_city": "franca", "customer_state": "SP"},
        {"customer_id": "r2", "customer_unique_id": "eva", "customer_city": "natal", "customer_state": "RN"},
    ]
    moved = {
        "customer_id": "r3",
        "customer_unique_id": "ana",
        "customer_city": "natal",
        "customer_state": "RN",
    }
    ana, eva = "2018-08-30 21:00:00", "2018-08-31 23:59:59"
    lake.deliver("customers", "2018-11-01", people, "a")
    lake.deliver(
        "orders", "2018-11-01", [order("A", "r1", "shipped", ana), order("B", "r2", "delivered", eva)], "b"
    )
    lake.deliver("order_items", "2018-11-01", [item("A", 1, "10.00"), item("B", 1, "7.00")], "c")
    review = {
        "review_id": "r",
        "order_id": "A",
        "review_score": "4",
        "review_creation_date": "2018-08-31 00:00:00",
        "review_answer_timestamp": "2018-09-01 00:10:00",
    }
    lake.deliver("order_reviews", "2018-11-01", [review], "d")
    lake.deliver("customers", "2018-12-01", [people[0], moved], "e")
    again = [order("A", "r1", "canceled", ana), order("C", "r3", "delivered", "2018-11-20 08:00:00")]
    lake.deliver("orders", "2018-12-01", again, "f")
    lake.deliver(
        "order_items", "2018-12-01", [item("A", 1, "10.00"), item("C", 1, "3.00"), item("C", 2, "3.00")], "g"
    )
    days = [("2018-09-01", "2018-11-01"), ("2018-12-01", "2018-12-01")]
    return build(lake, tmp_path_factory.mktemp("run"), *days, zone="America/Sao_Paulo", unit_tests=True)


def test_every_rule_has_its_unit_test_and_holds(two_dumps):
    found = two_dumps.statuses("unit_test")
    assert {name: found.get(name) for name in RULES} == dict.fromkeys(RULES, "pass")


def test_a_day_sees_the_dump_that_was_there_and_a_later_one_replaces_it_whole(two_dumps):
    rows = two_dumps.rows("customer_features", "as_of, customer_id, orders_life, net_life, reviews_365d")
    assert rows == [
        (date(2018, 9, 1), "ana", 1, Decimal("10.00"), 0),  # answered after midnight
        (date(2018, 9, 1), "eva", 1, Decimal("7.00"), 0),
        (date(2018, 12, 1), "ana", 1, Decimal("6.00"), 1),  # the first order was cancelled, Eva is in no dump
    ]


def test_rows_of_a_replaced_dump_are_accounted_for_as_superseded(two_dumps):
    account = two_dumps.rows("row_account", "extract, delivered_on, rows_in, accepted, superseded")
    first, second = date(2018, 11, 1), date(2018, 12, 1)
    assert account == [
        ("customers", first, 2, 0, 2),
        ("customers", second, 2, 2, 0),
        ("order_items", first, 2, 0, 2),
        ("order_items", second, 3, 3, 0),
        ("order_reviews", first, 1, 1, 0),
        ("orders", first, 2, 0, 2),
        ("orders", second, 2, 2, 0),
    ]


# --- the real files ----------------------------------------------------------------------------------------


def lay_out(incoming: Path) -> None:
    """Put the dumps where an engineer drops them: in a folder named by the day of delivery.

    The older release of the reviews, in which comments keep their line breaks, came two days before.
    """
    for folder, day in (("olist_multiline", OLDER), ("olist", DUMP)):
        place = incoming / "olist" / day.isoformat()
        place.mkdir(parents=True)
        for file in real_data(folder).iterdir():
            if "sellers" not in file.name:
                shutil.copyfile(file, place / file.name)


@dataclass
class BackfilledDay:
    """1 September 2018 as it is known with the dump of 1 November, up to its features."""

    run: Run
    engine: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple]:
        """The answer to a query over the staging models, by the last part of their names."""
        return self.engine.execute(query).fetchall()

    def one(self, query: str):
        """The answer when it is one row: its value, or its values."""
        (row,) = self.rows(query)
        return row if len(row) > 1 else row[0]

    @cached_property
    def tables(self) -> Path:
        """The folder of the published tables, once the day went all the way."""
        for step in steps.STEPS[BUILT:]:
            steps.take(self.run, step)
        return published.version_of(self.run.lake, self.run.day)


BUILT = steps.STEPS.index("build_features") + 1


@pytest.fixture(scope="module")
def olist(tmp_path_factory) -> Iterator[BackfilledDay]:
    """The real dumps, landed, loaded and staged. `<model>_versions` has the replaced rows too."""
    real_data("olist_multiline")
    folder = tmp_path_factory.mktemp("olist")
    lay_out(folder / "extracts")
    (folder / "segmentation.yml").write_text(SETTINGS)
    run = Run(load(folder / "segmentation.yml"), Day.of(date(2018, 9, 1), DUMP), "test__2018-09-01")
    for step in steps.STEPS[:BUILT]:
        steps.take(run, step)
    # publishing drops the run's own file; its views name that file as the database "run"
    shutil.copyfile(run.folder / "run.duckdb", folder / "staged.duckdb")
    shutil.copyfile(run.folder / "features" / "row_account.parquet", folder / "row_account.parquet")
    with duckdb.connect() as engine:
        engine.execute(f"attach '{folder / 'staged.duckdb'}' as run (read_only)")
        staged = engine.execute(
            "select table_name from information_schema.tables where starts_with(table_name, 'stg_olist__')"
        ).fetchall()
        for (model,) in staged:
            name = model.removeprefix("stg_olist__")
            engine.execute(f"create view {name}_versions as from run.staging.{model}")
            engine.execute(
                f"create view {name} as from run.staging.{model} where known_until_on = date '9999-12-31'"
            )
        engine.execute(f"create view account as from '{folder / 'row_account.parquet'}'")
        yield BackfilledDay(run, engine)


REPEAT = (
    "select count(*) filter (where orders >= 2), count(*), "
    "round(cast(100.0 * count(*) filter (where orders >= 2) / count(*) as double), 2) "
    "from (select customer_id, count(*) as orders from orders where {which} group by customer_id)"
)
REVIEWED = "from order_reviews inner join purchases using (order_id, known_from_on, known_until_on)"
# what is counted, and how -> query, figure
FACTS = {
    "orders: rows of orders": ("select count(*) from orders", 99441),
    "items: rows of order lines": ("select count(*) from order_lines", 112650),
    "payments: rows": ("select count(*) from order_payments", 103886),
    "customer records: different customer_id": (
        "select count(distinct customer_record_id) from customer_records",
        99441,
    ),
    "persons: different customer_unique_id": (
        "select count(*), count(distinct customer_id) from customers",
        (96096, 96096),
    ),
    "products: rows": ("select count(*) from products", 32951),
    "reviews: rows of the file as sent": (
        f"select rows_in from account where extract = 'order_reviews' and delivered_on = date '{DUMP}'",
        98410,
    ),
    "reviews: rows with both dates, each its own item of feedback": (
        "select count(*), count(distinct feedback_id), count(customer_id) from feedback",
        (94540, 94540, 94540),
    ),
    "orders without items: no row in items, any status": (
        "select count(*) from order_totals where is_in_orders and lines = 0",
        775,
    ),
    "orders without items: they stay, without money": (
        "select count(*) filter (where net_amount is null and shipping_fee is null), count(net_amount) "
        "from orders",
        (775, 98666),
    ),
    "orders without payment: no row in payments, any status": (
        "select count(*) from order_totals where is_in_orders and payments = 0",
        1,
    ),
    "payments: not_defined, and so without a method": (
        "select count(*) from order_payments where payment_method is null",
        3,
    ),
    "orphans: ids in items, payments or reviews that orders does not hold": (
        "select count(*) from order_totals where not is_in_orders",
        0,
    ),
    "orphans: orders whose customer record does not exist": (
        "select count(*) from orders where customer_id is null",
        0,
    ),
    "delivered without a date: status delivered, no order_delivered_customer_date": (
        "select count(*) from purchases where status = 'delivered' and delivered_at is null",
        8,
    ),
    "reviews older than the purchase: review_creation_date, a midnight, before the instant": (
        f"select count(*) {REVIEWED} where asked_at < ordered_at",
        45,
    ),
    "reviews older than the purchase: review_creation_date on a day before the purchase's": (
        f"select count(*) {REVIEWED} where cast(asked_at as date) < cast(ordered_at as date)",
        38,
    ),
    "payments differ: by more than 0.05 from items + freight, of orders with both": (
        "select count(*) filter (where abs(paid_beyond_amount) > 0.05), count(paid_beyond_amount) "
        "from order_totals",
        (260, 98665),
    ),
    "persons in two or more states: by the records of all their orders": (
        "select count(*) from "
        "(select 1 from customer_records group by customer_id having count(distinct state) > 1)",
        39,
    ),
    "months without orders: by the local day of the purchase, 2016-10, -11, -12": (
        "select count(*) filter (where strftime(ordered_on, '%Y-%m') = '2016-10'), "
        "count(*) filter (where strftime(ordered_on, '%Y-%m') = '2016-11'), "
        "count(*) filter (where strftime(ordered_on, '%Y-%m') = '2016-12') from orders",
        (324, 0, 1),
    ),
    "postcodes: not five digits, beginning with 0": (
        "select count(*) filter (where not regexp_full_match(zip_code_prefix, '[0-9]{5}')), "
        "count(*) filter (where zip_code_prefix like '0%') from customer_records",
        (0, 23995),
    ),
    "categories: translated, one to one, the first one behind the byte-order mark among them": (
        "select count(*), count(distinct category_pt), count(distinct category_en) from category_names",
        (71, 71, 71),
    ),
    "products: without a category, in one nobody translated": (
        "select count(*) filter (where category_pt is null), count(*) filter (where category_pt is not null "
        "and category_pt not in (select category_pt from category_names)) from product_records",
        (610, 13),
    ),
    "money: goods and freight of all orders, of order lines": (
        "select sum(net_amount), sum(shipping_fee), (select sum(net_amount) from order_lines) from orders",
        (Decimal("13591643.70"), Decimal("2251909.54"), Decimal("13591643.70")),
    ),
    "repeat buyers: persons with 2 or more rows in orders, any status, of persons with one": (
        REPEAT.format(which="true"),
        (2997, 96096, 3.12),
    ),
    "repeat buyers: the same of orders delivered or shipped": (
        REPEAT.format(which="status in ('delivered', 'shipped')"),
        (2861, 94399, 3.03),
    ),
    "repeat buyers: by customer_id as sent, one record an order, nobody comes back": (
        "select max(orders) from (select count(*) as orders from purchases group by customer_record_id)",
        1,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("query", "expected"), FACTS.values(), ids=FACTS.keys())
def test_the_files_hold_what_is_known_of_them(olist, query, expected):
    assert olist.one(query) == expected


@pytest.mark.slow
def test_every_status_is_read_as_one_of_the_contracts(olist):
    found = olist.rows("select order_status, status, count(*) from purchases group by all order by all")
    assert found == [
        ("approved", "paid", 2),
        ("canceled", "cancelled", 625),
        ("created", "created", 5),
        ("delivered", "delivered", 96478),
        ("invoiced", "paid", 314),
        ("processing", "paid", 301),
        ("shipped", "shipped", 1107),
        ("unavailable", "cancelled", 609),
    ]
    # what is read as paid was: the payment of each is approved, and of no created one
    approved = olist.one(
        "select count(*) filter (where status = 'paid' and paid_at is null), "
        "count(*) filter (where status = 'created' and paid_at is not null) from orders"
    )
    assert approved == (0, 0)


@pytest.mark.slow
def test_a_comment_cut_at_its_line_break_has_no_date_and_waits_in_quarantine(olist):
    files = f"read_parquet('{olist.run.lake}/quarantine/olist/*/*/*.parquet', hive_partitioning = false)"
    kept = "extract, reason, detail like '%review_creation_date%', count(*), count(original), count(line)"
    waiting = olist.rows(f"select {kept} from {files} group by all")
    assert waiting == [("order_reviews", "missing_value", True, 3870, 3870, 3870)]


@pytest.mark.slow
def test_the_older_release_keeps_its_line_breaks_and_is_known_until_the_newer_one_comes(olist):
    older = f"known_from_on = date '{OLDER}' and known_until_on = date '{DUMP}'"
    broken = "count(*) filter (where contains(comment_text, chr(13) || chr(10)))"
    # 8,191 reviews: 28 of them are about two orders or more, so the key is review and order
    assert olist.one(
        f"select count(*), {broken}, count(distinct review_id) from order_reviews_versions where {older}"
    ) == (8225, 436, 8191)
    assert olist.one(f"select count(*), {broken} from order_reviews") == (94540, 0)


@pytest.mark.slow
def test_every_row_that_was_sent_is_accounted_for(olist):
    sums = "sum(rows_in), sum(accepted), sum(duplicate), sum(superseded), sum(anonymous), sum(quarantined)"
    assert olist.one(f"select {sums} from account") == (555075, 542980, 0, 8225, 0, 3870)


@pytest.mark.slow
def test_a_day_passes_every_gate_and_publishes_the_repeat_rate_of_valid_orders(olist):
    results, customers = (f"'{olist.tables}/{name}.parquet'" for name in ("quality_results", "customer_360"))
    assert olist.rows(f"select promise from {results} where strength = 'break' and not passed") == []
    # until the day before as_of, and valid: paid, shipped or delivered, and its items cost something
    valid = (
        "select customer_id, count(distinct order_id) as orders from order_lines "
        "where status in ('paid', 'shipped', 'delivered') and ordered_on < date '2018-09-01' "
        "group by customer_id"
    )
    counted = "count(*) filter (where orders >= 2), count(*)"
    expected = (2886, 94983)  # 3.04 %
    assert olist.one(f"select {counted} from ({valid})") == expected
    assert (
        olist.one(
            f"select {counted} from (select orders_life as orders from {customers} where orders_life > 0)"
        )
        == expected
    )
    assert olist.one(f"select count(*), sum(net_life) from {customers}") == (96094, Decimal("13494255.74"))


@pytest.mark.slow
def test_reviews_reach_the_customers_who_wrote_them(olist):
    until = "created_on < date '2018-09-01' and created_on >= date '2017-09-01'"
    written = olist.one(f"select count(*), count(distinct customer_id) from feedback where {until}")
    customers = f"'{olist.tables}/customer_360.parquet'"
    told = f"select sum(reviews_365d), count(rating_mean_365d) from {customers}"
    assert tuple(map(int, olist.one(told))) == written == (73727, 71882)
