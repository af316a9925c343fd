"""A small shop in the demo source's own layout: deterministic extracts that a whole day takes seconds on."""

from __future__ import annotations

import csv
import gzip
import io
import random
from datetime import date, datetime, timedelta
from pathlib import Path

HEADERS = {
    "purchases": "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,"
    "coupon_match_disc,week,transaction_timestamp",
    "products": "product_id,manufacturer_id,department,brand,product_category,product_type,package_size",
    "demographics": "household_id,age,income,home_ownership,marital_status,household_size,household_comp,"
    "kids_count",
    "feedback": "feedback_id,household_id,channel,kind,topic,rating,text,created_at,first_response_at,"
    "resolved_at,related_basket_id",
    "returns": "return_id,household_id,basket_id,product_id,returned_at,quantity,amount,reason_code",
    "survey_responses": "survey_id,wave,household_id,question_id,question_kind,attribute,answer,answered_at,"
    "channel",
}
PRODUCTS = 30
AGES = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")


def write_shop(
    incoming: Path,
    first: date,
    last: date,
    customers: int = 150,
    seed: int = 7,
    shuffle: int | None = None,
    upto: date | None = None,
) -> Path:
    """Write the extracts delivered from `first` to `upto` (default `last`), rows permuted by `shuffle`.

    Every customer buys at a rhythm of their own; a third buys once. Returns the source's drop folder.
    """
    root = incoming / "complete_journey"
    draw = random.Random(seed)
    sales: dict[date, list[list]] = {first + timedelta(days=i): [] for i in range((last - first).days + 1)}
    returns: dict[date, list[list]] = {}
    feedback: dict[date, list[list]] = {}
    basket = 0
    for customer in range(1, customers + 1):
        rhythm = 0 if customer % 3 == 0 else draw.choice((5, 9, 16, 30, 60))
        day = first - timedelta(days=1) + timedelta(days=draw.randrange(max(2, (last - first).days * 3 // 4)))
        while day < last:
            basket += 1
            instant = datetime(
                day.year, day.month, day.day, 17, basket % 60, customer % 60
            )  # UTC: noon there
            for product in sorted(draw.sample(range(1, PRODUCTS + 1), draw.randint(1, 3))):
                value, off = draw.randint(99, 4999), draw.choice((0, 0, 50))
                delivered = day + timedelta(days=1)
                if delivered in sales:
                    sales[delivered].append(
                        [
                            customer,
                            1,
                            basket,
                            product,
                            1,
                            cents(value),
                            cents(off),
                            "0.00",
                            "0.00",
                            1,
                            instant,
                        ]
                    )
                if draw.random() < 0.02:
                    back = day + timedelta(days=3)
                    when = instant + timedelta(days=3)
                    returns.setdefault(monday_after(back), []).append(
                        [f"r{basket}-{product}", customer, basket, product, when, 1, cents(value), "defect"]
                    )
            if draw.random() < 0.05:
                kind = draw.choice(("complaint", "review", "suggestion"))
                feedback.setdefault(monday_after(day), []).append(
                    [
                        f"f{basket}",
                        customer,
                        "online",
                        kind,
                        "quality",
                        draw.randint(1, 5),
                        "好 good",
                        instant,
                        "",
                        "",
                        basket,
                    ]
                )
            if not rhythm:
                break
            day += timedelta(days=max(1, round(draw.lognormvariate(0, 0.4) * rhythm)))
    upto = upto or last
    for delivered, rows in sales.items():
        if delivered <= upto and delivered != date(2017, 12, 26):
            write(root / "purchases" / f"purchases_{delivered}.csv.gz", "purchases", rows, shuffle)
    products = [
        [i, 1, "GROCERY", "National", f"CATEGORY {i % 6}", f"TYPE {i}", "1 LB"]
        for i in range(1, PRODUCTS + 1)
    ]
    write(root / "products" / f"products_{first}.csv.gz", "products", products, shuffle)
    people = [
        [i, AGES[i % 6], "35-49K", "Homeowner", "Married", "2", "2 Adults No Kids", "0"]
        for i in range(1, customers + 1, 2)
    ]
    write(root / "demographics" / f"demographics_{first}.csv", "demographics", people, shuffle)
    day = first
    while day <= upto:
        if day.weekday() == 0:
            write(root / "feedback" / f"feedback_{day}.csv", "feedback", feedback.get(day, []), shuffle)
            write(root / "returns" / f"returns_{day}.csv", "returns", returns.get(day, []), shuffle)
            write(root / "survey_responses" / f"survey_responses_{day}.csv", "survey_responses", [], shuffle)
        day += timedelta(days=1)
    return root


def monday_after(day: date) -> date:
    """The Monday on which what happened on `day` is delivered."""
    return day + timedelta(days=7 - day.weekday())


def cents(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"


def write(path: Path, extract: str, rows: list[list], shuffle: int | None = None) -> None:
    """One extract file, gzip when its name says so; `shuffle` permutes its rows."""
    rows = sorted(rows, key=str)
    if shuffle is not None:
        random.Random(shuffle).shuffle(rows)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADERS[extract].split(","), *rows])
    data = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
