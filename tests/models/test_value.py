"""BG/NBD and Gamma-Gamma against the figures their authors printed, and against themselves."""

import numpy as np
import pandas as pd
import pytest
from real_data import real_data

from models import value
from models.value import BgNbd, GammaGamma

PAPER = BgNbd(0.243, 4.414, 0.793, 2.426, 2357, -9582.4, 7)


@pytest.fixture(scope="module")
def cdnow():
    """Purchase days of the CDNOW sample in its first 39 weeks: customer, day, amount; zero amounts count."""
    with (real_data("cdnow") / "CDNOW_sample.txt").open() as lines:
        rows = [line.split() for line in lines]
    sales = pd.DataFrame(
        {
            "customer": [row[1] for row in rows],
            "day": [row[2] for row in rows],
            "amount": [float(row[4]) for row in rows],
        }
    ).assign(day=lambda frame: pd.to_datetime(frame["day"]))
    return sales[sales["day"] <= "1997-09-30"].groupby(["customer", "day"], as_index=False)["amount"].sum()


@pytest.fixture(scope="module")
def histories(cdnow):
    seen = cdnow.groupby("customer")["day"].agg(["min", "max", "count"])
    weeks = (seen["max"] - seen["min"]).dt.days / 7
    observed = (pd.Timestamp("1997-09-30") - seen["min"]).dt.days / 7
    return (seen["count"] - 1).to_numpy(), weeks.to_numpy(), observed.to_numpy()


def test_cdnow_gives_the_parameters_of_the_paper(histories):
    # Fader, Hardie & Lee 2005, table 2
    found = value.fit_bg_nbd(*histories, unit_days=7)
    assert [round(part, 3) for part in (found.r, found.alpha, found.a, found.b)] == [
        0.243,
        4.414,
        0.793,
        2.426,
    ]
    assert round(found.log_likelihood, 1) == -9582.4
    assert found.customers == 2357


def test_the_conditional_expectation_of_the_paper_is_met():
    # Fader, Hardie & Lee, Implementing the BG/NBD Model in Excel: 39 weeks ahead
    found = PAPER.expected_purchases(39, np.array([2]), np.array([30.43]), np.array([38.86]))
    assert round(found[0], 3) == 1.226


def test_cdnow_gives_the_gamma_gamma_of_the_note(cdnow):
    # Fader & Hardie 2013, page 5: p 6.25, q 3.74, gamma 15.44 on the 946 who came back
    later = cdnow[cdnow["day"] > cdnow.groupby("customer")["day"].transform("min")]
    spent = later[later["amount"] > 0].groupby("customer")["amount"].agg(["count", "mean"])
    found = value.fit_gamma_gamma(spent["count"].to_numpy(), spent["mean"].to_numpy())
    assert [round(part, 2) for part in (found.p, found.q, found.gamma)] == [6.25, 3.74, 15.44]
    assert found.customers == 946


def drawn(customers, seed):
    """Histories drawn from BG/NBD itself, in days; a customer is watched for 100 to 700 of them."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.8, 1 / 60, customers)
    dropout = rng.beta(0.7, 2.5, customers)
    until = rng.integers(100, 701, customers).astype(float)
    x, t_x, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    alive = np.ones(customers, dtype=bool)
    while alive.any():
        now[alive] += rng.exponential(1 / rate[alive])
        alive &= now <= until
        x[alive] += 1
        t_x[alive] = now[alive]
        alive &= rng.random(customers) >= dropout
    return x, t_x, until


def test_a_planted_model_is_found_again():
    found = value.fit_bg_nbd(*drawn(40_000, seed=1))
    assert found.r == pytest.approx(0.8, rel=0.06)
    assert found.alpha == pytest.approx(60, rel=0.08)
    assert found.a / (found.a + found.b) == pytest.approx(0.7 / 3.2, rel=0.06)


def test_the_expectation_is_what_drawn_customers_do():
    x, t_x, until = drawn(30_000, seed=2)
    known = BgNbd(0.8, 60, 0.7, 2.5, 1, 0.0)
    new = known.expected_ever(300)
    rng = np.random.default_rng(3)
    # everybody watched for at least 300 days, counted up to then, on average
    assert new == pytest.approx(_mean_purchases(300, rng), rel=0.03)
    assert known.expected_purchases(90, x, t_x, until).min() >= 0


def _mean_purchases(days, rng, customers=200_000):
    rate, dropout = rng.gamma(0.8, 1 / 60, customers), rng.beta(0.7, 2.5, customers)
    now, count, alive = np.zeros(customers), np.zeros(customers), np.ones(customers, dtype=bool)
    while alive.any():
        now[alive] += rng.exponential(1 / rate[alive])
        alive &= now <= days
        count[alive] += 1
        alive &= rng.random(customers) >= dropout
    return count.mean()


def test_the_gradient_is_the_slope_of_the_likelihood():
    x, t_x, until = drawn(3_000, seed=5)
    found = value.fit_bg_nbd(x, t_x, until)
    best = _log_likelihood(found, x, t_x, until)
    assert best == pytest.approx(found.log_likelihood, rel=1e-9)
    for name in ("r", "alpha", "a", "b"):
        for factor in (0.97, 1.03):
            moved = BgNbd(**({"r": found.r, "alpha": found.alpha, "a": found.a, "b": found.b} | {
                name: getattr(found, name) * factor}), customers=1, log_likelihood=0)  # fmt: skip
            assert _log_likelihood(moved, x, t_x, until) < best


def _log_likelihood(model, x, t_x, until):
    """Equation 6 of the paper, written out term by term."""
    from scipy.special import gammaln

    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    front = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    front += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    alive = (alpha + until) ** -(r + x)
    gone = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * (alpha + t_x) ** -(r + x), 0)
    return float((front + np.log(alive + gone)).sum())


def test_order_and_company_change_nothing():
    x, t_x, until = drawn(2_000, seed=6)
    mixed = np.random.default_rng(7).permutation(len(x))
    model = value.fit_bg_nbd(x, t_x, until)
    assert value.fit_bg_nbd(x[mixed], t_x[mixed], until[mixed]) == model
    together = model.expected_purchases(90, x, t_x, until)
    alone = [
        model.expected_purchases(90, x[i : i + 1], t_x[i : i + 1], until[i : i + 1])[0] for i in range(50)
    ]
    assert together[:50].tolist() == alone


def test_longer_away_is_less_alive_and_more_often_before_is_less_alive_still():
    away = PAPER.p_alive(np.full(5, 4), np.full(5, 10.0), np.array([10.0, 15, 20, 30, 39]))
    assert (np.diff(away) < 0).all()
    often = PAPER.p_alive(np.array([1, 3, 9]), np.full(3, 10.0), np.full(3, 39.0))
    assert (np.diff(often) < 0).all()
    assert PAPER.p_alive(np.array([0]), np.array([0.0]), np.array([39.0])).tolist() == [1.0]


def test_a_history_that_cannot_be_is_refused():
    with pytest.raises(
        value.HistoryInvalid, match="1 of 2 histories cannot be, the first has x 1, t_x 9, T 8"
    ):
        PAPER.p_alive(np.array([0, 1]), np.array([0.0, 9]), np.array([5.0, 8]))
    with pytest.raises(value.HistoryInvalid, match="none of 3 customers ever came back"):
        value.fit_bg_nbd(np.zeros(3), np.zeros(3), np.full(3, 9.0))
    with pytest.raises(value.HistoryInvalid, match="1 of 2 customers"):
        value.fit_gamma_gamma(np.array([1, 2]), np.array([5.0, 0.0]))


def test_who_bought_nothing_more_is_expected_to_spend_as_the_population():
    model = GammaGamma(6.25, 3.74, 15.44, 946, 0.0)
    found = model.expected_amount(np.array([0, 1, 1000]), np.array([0.0, 35.22, 80.0]))
    assert found[0] == pytest.approx(model.mean)
    assert found[1] == pytest.approx(35.22, rel=0.002)
    assert found[2] == pytest.approx(80, rel=0.01)
