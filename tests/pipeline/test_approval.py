"""Champion, challenger, and the person between them: which churn model is in force, and who said so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.churn import inputs
from models.churn.probability import ChurnModel
from pipeline import approval, churn, churn_facts, monthly
from pipeline.run import Run
from pipeline.settings import Approval, Settings
from storage import artifacts
from storage.lake import Day

MARCH, FEBRUARY = Day.of(date(2018, 3, 1)), Day.of(date(2018, 2, 1))
CLEAR = {"found": 0.60, "wanted": 0.95, "how": "at most", "holds": True}
CLOSE = {"found": 0.94, "wanted": 0.95, "how": "at most", "holds": True}
FAILED = {"found": 0.08, "wanted": 0.05, "how": "at most", "holds": False}


def model(decision="publish", why=(), as_of="2018-03-01", **gates):
    """A model as far as an approver sees it; nothing is scored here."""
    return ChurnModel(
        as_of=as_of, known="as_then", horizon_days=90, status="ok", decision=decision, why=why, counts={},
        folds={"test": "2017-12-01", "overlapping": False}, gates=gates or {"ap_loss": CLEAR}, candidates={},
        score=None, curve=None, shift=0.0, level={"season": "unknown", "off": {}}, bg_nbd=None,
        base_rate=0.2, cut=0.66, cut_basis="default", backtest=(), record={}, reference={},
    )  # fmt: skip


@pytest.fixture
def run(tmp_path):
    settings = Settings(sources=("complete_journey",), lake=tmp_path / "lake", incoming=tmp_path / "in")
    return Run(settings, MARCH, "model_training__march", None)


def save(run, made, day=MARCH):
    return artifacts.save(run.lake, churn.kind(run), day.as_of, made.to_json(), made.card())


def evaluate(run, challenger):
    """The month's model is fitted, and held against its gates."""
    approval.propose(run, save(run, challenger))
    return approval.evaluate(run, FEBRUARY, run.folder)


def in_force(run):
    return churn.in_force(run)[1]


def test_a_model_that_clears_its_gates_asks_nobody(run):
    found = evaluate(run, model())
    assert (found["next"], found["causes"]) == ("promote_churn", [])
    approval.promote(run)
    assert in_force(run).is_published


def test_a_model_that_lost_asks_nobody_and_the_levels_speak(run):
    save(run, model(as_of="2018-02-01"), FEBRUARY)
    found = evaluate(run, model("rule", ("challenger_lost", "ap_loss"), ap_loss=FAILED))
    assert found["next"] == "promote_churn"
    approval.promote(run)
    assert churn_facts.status(in_force(run)) == "challenger_lost"


class TestACloseGate:
    @pytest.fixture
    def asked(self, run):
        save(run, model(as_of="2018-02-01"), FEBRUARY)
        return evaluate(run, model(ap_loss=CLOSE))

    def test_a_person_is_asked_and_told_why(self, asked):
        assert (asked["next"], asked["causes"]) == ("approve_churn", ["ap_loss_close"])
        assert "与最好规则的排序误差之比 | 0.94 | at most 0.95 | yes 是 |" in asked["told"]
        assert "与最好规则的排序误差之比: holds narrowly 勉强通过" in asked["told"]
        assert "2018-02-01" in asked["told"]

    def test_until_the_answer_the_champion_is_in_force(self, run, asked):
        assert in_force(run).as_of == "2018-02-01"

    def test_approval_puts_the_challenger_in_force(self, run, asked):
        approval.promote(run)
        assert in_force(run).as_of == "2018-03-01"

    def test_rejection_and_silence_keep_the_champion(self, run, asked):
        assert approval.keep(run, FEBRUARY)["champion"]
        assert in_force(run).as_of == "2018-02-01"
        assert churn_facts.status(in_force(run)) == "published"

    def test_the_month_before_stays_as_it_was(self, run, asked):
        approval.promote(run)
        (before, _) = artifacts.in_force(run.lake, churn.kind(run), FEBRUARY)
        assert before.startswith("2018-02-01")


class TestAModelOnHoldWithoutAChampion:
    @pytest.fixture
    def asked(self, run):
        return evaluate(run, model("hold", ("ece",), ece=FAILED))

    def test_until_the_answer_the_levels_speak(self, run, asked):
        assert asked["causes"] == ["ece_failed"]
        assert churn_facts.status(in_force(run)) == "hold"

    def test_approval_publishes_it(self, run, asked):
        approval.promote(run)
        assert in_force(run).is_published
        assert in_force(run).why[0] == "approved"

    def test_rejection_says_so(self, run, asked):
        approval.keep(run, FEBRUARY)
        assert churn_facts.status(in_force(run)) == "rejected"


class TestAskingAgain:
    """Airflow shows whoever answers a cleared task what it asked the first time."""

    @pytest.fixture
    def cleared(self, run):
        evaluate(run, model(ap_loss=CLOSE))
        return replace(run, attempt=2)

    def test_the_same_question_may_be_asked_again(self, cleared):
        assert evaluate(cleared, model(ap_loss=CLOSE))["next"] == "approve_churn"

    def test_another_model_may_not_be_approved_by_the_figures_of_the_first(self, cleared):
        approval.promote(cleared)
        with pytest.raises(approval.AskedOtherwise, match="delete this DAG run"):
            evaluate(cleared, model("hold", ("ece",), ece=FAILED))
        assert in_force(cleared).gates["ap_loss"] == CLOSE

    def test_a_run_that_was_deleted_and_triggered_anew_asks_what_it_has_to(self, cleared):
        assert evaluate(replace(cleared, attempt=1), model("hold", ("ece",), ece=FAILED))["causes"]


def test_a_champion_that_was_a_rule_is_none(run):
    save(run, model("rule", ("challenger_lost",), as_of="2018-02-01"), FEBRUARY)
    evaluate(run, model(ap_loss=CLOSE))
    assert churn_facts.status(in_force(run)) == "hold"


def test_the_margin_is_a_setting(run):
    wide = replace(run, settings=replace(run.settings, approval=Approval(margin=0.5)))
    assert evaluate(wide, model())["causes"] == ["ap_loss_close"]
    with pytest.raises(ValueError, match="margin"):
        Approval(margin=2)
    with pytest.raises(ValueError, match="response_hours"):
        Approval(response_hours=0)


def test_a_release_with_other_inputs_makes_models_of_its_own(run, monkeypatch):
    before = churn.kind(run)
    assert churn.kind(run) == before
    monkeypatch.setattr(inputs, "INPUTS", {**inputs.INPUTS, "weather": None})
    assert churn.kind(run) != before


def test_every_version_is_kept_and_none_is_taken_that_was_altered(run):
    evaluate(run, model(ap_loss=CLOSE))
    approval.promote(run)
    versions = artifacts.versions(run.lake, churn.kind(run))
    assert len(versions) == 2  # as it was proposed, and as it waited
    path = run.lake / "artifacts" / churn.kind(run) / "2018-03-01" / f"{churn.in_force(run)[0]}.json"
    path.write_text(path.read_text().replace('"cut":0.66', '"cut":0.01'))
    with pytest.raises(artifacts.ArtifactAltered):
        churn.in_force(run)


def test_without_a_model_the_message_says_what_to_clear(run):
    with pytest.raises(monthly.NotFitted, match="fit_churn"):
        approval.challenger(run)
