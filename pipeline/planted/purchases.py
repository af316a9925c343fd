"""Orders, their lines and what came back: the purchases that follow from what is true of the customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.planted import catalogue

if TYPE_CHECKING:
    import numpy as np

    from pipeline.planted.campaigns import Touches
    from pipeline.planted.catalogue import Products
    from pipeline.planted.people import People
    from pipeline.planted.shop import Shop

GAP_SPREAD = 0.30  # of ln(gap)
MOST_ORDERS = 60
HOURS_OF_BAND = {"evening": (19, 24), "daytime": (9, 18), "morning": (7, 11)}
BAND_KEPT = 0.80  # share of orders within the customer's own hours

# categories a basket is filled from, by group (weights in the order of catalogue.NAMES)
#            grocery household dining apparel small hotel software phone appliance
BASKETS = {
    "loyal_big": (0, 0, 3, 3, 4, 4, 3, 0, 0),
    "potential_loyal": (0, 0, 0, 0, 0.5, 2, 0, 5, 3),
    "frequent_small": (5, 4, 2, 0, 0, 0, 0, 0, 0),
    "marginal": (3, 3, 3, 1, 0, 0, 0, 0, 0),
    "one_time": (3, 3, 3, 1, 0, 0, 0, 0, 0),
    "unsettled": (3, 3, 3, 1, 0, 0, 0, 0, 0),
}
BIG_ONE_TIME_BASKET = (0, 0, 0, 0, 0, 0, 0, 5, 4)
MOST_UNITS = 12

# price tier → weights of the shelves (practical, value, high_end)
SHELVES = {"budget": (0.90, 0.10, 0.0), "mid": (0.08, 0.84, 0.08), "premium": (0.0, 0.12, 0.88)}
PHONE_SHELVES = {"1": (0.05, 0.45, 0.50), "new1": (0.05, 0.45, 0.50), "2": (0.2, 0.6, 0.2)}
PHONE_SHELVES_ELSEWHERE = (0.60, 0.38, 0.02)

COST_SHARE = 0.60  # of the list price
DECLINE, GROWTH = 0.2, 3.5  # of the order value in the last 90 days


@dataclass(frozen=True)
class Orders:
    """One element per order, in the order of their ids. Days and customers are numbers, money cents."""

    order_id: np.ndarray
    customer: np.ndarray
    day: np.ndarray
    second: np.ndarray
    is_promoted: np.ndarray
    coupon: np.ndarray
    promotion: np.ndarray
    channel: np.ndarray
    status: np.ndarray
    kind: np.ndarray


@dataclass(frozen=True)
class Lines:
    """One element per order line."""

    order: np.ndarray
    line_no: np.ndarray
    product: np.ndarray
    qty: np.ndarray
    cents: np.ndarray
    discount: np.ndarray


@dataclass(frozen=True)
class Returns:
    """One element per returned line: linked to its order, or not."""

    line: np.ndarray
    day: np.ndarray
    reason: np.ndarray
    cents: np.ndarray
    is_linked: np.ndarray


def buy(shop: Shop, people: People, shelf: Products, touches: Touches) -> tuple[Orders, Lines, Returns]:
    """Everything bought and brought back from the first day to the last."""
    orders = _orders(shop, people, touches)
    lines = _lines(shop, people, shelf, orders)
    return orders, lines, _returns(shop, people, orders, lines)


def _occasions(shop: Shop, people: People) -> tuple[np.ndarray, np.ndarray]:
    """Customers and days of the purchases their own rhythm brings."""
    import numpy as np

    chance = shop.chance("rhythm")
    n = len(people)
    spread = np.exp(chance.normal(0, GAP_SPREAD, (n, MOST_ORDERS - 1)))
    gaps = np.maximum(np.rint(people.gap_days[:, None] * spread), 1)
    days = np.concatenate([people.joined[:, None], people.joined[:, None] + np.cumsum(gaps, axis=1)], axis=1)
    stops = np.where(people.state == "reactivated", shop.days - 300, people.stops)
    bought = (days < stops[:, None]) & ~people.of("prospect")[:, None]
    # a stray third order of a one-time buyer cannot be: they stop the day after the first
    customer, number = np.nonzero(bought)
    came_back = np.flatnonzero(people.state == "reactivated")
    again = shop.days - chance.integers(4, 25, len(came_back))
    return (
        np.concatenate([customer, came_back]),
        np.concatenate([days[customer, number].astype(int), again]),
    )


def _orders(shop: Shop, people: People, touches: Touches) -> Orders:
    import numpy as np

    chance = shop.chance("orders")
    customer, day = _occasions(shop, people)
    coupon = np.full(len(customer), "", dtype="U24")
    promotion = np.full(len(customer), "", dtype="U24")
    kind = np.full(len(customer), "own", dtype="U12")

    birthdays = _birthday_orders(shop, people, chance)
    extra = touches.answered()
    test, gift, cancelled = _orders_that_count_nowhere(shop, people, chance)
    parts = [
        (*birthdays, "BIRTHDAY", "", "birthday"),
        *((people_, days, "", campaign, "campaign") for campaign, people_, days in extra),
        (*test, "", "", "test"),
        (*gift, "", "", "gift_card"),
        (*cancelled, "", "", "cancelled"),
    ]
    for people_, days, code, campaign, what in parts:
        customer, day = np.concatenate([customer, people_]), np.concatenate([day, days])
        coupon = np.concatenate([coupon, np.full(len(days), code)])
        promotion = np.concatenate([promotion, np.full(len(days), campaign)])
        kind = np.concatenate([kind, np.full(len(days), what)])
    anonymous = chance.integers(0, shop.days, round(len(day) * 0.01))
    customer = np.concatenate([customer, np.full(len(anonymous), -1)])
    day = np.concatenate([day, anonymous])
    coupon, promotion = (np.concatenate([each, np.full(len(anonymous), "")]) for each in (coupon, promotion))
    kind = np.concatenate([kind, np.full(len(anonymous), "anonymous")])

    second, daytime_only = _seconds(people, customer, chance)
    weekend = ((shop.origin() + day).astype(int) + 3) % 7 >= 5  # day 0 of numpy was a Thursday
    moved = daytime_only & weekend & (day >= 2)  # a company buys on weekdays
    day = np.where(moved, day - 2, day)
    need = np.where(customer >= 0, people.need[customer], "none")
    tier = np.where(customer >= 0, people.price_tier[customer], "mid")
    promoted_share = np.select(
        [need == "price", need == "quality_brand", np.isin(tier, ("budget", "premium"))],
        [0.85, 0.005, 0.22],
        0.09,
    )
    is_promoted = (chance.random(len(day)) < promoted_share) | (coupon != "")
    month = np.datetime_as_string(shop.origin() + day, unit="M")
    promotion = np.where(
        is_promoted & (promotion == "") & (coupon == ""), np.char.add("SALE-", month), promotion
    )
    with_coupon = (need == "price") & is_promoted & (coupon == "") & (chance.random(len(day)) < 0.5)
    coupon = np.where(with_coupon, np.char.add("CUT-", month), coupon)

    own = np.where(customer >= 0, people.channel[customer], "store")
    channel = np.where(chance.random(len(day)) < 0.85, own, chance.choice(("app", "web", "store"), len(day)))
    status = np.where(kind == "cancelled", "cancelled", "completed")
    at = np.lexsort((customer, second, day))
    columns = (customer, day, second, is_promoted, coupon, promotion, channel, status, kind)
    ids = np.array([f"O{number:07d}" for number in range(1, len(at) + 1)])
    return Orders(ids, *(column[at] for column in columns))


def _birthday_orders(
    shop: Shop, people: People, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Frequent members buy within three days of a birthday more often than not: the birthday coupon works."""
    import numpy as np

    origin = shop.origin()
    customers, days = [], []
    for year in range(shop.first_day.year, shop.last_day.year + 1):
        day = (people.birthdays(year) - origin).astype(int) + chance.integers(0, 4, len(people))
        there = (
            (day >= people.joined) & (day < np.minimum(people.stops, shop.days)) & (people.state == "active")
        )
        comes = there & people.is_member & people.consents & ~people.is_company
        comes &= (people.need != "quality_brand") & people.of("loyal_big", "frequent_small")
        comes &= chance.random(len(people)) < 0.60
        customers.append(np.flatnonzero(comes))
        days.append(day[comes])
    return np.concatenate(customers), np.concatenate(days)


def _orders_that_count_nowhere(
    shop: Shop, people: People, chance: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Test orders, orders of a gift card alone, cancelled ones: beside the valid ones of the frequent."""
    import numpy as np

    steady = np.flatnonzero(people.of("loyal_big", "frequent_small") & (people.state == "active"))
    found = []
    for share in (0.02, 0.02, 0.20):
        customer = chance.choice(steady, max(2, round(len(steady) * share)), replace=False)
        first = people.joined[customer]
        found.append(
            (customer, first + 1 + (chance.random(len(customer)) * (shop.days - 2 - first)).astype(int))
        )
    return found


def _seconds(
    people: People, customer: np.ndarray, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Second of the day of each order, and whether it is a company's."""
    import numpy as np

    n = len(customer)
    band = np.where(customer >= 0, people.hours[customer], "daytime")
    company = (customer >= 0) & people.is_company[customer]
    own = company | (chance.random(n) < BAND_KEPT)
    band = np.where(own, band, "any")
    low = np.select(
        [band == name for name in HOURS_OF_BAND], [hours[0] for hours in HOURS_OF_BAND.values()], 7
    )
    high = np.select(
        [band == name for name in HOURS_OF_BAND], [hours[1] for hours in HOURS_OF_BAND.values()], 24
    )
    return ((low + chance.random(n) * (high - low)) * 3600).astype(int), company


def _lines(shop: Shop, people: People, shelf: Products, orders: Orders) -> Lines:
    import numpy as np

    chance = shop.chance("lines")
    n = len(orders.day)
    known = orders.customer >= 0
    big = known & people.is_big_one_time[orders.customer]
    group = np.where(known, people.group[orders.customer], "marginal")
    several = chance.choice((1, 2, 3), n, p=(0.5, 0.35, 0.15))
    several = np.where((orders.kind == "gift_card") | big | (group == "potential_loyal"), 1, several)
    order = np.repeat(np.arange(n), several)
    line_no = np.arange(len(order)) - np.repeat(np.cumsum(several) - several, several) + 1

    state = np.where(known, people.state[orders.customer], "")[order]
    late = orders.day[order] >= shop.days - 90
    basket = np.where(late & (state == "declining"), "frequent_small", group[order])
    weights = np.select(
        [(basket == name)[:, None] for name in BASKETS], [np.array([each]) for each in BASKETS.values()]
    )
    weights = np.where(big[order][:, None], BIG_ONE_TIME_BASKET, weights)
    upto = np.cumsum(weights, axis=1)
    category = (chance.random(len(order))[:, None] * upto[:, -1:] >= upto).sum(axis=1)
    product = _products(shop, people, shelf, orders, order, category, chance)
    cents = shelf.cents_on(product, orders.day[order])

    value = np.where(known, people.order_cents[orders.customer], 9000)[order] / several[order]
    value = (
        value
        * np.where(late & (state == "declining"), DECLINE, 1)
        * np.where(late & (state == "growing"), GROWTH, 1)
    )
    value = value * np.exp(chance.normal(0, 0.12, len(order)))
    qty = np.clip(np.rint(value / cents), 1, MOST_UNITS).astype(int)
    share = np.where(
        np.where(known, people.need[orders.customer] == "price", False)[order],
        chance.uniform(0.20, 0.35, len(order)),
        chance.uniform(0.05, 0.10, len(order)),
    )
    share = np.where(orders.is_promoted[order], share, 0)
    is_gift = orders.kind[order] == "gift_card"
    product = np.where(is_gift, np.flatnonzero(shelf.product_id == catalogue.GIFT_CARD)[0], product)
    cents = np.where(is_gift, 20_000, cents)
    return Lines(
        order,
        line_no,
        product,
        np.where(is_gift, 1, qty),
        cents,
        np.rint(qty * cents * share).astype(int) * ~is_gift,
    )


def _products(
    shop: Shop,
    people: People,
    shelf: Products,
    orders: Orders,
    order: np.ndarray,
    category: np.ndarray,
    chance: np.random.Generator,
) -> np.ndarray:
    """A product for each line: shelf by purse (phones also by city), use by occasion, brand by habit."""
    import numpy as np

    n = len(order)
    customer = orders.customer[order]
    known = customer >= 0
    purse = np.where(known, people.price_tier[customer], "mid")
    weights = np.select([(purse == name)[:, None] for name in SHELVES], list(SHELVES.values()))
    city_tier = np.array([row[3] for row in catalogue.CITIES])[np.where(known, people.city[customer], 0)]
    phones = np.select(
        [(city_tier == name)[:, None] for name in PHONE_SHELVES],
        list(PHONE_SHELVES.values()),
        PHONE_SHELVES_ELSEWHERE,
    )
    mid_phone = (category == catalogue.NAMES.index("phone")) & (purse == "mid")
    weights = np.where(mid_phone[:, None], phones, weights)
    tier = (chance.random(n)[:, None] >= np.cumsum(weights, axis=1)[:, :2]).sum(axis=1)

    need = np.where(known, people.need[customer], "none")
    loyal = chance.random(n) < np.where(need == "quality_brand", 0.92, 0.30)
    brand = np.where(loyal & known, people.brand[customer], chance.integers(0, len(catalogue.BRANDS), n))
    occasion = np.where(known, people.occasion[customer], "unknown")
    use = np.select([occasion == "family", occasion == "business"], [1, 2], 0)

    shelves = np.full((len(catalogue.NAMES), 3, len(catalogue.TIERS), len(catalogue.BRANDS)), -1)
    drops = np.full((len(catalogue.NAMES), shop.days // catalogue.DROP_EVERY_DAYS + 1), -1)
    for number, product_id in enumerate(shelf.product_id.tolist()):
        at = shelf.category[number]
        if product_id in (catalogue.GIFT_CARD, catalogue.NEW_PRODUCT):
            continue
        if shelf.launched[number] >= 0:
            drops[at, shelf.launched[number] // catalogue.DROP_EVERY_DAYS] = number
            continue
        word = shelf.use[number]
        uses = [catalogue.DINING_USES.index(word)] if catalogue.NAMES[at] == "dining" else [0, 1, 2]
        shelves[at, uses, shelf.tier[number], shelf.brand[number]] = number
    product = shelves[category, use, tier, brand]
    new = chance.random(n) < np.where(need == "experience", 0.55, 0.03) * (tier == 1)
    day = orders.day[order]
    product = np.where(new, drops[category, day // catalogue.DROP_EVERY_DAYS], product)
    novelty = np.flatnonzero(shelf.product_id == catalogue.NEW_PRODUCT)[0]
    is_phone = (category == catalogue.NAMES.index("phone")) & (day >= shelf.launched[novelty])
    return np.where(is_phone & (tier == 2) & (chance.random(n) < 0.10), novelty, product)


def _returns(shop: Shop, people: People, orders: Orders, lines: Lines) -> Returns:
    """One line in fifty comes back, and a defect of who leaves over quality. Never a whole one-time order."""
    import numpy as np

    chance = shop.chance("returns")
    customer = orders.customer[lines.order]
    known = customer >= 0
    frequent = (
        known & people.of("loyal_big", "frequent_small")[customer] & (orders.kind[lines.order] == "own")
    )
    ordinary = frequent & (chance.random(len(customer)) < 0.02)

    last_day = np.full(len(people), -1)
    own = orders.customer >= 0
    np.maximum.at(last_day, orders.customer[own], orders.day[own])
    at_the_end = known & (
        orders.day[lines.order] >= last_day[customer] - np.where(known, people.gap_days[customer] * 3, 0)
    )
    over_quality = frequent & at_the_end & (people.leave_reason[customer] == "quality") & (lines.line_no == 1)
    over_quality &= chance.random(len(customer)) < 0.6

    line = np.flatnonzero(ordinary | over_quality)
    day = orders.day[lines.order[line]] + chance.integers(2, 12, len(line))
    inside = day < shop.days
    line, day = line[inside], day[inside]
    paid = lines.qty[line] * lines.cents[line] - lines.discount[line]
    reason = np.where(
        over_quality[line], "defect", chance.choice(("not_liked", "wrong_size", "late"), len(line))
    )
    return Returns(line, day, reason, paid // lines.qty[line], chance.random(len(line)) < 0.9)
