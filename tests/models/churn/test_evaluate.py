"""Measures, each worked out by hand or taken from print."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from models.churn import evaluate

Y = np.array([1, 0, 1, 0, 0])
SCORE = np.array([0.9, 0.8, 0.7, 0.7, 0.1])
MIXED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=4, max_size=40).filter(
    lambda rows: 0 < sum(y for y, _ in rows) < len(rows)
)


def test_auc_counts_pairs_in_order_and_ties_half():
    # .9 beats all three; .7 beats .1, ties one, loses to .8
    assert evaluate.auc(Y, SCORE) == pytest.approx((3 + 1 + 0.5) / 6)


def test_average_precision_takes_those_who_tie_as_one_step():
    # recall 1/2 at precision 1/1, the other half at 2/4
    assert evaluate.average_precision(Y, SCORE) == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)


@given(MIXED)
def test_ranking_measures_are_those_of_scikit_learn(rows):
    y, score = np.array(rows, dtype=float).T
    assert evaluate.auc(y, score) == pytest.approx(metrics.roc_auc_score(y, score))
    assert evaluate.average_precision(y, score) == pytest.approx(metrics.average_precision_score(y, score))


@given(MIXED, st.randoms())
def test_measures_do_not_depend_on_the_order_of_rows(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    for measure in (evaluate.auc, evaluate.average_precision):
        found = [measure(*np.array(each, dtype=float).T) for each in (rows, shuffled)]
        assert found[0] == pytest.approx(found[1], abs=1e-12)


def test_one_class_alone_has_no_ranking():
    assert np.isnan(evaluate.auc(np.ones(3), np.arange(3.0)))


def test_brier_by_hand():
    assert evaluate.brier(np.array([1, 0]), np.array([0.8, 0.3])) == pytest.approx((0.04 + 0.09) / 2)


def test_ece_weighs_each_bin_by_its_rows_and_keeps_one_in_the_last():
    y = np.array([0, 1, 1, 0])
    p = np.array([0.05, 0.05, 0.95, 1.0])
    # bin 0: mean p .05, rate .5; bin 9: mean p .975, rate .5
    assert evaluate.ece(y, p) == pytest.approx(0.5 * 0.45 + 0.5 * 0.475)


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3 (score, no continuity correction), 95 %
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_printed_one(hits, rows, low, high):
    found = evaluate.wilson(hits, rows, 0.95)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_nobody_has_no_interval():
    assert evaluate.wilson(0, 0) is None


def test_precision_at_a_share_takes_of_those_who_tie_at_its_edge_what_is_needed():
    # two of five: .9 whole, then one of the two at .8
    y, score = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.8, 0.8, 0.1, 0.1])
    assert evaluate.precision_at_share(y, score, 0.4) == pytest.approx((1 + 0.5) / 2)


def test_the_bound_of_a_gain_is_below_zero_for_the_same_score_drawn_anew_and_above_for_a_far_better_one():
    rng = np.random.default_rng(1)
    y = (rng.random(2000) < 0.3).astype(float)
    noise, good = rng.random(2000), y + rng.random(2000)
    how = {"confidence": 0.9, "rounds": 100, "seed": 3}
    assert evaluate.ap_gain_bound(y, noise, rng.random(2000), **how) < 0.02
    assert evaluate.ap_gain_bound(y, good, noise, **how) > 0.3
    assert evaluate.ap_gain_bound(y, good, noise, **how) == evaluate.ap_gain_bound(y, good, noise, **how)


def test_bands_nobody_is_in_do_not_break_a_rise():
    assert evaluate.is_rising([0.1, None, 0.4])
    assert not evaluate.is_rising([0.3, 0.2, 0.4])


def test_psi_by_hand():
    # (.6 - .5) ln(.6 / .5) + (.4 - .5) ln(.4 / .5)
    assert evaluate.psi([0.6, 0.4], [0.5, 0.5]) == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8))
