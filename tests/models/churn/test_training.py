"""Training on drawn days whose churn follows planted effects."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import drawn
import numpy as np
import pandas as pd
import pytest

from models.churn import calibration, evaluate, folds, inputs, probability, training
from models.churn.probability import ChurnModel, Thresholds

DEFAULTS = Thresholds(bootstrap_rounds=50)
DAYS = probability.cutoffs(drawn.AS_OF, drawn.FIRST, DEFAULTS)
ROWS = 2_000


def trained(frames=None, thresholds=DEFAULTS, first=drawn.FIRST, as_of=drawn.AS_OF):
    return training.train(frames or drawn.past(DAYS, ROWS), as_of, first, "as_then", thresholds)


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    return trained()


# --- what is learned ---------------------------------------------------------------------------------------


def test_planted_churn_is_found_and_published(model):
    assert (model.status, model.decision, model.why) == ("ok", "publish", ())
    assert all(gate["holds"] for gate in model.gates.values())
    assert model.gates["ap_loss"]["found"] < 0.8


def test_planted_reasons_raise_the_score_and_the_rest_stays_small(model):
    reach = {name: np.ptp(table.adds) for name, table in model.score.tables.items()}
    strongest = sorted(reach, key=reach.get)[-6:]
    assert {"basket_price_change", "complaints_180d"} <= set(strongest)
    assert {name for name in strongest if name.startswith("recency")}
    assert reach["aov_w"] == reach["visits_90d"] == 0


def test_a_customer_is_told_the_planted_reason(model):
    features = drawn.draw(300, 7, effects={})
    features["basket_price_change"] = np.where(np.arange(300) < 150, 0.25, -0.05)
    features["complaints_180d"] = 0
    scored = probability.score(features, folds.laws_of(features, DEFAULTS), model, DEFAULTS)
    likely = scored["is_eligible"] & (scored["churn_probability"] > 0.5)
    named = scored[["reason_1", "reason_2", "reason_3"]].eq("price").any(axis=1)
    assert named[likely & (features.index < 150)].mean() > 0.95
    assert not named[features.index >= 150].any()
    assert not scored[["reason_1", "reason_2", "reason_3"]].eq("service").any(axis=None)


def test_a_reason_is_faithful_usual_inputs_in_its_place_lower_the_score_by_just_its_share(model):
    cut = folds.read(drawn.draw(500, 8), date(2020, 1, 1), labelled=True, thresholds=DEFAULTS)
    groups = {name: each.group for name, each in inputs.INPUTS.items()}
    whole = model.score.log_odds(cut.inputs)
    for group, share in model.score.contributions(cut.inputs, groups).items():
        usual = dict(cut.inputs)
        for name, table in model.score.tables.items():
            if groups[name] == group:
                ends = (*table.edges, np.inf, np.nan)
                usual[name] = np.full(len(share), ends[table.usual])
        assert whole - model.score.log_odds(usual) == pytest.approx(share, abs=1e-9)


# --- folds -------------------------------------------------------------------------------------------------


def test_no_label_window_reaches_into_a_later_fold(model):
    horizon = timedelta(days=DEFAULTS.horizon_days)
    train = [date.fromisoformat(day) for day in model.folds["train"]]
    calibrate, test = (date.fromisoformat(model.folds[name]) for name in ("calibrate", "test"))
    assert test + horizon == drawn.AS_OF
    assert calibrate + horizon <= test
    assert max(train) + horizon <= calibrate


def test_what_happens_after_the_day_changes_nothing_that_was_learned_before_it():
    """A canary: labels of the test fold turned round move its measures, and neither model nor curve."""
    frames = drawn.past(DAYS, ROWS)
    turned = dict(frames)
    turned[DAYS[-1]] = frames[DAYS[-1]].assign(is_churned=~frames[DAYS[-1]]["is_churned"])
    straight, round_ = trained(frames), trained(turned)
    assert straight.score == round_.score
    assert straight.curve == round_.curve
    assert straight.backtest[0]["expected_true"] == round_.backtest[0]["expected_true"]
    assert straight.backtest[0]["auc"] == pytest.approx(1 - round_.backtest[0]["auc"], abs=2e-6)
    assert round_.decision == "rule"


def test_one_purchase_law_from_before_the_calibration_fold_is_learned_judged_and_scored_by(model):
    """Each day's own law would tell equal histories apart, and the day scored would have another again."""
    frames = drawn.past(DAYS, ROWS)
    last = folds.read(frames[DAYS[3]], DAYS[3], labelled=True, thresholds=DEFAULTS)
    assert model.folds["train"][-1] == str(DAYS[3])
    assert model.bg_nbd == last.bg_nbd
    test = frames[DAYS[-1]]
    scored = probability.score(test, folds.laws_of(test, DEFAULTS), model, DEFAULTS)
    known = scored["is_eligible"]
    lost = test.loc[known, "is_churned"].to_numpy(dtype=float)
    # the level of a day moves everybody alike, so customers stand in the order they were judged in
    found = evaluate.average_precision(lost, scored.loc[known, "churn_probability"].to_numpy())
    assert found == pytest.approx(model.backtest[0]["ap"], abs=2e-6)


def test_p_alive_is_a_rival_by_the_law_of_the_day_it_is_held_against(model):
    frames = drawn.past(DAYS, ROWS)
    test = folds.read(frames[DAYS[-1]], DAYS[-1], labelled=True, thresholds=DEFAULTS)
    alive = test.by(test.bg_nbd, DEFAULTS).inputs["p_alive"]
    row = next(row for row in model.backtest if row["model"] == "p_alive")
    assert row["auc"] == pytest.approx(evaluate.auc(test.y, -alive), abs=1e-6)
    assert np.isnan(test.inputs["p_alive"]).all()  # until a law is given


def test_a_column_of_the_label_window_is_never_read():
    """A canary: the answer itself beside the features is no input, whatever it is called."""
    assert not {"is_churned", "next_order_on", "orders_next_90d"} & {*inputs.INPUTS, *inputs.TRAINING}
    frames = drawn.past(DAYS, ROWS, effects={})
    told = {
        day: frame.assign(next_order_on=frame["is_churned"].astype("Int64")) for day, frame in frames.items()
    }
    found = trained(told)
    assert found.backtest[0]["auc"] == pytest.approx(0.5, abs=0.05)
    assert found.decision == "rule"
    assert "challenger_lost" in found.why


def test_short_history_has_overlapping_folds_and_says_so():
    first = drawn.AS_OF - timedelta(days=300)
    days = probability.cutoffs(drawn.AS_OF, first, DEFAULTS)
    found = trained(drawn.past(days, 600), first=first)
    assert found.folds["overlapping"]
    assert (date.fromisoformat(found.folds["test"]) - date.fromisoformat(found.folds["calibrate"])).days == 30
    assert "overlap" in found.card()


def test_only_who_can_still_be_lost_is_learned_from():
    """Given up (L4), without an order in the window, or without any: no question for a churn model."""
    frame = drawn.draw(1_000, 4)
    frame.loc[0, ["recency_days", "tenure_days"]] = [690, 699]
    frame.loc[0, "orders_w"] = 1
    frame.loc[1, ["recency_days", "orders_w"]] = [10, 0]
    frame.loc[2, ["orders_life", "orders_w", "gaps", "recency_days", "tenure_days"]] = [0, 0, 0, None, None]
    can_be_lost, level = folds.eligible(frame, folds.laws_of(frame, DEFAULTS), DEFAULTS)
    assert level[:3].tolist() == [4, 0, -1]
    assert can_be_lost[:3].tolist() == [False, False, False]
    assert can_be_lost[3:].mean() > 0.8


# --- too little, or nothing to tell apart -------------------------------------------------------------------


def test_too_few_of_a_kind_are_insufficient_with_counts():
    found = trained(drawn.past(DAYS, 200))
    assert (found.status, found.decision) == ("insufficient", "rule")
    assert any("calibrate" in each and "100 wanted" in each for each in found.why)
    assert found.score is None
    assert found.record["level"]["L0"]["n"] > 0  # the rule keeps its record


def test_a_shop_of_a_month_is_insufficient():
    first = drawn.AS_OF - timedelta(days=40)
    found = trained(drawn.past((), 500), first=first)
    assert (found.status, found.decision, found.base_rate) == ("insufficient", "rule", None)


def test_a_label_of_nearly_one_kind_is_degenerate_and_the_rule_is_published():
    found = trained(drawn.past(DAYS, 8_000, base=-6.0, effects={}))
    assert (found.status, found.decision) == ("degenerate", "rule")
    assert "between 2% and 98%" in found.why[0]


def test_a_label_of_one_kind_among_very_many_is_refused():
    frames = drawn.past(DAYS, ROWS)
    frames[DAYS[2]] = frames[DAYS[2]].assign(is_churned=pd.array([False] * ROWS, dtype="boolean"))
    with pytest.raises(folds.LabelOneSided, match="0 of"):
        trained(frames)


def test_a_label_that_is_null_though_its_horizon_passed_is_refused():
    frames = drawn.past(DAYS, ROWS)
    frames[DAYS[2]]["is_churned"] = pd.array([None] * ROWS, dtype="boolean")
    with pytest.raises(folds.LabelUnknown, match=str(DAYS[2])):
        trained(frames)


def test_a_day_without_customers_leaves_a_model_of_the_days_before():
    frames = drawn.past(DAYS, ROWS)
    frames[drawn.AS_OF] = frames[drawn.AS_OF].iloc[:0]
    found = trained(frames)
    assert found.decision == "publish"
    assert found.bg_nbd is not None
    nobody = trained({day: frame.iloc[:0] for day, frame in frames.items()})
    assert (nobody.status, nobody.decision) == ("insufficient", "rule")


# --- gates, each seen to fail ------------------------------------------------------------------------------


def test_a_model_no_better_than_a_rule_is_not_published():
    found = trained(drawn.past(DAYS, ROWS, effects={"recency": 1.2}))
    assert found.decision == "rule"
    assert found.why[0] == "challenger_lost"
    assert not found.gates["ap_loss"]["holds"]


def test_a_rule_that_flags_a_handful_is_no_rival():
    recency = np.array([10.0] * 200 + [40.0] * 100 + [100.0] * 3)
    cut = folds.Cut(DAYS[-1], {"recency_days": recency}, recency > 20, np.zeros(303), 303, 303, 103, None)
    assert list(training._quiet(cut, DEFAULTS)) == [30]
    assert list(training._quiet(cut, replace(DEFAULTS, min_each=3))) == [90, 45, 30]


def test_a_rate_that_jumped_is_held():
    bases = dict.fromkeys(DAYS, -0.6) | {DAYS[-1]: 0.9}
    found = trained(drawn.past(DAYS, ROWS, bases=bases))
    assert found.decision == "hold"
    assert {"ece", "base_rate_shift"} <= set(found.why)


def test_bands_that_do_not_rise_are_held():
    """The same run with its probabilities turned upside down."""
    plan, frames = folds.Folds(DAYS[:4], DAYS[4], DAYS[5]), drawn.past(DAYS, ROWS)
    read = {day: folds.read(frames[day], day, labelled=True, thresholds=DEFAULTS) for day in DAYS}
    run = training._run(plan, read, drawn.FIRST, DEFAULTS)
    upside_down = run._replace(p=1 - run.p)
    gates = training._gates(upside_down, read, DEFAULTS)
    assert not gates["bands_rising"]["holds"]
    assert training._gates(run, read, DEFAULTS)["bands_rising"]["holds"]
    assert training._decide("ok", {"bands_rising": gates["bands_rising"]}) == ("hold", ("bands_rising",))


@pytest.mark.parametrize("name", ["ap_loss", "ap_gain_bound", "precision"])
def test_each_gate_of_ranking_alone_keeps_the_rule(name):
    assert training._decide("ok", {name: {"holds": False}}) == ("rule", ("challenger_lost", name))


# --- level and season --------------------------------------------------------------------------------------


def test_a_season_seen_a_year_before_is_expected_again():
    """A shop whose customers stay away in every last quarter: known a year later, not in the first."""
    season = {day: 0.6 if day.month == 10 else -0.6 for day in DAYS}
    steady = replace(DEFAULTS, max_base_shift=1.0)
    frames = drawn.past(DAYS, ROWS, bases=season)
    found = trained(frames, steady)
    test = found.backtest[0]
    assert (test["season"], test["cutoff"]) == ("known", "2019-10-03")
    assert test["ece"] < 0.05
    assert found.decision == "publish"
    # and the model of January does not carry October's level on
    january = frames[drawn.AS_OF]
    scored = probability.score(january, folds.laws_of(january, steady), found, steady)
    assert scored["churn_probability"].mean() == pytest.approx(0.37, abs=0.05)

    young = trained(frames, replace(steady, season_within_days=0))
    assert young.backtest[0]["season"] == "unknown"
    assert young.backtest[0]["ece"] > 0.05


def test_the_level_expected_by_hand():
    opened = date(2017, 10, 5)
    known = {date(2018, 10, 5): 0.1, date(2019, 1, 1): 0.5, date(2019, 10, 1): 0.2}
    found = training._level(date(2020, 1, 1), known, opened, DEFAULTS)
    # a year before 0.5; the one cut-off with a year before it was off by 0.1 more than then
    assert (found.season, found.shift) == ("known", pytest.approx(0.5 + 0.1))
    first_year = {date(2018, 10, 3): 0.0, date(2019, 1, 1): 0.4}
    found = training._level(date(2019, 4, 1), first_year, opened, DEFAULTS)
    assert (found.season, found.shift) == ("unknown", pytest.approx(0.4 / 1.5, abs=1e-6))
    # of the day a year before is known, of no cut-off since: what is growth cannot be told from season
    found = training._level(date(2019, 10, 2), first_year, opened, DEFAULTS)
    assert found.season == "unknown"
    assert training._level(date(2019, 10, 2), {}, opened, DEFAULTS).shift == 0


def test_what_a_shop_was_off_in_its_first_year_is_no_season():
    """Opened a day later, the oldest cut-off has no whole year behind it: what changed may be growth."""
    known = {date(2018, 10, 5): 0.1, date(2019, 1, 1): 0.5, date(2019, 10, 1): 0.2}
    found = training._level(date(2020, 1, 1), known, date(2017, 10, 6), DEFAULTS)
    assert found.season == "unknown"
    assert 0.2 < found.shift < 0.5


# --- the record --------------------------------------------------------------------------------------------


def test_the_record_is_what_the_runs_add_up_to(model):
    runs = {row["cutoff"] for row in model.backtest}
    assert len(runs) == 3
    for band in probability.BANDS:
        rows = [row for row in model.backtest if row["band"] == band and not row["is_baseline"]]
        entry = model.record["band"][band]
        assert entry["n"] == sum(row["n"] for row in rows)
        assert entry["churned"] == sum(row["realised_true"] for row in rows)
        assert entry["low"] < entry["rate"] < entry["high"]
        assert set(entry["runs"]) == runs


def test_outcomes_that_overlap_are_told_in_the_backtest_and_count_once_in_the_record():
    """Cut-offs 30 days apart share two thirds of the label window: three of them are no three trials."""
    young = replace(DEFAULTS, spacing_days=30)
    first = drawn.AS_OF - timedelta(days=420)
    found = trained(drawn.past(probability.cutoffs(drawn.AS_OF, first, young), 1_500), young, first=first)
    runs = sorted({date.fromisoformat(row["cutoff"]) for row in found.backtest})
    assert [(one - other).days for one, other in itertools.pairwise(runs[::-1])] == [30, 30]
    for band in probability.BANDS:
        assert found.record["band"][band]["runs"] == (found.folds["test"],)
    for level in ("L0", "L3"):
        days = [date.fromisoformat(day) for day in found.record["level"][level]["runs"]]
        assert [(one - other).days for one, other in itertools.pairwise(days)] == [90, 90]


def test_one_order_with_a_wrong_day_opens_no_shop():
    days = pd.Series(pd.to_datetime(["1970-01-01", *["2019-03-01"] * 150, "2019-06-01"]))
    assert folds.opened_on(days, drawn.AS_OF) == date(2019, 3, 1)
    assert folds.opened_on(days.head(1), drawn.AS_OF) == date(1970, 1, 1)
    assert folds.opened_on(pd.Series([], dtype="datetime64[ns]"), drawn.AS_OF) == drawn.AS_OF


def test_expected_and_realised_churners_add_up_over_bands(model):
    whole = model.backtest[0]
    bands = model.backtest[1:4]
    assert [row["band"] for row in bands] == ["low", "mid", "high"]
    for name in ("n", "realised_true", "realised_false"):
        assert sum(row[name] for row in bands) == whole[name]
    assert sum(row["expected_true"] for row in bands) == pytest.approx(whole["expected_true"], abs=0.01)
    assert whole["realised_true"] + whole["realised_false"] == whole["n"]


def test_every_baseline_is_measured_on_the_same_customers(model):
    test = [row for row in model.backtest if row["cutoff"] == model.folds["test"] and row["is_baseline"]]
    names = {*training.BASELINES, "no_purchase_90d", "no_purchase_45d", "no_purchase_30d"}
    assert {row["model"] for row in test} == names
    assert len({row["base_rate"] for row in test}) == 1


# --- the same data, the same bytes --------------------------------------------------------------------------


def test_rows_in_any_order_and_a_second_run_give_the_same_bytes(model):
    frames = drawn.past(DAYS, ROWS)
    shuffled = {day: frame.sample(frac=1, random_state=3) for day, frame in frames.items()}
    assert trained(shuffled).to_json() == model.to_json()


def test_a_sample_holds_the_same_customers_whatever_stands_beside_them():
    few = replace(DEFAULTS, max_rows=1_000)
    frame = drawn.draw(ROWS, 3)
    whole = folds.read(frame, drawn.AS_OF, labelled=True, thresholds=DEFAULTS)
    part = folds.read(frame, drawn.AS_OF, labelled=True, thresholds=few)
    assert len(part.y) == 1_000
    assert part.inputs["recency_days"].tolist() == whole.inputs["recency_days"][:1_000].tolist()
    assert (part.rows, part.churned) == (whole.rows, whole.churned)


def test_a_model_comes_back_from_json_whole(model):
    text = model.to_json()
    again = ChurnModel.from_json(text)
    assert again == model
    assert again.to_json() == text


def test_the_card_says_how_it_went(model):
    card = model.card()
    for told in ("decision **publish**", "recency_days", "2019-10-03 | test", "band high", "Season: known"):
        assert told in card


def test_the_reference_has_the_share_of_every_bin(model):
    assert set(model.reference) == set(inputs.INPUTS)
    for each in model.reference.values():
        assert len(each["shares"]) == len(each["edges"]) + 2
        assert sum(each["shares"]) == pytest.approx(1, abs=1e-4)
    assert model.reference["visits_90d"]["shares"][-1] == 1


def test_probabilities_stay_between_zero_and_one_for_customers_like_nobody_seen(model):
    values = {name: np.array([-1e9, 0.0, 1e9, np.nan]) for name in inputs.INPUTS}
    p = model.probability(values)
    assert ((p >= 0) & (p <= 1)).all()
    assert np.isfinite(calibration.probability(np.array([-1e6, 1e6]))).all()
