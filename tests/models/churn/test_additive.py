import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn import additive
from models.churn.additive import Additive


def drawn(rows=3_000, seed=1):
    """x matters, noise does not, and of `some` it matters that it is unknown."""
    rng = np.random.default_rng(seed)
    x, some = rng.normal(size=rows), rng.exponential(1, rows)
    some[rng.random(rows) < 0.3] = np.nan
    log_odds = 1.5 * x + 1.5 * np.isnan(some) - 1
    inputs = {"x": x, "some": some, "noise": rng.normal(size=rows), "alike": np.full(rows, 7.0)}
    inputs["absent"] = np.full(rows, np.nan)
    return inputs, (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(float)


HOW = {"seed": 1, "iterations": 60, "learning_rate": 0.1, "leaves": 4}


def fitted(inputs, y):
    logistic = additive.fit_logistic(inputs, y, np.ones(len(y)), penalty=10)
    boosting = additive.fit_boosting(inputs, y, np.ones(len(y)), **HOW)
    return [logistic, boosting, additive.blend(logistic, boosting)]


@pytest.fixture(scope="module")
def models():
    return fitted(*drawn())


@pytest.mark.parametrize("which", [0, 1, 2], ids=["logistic", "boosting", "blend"])
def test_planted_effects_are_found_and_others_are_not(models, which):
    from models.churn import evaluate

    inputs, y = drawn(seed=2)
    assert evaluate.auc(y, models[which].log_odds(inputs)) > 0.80
    reach = {name: np.ptp(table.adds) for name, table in models[which].tables.items()}
    assert reach["x"] > 3
    assert reach["noise"] < 0.8
    assert reach["alike"] == reach["absent"] == 0
    adds = models[which].tables["some"].adds
    assert adds[-1] - np.mean(adds[:-1]) == pytest.approx(1.5, abs=0.5)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["logistic", "boosting", "blend"])
def test_the_usual_customer_scores_the_intercept_and_each_group_adds_exactly_its_share(models, which):
    inputs, _ = drawn(200, seed=3)
    groups = {"x": "first", "some": "second", "noise": "second", "alike": None, "absent": None}
    model = models[which]
    shares = model.contributions(inputs, groups)
    assert model.log_odds(inputs) == pytest.approx(model.intercept + sum(shares.values()), abs=1e-12)
    usual = {
        name: np.full(
            200, np.nan if table.usual > len(table.edges) else ([*table.edges, np.inf])[table.usual]
        )
        for name, table in model.tables.items()
    }
    assert model.log_odds(usual) == pytest.approx(model.intercept, abs=1e-12)
    for group, share in shares.items():
        without = {name: usual[name] if groups[name] == group else inputs[name] for name in inputs}
        fall = model.log_odds(inputs) - model.log_odds(without)
        assert fall == pytest.approx(share, abs=1e-9)


def test_the_blend_is_the_mean_of_both(models):
    inputs, _ = drawn(500, seed=4)
    logistic, boosting, blend = (each.log_odds(inputs) for each in models)
    assert blend == pytest.approx((logistic + boosting) / 2, abs=1e-8)


def test_boosting_keeps_what_scikit_learn_fitted():
    """Read off its public decision function, on rows it never saw, within what rounding leaves."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    inputs, y = drawn()
    edges = {name: additive.quantile_edges(values) for name, values in inputs.items()}
    coded = {name: additive.codes(values, edges[name]).astype(float) for name, values in inputs.items()}
    coded["some"][np.isnan(inputs["some"])] = np.nan
    x = np.column_stack([coded[name] for name in ("x", "some", "noise")])
    peer = HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=60, max_leaf_nodes=4, min_samples_leaf=20, l2_regularization=5.0,
        max_bins=255, interaction_cst="no_interactions", early_stopping=False, random_state=1,
    ).fit(x, y)  # fmt: skip
    ours = additive.fit_boosting(inputs, y, np.ones(len(y)), **HOW)
    assert ours.log_odds(inputs) == pytest.approx(peer.decision_function(x), abs=1e-6)


def test_the_same_rows_give_the_same_bytes_and_come_back_from_json(models):
    again = fitted(*drawn())
    for model, other in zip(models, again, strict=True):
        text = json.dumps(model.plain(), sort_keys=True)
        assert text == json.dumps(other.plain(), sort_keys=True)
        assert Additive.of_plain(json.loads(text)) == model


def test_a_customer_is_scored_alone(models):
    inputs, _ = drawn(50, seed=5)
    together = models[2].log_odds(inputs)
    alone = [
        models[2].log_odds({name: values[[at]] for name, values in inputs.items()})[0] for at in range(50)
    ]
    assert together.tolist() == alone


@given(st.lists(st.integers(-5, 5) | st.none(), min_size=1, max_size=60), st.integers(2, 8))
def test_edges_cut_off_every_value_and_the_unknown_stand_apart(values, bins):
    cells = np.array([np.nan if value is None else value for value in values], dtype=float)
    edges = additive.quantile_edges(cells, bins)
    assert list(edges) == sorted(set(edges))
    assert len(edges) < bins
    code = additive.codes(cells, edges)
    assert ((code == len(edges) + 1) == np.isnan(cells)).all()
    known = cells[~np.isnan(cells)]
    if 0 < len(set(known)) <= bins:
        assert len(edges) == len(set(known)) - 1
