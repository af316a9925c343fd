"""Purchase channel: where a customer mostly buys.

A channel is preferred when at least half of the window's orders came through it, and more than through any
other; otherwise the customer uses several. From three orders with a channel on. Each source names channels in
its own way: the seed `channels` says which canonical one is meant, and a name without a row there is
published as unmapped, so that it is seen and added. Source: definitions part 2, SV13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

CHANNELS = (
    "web", "app", "mini_program", "store", "phone",
    "marketplace", "social", "tv", "sales_rep", "other", "unmapped",
)  # fmt: skip
GROUPS = (*CHANNELS, "mixed", "unknown")
FEATURES = ("customer_id", "preferred_channel", "preferred_channel_share")
COLUMNS = {"is_multichannel": "boolean"}


@dataclass(frozen=True)
class Thresholds:
    """The number of the purchase channels. Raises ThresholdInvalid for a value that makes no sense."""

    min_share: float = threshold(
        0.50, unit="share of orders", reason="an offer there meets the customer every other time"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0.25, 1, "min_share")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: channel and reason.

    Columns: customer_id, segment, is_multichannel (bought through more than one; null where unknown),
    reason_code, reason_params. Nothing is fitted. Raises FeatureMissing, and FeatureUnknown for a channel
    the seed should not have let through.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "purchase channels")
    named = features["preferred_channel"]
    channel = pd.Index(CHANNELS).get_indexer(pd.Index(named))
    strange = named.notna().to_numpy() & (channel < 0)
    if strange.any():
        msg = f"preferred_channel is {sorted(set(named[strange]))}; wanted one of {list(CHANNELS)}"
        raise units.FeatureUnknown(msg)
    share = features["preferred_channel_share"].to_numpy(dtype=np.float64, na_value=np.nan)
    known = ~np.isnan(share)
    preferred = (channel >= 0) & (share >= thresholds.min_share)
    positions = np.select([~known, preferred], [len(CHANNELS) + 1, channel], len(CHANNELS))
    least = {"min_share": thresholds.min_share}
    columns = reasons.reason_columns(
        positions,
        (
            *(reasons.reason(name, f"CH_{name.upper()}", **least) for name in CHANNELS),
            reasons.reason("mixed", "CH_MIXED", **least),
            reasons.reason("unknown", "CH_FEW_ORDERS"),
        ),
    )
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "is_multichannel": pd.arrays.BooleanArray(np.where(known, share < 1, False), ~known),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )
