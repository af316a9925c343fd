"""A person approves the month's churn model, rejects it, or is away: on the cluster, over its REST API."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from asking import BEFORE, MONTH
from native_cluster import USER

from pipeline import approval

pytestmark = pytest.mark.slow

GATES = ("排序误差之比", "区间下限）", "准确率", "校准误差", "基准流失率变动", "各档实际流失率递增（1 为是）")


@pytest.fixture
def champion(shop):
    """The hash of the model in force the month before; kept for this month, it has another day before it."""
    return hash_of(shop.in_force(BEFORE))


def hash_of(version):
    return version.rpartition("-")[2]


def test_the_approver_reads_the_day_the_gates_and_the_champion(shop, rejected, champion):
    asked = rejected.asked
    assert str(MONTH.as_of) in asked["subject"]
    assert approval.challenger(shop.run)[0] in asked["body"]
    assert f"{BEFORE.as_of}-{champion}" in asked["body"]
    assert all(f"{gate} | " in asked["body"] for gate in GATES)
    assert re.search(r"校准误差 \| 0\.\d+ \| at most 0 \| \*\*no 否\*\* \|", asked["body"])
    assert (asked["options"], asked["defaults"]) == (["Approve", "Reject"], ["Reject"])


def test_the_approver_reads_nothing_of_any_customer(shop, rejected):
    """Every number told is one of a model's: its version, its gates, its ranking, its base rate."""
    version, new = approval.challenger(shop.run)
    champions = shop.in_force(BEFORE)
    told = rejected.asked["body"].replace(version, "").replace(champions, "")
    told, ranks = re.subn(r"Average precision .* new 新 0\.\d{4}, champion 现行 0\.\d{4}", "", told)
    assert ranks == 1
    known = {f"{gate[number]:g}" for gate in new.gates.values() for number in ("found", "wanted")}
    known |= {f"{100 * model.base_rate:.1f}" for model in (new, shop.model(champions))}
    known |= {"1"}  # of "1 − average precision", and of 1 for yes
    assert set(re.findall(r"\d+(?:\.\d+)?(?:e-\d+)?", told)) <= known


def test_the_champion_is_in_force_while_a_person_thinks(shop, rejected, unanswered, approved, champion):
    waiting = {hash_of(asked.waiting) for asked in (rejected, unanswered, approved)}
    assert waiting == {champion}


def test_rejection_keeps_the_champion(rejected, champion):
    assert rejected.answer["chosen_options"] == ["Reject"]
    assert rejected.answer["responded_by_user"]["name"] == USER
    assert hash_of(rejected.after) == champion


def test_silence_keeps_the_champion(unanswered, champion):
    assert unanswered.asked["response_received"] is False
    assert unanswered.answer["chosen_options"] == ["Reject"]
    assert unanswered.answer["responded_by_user"] is None
    assert hash_of(unanswered.after) == champion


def test_approval_puts_the_new_model_in_force(shop, approved):
    assert approved.answer["chosen_options"] == ["Approve"]
    assert approved.answer["responded_by_user"]["name"] == USER
    model = shop.model(approved.after)
    assert (model.as_of, model.decision, model.why) == (str(MONTH.as_of), "publish", ("approved", "ece"))


def test_the_run_ends_well_whatever_the_answer(rejected, unanswered, approved):
    def end(answered):
        return answered.state, answered.tasks["promote_churn"], answered.tasks["keep_champion"]

    assert end(rejected) == end(unanswered) == ("success", "skipped", "success")
    assert end(approved) == ("success", "success", "skipped")


def test_the_day_run_after_an_approval_publishes_the_models_probabilities(shop, approved, daily):
    assert daily["state"] == "success"
    flags = pd.read_parquet(shop.lake / "published" / "current" / "churn_flag.parquet")
    assert set(flags["churn_version"]) == {approved.after}
    assert set(flags["model_status"]) == {"published"}
    assert flags["is_eligible"].sum() > 50
    assert (flags["churn_probability"].notna() == flags["is_eligible"]).all()
