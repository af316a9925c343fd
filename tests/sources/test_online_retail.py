"""Online Retail: what its 305 files hold, each figure with the rule it is counted by, and a day published.

The lines have no number. Counts "as sent" are of the rows of raw; in staging a line that stands in its
invoice twice, alike to the last column, counts once.
"""

from __future__ import annotations

import hashlib
import tarfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.dbt_project.small_shop import FixtureLake, build
from tests.real_data import real_data
from tests.sources.whole_day import WholeDay, take

FOLDER = "by_day_2010_2011"
SETTINGS = """sources: [online_retail]
time_zone: Europe/London
currency: GBP
resources: {min_free_gib: 0.1}
"""
LAST = date(2011, 12, 10)
RULES = {
    "a_cancellation_is_a_return_above_zero_and_a_write_off_is_none",
    "a_code_that_is_no_article_comes_first_then_the_c_of_a_cancellation_then_the_sign",
    "a_product_keeps_the_name_of_its_first_priced_sale_and_a_note_of_the_staff_is_no_name",
    "a_purchase_is_an_order_line_and_a_line_without_a_customer_stays_one",
    "an_invoice_that_comes_again_replaces_itself_and_a_line_alike_to_the_last_column_counts_once",
}


# --- by eye ------------------------------------------------------------------------------------------------


def line(
    invoice: str, code: str, quantity: int, price: str, customer: str = "17850.0", day: str = "01"
) -> dict:
    return {
        "InvoiceNo": invoice,
        "StockCode": code,
        "Description": "HEART",
        "Quantity": str(quantity),
        "InvoiceDate": f"2010-12-{day} 08:26:00",
        "UnitPrice": price,
        "CustomerID": customer,
        "Country": "United Kingdom",
    }


FIRST_DAY = [
    line("536365", "85123A", 6, "2.55"),
    line("536365", "85123A", 6, "2.55"),  # alike to the last column
    line("536366", "22633", 6, "1.85"),
    line("536367", "22633", 1, "1.85", customer=""),
]


@pytest.fixture(scope="module")
def resent(tmp_path_factory):
    """The first day; then a file that overlaps it and corrects one of its invoices; seen before and after."""
    folder = tmp_path_factory.mktemp("resent")
    lake = FixtureLake(folder / "lake", "online_retail")
    lake.deliver("invoice_lines", "2010-12-02", FIRST_DAY, "a")
    corrected = line("536366", "22633", 2, "1.85")
    again = [*FIRST_DAY[:2], corrected, FIRST_DAY[3], line("536500", "22633", 1, "1.85", day="02")]
    lake.deliver("invoice_lines", "2010-12-03", again, "b")
    days = [("2010-12-02", "2010-12-02"), ("2010-12-03", "2010-12-03")]
    return build(lake, folder / "run", *days, zone="Europe/London", unit_tests=True)


def test_every_rule_has_its_unit_test_and_holds(resent):
    found = resent.statuses("unit_test")
    assert {rule: found.get(rule) for rule in RULES} == dict.fromkeys(RULES, "pass")


def test_an_overlap_counts_once_and_a_correction_from_its_own_delivery_on(resent):
    assert resent.rows("customer_features", "as_of, customer_id, orders_life, net_life") == [
        (date(2010, 12, 2), "17850", 2, Decimal("26.40")),  # 6 × 2.55 + 6 × 1.85
        (date(2010, 12, 3), "17850", 3, Decimal("20.85")),  # 6 × 2.55 + 2 × 1.85 + 1.85
    ]


def test_each_line_of_an_overlap_is_accounted_for(resent):
    columns = "file, rows_in, accepted, duplicate, superseded, anonymous, quarantined"
    assert resent.rows("row_account", columns) == [
        ("invoice_lines_2010-12-02.csv", 4, 0, 1, 3, 0, 0),
        ("invoice_lines_2010-12-03.csv", 5, 3, 1, 0, 1, 0),
    ]


# --- the files ---------------------------------------------------------------------------------------------


def unpack(incoming: Path) -> Path:
    """The 305 files below `incoming`, and settings beside it."""
    folder = incoming / "online_retail"
    folder.mkdir(parents=True)
    with tarfile.open(real_data("online_retail/by_day_2010_2011.tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    assert len(list((folder / FOLDER).glob("*.csv"))) == 305
    settings = incoming.parent / "segmentation.yml"
    settings.write_text(SETTINGS + f"incoming: {incoming.name}\n")
    return settings


@pytest.fixture(scope="module")
def whole_day(tmp_path_factory) -> WholeDay:
    return take(unpack(tmp_path_factory.mktemp("online_retail") / "extracts"), LAST)


RAW = "raw.raw_online_retail__invoice_lines"
LINES = "staging.stg_online_retail__lines"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counted", "of", "expected"),
    [
        ("every line as sent", "true", 541_909),
        ("lines of an invoice C…", "starts_with(InvoiceNo, 'C')", 9_288),
        (
            "lines below zero without a C",
            "cast(Quantity as int) < 0 and not starts_with(InvoiceNo, 'C')",
            1_336,
        ),
        ("prices of zero", "cast(UnitPrice as double) = 0", 2_515),
        ("prices below zero", "cast(UnitPrice as double) < 0", 2),
        (
            "prices below zero outside an invoice A…",
            "cast(UnitPrice as double) < 0 and left(InvoiceNo, 1) <> 'A'",
            0,
        ),
        ("lines without a customer", "nullif(trim(CustomerID), '') is null", 135_080),
        ("customers not written as 17850.0", "not regexp_full_match(CustomerID, '[0-9]{{5}}\\.0|')", 0),
        ("quantities of 80,995 and their like", "abs(cast(Quantity as int)) = 80995", 2),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value and "(" not in value else "",
)
def test_the_files_hold_what_is_known_of_them(whole_day, counted, of, expected):
    assert whole_day.one(f"select count(*) from {RAW} where {of}") == expected, counted


@pytest.mark.slow
def test_the_lines_without_a_customer_are_24_9_percent_and_are_counted_and_set_aside(whole_day):
    rows_in, anonymous, duplicate, others = whole_day.one("""
        select sum(rows_in), sum(anonymous), sum(duplicate), sum(superseded + quarantined)
        from '{features}/row_account.parquet'
    """)
    assert (rows_in, duplicate, others) == (541_909, 5_268, 0)
    assert round(100 * 135_080 / 541_909, 1) == 24.9
    assert anonymous == 135_037  # 43 of the 135,080 are second copies
    assert (
        whole_day.one("select count(*) from '{features}/customer_features.parquet' where customer_id is null")
        == 0
    )


@pytest.mark.slow
def test_a_line_alike_to_the_last_column_counts_once(whole_day):
    assert whole_day.one(f"select count(*), count(distinct (invoice_id, line_id)) from {LINES}") == (
        541_909 - 5_268,
        541_909 - 5_268,
    )


@pytest.mark.slow
def test_every_line_is_a_purchase_a_return_an_adjustment_or_no_product(whole_day):
    kinds = whole_day.one(f"select histogram(line_kind) from {LINES}")
    assert kinds == {"purchase": 523_731, "return": 8_668, "adjustment": 1_336, "not_product": 2_906}
    assert sum(kinds.values()) == whole_day.one(
        "select sum(accepted + anonymous) from '{features}/row_account.parquet'"
    )
    assert whole_day.one("select count(*) from staging.stg_order_lines") == kinds["purchase"]
    assert whole_day.one("select count(*) from staging.stg_returns") == kinds["return"]


@pytest.mark.slow
def test_cancellations_in_staging_are_those_sent_less_37_second_copies(whole_day):
    assert whole_day.one(f"""
        select
            count(*) filter (where is_cancelled),
            count(*) filter (where line_kind = 'return'),
            count(*) filter (where is_cancelled and line_kind = 'not_product')
        from {LINES}
    """) == (9_288 - 37, 8_668, 583)


@pytest.mark.slow
def test_a_write_off_has_no_customer_and_no_money(whole_day):
    assert whole_day.one(f"""
        select count(*), count(customer_id), sum(amount), sum(quantity) from {LINES}
        where line_kind = 'adjustment'
    """) == (1_336, 0, Decimal("0.00"), Decimal("-206957.000"))


@pytest.mark.slow
def test_money_by_kind_adds_up_to_what_was_sent_less_second_copies(whole_day):
    kinds = whole_day.one(f"""
        select map_from_entries(list((line_kind, amount) order by line_kind))
        from (select line_kind, sum(amount) as amount from {LINES} group by line_kind)
    """)
    assert kinds == {
        "adjustment": Decimal("0.00"),
        "not_product": Decimal("-45997.02"),
        "purchase": Decimal("10247905.13"),
        "return": Decimal("-475901.16"),
    }
    amount = "cast(cast(Quantity as int) * cast(UnitPrice as decimal(18, 3)) as decimal(18, 2))"
    sent = whole_day.one(f"select sum({amount}) from {RAW}")
    assert (sent, sum(kinds.values())) == (Decimal("9747747.93"), Decimal("9726006.95"))


@pytest.mark.slow
def test_published_reconciliation_explains_every_line_and_penny_sent(whole_day):
    layers = whole_day.one("""
        select map_from_entries(list((layer, struct_pack(lines := rows, pounds := amount))))
        from (
            select layer, sum(rows) as rows, sum(amount) as amount from '{tables}/reconciliation.parquet'
            where source = 'online_retail' group by layer
        )
    """)
    found = {layer: (sums["lines"], sums["pounds"]) for layer, sums in layers.items()}
    sent = found.pop("raw")
    assert sent == (541_909, Decimal("9747747.93"))
    assert tuple(map(sum, zip(*found.values(), strict=True))) == sent
    assert found["duplicate"] == (5_268, Decimal("21740.98"))
    assert found["returns"] == (8_668, Decimal("-475901.16"))
    assert found["left_out"] == (2_906 + 1_336, Decimal("-45997.02"))


@pytest.mark.slow
def test_every_code_that_is_no_article_is_in_the_dictionary(whole_day):
    assert whole_day.one(f"select count(*) filter (where not is_listed) from {LINES}") == 0


@pytest.mark.slow
def test_descriptions_keep_their_pound_sign_and_lose_their_trailing_blanks(whole_day):
    assert whole_day.one(f"""
        select
            count(*) filter (where description like '%£%') > 0,
            count(*) filter (where description <> trim(description))
        from {LINES}
    """) == (True, 0)
    assert whole_day.one(f"select count(*) from {RAW} where Description <> trim(Description)") == 113_452


@pytest.mark.slow
def test_repeat_buyers_of_the_literature_count_postage_and_zero_prices(whole_day):
    """2+ invoices with a quantity above zero and a known customer, whatever the code and price: 65.6 %."""
    buyers, repeat = whole_day.one(f"""
        select count(*), count(*) filter (where invoices > 1)
        from (
            select customer_id, count(distinct invoice_id) as invoices from {LINES}
            where quantity > 0 and customer_id is not null group by customer_id
        )
    """)
    assert (buyers, repeat, round(100 * repeat / buyers, 1)) == (4_339, 2_845, 65.6)


@pytest.mark.slow
def test_published_repeat_buyers_have_two_valid_orders(whole_day):
    """Orders of articles with net above zero: 5 customers fewer buy, 16 fewer come back: 65.3 %."""
    buyers, repeat = whole_day.one("""
        select count(*) filter (where orders_life > 0), count(*) filter (where orders_life > 1)
        from '{tables}/customer_360.parquet'
    """)
    assert (buyers, repeat, round(100 * repeat / buyers, 1)) == (4_334, 2_829, 65.3)


@pytest.mark.slow
def test_every_gate_of_the_last_day_passes(whole_day):
    assert whole_day.broken() == []


@pytest.mark.slow
def test_days_in_any_order_give_the_same_bytes(tmp_path):
    days = [date(2011, 3, 1), date(2011, 3, 2), date(2011, 3, 3), date(2011, 3, 4)]
    digests = []
    for name, order in (("in_order", days), ("shuffled", [days[n] for n in (2, 0, 3, 1)])):
        settings = unpack(tmp_path / name / "extracts")
        digests.append(
            {
                (as_of, file.name): hashlib.sha256(file.read_bytes()).hexdigest()
                for as_of in order
                for file in take(settings, as_of).tables.rglob("*.parquet")
            }
        )
    assert len(digests[0]) > 40
    assert digests[0] == digests[1]
