import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn import calibration, evaluate


def drawn(rows, seed=1, stretch=2.0, off=0.7):
    """Scores whose true log odds are score / stretch - off."""
    rng = np.random.default_rng(seed)
    score = rng.normal(0, 2, rows)
    return score, (rng.random(rows) < calibration.probability(score / stretch - off)).astype(float)


@pytest.mark.parametrize("rows", [900, 1_000, 20_000])
def test_a_curve_brings_scores_to_what_happens_on_rows_it_never_saw(rows):
    curve = calibration.fit(*drawn(rows), isotonic_rows=1_000)
    assert curve.kind == ("isotonic" if rows >= 1_000 else "platt")
    score, y = drawn(20_000, seed=2)
    raw = evaluate.ece(y, calibration.probability(score))
    found = evaluate.ece(y, calibration.probability(curve.calibrated(score)))
    assert raw > 0.1
    assert found < 0.035


@given(st.integers(0, 30), st.sampled_from([200, 3_000]))
def test_who_scores_higher_is_never_less_probable_and_nearly_always_more(seed, rows):
    score, y = drawn(rows, seed)
    curve = calibration.fit(score, y, isotonic_rows=1_000)
    ends = np.linspace(-15, 15, 500)
    assert (np.diff(curve.calibrated(ends)) > 0).all()


def test_platts_line_has_his_targets_and_never_reaches_certainty():
    curve = calibration.fit(
        np.array([-1.0] * 5 + [1.0] * 5), np.array([0.0] * 5 + [1.0] * 5), isotonic_rows=99
    )
    p = calibration.probability(curve.calibrated(np.array([-1.0, 1.0])))
    assert p == pytest.approx([1 / 7, 6 / 7], abs=1e-4)  # 1 / (5 + 2) and (5 + 1) / (5 + 2)


def test_a_score_that_tells_nothing_is_flat_at_the_rate():
    rng = np.random.default_rng(5)
    score, y = rng.normal(size=500), (np.arange(500) < 150).astype(float)
    p = calibration.probability(
        calibration.fit(-score, rng.permutation(y), isotonic_rows=9_999).calibrated(score)
    )
    assert p.mean() == pytest.approx(0.3, abs=0.01)
    assert p.std() < 0.05


@given(st.floats(0.01, 0.99))
def test_a_shift_meets_the_rate(rate):
    log_odds = np.random.default_rng(3).normal(-1, 1.5, 500)
    moved = log_odds + calibration.shift_to(log_odds, rate)
    assert calibration.probability(moved).mean() == pytest.approx(rate, abs=1e-6)
