"""What a planted shop is a function of, its calendar, and the streams of chance its parts draw from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FEWEST_CUSTOMERS = 200
FEWEST_DAYS = 600
NIGHTLY_DAYS = 70  # whole weeks: the gate compares a day with the same weekday of the eight weeks before


@dataclass(frozen=True)
class Shop:
    """The whole input of the generator: equal shops give equal bytes.

    `first_day` and `last_day` are local days of Asia/Shanghai, both with orders; two years let a customer of
    a slow rhythm be told from one who has gone. Raises ValueError for a shop too small to hold its truths.
    """

    seed: int = 20260101
    customers: int = 3000
    first_day: date = date(2024, 1, 1)
    last_day: date = date(2025, 12, 31)

    def __post_init__(self) -> None:
        if self.customers < FEWEST_CUSTOMERS or self.days < FEWEST_DAYS:
            msg = (
                f"a planted shop of {self.customers} customers and {self.days} days is too small; "
                f"wanted at least {FEWEST_CUSTOMERS} customers and {FEWEST_DAYS} days"
            )
            raise ValueError(msg)

    @property
    def days(self) -> int:
        """Days with orders; events carry their day as a number from 0 to this, exclusive."""
        return (self.last_day - self.first_day).days + 1

    @property
    def as_of(self) -> date:
        """The first day that sees the whole shop: the day after its last."""
        return self.last_day + timedelta(days=1)

    def chance(self, part: str) -> np.random.Generator:
        """The stream of one part: a change in one part leaves the draws of the others alone."""
        import numpy as np

        return np.random.default_rng([self.seed, zlib.crc32(part.encode())])

    def origin(self) -> np.datetime64:
        """Day number 0."""
        import numpy as np

        return np.datetime64(self.first_day, "D")


def nightly(shop: Shop, day: np.ndarray) -> np.ndarray:
    """Delivery day numbers of what is sent every night by now, and came once a week before."""
    import numpy as np

    return np.where(day >= shop.days - NIGHTLY_DAYS, day + 1, weekly(shop, day))


def weekly(shop: Shop, day: np.ndarray) -> np.ndarray:
    """Delivery day numbers of what is sent each week on the weekday of `as_of`, so that the last is whole."""
    return day + (shop.days - day - 1) % 7 + 1


def monthly(shop: Shop, day: np.ndarray) -> np.ndarray:
    """Delivery day numbers of what is sent on the first of the next month, at the latest on `as_of`."""
    import numpy as np

    moment = shop.origin() + day
    following = (moment.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return np.minimum((following - shop.origin()).astype(int), shop.days)
