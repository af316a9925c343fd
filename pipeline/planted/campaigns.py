"""Campaigns with a holdout, and the orders they bring about: effects that are true, being planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.planted.people import FREQUENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from pipeline.planted.people import People
    from pipeline.planted.shop import Shop

HOLDOUT_SHARE = 0.30
LENGTH_DAYS = 28


@dataclass(frozen=True)
class Campaign:
    """What it tries on whom, from how many days before the end, at what cost.

    The effects are the shares of the young and of the others it makes buy once more within its days.
    """

    strategy: str
    segment: str
    starts_before_end: int
    effect_on_young: float
    effect_on_others: float
    cost: int


CAMPAIGNS = {
    "EVENING": Campaign("evening_promotion 晚间促销", "young_evening", 60, 0.60, 0.0, 20_000),
    "APP-ONLY": Campaign("app_only_offer App 专属", "frequent", 125, 0.55, 0.02, 15_000),
    "TV": Campaign("tv_and_magazines 电视杂志", "frequent", 160, 0.02, 0.50, 60_000),
}


@dataclass(frozen=True)
class Touches:
    """One element per customer a campaign was meant for; `answer`: day of the order it brought, or -1."""

    campaign: np.ndarray
    customer: np.ndarray
    day: np.ndarray
    is_holdout: np.ndarray
    answer: np.ndarray

    def answered(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Campaign, customers and days of the orders each campaign brought."""
        for name in CAMPAIGNS:
            these = (self.campaign == name) & (self.answer >= 0)
            yield name, self.customer[these], self.answer[these]


def touch(shop: Shop, people: People) -> Touches:
    """Who was meant, who was held out, and who bought because of it: nobody held out did."""
    import numpy as np

    chance = shop.chance("campaigns")
    columns: list[list[np.ndarray]] = [[], [], [], [], []]
    young = people.age_band == "young"
    for name, campaign in CAMPAIGNS.items():
        starts = shop.days - campaign.starts_before_end
        for_it = (
            people.of(*FREQUENT) & (people.state == "active") & people.consents & (people.joined < starts)
        )
        if campaign.segment == "young_evening":
            for_it &= young & (people.hours == "evening")
        customer = np.flatnonzero(for_it)
        is_holdout = chance.random(len(customer)) < HOLDOUT_SHARE
        effect = np.where(young[customer], campaign.effect_on_young, campaign.effect_on_others)
        bought = ~is_holdout & (chance.random(len(customer)) < effect)
        day = starts + chance.integers(1, LENGTH_DAYS, len(customer))
        for column, values in zip(
            columns,
            (
                np.full(len(customer), name),
                customer,
                np.full(len(customer), starts),
                is_holdout,
                np.where(bought, day, -1),
            ),
            strict=True,
        ):
            column.append(values)
    return Touches(*(np.concatenate(column) for column in columns))
