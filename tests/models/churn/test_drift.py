import drawn
import numpy as np
import pytest

from models.churn import drift, folds, probability, training
from models.churn.inputs import INPUTS
from models.churn.probability import Thresholds

DEFAULTS = Thresholds()


@pytest.fixture(scope="module")
def features():
    return drawn.draw(1_500, 5)


@pytest.fixture(scope="module")
def model(features):
    days = probability.cutoffs(drawn.AS_OF, drawn.FIRST, DEFAULTS)
    few = Thresholds(bootstrap_rounds=10, runs=1)
    frames = drawn.past(days, 1_500) | {drawn.AS_OF: features}
    return training.train(frames, drawn.AS_OF, drawn.FIRST, "as_then", few)


def rows(features, model, laws=None):
    counted = drift.counts(features, laws or folds.laws_of(features, DEFAULTS), model, DEFAULTS)
    return {row["name"]: row for row in drift.rows(counted, model)}


def test_customers_like_those_it_was_made_for_have_not_moved(features, model):
    found = rows(features, model)
    assert set(found) == set(INPUTS)
    assert all(row["psi"] < 1e-6 and row["status"] == "ok" for row in found.values())


def test_what_moved_is_named_with_its_extract_and_nothing_else_is(features, model):
    moved = features.assign(complaints_180d=features["complaints_180d"].fillna(0) + 3)
    found = rows(moved, model)
    assert found["complaints_180d"]["status"] == "alert"
    assert found["complaints_180d"]["extract"] == "feedback"
    assert {name for name, row in found.items() if row["status"] != "ok"} == {"complaints_180d"}


def test_an_extract_that_stopped_arriving_shows_as_unknown(features, model):
    gone = rows(features.assign(complaints_180d=np.nan), model)["complaints_180d"]
    assert gone["status"] == "alert"
    assert gone["unknown_share"] == 1 > gone["unknown_share_reference"]


def test_counts_of_batches_add_up_to_those_of_the_whole(features, model):
    laws = folds.laws_of(features, DEFAULTS)
    whole = drift.counts(features, laws, model, DEFAULTS)
    parts = [drift.counts(part, laws, model, DEFAULTS) for part in (features[:400], features[400:])]
    assert all((parts[0][name] + parts[1][name] == counts).all() for name, counts in whole.items())


def test_nobody_who_can_be_lost_tells_nothing(features, model):
    assert rows(features[:0], model, folds.laws_of(features, DEFAULTS)) == {}
