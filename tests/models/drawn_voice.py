"""Features of what they need, say and recommend, drawn for the crowd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import drawn_need

if TYPE_CHECKING:
    import numpy as np

SATISFACTION = (
    "csat_score",
    "csat_weight",
    "nps_score",
    "nps_weight",
    "review_score",
    "review_weight",
    "opinions_365d",
    "complaints_180d",
    "unresolved_complaints_365d",
    "reorder_days_after_complaint",
    "shipped_orders_365d",
    "shipped_365d",
    "returned_of_shipped_365d",
    "return_rate_180d",
)

REFERRAL = (
    "invites_365d",
    "invites_converted_365d",
    "conversions_365d",
    "conversions_life",
    "self_referrals_life",
    "referral_channel",
    "crv",
    "crv_basis",
)

LOYALTY = (
    "gap_cv",
    "gap_cv_180d_ago",
    "orders_w_180d_ago",
    "repurchase_intent_last",
    "nps_180d_ago",
    "stated_loyalty",
    "stated_loyalty_180d_ago",
    "constructive_feedback_365d",
    "constructive_feedback_365d_180d_ago",
    "unresolved_complaints_365d_180d_ago",
    "invites_365d_180d_ago",
    "conversions_365d_180d_ago",
)

COLUMNS: tuple[str, ...] = ("nps_last", *SATISFACTION, *REFERRAL, *LOYALTY, *drawn_need.COLUMNS)
"""Null for a customer nobody drew: an extract that is absent."""


def draw(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """A value, or null, for each of COLUMNS, of the customer `row` (the columns drawn before it)."""
    return said(rng) | done(rng, row) | referred(rng) | held(rng, row) | drawn_need.draw(rng, row)


def said(rng: np.random.Generator) -> dict[str, Any]:
    """Answers and ratings: about half of the customers gave none of a kind."""
    found: dict[str, Any] = {"nps_last": None}
    for opinion, steps in (("csat", 4), ("nps", 10), ("review", 4)):
        given = rng.random() < 0.4
        found[f"{opinion}_score"] = round(float(rng.integers(0, steps + 1)) / steps, 4) if given else None
        found[f"{opinion}_weight"] = round(float(rng.uniform(0.05, 3)), 6) if given else None
    if found["nps_score"] is not None:
        found["nps_last"] = round(10 * found["nps_score"])
    given = [found[f"{opinion}_score"] is not None for opinion in ("csat", "nps", "review")]
    found["opinions_365d"] = sum(given)
    return found


def done(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """Complaints and returns; for one in ten the extracts are absent."""
    orders = row["orders_w"]
    shipped = round(float(rng.lognormal(4.0, 1.0)) * orders, 2)
    returned = round(shipped * float(rng.choice([0, 0, 0, 0.1, 0.5, 1])), 2)
    complaints = int(rng.choice([0, 0, 0, 0, 1, 2, 4]))
    again = complaints > 0 and rng.random() < 0.5
    found: dict[str, Any] = {
        "complaints_365d": complaints,
        "complaints_180d": int(rng.integers(0, complaints + 1)),
        "unresolved_complaints_365d": int(rng.integers(0, complaints + 1)),
        "reorder_days_after_complaint": int(rng.integers(1, 90)) if again else None,
        "shipped_orders_365d": orders,
        "shipped_365d": shipped,
        "returned_of_shipped_365d": returned,
        "return_rate_180d": round(returned / shipped, 4) if shipped and rng.random() < 0.7 else None,
    }
    if rng.random() < 0.1:
        absent = ("complaints_365d", "complaints_180d", "unresolved_complaints_365d")
        found |= dict.fromkeys((*absent, "reorder_days_after_complaint"))
    if rng.random() < 0.1:
        found |= dict.fromkeys(("returned_of_shipped_365d", "return_rate_180d"))
    return found


def referred(rng: np.random.Generator) -> dict[str, Any]:
    """Invitations and what became of them; for one in ten the extract is absent."""
    if rng.random() < 0.1:
        return dict.fromkeys(REFERRAL)
    invites = int(rng.choice([0, 0, 0, 1, 2, 4]))
    conversions = int(rng.integers(0, invites + 1))
    return {
        "invites_365d": invites,
        "invites_converted_365d": conversions,
        "conversions_365d": conversions,
        "conversions_life": conversions + int(rng.random() < 0.2),
        "self_referrals_life": int(rng.random() < 0.05),
        "referral_channel": str(rng.choice(["wechat", "word_of_mouth"])) if invites else None,
        "crv": round(float(rng.normal(100, 80)), 2) if conversions else 0.0,
        "crv_basis": "net" if conversions else None,
    }


def held(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """Rhythm, words and proposals, now and half a year ago; for one in ten feedback is absent."""
    found: dict[str, Any] = {"repurchase_intent_last": None, "nps_180d_ago": None}
    for suffix in ("", "_180d_ago"):
        found[f"gap_cv{suffix}"] = round(float(rng.uniform(0, 1.5)), 4) if row["gaps"] >= 2 else None
        found[f"stated_loyalty{suffix}"] = float(rng.integers(0, 21)) / 2 if rng.random() < 0.4 else None
        found[f"constructive_feedback_365d{suffix}"] = int(rng.choice([0, 0, 1, 2, 3, 5]))
    found["orders_w_180d_ago"] = int(rng.integers(0, row["orders_life"] + 1))
    found["unresolved_complaints_365d_180d_ago"] = int(rng.choice([0, 0, 0, 1, 2]))
    found["invites_365d_180d_ago"] = int(rng.choice([0, 0, 1, 2]))
    found["conversions_365d_180d_ago"] = int(rng.integers(0, found["invites_365d_180d_ago"] + 1))
    if rng.random() < 0.3:
        found |= {
            "repurchase_intent_last": int(rng.integers(0, 11)),
            "nps_180d_ago": int(rng.integers(0, 11)),
        }
    if rng.random() < 0.1:
        found |= dict.fromkeys(name for name in LOYALTY if "feedback" in name or "complaints" in name)
    return found
