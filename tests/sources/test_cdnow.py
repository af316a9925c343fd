"""CDNOW: what its fixed-width file holds, each figure with the rule it is counted by, and a day published."""

from __future__ import annotations

import gzip
import shutil
from datetime import date
from decimal import Decimal

import pytest

from tests.dbt_project.small_shop import FixtureLake, build
from tests.real_data import real_data
from tests.sources.whole_day import WholeDay, take

SETTINGS = """sources: [cdnow]
time_zone: America/New_York
currency: USD
incoming: extracts
resources: {min_free_gib: 0.1}
"""
DAY_AFTER = date(1998, 7, 1)
RULES = (
    "a_later_file_replaces_the_whole_of_the_earlier_one",
    "two_purchases_alike_on_one_day_are_two_orders",
)


# --- by eye ------------------------------------------------------------------------------------------------


def purchase(customer: str, day: str, cds: int, dollars: str) -> dict:
    return {"customer_id": customer, "sold_on": day, "number_of_cds": str(cds), "dollar_value": dollars}


@pytest.fixture(scope="module")
def two_files(tmp_path_factory):
    """The history until June, and the one until July, in which a purchase of May is no longer there."""
    folder = tmp_path_factory.mktemp("two_files")
    lake = FixtureLake(folder / "lake", "cdnow")
    twice = [purchase("00001", "19980102", 1, "11.77")] * 2
    lake.deliver("purchases", "1998-07-01", [*twice, purchase("00001", "19980531", 1, "5.00")], "a")
    lake.deliver("purchases", "1998-08-01", [*twice, purchase("00001", "19980704", 3, "20.00")], "b")
    return build(
        lake, folder / "run", ("1998-07-01", "1998-07-01"), ("1998-08-01", "1998-08-01"), unit_tests=True
    )


def test_every_rule_has_its_unit_test_and_holds(two_files):
    found = two_files.statuses("unit_test")
    assert {rule: found.get(rule) for rule in RULES} == dict.fromkeys(RULES, "pass")


def test_a_history_sent_again_counts_once_and_takes_back_what_it_no_longer_holds(two_files):
    assert two_files.rows("customer_features", "as_of, customer_id, orders_life, net_life") == [
        (date(1998, 7, 1), "00001", 3, Decimal("28.54")),
        (date(1998, 8, 1), "00001", 3, Decimal("43.54")),
    ]


def test_each_purchase_of_two_histories_is_accounted_for(two_files):
    assert two_files.rows("row_account", "file, rows_in, accepted, duplicate, superseded") == [
        ("purchases_1998-07-01.csv", 3, 0, 0, 3),
        ("purchases_1998-08-01.csv", 3, 3, 0, 0),
    ]


# --- the file ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_day(tmp_path_factory) -> WholeDay:
    master = real_data("cdnow/CDNOW_master.txt.gz")
    folder = tmp_path_factory.mktemp("cdnow")
    incoming = folder / "extracts" / "cdnow"
    incoming.mkdir(parents=True)
    shutil.copyfile(master, incoming / "CDNOW_master_1998-07-01.txt.gz")
    (folder / "segmentation.yml").write_text(SETTINGS)
    return take(folder / "segmentation.yml", DAY_AFTER)


RAW = "raw.raw_cdnow__purchases"
LINES = "staging.stg_cdnow__order_lines"


@pytest.mark.slow
def test_the_file_holds_what_is_known_of_it(whole_day):
    """As sent: rows, customers, purchases of no value, rows alike to the last column beyond the first."""
    alike = "count(*) - count(distinct (customer_id, sold_on, number_of_cds, dollar_value))"
    assert whole_day.one(f"""
        select
            count(*), count(distinct customer_id),
            count(*) filter (where cast(dollar_value as decimal(18, 2)) = 0), {alike}
        from {RAW}
    """) == (69_659, 23_570, 80, 255)


@pytest.mark.slow
def test_every_purchase_as_sent_is_one_in_staging_to_the_cent(whole_day):
    assert whole_day.one(f"""
        select
            count(*), count(distinct order_id), sum(net_amount), sum(quantity),
            min(ordered_on), max(ordered_on)
        from {LINES}
    """) == (
        69_659,
        69_659,
        Decimal("2500315.63"),
        Decimal("167881.000"),
        date(1997, 1, 1),
        date(1998, 6, 30),
    )
    assert whole_day.one("select sum(rows_in), sum(accepted) from '{features}/row_account.parquet'") == (
        69_659,
        69_659,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counted", "purchases", "of", "expected"),
    [
        ("every purchase", "count(*)", "true", (23_570, 11_662, 49.5)),
        ("those of some value", "count(*)", "net_amount > 0", (23_502, 11_659, 49.6)),
        ("distinct days", "count(distinct ordered_on)", "true", (23_570, 11_516, 48.9)),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) and value[0] in "etd" else "",
)
def test_repeat_buyers_by_each_rule_of_the_literature(whole_day, counted, purchases, of, expected):
    buyers, repeat = whole_day.one(f"""
        select count(*), count(*) filter (where purchases > 1)
        from (select customer_id, {purchases} as purchases from {LINES} where {of} group by customer_id)
    """)
    assert (buyers, repeat, round(100 * repeat / buyers, 1)) == expected, counted


@pytest.mark.slow
def test_published_repeat_buyers_have_two_orders_of_some_value(whole_day):
    buyers, repeat = whole_day.one("""
        select count(*) filter (where orders_life > 0), count(*) filter (where orders_life > 1)
        from '{tables}/customer_360.parquet'
    """)
    assert (buyers, repeat, round(100 * repeat / buyers, 1)) == (23_502, 11_659, 49.6)


@pytest.mark.slow
def test_what_the_file_does_not_tell_is_null_and_coverage_says_so(whole_day):
    assert whole_day.one("""
        select
            count(list_w), count(top_category), count(margin_w), count(return_amount_w),
            max(purchase_coverage)
        from '{features}/customer_features.parquet' where orders_w > 0
    """) == (0, 0, 0, 0, 0.7419)  # the 23 columns of 31 that orders alone tell


@pytest.mark.slow
def test_every_purchase_of_the_tenth_of_the_sample_is_in_the_master(whole_day):
    """The sample carries its own numbers beside the master's, whose rows it repeats."""
    sample = [each.split() for each in real_data("cdnow/CDNOW_sample.txt").read_text().splitlines()]
    master = real_data("cdnow/CDNOW_master.txt.gz")
    rows = [each.split() for each in gzip.decompress(master.read_bytes()).decode("ascii").splitlines()[1:]]
    numbers = {each[0] for each in sample}
    assert (len(sample), len(numbers)) == (6_919, 2_357)
    of_sample = sorted((customer, *rest) for customer, _, *rest in sample)
    assert of_sample == sorted(tuple(each) for each in rows if each[0] in numbers)


@pytest.mark.slow
def test_every_gate_of_the_day_passes(whole_day):
    assert whole_day.broken() == []
