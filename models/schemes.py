"""The schemes: every way of grouping customers that is scored each day, with all their thresholds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from models.churn import levels, probability
from models.segments import lifecycle, purchase_group, rfm, value_index, value_tier
from models.segments.engagement import (
    contact_channel,
    decision_stage,
    interaction,
    membership,
    silent,
    social,
    usage,
)
from models.segments.profile import demographic_segment, geo_segment, occasion, psychographic
from models.segments.taste import (
    brand_affinity,
    novelty,
    price_sensitivity,
    price_tier,
    purchase_channel,
    purchase_time,
)
from models.segments.voice import barrier, loyalty, need, referral, satisfaction
from models.text import sentiment
from models.thresholds import check_kinds, check_within, threshold
from models.value import customer_value

if TYPE_CHECKING:
    from types import ModuleType

FAMILIES: dict[str, dict[str, ModuleType]] = {
    "purchase": {
        "rfm": rfm,
        "purchase_group": purchase_group,
        "value_tier": value_tier,
        "lifecycle": lifecycle,
        "churn_level": levels,
        "value_index": value_index,
    },
    "profile": {
        "geo_segment": geo_segment,
        "demographic_segment": demographic_segment,
        "occasion": occasion,
        "psychographic": psychographic,
    },
    "voice": {
        "satisfaction": satisfaction,
        "loyalty": loyalty,
        "referral": referral,
        "need": need,
        "barrier": barrier,
    },
    "taste": {
        "price_sensitivity": price_sensitivity,
        "price_tier": price_tier,
        "purchase_time": purchase_time,
        "purchase_channel": purchase_channel,
        "brand_affinity": brand_affinity,
        "novelty": novelty,
    },
    "engagement": {
        "usage": usage,
        "interaction": interaction,
        "social": social,
        "decision_stage": decision_stage,
        "membership": membership,
        "contact_channel": contact_channel,
        "silent": silent,
    },
}
"""Family → scheme → its module. A family is scored by one task; a scheme stands in exactly one.

A scheme's module has
GROUPS    the codes of its segments, in the order they are shown in
FEATURES  the columns of customer_features `assign` reads
COLUMNS   its own score columns and their types, beside customer_id, segment and the reason
RANKED    (optional) numeric features whose mid-ranks it reads off the artifact's reference quantiles
references(features, tau_0_days)  (optional) name → values, none of them null, of a population narrower than
          the customers with an order; cutpoints.mid_rank("<scheme>.<name>", ...) ranks within it
segments(features, cutpoints, thresholds)  (optional) the places in GROUPS of what `assign` finds, and nothing
          else; for whom `assign` makes much that a trial of a threshold does not ask for
Thresholds, assign(features, cutpoints, thresholds), and (optional) fit(features, thresholds): constants of
the reference population, kept in the artifact and read back as cutpoints.fitted[scheme].
"""

SCHEMES: dict[str, ModuleType] = {
    scheme: module for schemes in FAMILIES.values() for scheme, module in schemes.items()
}

RANKED = tuple(sorted({name for module in SCHEMES.values() for name in getattr(module, "RANKED", ())}))
"""Every feature some scheme ranks its customers by."""


@dataclass(frozen=True)
class MinimumData:
    """What cut-points need before they count as fitted. Raises ThresholdInvalid for a value without sense."""

    buyers: int = threshold(500, unit="customers with an order", reason="a fifth of them is still 100")
    history_days: int = threshold(180, unit="days", reason="half a year shows more than one season")
    last_order_days: int = threshold(30, unit="days", reason="an extract that stopped arriving fits nothing")
    three_order_share: float = threshold(
        0.02, unit="share of buyers", reason="without them frequency has nothing to tell apart"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 10**9, "buyers", "history_days", "last_order_days")
        check_within(self, 0, 1, "three_order_share")


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of every scheme, and the data cut-points need; a field per scheme of SCHEMES.

    Beside them those of the sentiment of free text, which the schemes read feedback by, and those of the
    probability of churn, and those of customer value.

    The lifecycle stages and silence judge by the same churn levels as the scheme churn_level, always, and
    satisfaction holds a reorder against the same cycle as the stages; referral takes its indices from
    loyalty and satisfaction; barriers are asked of the groups of purchase_group.
    """

    rfm: rfm.Thresholds = field(default_factory=rfm.Thresholds)
    purchase_group: purchase_group.Thresholds = field(default_factory=purchase_group.Thresholds)
    value_tier: value_tier.Thresholds = field(default_factory=value_tier.Thresholds)
    lifecycle: lifecycle.Thresholds = field(default_factory=lifecycle.Thresholds)
    churn_level: levels.Thresholds = field(default_factory=levels.Thresholds)
    value_index: value_index.Thresholds = field(default_factory=value_index.Thresholds)
    geo_segment: geo_segment.Thresholds = field(default_factory=geo_segment.Thresholds)
    demographic_segment: demographic_segment.Thresholds = field(
        default_factory=demographic_segment.Thresholds
    )
    occasion: occasion.Thresholds = field(default_factory=occasion.Thresholds)
    psychographic: psychographic.Thresholds = field(default_factory=psychographic.Thresholds)
    satisfaction: satisfaction.Thresholds = field(default_factory=satisfaction.Thresholds)
    loyalty: loyalty.Thresholds = field(default_factory=loyalty.Thresholds)
    referral: referral.Thresholds = field(default_factory=referral.Thresholds)
    need: need.Thresholds = field(default_factory=need.Thresholds)
    barrier: barrier.Thresholds = field(default_factory=barrier.Thresholds)
    price_sensitivity: price_sensitivity.Thresholds = field(default_factory=price_sensitivity.Thresholds)
    price_tier: price_tier.Thresholds = field(default_factory=price_tier.Thresholds)
    purchase_time: purchase_time.Thresholds = field(default_factory=purchase_time.Thresholds)
    purchase_channel: purchase_channel.Thresholds = field(default_factory=purchase_channel.Thresholds)
    brand_affinity: brand_affinity.Thresholds = field(default_factory=brand_affinity.Thresholds)
    novelty: novelty.Thresholds = field(default_factory=novelty.Thresholds)
    usage: usage.Thresholds = field(default_factory=usage.Thresholds)
    interaction: interaction.Thresholds = field(default_factory=interaction.Thresholds)
    social: social.Thresholds = field(default_factory=social.Thresholds)
    decision_stage: decision_stage.Thresholds = field(default_factory=decision_stage.Thresholds)
    membership: membership.Thresholds = field(default_factory=membership.Thresholds)
    contact_channel: contact_channel.Thresholds = field(default_factory=contact_channel.Thresholds)
    silent: silent.Thresholds = field(default_factory=silent.Thresholds)
    minimum_data: MinimumData = field(default_factory=MinimumData)
    sentiment: sentiment.Thresholds = field(default_factory=sentiment.Thresholds)
    churn: probability.Thresholds = field(default_factory=probability.Thresholds)
    customer_value: customer_value.Thresholds = field(default_factory=customer_value.Thresholds)

    def __post_init__(self) -> None:
        if self.lifecycle.levels != self.churn_level:
            object.__setattr__(self, "lifecycle", replace(self.lifecycle, levels=self.churn_level))
        if self.churn.levels != self.churn_level:
            object.__setattr__(self, "churn", replace(self.churn, levels=self.churn_level))
        if self.satisfaction.lifecycle != self.lifecycle:
            object.__setattr__(self, "satisfaction", replace(self.satisfaction, lifecycle=self.lifecycle))
        if self.silent.levels != self.churn_level:
            object.__setattr__(self, "silent", replace(self.silent, levels=self.churn_level))
        if (self.referral.loyalty, self.referral.satisfaction) != (self.loyalty, self.satisfaction):
            indices = {"loyalty": self.loyalty, "satisfaction": self.satisfaction}
            object.__setattr__(self, "referral", replace(self.referral, **indices))
        if self.barrier.groups != self.purchase_group:
            object.__setattr__(self, "barrier", replace(self.barrier, groups=self.purchase_group))
