"""Features of what, when and how they like to buy, drawn for the crowd."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

BANDS = ("morning", "noon", "evening", "night")
CHANNELS = (
    "web", "app", "mini_program", "store", "phone",
    "marketplace", "social", "tv", "sales_rep", "other", "unmapped",
)  # fmt: skip
BRANDS = ("Arden", "Birch", "Cedar")

COLUMNS: tuple[str, ...] = (
    "listed_orders_w",
    "discount_count_share",
    "discount_value_share",
    "dsi_value",
    "full_price_share",
    "promotion_order_share",
    "priced_lines_w",
    "price_level",
    "premium_line_share",
    "launched_lines_365d",
    "new_product_share_365d",
    "budget_stated",
    "timed_orders_w",
    "share_morning",
    "share_noon",
    "share_evening",
    "share_night",
    "weekend_share",
    "channel_orders_w",
    "unmapped_channel_orders_w",
    "preferred_channel",
    "preferred_channel_share",
    "channel_entropy",
    "preferred_payment",
    "preferred_delivery",
    "top_category_share",
    "second_category",
    "second_category_share",
    "third_category",
    "third_category_share",
    "category_hhi",
    "brands_w",
    "brand_purchases_w",
    "top_brand",
    "top_brand_share",
    "brand_hhi",
    "brand_concentration",
    "brand_repeat_rate",
    "brand_loyalty_stated",
)
"""Null for a customer nobody drew: an extract that is absent."""


def draw(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """A value, or null, for each of COLUMNS, of the customer `row` (the columns drawn before it)."""
    orders = row["orders_w"]
    return {
        **_prices(rng, orders),
        **_habits(rng, orders),
        **_affinities(rng, orders),
    }


def _prices(rng: np.random.Generator, orders: int) -> dict[str, Any]:
    """One in eight buys where there are no list prices, one in eight what has no category."""
    listed = orders if rng.random() < 0.88 else 0
    discounted = int(rng.binomial(listed, rng.choice([0.0, 0.3, 0.9])))
    priced = 2 * orders if rng.random() < 0.88 else 0
    launched = orders if rng.random() < 0.7 else 0
    count_share = round(discounted / listed, 4) if listed >= 3 else None
    value_share = round(count_share * rng.uniform(0.1, 0.5), 4) if listed >= 3 else None
    return {
        "listed_orders_w": listed,
        "discount_count_share": count_share,
        "discount_value_share": value_share,
        "dsi_value": round(0.8 * value_share + 0.2 * count_share, 4) if listed >= 3 else None,
        "full_price_share": round(1 - count_share, 4) if listed >= 3 else None,
        "promotion_order_share": round(rng.binomial(orders, 0.3) / orders, 4) if orders >= 3 else None,
        "priced_lines_w": priced,
        "price_level": round(float(rng.lognormal(0, 0.4)), 4) if priced >= 3 else None,
        "premium_line_share": round(rng.binomial(priced, 0.3) / priced, 4) if priced >= 3 else None,
        "launched_lines_365d": launched,
        "new_product_share_365d": round(rng.binomial(launched, rng.choice([0.0, 0.2, 0.7])) / launched, 4)
        if launched >= 3
        else None,
        "budget_stated": (None, "limited", "enough")[rng.choice(3, p=[0.7, 0.15, 0.15])],
    }


def _habits(rng: np.random.Generator, orders: int) -> dict[str, Any]:
    """Half keep to one part of the day and one channel; some orders have neither."""
    timed = int(rng.binomial(orders, rng.choice([0.0, 1.0], p=[0.1, 0.9])))
    liked = rng.dirichlet([0.3] * len(BANDS))
    parts = rng.multinomial(timed, liked) if timed else [0] * len(BANDS)
    told = int(rng.binomial(orders, rng.choice([0.0, 1.0], p=[0.1, 0.9])))
    channels = rng.multinomial(told, rng.dirichlet([0.08] * len(CHANNELS))) if told else None
    most = int(channels.max()) if told else 0
    leaders = [name for name, count in zip(CHANNELS, channels, strict=True) if count == most] if told else []
    shares = [count / told for count in channels if count] if told else []
    return {
        "timed_orders_w": timed,
        **{
            f"share_{band}": round(count / timed, 4) if timed >= 3 else None
            for band, count in zip(BANDS, parts, strict=True)
        },
        "weekend_share": round(rng.binomial(orders, 2 / 7) / orders, 4) if orders >= 3 else None,
        "channel_orders_w": told,
        "unmapped_channel_orders_w": int(channels[-1]) if told else 0,
        "preferred_channel": leaders[0] if len(leaders) == 1 else None,
        "preferred_channel_share": round(most / told, 4) if told >= 3 else None,
        "channel_entropy": round(-sum(share * math.log2(share) for share in shares), 4) + 0.0
        if told >= 3
        else None,
        "preferred_payment": (None, "card", "cash")[rng.integers(3)] if orders >= 3 else None,
        "preferred_delivery": (None, "courier", "pickup")[rng.integers(3)] if orders >= 3 else None,
    }


def _affinities(rng: np.random.Generator, orders: int) -> dict[str, Any]:
    """A third always buys one brand; one in ten was asked what a brand means to them."""
    parts = sorted(rng.dirichlet([rng.choice([0.1, 1.0, 5.0])] * len(BRANDS)), reverse=True)
    known = orders if rng.random() < 0.9 else 0
    enough = known >= 3
    stated = int(rng.integers(1, 6)) if rng.random() < 0.1 else None
    return {
        "top_category_share": 0.6 if orders else None,
        "second_category": "bread" if orders else None,
        "second_category_share": 0.3 if orders else None,
        "third_category": "drinks" if orders else None,
        "third_category_share": 0.1 if orders else None,
        "category_hhi": 0.46 if orders >= 3 else None,
        "brands_w": len(BRANDS) if known else 0,
        "brand_purchases_w": known,
        "top_brand": str(rng.choice(BRANDS)) if known else None,
        "top_brand_share": round(parts[0], 4) if enough else None,
        "brand_hhi": round(sum(part * part for part in parts), 4) if enough else None,
        "brand_concentration": round((3 * sum(part * part for part in parts) - 1) / 2, 4) + 0.0
        if enough
        else None,
        "brand_repeat_rate": round(float(rng.choice([rng.random(), 1.0])), 4) if enough else None,
        "brand_loyalty_stated": stated,
    }
