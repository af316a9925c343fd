"""The twenty-one extracts of the standard contract, row by row with the day each row is delivered.

What changes after it was first sent is sent again: each version shows only what had happened by the evening
before its delivery. So a feedback item comes open, then answered, then
resolved, as a service desk would export it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.planted import attention, catalogue, purchases, voice
from pipeline.planted.campaigns import CAMPAIGNS, LENGTH_DAYS
from pipeline.planted.shop import monthly, nightly, weekly

if TYPE_CHECKING:
    import numpy as np

    from pipeline.planted.campaigns import Touches
    from pipeline.planted.catalogue import Products
    from pipeline.planted.people import People
    from pipeline.planted.shop import Shop

    Schedule = Callable[[Shop, np.ndarray], np.ndarray]

HOUR = 3600
DAY = 24 * HOUR
PAID_AFTER = 60
COMPLETED_AFTER = 3 * DAY


@dataclass(frozen=True)
class Rows:
    """Rows of one extract as text, in the order they are written, and the day number each is delivered on."""

    delivered: np.ndarray
    columns: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.delivered)


@dataclass(frozen=True)
class Life:
    """Everything that happened in the shop; what the extracts show and the truth knows."""

    people: People
    shelf: Products
    touches: Touches
    orders: purchases.Orders
    lines: purchases.Lines
    returns: purchases.Returns
    feedback: voice.Feedback
    tickets: voice.Tickets
    answers: voice.Answers
    usage: attention.Events
    browsing: attention.Events
    stage: np.ndarray
    messages: attention.Events
    sharing: attention.Events
    influential: np.ndarray
    invitations: attention.Events
    points: attention.Events


# --- values as text ----------------------------------------------------------------------------------------


def instants(shop: Shop, second: np.ndarray) -> list[str]:
    """Local time; below 0 nothing."""
    import numpy as np

    moments = shop.origin().astype("datetime64[s]") + np.asarray(second)
    texts = np.char.replace(np.datetime_as_string(moments, unit="s"), "T", " ")
    return np.where(np.asarray(second) < 0, "", texts).tolist()


def days(shop: Shop, day: np.ndarray) -> list[str]:
    """Local day; below 0 nothing."""
    import numpy as np

    texts = np.datetime_as_string(shop.origin() + np.asarray(day), unit="D")
    return np.where(np.asarray(day) < 0, "", texts).tolist()


def money(cents: np.ndarray) -> list[str]:
    """Cents as an amount."""
    return [f"{amount // 100}.{amount % 100:02d}" for amount in cents.tolist()]


def whole(number: np.ndarray) -> list[str]:
    """Counts; below 0 nothing."""
    return ["" if value < 0 else str(value) for value in number.tolist()]


def yes_no(flag: np.ndarray) -> list[str]:
    """Truth values in small letters."""
    return ["true" if value else "false" for value in flag.tolist()]


def plain(column: Iterable[object]) -> list[str]:
    """A column of reference data: dates, amounts and words as they are, nothing for what is not known."""
    return [_text(value) for value in column]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.2f}" if isinstance(value, float) and value >= 1 else str(value)


def dated(column: np.ndarray) -> list[str]:
    """The same, where the column may be one of numpy's days or instants."""
    import numpy as np

    column = np.asarray(column)
    if column.dtype.kind != "M":
        return plain(column.tolist())
    unit = "s" if column.dtype == np.dtype("datetime64[s]") else "D"
    texts = np.char.replace(np.datetime_as_string(column, unit=unit), "T", " ")
    return np.where(np.isnat(column), "", texts).tolist()


# --- versions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Versions:
    """Which record each sent row is of, when it is delivered, and what of its later instants it may show."""

    record: np.ndarray
    delivered: np.ndarray
    shown: dict[str, np.ndarray]
    updated: np.ndarray


def versions(shop: Shop, schedule: Schedule, first: np.ndarray, later: dict[str, np.ndarray]) -> Versions:
    """A row when the record begins (`first`, seconds), and one for each delivery by which it had changed."""
    import numpy as np

    records, deliveries = [np.arange(len(first))], [schedule(shop, first // DAY)]
    for second in later.values():
        happened = np.flatnonzero((second >= 0) & (second < shop.days * DAY))
        records.append(happened)
        deliveries.append(schedule(shop, second[happened] // DAY))
    pairs = np.unique(np.column_stack([np.concatenate(deliveries), np.concatenate(records)]), axis=0)
    delivered, record = pairs[:, 0], pairs[:, 1]
    shown = {}
    updated = first[record]
    for name, second in later.items():
        seen = np.where(second[record] < delivered * DAY, second[record], -1)
        shown[name] = seen
        updated = np.maximum(updated, seen)
    return Versions(record, delivered, shown, updated)


def _once(shop: Shop, schedule: Schedule, second: np.ndarray) -> Versions:
    return versions(shop, schedule, second, {})


# --- the extracts ------------------------------------------------------------------------------------------


def assemble(shop: Shop, life: Life) -> dict[str, Rows]:
    """Extract → its rows, of everything that happened."""
    return {
        "customers": _customers(shop, life),
        "orders": _orders(shop, life),
        "order_lines": _order_lines(shop, life),
        "returns": _returns(shop, life),
        "feedback": _feedback(shop, life),
        "survey_responses": _survey_responses(shop, life),
        "service_tickets": _service_tickets(shop, life),
        "usage_events": _usage_events(shop, life),
        "web_events": _web_events(shop, life),
        "interactions": _interactions(shop, life),
        "social": _social(shop, life),
        "referrals": _referrals(shop, life),
        "campaigns": _campaigns(shop),
        "campaign_touches": _campaign_touches(shop, life),
        "products": _products(shop, life.shelf),
        "regions": _reference(catalogue.region_rows(shop)),
        "holidays": _reference(catalogue.holiday_rows(shop)),
        "market": _reference(catalogue.market_rows(shop)),
        "feature_releases": _feature_releases(shop, life.shelf),
        "loyalty_points": _loyalty_points(shop, life),
        "competitors": _reference(catalogue.competitor_rows(shop)),
    }


def _ids(life: Life, customer: np.ndarray) -> list[str]:
    import numpy as np

    return np.where(customer >= 0, life.people.customer_id[customer], "").tolist()


def _customers(shop: Shop, life: Life) -> Rows:
    import numpy as np

    people = life.people
    chance = shop.chance("customers")
    created = np.maximum(people.created, 0) * DAY + chance.integers(0, 6 * HOUR, len(people))
    member = created + chance.integers(10, 40, len(people)) * DAY
    sent = versions(shop, weekly, created, {"member": np.where(people.is_member, member, -1)})
    who = sent.record
    cities = np.array([city[:3] for city in catalogue.CITIES])[people.city[who]]
    is_member = sent.shown["member"] >= 0
    level = np.where(people.of("loyal_big")[who], "gold", "silver")
    owned = people.is_company[who] | people.of("loyal_big")[who]
    owner = np.array([f"E{number:02d}" for number in np.arange(len(people)) % 8])[who]
    ages = np.where(people.is_company[who], "", people.age_band[who])
    income = np.select(
        [people.price_tier == "premium", people.price_tier == "budget"], ["high", "low"], "middle"
    )[who]
    work = chance.choice(
        ("工程师 engineer", "教师 teacher", "个体户 self-employed", "销售 sales"), len(people)
    )
    work = np.where(people.age_band == "senior", "退休 retired", work)[who]
    school = chance.choice(
        ("bachelor", "college", "high_school", "master"), len(people), p=(0.4, 0.3, 0.2, 0.1)
    )
    company = people.is_company[who]
    return Rows(
        sent.delivered,
        {
            "customer_id": people.customer_id[who].tolist(),
            "created_at": instants(shop, created[who]),
            "name": people.name[who].tolist(),
            "phone_hash": people.phone[who].tolist(),
            "email_hash": people.email[who].tolist(),
            "crm_id": [f"CRM-{number + 1:06d}" for number in who.tolist()],
            "gender": np.where(company, "", people.gender[who]).tolist(),
            "birth_on": np.datetime_as_string(people.birth_on[who], unit="D").tolist(),
            "age_band": ages.tolist(),
            "income_band": income.tolist(),
            "occupation": work.tolist(),
            "education": school[who].tolist(),
            "family_size": whole(people.family_size[who]),
            "customer_kind": np.where(company, "company", "consumer").tolist(),
            "industry": np.where(
                company, np.array(["制造 manufacturing", "贸易 trade"])[who % 2], ""
            ).tolist(),
            "company_size": np.where(company, np.array(["1-49", "50-249", "250+"])[who % 3], "").tolist(),
            "country": cities[:, 0].tolist(),
            "province": cities[:, 1].tolist(),
            "city": cities[:, 2].tolist(),
            "account_owner": np.where(owned, owner, "").tolist(),
            "account_owner_since_on": np.where(owned, days(shop, created[who] // DAY), "").tolist(),
            "is_member": yes_no(is_member),
            "member_level": np.where(is_member, level, "").tolist(),
            "membership_joined_on": np.where(
                is_member, days(shop, np.maximum(sent.shown["member"], 0) // DAY), ""
            ).tolist(),
            "consent_marketing": yes_no(people.consents[who]),
            "consent_personalisation": yes_no(people.consents[who] | (who % 3 == 0)),
            "updated_at": instants(shop, sent.updated),
        },
    )


def _orders(shop: Shop, life: Life) -> Rows:
    import numpy as np

    orders, lines = life.orders, life.lines
    ordered = orders.day * DAY + orders.second
    paid = np.minimum(ordered + PAID_AFTER, shop.days * DAY - 1)
    sent = versions(shop, nightly, ordered, {"paid": paid, "final": ordered + COMPLETED_AFTER})
    at = sent.record
    listed = np.bincount(lines.order, lines.qty * lines.cents, len(ordered)).astype(int)
    taken = np.bincount(lines.order, lines.discount, len(ordered)).astype(int)
    customer = orders.customer[at]
    known = customer >= 0
    city = np.array([row[2] for row in catalogue.CITIES])[np.where(known, life.people.city[customer], 0)]
    company = known & life.people.is_company[customer]
    is_final = sent.shown["final"] >= 0
    delivery = np.select(
        [orders.channel == "store", orders.channel == "tv"], ["pickup", "courier"], "express"
    )[at]
    payment = np.select(
        [orders.channel == "app", orders.channel == "store"], ["wechat_pay", "cash"], "alipay"
    )[at]
    return Rows(
        sent.delivered,
        {
            "order_id": orders.order_id[at].tolist(),
            "customer_id": _ids(life, customer),
            "ordered_at": instants(shop, ordered[at]),
            "paid_at": instants(shop, sent.shown["paid"]),
            "status": np.select(
                [is_final, sent.shown["paid"] >= 0], [orders.status[at], "paid"], "created"
            ).tolist(),
            "channel": orders.channel[at].tolist(),
            "store_id": np.where(orders.channel[at] == "store", "S01", "").tolist(),
            "city": np.where(known, city, "").tolist(),
            "list_amount": money(listed[at]),
            "discount_amount": money(taken[at]),
            "coupon_id": orders.coupon[at].tolist(),
            "promotion_id": orders.promotion[at].tolist(),
            "shipping_fee": money(np.where(delivery == "express", 800, 0)),
            "net_amount": money((listed - taken)[at]),
            "currency": ["CNY"] * len(at),
            "payment_method": np.where(company, "company_transfer", payment).tolist(),
            "delivery_method": delivery.tolist(),
            "updated_at": instants(shop, sent.updated),
        },
    )


def _order_lines(shop: Shop, life: Life) -> Rows:
    import numpy as np

    lines, orders = life.lines, life.orders
    customer = orders.customer[lines.order]
    cost = np.rint(lines.cents * purchases.COST_SHARE).astype(int)
    n = len(lines.order)
    return Rows(
        nightly(shop, orders.day[lines.order]),
        {
            "order_id": orders.order_id[lines.order].tolist(),
            "line_no": whole(lines.line_no),
            "customer_id": _ids(life, customer),
            "ordered_at": instants(shop, orders.day[lines.order] * DAY + orders.second[lines.order]),
            "product_id": life.shelf.product_id[lines.product].tolist(),
            "qty": whole(lines.qty),
            "list_price": money(lines.cents),
            "unit_price": money(lines.cents),
            "discount": money(lines.discount),
            "cost": money(cost),
            "status": [""] * n,  # of the order: it changes, and comes with orders
            "channel": [""] * n,
            "store_id": [""] * n,
            "currency": ["CNY"] * n,
            "is_excluded": yes_no(orders.kind[lines.order] == "test"),
        },
    )


def _returns(shop: Shop, life: Life) -> Rows:
    import numpy as np

    back, lines, orders = life.returns, life.lines, life.orders
    at = np.argsort(back.day, kind="stable")
    line, day = back.line[at], back.day[at]
    linked = back.is_linked[at]
    return Rows(
        weekly(shop, day),
        {
            "return_id": [f"R{number:06d}" for number in range(1, len(at) + 1)],
            "customer_id": _ids(life, orders.customer[lines.order[line]]),
            "order_id": np.where(linked, orders.order_id[lines.order[line]], "").tolist(),
            "line_no": np.where(linked, lines.line_no[line].astype(str), "").tolist(),
            "returned_at": instants(shop, day * DAY + 15 * HOUR),
            "qty": ["1"] * len(at),
            "amount": money(back.cents[at]),
            "reason_code": back.reason[at].tolist(),
        },
    )


def _feedback(shop: Shop, life: Life) -> Rows:
    import numpy as np

    said = life.feedback
    later = {"first_response_at": said.responded, "resolved_at": said.resolved, "reopened_at": said.reopened}
    sent = versions(shop, weekly, said.created, later)
    at = sent.record
    texts = np.array(voice.sentences(life.people, life.shelf, life.lines, said), dtype=object)
    return Rows(
        sent.delivered,
        {
            "feedback_id": [f"F{number + 1:06d}" for number in at.tolist()],
            "customer_id": _ids(life, said.customer[at]),
            "channel": said.channel[at].tolist(),
            "kind": said.kind[at].tolist(),
            "topic": said.topic[at].tolist(),
            "text": texts[at].tolist(),
            "rating": whole(said.rating[at]),
            "created_at": instants(shop, said.created[at]),
            **{name: instants(shop, sent.shown[name]) for name in later},
            "related_order_id": np.where(
                said.order[at] >= 0, life.orders.order_id[said.order[at]], ""
            ).tolist(),
            "updated_at": instants(shop, sent.updated),
        },
    )


def _survey_responses(shop: Shop, life: Life) -> Rows:
    told = life.answers
    sent = _once(shop, monthly, told.second)
    at = sent.record
    return Rows(
        sent.delivered,
        {
            "survey_id": told.survey[at].tolist(),
            "wave": told.wave[at].tolist(),
            "customer_id": _ids(life, told.customer[at]),
            "question_id": told.question[at].tolist(),
            "question_kind": told.kind[at].tolist(),
            "attribute": told.attribute[at].tolist(),
            "answer": told.answer[at].tolist(),
            "answered_at": instants(shop, told.second[at]),
            "channel": told.channel[at].tolist(),
        },
    )


def _service_tickets(shop: Shop, life: Life) -> Rows:
    import numpy as np

    calls = life.tickets
    sent = versions(
        shop, weekly, calls.opened, {"first_response_at": calls.responded, "closed_at": calls.closed}
    )
    at = sent.record
    closed = sent.shown["closed_at"]
    return Rows(
        sent.delivered,
        {
            "ticket_id": [f"T{number + 1:06d}" for number in at.tolist()],
            "customer_id": _ids(life, calls.customer[at]),
            "kind": calls.kind[at].tolist(),
            "opened_at": instants(shop, calls.opened[at]),
            "first_response_at": instants(shop, sent.shown["first_response_at"]),
            "closed_at": instants(shop, closed),
            "agent": calls.agent[at].tolist(),
            "csat": np.where(closed >= 0, whole(calls.csat[at]), "").tolist(),
            "updated_at": instants(shop, sent.updated),
        },
    )


def _usage_events(shop: Shop, life: Life) -> Rows:
    used = life.usage
    columns = used.columns
    return Rows(
        monthly(shop, used.second // DAY),
        {
            "customer_id": _ids(life, used.customer),
            "product_id": columns["product_id"].tolist(),
            "feature": columns["feature"].tolist(),
            "scenario": columns["scenario"].tolist(),
            "event_at": instants(shop, used.second),
            "duration_s": whole(columns["duration_s"]),
        },
    )


def _web_events(shop: Shop, life: Life) -> Rows:
    seen = life.browsing
    columns = seen.columns
    return Rows(
        weekly(shop, seen.second // DAY),
        {
            "customer_id": _ids(life, seen.customer),
            "anonymous_id": columns["anonymous_id"].tolist(),
            "event": columns["event"].tolist(),
            "event_at": instants(shop, seen.second),
            "product_id": columns["product_id"].tolist(),
            "channel": columns["channel"].tolist(),
            "query": columns["query"].tolist(),
            "result_count": whole(columns["result_count"]),
        },
    )


def _interactions(shop: Shop, life: Life) -> Rows:
    message = life.messages
    later = {f"{name}_at": message.columns[name] for name in ("opened", "clicked", "replied")}
    sent = versions(shop, monthly, message.second, later)
    at = sent.record
    return Rows(
        sent.delivered,
        {
            "interaction_id": [f"I{number + 1:07d}" for number in at.tolist()],
            "customer_id": _ids(life, message.customer[at]),
            "channel": message.columns["channel"][at].tolist(),
            "direction": ["out"] * len(at),
            "kind": ["newsletter"] * len(at),
            "sent_at": instants(shop, message.second[at]),
            **{name: instants(shop, sent.shown[name]) for name in later},
            "updated_at": instants(shop, sent.updated),
        },
    )


def _social(shop: Shop, life: Life) -> Rows:
    shared = life.sharing
    return Rows(
        monthly(shop, shared.second // DAY),
        {
            "customer_id": _ids(life, shared.customer),
            "action": shared.columns["action"].tolist(),
            "acted_at": instants(shop, shared.second),
            "reach": whole(shared.columns["reach"]),
            "sentiment": [f"{value:.4f}" for value in shared.columns["sentiment"].tolist()],
        },
    )


def _referrals(shop: Shop, life: Life) -> Rows:
    import numpy as np

    invited = life.invitations
    registered = np.where(
        invited.columns["registered"] >= 0,
        np.maximum(invited.columns["registered"] * DAY + 6 * HOUR, invited.second + HOUR),
        -1,
    )
    ordered = np.where(
        invited.columns["ordered"] >= 0,
        np.maximum(invited.columns["ordered"] * DAY + 23 * HOUR, registered),
        -1,
    )
    sent = versions(shop, monthly, invited.second, {"registered_at": registered, "first_order_at": ordered})
    at = sent.record
    has_registered = sent.shown["registered_at"] >= 0
    has_ordered = sent.shown["first_order_at"] >= 0
    return Rows(
        sent.delivered,
        {
            "referral_id": [f"V{number + 1:05d}" for number in at.tolist()],
            "referrer_id": _ids(life, invited.customer[at]),
            "referee_id": np.where(has_registered, _ids(life, invited.columns["referee"][at]), "").tolist(),
            "channel": invited.columns["channel"][at].tolist(),
            "invited_at": instants(shop, invited.second[at]),
            "registered_at": instants(shop, sent.shown["registered_at"]),
            "first_order_at": instants(shop, sent.shown["first_order_at"]),
            "reward_cost": np.where(has_ordered, f"{attention.REWARD_CENTS / 100:.2f}", "").tolist(),
            "updated_at": instants(shop, sent.updated),
        },
    )


def _campaigns(shop: Shop) -> Rows:
    import numpy as np

    starts = np.array([shop.days - campaign.starts_before_end for campaign in CAMPAIGNS.values()])
    at = np.argsort(starts, kind="stable")
    each = list(CAMPAIGNS.values())
    return Rows(
        starts[at],
        {
            "campaign_id": np.array(list(CAMPAIGNS))[at].tolist(),
            "strategy": [each[number].strategy for number in at],
            "segment_id": [each[number].segment for number in at],
            "starts_on": days(shop, starts[at]),
            "ends_on": days(shop, starts[at] + LENGTH_DAYS - 1),
            "cost": [f"{each[number].cost}.00" for number in at],
        },
    )


def _campaign_touches(shop: Shop, life: Life) -> Rows:
    import numpy as np

    touches = life.touches
    at = np.lexsort((touches.customer, touches.day))
    return Rows(
        weekly(shop, touches.day[at]),
        {
            "campaign_id": touches.campaign[at].tolist(),
            "customer_id": _ids(life, touches.customer[at]),
            "touched_at": instants(shop, touches.day[at] * DAY + 9 * HOUR),
            "is_holdout": yes_no(touches.is_holdout[at]),
        },
    )


def _products(shop: Shop, shelf: Products) -> Rows:
    """The whole list on the first day; then what was launched, and what became dearer, on its day."""
    import numpy as np

    launches = set(shelf.launched[shelf.launched > 0].tolist())
    delivered, parts = [], []
    for day in sorted({0, catalogue.PRICE_RISE_DAY, *launches}):
        if day >= shop.days:
            continue
        listed = catalogue.product_rows(shop, shelf, day)
        seen = np.flatnonzero(shelf.launched <= day)
        changed = (day == 0) | (shelf.launched[seen] == day)
        changed |= (day == catalogue.PRICE_RISE_DAY) & (shelf.tier[seen] == 1)
        parts.append({name: np.asarray(column)[changed] for name, column in listed.items()})
        delivered.append(np.full(int(changed.sum()), day))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    texts = {name: dated(column) for name, column in columns.items()}
    return Rows(
        np.concatenate(delivered), texts | {"list_price": [f"{value:.2f}" for value in columns["list_price"]]}
    )


def _reference(columns: dict[str, list]) -> Rows:
    """What is sent once, on the first day."""
    import numpy as np

    texts = {name: dated(column) for name, column in columns.items()}
    return Rows(np.zeros(len(next(iter(texts.values()))), dtype=int), texts)


def _feature_releases(shop: Shop, shelf: Products) -> Rows:
    import numpy as np

    rows = catalogue.release_rows(shop, shelf)
    released = np.array([(day - shop.first_day).days for day in rows["released_on"]])
    return Rows(monthly(shop, released), {name: plain(column) for name, column in rows.items()})


def _loyalty_points(shop: Shop, life: Life) -> Rows:
    booked = life.points
    return Rows(
        monthly(shop, booked.second // DAY),
        {
            "booking_id": [f"L{number:07d}" for number in range(1, len(booked.second) + 1)],
            "customer_id": _ids(life, booked.customer),
            "booked_at": instants(shop, booked.second),
            "kind": booked.columns["kind"].tolist(),
            "points": [str(value) for value in booked.columns["points"].tolist()],
            "expires_on": days(shop, booked.columns["expires"]),
        },
    )
