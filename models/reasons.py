"""Reasons: why a customer is in a segment, as a rule and the numbers the rule compares with.

A scheme judges by a short, ordered list of reasons, and gives each customer the position of one of them.
Segment, reason code and parameters follow from the position, so a million customers cost as many strings as
there are reasons. The words and the SQL predicate of every code are rows of the seed `reasons`; parameters
hold cut-points and settings only, never a customer's own numbers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

# Stand for an open bound inside a predicate: no customer is that old, buys that often or spends that much.
NEVER_DAYS = 999_999
NEVER_ORDERS = 999_999_999
NEVER_MONEY = 999_999_999_999.99


class Reason(NamedTuple):
    """One rule of a scheme: the segment it leads to, its code, and its parameters as JSON."""

    segment: str
    code: str
    params: str


def reason(segment: str, code: str, **params: float | str) -> Reason:
    """A reason with its parameters written as JSON, keys sorted."""
    return Reason(segment, code, json.dumps(params, sort_keys=True, ensure_ascii=False))


def render(template: str, params: str) -> str:
    """The text or predicate `template` with the {names} in it replaced from the JSON object `params`.

    Raises KeyError when the template names a parameter the reason does not have.
    """
    return template.format_map(json.loads(params))


def labels(positions: np.ndarray, values: Sequence[str]) -> pd.Categorical:
    """`values[position]` for each position, stored once each; a position of -1 is null."""
    import numpy as np
    import pandas as pd

    distinct = list(dict.fromkeys(values))
    place = {value: code for code, value in enumerate(distinct)}
    lookup = np.array([*(place[value] for value in values), -1], dtype=np.int32)
    return pd.Categorical.from_codes(lookup[positions], categories=pd.Index(distinct, dtype="str"))


def reason_columns(positions: np.ndarray, reasons: Sequence[Reason]) -> dict[str, pd.Categorical]:
    """The columns segment, reason_code and reason_params for positions in `reasons`."""
    return {
        "segment": labels(positions, [each.segment for each in reasons]),
        "reason_code": labels(positions, [each.code for each in reasons]),
        "reason_params": labels(positions, [each.params for each in reasons]),
    }


def money(amount_cents: int | None) -> float:
    """Cents as money for a parameter; NEVER_MONEY for a cut that is never reached."""
    return NEVER_MONEY if amount_cents is None else amount_cents / 100
