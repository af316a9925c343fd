"""One step of a threshold moves exactly whom a run with that setting would move."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import population
import pytest

from models import cutpoints, schemes, whatif
from models.schemes import SCHEMES
from models.thresholds import ThresholdInvalid

DEFAULTS = schemes.Thresholds()


@pytest.fixture(scope="module")
def people():
    return population.crowd(500, seed=3)


@pytest.fixture(scope="module")
def now(people):
    """Cut-points that rest on enough data, as 500 drawn customers do not."""
    enough = replace(DEFAULTS, minimum_data=schemes.MinimumData(buyers=100, last_order_days=999))
    return enough, cutpoints.fit(people, enough)


@pytest.fixture(scope="module")
def counted(people, now):
    thresholds, fitted = now
    return whatif.count({scheme: [people] for scheme in SCHEMES}, fitted, thresholds)


def segments(scheme, people, fitted, thresholds):
    judged = SCHEMES[scheme].assign(people, fitted, getattr(thresholds, scheme))
    return judged["segment"].astype(str)


def with_setting(thresholds, setting, value):
    """The thresholds with one key set, as the settings file would."""
    scheme, name, place = re.fullmatch(r"(\w+)\.(\w+)(?:\[(\d+)\])?", setting).groups()
    own = getattr(thresholds, scheme)
    before = getattr(own, name)
    whole = isinstance(before, int) or (place and isinstance(before[int(place)], int))
    value = int(value) if whole else value
    changed = [*before[: int(place)], value, *before[int(place) + 1 :]] if place else value
    return replace(thresholds, **{scheme: replace(own, **{name: changed})})


def expected(scheme, before, after):
    return pd.DataFrame(
        {
            "segment": SCHEMES[scheme].GROUPS,
            "customers": [int((before == code).sum()) for code in SCHEMES[scheme].GROUPS],
            "customers_then": [int((after == code).sum()) for code in SCHEMES[scheme].GROUPS],
            "moved_in": [int(((after == code) & (before != code)).sum()) for code in SCHEMES[scheme].GROUPS],
            "moved_out": [int(((after != code) & (before == code)).sum()) for code in SCHEMES[scheme].GROUPS],
            "movers": int((before != after).sum()),
        }
    )


def test_every_step_of_a_setting_equals_a_run_with_it_cut_points_fitted_anew(people, now, counted):
    """Also of the schemes the trial does not name: nobody moves in them."""
    thresholds, fitted = now
    before = {scheme: segments(scheme, people, fitted, thresholds) for scheme in SCHEMES}
    tried = counted[~counted["setting"].str.startswith("cutpoints.")].groupby(
        ["setting", "value_then"], sort=False
    )
    assert tried.ngroups > 20
    for (setting, value), rows in tried:
        changed = with_setting(thresholds, setting, value)
        again = cutpoints.fit(people, changed)
        for scheme in SCHEMES:
            after = segments(scheme, people, again, changed)
            mine = rows[rows["scheme"] == scheme]
            if mine.empty:
                assert (after == before[scheme]).all(), (setting, value, scheme)
            else:
                wanted = expected(scheme, before[scheme], after)
                found = mine[wanted.columns].reset_index(drop=True)
                pd.testing.assert_frame_equal(found, wanted, check_dtype=False, obj=f"{setting} {scheme}")


def test_a_step_of_a_cut_point_is_that_of_the_fixed_settings_with_the_same_cuts(people, now, counted):
    thresholds, fitted = now
    for field, name, sign in (("r_cuts", "fixed_recency_days", -1), ("f_cuts", "fixed_orders", 1)):
        cuts = getattr(fitted, field)
        for place, cut in enumerate(cuts):
            rows = counted[
                (counted["setting"] == f"cutpoints.{field}[{place}]") & (counted["direction"] == "up")
            ]
            if rows.empty:
                continue
            moved = [*cuts[:place], sign * int(rows["value_then"].iloc[0]), *cuts[place + 1 :]]
            fixed = {
                "mode": "fixed",
                "fixed_recency_days": [-cut for cut in reversed(fitted.r_cuts)],
                "fixed_orders": list(fitted.f_cuts),
                "fixed_net": [cut / 100 for cut in fitted.m_cuts],
            }
            fixed[name] = [-each for each in reversed(moved)] if sign < 0 else moved
            try:
                changed = replace(thresholds, rfm=replace(thresholds.rfm, **fixed))
            except ThresholdInvalid:
                continue  # two equal cuts, which no setting can be
            wanted = expected(
                "rfm",
                segments("rfm", people, fitted, thresholds),
                segments("rfm", people, cutpoints.fit(people, changed), changed),
            )
            found = rows[wanted.columns].reset_index(drop=True)
            pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_nobody_is_lost_on_the_way(people, counted):
    by_trial = counted.groupby(["setting", "direction", "scheme"])
    sums = by_trial[["customers", "customers_then", "moved_in", "moved_out"]].sum()
    assert (sums[["customers", "customers_then"]] == len(people)).all(axis=None)
    assert (sums["moved_in"] == sums["moved_out"]).all()
    assert (sums["moved_in"] == by_trial["movers"].first()).all()
    assert not counted.duplicated(["setting", "direction", "scheme", "segment"]).any()


def test_batches_do_not_change_the_counts(people, now, counted):
    thresholds, fitted = now
    parts = {scheme: [people.iloc[:200], people.iloc[200:201], people.iloc[201:]] for scheme in SCHEMES}
    pd.testing.assert_frame_equal(whatif.count(parts, fitted, thresholds), counted)


def test_a_cut_is_held_between_its_neighbours():
    cuts = population.cuts(f_cuts=(4, 4, 5), r_cuts=(-40, -39, -20, None))
    found = {(trial.setting, trial.direction): trial.value_then for trial in whatif.trials(cuts, DEFAULTS)}
    assert ("cutpoints.f_cuts[0]", "up") not in found
    assert found["cutpoints.f_cuts[0]", "down"] == 3
    assert found["cutpoints.f_cuts[1]", "up"] == 5
    assert found["cutpoints.r_cuts[0]", "down"] == 39
    assert found["cutpoints.r_cuts[0]", "up"] == 44
    assert ("cutpoints.r_cuts[3]", "up") not in found


@pytest.mark.parametrize(
    ("now_is", "up", "down"),
    [
        (4, 5, 3),
        (30, 33, 27),
        (0.5, 0.55, 0.45),
        (0.02, 0.03, 0.01),
        (1.5, 1.65, 1.35),
        (180.0, 198.0, 162.0),
    ],
)
def test_a_step_is_a_tenth_or_one_or_five_points(now_is, up, down):
    assert (whatif._step(now_is, 1), whatif._step(now_is, -1)) == (up, down)
