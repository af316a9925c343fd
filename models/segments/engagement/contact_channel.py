"""Contact channel: where a customer listens, as they said themselves or as their answers show.

Who agreed to be contacted has the channel they last asked for. Who asked for none has the channel whose
rate of response (messages opened, clicked or answered, of those sent in 365 days) is highest, among the
channels that were tried; each rate is drawn towards that of the reference population on the channel, so
that one opened message does not beat seven of ten:

    rate = (responses + k * population's rate) / (messages + k)

Rates are rounded to six places, and the rounded ones are compared; among equals the first of CHANNELS wins.
Source: definitions part 2, SV20. Without consent, or with the wish for none, there is no channel:
`no_contact`. Consent that is not known is no consent, but no refusal either: `unknown`, as is too little
that was sent. Who was written to and never once responded is `no_response`: their silence speaks for no
channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_above, check_kinds, check_within, threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

CHANNELS = ("phone", "email", "sms", "app", "chat", "social", "mail")
GROUPS = (*CHANNELS, "no_response", "no_contact", "unknown")
FEATURES = (
    "customer_id",
    "orders_life",
    "consent_marketing",
    "stated_contact_channel",
    *(f"{count}_{channel}_365d" for channel in CHANNELS for count in ("contacts", "responses")),
)
COLUMNS = {
    "preferred_contact_channel": "varchar",
    "contact_basis": "varchar",
    **{f"contact_rate_{channel}": "double" for channel in CHANNELS},
}
BASES = ("stated", "responses")


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the contact channels. Raises ThresholdInvalid for a value that makes no sense."""

    shrinkage: float = threshold(
        3, unit="messages", reason="own responses weigh more than everybody's from the fourth message on"
    )
    min_contacts: int = threshold(
        3, unit="messages in 365 days", reason="fewer show nothing, on whatever channel"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 1000, "shrinkage")
        check_above(self, 0, "shrinkage", "min_contacts")


def fit(features: pd.DataFrame, thresholds: Thresholds) -> dict[str, float]:
    """rate_<channel>: responses over messages of all customers with an order, to six places.

    A channel nobody was contacted on has the rate of all channels together, and 0 where nobody was at all.
    """
    bought = units.whole(features, "orders_life") >= 1
    sent, responses = (_counts(features, count, missing=0)[bought] for count in ("contacts", "responses"))
    messages, heard = sent.sum(axis=0).tolist(), responses.sum(axis=0).tolist()
    everywhere = sum(heard) / sum(messages) if sum(messages) else 0.0
    return {
        f"rate_{channel}": round(heard[place] / messages[place] if messages[place] else everywhere, 6)
        for place, channel in enumerate(CHANNELS)
    }


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: channel, what it rests on, rates and reason.

    Rates are null for channels that were not tried; preferred_contact_channel is null where there is none.
    Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "contact channels")
    consent = units.truths(features, "consent_marketing")
    sent, responses = (_counts(features, count, missing=-1) for count in ("contacts", "responses"))
    known = sent[:, 0] >= 0
    population = cutpoints.fitted.get("contact_channel", {})
    prior = np.array([population.get(f"rate_{channel}", 0.0) for channel in CHANNELS])
    k = float(thresholds.shrinkage)
    rates = np.round((np.maximum(responses, 0) + k * prior) / (np.maximum(sent, 0) + k), 6)
    rates = np.where(sent > 0, rates, -1.0)
    best = rates.argmax(axis=1)  # the first of equals
    stated = units.positions(features, "stated_contact_channel", (*CHANNELS, "none"))
    wished = (stated >= 0) & (stated < len(CHANNELS))
    positions = np.select(
        [
            consent == 0,
            consent < 0,
            stated == len(CHANNELS),
            wished,
            ~known,
            sent.sum(axis=1) < thresholds.min_contacts,
            responses.sum(axis=1) == 0,
        ],
        [0, 1, 2, 6 + stated, 3, 4, 5],
        6 + len(CHANNELS) + best,
    )
    found = _reasons(thresholds)
    columns = reasons.reason_columns(positions, found)
    channel = np.where(positions >= 6, (positions - 6) % len(CHANNELS), -1)
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "preferred_contact_channel": reasons.labels(channel, CHANNELS),
            "contact_basis": reasons.labels(
                np.where(positions >= 6, (positions - 6) // len(CHANNELS), -1), BASES
            ),
            **{
                f"contact_rate_{name}": np.where(sent[:, place] > 0, rates[:, place], np.nan)
                for place, name in enumerate(CHANNELS)
            },
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _counts(features: pd.DataFrame, count: str, missing: int) -> np.ndarray:
    """A column of whole numbers per channel."""
    import numpy as np

    return np.column_stack(
        [units.whole(features, f"{count}_{channel}_365d", missing=missing) for channel in CHANNELS]
    )


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    enough = {"min_contacts": thresholds.min_contacts}
    return (
        reasons.reason("no_contact", "CC_NO_CONSENT"),
        reasons.reason("unknown", "CC_CONSENT_UNKNOWN"),
        reasons.reason("no_contact", "CC_WANTS_NONE"),
        reasons.reason("unknown", "CC_UNKNOWN"),
        reasons.reason("unknown", "CC_TOO_FEW", **enough),
        reasons.reason("no_response", "CC_NO_RESPONSE", **enough),
        *(reasons.reason(channel, f"CC_STATED_{channel.upper()}") for channel in CHANNELS),
        *(
            reasons.reason(channel, f"CC_RATE_{channel.upper()}", shrinkage=thresholds.shrinkage, **enough)
            for channel in CHANNELS
        ),
    )
