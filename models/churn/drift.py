"""How the customers of a day differ from those a churn model was made for, input by input.

The population stability index over the bins of the model's own reference: the sum over bins of
(share now - share then) * ln(share now / share then); the unknown are a bin of their own, so an extract that
stopped arriving shows. Below .10 nothing has happened, above .25 the input is another one. Source:
definitions part 8, section 18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.churn import evaluate, folds, inputs
from models.churn.additive import codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    import numpy as np
    import pandas as pd

    from models.churn.inputs import Laws
    from models.churn.probability import ChurnModel, Thresholds
    from models.cutpoints import Cutpoints

NOTE, ALERT = 0.10, 0.25


def counts(
    features: pd.DataFrame, laws: Laws | Cutpoints, model: ChurnModel, thresholds: Thresholds
) -> dict[str, np.ndarray]:
    """Input → customers per bin of the reference, the unknown last, of those who can still be lost.

    Counts of several batches add up. Nothing without a reference.
    """
    import numpy as np

    can_be_lost, _ = folds.eligible(features, laws, thresholds)
    if not model.reference or not can_be_lost.any():
        return {}
    few = features if can_be_lost.all() else features.loc[can_be_lost]
    values = inputs.inputs(few, laws, model.bg_nbd, model.horizon_days, thresholds.levels)
    return {
        name: np.bincount(codes(values[name], about["edges"]), minlength=len(about["edges"]) + 2)
        for name, about in model.reference.items()
    }


def rows(counted: Mapping[str, np.ndarray], model: ChurnModel) -> Iterator[dict[str, Any]]:
    """A row per input, in the order of the reference: its group, its extract, its PSI and what that means."""
    for name, about in model.reference.items():
        if name not in counted:
            continue
        customers = int(counted[name].sum())
        shares = counted[name] / customers
        psi = round(evaluate.psi(shares, about["shares"]), 6)
        yield {
            "name": name,
            "reason_group": inputs.INPUTS[name].group,
            "extract": inputs.INPUTS[name].extract,
            "psi": psi,
            "status": "alert" if psi > ALERT else "note" if psi > NOTE else "ok",
            "n": customers,
            "unknown_share": round(float(shares[-1]), 6),
            "unknown_share_reference": round(float(about["shares"][-1]), 6),
        }
