import pandas as pd
import population

from models.segments.taste import novelty


def judged(*values, reference):
    rows = pd.DataFrame(
        {"customer_id": "c", "new_product_share_365d": list(values)}, index=range(len(values)), dtype=object
    )
    cuts = population.cuts(reference_quantiles={"new_product_share_365d": reference})
    return novelty.assign(rows, cuts, novelty.Thresholds())


def test_early_is_the_upper_fifth_and_never_who_bought_nothing_new():
    # ten of the reference, seven of them nothing new: .1 ranks .75, .2 ranks .85
    reference = (0.0,) * 7 + (0.1, 0.2, 0.3)
    found = judged(0.0, 0.05, 0.1, 0.1001, 0.2, None, reference=reference)
    assert found["segment"].tolist() == [
        "follower", "occasional", "occasional", "early_adopter", "early_adopter", "unknown",
    ]  # fmt: skip
    assert found["novelty_rank"].tolist()[:5] == [0.35, 0.7, 0.75, 0.8, 0.85]


def test_where_hardly_anybody_buys_new_things_everybody_who_does_is_early():
    assert judged(0.01, 0.0, reference=(0.0,) * 10)["segment"].tolist() == ["early_adopter", "follower"]


def test_with_nobody_to_compare_with_only_who_bought_nothing_new_is_known():
    assert judged(0.5, 0.0, reference=())["segment"].tolist() == ["unknown", "follower"]
