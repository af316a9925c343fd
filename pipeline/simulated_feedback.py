"""SIMULATED feedback, survey answers and returns for the demo: none of it was said or done by anybody.

Complete Journey has sales but no customer's voice. So that the stages which read feedback have something to
read, this module makes some up from the purchases: who bought what and when is real, what they thought of it
is drawn.

Every draw is a hash of the seed, the thing drawn for (basket, household, questionnaire) and what is drawn. No
generator is shared between draws, so the rows do not depend on the order of the purchases, and what is made
up for a day depends on nothing bought after it. Rates are engineering defaults, chosen to be plausible for a
supermarket.

A weekly file, delivered on a Monday, holds what happened on the seven local days before it. A feedback row is
delivered when it is written and again in each later week in which it was answered or resolved, with the times
known by then: the way a ticket system sends changes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SEED = 8451
NEW_YORK = ZoneInfo("America/New_York")

# Share of the baskets that are spoken of: about 6 % of a month's households, frequent ones more often.
FEEDBACK_RATE = 0.0125
# Share of the baskets of which something is brought back, and of those the share brought back whole.
RETURN_RATE = 0.015
WHOLE_BASKET_RATE = 0.08
# Weighed goods and petrol are booked in hundreds of units; nobody brings those back.
RETURNABLE_QUANTITY = 20
# Once a quarter each known household may be asked, and may answer.
SURVEY_RATE = 0.30
RESPONSE_RATE = 0.28
# A household that has not bought for this long is asked why instead of what it values.
SILENT_DAYS = 60

FEEDBACK = "feedback"
SURVEY_RESPONSES = "survey_responses"
RETURNS = "returns"

COLUMNS = {
    FEEDBACK: (
        "feedback_id",
        "household_id",
        "channel",
        "kind",
        "topic",
        "rating",
        "text",
        "created_at",
        "first_response_at",
        "resolved_at",
        "related_basket_id",
    ),
    SURVEY_RESPONSES: (
        "survey_id",
        "wave",
        "household_id",
        "question_id",
        "question_kind",
        "attribute",
        "answer",
        "answered_at",
        "channel",
    ),
    RETURNS: (
        "return_id",
        "household_id",
        "basket_id",
        "product_id",
        "returned_at",
        "quantity",
        "amount",
        "reason_code",
    ),
}

TOPICS = ("price", "function", "quality", "service", "delivery", "experience")
FEEDBACK_CHANNELS = ("online", "phone", "hotline", "social", "survey")
SURVEY_CHANNELS = ("online", "e-mail", "phone")
RETURN_REASONS = ("damaged", "spoiled", "wrong_item", "not_as_expected", "changed_mind")
CHURN_REASONS = ("price", "quality", "service", "moved_away", "competitor", "no_longer_needed")

# (topic, good or bad) → phrases as (Chinese, English); a household always writes in one language.
PHRASES: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("price", "bad"): (
        ("比上个月贵了不少", "Clearly dearer than last month"),
        ("标价和收银台不一致", "Shelf price and till price differ"),
        ("优惠券用不了", "The coupon was refused at the till"),
    ),
    ("price", "good"): (
        ("折扣很实在", "The discount is a real one"),
        ("同样的东西这里最便宜", "Cheapest place for the same thing"),
    ),
    ("function", "bad"): (
        ("包装打不开，用着不方便", "The pack is hard to open"),
        ("没有小包装", "No small pack to be had"),
    ),
    ("function", "good"): (
        ("分量正好够一家人", "Just the right size for the family"),
        ("重复封口很好用", "The resealable pack works well"),
    ),
    ("quality", "bad"): (
        ("水果买回来就坏了", "The fruit was bad when I got home"),
        ("快过期的还在卖", "Sold right before its best-before date"),
        ("面包不新鲜", "The bread was stale"),
    ),
    ("quality", "good"): (
        ("蔬菜很新鲜", "The vegetables are fresh"),
        ("自有品牌质量不错", "The own brand is good quality"),
    ),
    ("service", "bad"): (
        ("排队时间太长", "The queue took far too long"),
        ("没人能回答我的问题", "Nobody could answer my question"),
    ),
    ("service", "good"): (
        ("收银员很热情", "The cashier was very friendly"),
        ("退货处理得很快", "The return was settled quickly"),
    ),
    ("delivery", "bad"): (
        ("送货晚了两天", "Delivered two days late"),
        ("少送了一件", "One item was missing from the delivery"),
    ),
    ("delivery", "good"): (
        ("送货准时", "Delivered on time"),
        ("包装完好", "Everything arrived undamaged"),
    ),
    ("experience", "bad"): (
        ("货架太乱，找不到东西", "Shelves so untidy that I found nothing"),
        ("停车位太少", "Too few places to park"),
    ),
    ("experience", "good"): (
        ("店里干净明亮", "The shop is clean and bright"),
        ("逛起来很舒服", "Pleasant to walk around in"),
    ),
    ("price", "ask"): (("这个优惠到什么时候？", "How long does this offer last?"),),
    ("function", "ask"): (("有无糖的吗？", "Is there one without sugar?"),),
    ("quality", "ask"): (("产地是哪里？", "Where does it come from?"),),
    ("service", "ask"): (("节假日几点开门？", "When do you open on holidays?"),),
    ("delivery", "ask"): (("可以送到家吗？", "Do you deliver to the door?"),),
    ("experience", "ask"): (("会有自助收银吗？", "Will there be self-checkout?"),),
    ("price", "wish"): (("希望多些会员价", "More member prices please"),),
    ("function", "wish"): (("希望有更小的包装", "Please offer smaller packs"),),
    ("quality", "wish"): (("希望多进本地蔬菜", "More local vegetables please"),),
    ("service", "wish"): (("希望多开一个收银台", "Please open one more till"),),
    ("delivery", "wish"): (("希望晚上也能送货", "Please deliver in the evening too"),),
    ("experience", "wish"): (("希望指示牌更清楚", "Clearer signs please"),),
}


class Basket(NamedTuple):
    """One purchase: who, which, when (UTC without a zone)."""

    household_id: int
    basket_id: int
    bought_at: datetime


class Line(NamedTuple):
    """One product of a basket: units, and what was paid for them in USD."""

    product_id: int
    quantity: int
    paid: Decimal


def simulate(
    baskets: Sequence[Basket], returned_lines: Mapping[int, Sequence[Line]], deliveries: Sequence[date]
) -> dict[str, dict[date, list[tuple]]]:
    """Rows of each simulated extract by delivery day, sorted by id.

    ``baskets`` are all purchases, in any order; ``returned_lines`` the lines of the baskets for which
    ``is_returned`` holds; ``deliveries`` the Mondays on which files are sent. What would happen after the
    last of them does not happen.
    """
    rows = {
        FEEDBACK: _feedback(baskets, deliveries),
        SURVEY_RESPONSES: _survey_responses(baskets, deliveries),
        RETURNS: _returns(baskets, returned_lines, deliveries),
    }
    return {extract: {day: sorted(rows[extract][day]) for day in sorted(rows[extract])} for extract in rows}


def is_returned(basket: Basket) -> bool:
    """Whether something of the basket is brought back."""
    return _draw("returned", basket.basket_id) < RETURN_RATE


def _feedback(baskets: Iterable[Basket], deliveries: Sequence[date]) -> dict[date, list[tuple]]:
    """At most one row per basket; delivered again after each change."""
    files: dict[date, list[tuple]] = defaultdict(list)
    for basket in baskets:
        key = basket.basket_id
        if _draw("spoken of", key) >= FEEDBACK_RATE:
            continue
        created_at = basket.bought_at + _hours(1, 72, "created", key)
        mood = _mood(basket.household_id)
        kind = _pick(
            ("complaint", "suggestion", "review", "enquiry"),
            (0.50 - 0.35 * mood, 0.15, 0.15 + 0.35 * mood, 0.20),
            "kind",
            key,
        )
        topic = _pick(TOPICS, (0.24, 0.08, 0.26, 0.20, 0.08, 0.14), "topic", key)
        rating = {
            "complaint": 1 + int(2 * _draw("rating", key)),
            "review": 1 + min(4, int(5 * _leaning(mood, "rating", key))),
        }.get(kind)
        tone = {"complaint": "bad", "enquiry": "ask", "suggestion": "wish"}.get(
            kind, "good" if (rating or 0) >= 3 else "bad"
        )
        phrases = PHRASES[topic, tone]
        phrase = phrases[int(_draw("text", key) * len(phrases))]
        answered_at = resolved_at = None
        if kind != "review" and _draw("answered", key) < 0.93:
            answered_at = created_at + _hours(1, 96, "answer", key)
            if _draw("resolved", key) < 0.90:
                resolved_at = answered_at + _hours(0, 12 * 24, "resolution", key)
        changes = [at for at in (created_at, answered_at, resolved_at) if at is not None]
        for delivered_on in sorted({_monday_after(at) for at in changes}):
            if delivered_on > deliveries[-1]:
                break
            files[delivered_on].append(
                (
                    f"F{key}",
                    basket.household_id,
                    _pick(FEEDBACK_CHANNELS, (0.40, 0.20, 0.15, 0.15, 0.10), "channel", key),
                    kind,
                    topic,
                    rating,
                    phrase[_draw("language", basket.household_id) < 0.5],
                    created_at,
                    _known(answered_at, delivered_on),
                    _known(resolved_at, delivered_on),
                    # An enquiry is seldom about a receipt.
                    key if kind != "enquiry" else None,
                )
            )
    return files


def _survey_responses(baskets: Iterable[Basket], deliveries: Sequence[date]) -> dict[date, list[tuple]]:
    """One row per question of an answered questionnaire; a household is asked at most once a quarter."""
    bought: dict[int, list[datetime]] = defaultdict(list)
    for basket in baskets:
        bought[basket.household_id].append(basket.bought_at)
    files: dict[date, list[tuple]] = defaultdict(list)
    year = deliveries[0].year
    for household_id, instants in bought.items():
        mood = _mood(household_id)
        for quarter in (1, 2, 3, 4):
            key = (household_id, year, quarter)
            if _draw("asked", *key) >= SURVEY_RATE or _draw("replied", *key) >= RESPONSE_RATE:
                continue
            quarter_start = datetime(year, 3 * quarter - 2, 1, 14)
            answered_at = quarter_start + _hours(0, 90 * 24, "answered", *key)
            before = [at for at in instants if at < answered_at]
            delivered_on = _monday_after(answered_at)
            if not before or delivered_on > deliveries[-1]:
                continue
            answers: list[tuple[str, str, str, object]] = [
                ("csat_overall", "csat", "overall", 1 + min(4, int(5 * _leaning(mood, "csat", *key)))),
                ("nps", "nps", "overall", min(10, int(11 * _leaning(mood, "nps", *key)))),
            ]
            if answered_at - max(before) > timedelta(days=SILENT_DAYS):
                reason = _pick(CHURN_REASONS, (0.28, 0.14, 0.12, 0.18, 0.18, 0.10), "churn", *key)
                answers.append(("churn_reason", "churn_reason", "overall", reason))
            else:
                answers += [
                    (
                        f"importance_{topic}",
                        "importance",
                        topic,
                        1 + min(4, int(5 * _draw("importance", household_id, topic) ** 0.6)),
                    )
                    for topic in TOPICS
                ]
            channel = _pick(SURVEY_CHANNELS, (0.5, 0.3, 0.2), "survey channel", *key)
            files[delivered_on] += [
                (
                    f"S{year}Q{quarter}-{household_id}",
                    f"{year}-Q{quarter}",
                    household_id,
                    *answer,
                    answered_at,
                    channel,
                )
                for answer in answers
            ]
    return files


def _returns(
    baskets: Iterable[Basket], returned_lines: Mapping[int, Sequence[Line]], deliveries: Sequence[date]
) -> dict[date, list[tuple]]:
    """One row per product brought back; never more units or money than were sold."""
    files: dict[date, list[tuple]] = defaultdict(list)
    for basket in baskets:
        if not is_returned(basket):
            continue
        lines = [
            line
            for line in sorted(returned_lines[basket.basket_id])
            if 0 < line.quantity <= RETURNABLE_QUANTITY and line.paid > 0
        ]
        returned_at = basket.bought_at + _hours(18, 14 * 24, "return", basket.basket_id)
        delivered_on = _monday_after(returned_at)
        if not lines or delivered_on > deliveries[-1]:
            continue
        is_whole = _draw("whole", basket.basket_id) < WHOLE_BASKET_RATE
        if not is_whole:
            lines = [lines[int(_draw("line", basket.basket_id) * len(lines))]]
        for line in lines:
            key = (basket.basket_id, line.product_id)
            quantity = line.quantity if is_whole else 1 + int(_draw("units", *key) * line.quantity)
            amount = (line.paid * quantity / line.quantity).quantize(Decimal("0.01"), ROUND_DOWN)
            files[delivered_on].append(
                (
                    f"R{basket.basket_id}-{line.product_id}",
                    basket.household_id,
                    basket.basket_id,
                    line.product_id,
                    returned_at,
                    quantity,
                    amount,
                    _pick(RETURN_REASONS, (0.22, 0.28, 0.12, 0.22, 0.16), "reason", *key),
                )
            )
    return files


def _draw(*what: object) -> float:
    """A number in [0, 1) that depends on the seed and on what is drawn, and on nothing else."""
    text = ":".join(map(str, (SEED, *what)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48


def _pick(choices: Sequence[str], weights: Sequence[float], *what: object) -> str:
    """One of the choices, by weight; the weights add up to one."""
    left = _draw(*what)
    for choice, weight in zip(choices, weights, strict=True):
        left -= weight
        if left < 0:
            return choice
    return choices[-1]


def _mood(household_id: int) -> float:
    """How content a household is, all year: 0 not at all, 1 entirely; most are rather content."""
    return _draw("mood", household_id) ** 0.6


def _leaning(mood: float, *what: object) -> float:
    """A draw in [0, 1) that leans towards the mood."""
    return min(0.999, 0.7 * mood + 0.3 * _draw(*what))


def _hours(least: int, most: int, *what: object) -> timedelta:
    """A time span between two numbers of hours, in whole seconds; short ones are likelier than long ones."""
    return timedelta(seconds=round(3600 * (least + (most - least) * _draw(*what) ** 2)))


def _monday_after(at: datetime) -> date:
    """The first Monday after the local day of a UTC instant."""
    local = at.replace(tzinfo=ZoneInfo("UTC")).astimezone(NEW_YORK).date()
    return local + timedelta(days=7 - local.weekday())


def _known(at: datetime | None, delivered_on: date) -> datetime | None:
    """The instant, where it lies before the delivery day; a file cannot say what has not happened yet."""
    return at if at is not None and _monday_after(at) <= delivered_on else None
