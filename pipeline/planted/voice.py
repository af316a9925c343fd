"""What customers tell the shop: feedback, answers to surveys, service tickets. All follows from the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.planted import catalogue, words
from pipeline.planted.people import FREQUENT, NEEDS, SELDOM

if TYPE_CHECKING:
    import numpy as np

    from pipeline.planted.people import People
    from pipeline.planted.purchases import Lines, Orders
    from pipeline.planted.shop import Shop

HOUR = 3600
DAY = 24 * HOUR
NEED_TOPICS = {"function": "function", "service": "service", "experience": "experience"}
LEFT_TOPICS = {"quality": "quality", "service": "service", "price": "price"}
SLOW_AGENT = "A07"
AGENTS = tuple(f"A{number:02d}" for number in range(1, 13))

ENERGY_MONTHS = 6  # the last so many months in which green regions ask for energy saving more and more

KANO = {
    "function": "M",
    "quality": "M",
    "price": "M",
    "brand": "O",
    "service": "O",
    "experience": "O",
    "innovation": "A",
    "personalisation": "A",
    "convenience": "M",  # the textbook calls it attractive; these customers take it for granted
}
KANO_ANSWERS = {
    "M": ("must_be", "dislike"),
    "O": ("like", "dislike"),
    "A": ("like", "neutral"),
    "I": ("neutral", "neutral"),
}
KANO_CLARITY = 0.75  # share of pairs that give the planted class

WILLING_TO_PAY = {"too_cheap": 900, "cheap": 1500, "expensive": 2600, "too_expensive": 3600}
LOST_TO = "远山"


@dataclass(frozen=True)
class Feedback:
    """One element per item. Instants are seconds since day 0; -1 is "not (yet)"."""

    customer: np.ndarray
    order: np.ndarray
    channel: np.ndarray
    kind: np.ndarray
    topic: np.ndarray
    is_content: np.ndarray
    rating: np.ndarray
    created: np.ndarray
    responded: np.ndarray
    resolved: np.ndarray
    reopened: np.ndarray
    phrase: np.ndarray


@dataclass(frozen=True)
class Tickets:
    """One element per service ticket; instants as in Feedback."""

    customer: np.ndarray
    kind: np.ndarray
    opened: np.ndarray
    responded: np.ndarray
    closed: np.ndarray
    agent: np.ndarray
    csat: np.ndarray


@dataclass(frozen=True)
class Answers:
    """One element per answer to one question."""

    survey: np.ndarray
    wave: np.ndarray
    customer: np.ndarray
    question: np.ndarray
    kind: np.ndarray
    attribute: np.ndarray
    answer: np.ndarray
    second: np.ndarray
    channel: np.ndarray


def feedback(shop: Shop, people: People, orders: Orders) -> Feedback:
    """Reviews of orders; what a need makes people say; complaints before leaving; the wish to save energy."""
    import numpy as np

    chance = shop.chance("feedback")
    parts: list[tuple] = []  # customer, order, kind, topic, content, day

    own = np.flatnonzero((orders.customer >= 0) & (orders.kind == "own"))
    silent = people.is_silent[orders.customer[own]]
    reviewed = own[(chance.random(len(own)) < 0.08) & ~silent]
    who = orders.customer[reviewed]
    topic = chance.choice(words.TOPICS, len(reviewed))
    parts.append((who, reviewed, "review", topic, chance.random(len(who)) < 0.88, orders.day[reviewed] + 3))

    for need, about in NEED_TOPICS.items():
        them = np.flatnonzero((people.need == need) & ~people.of("prospect") & ~people.is_silent)
        who = np.repeat(them, chance.integers(3, 6, len(them)))
        # the last year is what the features look at; who had gone by then spoke before
        still = people.stops[who] > shop.days - 340
        since = np.where(still, np.maximum(people.joined[who], shop.days - 340), people.joined[who])
        day = since + (
            chance.random(len(who)) * np.maximum(np.minimum(people.stops[who] + 20, shop.days - 1) - since, 1)
        ).astype(int)
        kind = chance.choice(("suggestion", "enquiry", "review"), len(who), p=(0.5, 0.3, 0.2))
        parts.append(
            (who, np.full(len(who), -1), kind, np.full(len(who), about), chance.random(len(who)) < 0.6, day)
        )

    last = _last_order(people, orders)
    for reason, about in LEFT_TOPICS.items():
        them = np.flatnonzero((people.leave_reason == reason) & (last >= 0) & ~people.is_silent)
        them = them[chance.random(len(them)) < 0.85]
        who = np.repeat(them, 2)
        day = orders.day[last[who]] + np.tile((2, 9), len(them))
        parts.append((who, last[who], "complaint", np.full(len(who), about), np.zeros(len(who), bool), day))

    parts.append(_energy_wishes(shop, people, chance))

    customer, order, kind, topic, content, day = (
        np.concatenate([np.broadcast_to(part[column], len(part[0])) for part in parts]) for column in range(6)
    )
    inside = (day >= 0) & (day < shop.days)
    customer, order, kind, topic, content, day = (
        each[inside] for each in (customer, order, kind, topic, content, day)
    )
    at = np.lexsort((topic, customer, day))
    customer, order, kind, topic, content, day = (
        each[at] for each in (customer, order, kind, topic, content, day)
    )
    n = len(day)
    created = day * DAY + chance.integers(8 * HOUR, 23 * HOUR, n)
    over_service = (kind == "complaint") & (people.leave_reason[customer] == "service")
    hours = np.where(over_service, chance.uniform(90, 200, n), np.exp(chance.normal(2.6, 0.7, n)))
    answers = (kind != "review") | ~content
    responded = np.where(answers, created + (hours * HOUR).astype(int), -1)
    resolved = np.where(
        answers & ~over_service & (chance.random(n) < 0.92),
        responded + chance.integers(2 * HOUR, 4 * DAY, n),
        -1,
    )
    reopened = np.where((resolved >= 0) & (chance.random(n) < 0.06), resolved + 2 * DAY, -1)
    rating = np.where(content, chance.choice((4, 5), n, p=(0.4, 0.6)), chance.choice((1, 2), n))
    rated = (kind == "review") | ((kind == "complaint") & (chance.random(n) < 0.7))
    return Feedback(
        customer,
        order,
        chance.choice(("online", "phone", "hotline", "social"), n, p=(0.55, 0.15, 0.2, 0.1)),
        kind,
        topic,
        content,
        np.where(rated, rating, -1),
        created,
        responded,
        resolved,
        reopened,
        chance.integers(0, 1000, n),
    )


def _last_order(people: People, orders: Orders) -> np.ndarray:
    """Position of each customer's last own order; -1 without one."""
    import numpy as np

    last = np.full(len(people), -1)
    own = np.flatnonzero((orders.customer >= 0) & (orders.kind == "own"))
    last[orders.customer[own]] = own  # orders are in time order, so the last assignment is the last order
    return last


def _energy_wishes(shop: Shop, people: People, chance: np.random.Generator) -> tuple:
    """A steady trickle everywhere; in green regions ten times as much by the last month."""
    import numpy as np

    green = np.array(["green_region" in city[8] for city in catalogue.CITIES])[people.city]
    who, days = [], []
    for months_ago in range(shop.days // 30):
        asks = np.where(
            green & (months_ago < ENERGY_MONTHS), 0.06 * (ENERGY_MONTHS - months_ago) / ENERGY_MONTHS, 0.004
        )
        start = shop.days - 30 * (months_ago + 1)
        there = (
            (people.joined >= 0)
            & (people.joined <= start)
            & ~people.is_silent
            & people.of(*FREQUENT, *SELDOM, "one_time")
        )
        them = np.flatnonzero(there & (chance.random(len(people)) < asks))
        who.append(them)
        days.append(start + chance.integers(0, 30, len(them)))
    who, days = np.concatenate(who), np.concatenate(days)
    return (
        who,
        np.full(len(who), -1),
        "suggestion",
        np.full(len(who), "energy_saving"),
        np.zeros(len(who), bool),
        days,
    )


def sentences(people: People, shelf: catalogue.Products, lines: Lines, said: Feedback) -> list[str]:
    """The text of each item: about what was bought where the item names an order."""
    import numpy as np

    first_line = np.searchsorted(lines.order, np.maximum(said.order, 0))
    category = np.where(said.order >= 0, shelf.category[lines.product[first_line]], -1)
    in_english = people.speaks_english[said.customer]
    both = np.array(
        [(catalogue.CATEGORIES[name][0], catalogue.CATEGORIES[name][1].lower()) for name in catalogue.NAMES]
    )
    things = np.where(
        category >= 0, both[category, in_english.astype(int)], np.where(in_english, "product", "产品")
    )
    energy = said.topic == "energy_saving"
    things = np.where(energy, np.where(in_english, "air conditioner", "空调"), things)
    columns = (said.topic, said.is_content, in_english, said.phrase, things)
    return [words.said(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def tickets(shop: Shop, people: People, orders: Orders) -> Tickets:
    """Who needs service calls about most orders, all others about few. One agent is slow, and marked down."""
    import numpy as np

    chance = shop.chance("tickets")
    own = np.flatnonzero((orders.customer >= 0) & (orders.kind == "own"))
    customer = orders.customer[own]
    asks = np.where(people.need[customer] == "service", 0.80, 0.04) * ~people.is_silent[customer]
    called = own[chance.random(len(own)) < asks]
    customer = orders.customer[called]
    day = orders.day[called] + chance.integers(1, 10, len(called))
    customer, day = customer[day < shop.days], day[day < shop.days]
    n = len(day)
    agent = chance.choice(AGENTS, n)
    slow = agent == SLOW_AGENT
    opened = day * DAY + chance.integers(8 * HOUR, 21 * HOUR, n)
    responded = opened + (np.exp(chance.normal(1.5, 0.6, n)) * np.where(slow, 12, 1) * HOUR).astype(int)
    closed = responded + chance.integers(HOUR, 3 * DAY, n)
    csat = np.where(slow, chance.choice((1, 2, 3), n), chance.choice((3, 4, 5), n, p=(0.2, 0.4, 0.4)))
    return Tickets(
        customer,
        chance.choice(("install", "repair", "enquiry"), n, p=(0.35, 0.35, 0.3)),
        opened,
        responded,
        closed,
        agent,
        np.where(chance.random(n) < 0.6, csat, -1),
    )


def answers(shop: Shop, people: People) -> Answers:
    """One survey a quarter, each customer asked at most once per survey."""
    import numpy as np

    chance = shop.chance("surveys")
    rows: list[tuple] = []  # survey, wave, customer, question, kind, attribute, answer, day
    talkative = ~people.is_silent & ~people.of("prospect")
    told = np.flatnonzero(talkative)

    def ask(survey: str, day: int, who: np.ndarray, kind: str, attribute: str, answer: np.ndarray) -> None:
        present = (people.joined[who] >= 0) & (people.joined[who] < day)
        who, answer = who[present], np.asarray(answer).astype(str)[present]
        n = len(who)
        wave = str(shop.origin() + day)[:7]
        question = f"{kind}:{attribute}" if attribute else kind
        columns = (survey, wave, who, question, kind, attribute, answer, np.full(n, day))
        rows.append(tuple(np.broadcast_to(column, n) for column in columns))

    def some(who: np.ndarray, share: float) -> np.ndarray:
        return np.sort(chance.permutation(who)[: round(len(who) * share)])

    late = shop.days - 40
    content = np.where(np.isin(people.leave_reason, ("quality", "service")), 2.2, 4.2)
    for quarter in range(1, shop.days // 91):
        day = shop.days - 91 * quarter + 30
        who = some(told[people.stops[told] > day - 60], 0.15)
        n = len(who)
        csat = np.clip(np.rint(content[who] + chance.normal(0, 0.7, n)), 1, 5).astype(int)
        ask("SATISFACTION", day, who, "csat", "", csat)
        promoter = np.where(people.referrer[who] >= 0, 0.5, 0) + 2 * content[who]
        ask(
            "SATISFACTION",
            day,
            who,
            "nps",
            "",
            np.clip(np.rint(promoter + chance.normal(0, 1.2, n)), 0, 10).astype(int),
        )

    who = some(np.flatnonzero(talkative & ~people.of("unsettled")), 0.45)
    for attribute in ("price", "function", "service", "quality_brand", "experience"):
        wanted = people.need[who] == attribute
        ask("NEEDS", late, who, "importance", attribute, np.where(wanted, 5, chance.integers(1, 4, len(who))))
    who = some(told[people.age_band[told] == "young"], 0.5)
    looks = np.where(people.need[who] == "price", 2, 5) - (chance.random(len(who)) < 0.15)
    price = np.where(people.need[who] == "price", 5, 2) + (chance.random(len(who)) < 0.15)
    ask("NEW-PRODUCT", late + 5, who, "importance", "appearance", looks)
    ask("NEW-PRODUCT", late + 5, who, "importance", "product_price", np.minimum(price, 5))

    who = some(told, 0.30)
    for attribute, planted in KANO.items():
        shown = np.where(
            chance.random(len(who)) < KANO_CLARITY, planted, chance.choice(tuple(KANO_ANSWERS), len(who))
        )
        for side, kind in enumerate(("kano_functional", "kano_dysfunctional")):
            ask(
                "KANO",
                late - 10,
                who,
                kind,
                attribute,
                np.array([KANO_ANSWERS[each][side] for each in shown]),
            )

    who = some(told, 0.15)
    for point, typical in WILLING_TO_PAY.items():
        price = np.rint(typical * np.exp(chance.normal(0, 0.15, len(who))) / 10) * 10
        ask("PRICE", late - 20, who, "price_van_westendorp", point, price.astype(int))

    _ask_why(people, chance, ask, some, late)
    _ask_life(people, chance, ask, some(told, 0.25), late - 30)

    survey, wave, customer, question, kind, attribute, answer, day = (
        np.concatenate([row[column] for row in rows]) for column in range(8)
    )
    second = day * DAY + chance.integers(9 * HOUR, 21 * HOUR, len(day))
    channel = chance.choice(("online", "phone", "e-mail", "interview"), len(day), p=(0.6, 0.2, 0.15, 0.05))
    return Answers(survey, wave, customer, question, kind, attribute, answer, second, channel)


def _ask_why(people: People, chance: np.random.Generator, ask, some, late: int) -> None:
    """Why they left, what keeps them from buying, why they never came back, and to whom they went."""
    import numpy as np

    heard = ~people.is_silent
    who = some(np.flatnonzero(heard & (people.leave_reason != "")), 0.45)
    ask("LEFT", late + 2, who, "churn_reason", "", people.leave_reason[who])
    who = some(np.flatnonzero(heard & (people.barrier != "")), 0.60)
    ask("BARRIER", late + 2, who, "purchase_barrier", "", people.barrier[who])
    to_rival = who[people.barrier[who] == "competitor"]
    ask("BARRIER", late + 2, to_rival, "lost_to", "", np.full(len(to_rival), LOST_TO))
    who = some(np.flatnonzero(heard & (people.stop_reason != "")), 0.50)
    ask("CALL-BACK", late + 3, who, "stop_reason", "", people.stop_reason[who])


def _ask_life(people: People, chance: np.random.Generator, ask, who: np.ndarray, day: int) -> None:
    """Motives, ways of living, budgets and brands: one questionnaire."""
    import numpy as np

    n = len(who)
    need = np.array([NEEDS.index(name) for name in people.need[who]])
    motives = np.array(("save_money", "get_things_done", "be_looked_after", "own_the_best", "enjoy", "habit"))
    ask("LIFE", day, who, "motive", "", motives[need])
    young = people.age_band[who] == "young"
    ask(
        "LIFE",
        day,
        who,
        "lifestyle",
        "",
        np.where(young, "urban_night", np.where(people.family_size[who] > 2, "family", "quiet")),
    )
    ask("LIFE", day, who, "life_value", "", np.where(young, "novelty", "security"))
    ask(
        "LIFE",
        day,
        who,
        "repurchase_intent",
        "",
        np.where(people.leave_reason[who] == "", chance.integers(7, 11, n), chance.integers(0, 4, n)),
    )
    tight = people.price_tier[who] == "budget"
    ask("LIFE", day, who, "budget", "", np.where(tight, "limited", "enough"))
    ask(
        "LIFE",
        day,
        who,
        "perceived_value",
        "",
        np.where(tight, chance.integers(2, 5, n), chance.integers(3, 6, n)),
    )
    ask("LIFE", day, who, "brand_awareness", "青原", np.where(chance.random(n) < 0.7, "yes", "no"))
    ask(
        "LIFE",
        day,
        who,
        "finance_employment",
        "",
        chance.choice(("employed", "self_employed", "retired", "student"), n),
    )
