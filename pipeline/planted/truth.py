"""What is true of the planted shop, as files for tests and people: never read by any step of the pipeline.

`customers.csv` has one row per customer. Beside each truth stands whether it is *promised*: whether enough
was bought, said or told, for the definitions to find it. `facts.csv` has one row per fact about the shop as a
whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.planted import catalogue, voice
from pipeline.planted.attention import LOW_USE_SHARE, OPENED_ELSEWHERE, OPENED_ON_THE_RIGHT_CHANNEL
from pipeline.planted.campaigns import CAMPAIGNS
from pipeline.planted.deliveries import separated
from pipeline.planted.people import FREQUENT, LEAVE_REASONS
from storage.lake import write_bytes

if TYPE_CHECKING:
    import numpy as np

    from pipeline.planted.extracts import Life
    from pipeline.planted.faults import Account
    from pipeline.planted.shop import Shop

PURCHASE_GROUPS = {
    "prospect": "PB0_prospect",
    "one_time": "PB5_one_time",
    "loyal_big": "PB1_loyal_big",
    "potential_loyal": "PB2_potential_loyal",
    "frequent_small": "PB3_frequent_small",
    "marginal": "PB4_marginal",
}

# (groups, state) → (levels a customer in it may show, lifecycle stages likewise). Only these are promised.
STATES = {
    ("frequent", "active"): ("L0 L1", "LC3_growing LC4_mature"),
    ("frequent", "growing"): ("L0 L1", "LC3_growing"),
    ("frequent", "declining"): ("L0 L1", "LC6_declining"),
    ("frequent", "at_risk"): ("L1 L2 L3", "LC6_declining LC7_dormant"),
    ("frequent", "dormant"): ("L3", "LC7_dormant"),
    ("frequent", "churned"): ("L4", "LC8_churned"),
    ("frequent", "reactivated"): ("L0 L1", "LC9_reactivated"),
    ("seldom", "churned"): ("L3 L4", "LC7_dormant LC8_churned"),
    ("one_time", "new"): ("L0", "LC1_new"),
    ("one_time", "awaiting_second"): ("L0 L1", "LC2_awaiting_second"),
    ("one_time", "churned"): ("L4", "LC8_churned"),
    ("prospect", "prospect"): ("no_order", "LC0_prospect"),
}


def write(shop: Shop, folder: Path, life: Life, accounts: list[Account]) -> None:
    """All files of the truth, replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "customers": customers(shop, life),
        "facts": facts(shop, life),
        "referrals": referrals(shop, life),
        "campaigns": campaigns(shop, life),
        "kano": {"attribute": list(voice.KANO), "measured_class": list(voice.KANO.values())},
        "accounts": {
            name: [
                json.dumps(getattr(account, name)) if name == "reasons" else str(getattr(account, name))
                for account in accounts
            ]
            for name in (
                "extract",
                "files",
                "rows_in",
                "accepted",
                "duplicate",
                "superseded",
                "anonymous",
                "quarantined",
                "reasons",
                "files_duplicate",
                "files_set_aside",
            )
        },
    }
    for name, columns in tables.items():
        rows = list(zip(*columns.values(), strict=True))
        write_bytes(folder / f"{name}.csv", separated(list(columns), rows))


def counted(life: Life) -> tuple[np.ndarray, np.ndarray]:
    """Valid orders and net in cents of each customer, returns not yet taken off."""
    import numpy as np

    orders, lines = life.orders, life.lines
    valid = (orders.customer >= 0) & ~np.isin(orders.kind, ("test", "gift_card", "cancelled"))
    value = np.bincount(lines.order, lines.qty * lines.cents - lines.discount, len(orders.day)).astype(int)
    n = len(life.people)
    net = np.bincount(orders.customer[valid], value[valid], n).astype(int)
    return np.bincount(orders.customer[valid], minlength=n), net


def customers(shop: Shop, life: Life) -> dict[str, list[str]]:
    """One row per customer: each truth, and whether it is promised."""
    import numpy as np

    people, orders, lines = life.people, life.orders, life.lines
    bought, _ = counted(life)
    n = len(people)
    broad = np.select(
        [
            people.of(*FREQUENT),
            people.of("potential_loyal", "marginal"),
            people.of("one_time"),
            people.of("prospect"),
        ],
        ["frequent", "seldom", "one_time", "prospect"],
        "",
    )
    levels, stages = np.full(n, "", dtype="U16"), np.full(n, "", dtype="U40")
    for (groups, state), (level, stage) in STATES.items():
        these = (broad == groups) & (people.state == state)
        levels[these], stages[these] = level, stage

    line_customer = orders.customer[lines.order]
    known = line_customer >= 0
    per_customer = np.bincount(line_customer[known], minlength=n)
    phones = life.shelf.category[lines.product] == catalogue.NAMES.index("phone")
    phone_lines = np.bincount(line_customer[known & phones], minlength=n)
    by_city = (people.price_tier == "mid") & (phone_lines > 0.1 * per_customer)

    stated = np.zeros(n, dtype=bool)
    importance = (life.answers.kind == "importance") & (life.answers.survey == "NEEDS")
    stated[life.answers.customer[importance]] = True
    recent = np.bincount(
        orders.customer[(orders.customer >= 0) & (orders.kind == "own") & (orders.day >= shop.days - 365)],
        minlength=n,
    )
    talks = (bought >= 3) & ~people.is_silent & (people.stops > shop.days - 250)
    shows = np.select(
        [people.need == "price", people.need == "quality_brand"],
        [recent >= 4, (recent >= 4) & (people.price_tier == "premium")],
        talks & np.isin(people.need, ("function", "service", "experience")),
    )
    # two complaints about the service are a need for it too, whatever else they wanted
    shows &= (people.leave_reason != "service") | (people.need == "service")
    complained = np.zeros(n, dtype=bool)
    said = life.feedback
    complained[said.customer[(said.kind == "complaint") & np.isin(said.topic, LEAVE_REASONS)]] = True
    told_reason = _answered(life, "churn_reason")
    cities = np.array([(city[2], city[3], city[4]) for city in catalogue.CITIES])[people.city]

    return {
        "customer_id": people.customer_id.tolist(),
        "purchase_group": [PURCHASE_GROUPS.get(name, "") for name in people.group.tolist()],
        "group_promised": _flags(people.group != "unsettled"),
        "is_one_time_high_value": _flags(people.is_big_one_time),
        "state": people.state.tolist(),
        "churn_levels": levels.tolist(),
        "lifecycle_stages": stages.tolist(),
        "has_left": _flags(people.leave_reason != ""),
        "left_on": _days_or_blank(shop, np.where(people.leave_reason != "", people.stops, -1)),
        "leave_reason": people.leave_reason.tolist(),
        "leave_reason_promised": _flags((people.leave_reason != "") & (complained | told_reason)),
        "need": people.need.tolist(),
        "need_stated": _flags(stated),
        "need_promised": _flags((people.need != "none") & (stated | shows)),
        "price_tier": people.price_tier.tolist(),
        "price_tier_promised": _flags((per_customer >= 4) & ~by_city),
        "age_band": people.age_band.tolist(),
        "hours": people.hours.tolist(),
        "hours_promised": _flags(bought >= 8),
        "occasion": people.occasion.tolist(),
        "city": cities[:, 0].tolist(),
        "city_tier": cities[:, 1].tolist(),
        "urban_rural": cities[:, 2].tolist(),
        "channel": people.channel.tolist(),
        "channel_promised": _flags(bought >= 8),
        "contact_channel": people.contact.tolist(),
        "contact_promised": _flags(
            people.consents & ~people.is_silent & people.is_active() & (people.joined < shop.days - 300)
        ),
        "is_silent": _flags(people.is_silent),
        "consents": _flags(people.consents),
        "decision_stage": life.stage.tolist(),
        "is_influential": _flags(life.influential),
        "is_member": _flags(people.is_member),
        "points_balance": [
            str(value)
            for value in np.bincount(life.points.customer, life.points.columns["points"], n)
            .astype(int)
            .tolist()
        ],
        "birth_on": np.datetime_as_string(people.birth_on, unit="D").tolist(),
        "barrier": people.barrier.tolist(),
        "barrier_promised": _flags(_answered(life, "purchase_barrier")),
        "stop_reason": people.stop_reason.tolist(),
        "stop_reason_promised": _flags(_answered(life, "stop_reason")),
        "referrer_id": np.where(people.referrer >= 0, people.customer_id[people.referrer], "").tolist(),
        "orders": [str(value) for value in bought.tolist()],
    }


def facts(shop: Shop, life: Life) -> dict[str, list[str]]:
    """One row per fact about the shop: name, subject, value, and in words what it means."""
    import numpy as np

    last = shop.last_day.year
    rows = [
        (
            "low_use_feature",
            catalogue.LOW_USE_FEATURE,
            LOW_USE_SHARE,
            "share of active users who use it; all others 0.25 or more",
        ),
        (
            "energy_wish_grows",
            "green_region",
            voice.ENERGY_MONTHS,
            "months over which wishes to save energy grow; flat elsewhere",
        ),
        (
            "searched_in_vain",
            "green_region",
            0.30,
            "share of talkative customers there who search for what there is not",
        ),
        (
            "hotel_promoted_share",
            "budget over premium",
            1,
            "budget customers book hotels in promotions more often than premium ones",
        ),
        (
            "phone_tier",
            "1 new1",
            "high_end",
            "what a middle purse buys there: half of phones; hardly any in tiers 3 to 5 and villages",
        ),
        ("phone_tier", "3 4 5 rural", "practical", "what a middle purse buys there: six in ten phones"),
        ("young_evening", "young", 0.65, "at least this share of the young buy between 19 and 24"),
        ("dining_use", "family", "family", "families eat the family set"),
        ("dining_use", "business", "business", "companies eat the business set"),
        (
            "looks_before_price",
            catalogue.NEW_PRODUCT,
            "young",
            "appearance more important than price, by more than 1 of 5",
        ),
        (
            "slow_agent",
            voice.SLOW_AGENT,
            12,
            "times as long until the first answer, and a lower satisfaction",
        ),
        ("message_opened", "preferred channel", OPENED_ON_THE_RIGHT_CHANNEL, "share of messages opened"),
        ("message_opened", "other channels", OPENED_ELSEWHERE, "share of messages opened"),
        ("lost_to", voice.LOST_TO, "competitor", "the rival whom those with the barrier name"),
        (
            "birthday_orders",
            "frequent consenting members",
            0.60,
            "chance to buy within three days of a birthday, with the coupon BIRTHDAY",
        ),
        *(
            ("willing_to_pay", point, price, "median answer, CNY")
            for point, price in voice.WILLING_TO_PAY.items()
        ),
    ]
    for category, (size, growth) in catalogue.MARKET.items():
        rows.append(("market_size", category, size, f"CNY in {last}, all of China"))
        rows.append(("market_growth", category, growth, "a year"))
        rows.append(
            (
                "own_net",
                category,
                f"{_own_net(shop, life, category) / 100:.2f}",
                f"CNY in {last}, valid orders, returns not taken off",
            )
        )
    chain = np.array([len(each) for each in _chains(life)])
    rows += [
        (
            "referred_customers",
            "shop",
            int((life.people.referrer >= 0).sum()),
            "came through another customer",
        ),
        (
            "longest_referral_chain",
            "shop",
            int(chain.max()) if len(chain) else 0,
            "customers, the first one included",
        ),
        ("customers", "shop", shop.customers, "prospects included"),
        ("as_of", "shop", shop.as_of.isoformat(), "the first day that sees everything"),
        ("seed", "shop", shop.seed, ""),
    ]
    return {
        name: [str(row[column]) for row in rows]
        for column, name in enumerate(("fact", "subject", "value", "meaning"))
    }


def referrals(shop: Shop, life: Life) -> dict[str, list[str]]:
    """One row per customer who came through another: who through whom, and how far from the chain's first."""
    chains = _chains(life)
    ids, phones = life.people.customer_id.tolist(), life.people.phone.tolist()
    return {
        "referee_id": [ids[chain[-1]] for chain in chains],
        "referrer_id": [ids[chain[-2]] for chain in chains],
        "first_id": [ids[chain[0]] for chain in chains],
        "depth": [str(len(chain) - 1) for chain in chains],
        "is_self": ["true" if phones[chain[-1]] == phones[chain[-2]] else "false" for chain in chains],
    }


def campaigns(shop: Shop, life: Life) -> dict[str, list[str]]:
    """One row per campaign and age: planted effect, and the orders it brought."""
    touches, people = life.touches, life.people
    rows = []
    for name, campaign in CAMPAIGNS.items():
        for is_young in (True, False):
            these = (touches.campaign == name) & ((people.age_band[touches.customer] == "young") == is_young)
            effect = campaign.effect_on_young if is_young else campaign.effect_on_others
            treated = these & ~touches.is_holdout
            age = "young" if is_young else "middle senior"
            brought = int((touches.answer[treated] >= 0).sum())
            rows.append(
                (name, age, effect, int(treated.sum()), int((these & touches.is_holdout).sum()), brought)
            )
    names = ("campaign_id", "age", "effect", "treated", "held_out", "orders_brought")
    return {name: [str(row[column]) for row in rows] for column, name in enumerate(names)}


def _answered(life: Life, kind: str) -> np.ndarray:
    import numpy as np

    answered = np.zeros(len(life.people), dtype=bool)
    answered[life.answers.customer[life.answers.kind == kind]] = True
    return answered


def _chains(life: Life) -> list[list[int]]:
    """For each referred customer the way from the first referrer down to them."""
    referrer = life.people.referrer.tolist()
    chains = []
    for customer in range(len(referrer)):
        chain = [customer]
        while referrer[chain[-1]] >= 0:  # a referrer joined earlier, so this ends
            chain.append(referrer[chain[-1]])
        if len(chain) > 1:
            chains.append(chain[::-1])
    return chains


def _own_net(shop: Shop, life: Life, category: str) -> int:
    import numpy as np

    orders, lines = life.orders, life.lines
    this_year = orders.day >= (np.datetime64(f"{shop.last_day.year}-01-01", "D") - shop.origin()).astype(int)
    valid = ~np.isin(orders.kind, ("test", "gift_card", "cancelled")) & this_year
    these = valid[lines.order] & (life.shelf.category[lines.product] == catalogue.NAMES.index(category))
    return int((lines.qty * lines.cents - lines.discount)[these].sum())


def _flags(flag: np.ndarray) -> list[str]:
    return ["true" if value else "false" for value in flag.tolist()]


def _days_or_blank(shop: Shop, day: np.ndarray) -> list[str]:
    import numpy as np

    return np.where(day < 0, "", np.datetime_as_string(shop.origin() + day, unit="D")).tolist()
