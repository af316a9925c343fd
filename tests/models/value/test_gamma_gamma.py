"""Gamma-Gamma against the figures its authors printed, and against drawn amounts."""

import numpy as np
import pytest

from models import value
from models.value import GammaGamma, gamma_gamma

NOTE = GammaGamma(6.25, 3.74, 15.44, 946, 0.0)


@pytest.fixture(scope="module")
def repeat_spend(cdnow):
    """Repeat purchases of the first 39 weeks with an amount above zero: how many, and their mean."""
    later = cdnow[cdnow["day"] > cdnow.groupby("customer")["day"].transform("min")]
    spent = later[later["amount"] > 0].groupby("customer")["amount"].agg(["count", "mean"])
    return spent["count"].to_numpy(), spent["mean"].to_numpy()


def test_cdnow_gives_the_gamma_gamma_of_the_note(repeat_spend):
    # Fader & Hardie 2013, page 5: p 6.25, q 3.74, gamma 15.44 on the 946 who came back
    found = value.fit_gamma_gamma(*repeat_spend)
    assert [round(part, 2) for part in (found.p, found.q, found.gamma)] == [6.25, 3.74, 15.44]
    assert found.customers == 946
    assert repeat_spend[1].mean() == pytest.approx(35.08, abs=0.005)


def test_how_often_and_how_much_hang_together_as_the_paper_says(repeat_spend):
    # Fader, Hardie & Lee 2005, RFM and CLV: .11, and .06 without the customer of 21 purchases of 300 each
    count, mean = repeat_spend
    assert round(gamma_gamma.dependence(count, mean), 2) == 0.11
    others = ~((count == 21) & (mean > 290))
    assert others.sum() == 945
    assert round(gamma_gamma.dependence(count[others], mean[others]), 2) == 0.06


def test_the_order_of_the_rows_plays_no_part():
    rng = np.random.default_rng(1)
    n, m = rng.integers(1, 9, 3_000), rng.lognormal(3, 0.6, 3_000).round(2)
    mixed = rng.permutation(3_000)
    assert value.fit_gamma_gamma(n, m) == value.fit_gamma_gamma(n[mixed], m[mixed])
    assert gamma_gamma.dependence(n, m) == gamma_gamma.dependence(n[mixed], m[mixed])


@pytest.mark.parametrize("customers", [20_000, 150_000])
def test_a_planted_model_is_found_again(customers):
    rng = np.random.default_rng(2)
    n = rng.integers(1, 20, customers).astype(float)
    mean = rng.gamma(5 * n, 1 / rng.gamma(4, 1 / 12, customers)) / n
    found = value.fit_gamma_gamma(n, mean)
    assert [found.p, found.q, found.gamma] == pytest.approx([5, 4, 12], rel=0.06)
    assert found.mean == pytest.approx(20, rel=0.02)


def test_who_bought_nothing_more_is_expected_to_spend_as_the_population():
    found = NOTE.expected_amount(np.array([0, 1, 1000]), np.array([0.0, 35.22, 80.0]))
    assert found[0] == pytest.approx(NOTE.mean) == pytest.approx(35.22, abs=0.005)
    assert found[1] == pytest.approx(35.22, rel=0.002)
    assert found[2] == pytest.approx(80, rel=0.01)


@pytest.mark.parametrize("spread", [0, 0.001, 0.03, 0.1])
def test_a_shop_of_one_price_has_that_price(spread):
    rng = np.random.default_rng(3)
    n = rng.integers(1, 30, 2_000)
    means = [np.exp(spread * rng.standard_normal(each)).mean() * 40 for each in n]
    found = value.fit_gamma_gamma(n, np.array(means))
    assert found.mean == pytest.approx(40, rel=0.01)
    assert found.expected_amount(np.array([1, 9]), np.array([40.0, 40.0])) == pytest.approx(40, rel=0.01)


def test_amounts_that_have_no_mean_have_no_expectation():
    heavy = GammaGamma(0.3, 0.4, 10, 1, 0.0)
    found = heavy.expected_amount(np.array([1, 9]), np.array([20.0, 20.0]))
    assert np.isnan(found[0])
    assert found[1] > 0


def test_an_amount_that_cannot_be_is_refused():
    with pytest.raises(value.HistoryInvalid, match="1 of 2 customers"):
        value.fit_gamma_gamma(np.array([1, 2]), np.array([5.0, 0.0]))


def test_customers_all_alike_are_not_related():
    assert gamma_gamma.dependence(np.array([2, 2]), np.array([1.0, 5.0])) is None
    assert gamma_gamma.dependence(np.array([2]), np.array([1.0])) is None
