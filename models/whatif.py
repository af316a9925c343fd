"""What if a threshold stood one step higher or lower: who would move, by judging everybody again.

A trial is one number of one scheme, one step up or down: a threshold as the settings file could set it, or a
cut-point as a promotion by hand could. Every scheme the number plays a part in judges the same customers once
as things stand and once with the changed number; only counts are kept. Nothing is estimated: a real run of
the day with that setting, or with those cut-points, puts the same customers into the same segments.

A module says in WHATIF which of its numbers are stepped: names of fields of its Thresholds or of Cutpoints,
or a function (cutpoints, thresholds) → names where that depends on the cut-points in force. Without WHATIF
it is all numbers of its Thresholds, or, of a module that fits constants for itself, those constants. Left
out are numbers that only act when cut-points are fitted (their effect is that of the cut-points, which are
stepped themselves) and numbers no segment depends on.

The step: 1 for a whole number up to 10, else a tenth of it; .05 for a share (.01 below .1); else a tenth. A
step that makes no sense (a cut that would pass its neighbour, a share above 1) is held at the neighbour, or
left out when that leaves nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from models.overlap import places_of
from models.schemes import SCHEMES
from models.thresholds import ThresholdInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints
    from models.schemes import Thresholds

DIRECTIONS = {"down": -1, "up": 1}
CENTS = ("m_cuts", "m_life_cuts", "net_tiers", "margin_tiers")
"""Cut-points kept in cents, shown as money."""
SHARE_BELOW, SMALL_SHARE, SHARE_STEP, SMALL_STEP, UNIT_STEP_TO = 1.0, 0.1, 0.05, 0.01, 10


@dataclass(frozen=True)
class Trial:
    """One number one step away: its name, the value now and then, and all that judging needs.

    `setting` is a key of the settings file below `thresholds`, with the place in it where it is a list, or
    `cutpoints.` and a field of the cut-points.
    """

    setting: str
    direction: str
    value_now: float
    value_then: float
    thresholds: Thresholds
    cutpoints: Cutpoints
    schemes: tuple[str, ...]


def trials(cutpoints: Cutpoints, thresholds: Thresholds) -> Iterator[Trial]:
    """Every trial of the schemes as they stand, in the order of the schemes and of their fields."""
    seen: set[str] = set()
    for scheme in SCHEMES:
        own = getattr(thresholds, scheme)
        for name in _stepped(scheme, cutpoints, own):
            if hasattr(own, name):
                for setting, direction, now, then, changed in _settings(scheme, name, own):
                    whole = replace(thresholds, **{scheme: changed})
                    touched = tuple(
                        each for each in SCHEMES if getattr(whole, each) != getattr(thresholds, each)
                    )
                    yield Trial(setting, direction, now, then, whole, cutpoints, touched)
            elif name not in seen:
                seen.add(name)
                touched = tuple(
                    each for each in SCHEMES if name in _stepped(each, cutpoints, getattr(thresholds, each))
                )
                for setting, direction, now, then, moved in _cuts(name, cutpoints):
                    yield Trial(setting, direction, now, then, thresholds, moved, touched)


def _stepped(scheme: str, cutpoints: Cutpoints, own: Any) -> tuple[str, ...]:
    module = SCHEMES[scheme]
    declared = getattr(module, "WHATIF", None)
    if declared is None and hasattr(module, "fit"):
        return tuple(f"fitted.{scheme}.{name}" for name in cutpoints.fitted.get(scheme, ()))
    if declared is None:
        return tuple(
            part.name
            for part in fields(own)
            if "unit" in part.metadata and _is_numeric(getattr(own, part.name))
        )
    return declared(cutpoints, own) if callable(declared) else declared


def _is_numeric(value: Any) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def _settings(scheme: str, name: str, own: Any) -> Iterator[tuple[str, str, float, float, Any]]:
    value = getattr(own, name)
    values = value if isinstance(value, tuple) else (value,)
    for place, now in enumerate(values):
        for direction, sign in DIRECTIONS.items():
            then = _step(now, sign)
            changed = (*values[:place], then, *values[place + 1 :])
            try:
                moved = replace(own, **{name: changed if isinstance(value, tuple) else then})
            except ThresholdInvalid:
                continue  # the settings file would be refused as well
            key = f"{scheme}.{name}[{place}]" if isinstance(value, tuple) else f"{scheme}.{name}"
            yield key, direction, now, then, moved


def _step(now: float, sign: int) -> float:
    if isinstance(now, int):
        return now + sign * max(1, round(abs(now) / 10) if abs(now) > UNIT_STEP_TO else 1)
    if abs(now) <= SHARE_BELOW:
        return round(now + sign * (SMALL_STEP if abs(now) < SMALL_SHARE else SHARE_STEP), 6)
    return round(now + sign * round(abs(now) / 10, 2), 6)


def _cuts(name: str, cutpoints: Cutpoints) -> Iterator[tuple[str, str, float, float, Cutpoints]]:
    """Each cut of one field of the cut-points, held between its neighbours; None is never reached."""
    _, of_scheme, constant = name.split(".") if name.startswith("fitted.") else ("", "", "")
    field = cutpoints.fitted[of_scheme][constant] if of_scheme else getattr(cutpoints, name)
    if field is None:
        return
    is_tier = hasattr(field, "v_a")
    values = (field.v_b, field.v_a) if is_tier else field if isinstance(field, tuple) else (field,)
    for place, now in enumerate(values):
        if now is None:
            continue
        for direction, sign in DIRECTIONS.items():
            # recency cuts are kept as negative days: more days is a lower cut
            then = _step(now, -sign if now < 0 else sign)
            low = values[place - 1] if place else None
            high = values[place + 1] if place + 1 < len(values) else None
            then = max(then, low) if low is not None else then
            then = min(then, high) if high is not None else then
            if then == now:
                continue
            changed = (*values[:place], then, *values[place + 1 :])
            if is_tier:
                moved = replace(field, v_b=changed[0], v_a=changed[1])
                key = f"{name}.{('v_b', 'v_a')[place]}"
            elif isinstance(field, tuple):
                moved, key = changed, f"{name}[{place}]"
            else:
                moved, key = then, name
            if of_scheme:
                own = MappingProxyType(cutpoints.fitted[of_scheme] | {constant: then})
                place_of, moved = "fitted", MappingProxyType(cutpoints.fitted | {of_scheme: own})
            else:
                place_of = name
            yield (
                f"cutpoints.{key}", direction, _shown(name, now), _shown(name, then),
                replace(cutpoints, **{place_of: moved}),
            )  # fmt: skip


def _shown(name: str, value: float) -> float:
    return abs(value) / 100 if name in CENTS else abs(value)


def count(
    features: Mapping[str, Iterable[pd.DataFrame]], cutpoints: Cutpoints, thresholds: Thresholds
) -> pd.DataFrame:
    """One row per trial, scheme it touches and segment: how many are in it now and then, come and go.

    `features` is scheme → batches of the columns its module reads, each read once. Columns: setting,
    direction, value_now, value_then, scheme, segment, customers, customers_then, moved_in, moved_out, movers
    (of the whole scheme).
    """
    import numpy as np
    import pandas as pd

    planned = list(trials(cutpoints, thresholds))
    found = []
    for scheme, module in SCHEMES.items():
        mine = [trial for trial in planned if scheme in trial.schemes]
        size = len(module.GROUPS)
        moves = np.zeros((len(mine), size, size), dtype=np.int64)
        for batch in features[scheme] if mine else ():
            people, customers = _alike(batch, module.FEATURES)
            now = _places(scheme, people, cutpoints, thresholds) * size
            for place, trial in enumerate(mine):
                then = _places(scheme, people, trial.cutpoints, trial.thresholds)
                moved = np.bincount(now + then, customers, size * size)  # doubles count exactly
                moves[place] += moved.astype(np.int64).reshape(size, size)
        for trial, table in zip(mine, moves, strict=True):
            stayed = np.diag(table)
            before, after = table.sum(axis=1), table.sum(axis=0)
            for place, segment in enumerate(module.GROUPS):
                found.append(
                    {
                        "setting": trial.setting,
                        "direction": trial.direction,
                        "value_now": float(trial.value_now),
                        "value_then": float(trial.value_then),
                        "scheme": scheme,
                        "segment": segment,
                        "customers": int(before[place]),
                        "customers_then": int(after[place]),
                        "moved_in": int(after[place] - stayed[place]),
                        "moved_out": int(before[place] - stayed[place]),
                        "movers": int(table.sum() - stayed.sum()),
                    }
                )
    return pd.DataFrame(found)


def _alike(batch: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """One customer for all with the same features, and how many they are: they are judged alike.

    In a shop without surveys or tickets most schemes tell few customers apart.
    """
    import numpy as np

    read = [column for column in columns if column != "customer_id"]
    alike = batch.groupby(read, sort=False, dropna=False, observed=True).ngroup().to_numpy()
    _, first, customers = np.unique(alike, return_index=True, return_counts=True)
    return batch.iloc[first], customers


def _places(scheme: str, people: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> np.ndarray:
    """The place of each customer's segment in GROUPS."""
    module, own = SCHEMES[scheme], getattr(thresholds, scheme)
    if hasattr(module, "segments"):
        return module.segments(people, cutpoints, own)
    return places_of(scheme, module.assign(people, cutpoints, own)["segment"], module.GROUPS)
