from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import quantiles

POPULATION = st.lists(st.integers(-50, 50), min_size=1, max_size=60)


def direct_class(value, population, classes):
    """The definition itself: p = (#{<x} + 0.5 * #{=x}) / N, class = min(k, floor(k * p) + 1)."""
    less = sum(other < value for other in population)
    equal = sum(other == value for other in population)
    p = Fraction(2 * less + equal, 2 * len(population))
    return min(classes, int(classes * p) + 1)


def test_ten_different_values_make_five_pairs():
    assert quantiles.mid_rank_cuts(np.arange(1, 11), 5) == (3, 5, 7, 9)


def test_tied_values_share_the_class_of_their_middle():
    # p(5) = 0.45 and so class 3; p(9) = 0.95 and so class 5.
    assert quantiles.mid_rank_cuts(np.array([5] * 9 + [9]), 5) == (5, 5, 9, 9)


def test_a_class_nobody_reaches_has_a_cut_nobody_reaches():
    cuts = quantiles.mid_rank_cuts(np.array([7, 7, 7]), 5)
    assert cuts == (7, 7, None, None)
    assert quantiles.score(np.array([6, 7, 10**9]), cuts).tolist() == [1, 3, 3]


def test_nobody_at_all_gives_only_cuts_nobody_reaches():
    assert quantiles.mid_rank_cuts(np.array([], dtype=np.int64), 4) == (None, None, None)


@given(POPULATION, st.sampled_from([4, 5]))
def test_frozen_cuts_give_every_member_its_mid_rank_class(population, classes):
    values = np.array(population)
    scores = quantiles.score(values, quantiles.mid_rank_cuts(values, classes))
    assert scores.tolist() == [direct_class(value, population, classes) for value in population]


@given(POPULATION, st.randoms(use_true_random=False))
def test_cuts_do_not_depend_on_the_order_of_the_values(population, random):
    shuffled = random.sample(population, len(population))
    assert quantiles.mid_rank_cuts(np.array(shuffled), 5) == quantiles.mid_rank_cuts(np.array(population), 5)


@given(POPULATION)
def test_scores_never_fall_as_values_rise(population):
    cuts = quantiles.mid_rank_cuts(np.array(population), 5)
    scores = quantiles.score(np.arange(-60, 61), cuts)
    assert (np.diff(scores) >= 0).all()


def test_the_nearest_rank_is_the_smallest_value_the_share_does_not_exceed():
    values = np.array([50, 10, 40, 20, 30])
    assert quantiles.nearest_rank(values, Fraction(4, 5)) == 40
    assert quantiles.nearest_rank(values, Fraction(81, 100)) == 50
    assert quantiles.nearest_rank(values, Fraction(0)) == 10
    with pytest.raises(ValueError, match="no values"):
        quantiles.nearest_rank(np.array([]), Fraction(1, 2))


@settings(max_examples=30)
@given(POPULATION)
def test_reference_points_are_a_thousand_and_one_of_the_values(population):
    points = quantiles.reference_points(np.array(population))
    assert len(points) == 1001
    assert set(points) <= set(population)
    assert (points[0], points[-1]) == (min(population), max(population))
    assert list(points) == sorted(points)


def test_the_middle_reference_point_of_three_values_is_the_second():
    assert quantiles.reference_points(np.array([30, 10, 20]))[500] == 20
    assert quantiles.reference_points(np.array([])) == ()


def test_mid_rank_is_read_off_the_reference_points():
    found = quantiles.mid_rank(np.array([0.0, 1.0, 2.0, 9.0, np.nan]), (1, 2, 2, 3))
    assert found[:4].tolist() == [0.0, 0.125, 0.5, 1.0]
    assert np.isnan(found[4])


@given(POPULATION, st.integers(-60, 60), st.sampled_from([0.1, 0.5, 0.8, 0.95]), st.sampled_from([1, 0.1]))
def test_a_share_stated_as_a_value_divides_the_same_values_as_the_rank(population, steps, share, step):
    reference = [round(value * step, 1) for value in sorted(population)]
    value = round(steps * step, 1)
    cut = quantiles.value_at(reference, share, step)
    rank = quantiles.mid_rank(np.array([value], dtype=float), reference)[0]
    assert (value >= cut) == (rank >= share)


def test_the_value_of_a_share_is_a_reference_value_or_the_step_above_one():
    # p(0) = .40, p of anything between 0 and 5 is .80, p(5) = .90.
    assert quantiles.value_at([0, 0, 0, 0, 5], 0.40) == 0
    assert quantiles.value_at([0, 0, 0, 0, 5], 0.80) == 1
    assert quantiles.value_at([0, 0, 0, 0, 5], 0.85) == 5
    assert quantiles.value_at([0, 0, 0, 0, 5], 0.95) == 6
    assert quantiles.value_at([0.1, 0.2], 0.95, 0.1) == 0.3
    assert quantiles.value_at([], 0.5) is None
