"""Train a churn model on past days, judge it on days it never saw, and say whether it may be published.

Of every run the model and its rivals see the same rows: trained on the fold of that name, chosen and
calibrated on the next, judged on the last. Earlier runs are repeated as they would have been then: their
record is what a flag carries. Source: definitions part 8, section 7.
"""

from __future__ import annotations

from datetime import timedelta
from math import isnan
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from models.churn import additive, calibration, evaluate, folds
from models.churn.folds import Cut, Folds
from models.churn.inputs import INPUTS
from models.churn.levels import GROUPS as LEVELS
from models.churn.probability import BANDS, ChurnModel, Thresholds, bands

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from typing import Any

    import numpy as np
    import pandas as pd

    from models.churn.additive import Additive
    from models.churn.calibration import Curve
    from models.value import BgNbd

RULES = ("level", "recency_days", "recency_of_typical")
"""The rule scores the model has to beat."""
BASELINES = (*RULES, "p_alive", "orders_expected")
"""And BG/NBD's: the probability to be alive, and the orders expected within the horizon."""

_LEVEL_ROWS = 50_000
_REFERENCE_BINS = 10
_PLACES = 6


class Level(NamedTuple):
    """What has to be added to calibrated log odds on a day, and what that rests on."""

    shift: float
    season: str
    off: Mapping[str, float]


class Tested(NamedTuple):
    """One run: what was fitted, and what it said of the customers of its test fold.

    `law` is the BG/NBD of the last day that trains: what came after it is not known to the score.
    """

    folds: Folds
    law: BgNbd | None
    score: Additive
    curve: Curve
    level: Level
    candidates: Mapping[str, float]
    p: np.ndarray
    log_odds: np.ndarray


def train(
    frames: Callable[[date], pd.DataFrame] | Mapping[date, pd.DataFrame],
    as_of: date,
    opened_on: date,
    known: str,
    thresholds: Thresholds,
) -> ChurnModel:
    """The churn model of `as_of`, from the frames of `probability.cutoffs` and of `as_of` itself.

    A frame has inputs.TRAINING of a day and, but for `as_of`, `is_churned`; it is asked for once, and read
    column by column. `known` says whether the past was seen as it was then (as_then) or as it was handed
    over (handed_over). Raises LabelUnknown, LabelOneSided and FeatureMissing.
    """
    get = frames if callable(frames) else frames.__getitem__
    days = folds.cutoffs(as_of, opened_on, thresholds)
    overlapping = folds.is_overlapping(as_of, opened_on, thresholds)
    cuts = {day: folds.read(get(day), day, labelled=True, thresholds=thresholds) for day in days}
    today = folds.read(get(as_of), as_of, labelled=False, thresholds=thresholds)

    plan = folds.folds(days[-1], days, overlapping, thresholds) if days else None
    status, why = _preflight(plan, cuts, thresholds)
    tested = []
    if status == "ok":
        for day in days[::-1][: thresholds.runs]:
            run = folds.folds(day, days, overlapping, thresholds)
            if run and _preflight(run, cuts, thresholds)[0] == "ok":
                tested.append(_run(run, cuts, opened_on, thresholds))
    gates = _gates(tested[0], cuts, thresholds) if tested else {}
    decision, failed = _decide(status, gates)
    level = Level(0.0, "unknown", {})
    if tested:  # as for a test fold, with the test fold itself known by now
        off = _off(tested[0].score, tested[0].curve, cuts, list(days), tested[0].law, thresholds)
        level = _level(as_of, off, opened_on, thresholds)
    newest = cuts[days[-1]] if days else None
    law = tested[0].law if tested else today.bg_nbd
    return ChurnModel(
        as_of=as_of.isoformat(),
        known=known,
        horizon_days=thresholds.horizon_days,
        status=status,
        decision=decision,
        why=(*why, *failed),
        counts=_frozen(
            {
                str(day): {"customers": cut.customers, "eligible": cut.rows, "churned": cut.churned}
                for day, cut in cuts.items()
            }
        ),
        folds=_frozen(
            {
                "train": tuple(map(str, plan.train)) if plan else (),
                "calibrate": str(plan.calibrate) if plan else None,
                "test": str(plan.test) if plan else None,
                "overlapping": overlapping,
            }
        ),
        gates=_frozen(gates),
        candidates=_frozen(tested[0].candidates if tested else {}),
        score=tested[0].score if tested else None,
        curve=tested[0].curve if tested else None,
        shift=level.shift,
        level=_frozen({"season": level.season, "off": level.off}),
        bg_nbd=law,
        base_rate=round(newest.churned / newest.rows, _PLACES) if newest and newest.rows else None,
        cut=thresholds.default_cut,
        cut_basis="default",
        backtest=tuple(_frozen(row) for each in tested for row in _rows(each, cuts, thresholds)),
        record=_frozen(_record(tested, days, cuts, thresholds)),
        reference=_frozen(_reference(today.by(law, thresholds).inputs)),
    )


def _preflight(
    plan: Folds | None, cuts: Mapping[date, Cut], thresholds: Thresholds
) -> tuple[str, tuple[str, ...]]:
    """(status, why not): are there folds, and enough of both kinds in each, in words with both numbers?"""
    if plan is None:
        return "insufficient", (
            f"{len(cuts)} cut-offs with history before and a horizon after; 3 folds need more",
        )
    short = []
    for name, parts in (("train", plan.train), ("calibrate", (plan.calibrate,)), ("test", (plan.test,))):
        rows, churned = (sum(getattr(cuts[day], what) for day in parts) for what in ("rows", "churned"))
        short += [
            f"{name}: {count} {kind}, {thresholds.min_each} wanted"
            for count, kind in ((churned, "churned"), (rows - churned, "stayed"))
            if count < thresholds.min_each
        ]
    low, high = thresholds.base_rate_within
    rates = {day: cuts[day].churned / max(cuts[day].rows, 1) for day in (plan.calibrate, plan.test)}
    odd = [
        f"{rate:.2%} of {cuts[day].rows} churned on {day}; between {low:.0%} and {high:.0%} is wanted"
        for day, rate in rates.items()
        if not low <= rate <= high
    ]
    if odd and all(cuts[day].rows >= thresholds.min_each for day in rates):
        return "degenerate", tuple(odd)
    return ("insufficient", tuple(short)) if short else ("ok", ())


def _run(plan: Folds, cuts: Mapping[date, Cut], opened_on: date, thresholds: Thresholds) -> Tested:
    """Fit the candidates, keep the one that ranks the calibration fold best, calibrate it, and test it."""
    import numpy as np

    law = next((cuts[day].bg_nbd for day in plan.train[::-1] if cuts[day].bg_nbd), None)
    parts = [cuts[day].first(thresholds.max_rows // len(plan.train)) for day in plan.train]
    parts = [part.by(law, thresholds) for part in parts]
    x = {name: np.concatenate([part.inputs[name] for part in parts]) for name in INPUTS}
    y = np.concatenate([part.y for part in parts])
    calibrate, test = (cuts[day].by(law, thresholds) for day in (plan.calibrate, plan.test))
    weight = _levelled(parts)
    logistic = additive.fit_logistic(x, y, weight, penalty=thresholds.logistic_penalty)
    boosting = additive.fit_boosting(
        x,
        y,
        weight,
        seed=thresholds.seed,
        iterations=thresholds.boosting_rounds,
        learning_rate=thresholds.boosting_rate,
        leaves=thresholds.boosting_leaves,
    )
    candidates = (additive.blend(logistic, boosting), logistic, boosting)
    scores = [each.log_odds(calibrate.inputs) for each in candidates]
    found = [round(evaluate.average_precision(calibrate.y, score), _PLACES) for score in scores]
    best = int(np.argmax(found))
    # the mean of both wavers least: one of its parts has to be as much better as a model than a rule
    best = best if 1 - found[best] <= thresholds.max_ap_loss * (1 - found[0]) else 0
    chosen = candidates[best]
    curve = calibration.fit(scores[best], calibrate.y, isotonic_rows=thresholds.isotonic_rows)
    # as at deployment: of days whose horizon is over; where history is too short for one, of those of a fold
    seen = [day for day in cuts if day <= plan.test - timedelta(days=thresholds.horizon_days)]
    seen = seen or [day for day in cuts if day <= plan.calibrate]
    level = _level(plan.test, _off(chosen, curve, cuts, seen, law, thresholds), opened_on, thresholds)
    log_odds = chosen.log_odds(test.inputs)
    p = np.round(calibration.probability(curve.calibrated(log_odds) + level.shift), _PLACES)
    names = {each.kind: ap for each, ap in zip(candidates, found, strict=True)}
    return Tested(plan, law, chosen, curve, level, names, p, log_odds)


def _levelled(parts: list[Cut]) -> np.ndarray:
    """Weights of rows that give every training day the same rate: days differ in level, and that is no input.

    Else whatever tells days apart, a younger shop or a busier month, is learned in place of customers; the
    level is expected for itself (`_level`). Odds then differ by a factor a day, as a season's do.
    """
    import numpy as np

    rate = sum(float(part.y.sum()) for part in parts) / sum(len(part.y) for part in parts)
    weights = []
    for part in parts:
        own = (float(part.y.sum()) + 0.5) / (len(part.y) + 1)
        weights.append(np.where(part.y > 0, rate / own, (1 - rate) / (1 - own)))
    return np.concatenate(weights)


def _off(
    score: Additive,
    curve: Curve,
    cuts: Mapping[date, Cut],
    days: list[date],
    law: BgNbd | None,
    thresholds: Thresholds,
) -> dict[date, float]:
    """How far calibrated log odds were off at each cut-off: what makes their mean the realised rate."""
    found = {}
    for day in days:
        few = cuts[day].first(_LEVEL_ROWS).by(law, thresholds)
        if len(few.y):
            rate = (float(few.y.sum()) + 0.5) / (len(few.y) + 1)
            found[day] = round(
                calibration.shift_to(curve.calibrated(score.log_odds(few.inputs)), rate), _PLACES
            )
    return found


def _level(day: date, off: Mapping[date, float], opened_on: date, thresholds: Thresholds) -> Level:
    """What the log odds of `day` will be off, as far as the past tells.

    Where a year before is known, of `day` and of a cut-off since: what it was off then, and how much more the
    cut-offs since were off than a year before them. Else what they were off themselves. Either way the last
    counts most, and half as much a horizon earlier: what is not season wears off. A cut-off of the shop's
    first year stands for no season: what changed since is growth as well.
    """
    if not off:
        return Level(0.0, "unknown", {})
    told = {str(each): value for each, value in off.items()}
    grown = [each for each in off if (each - opened_on).days >= 365]

    def year_before(of: date) -> float | None:
        near = ((abs((each - of).days + 365), each) for each in grown)
        distance, nearest = min(near, default=(366, None))
        return off[nearest] if distance <= thresholds.season_within_days else None

    def recent(values: Mapping[date, float]) -> float:
        ages = {each: (max(values) - each).days / thresholds.horizon_days for each in values}
        return sum(value * 0.5 ** ages[each] for each, value in values.items()) / sum(
            0.5**age for age in ages.values()
        )

    start = year_before(day)
    since = {each: value - year_before(each) for each, value in off.items() if year_before(each) is not None}
    if start is None or not since:
        return Level(round(recent(off), _PLACES), "unknown", told)
    return Level(round(start + recent(since), _PLACES), "known", told)


def rivals(cut: Cut, thresholds: Thresholds) -> dict[str, np.ndarray]:
    """The baselines' scores on one cut-off, higher for those thought to leave; BG/NBD is fitted on it."""
    import numpy as np

    own = cut.by(cut.bg_nbd, thresholds).inputs

    def known(values: np.ndarray) -> np.ndarray:
        return np.nan_to_num(values, nan=0.0)

    return {
        "level": cut.level.astype(np.float64),
        "recency_days": own["recency_days"],
        "recency_of_typical": own["recency_of_typical"],
        "p_alive": -known(own["p_alive"]),
        "orders_expected": -known(own["orders_expected"]),
    }


def quiet_days(thresholds: Thresholds) -> tuple[int, ...]:
    """X of the rules "no purchase in X days": the horizon and its halves down to 30, and 30 itself."""
    found, days = [], thresholds.horizon_days
    while days > 30:
        found.append(days)
        days //= 2
    return (*found, 30)


def _gates(tested: Tested, cuts: Mapping[date, Cut], thresholds: Thresholds) -> dict[str, dict[str, Any]]:
    """Each gate: found, wanted, holds; the best rule by name. Judged on the test fold alone."""
    test, before = cuts[tested.folds.test], cuts[tested.folds.calibrate]
    y, p = test.y, tested.p
    scores = rivals(test, thresholds)
    found = {name: evaluate.average_precision(y, scores[name]) for name in RULES}
    best = max(RULES, key=lambda name: found[name])
    own = evaluate.average_precision(y, p)
    rows = thresholds.bootstrap_rows
    bound = evaluate.ap_gain_bound(
        y[:rows], p[:rows], scores[best][:rows],
        confidence=thresholds.confidence, rounds=thresholds.bootstrap_rounds, seed=thresholds.seed,
    )  # fmt: skip
    quiet = _quiet(test, thresholds)
    x, precise = max(quiet.items(), key=lambda each: (each[1][1], -each[0]), default=(0, (0.0, 0.0)))
    as_many = evaluate.precision_at_share(y, p, precise[0]) if quiet else 1.0
    rate, rate_before = test.churned / test.rows, before.churned / before.rows
    shift = abs(rate - rate_before) / rate_before
    held = [each["rate"] for each in _band_rates(y, p, thresholds).values()]
    return {
        "ap_loss": _gate(
            (1 - own) / max(1 - found[best], 1e-9), thresholds.max_ap_loss, "at most", against=best
        ),
        "ap_gain_bound": _gate(bound, 0.0, "above", against=best),
        "precision": _gate(as_many, precise[1], "at least", against=f"no_purchase_{x}d", share=precise[0]),
        "ece": _gate(evaluate.ece(y, p), thresholds.max_ece, "at most"),
        "base_rate_shift": _gate(shift, thresholds.max_base_shift, "at most"),
        "bands_rising": _gate(float(evaluate.is_rising(held)), 1.0, "at least"),
    }


def _gate(found: float, wanted: float, how: str, **about: Any) -> dict[str, Any]:
    found, wanted = round(found, _PLACES), round(wanted, _PLACES)
    holds = {"at most": found <= wanted, "at least": found >= wanted, "above": found > wanted}[how]
    told = {name: round(each, _PLACES) if isinstance(each, float) else each for name, each in about.items()}
    return {"found": found, "wanted": wanted, "how": how, "holds": bool(holds), **told}


def _decide(status: str, gates: Mapping[str, Mapping[str, Any]]) -> tuple[str, tuple[str, ...]]:
    """The decision and the failed gates: a model that ranks no better is none, one that is off waits."""
    if status != "ok":
        return "rule", ()
    failed = tuple(name for name, gate in gates.items() if not gate["holds"])
    if {"ap_loss", "ap_gain_bound", "precision"} & set(failed):
        return "rule", ("challenger_lost", *failed)
    return ("hold", failed) if failed else ("publish", ())


def _quiet(cut: Cut, thresholds: Thresholds) -> dict[int, tuple[float, float]]:
    """X → (share flagged, precision) of the rules "no purchase in X days" that flag enough to be judged."""
    recency = cut.inputs["recency_days"]
    found = {}
    for days in quiet_days(thresholds):
        flagged = recency > days
        if flagged.sum() >= thresholds.min_each:
            found[days] = (float(flagged.mean()), float(cut.y[flagged].mean()))
    return found


def _band_rates(y: np.ndarray, p: np.ndarray, thresholds: Thresholds) -> dict[str, dict[str, Any]]:
    """Band → customers, expected and realised churners, realised rate (None where nobody is)."""
    import numpy as np

    place = bands(p, thresholds)
    rows, hits = np.bincount(place, minlength=len(BANDS)), np.bincount(place, y, len(BANDS))
    expected = np.bincount(place, p, len(BANDS))
    return {
        band: {
            "n": int(rows[at]),
            "expected": float(expected[at]),
            "churned": int(hits[at]),
            "rate": float(hits[at] / rows[at]) if rows[at] else None,
        }
        for at, band in enumerate(BANDS)
    }


def _rows(tested: Tested, cuts: Mapping[date, Cut], thresholds: Thresholds) -> list[dict[str, Any]]:
    """The rows of one run in the backtest: the model and each baseline over all, and over what they flag."""
    test = cuts[tested.folds.test]
    y, base = test.y, float(test.y.mean())
    shared = {
        "cutoff": str(tested.folds.test),
        "season": tested.level.season,
        "base_rate": round(base, _PLACES),
    }
    rows = [
        {
            **shared,
            "model": tested.score.kind,
            "is_baseline": False,
            "band": "all",
            **_measures(y, tested.p),
            "brier": round(evaluate.brier(y, tested.p), _PLACES),
            "ece": round(evaluate.ece(y, tested.p), _PLACES),
            **_counted(len(y), int(y.sum()), float(tested.p.sum()), base),
        }
    ]
    # the lift of a whole ranking is that of its first tenth
    rows[0]["lift"] = _lift(y, tested.p, base)
    for band, each in _band_rates(y, tested.p, thresholds).items():
        rows.append(
            {**shared, "model": tested.score.kind, "is_baseline": False, "band": band, **_UNMEASURED}
            | _counted(each["n"], each["churned"], each["expected"], base)
        )
    for name, score in rivals(test, thresholds).items():
        rows.append(
            {**shared, "model": name, "is_baseline": True, "band": "all", **_UNMEASURED}
            | _measures(y, score)
            | _counted(len(y), int(y.sum()), None, base)
            | {"lift": _lift(y, score, base)}
        )
    recency = test.inputs["recency_days"]
    for days in quiet_days(thresholds):
        flagged = recency > days
        rows.append(
            {**shared, "model": f"no_purchase_{days}d", "is_baseline": True, "band": "flagged", **_UNMEASURED}
            | _measures(y, flagged.astype(float))
            | _counted(int(flagged.sum()), int(y[flagged].sum()), None, base)
        )
    return rows


_UNMEASURED = dict.fromkeys(("auc", "ap", "brier", "ece"))


def _measures(y: np.ndarray, score: np.ndarray) -> dict[str, float]:
    return {
        "auc": round(evaluate.auc(y, score), _PLACES),
        "ap": round(evaluate.average_precision(y, score), _PLACES),
    }


def _lift(y: np.ndarray, score: np.ndarray, base: float) -> float:
    return round(evaluate.precision_at_share(y, score, 0.1) / base, _PLACES)


def _counted(n: int, churned: int, expected: float | None, base: float) -> dict[str, Any]:
    """n customers, of whom so many churned (right) and stayed (false alarms), expected and realised."""
    return {
        "n": n,
        "expected_true": None if expected is None else round(expected, 3),
        "expected_false": None if expected is None else round(n - expected, 3),
        "realised_true": churned,
        "realised_false": n - churned,
        "lift": round(churned / n / base, _PLACES) if n else None,
    }


def _record(
    tested: list[Tested], days: tuple[date, ...], cuts: Mapping[date, Cut], thresholds: Thresholds
) -> dict[str, dict[str, dict[str, Any]]]:
    """What came of each band and of each level the last times, all runs together, with Wilson's interval.

    Only of days a horizon apart: of nearer ones the same customers and the same orders would count twice, and
    the interval would be too narrow.
    """
    import numpy as np

    runs = folds.apart((each.folds.test for each in tested), thresholds)
    last = [cuts[day] for day in folds.apart(days, thresholds)[: thresholds.runs]]

    def entry(code: str, found: list[tuple[date, int, int]]) -> dict[str, Any]:
        n, churned = sum(each[1] for each in found), sum(each[2] for each in found)
        interval = evaluate.wilson(churned, n, thresholds.confidence)
        low, high = (interval.low, interval.high) if interval else (None, None)
        return {
            "n": n,
            "churned": churned,
            "rate": None if interval is None else round(interval.rate, _PLACES),
            "low": None if low is None else round(low, _PLACES),
            "high": None if high is None else round(high, _PLACES),
            "runs": tuple(str(each[0]) for each in found),
        }

    by_band = [
        (each.folds.test, _band_rates(cuts[each.folds.test].y, each.p, thresholds))
        for each in tested
        if each.folds.test in runs
    ]
    record = {
        "band": {
            band: entry(band, [(day, rates[band]["n"], rates[band]["churned"]) for day, rates in by_band])
            for band in BANDS
        }
    }
    counts = [(cut.on, np.bincount(cut.level, minlength=4), np.bincount(cut.level, cut.y, 4)) for cut in last]
    record["level"] = {
        LEVELS[1 + at]: entry(LEVELS[1 + at], [(day, int(n[at]), int(hits[at])) for day, n, hits in counts])
        for at in range(4)
    }
    return record


def _reference(values: Mapping[str, np.ndarray]) -> dict[str, dict[str, tuple[float, ...]]]:
    """Input → edges and the share of each bin, the unknown last: what later days are held against."""
    import numpy as np

    found = {}
    for name, each in values.items():
        edges = additive.quantile_edges(each, _REFERENCE_BINS)
        counts = np.bincount(additive.codes(each, edges), minlength=len(edges) + 2)
        shares = counts / max(counts.sum(), 1)
        found[name] = {"edges": edges, "shares": tuple(round(float(share), _PLACES) for share in shares)}
    return found


def _frozen(value: Any) -> Any:
    """Mappings that cannot be changed, all the way down; numbers that are none become None."""
    if isinstance(value, dict | MappingProxyType):
        return MappingProxyType({key: _frozen(each) for key, each in value.items()})
    if isinstance(value, tuple | list):
        return tuple(_frozen(each) for each in value)
    if isinstance(value, float) and isnan(value):
        return None
    return value
