from itertools import product

import numpy as np
import pandas as pd
import population
import pytest
from population import customer, frame

from models import cutpoints, schemes
from models.segments import rfm

DEFAULTS = rfm.Thresholds()
# Columns FM = 5, 4, 3, 2, 1.
PRINTED_GRID = {
    5: ["champions", "champions", "potential", "potential", "new"],
    4: ["loyal", "loyal", "potential", "potential", "promising"],
    3: ["loyal", "loyal", "attention", "sleeping", "sleeping"],
    2: ["cannot lose", "at risk", "at risk", "hibernating", "hibernating"],
    1: ["cannot lose", "at risk", "at risk", "lost", "lost"],
}
CODES = {
    "champions": "RFM01",
    "loyal": "RFM02",
    "potential": "RFM03",
    "new": "RFM04",
    "promising": "RFM05",
    "attention": "RFM06",
    "sleeping": "RFM07",
    "at risk": "RFM08",
    "cannot lose": "RFM09",
    "hibernating": "RFM10",
    "lost": "RFM11",
}
RECENCY = {5: 10, 4: 11, 3: 21, 2: 31, 1: 41}  # the youngest day of each score under population.cuts()
ORDERS = {2: 3, 3: 4, 4: 6, 5: 8}
NET = {1: "0.00", 2: "10.00", 3: "20.00", 4: "30.00", 5: "40.00"}


def judged(*rows, cuts=None, thresholds=DEFAULTS):
    return rfm.assign(frame(*rows), cuts or population.cuts(), thresholds)


def all_cells():
    rows = []
    for r, f, m in product(range(1, 6), repeat=3):
        rows.append(
            customer(
                f"{r}{f}{m}",
                (RECENCY[r], 0),
                orders_life=1 if f == 1 else ORDERS[f],
                orders_w=1 if f == 1 else ORDERS[f],
                net_w=NET[m],
            )
        )
    return frame(*rows).astype({"net_w": "float64"})


def test_every_one_of_the_125_cells_is_in_the_segment_printed_for_it():
    cells = rfm.assign(all_cells(), population.cuts(), DEFAULTS)
    assert len(cells) == 125
    assert cells["rfm_code"].tolist() == cells["customer_id"].tolist()
    for cell in cells.itertuples():
        r, f, m = (int(digit) for digit in cell.customer_id)
        fm = 1 if f == 1 else int((f + m) / 2 + 0.5)
        assert cell.fm == fm
        assert cell.segment == CODES[PRINTED_GRID[r][5 - fm]]
    assert set(cells["segment"]) == set(rfm.GROUPS) - {"RFM00"}


def test_the_eight_cell_code_says_high_from_score_four_in_the_order_r_f_m():
    cells = rfm.assign(all_cells(), population.cuts(), DEFAULTS).set_index("customer_id")["rfm8_code"]
    assert cells[["444", "333", "534", "355", "441"]].tolist() == ["HHH", "LLL", "HLH", "LHH", "HHL"]
    assert cells.nunique() == 8


def test_a_one_time_buyer_has_f_1_and_fm_1_whatever_was_spent():
    found = judged(customer("rich", (5, 9999)), customer("poor", (5, 1)))
    assert found[["f", "fm"]].to_numpy().tolist() == [[1, 1], [1, 1]]
    assert found["m"].tolist() == [5, 1]
    assert found["segment"].tolist() == ["RFM04", "RFM04"]


def test_one_order_ever_and_only_that_scores_f_1(crowd, fitted):
    found = rfm.assign(crowd, fitted, DEFAULTS)
    once = (crowd["orders_life"] == 1).to_numpy()
    bought = (crowd["orders_life"] >= 1).to_numpy()
    assert ((found["f"] == 1).to_numpy(dtype=bool, na_value=False)[bought] == once[bought]).all()
    assert (found["fm"][once] == 1).all()


def test_a_repeat_customer_without_an_order_in_the_window_scores_f_2():
    found = judged(customer("lapsed", (400, 500), (500, 500)))
    assert found[["f", "m", "fm"]].to_numpy().tolist() == [[2, 1, 2]]
    assert found["reason_code"].tolist() == ["RFM_LAPSED"]


def test_net_of_zero_or_less_scores_m_1():
    orders = [(1, 0), (3, 0)]
    found = judged(
        customer("returned more", *orders, net_w=-5),
        customer("returned all", *orders, net_w=0),
        customer("below first cut", *orders, net_w=9.99),
        customer("on first cut", *orders, net_w=10.00),
    )
    assert found["m"].tolist() == [1, 1, 1, 2]


def test_a_prospect_has_no_scores_and_a_segment_of_its_own():
    found = judged(customer("prospect"))
    assert found["segment"].tolist() == ["RFM00"]
    assert found[["r", "f", "m", "fm", "rfm_code", "rfm8_code"]].isna().all(axis=None)


def test_two_equal_customers_score_equally_wherever_they_stand(crowd):
    twins = [
        customer("twin a", (12, 30), (40, 20), (70, 10)),
        customer("twin b", (12, 30), (40, 20), (70, 10)),
    ]
    everybody = pd.concat([crowd, frame(*twins)], ignore_index=True)
    for seed in range(3):
        shuffled = everybody.sample(frac=1, random_state=seed)
        cuts = cutpoints.fit(shuffled, schemes.Thresholds())
        found = rfm.assign(shuffled, cuts, DEFAULTS).set_index("customer_id")
        assert found.loc["twin a"].equals(found.loc["twin b"])


def test_the_sum_of_the_segments_is_the_population(crowd, fitted):
    found = rfm.assign(crowd, fitted, DEFAULTS)
    assert found["segment"].value_counts().sum() == len(crowd)
    assert found["customer_id"].tolist() == crowd["customer_id"].tolist()
    assert set(found["segment"]) <= set(rfm.GROUPS)


def test_mode_fixed_scores_by_the_break_points_of_the_settings():
    row = customer("c", (31, 150), (60, 150), (90, 150))  # 31 days, 3 orders, 450 net
    found = judged(row, thresholds=rfm.Thresholds(mode="fixed"))
    assert found["rfm_code"].tolist() == ["433"]
    assert judged(row)["rfm_code"].tolist() == ["225"]


def test_too_little_data_falls_back_to_the_fixed_break_points():
    row = customer("c", (31, 150), (60, 150), (90, 150))
    found = judged(row, cuts=population.cuts(status="insufficient"))
    assert found["rfm_code"].tolist() == ["433"]


def test_cuts_that_are_never_reached_still_score_everybody():
    never = population.cuts(r_cuts=(None,) * 4, f_cuts=(None,) * 3, m_cuts=(None,) * 4)
    found = judged(customer("c", (1, 50), (2, 50)), cuts=never)
    assert found["rfm_code"].tolist() == ["121"]


def test_an_order_without_a_recency_is_refused():
    with pytest.raises(ValueError, match="recency_days is null or negative for 1 of 1"):
        judged(customer("c", (1, 5), recency_days=np.nan))
