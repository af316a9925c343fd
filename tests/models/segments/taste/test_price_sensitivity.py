import numpy as np
import pandas as pd
import population
import pytest

from models import quantiles
from models.segments.taste import price_sensitivity

DEFAULTS = price_sensitivity.Thresholds()
HUNDRED = tuple(number / 100 for number in range(1, 101))  # .01 to 1: the mid-rank of x is x - .005


def judged(*values, reference=HUNDRED):
    rows = pd.DataFrame({"customer_id": "c", "dsi_value": values}, index=range(len(values)), dtype=object)
    cuts = population.cuts(reference_quantiles={"dsi_value": reference})
    return price_sensitivity.assign(rows, cuts, DEFAULTS)


def test_high_is_the_upper_fifth_by_rank_and_low_the_lower_two():
    found = judged(0.39, 0.4, 0.4001, 0.41, 0.8, 0.8001, 0.81)
    # Above .4 and below .41 two fifths of the reference are below: a rank of .40 already.
    assert found["segment"].tolist() == ["low", "low", "middle", "middle", "middle", "high", "high"]
    assert found["dsi_decile"].tolist() == [4, 4, 5, 5, 8, 9, 9]


def test_groups_and_deciles_are_those_of_the_rank_for_every_value_the_index_can_have():
    reference = (0.0, 0.0, 0.0, 0.1, 0.1, 0.25, 0.25, 0.3, 0.3333, 0.9)
    values = [number / 10_000 for number in range(10_001)]
    found = judged(*values, reference=reference)
    ranks = quantiles.mid_rank(np.array(values), reference)
    wanted = np.where(ranks >= 0.8, "high", np.where(ranks < 0.4, "low", "middle"))
    assert (found["segment"].astype(str)[1:] == wanted[1:]).all()
    assert (found["dsi_decile"] == np.minimum(10, np.floor(10 * ranks) + 1)).all()


def test_who_never_had_a_discount_is_not_sensitive_however_many_there_are():
    found = judged(0.0, 0.0001, reference=(0.0,) * 95 + (0.2,) * 5)
    assert found["segment"].tolist() == ["low", "high"]
    assert found["reason_code"].tolist() == ["PS_NO_DISCOUNT", "PS_HIGH"]
    assert found["dsi_decile"].tolist() == [5, 10]


@pytest.mark.parametrize("reference", [(), (0.0, 0.0)])
def test_without_a_discount_to_compare_with_nobody_is_known(reference):
    found = judged(0.0, 0.5, None, reference=reference)
    assert found["segment"].tolist() == ["unknown"] * 3
    assert found["reason_code"].tolist() == ["PS_NO_REFERENCE", "PS_NO_REFERENCE", "PS_FEW_ORDERS"]
    assert found["dsi_decile"].isna().all()
