"""Features of what they need, and of what is in the way, drawn for the crowd: a part of drawn_voice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

NEEDS = ("price", "function", "service", "quality_brand", "experience")
TOPICS = ("function", "service", "experience")
BARRIERS = ("product_experience", "after_sales", "feature_gap", "price", "competitor")

COLUMNS: tuple[str, ...] = (
    *(f"stated_{need}{suffix}" for need in NEEDS for suffix in ("", "_days")),
    "topic_items_365d",
    *(f"{topic}_{kind}_365d" for topic in TOPICS for kind in ("items", "share")),
    *(f"{need}_subtopic" for need in NEEDS),
    "service_contacts_w",
    "installs_repairs_w",
    "service_contacts_per_order",
    "installs_repairs_per_order",
    "compares_90d",
    "unbought_after_rise_share",
    "barrier_stated",
    "barrier_stated_days",
    "stop_reason_stated",
    "stop_reason_stated_days",
    "lost_to_stated",
    "lost_to_stated_days",
    *(f"{code}_evidence" for code in BARRIERS[:4]),
)
"""Null for a customer nobody drew: an extract that is absent."""


def draw(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """A value, or null, for each of COLUMNS, of the customer `row` (the columns drawn before it)."""
    return {**_stated(rng), **_spoken(rng), **_shown(rng, row["orders_w"]), **_barriers(rng)}


def _stated(rng: np.random.Generator) -> dict[str, Any]:
    """A third was asked, of one or of all needs, up to three years ago."""
    asked = rng.random() < 0.35
    of_all, days = rng.random() < 0.7, int(rng.integers(1, 1000))
    drawn: dict[str, Any] = {}
    for need in NEEDS:
        answers = asked and (of_all or rng.random() < 0.3)
        drawn[f"stated_{need}"] = int(rng.integers(1, 6)) if answers else None
        drawn[f"stated_{need}_days"] = days if answers else None
    return drawn


def _spoken(rng: np.random.Generator) -> dict[str, Any]:
    """Half said something, mostly of one topic; one in ten where no feedback is collected."""
    if rng.random() < 0.1:
        return {}
    total = int(rng.choice([0, 1, 2, 4, 6], p=[0.5, 0.1, 0.1, 0.2, 0.1]))
    mostly = str(rng.choice(TOPICS))
    of = dict.fromkeys(TOPICS, 0)
    for _ in range(total):
        topic = mostly if rng.random() < 0.6 else str(rng.choice((*TOPICS, "delivery", "delivery")))
        if topic in of:
            of[topic] += 1
    drawn: dict[str, Any] = {"topic_items_365d": total}
    for topic in TOPICS:
        drawn[f"{topic}_items_365d"] = of[topic]
        drawn[f"{topic}_share_365d"] = round(of[topic] / total, 4) if total >= 2 else None
        drawn[f"{topic}_subtopic"] = str(rng.choice(("export", "repair"))) if of[topic] else None
    return drawn


def _shown(rng: np.random.Generator, orders: int) -> dict[str, Any]:
    """Service contacts, use and looks; of one in eight nothing of it is collected."""
    if rng.random() < 0.12:
        return {}
    contacts = int(rng.binomial(2 * orders, rng.choice([0.02, 0.5], p=[0.8, 0.2])))
    repairs = int(rng.binomial(contacts, 0.6))
    return {
        "service_contacts_w": contacts,
        "installs_repairs_w": repairs,
        "service_contacts_per_order": round(contacts / orders, 4) if orders else None,
        "installs_repairs_per_order": round(repairs / orders, 4) if orders else None,
        "compares_90d": int(rng.poisson(0.4)),
        "unbought_after_rise_share": float(rng.choice([0.0, 0.5, 1.0])) if rng.random() < 0.2 else None,
    }


def _barriers(rng: np.random.Generator) -> dict[str, Any]:
    """One in four each says what is in the way, why not again, and to whom; half complained or returned."""
    drawn: dict[str, Any] = {}
    for kind in ("barrier_stated", "stop_reason_stated"):
        told = rng.random() < 0.4
        drawn[kind] = str(rng.choice(BARRIERS)) if told else None
        drawn[f"{kind}_days"] = int(rng.integers(1, 900)) if told else None
    lost = rng.random() < 0.2
    drawn["lost_to_stated"] = "bigmart" if lost else None
    drawn["lost_to_stated_days"] = int(rng.integers(1, 900)) if lost else None
    if rng.random() < 0.9:
        drawn |= {f"{code}_evidence": int(rng.poisson(0.4)) for code in BARRIERS[:4]}
    return drawn
