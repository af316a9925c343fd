"""The time to the second order: planted and found again, and what it says of one-time buyers."""

import numpy as np
import pandas as pd
import pytest
from real_data import real_data

from models import value
from models.value import SecondOrder

LAW = SecondOrder(0.3, 4.0, 1.0, 0.01, 1_000, 250, 0.0)


def drawn(customers, seed, share=0.3, mu=4.0, sigma=1.0, watched=(30, 700)):
    """Whole days to the second order, days watched, and who came back in them."""
    rng = np.random.default_rng(seed)
    until = rng.integers(*watched, customers).astype(float)
    days = np.maximum(np.rint(np.exp(mu + sigma * rng.standard_normal(customers))), 1)
    back = (rng.random(customers) < share) & (days < until)
    return np.where(back, days, 0), until, back


def test_the_planted_law_is_found_again():
    found = value.fit_second_order(*drawn(40_000, seed=1))
    assert found.share == pytest.approx(0.3, abs=0.01)
    assert found.mu == pytest.approx(4.0, abs=0.03)
    assert found.sigma == pytest.approx(1.0, abs=0.03)
    assert found.came_back == drawn(40_000, seed=1)[2].sum()


def test_the_truth_lies_within_three_standard_errors_however_short_the_watch():
    for seed, watched in enumerate([(1, 90), (1, 180), (100, 700)]):
        found = value.fit_second_order(*drawn(10_000, seed, watched=watched))
        assert abs(found.share - 0.3) < 3 * found.share_error + 0.005


def test_a_short_watch_knows_the_share_badly_and_says_so():
    short = value.fit_second_order(*drawn(2_000, seed=4, mu=5.0, watched=(1, 90)))
    long = value.fit_second_order(*drawn(2_000, seed=4, mu=5.0, watched=(1, 900)))
    assert long.share_error < 0.02
    assert short.share_error is None or short.share_error > 0.05


def test_who_came_back_nobody_knows_when_counts_as_having_come_back():
    days, until, back = drawn(40_000, seed=5)
    hidden = back & (np.arange(len(days)) % 4 == 0)
    found = value.fit_second_order(np.where(hidden, 0, days), until, back, ~hidden)
    assert found.share == pytest.approx(0.3, abs=0.012)
    assert found.mu == pytest.approx(4.0, abs=0.05)
    assert found.came_back == back.sum()


def test_nobody_is_alive_for_ever_who_came_once():
    days = np.array([1.0, 7, 30, 90, 365, 1_000, 10_000, 1e6])
    back = LAW.p_back(days)
    assert back[0] == pytest.approx(0.3, abs=1e-4)
    assert (np.diff(back) < 0).all()
    assert back[-1] < 1e-15
    # by hand after exp(4) days, when half have come who ever will: .15 of .85
    assert LAW.p_back(np.array([np.exp(4.0)]))[0] == pytest.approx(0.15 / 0.85)


def test_chances_agree_with_customers_who_did_not_come_until_then():
    days, _until, _ = drawn(400_000, seed=6, watched=(10_000, 10_001))
    waiting = (days == 0) | (days > 60)
    assert LAW.p_back(np.array([60.5]))[0] == pytest.approx((days > 60).sum() / waiting.sum(), abs=0.003)
    soon = (days > 60) & (days <= 150)
    assert LAW.p_back_within(90, np.array([60.5]))[0] == pytest.approx(soon.sum() / waiting.sum(), abs=0.003)


def test_the_next_order_is_as_likely_before_its_day_as_after():
    likely = SecondOrder(0.9, 3.0, 1.0, 0.01, 1, 1, 0.0)
    at = np.array([5.0, 20.0, 400.0])
    ahead = likely.time_to_next(at)
    assert likely.p_back_within(ahead[:2], at[:2]) == pytest.approx([0.5, 0.5])
    assert np.isnan(ahead[2])  # after 400 days it is more likely that there never is one
    assert np.isnan(LAW.time_to_next(np.array([1.0])))  # three in ten come back at all


def test_what_is_expected_falls_to_nothing_and_has_no_jump():
    t = np.arange(1.0, 4_000)
    only_the_second = LAW.expected_purchases(90, t, lambda s, left: np.zeros(len(s)))
    assert only_the_second == pytest.approx(LAW.p_back_within(90, t))
    with_more = LAW.expected_purchases(90, t, lambda s, left: left / 30)
    assert (with_more >= only_the_second).all()
    late = with_more[200:]
    assert (np.diff(late) < 0).all()
    assert late[-1] < 0.002
    assert np.abs(np.diff(with_more)).max() < 0.05


def test_what_is_expected_is_the_sum_over_every_day():
    t, ahead = np.array([1.0, 40.0, 300.0]), 365.0
    edges = np.linspace(0, ahead, 20_001)
    middle = (edges[1:] + edges[:-1]) / 2
    by_hand = []
    for each in t:
        chance = np.diff([LAW.p_back_within(edge, np.array([each]))[0] for edge in edges])
        by_hand.append((chance * (1 + (ahead - middle) ** 0.7 / 20)).sum())
    found = LAW.expected_purchases(ahead, t, lambda s, left: left**0.7 / 20)
    assert found == pytest.approx(by_hand, rel=1e-4)


def test_the_order_of_the_rows_plays_no_part():
    days, until, back = drawn(3_000, seed=7)
    mixed = np.random.default_rng(8).permutation(3_000)
    assert value.fit_second_order(days, until, back) == value.fit_second_order(
        days[mixed], until[mixed], back[mixed]
    )


def test_a_shop_nobody_came_back_to_has_no_law():
    with pytest.raises(value.FitFailed, match="none of 3 customers came back on a known day"):
        value.fit_second_order(np.zeros(3), np.full(3, 9.0), np.zeros(3, dtype=bool))
    with pytest.raises(value.HistoryInvalid, match="1 of 2 customers have times of 0"):
        value.fit_second_order(np.zeros(2), np.array([0.0, 4.0]), np.zeros(2, dtype=bool))


def test_customers_of_cdnow_who_came_once_come_back_as_often_as_the_law_says(cdnow, cdnow_whole):
    # fitted on 39 weeks, held against the 39 that follow
    first = cdnow.groupby("customer")["day"].min()
    second = cdnow[cdnow["day"] > cdnow["customer"].map(first)].groupby("customer")["day"].min()
    days = (second.reindex(first.index) - first).dt.days
    until = (np.datetime64("1997-10-01") - first).dt.days.to_numpy().astype(float)
    law = value.fit_second_order(days.fillna(0).to_numpy(), until, days.notna().to_numpy())
    assert law.came_back == 946
    once = days.isna().to_numpy()
    later = set(cdnow_whole.loc[cdnow_whole["day"] > "1997-09-30", "customer"])
    came = first.index[once].isin(later).mean()
    assert law.p_back_within(273, until[once]).mean() == pytest.approx(came, abs=0.025)


def test_where_hardly_anybody_comes_back_it_is_still_known_how_many_do_soon():
    # Olist: three in a hundred; who ever will is not known, who will within 90 days is
    folder = real_data("olist")
    orders = pd.read_csv(folder / "olist_orders_dataset.csv.gz")
    orders = orders[orders["order_status"] == "delivered"].merge(
        pd.read_csv(folder / "olist_customers_dataset.csv.gz"), on="customer_id"
    )
    orders["day"] = pd.to_datetime(orders["order_purchase_timestamp"].str[:10])
    days = orders[["customer_unique_id", "day"]].drop_duplicates().sort_values("day")
    as_of = pd.Timestamp("2018-05-01")
    past = days[days["day"] < as_of].groupby("customer_unique_id")["day"]
    first, second = past.min(), past.nth(1).set_axis(days.loc[past.nth(1).index, "customer_unique_id"])
    second = second.reindex(first.index)
    until = (as_of - first).dt.days.to_numpy(dtype=float)
    law = value.fit_second_order(
        (second - first).dt.days.fillna(0).to_numpy(), until, second.notna().to_numpy()
    )
    assert law.share_error > 0.05
    once = second.isna().to_numpy()
    soon = days[(days["day"] >= as_of) & (days["day"] < as_of + pd.Timedelta(days=90))]
    came = first.index[once].isin(soon["customer_unique_id"]).mean()
    assert 0.004 < came < 0.008
    assert law.p_back_within(90, until[once]).mean() == pytest.approx(came, rel=0.2)
