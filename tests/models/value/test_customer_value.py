"""Customer value: planted customers, what they go on to do, and what is said where data is too thin."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import population
import pytest

from models import thresholds
from models.value import FitFailed, customer_value
from models.value.customer_value import Thresholds, Value

AS_OF = pd.Timestamp("2018-01-01")
WITHIN = 0.6  # of those who ever come back after the first purchase
PURCHASES = [f"expected_orders_{days}d" for days in customer_value.HORIZONS]
REVENUES = [f"expected_revenue_{days}d" for days in customer_value.HORIZONS]
NUMBERS = ["p_alive", *PURCHASES, "expected_amount", *REVENUES, "clv", "next_order_on"]


def lived(customers, seed, ahead=365):
    """Days of purchase of made-up customers, watched until `ahead` days after as_of, and their mean amounts.

    A share comes back after the first purchase, at a lognormal time; whoever has come back buys on at a rate
    of their own and drops out after a purchase with a chance of their own. Days are counted from as_of.
    """
    rng = np.random.default_rng(seed)
    first = -rng.integers(100, 800, customers).astype(float)
    now = first + np.maximum(np.rint(np.exp(3.5 + 0.8 * rng.standard_normal(customers))), 1)
    alive = rng.random(customers) < WITHIN
    rate, dropout = rng.gamma(2.0, 1 / 60, customers), rng.beta(1.5, 8.0, customers)
    who, when = [np.arange(customers)], [first]
    while (alive := alive & (now < ahead)).any():
        who.append(np.flatnonzero(alive))
        when.append(np.floor(now[alive]))
        alive &= rng.random(customers) >= dropout
        now = now + rng.exponential(1 / rate)
    days = pd.DataFrame({"who": np.concatenate(who), "day": np.concatenate(when)}).drop_duplicates()
    each = 1 / rng.gamma(5.0, 1 / 20, customers)
    return days.assign(amount=rng.gamma(6.0, each[days["who"]]).round(2).clip(0.01))


def features(days, customers):
    """The columns customer value reads, of purchases before as_of."""
    past = days[days["day"] < 0].sort_values(["who", "day"])
    place = past.groupby("who").cumcount()
    of = past.groupby("who")["day"]
    first, last, count = of.min(), of.max(), of.count()
    second = past[place == 1].set_index("who")["day"]
    frame = pd.DataFrame(index=range(customers))
    frame["customer_id"] = [f"{each:07d}" for each in range(customers)]
    frame["as_of"] = frame["known_on"] = AS_OF
    frame["orders_life"] = count.reindex(frame.index, fill_value=0)
    frame["gaps"] = (frame["orders_life"] - 1).clip(0)
    frame["recency_days"] = -last.reindex(frame.index)
    frame["tenure_days"] = -first.reindex(frame.index)
    frame["second_order_days"] = (second - first).reindex(frame.index)
    frame["net_life"] = past.groupby("who")["amount"].sum().reindex(frame.index, fill_value=0).round(2)
    return frame


@pytest.fixture(scope="module")
def shop():
    """30,000 customers: their features and what they did in the year after."""
    days = lived(30_000, seed=11)
    return features(days, 30_000), days[days["day"] >= 0]


@pytest.fixture(scope="module")
def fitted(shop):
    return customer_value.fit(shop[0], Thresholds())


@pytest.fixture(scope="module")
def scored(shop, fitted):
    return fitted.score(shop[0])


def made(*orders, **overrides):
    """One customer's row of purchases as (days before as_of, amount)."""
    return pd.DataFrame([population.customer("c", *orders, **overrides)])


def test_the_planted_share_who_come_back_is_found(fitted):
    assert fitted.status == "ok"
    assert fitted.second_order.share == pytest.approx(WITHIN, abs=0.01)
    assert fitted.second_order.median_days == pytest.approx(np.exp(3.5), rel=0.03)
    assert fitted.second_order.sigma == pytest.approx(0.8, rel=0.03)


def test_the_planted_amounts_are_found(fitted):
    assert [fitted.amounts.p, fitted.amounts.q] == pytest.approx([6, 5], rel=0.1)
    assert abs(fitted.dependence[0]) < 0.03


@pytest.mark.parametrize("tenure", [1, 20, 60, 150])
def test_customers_who_came_once_buy_as_often_as_is_expected(fitted, tenure):
    """Drawn from the laws themselves: when they come back, and what somebody with that history does then."""
    rng = np.random.default_rng(tenure)
    first, later = fitted.second_order, fitted.repeat
    back = np.exp(first.mu + first.sigma * rng.standard_normal(400_000))
    back = np.where(rng.random(400_000) < first.share, back, np.inf)
    now = back[back > tenure] - tenure
    waiting = len(now)
    now = now[now < 365]
    rate = rng.gamma(later.r + 1, 1 / (later.alpha + tenure + now))
    dropout = rng.beta(later.a, later.b, len(now))
    bought = dict.fromkeys(customer_value.HORIZONS, 0)
    while len(now):
        for days in bought:
            bought[days] += (now < days).sum()
        stays = rng.random(len(now)) >= dropout
        now, rate, dropout = now[stays], rate[stays], dropout[stays]
        now = now + rng.exponential(1 / rate)
        near = now < 365
        now, rate, dropout = now[near], rate[near], dropout[near]
    for days, orders in bought.items():
        expected = fitted.expected_of_one_time(days, np.array([float(tenure)]))[0]
        assert expected == pytest.approx(orders / waiting, rel=0.03)


def test_p_alive_of_customers_who_came_once_is_the_share_who_came_back(shop, scored):
    days = lived(30_000, seed=11, ahead=4_000)  # the same customers, watched until nearly all have come
    once = (shop[0]["gaps"] == 0).to_numpy()
    came = np.isin(np.arange(len(scored)), days.loc[days["day"] >= 0, "who"])
    assert scored.loc[once, "p_alive"].mean() == pytest.approx(came[once].mean(), abs=0.01)


@pytest.mark.parametrize("days", customer_value.HORIZONS)
def test_customers_together_bring_in_what_was_expected(shop, scored, days):
    ahead = shop[1][shop[1]["day"] < days]
    assert scored[f"expected_orders_{days}d"].sum() == pytest.approx(len(ahead), rel=0.1)
    assert scored[f"expected_revenue_{days}d"].sum() == pytest.approx(ahead["amount"].sum(), rel=0.12)


def test_what_is_further_away_is_never_less(scored):
    for names in (PURCHASES, REVENUES):
        for near, far in itertools.pairwise(names):
            assert (scored[near] <= scored[far]).all()


def test_a_discount_takes_something_off_and_none_takes_nothing(shop, fitted, scored):
    assert (scored["clv"] <= scored["expected_revenue_365d"]).all()
    assert scored["clv"].sum() == pytest.approx(scored["expected_revenue_365d"].sum() * 1.1**-0.5, rel=0.01)
    free = replace(fitted, discount_rate=0.0).score(shop[0].head(500))
    assert free["clv"].to_list() == free["expected_revenue_365d"].to_list()


def test_a_purchase_in_a_year_is_worth_less_by_the_rate_of_a_year(fitted):
    # one day after the other: what is expected of it, discounted by 1.1^(-days / 365)
    row = made((400, 40.0), (200, 60.0), (20, 50.0))
    x, t_x, t = np.array([2.0]), np.array([380.0]), np.array([400.0])
    until = np.array([fitted.repeat.expected_purchases(day, x, t_x, t)[0] for day in range(366)])
    daily = (np.diff(until) * 1.1 ** (-(np.arange(365) + 0.5) / 365)).sum()
    amount = fitted.amounts.expected_amount(np.array([3]), np.array([50.0]))[0]
    assert fitted.score(row)["clv"].iloc[0] == pytest.approx(daily * amount, abs=0.006)


def test_a_longer_horizon_is_worth_more(shop, fitted):
    some = shop[0].head(500)
    three = replace(fitted, clv_horizon_days=1095).score(some)
    assert (three["clv"] >= fitted.score(some)["clv"]).all()
    assert set(three["clv_horizon_days"]) == {1095}


def test_nobody_who_came_once_is_alive_for_ever(fitted):
    tenure = (1, 30, 90, 365, 1_000, 3_000)
    rows = pd.concat([made((each, 50.0)) for each in tenure], ignore_index=True)
    found = fitted.score(rows)
    assert set(found["value_basis"]) == {"second_order"}
    assert (np.diff(found["p_alive"]) < 0).all()
    assert found["p_alive"].iloc[0] == pytest.approx(WITHIN, abs=0.01)
    assert found["p_alive"].iloc[-1] < 0.001
    assert found[PURCHASES].iloc[-1].max() < 0.01
    # BG/NBD alone would have every one of them alive
    assert fitted.repeat.p_alive(np.zeros(1), np.zeros(1), np.array([3_000.0])).tolist() == [1.0]


def test_what_is_expected_moves_little_from_one_day_to_the_next(fitted):
    rows = pd.concat([made((each, 50.0)) for each in range(1, 400)], ignore_index=True)
    expected = fitted.score(rows)["expected_orders_90d"].to_numpy()
    assert np.abs(np.diff(expected)).max() < 0.1 * expected.max()


def test_several_orders_on_one_day_are_one_purchase(fitted):
    found = fitted.score(made((40, 20.0), (40, 30.0)))
    assert found["value_basis"].tolist() == ["second_order"]
    once = fitted.score(made((40, 50.0)))
    assert found[NUMBERS].to_dict() == once[NUMBERS].to_dict()


def test_without_an_order_there_is_no_number(fitted):
    found = fitted.score(made())
    assert found["value_basis"].tolist() == found["amount_basis"].tolist() == ["no_order"]
    assert found["reason_code"].tolist() == ["VALUE_NO_ORDER"]
    assert found[NUMBERS].isna().all(axis=None)


def test_who_sent_everything_back_is_scored_as_having_spent_nothing(fitted):
    kept = fitted.score(made((40, 50.0), (10, 50.0)))
    gone = fitted.score(made((40, 50.0), (10, 50.0), net_life=-20.0))
    nothing = fitted.score(made((40, 50.0), (10, 50.0), net_life=0.0))
    assert gone["expected_amount"].tolist() == nothing["expected_amount"].tolist()
    assert 0 < gone["expected_amount"].iloc[0] < kept["expected_amount"].iloc[0]
    assert gone["p_alive"].tolist() == kept["p_alive"].tolist()


def test_amounts_of_next_to_nothing_are_left_out_of_the_fit(shop, fitted):
    spoiled = shop[0].copy()
    spoiled.loc[:400, "net_life"] = 0.01
    found = customer_value.fit(spoiled, Thresholds())
    assert found.counts["amounts_left_out"] >= 400
    assert found.amounts.p == pytest.approx(fitted.amounts.p, rel=0.03)


def test_the_next_order_is_told_where_it_is_likely_and_near(fitted):
    often = made(*[(age, 30.0) for age in range(3, 300, 10)])
    seldom = made(*[(age, 30.0) for age in range(300, 600, 10)])
    soon, never = fitted.score(often), fitted.score(seldom)
    assert AS_OF <= soon["next_order_on"].iloc[0] < AS_OF + pd.Timedelta(days=30)
    assert never["p_alive"].iloc[0] < 0.5
    assert never["next_order_on"].isna().all()
    near = replace(fitted, next_order_within_days=1).score(often)
    assert near["next_order_on"].isna().all()


def test_a_customer_is_scored_alone(shop, fitted, scored):
    some = shop[0].iloc[200:230]
    pd.testing.assert_frame_equal(
        fitted.score(some).astype(object), scored.iloc[200:230].astype(object), check_like=False
    )
    mixed = shop[0].sample(frac=1, random_state=3)
    again = fitted.score(mixed).sort_index()
    pd.testing.assert_frame_equal(again.astype(object), scored.astype(object))


def test_equal_rows_give_equal_bytes_in_any_order(shop, fitted):
    mixed = shop[0].sample(frac=1, random_state=4)
    assert customer_value.fit(mixed, Thresholds()).to_json() == fitted.to_json()


def test_the_artifact_is_read_back_as_it_was_written(shop, fitted):
    read = Value.from_json(fitted.to_json())
    assert read == fitted
    assert read.to_json() == fitted.to_json()
    thin = customer_value.fit(shop[0].head(50), Thresholds())
    assert Value.from_json(thin.to_json()) == thin
    for wrong in ("[]", "{}", '{"repeat": 1}', "no JSON"):
        with pytest.raises(customer_value.ValueUnreadable):
            Value.from_json(wrong)


def test_the_card_says_on_what_the_numbers_rest(fitted):
    card = fitted.card()
    for said in ("Status: **ok**", "BG/NBD", "Gamma-Gamma", "correlation", "10.00% a year", "365 days"):
        assert said in card


def test_amounts_that_hang_on_how_often_are_pointed_at_by_the_card(shop):
    rich = shop[0].copy()
    rich["net_life"] = (rich["orders_life"] ** 2 * rich["net_life"] / rich["orders_life"].clip(1)).round(2)
    found = customer_value.fit(rich, Thresholds())
    assert found.dependence[1] > 0.3
    assert "**Beyond 0.3**" in found.card()


def test_too_few_customers_have_no_numbers_and_the_reason_says_how_many_there_are(shop):
    thin = customer_value.fit(shop[0].head(120), Thresholds())
    assert thin.status == "insufficient"
    found = thin.score(shop[0].head(120))
    assert found[NUMBERS].isna().all(axis=None)
    assert set(found["value_basis"]) == {"insufficient"}
    assert set(found["reason_code"]) == {"VALUE_REPEAT_INSUFFICIENT", "VALUE_SECOND_ORDER_INSUFFICIENT"}
    repeat = thin.counts["repeat_buyers"]
    assert 0 < repeat < 100
    assert f'"repeat_buyers": {repeat}, "repeat_buyers_wanted": 100' in found["reason_params"].iloc[0]


def test_too_few_amounts_leave_purchases_as_they_are(shop, fitted):
    without = shop[0].copy()
    several = without.index[without["gaps"] > 0]
    without.loc[several[90:], "net_life"] = 0.0
    found = customer_value.fit(without, Thresholds())
    assert found.counts["repeat_amounts"] == 90
    assert found.amount_status == found.status == "insufficient"
    scored = found.score(without)
    assert set(scored["amount_basis"]) == {"insufficient"}
    assert scored[["expected_amount", *REVENUES, "clv"]].isna().all(axis=None)
    assert scored["expected_orders_90d"].equals(fitted.score(shop[0])["expected_orders_90d"])


def test_a_shop_without_customers_has_no_numbers():
    empty = customer_value.fit(made().iloc[:0], Thresholds())
    assert (empty.status, empty.as_of) == ("insufficient", None)
    assert len(empty.score(made().iloc[:0])) == 0
    assert empty.score(made((5, 10.0)))[NUMBERS].isna().all(axis=None)
    assert "insufficient" in empty.card()


def test_an_extract_that_stopped_arriving_fits_nothing(shop):
    late = shop[0].copy()
    late["recency_days"] += 60
    late["tenure_days"] += 60
    found = customer_value.fit(late, Thresholds())
    assert found.status == "insufficient"
    assert found.counts["quiet_days"] > 30


def test_a_watch_too_short_leaves_open_who_ever_comes_back():
    days = lived(30_000, seed=12)
    days["day"] += 110
    young = features(days, 30_000)
    young = young[(young["tenure_days"] < 30) & (young["orders_life"] > 0)]
    found = customer_value.fit(young, Thresholds(min_history_days=20, min_repeat_buyers=20))
    assert found.second_order_status == "share_unknown"
    once = young[young["gaps"] == 0]
    scored = found.score(once)
    assert scored[["p_alive", "next_order_on"]].isna().all(axis=None)
    assert set(scored["reason_code"]) == {"VALUE_SECOND_ORDER_SHARE_UNKNOWN"}
    assert "not known well enough" in found.card()
    assert (scored["expected_orders_30d"] > 0).all()


def test_where_nobody_drops_out_p_alive_is_not_told_and_orders_are():
    rng = np.random.default_rng(13)
    customers = 3_000
    rate, first = rng.gamma(3.0, 1 / 90, customers), -rng.integers(1, 500, customers).astype(float)
    gaps = np.floor(np.cumsum(rng.exponential(1 / rate[:, None], (customers, 200)), axis=1))
    when = np.concatenate([first[:, None], first[:, None] + gaps], axis=1)
    days = pd.DataFrame({"who": np.repeat(np.arange(customers), 201), "day": when.ravel(), "amount": 10.0})
    days = days[days["day"] < 90].drop_duplicates()
    rows = features(days, customers)
    found = customer_value.fit(rows, Thresholds())
    assert found.repeat_status == "no_dropout"
    scored = found.score(rows)
    several = (rows["gaps"] > 0).to_numpy()
    assert scored.loc[several, "p_alive"].isna().all()
    assert set(scored.loc[several, "reason_code"]) == {"VALUE_REPEAT_NO_DROPOUT"}
    ahead = days[days["day"] >= 0].groupby("who").size().reindex(range(customers), fill_value=0)
    assert scored.loc[several, "expected_orders_90d"].sum() == pytest.approx(ahead[several].sum(), rel=0.05)
    assert "No drop-out was seen" in found.card()


@pytest.mark.parametrize(
    ("law", "status", "known"),
    [
        ("fit_bg_nbd", "repeat_status", {"p_alive": "second_order"}),
        ("fit_second_order", "second_order_status", {"p_alive": "repeat"}),
        ("fit_gamma_gamma", "amount_status", {"p_alive": "both"}),
    ],
)
def test_a_law_that_cannot_be_fitted_is_a_status_and_not_the_end_of_a_night(
    shop, monkeypatch, law, status, known
):
    def fail(*_):
        raise FitFailed("planted")

    monkeypatch.setattr(customer_value, law, fail)
    found = customer_value.fit(shop[0], Thresholds())
    assert getattr(found, status) == found.status == "not_fitted"
    assert found.said == ("planted",)
    scored = found.score(shop[0])
    several = (shop[0]["gaps"] > 0).to_numpy()
    alive = scored["p_alive"].notna().to_numpy()
    wanted = {"repeat": several, "second_order": ~several, "both": np.full(len(several), True)}
    assert (alive == wanted[known["p_alive"]]).all()
    # revenue needs both, and neither is guessed
    orders = scored["expected_orders_90d"].notna()
    assert not (orders & ~alive).any()
    assert (scored["clv"].notna() == (orders & scored["expected_amount"].notna())).all()
    if law == "fit_bg_nbd":
        assert not orders.any()
        assert set(scored.loc[~several, "reason_code"]) == {"VALUE_SECOND_ORDER_ALONE"}
    assert Value.from_json(found.to_json()).score(shop[0].head(9)).equals(found.score(shop[0].head(9)))


def test_a_threshold_without_sense_is_refused():
    for wrong in ({"discount_rate": -0.1}, {"clv_horizon_days": 0}, {"min_repeat_buyers": 0}):
        with pytest.raises(thresholds.ThresholdInvalid):
            Thresholds(**wrong)


def test_two_days_at_once_are_refused(shop):
    two = shop[0].head(10).copy()
    two.loc[3, "as_of"] = AS_OF + pd.Timedelta(days=1)
    with pytest.raises(ValueError, match="as_of holds 2 days"):
        customer_value.fit(two, Thresholds())
