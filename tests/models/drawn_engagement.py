"""Features of how they use, browse, answer and speak, drawn for the crowd."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

AS_OF = date(2018, 1, 1)
CHANNELS = ("phone", "email", "sms", "app", "chat", "social", "mail")
USED = ("usage_days_30d", "last_used_on", "usage_hour_band", "top_scenario", "feature_breadth")
STEPS = (
    "awareness_steps_30d",
    "cognition_steps_30d",
    "consideration_steps_30d",
    "decision_steps_30d",
)
BROWSED = ("views_30d", *STEPS, "top_viewed_category", "view_to_buy", "visits_90d")
MESSAGES = (
    "opens_90d",
    "clicks_90d",
    "replies_90d",
    "contacts_30d",
    "contacts_365d",
    "responses_365d",
    "replies_365d",
    "reply_rate",
    *(f"{count}_{channel}_365d" for channel in CHANNELS for count in ("contacts", "responses")),
)
SIGNS = ("attention_points_90d", "interactions_90d", "interaction_coverage", "last_good_contact_on")
SAID = (
    "has_valid_contact",
    "consent_marketing",
    "last_contact_days",
    "stated_contact_channel",
    "last_complaint_days",
    "last_return_days",
    "last_satisfied_days",
)
SPREAD = ("shares_365d", "comments_365d", "likes_365d", "reach_365d", "influence_points_365d")
MEMBERSHIP = (
    "is_member",
    "member_level",
    "points_balance",
    "points_expiring_30d",
    "redemption_rate",
    "last_points_days",
)
COLUMNS: tuple[str, ...] = (*USED, *BROWSED, *MESSAGES, *SIGNS, *SAID, *SPREAD, *MEMBERSHIP)
"""Null for a customer nobody drew: an extract that is absent."""


def draw(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """A value, or null, for each of COLUMNS, of the customer `row` (the columns drawn before it)."""

    def one_of(*values: Any) -> Any:
        return values[int(rng.integers(0, len(values)))]

    found: dict[str, Any] = dict.fromkeys(COLUMNS)
    if rng.random() < 0.9:
        days = one_of(0, 0, 1, 3, 4, 12)
        found |= {
            "usage_days_30d": days,
            "last_used_on": AS_OF - timedelta(days=5) if days else one_of(None, date(2017, 6, 1)),
            "feature_breadth": days // 2,
        }
    if rng.random() < 0.9:
        found |= {step: one_of(0, 0, 0, 1, 2) for step in STEPS}
        found |= {"visits_90d": one_of(0, 0, 1, 4), "views_30d": found["cognition_steps_30d"]}
    if rng.random() < 0.9:
        listens = rng.random() < 0.6
        for channel in CHANNELS:
            sent = one_of(0, 0, 0, 1, 3, 8) if rng.random() < 0.7 else 0
            found[f"contacts_{channel}_365d"] = sent
            found[f"responses_{channel}_365d"] = int(rng.integers(0, sent + 1)) if listens else 0
        found |= {name: one_of(0, 0, 0, 1, 2) if listens else 0 for name in MESSAGES[:3]}
    if found["opens_90d"] is not None or found["visits_90d"] is not None:
        weights = {"replies_90d": 3, "clicks_90d": 2, "opens_90d": 1, "visits_90d": 1}
        found["attention_points_90d"] = sum(weight * (found[name] or 0) for name, weight in weights.items())
        found["interactions_90d"] = sum(found[name] or 0 for name in weights)
    found |= {
        "has_valid_contact": one_of(True, True, True, True, False, None),
        "consent_marketing": one_of(True, True, True, True, False, None),
        "stated_contact_channel": one_of(*[None] * 16, *CHANNELS, "none"),
        "last_complaint_days": one_of(None, None, 5, 20, 200),
        "last_return_days": one_of(None, None, None, 10, 25, 300),
        "last_satisfied_days": one_of(None, 3, 12, 29, 100),
    }
    if rng.random() < 0.9:
        speaks = rng.random() < 0.5
        found |= {name: one_of(0, 0, 1, 5) if speaks else 0 for name in SPREAD[:3]}
        acts = sum(found[name] for name in SPREAD[:3])
        found["reach_365d"] = acts * one_of(10, 400, 4000)
        found["influence_points_365d"] = round(float(rng.normal(3, 3)) * acts, 4) if acts else 0.0
        if acts and rng.random() < 0.1:
            found["influence_points_365d"] = None
    found["is_member"] = one_of(True, True, False, None)
    if rng.random() < 0.8:
        found |= {
            "points_balance": 500,
            "points_expiring_30d": one_of(0, 0, 99, 100, 400),
            "last_points_days": one_of(None, 10, 180, 181, 500),
        }
    return found
