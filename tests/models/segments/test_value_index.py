from dataclasses import replace

import numpy as np
import pandas as pd
import population
import pytest
from population import customer, frame

from models import cutpoints, schemes
from models.segments import value_index
from models.thresholds import ThresholdInvalid

DEFAULTS = value_index.Thresholds()


def judged(*rows, high_value_from=60.0, **references):
    cuts = population.cuts(
        reference_quantiles=references, fitted={"value_index": {"high_value_from": high_value_from}}
    )
    return value_index.assign(frame(*rows), cuts, DEFAULTS)


REFERENCES = {"net_w": (0.0, 10.0, 20.0, 30.0), "orders_w": (0, 1, 1, 2)}


def test_the_index_is_the_weighted_mean_of_the_ranks_that_are_known():
    found = judged(customer("c", (5, 20)), **REFERENCES)
    # 20 ranks (2 + .5) / 4 = .625 and one order (1 + 1) / 4 = .5: (.5 * .625 + .3 * .5) / .8
    assert (found["net_rank"][0], found["orders_rank"][0]) == (0.625, 0.5)
    assert found["value_index"][0] == 57.81
    assert found["value_index_coverage"][0] == 0.8
    assert np.isnan(found["crv_rank"][0])
    # with referrals a fifth of the weight: .8 * .578125 + .2 * .625
    told = judged(customer("c", (5, 20), crv=5), crv=(0.0, 0.0, 5.0, 9.0), **REFERENCES)
    assert (told["crv_rank"][0], told["value_index"][0]) == (0.625, 58.75)
    assert told["value_index_coverage"][0] == 1.0


def test_a_reader_adds_up_the_same_index_from_the_published_ranks(crowd, fitted):
    found = value_index.assign(crowd, fitted, DEFAULTS)
    known = found["value_index"].notna()
    parts = 0.5 * found["net_rank"] + 0.3 * found["orders_rank"] + 0.2 * found["crv_rank"].fillna(0)
    wanted = 100 * parts / found["value_index_coverage"]
    assert set(found["value_index_coverage"]) == {0.0, 0.8, 1.0}
    assert np.allclose(found["value_index"][known], wanted[known], atol=0.0051)
    assert known.equals(crowd["orders_life"] > 0)


def test_high_value_begins_at_the_cut_and_needs_value_in_the_window():
    rows = (customer("c", (5, 20)), customer("gone", (400, 20)), customer("lost", (5, -20)), customer("none"))
    at = judged(*rows, high_value_from=57.81, **REFERENCES)
    assert at["segment"].tolist() == ["high_value", "no_value_in_window", "no_value_in_window", "prospect"]
    assert at["is_high_value"].tolist() == [True, False, False, False]
    assert judged(*rows, high_value_from=57.82, **REFERENCES)["segment"][0] == "standard"
    assert judged(*rows)["segment"].tolist()[0] == "unknown"


def test_a_fifth_of_the_customers_with_an_order_reaches_the_cut(crowd, fitted):
    found = value_index.assign(crowd, fitted, DEFAULTS)["value_index"]
    bought = found[crowd["orders_life"] > 0]
    share = (bought >= fitted.fitted["value_index"]["high_value_from"]).mean()
    assert share == pytest.approx(0.20, abs=0.01)


def test_the_cut_does_not_depend_on_the_order_of_the_rows(crowd, fitted):
    shuffled = crowd.sample(frac=1, random_state=3)
    assert value_index.fit(shuffled, DEFAULTS) == dict(fitted.fitted["value_index"])
    nobody = pd.DataFrame(crowd[crowd["orders_life"] == 0])
    assert value_index.fit(nobody, DEFAULTS) == {"high_value_from": None}
    assert cutpoints.fit(nobody, schemes.Thresholds()).fitted["value_index"]["high_value_from"] is None


def test_weights_that_do_not_add_up_to_one_are_refused():
    with pytest.raises(ThresholdInvalid, match="net_weight"):
        replace(DEFAULTS, net_weight=0.6)
