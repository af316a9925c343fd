import math

import numpy as np
import population
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from population import customer, frame

from models.churn import levels
from models.churn.levels import GapLaw

DEFAULTS = levels.Thresholds()
FEW = levels.Thresholds(min_repeat_buyers=2)
LAWS = st.builds(GapLaw, st.floats(0, 6.5).map(lambda mu: round(mu, 6)), st.floats(0, 2.5), st.just(100))


def judged(*rows, cuts=None, thresholds=DEFAULTS):
    return levels.assign(frame(*rows), cuts or population.cuts(), thresholds)


def limits(mu, sigma):
    return levels.law_limits(GapLaw(mu, sigma, 100), DEFAULTS)


def fixed_point(*gaps):
    logs = [round(math.log(gap) * 1_000_000) for gap in gaps]
    return np.array([len(gaps)]), np.array([sum(logs)]), np.array([sum(log * log for log in logs)])


def test_limits_are_the_quantiles_of_the_lognormal_law():
    q75, q90, q95, churned = limits(math.log(100), 0.8)
    # Normal quantiles from a printed table: 0.6745, 1.2816, 1.6449.
    assert q75 == pytest.approx(100 * math.exp(0.6745 * 0.8), rel=1e-4)
    assert q90 == pytest.approx(100 * math.exp(1.2816 * 0.8), rel=1e-4)
    assert q95 == pytest.approx(100 * math.exp(1.6449 * 0.8), rel=1e-4)
    assert churned == 2 * q95
    assert [q75, q90, q95] == [round(day, 2) for day in (q75, q90, q95)]


def test_a_very_regular_customer_still_passes_through_every_band():
    assert limits(math.log(5), 0.0) == (14.0, 21.0, 28.0, 180.0)
    assert limits(math.log(100), 0.0) == (100.0, 150.0, 200.0, 400.0)


def test_the_cap_of_a_year_holds_for_q75_alone():
    assert limits(math.log(400), 0.0) == (365.0, 600.0, 800.0, 1600.0)


@given(LAWS)
def test_limits_rise_and_keep_their_distances(law):
    q75, q90, q95, churned = levels.law_limits(law, DEFAULTS)
    assert 14 <= q75 <= 365
    assert q90 >= 1.5 * q75 - 1e-9
    assert q95 >= max(q90, 2 * q75) - 1e-9
    assert churned >= max(2 * q95, 180) - 1e-9


def test_a_limit_itself_is_still_inside():
    # One-time law at mu = ln 100, sigma = 0: limits 100, 150, 200, 400.
    cuts = population.cuts(second_order_law=GapLaw(round(math.log(100), 6), 0.0, 100))
    days = [0, 100, 101, 150, 151, 200, 201, 400, 401]
    found = judged(*(customer(f"{day}", (day, 1)) for day in days), cuts=cuts)
    assert found["segment"].tolist() == ["L0", "L0", "L1", "L1", "L2", "L2", "L3", "L3", "L4"]
    assert found["flag_churn_risk"].tolist() == [False] * 4 + [True] * 4 + [False]


def test_the_population_law_weighs_customers_not_gaps():
    rows = frame(
        customer("one gap of 10", (10, 1), (20, 1)),
        customer("gaps of 20 and 40", (10, 1), (30, 1), (70, 1)),
        customer("no gap", (10, 1)),
    )
    law = levels.fit_gap_law(rows, FEW)
    ten, twenty, forty = (math.log(days) for days in (10, 20, 40))
    mu = (ten + (twenty + forty) / 2) / 2
    spread = ((ten - mu) ** 2 + ((twenty - mu) ** 2 + (forty - mu) ** 2) / 2) / 2
    assert law.customers == 2
    assert law.mu == pytest.approx(mu, abs=2e-6)
    assert law.sigma == pytest.approx(math.sqrt(spread), abs=2e-6)
    assert (law.mu, law.sigma) == (round(law.mu, 6), round(law.sigma, 6))


def test_a_second_order_on_the_first_day_counts_as_one_day():
    rows = frame(
        customer("same day", (10, 1), (10, 1)),
        customer("e^2 or so", (10, 1), (17, 1)),
        customer("never", (9, 1)),
    )
    law = levels.fit_second_order_law(rows, FEW)
    assert law.customers == 2
    assert law.mu == pytest.approx((0 + math.log(7)) / 2, abs=1e-6)
    assert law.sigma == pytest.approx(math.log(7) / 2, abs=1e-6)


def test_too_few_repeat_buyers_make_no_law():
    rows = frame(*(customer(f"{n}", (10, 1), (20 + n, 1)) for n in range(99)))
    assert levels.fit_gap_law(rows, DEFAULTS) is None
    assert levels.fit_second_order_law(rows, DEFAULTS) is None
    rows = frame(*(customer(f"{n}", (10, 1), (20 + n, 1)) for n in range(100)))
    assert levels.fit_gap_law(rows, DEFAULTS).customers == 100
    assert levels.fit_second_order_law(rows, DEFAULTS).customers == 100


def test_a_personal_law_is_drawn_towards_the_population_by_three_gaps():
    mu, sigma = levels.personal_law(*fixed_point(10, 40), GapLaw(3.0, 0.5, 100), DEFAULTS)
    # n = 2, mean = ln 20, s^2 = 2 * (ln 2)^2.
    assert mu[0] == pytest.approx((2 * math.log(20) + 3 * 3.0) / 5, abs=1e-6)
    assert sigma[0] == pytest.approx(math.sqrt((2 * math.log(2) ** 2 + 3 * 0.25) / (1 + 3)), abs=1e-6)


def test_a_single_gap_moves_the_mean_and_leaves_the_spread():
    mu, sigma = levels.personal_law(*fixed_point(10), GapLaw(3.0, 0.5, 100), DEFAULTS)
    assert mu[0] == pytest.approx((math.log(10) + 9.0) / 4, abs=1e-6)
    assert sigma[0] == 0.5


@given(st.lists(st.integers(1, 3000), min_size=2, max_size=40))
def test_fixed_point_sums_give_the_sample_variance(gaps):
    mean, squares = levels.gap_moments(*fixed_point(*gaps))
    logs = [math.log(gap) for gap in gaps]
    assert mean[0] == pytest.approx(np.mean(logs), abs=1e-6)
    assert squares[0] == pytest.approx(np.var(logs) * len(logs), abs=1e-4)


def test_a_customer_with_thousands_of_equal_gaps_has_no_spread_of_their_own():
    # The sum of squares is near 2e17 here; doubles would be off by more than the whole variance.
    log = round(math.log(7) * 1_000_000)
    n = np.array([50_000])
    _, squares = levels.gap_moments(n, n * log, n * log * log)
    assert squares[0] == 0.0


def test_each_kind_of_customer_has_the_law_that_fits_it():
    cuts = population.cuts(gap_law=GapLaw(3.0, 0.5, 100), second_order_law=GapLaw(4.0, 1.0, 100))
    found = judged(
        customer("prospect"),
        customer("one order", (3, 1)),
        customer("two orders in a day", (3, 1), (3, 1)),
        customer("one gap", (3, 1), (13, 1)),
        cuts=cuts,
    )
    assert found["basis"].astype(object).where(found["basis"].notna(), None).tolist() == [
        None,
        "second_order",
        "population",
        "personal",
    ]
    kinds = [code.rsplit("_", 1)[0] for code in found["reason_code"][1:]]
    assert kinds == ["CHURN_SECOND_ORDER", "CHURN_POPULATION", "CHURN_PERSONAL"]
    assert found["gap_mu"][1:3].tolist() == [4.0, 3.0]
    assert found["gap_sigma"][1:3].tolist() == [1.0, 0.5]
    assert found["gap_mu"][3] == pytest.approx((math.log(10) + 9) / 4, abs=1e-6)


def test_a_prospect_has_no_level_and_no_limits():
    found = judged(customer("prospect"))
    assert found["segment"].tolist() == ["no_order"]
    assert not found["flag_churn_risk"][0]
    unknown = ["q75_days", "q90_days", "q95_days", "churned_after_days", "gap_mu", "gap_sigma", "basis"]
    assert found[unknown].isna().all(axis=None)


def test_without_laws_everybody_follows_the_calendar():
    cuts = population.cuts(gap_law=None, second_order_law=None)
    days = [40, 41, 90, 91, 135, 136, 180, 181]
    found = judged(
        *(customer(f"{day}", (day, 1), (day + 9, 1)) for day in days), customer("0", (41, 1)), cuts=cuts
    )
    assert found["segment"].tolist() == ["L0", "L1", "L1", "L2", "L2", "L3", "L3", "L4", "L1"]
    assert set(found["basis"]) == {"calendar"}
    assert found["gap_mu"].isna().all()
    assert found.loc[0, "q75_days":"churned_after_days"].tolist() == [40, 90, 135, 180]


@settings(max_examples=40)
@given(LAWS, LAWS)
def test_no_one_time_buyer_is_alive_for_ever(gap_law, second_order_law):
    cuts = population.cuts(gap_law=gap_law, second_order_law=second_order_law)
    limit = levels.law_limits(second_order_law, DEFAULTS)[3]
    assert math.isfinite(limit)
    found = judged(
        customer("c", (math.floor(limit), 1)), customer("d", (math.floor(limit) + 1, 1)), cuts=cuts
    )
    assert found["segment"].tolist() == ["L3", "L4"]


@pytest.mark.parametrize("orders", [1, 2, 5])
def test_a_level_never_falls_while_a_customer_stays_quiet(orders):
    def quiet(days):
        return customer(f"{days}", *[(days + 11 * step, 1) for step in range(orders)])

    found = judged(*(quiet(days) for days in range(1, 500)))
    order = found["segment"].str[1].astype(int)
    assert (order.diff().dropna() >= 0).all()
    assert set(found["segment"]) == {"L0", "L1", "L2", "L3", "L4"}


def test_a_null_recency_of_a_buyer_is_refused():
    with pytest.raises(ValueError, match="recency_days is null or negative for 1 of 1"):
        judged(customer("c", (3, 1), recency_days=None))
