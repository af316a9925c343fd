"""Made-up reviews of two fields, and the shipped word lists, for the tests of models/text."""

from __future__ import annotations

import csv
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds"

GOOD = ("很好吃，下次还来", "送得快，味道不错", "Great food, fast delivery", "Muito bom, recomendo")
BAD = ("太难吃了，再也不点", "送得太慢，都凉了", "Terrible, arrived cold", "Péssimo, não recomendo")


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def reviews(times: int = 100) -> tuple[list[str], list[int]]:
    """(texts, ratings): every phrase `times` times, each time with another number behind it."""
    numbered = [(text, rating) for phrases, rating in ((GOOD, 5), (BAD, 1)) for text in phrases]
    rows = [
        (f"{text} {'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}", rating)
        for n in range(times)
        for text, rating in numbered
    ]
    return [text for text, _ in rows], [rating for _, rating in rows]
