"""The search for a maximum: found along ridges and at bounds, and owned up to where there is none."""

import numpy as np
import pytest

from models.value import FitFailed
from models.value.likelihood import kept, lowest, standard_errors

BOUNDS = [(-9.0, 9.0)] * 2


def bowl(theta, at=(1.0, -2.0), steep=(1.0, 1.0)):
    """A bowl with its lowest point `at`, bent by `steep` along its axes."""
    away = np.asarray(theta) - at
    return float((steep * away**2).sum() / 2), steep * away


def ridge(theta):
    """The bowl turned by 45 degrees: a million times as steep across as along."""
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) / 2**0.5
    value, slope = bowl(turn @ theta, (0.5, 3.0), np.array([1e3, 1e-3]))
    return value, turn.T @ slope


def test_the_lowest_point_is_found():
    assert lowest(bowl, bowl, BOUNDS, "bowl") == pytest.approx([1, -2])


def test_it_is_found_along_a_ridge():
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) / 2**0.5
    assert lowest(ridge, ridge, BOUNDS, "ridge") == pytest.approx(turn.T @ [0.5, 3.0], abs=1e-4)


def test_a_part_of_the_rows_begins_the_search_and_does_not_end_it():
    found = lowest(bowl, lambda theta: bowl(theta, (1.2, -1.7)), BOUNDS, "bowl")
    assert found == pytest.approx([1, -2])
    calls = []

    def counted(theta):
        calls.append(1)
        return bowl(theta)

    lowest(counted, lambda theta: bowl(theta, (1.2, -1.7)), BOUNDS, "bowl")
    assert len(calls) <= 8


def test_a_part_that_runs_into_a_bound_does_not_keep_the_whole_there():
    assert lowest(bowl, lambda theta: bowl(theta, (40.0, -2.0)), BOUNDS, "bowl") == pytest.approx([1, -2])


def test_what_lies_beyond_a_bound_is_held_by_it():
    assert lowest(lambda theta: bowl(theta, (40.0, -2.0)), lambda theta: bowl(theta, (40.0, -2.0)), BOUNDS,
                  "bowl") == pytest.approx([9, -2])  # fmt: skip


@pytest.mark.parametrize(
    "loss",
    [
        lambda theta: (float("nan"), np.zeros(2)),
        lambda theta: (float((np.asarray(theta) ** 2).sum()), np.ones(2)),  # a slope that is not its own
        lambda theta: (float(np.abs(theta).sum()), np.where(np.asarray(theta) >= 0, 1.0, -1.0)),  # a crease
    ],
)
def test_where_there_is_no_maximum_it_is_said(loss):
    with pytest.raises(FitFailed, match="planted: not flat where the search ended"):
        lowest(loss, loss, BOUNDS, "planted")


def test_errors_are_those_of_the_bend():
    found = standard_errors(
        lambda theta: bowl(theta, steep=np.array([4.0, 0.25])), np.array([1.0, -2.0]), 100
    )
    assert found == pytest.approx([1 / 20, 1 / 5], rel=1e-6)
    assert standard_errors(lambda theta: (0.0, np.zeros(2)), np.zeros(2), 100) is None


def test_a_number_is_kept_to_ten_digits():
    assert kept(0.12345678987654321) == 0.1234567899
    assert kept(-43432723.033893116) == -43432723.03
