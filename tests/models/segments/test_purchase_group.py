from itertools import product

import population
import pytest
from population import customer, frame

from models.segments import purchase_group

DEFAULTS = purchase_group.Thresholds()


def judged(*rows, cuts=None, thresholds=DEFAULTS):
    return purchase_group.assign(frame(*rows), cuts or population.cuts(), thresholds)


def expected(orders, net, tenure):
    """The table of rules read downwards; under population.cuts() F is 4 from 6 orders and M from 30.00."""
    if orders == 0:
        return "PB0_prospect", None, None
    if orders == 1:
        return "PB5_one_time", "matured" if tenure > 50 else "awaiting_second", "once"
    rhythm = "regular" if orders >= 6 else "occasional"
    if orders >= 6 and net >= 30:
        return "PB1_loyal_big", None, rhythm
    if net >= 30:
        return "PB2_potential_loyal", None, rhythm
    if orders >= 6:
        return "PB3_frequent_small", None, rhythm
    return "PB4_marginal", None, rhythm


def test_every_combination_of_orders_net_and_age_is_in_exactly_one_group():
    grid = list(product([0, 1, 2, 5, 6, 9], [-1, 0, 29.99, 30, 99], [1, 50, 51, 900]))
    rows = [
        customer(f"{number}", *([(tenure, 0)] if orders else []), orders_life=orders, net_life=net)
        for number, (orders, net, tenure) in enumerate(grid)
    ]
    found = judged(*rows)
    for row, cell in zip(found.astype(object).itertuples(), grid, strict=True):
        group, maturity, rhythm = expected(*cell)
        assert (row.segment, cell) == (group, cell)
        assert (row.maturity if isinstance(row.maturity, str) else None) == maturity
        assert (row.purchase_rhythm if isinstance(row.purchase_rhythm, str) else None) == rhythm
        assert row.one_time_high_value == (cell[0] == 1 and cell[1] >= 30)
    assert set(found["segment"]) == set(purchase_group.GROUPS)


def test_a_one_time_buyer_matures_the_day_after_t2():
    found = judged(customer("on the day", (50, 10)), customer("a day later", (51, 10)))
    assert found["maturity"].tolist() == ["awaiting_second", "matured"]


def test_a_big_spender_who_bought_once_is_a_one_time_buyer_of_high_value():
    found = judged(customer("c", (10, 30)))
    assert (found["segment"][0], bool(found["one_time_high_value"][0])) == ("PB5_one_time", True)
    assert (found["f_life"][0], found["m_life"][0]) == (1, 4)


def test_the_group_uses_all_history_not_the_window():
    long_ago = customer("c", *[(400 + day, 10) for day in range(8)])
    assert judged(long_ago)["segment"].tolist() == ["PB1_loyal_big"]


def test_too_little_data_falls_back_to_the_fixed_break_points():
    row = customer("c", *[(day, 20) for day in range(1, 6)])  # 5 orders, 100 net
    assert judged(row)["segment"].tolist() == ["PB2_potential_loyal"]
    fixed = judged(row, cuts=population.cuts(status="insufficient"))
    assert fixed["segment"].tolist() == ["PB4_marginal"]
    assert fixed[["f_life", "m_life"]].to_numpy().tolist() == [[3, 2]]


def second_orders(days, first_order_age=200):
    return frame(
        *(
            customer(f"{number}", (first_order_age, 1), second_order_days=wait)
            for number, wait in enumerate(days)
        )
    )


@pytest.mark.parametrize(
    ("q95", "t2"),
    [(400.0, 160), (100.25, 100.25), (20.0, 30)],
    ids=["the 80th percentile", "held below q95", "never below a month"],
)
def test_t2_is_the_80th_percentile_of_the_wait_for_the_second_order(q95, t2):
    assert purchase_group.fit_t2(second_orders(range(1, 201)), q95, DEFAULTS) == (t2, 200)


def test_t2_is_two_months_until_two_hundred_have_come_back():
    assert purchase_group.fit_t2(second_orders(range(1, 200)), 400.0, DEFAULTS) == (60, 199)


def test_second_orders_of_the_first_day_count_towards_t2():
    assert purchase_group.fit_t2(second_orders([0] * 150 + [90] * 50), 400.0, DEFAULTS) == (90, 200)
    assert purchase_group.fit_t2(second_orders([0] * 160 + [90] * 40), 400.0, DEFAULTS) == (30, 200)


def test_first_orders_younger_than_half_a_year_do_not_count_towards_t2():
    assert purchase_group.fit_t2(second_orders(range(1, 201), 179), 400.0, DEFAULTS) == (60, 0)
    assert purchase_group.fit_t2(second_orders(range(1, 201), 180), 400.0, DEFAULTS) == (160, 200)
