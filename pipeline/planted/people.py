"""The customers, and everything that is true of them: the truth from which all behaviour follows.

Groups are dealt in exact shares, because the definitions' groups are shares too: a frequency score of 4 is
the upper half of repeat buyers, a monetary score of 4 the upper two fifths of all buyers. The planted
frequent and big customers are exactly those, with a wide empty band between them and the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pipeline.planted import catalogue

if TYPE_CHECKING:
    import numpy as np

    from pipeline.planted.shop import Shop

# group: share of customers. Frequent ones are half of all repeat buyers, big ones 40 % of all buyers.
GROUPS = {
    "prospect": 0.05,
    "one_time": 0.19,
    "unsettled": 0.04,
    "loyal_big": 0.20,
    "potential_loyal": 0.16,
    "frequent_small": 0.18,
    "marginal": 0.18,
}
FREQUENT = ("loyal_big", "frequent_small")
SELDOM = ("potential_loyal", "marginal")
BIG_ONE_TIME_SHARE = 0.10  # of one-time buyers

# state: share within the groups. What each means in days is told in `_calendar`. Only big baskets can shrink
# to a fifth: a small one is a single cheap thing already.
BIG_STATES = {
    "active": 0.60,
    "churned": 0.16,
    "dormant": 0.05,
    "at_risk": 0.05,
    "declining": 0.06,
    "growing": 0.04,
    "reactivated": 0.04,
}
SMALL_STATES = {name: share for name, share in BIG_STATES.items() if name != "declining"}
SELDOM_STATES = {"active": 0.82, "churned": 0.18}
ONE_TIME_STATES = {"new": 0.14, "awaiting_second": 0.14, "one_time_between": 0.42, "churned": 0.30}
STOPPED = ("churned", "dormant", "at_risk")

NEEDS = ("price", "function", "service", "quality_brand", "experience", "none")
LEAVE_REASONS = ("quality", "service", "price")
BARRIERS = ("feature_gap", "competitor", "price")
STOP_REASONS = ("product_experience", "after_sales", "price")
PRICE_TIERS = ("budget", "mid", "premium")
HOURS = ("evening", "daytime", "morning")
AGE_BANDS = ("young", "middle", "senior")
AGES = {"young": (19, 34), "middle": (36, 58), "senior": (61, 78)}
OCCASIONS = ("business", "family", "young", "unknown")
CONTACTS = ("app", "sms", "phone")
SELF_REFERRALS = 3
CHANNELS = ("app", "tv", "store", "web")

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红鑫宇晨"
FIRST_NAMES = ("Alice", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Iris", "Jack")
LAST_NAMES = ("Chen", "Li", "Wang", "Smith", "Brown", "Zhang", "Liu", "Taylor", "Zhao", "Wilson")


@dataclass(frozen=True)
class People:
    """One element per customer. Days are day numbers; -1 is "never" (and nobody, for `referrer`)."""

    customer_id: np.ndarray
    group: np.ndarray
    state: np.ndarray
    joined: np.ndarray
    stops: np.ndarray
    gap_days: np.ndarray
    order_cents: np.ndarray
    is_big_one_time: np.ndarray
    need: np.ndarray
    leave_reason: np.ndarray
    barrier: np.ndarray
    stop_reason: np.ndarray
    price_tier: np.ndarray
    age_band: np.ndarray
    birth_on: np.ndarray
    gender: np.ndarray
    family_size: np.ndarray
    is_company: np.ndarray
    occasion: np.ndarray
    hours: np.ndarray
    city: np.ndarray
    channel: np.ndarray
    contact: np.ndarray
    is_silent: np.ndarray
    consents: np.ndarray
    is_member: np.ndarray
    brand: np.ndarray
    referrer: np.ndarray
    speaks_english: np.ndarray
    name: np.ndarray
    phone: np.ndarray
    email: np.ndarray
    created: np.ndarray

    def __len__(self) -> int:
        return len(self.customer_id)

    def of(self, *groups: str) -> np.ndarray:
        """Whether each customer belongs to one of the groups."""
        import numpy as np

        return np.isin(self.group, groups)

    def birthdays(self, year: int) -> np.ndarray:
        """Everybody's birthday in a year; of 29 February 1 March in other years."""
        import numpy as np

        month = self.birth_on.astype("datetime64[M]")
        day_of_month = self.birth_on - month.astype("datetime64[D]")
        in_year = np.datetime64(str(year), "M") + month.astype(int) % 12
        return in_year.astype("datetime64[D]") + day_of_month

    def is_active(self) -> np.ndarray:
        """Whether each customer still buys at the end."""
        import numpy as np

        return np.isin(self.state, ("active", "growing", "declining", "reactivated"))


def dealt(shares: dict[str, float], number: int, chance: np.random.Generator) -> np.ndarray:
    """`number` names in exact shares (largest remainders go to the last name), shuffled."""
    import numpy as np

    ends = np.rint(np.cumsum(list(shares.values())) / sum(shares.values()) * number).astype(int)
    return chance.permutation(np.repeat(list(shares), np.diff(ends, prepend=0)))


def drawn(names: tuple[str, ...], weights: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """One name for each row of `weights`, which need not add up to one."""
    import numpy as np

    upto = np.cumsum(np.asarray(weights, dtype=float), axis=1)
    hit = chance.random(len(upto))[:, None] * upto[:, -1:]
    return np.array(names)[(hit >= upto).sum(axis=1)]


def populate(shop: Shop) -> People:
    """Everybody, with what is true of them."""
    import numpy as np

    chance = shop.chance("people")
    n = shop.customers
    group = dealt(GROUPS, n, chance)
    state = _states(group, chance)
    age_band = dealt({"young": 0.40, "middle": 0.40, "senior": 0.20}, n, chance)
    young = age_band == "young"
    is_company = (chance.random(n) < 0.08) & ~young
    family = (chance.random(n) < np.where(young, 0.15, 0.45)) & ~is_company
    occasion = np.select([is_company, family, young], OCCASIONS[:3], OCCASIONS[3])
    shares = np.array([city[-1] for city in catalogue.CITIES], dtype=float)
    city = chance.choice(len(shares), n, p=shares / shares.sum())
    price_tier = _price_tiers(group, city, chance)
    need = _needs(group, young, price_tier, chance)
    # who asks for quality buys the best of every shelf
    price_tier = np.where((need == "quality_brand") & (price_tier != "budget"), "premium", price_tier)
    joined, stops, gap_days = _calendar(shop, group, state, chance)
    has_left = np.isin(state, ("churned", "dormant")) & ~np.isin(group, ("one_time", "prospect"))
    one_time_left = (group == "one_time") & (state != "new") & (state != "awaiting_second")
    is_silent = (chance.random(n) < 0.10) & ~np.isin(group, ("prospect",))
    referrer = _referrers(group, joined, chance)
    speaks_english = chance.random(n) < 0.25
    fields_ = {
        "customer_id": np.array([f"C{number:06d}" for number in range(1, n + 1)]),
        "group": group,
        "state": state,
        "joined": joined,
        "stops": stops,
        "gap_days": gap_days,
        "is_big_one_time": np.isin(np.arange(n), _first_share(group == "one_time", BIG_ONE_TIME_SHARE)),
        "need": need,
        "leave_reason": np.where(has_left, chance.choice(LEAVE_REASONS, n, p=(0.4, 0.35, 0.25)), ""),
        "barrier": np.where(group == "potential_loyal", chance.choice(BARRIERS, n, p=(0.5, 0.35, 0.15)), ""),
        "stop_reason": np.where(one_time_left, chance.choice(STOP_REASONS, n, p=(0.5, 0.3, 0.2)), ""),
        "price_tier": price_tier,
        "age_band": age_band,
        "birth_on": _births(shop, age_band, chance),
        "gender": chance.choice(("female", "male"), n, p=(0.54, 0.46)),
        "family_size": np.where(family, chance.integers(3, 6, n), chance.integers(1, 3, n)),
        "is_company": is_company,
        "occasion": occasion,
        "hours": np.where(
            is_company,
            "daytime",
            drawn(HOURS, _by_age(age_band, ((8, 1, 1), (2, 7, 1), (0.5, 1.5, 8))), chance),
        ),
        "city": city,
        "channel": drawn(
            CHANNELS, _by_age(age_band, ((8, 0.2, 1, 1), (1.5, 4, 2.5, 2), (0.5, 5, 4, 0.5))), chance
        ),
        "contact": drawn(CONTACTS, _by_age(age_band, ((8, 1, 1), (1, 8, 1), (0.5, 2, 7.5))), chance),
        "is_silent": is_silent,
        "consents": is_silent | (chance.random(n) < 0.85),
        "is_member": (chance.random(n) < np.where(np.isin(group, FREQUENT), 0.8, 0.3))
        & (group != "prospect"),
        "brand": chance.integers(0, len(catalogue.BRANDS), n),
        "referrer": referrer,
        "speaks_english": speaks_english,
        **_names(n, speaks_english, referrer, chance),
        "created": np.maximum(joined - chance.integers(0, 4, n), 0),
    }
    fields_["order_cents"] = _order_cents(group, fields_["is_big_one_time"], chance)
    return People(**{item.name: fields_[item.name] for item in fields(People)})


def _states(group: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    import numpy as np

    state = np.where(group == "prospect", "prospect", "unsettled").astype("U16")
    for name, shares in (
        ("loyal_big", BIG_STATES),
        ("frequent_small", SMALL_STATES),
        *((seldom, SELDOM_STATES) for seldom in SELDOM),
        ("one_time", ONE_TIME_STATES),
    ):
        these = group == name
        state[these] = dealt(shares, int(these.sum()), chance)
    return state


def _price_tiers(group: np.ndarray, city: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Premium lives in the first tiers and among big spenders, budget in the small towns and baskets."""
    import numpy as np

    tiers = np.array([row[3] for row in catalogue.CITIES])[city]
    place = np.where(np.isin(tiers, ("1", "new1"))[:, None], (0.3, 3, 1.6), (1.0, 3, 0.6))
    place = np.where(np.isin(tiers, ("3", "4", "5"))[:, None], (1.8, 3, 0.2), place)
    purse = np.where(
        np.isin(group, ("loyal_big", "potential_loyal"))[:, None], (0.25, 1, 1.5), (1.2, 1, 0.12)
    )
    return drawn(PRICE_TIERS, place * purse, chance)


def _needs(
    group: np.ndarray, young: np.ndarray, price_tier: np.ndarray, chance: np.random.Generator
) -> np.ndarray:
    """Young customers put experience before price: the reason why the new product does not sell."""
    import numpy as np

    weights = np.where(young[:, None], (1.0, 1.5, 1.2, 1.2, 4.0, 1.5), (2.2, 1.5, 2.0, 1.8, 0.6, 1.9))
    weights = np.where((price_tier == "premium")[:, None], weights * (0, 1, 1, 5, 1, 1), weights)
    weights = np.where((price_tier == "budget")[:, None], weights * (2.5, 1, 1, 0, 1, 1), weights)
    weights = np.where((group == "prospect")[:, None], (0, 0, 0, 0, 0, 1), weights)
    return drawn(NEEDS, weights, chance)


def _calendar(
    shop: Shop, group: np.ndarray, state: np.ndarray, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First order, last possible day (exclusive) and median gap of everybody.

    A frequent customer has 14 to 28 gaps' worth of time and a seldom one 2 to 9, so the two hardly ever meet.
    Days from the last order to the end: churned more than 200 (frequent, whose limit is half a year) or more
    than 440; dormant 4.5 to 5.5 of the customer's own gaps; at risk 1.7 to 2.7.
    """
    import numpy as np

    n, end = len(group), shop.days
    between = chance.uniform
    joined = np.full(n, -1)
    stops = np.full(n, end)
    gap = np.zeros(n)
    span = end - 330  # what a customer who may join late still has left

    frequent = np.isin(group, FREQUENT)
    joined = np.where(frequent, between(0, span * 0.75, n), joined)
    fast = between(14, 28, n)
    gone = between(205, 300, n)
    joined = np.where(frequent & (state == "churned"), between(0, 90, n), joined)
    stops = np.where(frequent & (state == "churned"), end - gone, stops)
    joined = np.where(frequent & (state == "reactivated"), between(0, 40, n), joined)
    gap = np.where(frequent, np.minimum((stops - joined) / fast, 28), gap)
    gap = np.where(frequent & (state == "reactivated"), np.minimum((end - 320 - joined) / fast, 24), gap)
    stops = np.where(frequent & (state == "dormant"), end - 4.5 * gap, stops)
    stops = np.where(frequent & (state == "at_risk"), end - 1.7 * gap, stops)

    seldom = np.isin(group, SELDOM)
    joined = np.where(seldom, between(0, end - 340, n), joined)
    gap = np.where(seldom, between(80, 125, n), gap)
    left = seldom & (state == "churned")
    joined = np.where(left, between(0, 30, n), joined)
    gap = np.where(left, between(60, 80, n), gap)
    stops = np.where(left, end - between(445, 480, n), stops)

    once = group == "one_time"
    joined = np.where(once & (state == "new"), end - between(0.5, 28, n), joined)
    joined = np.where(once & (state == "awaiting_second"), end - between(34, 75, n), joined)
    joined = np.where(once & (state == "one_time_between"), end - between(90, 400, n), joined)
    joined = np.where(once & (state == "churned"), between(0, end - 520, n), joined)
    stops = np.where(once, joined + 1, stops)
    gap = np.where(once, 1, gap)

    unsettled = group == "unsettled"
    joined = np.where(unsettled, end - between(50, 95, n), joined)
    gap = np.where(unsettled, between(15, 28, n), gap)
    # half of the prospects are this fortnight's
    recent = between(0, 1, n) < 0.5
    joined = np.where(
        group == "prospect", np.where(recent, end - between(1, 14, n), between(30, end - 14, n)), joined
    )
    return joined.astype(int), stops.astype(int), gap


def _order_cents(group: np.ndarray, is_big: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """What an order of each customer is about: big customers and small ones stay apart over a lifetime."""
    import numpy as np

    typical = np.select(
        [group == "loyal_big", group == "potential_loyal", group == "frequent_small", is_big],
        [1200, 3600, 80, 6500],
        90,
    )
    return (typical * 100 * np.exp(chance.normal(0, 0.15, len(group)))).astype(int)


def _births(shop: Shop, age_band: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Birthdays that leave everybody in the band on the last day and through the two years before."""
    import numpy as np

    low = np.array([AGES[name][0] for name in AGE_BANDS])
    high = np.array([AGES[name][1] for name in AGE_BANDS])
    band = np.searchsorted(AGE_BANDS, age_band, sorter=np.argsort(AGE_BANDS))
    band = np.argsort(AGE_BANDS)[band]
    years = low[band] + 2 + chance.random(len(band)) * (high[band] - low[band] - 2)
    return np.datetime64(shop.as_of, "D") - (years * 365.25).astype(int)


def _by_age(age_band: np.ndarray, rows: tuple[tuple[float, ...], ...]) -> np.ndarray:
    import numpy as np

    return np.array(rows)[np.array([AGE_BANDS.index(band) for band in age_band])]


def _first_share(which: np.ndarray, share: float) -> np.ndarray:
    import numpy as np

    positions = np.flatnonzero(which)
    return positions[: round(len(positions) * share)]


def _referrers(group: np.ndarray, joined: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """One newcomer in eight came through a frequent customer of sixty days or more; chains arise."""
    import numpy as np

    referrer = np.full(len(group), -1)
    senders = np.flatnonzero(np.isin(group, FREQUENT))
    senders = senders[chance.random(len(senders)) < 0.15]
    senders = senders[np.argsort(joined[senders], kind="stable")]
    possible = np.searchsorted(joined[senders] + 60, joined, side="right")
    invited = (group != "prospect") & (possible > 0) & (chance.random(len(group)) < 0.12)
    picks = (chance.random(len(group)) * possible).astype(int)
    referrer[invited] = senders[picks[invited]]
    referrer[referrer == np.arange(len(group))] = -1
    return referrer


def _names(
    n: int, speaks_english: np.ndarray, referrer: np.ndarray, chance: np.random.Generator
) -> dict[str, np.ndarray]:
    """Names, numbers and addresses of nobody: the phone block is unassigned, the mail domain reserved.

    A few invited themselves: their phone is that of who sent the invitation.
    """
    import numpy as np

    draw = chance.integers
    zh = np.array(
        [
            SURNAMES[a] + GIVEN[b] + GIVEN[c]
            for a, b, c in zip(draw(0, 20, n), draw(0, 30, n), draw(0, 30, n), strict=True)
        ]
    )
    en = np.array(
        [f"{FIRST_NAMES[a]} {LAST_NAMES[b]}" for a, b in zip(draw(0, 10, n), draw(0, 10, n), strict=True)]
    )
    numbers = chance.permutation(n)
    themselves = np.flatnonzero(referrer >= 0)[:SELF_REFERRALS]
    numbers[themselves] = numbers[referrer[themselves]]
    return {
        "name": np.where(speaks_english, en, zh),
        "phone": np.array([f"+86 100{number:08d}" for number in numbers]),
        "email": np.array([f"c{number:06d}@planted.example" for number in range(1, n + 1)]),
    }
