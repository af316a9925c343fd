"""The churn model of a small shop: what it learns from, that it disturbs nothing, and what is told of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pandas as pd
import pytest
from shop import write_shop

from models.churn.inputs import TRAINING
from pipeline import churn, churn_facts, steps
from pipeline.run import Run
from pipeline.settings import Settings
from storage import artifacts, lake
from storage.lake import Day

pytestmark = pytest.mark.slow

FIRST, DAY = date(2017, 3, 6), date(2017, 11, 1)
STEPS = ("land", "check_landed", "load_raw", "read_feedback", "build_features", "ensure_cutpoints")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run up to its churn model; the shop is too small for one that is published."""
    folder = tmp_path_factory.mktemp("churn")
    write_shop(folder / "in", FIRST, DAY, customers=120)
    settings = Settings(
        sources=("complete_journey",), time_zone="America/New_York", currency="USD", lake=folder / "lake",
        incoming=folder / "in",
    )  # fmt: skip
    made = Run(settings, Day.of(DAY), "churn", None)
    for step in STEPS:
        steps.take(made, step)
    assert not churn.training_rows(made.folder).exists()  # built when a model is trained, and only then
    steps.take(made, "ensure_models")
    return made


def ask(run, sql):
    with duckdb.connect(str(run.folder / "run.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_days_own_tables_stay_as_they_were(run):
    assert ask(run, "select distinct as_of from features.feat_order") == [(DAY,)]
    assert len(ask(run, "select distinct as_of from features_of_cutoffs.feat_order")) > 3


@pytest.fixture
def built(run, tmp_path):
    """The rows of some days, built as for training, in a copy of the run's folder."""

    def build(*cutoffs, **thresholds):
        folder = tmp_path / "copy"
        shutil.copytree(run.folder, folder, dirs_exist_ok=True)
        churns = replace(run.settings.thresholds.churn, **thresholds)
        settings = replace(run.settings, thresholds=replace(run.settings.thresholds, churn=churns))
        variables = steps._variables(run, folder, run.day)
        return churn.build_training(replace(run, settings=settings), folder, run.day, cutoffs, variables)

    return build


def test_the_days_training_rows_are_its_features(run, built):
    shared = ", ".join([*TRAINING, "as_of", "known_on"])
    features = lake.features_path(run.lake, run.day)
    bought = f"select {shared} from '{features}' where orders_life > 0"
    trained = f"select {shared} from '{built(DAY)}'"
    assert ask(run, f"select count(*) from ({bought}) as one")[0][0] > 50
    for one, other in ((bought, trained), (trained, bought)):
        assert ask(run, f"({one}) except ({other})") == []


def test_who_is_learned_from_where_there_are_too_many_is_the_same_on_every_day(run, built):
    days = [DAY - timedelta(days=180), DAY - timedelta(days=90)]
    everybody = churn.training_rows(run.folder)
    few = built(*days, max_customers=60)
    drawn = f"select customer_id from '{everybody}' where substr(md5(customer_id), 1, 8) < '80000000'"
    wanted = f"select * from '{everybody}' where as_of in {(*map(str, days),)} and customer_id in ({drawn})"
    found = f"select * from '{few}'"
    assert 30 < ask(run, f"select count(distinct customer_id) from ({found})")[0][0] < 90
    # and of those who are, every column is what it is beside everybody
    for one, other in ((wanted, found), (found, wanted)):
        assert ask(run, f"({one}) except ({other})") == []


def test_a_cut_off_knows_what_had_been_delivered_by_then(run):
    rows = churn.training_rows(run.folder)
    assert ask(run, f"select count(*) from '{rows}' where known_on <> as_of") == [(0,)]
    # three months before the day the fate is known, and after that it is not
    known = ask(run, f"select as_of, count(is_churned) > 0 from '{rows}' group by 1 order by 1")
    assert len(known) > 3
    assert all(is_known and as_of + timedelta(days=90) <= DAY for as_of, is_known in known)


def test_a_cut_off_is_told_what_its_own_day_was_told(run):
    """What was built in hindsight is, in every column, what a run of that day would have scored on."""
    then = DAY - timedelta(days=90)
    past = replace(run, day=Day.of(then), run_id="then")
    for step in STEPS[:5]:
        steps.take(past, step)
    shared = ", ".join([*TRAINING, "as_of", "known_on"])
    scored = f"select {shared} from '{lake.features_path(run.lake, past.day)}' where orders_life > 0"
    trained = f"select {shared} from '{churn.training_rows(run.folder)}' where as_of = date '{then}'"
    assert ask(run, f"select count(*) from ({scored}) as one")[0][0] > 50
    for one, other in ((scored, trained), (trained, scored)):
        assert ask(run, f"({one}) except ({other})") == []


def test_what_became_of_a_customer_is_read_off_the_days_own_orders(run):
    stayed = """select distinct rows.as_of, rows.customer_id
        from '{rows}' as rows inner join features.feat_order as orders
        on orders.customer_id = rows.customer_id and orders.is_valid
        and orders.ordered_on >= rows.as_of and orders.ordered_on < rows.as_of + 90"""
    stayed = stayed.format(rows=churn.training_rows(run.folder))
    told = f"select as_of, customer_id from '{churn.training_rows(run.folder)}' where not is_churned"
    assert len(ask(run, stayed)) > 100
    for one, other in ((stayed, told), (told, stayed)):
        assert ask(run, f"({one}) except ({other})") == []


def test_history_from_before_the_first_delivery_was_handed_over(run):
    assert churn.known(run, run.day, DAY) == (DAY, "as_then")
    assert churn.known(run, run.day, FIRST) == (FIRST, "as_then")
    assert churn.known(run, run.day, FIRST - timedelta(days=30)) == (FIRST, "handed_over")


def test_too_little_data_is_told_and_the_levels_speak(run):
    version, model = churn.in_force(run)
    assert (model.status, model.decision) == ("insufficient", "rule")
    assert "100 wanted" in " ".join(model.why)
    steps.take(run, "score_models")
    scored = lake.table(
        lake.scores_path(run.lake, churn.SCORES, run.day), ["churn_probability", "is_eligible"]
    )
    assert scored["churn_probability"].isna().all()
    assert scored["is_eligible"].any()
    churn_facts.write(run)
    facts = lake.table(run.folder / "churn_model.parquet", list(churn_facts.MODEL)).iloc[0]
    assert (facts["churn_version"], facts["model_status"]) == (version, "insufficient")


def test_the_training_run_makes_the_same_model(run):
    training = replace(run, run_id="model_training__churn")
    for step in ("land", "check_landed", "load_raw"):
        steps.take(training, step)
    made = steps.take(training, "fit_churn")
    assert made["fitted"] == churn.in_force(run)[0]
    assert len(artifacts.versions(run.lake, churn.kind(run))) == 1
    found = steps.take(training, "evaluate_churn")
    assert found["next"] == "promote_churn"
    assert steps.take(training, found["next"])["churn_version"] == made["fitted"]


@pytest.fixture(scope="module")
def paying(run):
    """The same month with a model lenient gates let through, where an offer keeps a fifth and costs 2."""
    lenient = {"horizon_days": 30, "min_each": 10, "confidence": 0.5, "runs": 1}
    lenient |= {"max_ap_loss": 1, "max_ece": 1, "max_base_shift": 1}
    before = run.settings.thresholds
    thresholds = replace(
        before,
        churn=replace(before.churn, **lenient, save_rate=0.2, contact_cost=2),
        customer_value=replace(before.customer_value, min_repeat_buyers=50),
    )
    made = replace(run, settings=replace(run.settings, thresholds=thresholds))
    for step in ("ensure_cutpoints", "ensure_models", "score_models"):
        steps.take(made, step)
    return made


def test_the_cut_is_the_probability_from_which_contacting_earns_most(paying):
    _, model = churn.in_force(paying)
    assert (model.decision, model.cut_basis) == ("publish", "profit")
    chances = lake.table(
        lake.scores_path(paying.lake, churn.SCORES, paying.day), ["customer_id", "churn_probability"]
    )
    worth = lake.table(
        lake.scores_path(paying.lake, "customer_value", paying.day), ["customer_id", "expected_revenue_90d"]
    )
    both = chances.merge(worth, on="customer_id").dropna()
    assert len(both) > 50

    def earned(cut):
        contacted = both[both["churn_probability"] >= cut]
        return (0.2 * contacted["churn_probability"] * contacted["expected_revenue_90d"] - 2).sum()

    best = max(both["churn_probability"].unique(), key=earned)
    assert model.cut == best
    assert earned(best) > max(earned(0.66), 0)
    assert best not in (both["churn_probability"].min(), 0.66)  # neither everybody nor the default
    churn_facts.write(paying)
    facts = lake.table(paying.folder / "churn_model.parquet", list(churn_facts.MODEL)).iloc[0]
    assert (facts["cut"], facts["cut_basis"]) == (model.cut, "profit")


def test_what_became_of_those_judged_a_horizon_ago_is_told_beside_what_is_published(run):
    steps.take(run, "score_models")
    published = (run.folder / "churn_drift.parquet").read_bytes()
    then = DAY - timedelta(days=90)
    features = lake.table(lake.features_path(run.lake, run.day), ["customer_id", "recency_days"])
    judged = features.dropna().head(40)
    rows = pd.DataFrame(
        {
            "customer_id": judged["customer_id"],
            "is_eligible": [True] * 30 + [False] * 10,
            "churn_probability": [0.2] * 15 + [0.7] * 15 + [None] * 10,
            "churn_band": ["low"] * 15 + ["high"] * 15 + [None] * 10,
        }
    )
    columns = {"customer_id": "varchar", "is_eligible": "boolean"}
    columns |= {"churn_probability": "double", "churn_band": "varchar"}
    lake.write_parquet(lake.scores_path(run.lake, churn.SCORES, Day.of(then)), [rows], columns)
    steps.take(run, "score_models")

    # a day's tables do not depend on which other days were run
    assert (run.folder / "churn_drift.parquet").read_bytes() == published
    outcome = lake.table(run.folder / "churn_outcome.parquet", list(churn_facts.OUTCOME))
    told = outcome.set_index(["kind", "name"])
    lost = (judged["recency_days"] > 90).to_numpy()[:30]
    label = told.loc[("label", "base_rate")]
    assert (label["customers"], label["found"]) == (30, round(lost.mean(), 6))
    assert label["since"].date() == then
    high = told.loc[("calibration", "high")]
    assert (high["customers"], high["found"], high["reference"]) == (15, round(lost[15:].mean(), 6), 0.7)
    assert set(told.loc["calibration"].index) == {"all", "low", "high"}
