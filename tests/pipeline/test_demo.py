"""The demo's extract files: whole, equal every time, and nothing in them that was not asked for."""

import csv
import gzip
import io
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipeline import demo, simulated_feedback
from pipeline.demo import PERIOD, DemoDataMissing, write_extracts

# household, store, basket, product, quantity, sales, retail, coupon, match, week, instant (UTC)
SALES = [
    (1, 330, 100, 9, 1, 0.5, 0.0, 0.0, 0.0, 1, "2017-01-01 15:00:00"),
    (1, 330, 100, 8, 2, 1.1, 0.1, 0.0, 0.0, 1, "2017-01-01 15:00:00"),
    # 03:30 UTC on the 3rd is still the evening of the 2nd in New York.
    (2, 406, 101, 9, 1, 1.776357e-15, 0.25, 0.0, 0.0, 1, "2017-01-03 03:30:00"),
    (2, 406, 102, 7, 0, 10.29, 0.0, 1.0, 0.5, 1, "2017-01-05 12:00:00"),
]


def write_wheel(folder: Path, sales: list[tuple]) -> Path:
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            """create table transactions (
                household_id bigint, store_id bigint, basket_id bigint, product_id bigint, quantity bigint,
                sales_value double, retail_disc double, coupon_disc double, coupon_match_disc double,
                week bigint, transaction_timestamp timestamp
            )"""
        )
        connection.execute(f"insert into transactions values {', '.join(map(str, sales))}")
        tables = {
            "transactions": "from transactions",
            "products": """select 7::bigint as product_id, 2::bigint as manufacturer_id,
                'GROCERY' as department, 'National' as brand, 'ICE, CRUSHED' as product_category,
                null::varchar as product_type, '22 LB' as package_size, 'x' as secret""",
            "demographics": """select 2::bigint as household_id, '65+' as age, '35-49K' as income,
                null::varchar as home_ownership, 'Married' as marital_status, '2' as household_size,
                '2 Adults No Kids' as household_comp, '0' as kids_count""",
            "campaign_descriptions": """from (values
                (24, 'Type A', timestamp '2016-11-14', timestamp '2017-01-16'),
                (1, 'Type B', timestamp '2017-03-03', timestamp '2017-04-09'))
                v(campaign_id, campaign_type, start_date, end_date)""",
            "campaigns": "from (values (1, 2), (24, 1), (24, 2)) v(campaign_id, household_id)",
            "coupon_redemptions": """from (values
                (1, 51, 24, timestamp '2017-01-01'),
                (2, 51, 24, timestamp '2017-01-08'),
                (2, 52, 24, timestamp '2017-01-09'))
                v(household_id, coupon_upc, campaign_id, redemption_date)""",
        }
        for table, query in tables.items():
            connection.execute(f"copy ({query}) to '{folder}/{table}.parquet' (format parquet)")
    return folder


def shop(count: int) -> list[tuple]:
    """Four baskets a day for ``count`` days, one line each, by 720 households that come every 180 days."""
    start = datetime(2017, 1, 1, 16)
    return [
        (1 + number % 720, 330, 1000 + number, 9, 4, 7.97, 0.0, 0.0, 0.0, 1, str(at))
        for number in range(4 * count)
        for at in [start + timedelta(days=number // 4)]
    ]


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return write_wheel(tmp_path / "wheel", SALES)


def test_the_same_wheel_gives_the_same_bytes(tmp_path: Path, wheel: Path):
    backwards = write_wheel(tmp_path / "backwards", SALES[::-1])
    write_extracts(tmp_path / "one", wheel)
    write_extracts(tmp_path / "two", backwards)

    assert files_below(tmp_path / "one") == files_below(tmp_path / "two")


def test_an_archive_names_neither_its_time_nor_its_file(tmp_path: Path, wheel: Path):
    write_extracts(tmp_path, wheel)

    head = (tmp_path / "complete_journey/purchases/purchases_2017-01-02.csv.gz").read_bytes()[:10]

    assert head[3] == 0, "flags: no file name"
    assert head[4:8] == b"\0\0\0\0", "no time"


def test_a_sale_is_delivered_on_the_day_after_its_new_york_day(tmp_path: Path, wheel: Path):
    write_extracts(tmp_path, wheel)

    folder = tmp_path / "complete_journey/purchases"

    assert sorted(path.name for path in folder.iterdir()) == [
        "purchases_2017-01-02.csv.gz",
        "purchases_2017-01-03.csv.gz",
        "purchases_2017-01-06.csv.gz",
    ]
    assert gzip.decompress((folder / "purchases_2017-01-03.csv.gz").read_bytes()).decode() == (
        "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,coupon_match_disc,week,"
        "transaction_timestamp\n"
        "2,406,101,9,1,0.00,0.25,0.00,0.00,1,2017-01-03 03:30:00\n"
    )


def test_no_cent_is_lost(tmp_path: Path, wheel: Path):
    write_extracts(tmp_path, wheel)

    rows = [row for path in (tmp_path / "complete_journey/purchases").iterdir() for row in rows_of(path)]

    assert len(rows) == len(SALES)
    assert sum(Decimal(row["sales_value"]) for row in rows) == Decimal("11.89")
    assert sum(Decimal(row["retail_disc"]) for row in rows) == Decimal("0.35")


def test_every_monday_has_its_weekly_files_even_if_nothing_happened(tmp_path: Path, wheel: Path):
    write_extracts(tmp_path, wheel)

    mondays = PERIOD.mondays()

    assert (mondays[0], mondays[-1], len(mondays)) == (PERIOD.first_delivery, PERIOD.last_delivery, 53)
    for extract in ("coupon_redemptions", "feedback", "survey_responses", "returns"):
        names = {path.name for path in (tmp_path / "complete_journey" / extract).iterdir()}
        assert names == {f"{extract}_{monday}.csv" for monday in mondays}, extract


def test_a_redemption_is_delivered_on_the_monday_after_it(tmp_path: Path, wheel: Path):
    write_extracts(tmp_path, wheel)

    dates = {
        monday: [
            row["redemption_date"]
            for row in rows_of(
                tmp_path / f"complete_journey/coupon_redemptions/coupon_redemptions_{monday}.csv"
            )
        ]
        for monday in ("2017-01-02", "2017-01-09", "2017-01-16")
    }

    assert dates == {"2017-01-02": ["2017-01-01"], "2017-01-09": ["2017-01-08"], "2017-01-16": ["2017-01-09"]}


def test_a_campaign_is_announced_when_it_starts_but_not_before_the_first_delivery(
    tmp_path: Path, wheel: Path
):
    write_extracts(tmp_path, wheel)

    root = tmp_path / "complete_journey"

    assert (root / "campaigns/campaigns_2017-01-02.csv").read_text() == (
        "campaign_id,campaign_type,start_date,end_date\n24,Type A,2016-11-14,2017-01-16\n"
    )
    assert (root / "campaign_households/campaign_households_2017-03-03.csv").read_text() == (
        "campaign_id,household_id\n1,2\n"
    )


def test_a_file_has_the_declared_columns_and_no_others(tmp_path: Path, wheel: Path):
    write_extracts(tmp_path, wheel)

    root = tmp_path / "complete_journey"

    assert tuple(rows_of(root / "products/products_2017-01-02.csv.gz")[0]) == demo.PRODUCT_COLUMNS
    assert tuple(rows_of(root / "demographics/demographics_2017-01-02.csv")[0]) == demo.DEMOGRAPHIC_COLUMNS
    assert {path.name for path in tmp_path.iterdir()} >= {"SIMULATED.txt", "complete_journey"}
    assert {path.name for path in root.iterdir()} == {
        "campaign_households",
        "campaigns",
        "coupon_redemptions",
        "demographics",
        "feedback",
        "products",
        "purchases",
        "returns",
        "survey_responses",
    }


def test_a_partly_written_folder_is_completed_and_nothing_else_is_touched(tmp_path: Path, wheel: Path):
    write_extracts(tmp_path, wheel)
    whole = files_below(tmp_path)
    root = tmp_path / "complete_journey"
    for lost in (
        "purchases/purchases_2017-01-03.csv.gz",
        "returns/returns_2017-01-09.csv",
        "../SIMULATED.txt",
    ):
        (root / lost).unlink()
    kept = root / "purchases/purchases_2017-01-02.csv.gz"
    written_at = kept.stat().st_mtime_ns

    counts = write_extracts(tmp_path, wheel)

    assert files_below(tmp_path) == whole
    assert kept.stat().st_mtime_ns == written_at
    assert {extract: count["written"] for extract, count in counts.items() if count["written"]} == {
        "purchases": 1,
        "returns": 1,
    }


def test_a_second_call_writes_nothing(tmp_path: Path, wheel: Path):
    write_extracts(tmp_path, wheel)

    counts = write_extracts(tmp_path, wheel)

    assert sum(count["written"] for count in counts.values()) == 0
    assert counts["purchases"] == {"files": 3, "written": 0}


def test_a_missing_table_is_named(tmp_path: Path, wheel: Path):
    (wheel / "campaigns.parquet").unlink()

    with pytest.raises(DemoDataMissing, match=r"campaigns\.parquet is not in"):
        write_extracts(tmp_path, wheel)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of a busy small shop: 5,000 baskets give some of everything."""
    sales = [
        (1 + number % 40, 330, 5000 + number, 9, 4, 7.97, 0.0, 0.0, 0.0, 1, str(at))
        for number in range(5000)
        for at in [datetime(2017, 1, 1, 14) + timedelta(minutes=number * 104)]
    ]
    tmp_path = tmp_path_factory.mktemp("shop")
    write_extracts(tmp_path / "incoming", write_wheel(tmp_path / "wheel", sales))
    return tmp_path / "incoming/complete_journey"


def test_what_is_simulated_is_labelled_in_both_languages(simulated: Path):
    note = (simulated.parent / "SIMULATED.txt").read_text(encoding="utf-8")

    assert "模拟数据" in note
    assert all(f"{extract}/" in note for extract in simulated_feedback.COLUMNS)
    assert "No real customer" in note


def test_simulated_rows_are_of_the_week_before_their_delivery(simulated: Path):
    seen = 0
    for extract in simulated_feedback.COLUMNS:
        for path in (simulated / extract).iterdir():
            delivered_on = date.fromisoformat(path.stem.rpartition("_")[2])
            for row in rows_of(path):
                instants = [
                    datetime.fromisoformat(row[name]) for name in row if name.endswith("_at") and row[name]
                ]
                # Five hours is the most that New York lies behind UTC.
                assert max(instants) < datetime.combine(delivered_on, datetime.min.time()) + timedelta(
                    hours=5
                )
                assert max(instants) >= datetime.combine(delivered_on, datetime.min.time()) - timedelta(
                    days=7
                )
                seen += 1
    assert seen > 100


def test_a_return_names_a_basket_of_the_household_and_no_more_than_was_sold(simulated: Path):
    returns = [row for path in (simulated / "returns").iterdir() for row in rows_of(path)]

    assert 40 <= len(returns) <= 110, "about 1.5 % of 5,000 baskets"
    for row in returns:
        assert int(row["household_id"]) == 1 + (int(row["basket_id"]) - 5000) % 40
        assert 1 <= int(row["quantity"]) <= 4
        assert Decimal("0.01") <= Decimal(row["amount"]) <= Decimal("7.97") * int(row["quantity"]) / 4


def test_a_resolved_complaint_was_delivered_open_before(simulated: Path):
    versions: dict[str, list[dict[str, str]]] = {}
    for path in sorted((simulated / "feedback").iterdir()):
        for row in rows_of(path):
            versions.setdefault(row["feedback_id"], []).append(row)

    updated = [rows for rows in versions.values() if len(rows) > 1]

    assert updated
    for rows in updated:
        assert not rows[0]["resolved_at"]
        assert len({row["created_at"] + row["text"] for row in rows}) == 1
        assert rows[-1]["resolved_at"] or rows[-1]["first_response_at"]


def test_survey_answers_stay_on_their_scales(simulated: Path):
    scales = {"csat": (1, 5), "nps": (0, 10), "importance": (1, 5)}
    answers = [row for path in (simulated / "survey_responses").iterdir() for row in rows_of(path)]

    assert {row["question_kind"] for row in answers} <= {*scales, "churn_reason"}
    for row in answers:
        if row["question_kind"] == "churn_reason":
            assert row["answer"] in simulated_feedback.CHURN_REASONS
        else:
            least, most = scales[row["question_kind"]]
            assert least <= int(row["answer"]) <= most
    assert len({(row["survey_id"], row["question_id"]) for row in answers}) == len(answers)


def test_what_is_made_up_for_a_day_does_not_depend_on_later_purchases(tmp_path: Path):
    for name, days in (("short", 100), ("long", 360)):
        write_extracts(tmp_path / name, write_wheel(tmp_path / f"{name}_wheel", shop(days)))

    for extract in simulated_feedback.COLUMNS:
        for monday in (day for day in PERIOD.mondays() if day <= date(2017, 4, 3)):
            short, long = (
                (tmp_path / name / f"complete_journey/{extract}/{extract}_{monday}.csv").read_bytes()
                for name in ("short", "long")
            )
            assert short == long, (extract, monday)


@pytest.mark.slow
def test_the_whole_year_arrives_in_364_days_to_the_cent(tmp_path: Path):
    counts = write_extracts(tmp_path)

    with duckdb.connect() as connection:
        lines, paid, discount, first, last = connection.execute(
            f"""select count(*), sum(sales_value), sum(retail_disc),
                min(transaction_timestamp), max(transaction_timestamp)
            from read_csv('{tmp_path}/complete_journey/purchases/*.csv.gz', header = true,
                types = {{'sales_value': 'decimal(18, 2)', 'retail_disc': 'decimal(18, 2)'}})"""
        ).fetchone()

    assert counts["purchases"]["files"] == 364
    assert not (tmp_path / "complete_journey/purchases/purchases_2017-12-26.csv.gz").exists(), (
        "closed on Christmas"
    )
    assert (lines, paid, discount) == (1_469_307, Decimal("4596039.58"), Decimal("791650.64"))
    assert (first, last) == (datetime(2017, 1, 1, 11, 53, 26), datetime(2018, 1, 1, 4, 1, 20))
