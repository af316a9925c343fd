"""What customers do beside buying: using, browsing, answering, sharing, inviting, collecting points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.planted import catalogue, words

if TYPE_CHECKING:
    import numpy as np

    from pipeline.planted.catalogue import Products
    from pipeline.planted.people import People
    from pipeline.planted.purchases import Lines, Orders
    from pipeline.planted.shop import Shop

HOUR = 3600
DAY = 24 * HOUR

USAGE_DAYS = 180
LOW_USE_SHARE = 0.04  # of the users of the software ever touch its low-use function
FEATURE_SHARE_OF_THE_FUNCTIONAL, FEATURE_SHARE_OF_OTHERS = 0.85, 0.30
BROWSING_DAYS = 180
MESSAGE_DAYS = 365
MESSAGE_EVERY_DAYS = 30
OPENED_ON_THE_RIGHT_CHANNEL, OPENED_ELSEWHERE = 0.70, 0.12
SEES_A_STAGE = 0.30  # share of customers who browse in the last 30 days without buying
STAGES = {
    "awareness": ("impression",),
    "cognition": ("visit", "search"),
    "consideration": ("visit", "product_view", "compare"),
    "decision": ("visit", "product_view", "add_to_cart"),
}
POINTS_LIVE_DAYS = 365
BIRTHDAY_POINTS = 100
REWARD_CENTS = 3000


@dataclass(frozen=True)
class Events:
    """One element per event of any kind; `second` since day 0, and the columns the kind has beside."""

    customer: np.ndarray
    second: np.ndarray
    columns: dict[str, np.ndarray]


def _joined(parts: list[Events]) -> Events:
    """Parts as one, in the order of time; equal instants by customer."""
    import numpy as np

    customer = np.concatenate([part.customer for part in parts])
    second = np.concatenate([part.second for part in parts])
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    at = np.lexsort((customer, second))
    return Events(customer[at], second[at], {name: column[at] for name, column in columns.items()})


def _distinct(events: Events, *names: str) -> Events:
    """Without events whose whole key came twice."""
    import numpy as np

    parts = [np.unique(events.columns[name], return_inverse=True)[1] for name in names]
    key = np.column_stack([events.second, events.customer, *parts])
    _, first = np.unique(key, axis=0, return_index=True)
    first.sort()
    return Events(
        events.customer[first],
        events.second[first],
        {name: column[first] for name, column in events.columns.items()},
    )


def usage(shop: Shop, people: People, shelf: Products, orders: Orders, lines: Lines) -> Events:
    """Who bought the software uses it: the functional most of its functions, hardly anybody one of them."""
    import numpy as np

    chance = shop.chance("usage")
    software = shelf.category[lines.product] == catalogue.NAMES.index("software")
    owners = np.unique(orders.customer[lines.order[software]])
    curious = np.flatnonzero((people.need == "function") & ~people.of("prospect"))
    users = np.union1d(owners[owners >= 0], curious)
    users = users[people.stops[users] > shop.days - 40]
    product = shelf.product_id[(shelf.category == catalogue.NAMES.index("software")) & (shelf.tier == 1)][0]
    keen = people.need[users] == "function"
    share = np.where(keen, FEATURE_SHARE_OF_THE_FUNCTIONAL, FEATURE_SHARE_OF_OTHERS)
    knows = chance.random((len(users), len(catalogue.SOFTWARE_FEATURES))) < share[:, None]
    knows[:, 0] = True
    low = catalogue.SOFTWARE_FEATURES.index(catalogue.LOW_USE_FEATURE)
    knows[:, low] = chance.random(len(users)) < LOW_USE_SHARE
    number, feature = np.nonzero(knows)
    times = chance.integers(3, 9, len(number))
    number, feature = np.repeat(number, times), np.repeat(feature, times)
    day = shop.days - 1 - (chance.random(len(number)) ** 1.5 * USAGE_DAYS).astype(int)
    evening = people.hours[users[number]] == "evening"
    hour = np.where(evening, chance.integers(19, 24, len(number)), chance.integers(8, 18, len(number)))
    return _distinct(
        _joined(
            [
                Events(
                    users[number],
                    day * DAY + hour * HOUR + chance.integers(0, HOUR, len(number)),
                    {
                        "product_id": np.full(len(number), product),
                        "feature": np.array(catalogue.SOFTWARE_FEATURES)[feature],
                        "scenario": np.where(evening, "home 居家", "office 办公"),
                        "duration_s": chance.integers(20, 1800, len(number)),
                    },
                )
            ]
        ),
        "product_id",
        "feature",
    )


def browsing(
    shop: Shop, people: People, shelf: Products, orders: Orders, lines: Lines
) -> tuple[Events, np.ndarray]:
    """Steps before orders and without them, and the stage each customer reached in the last 30 days, or "".

    In green regions people look for what the shop does not have; many look at the new product and do not buy.
    """
    import numpy as np

    chance = shop.chance("browsing")
    online = (
        np.isin(orders.channel, ("app", "web"))
        & (orders.customer >= 0)
        & ~people.is_silent[orders.customer]
        & (orders.day >= shop.days - BROWSING_DAYS)
    )
    bought = np.flatnonzero(online)
    first_line = np.searchsorted(lines.order, bought)
    parts = []
    for number, step in enumerate(("visit", "product_view", "add_to_cart", "checkout")):
        second = orders.day[bought] * DAY + orders.second[bought] - (4 - number) * 60
        product = np.where(number > 0, shelf.product_id[lines.product[first_line]], "")
        parts.append(_steps(orders.customer[bought], second, step, product, orders.channel[bought]))

    last = np.full(len(people), -1)
    known = orders.customer >= 0
    np.maximum.at(last, orders.customer[known], orders.day[known])
    quiet = (last < shop.days - 30) & ~people.is_silent & (people.joined >= 0)
    looks = quiet & (chance.random(len(people)) < SEES_A_STAGE)
    stage = np.where(looks, chance.choice(tuple(STAGES), len(people)), "")
    for name, steps in STAGES.items():
        who = np.flatnonzero(stage == name)
        start = (shop.days - chance.integers(2, 28, len(who))) * DAY + chance.integers(
            9 * HOUR, 22 * HOUR, len(who)
        )
        thing = shelf.product_id[chance.integers(0, 80, len(who))]
        for number, step in enumerate(steps):
            product = np.where(step in ("visit", "search", "impression"), "", thing)
            parts.append(_steps(who, start + 60 * number, step, product, np.full(len(who), "app"), chance))

    talkative = np.flatnonzero(~people.is_silent & (people.joined >= 0) & (people.stops >= shop.days - 1))
    green = np.array(["green_region" in city[8] for city in catalogue.CITIES])[people.city[talkative]]
    in_vain = talkative[chance.random(len(talkative)) < np.where(green, 0.30, 0.03)]
    second = (shop.days - chance.integers(31, 85, len(in_vain))) * DAY + chance.integers(
        9 * HOUR, 22 * HOUR, len(in_vain)
    )
    steps = _steps(in_vain, second, "search", np.full(len(in_vain), ""), np.full(len(in_vain), "web"))
    steps.columns["query"] = chance.choice(words.SEARCHES_WITHOUT_RESULT, len(in_vain))
    steps.columns["result_count"] = np.zeros(len(in_vain), dtype=int)
    parts.append(steps)

    young = talkative[(people.age_band[talkative] == "young") & (people.joined[talkative] < shop.days - 100)]
    curious = young[chance.random(len(young)) < 0.4]
    for look in range(2):
        second = (shop.days - chance.integers(35, 80, len(curious))) * DAY + (9 + 4 * look) * HOUR
        product = np.full(len(curious), catalogue.NEW_PRODUCT)
        parts.append(_steps(curious, second, "product_view", product, np.full(len(curious), "app")))

    strangers = np.full(800, -1)
    second = (shop.days - chance.integers(1, BROWSING_DAYS, 800)) * DAY + chance.integers(0, DAY, 800)
    parts.append(_steps(strangers, second, "visit", np.full(800, ""), np.full(800, "web")))
    events = _joined(parts)
    visitor = np.array([f"V{number:05d}" for number in range(len(events.customer))])
    events.columns["anonymous_id"] = np.where(events.customer < 0, visitor, "")
    return _distinct(events, "event", "product_id", "anonymous_id"), stage


def _steps(
    customer: np.ndarray,
    second: np.ndarray,
    event: str,
    product: np.ndarray,
    channel: np.ndarray,
    chance: np.random.Generator | None = None,
) -> Events:
    import numpy as np

    n = len(customer)
    query = np.full(n, "", dtype="U24")
    results = np.full(n, -1)
    if event == "search" and chance is not None:
        query, results = chance.choice(words.SEARCHES, n), chance.integers(3, 60, n)
    return Events(
        customer,
        second,
        {
            "event": np.full(n, event, dtype="U16"),
            "product_id": product.astype("U16"),
            "channel": channel.astype("U8"),
            "query": query,
            "result_count": results,
        },
    )


def messages(shop: Shop, people: People) -> Events:
    """A message a month and channel, opened on the one the customer prefers; the silent never open one."""
    import numpy as np

    chance = shop.chance("messages")
    parts = []
    for month in range(MESSAGE_DAYS // MESSAGE_EVERY_DAYS):
        day = shop.days - MESSAGE_DAYS + month * MESSAGE_EVERY_DAYS + 5
        for number, channel in enumerate(("app", "sms", "phone")):
            there = (
                people.consents
                & (people.joined >= 0)
                & (people.joined < day)
                & (chance.random(len(people)) < 0.6)
            )
            who = np.flatnonzero(there)
            sent = (day + number) * DAY + chance.integers(9 * HOUR, 20 * HOUR, len(who))
            likes = np.where(people.contact[who] == channel, OPENED_ON_THE_RIGHT_CHANNEL, OPENED_ELSEWHERE)
            opens = (
                (chance.random(len(who)) < likes) & ~people.is_silent[who] & (people.stops[who] > day - 60)
            )
            opened = np.where(opens, sent + chance.integers(60, DAY, len(who)), -1)
            clicked = np.where(opens & (chance.random(len(who)) < 0.4), opened + 30, -1)
            replied = np.where(opens & (chance.random(len(who)) < 0.2), opened + 300, -1)
            parts.append(
                Events(
                    who,
                    sent,
                    {
                        "channel": np.full(len(who), channel),
                        "opened": opened,
                        "clicked": clicked,
                        "replied": replied,
                    },
                )
            )
    return _joined(parts)


def sharing(shop: Shop, people: People) -> tuple[Events, np.ndarray]:
    """Some young customers are heard by many. Also gives who they are."""
    import numpy as np

    chance = shop.chance("sharing")
    n = len(people)
    here = (
        ~people.is_silent
        & (people.joined >= 0)
        & (people.joined < shop.days - 100)
        & (people.stops >= shop.days - 1)
    )
    influential = here & (people.age_band == "young") & (chance.random(n) < 0.06)
    often = np.where(influential, 12, np.where(here, chance.random(n) < 0.25, 0)).astype(int)
    who = np.repeat(np.arange(n), often)
    day = shop.days - chance.integers(1, 90, len(who))
    heard = influential[who]
    return (
        _distinct(
            _joined(
                [
                    Events(
                        who,
                        day * DAY + chance.integers(8 * HOUR, 24 * HOUR, len(who)),
                        {
                            "action": chance.choice(
                                ("share", "comment", "like"), len(who), p=(0.4, 0.3, 0.3)
                            ),
                            "reach": np.where(
                                heard,
                                chance.integers(2000, 20_000, len(who)),
                                chance.integers(1, 80, len(who)),
                            ),
                            "sentiment": np.round(np.clip(chance.normal(0.5, 0.2, len(who)), -1, 1), 4),
                        },
                    )
                ]
            ),
            "action",
        ),
        influential,
    )


def invitations(shop: Shop, people: People, orders: Orders) -> Events:
    """Every referral the truth knows, and as many invitations nobody took; days of what followed, or -1."""
    import numpy as np

    chance = shop.chance("invitations")
    referee = np.flatnonzero(people.referrer >= 0)
    first = np.full(len(people), shop.days)
    own = orders.customer >= 0
    np.minimum.at(first, orders.customer[own], orders.day[own])
    invited = people.created[referee] - chance.integers(1, 15, len(referee))
    sender = people.referrer[referee]
    vain = np.repeat(sender, 1)
    late = np.maximum(people.joined[vain] + 20, 0) + chance.integers(0, 60, len(vain))
    events = _joined(
        [
            Events(
                sender,
                np.maximum(invited, people.joined[sender] + 1) * DAY
                + chance.integers(9 * HOUR, 21 * HOUR, len(sender)),
                {"referee": referee, "registered": people.created[referee], "ordered": first[referee]},
            ),
            Events(
                vain,
                np.minimum(late, shop.days - 1) * DAY + 12 * HOUR,
                {name: np.full(len(vain), -1) for name in ("referee", "registered", "ordered")},
            ),
        ]
    )
    events.columns["channel"] = np.where(
        people.age_band[events.customer] == "young", "wechat", "word_of_mouth"
    )
    return events


def points(shop: Shop, people: People, orders: Orders, lines: Lines) -> Events:
    """A point for each CNY a member spends, handed in or lost after a year; a present on the birthday."""
    import numpy as np

    chance = shop.chance("points")
    paid = np.zeros(len(orders.day), dtype=int)
    np.add.at(paid, lines.order, lines.qty * lines.cents - lines.discount)
    member = (
        (orders.customer >= 0)
        & people.is_member[orders.customer]
        & np.isin(orders.kind, ("own", "birthday", "campaign"))
    )
    bought = np.flatnonzero(member)
    earned = np.maximum(paid[bought] // 100, 1)
    second = orders.day[bought] * DAY + orders.second[bought] + 1
    who = orders.customer[bought]
    parts = [_booking(who, second, "earn", earned, orders.day[bought] + POINTS_LIVE_DAYS)]
    handed = chance.random(len(bought)) < 0.25
    inside = handed & (orders.day[bought] + 20 < shop.days)
    parts.append(_booking(who[inside], second[inside] + 20 * DAY, "redeem", -(earned[inside] // 2 + 1)))
    lost = ~handed & (orders.day[bought] + POINTS_LIVE_DAYS < shop.days)
    parts.append(
        _booking(who[lost], second[lost] // DAY * DAY + POINTS_LIVE_DAYS * DAY, "expire", -earned[lost])
    )

    persons = people.is_member & ~people.is_company & (people.joined >= 0)
    for year in range(shop.first_day.year, shop.last_day.year + 1):
        day = (people.birthdays(year) - shop.origin()).astype(int)
        given = np.flatnonzero(persons & (people.joined < day) & (day >= 0) & (day < shop.days))
        parts.append(
            _booking(
                given,
                day[given] * DAY + 8 * HOUR,
                "gift",
                np.full(len(given), BIRTHDAY_POINTS),
                day[given] + POINTS_LIVE_DAYS,
            )
        )
    return _joined(parts)


def _booking(
    customer: np.ndarray, second: np.ndarray, kind: str, amount: np.ndarray, expires: np.ndarray | None = None
) -> Events:
    import numpy as np

    never = np.full(len(customer), -1)
    return Events(
        customer,
        second,
        {
            "kind": np.full(len(customer), kind, dtype="U8"),
            "points": amount,
            "expires": never if expires is None else expires,
        },
    )
