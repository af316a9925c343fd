"""The DAGs as Airflow sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        yield DagBag(str(ROOT / "dags"))


def test_exactly_these_dags_are_there_and_all_import(bag):
    assert bag.import_errors == {}
    assert set(bag.dags) == {"customer_segmentation", "model_training", "maintenance"}


def test_a_crm_is_pulled_by_one_task_of_its_own_dag_where_it_is_enabled(tmp_path):
    settings = tmp_path / "segmentation.yml"
    settings.write_text("sources: [complete_journey, zoho_crm, fxiaoke]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path))
        patch.setenv("SEGMENTATION_SETTINGS", str(settings))
        from airflow.dag_processing.dagbag import DagBag

        dags = DagBag(str(ROOT / "dags" / "pull_crm.py")).dags
    assert set(dags) == {"pull_crm"}
    assert dags["pull_crm"].task_ids == ["zoho_crm", "fxiaoke"]
    assert "**When.**" in dags["pull_crm"].doc_md
    for task in dags["pull_crm"].tasks:
        assert task.retries == 2
        assert task.retry_policy.evaluate(ValueError("a renamed field"), 1, 3).action.value == "fail"
        assert task.retry_policy.evaluate(ConnectionError("a server down"), 1, 3).action.value == "default"


def test_the_day_runs_its_steps_in_order_and_what_needs_not_wait_side_by_side(bag):
    from models.schemes import FAMILIES
    from pipeline.steps import STEPS

    dag = bag.dags["customer_segmentation"]
    taken = {task.op_args[0]: task for task in dag.tasks}
    assert set(taken) == set(STEPS)
    order = [task.op_args[0] for task in dag.topological_sort()]
    models = ["ensure_models", "score_models"]
    plain = [step for step in STEPS if not step.startswith("score:") and step not in models]
    assert [step for step in order if step in plain] == plain
    for family in FAMILIES:
        task = taken[f"score:{family}"]
        assert task.upstream_task_ids == {"build.ensure_cutpoints"}
        assert task.downstream_task_ids == {"publish.compare"}
    # a month's models are fitted beside the schemes, and the marts wait for both
    assert taken["ensure_models"].upstream_task_ids == {"build.ensure_cutpoints"}
    assert taken["score_models"].upstream_task_ids == {"models.ensure_models"}
    assert taken["build_marts"].upstream_task_ids == {"models.score_models", "publish.compare"}


def test_a_churn_model_is_promoted_by_its_gates_or_by_a_person_and_silence_keeps_the_champion(bag):
    dag = bag.dags["model_training"]
    approve = dag.task_dict["approve_churn"]
    assert dag.task_dict["evaluate_churn"].downstream_task_ids == {"approve_churn", "promote_churn"}
    assert approve.downstream_task_ids == {"promote_churn", "keep_champion"}
    assert approve.options_mapping == {"Approve": "promote_churn", "Reject": "keep_champion"}
    assert approve.defaults == ["Reject"]
    assert approve.response_timeout.total_seconds() == 72 * 3600
    # one way to it is always passed over: by the gates, or by the person
    assert dag.task_dict["promote_churn"].trigger_rule == "none_failed_min_one_success"
    order = [task.task_id for task in dag.topological_sort()]
    assert order.index("fit_value") < order.index("fit_churn") < order.index("evaluate_churn")


@pytest.mark.parametrize(
    ("fault", "action"), [(ValueError("a broken promise"), "fail"), (OSError("disk full"), "default")]
)
def test_wrong_data_fails_at_once_and_every_other_fault_is_retried(bag, fault, action):
    for dag in bag.dags.values():
        for task in dag.tasks:
            assert task.retries == 2
            assert task.retry_policy.evaluate(fault, 1, 3).action.value == action


def test_the_errors_that_mean_wrong_data_are_value_errors():
    from expectations.gate import PromiseBroken
    from pipeline.settings import SettingsInvalid
    from pulls import web
    from storage.declaration import DeclarationWrong
    from transform import BuildFailed, ModelWrong, TestsBroken

    asked_in_vain = (web.AccessRefused, web.ConnectionIncomplete, web.FieldMissing, web.ModuleUnknown)
    for kind in (PromiseBroken, SettingsInvalid, DeclarationWrong, ModelWrong, TestsBroken, *asked_in_vain):
        assert issubclass(kind, ValueError)
    assert not issubclass(BuildFailed, ValueError)
    assert not issubclass(web.ServerFault, ValueError)


def test_every_dag_tells_operators_what_to_do_and_whom_it_tells_of_a_failure(bag):
    import alerts

    for dag in bag.dags.values():
        assert "**When.**" in dag.doc_md
        told = dag.on_failure_callback
        assert alerts.on_failure in (told if isinstance(told, list) else [told])


def test_the_demo_ends_with_its_last_day_so_no_run_of_today_starts(bag):
    from airflow.timetables.base import TimeRestriction

    for dag in bag.dags.values():
        nothing_else = TimeRestriction(earliest=None, latest=None, catchup=dag.catchup)
        assert (
            dag.timetable.next_dagrun_info(last_automated_data_interval=None, restriction=nothing_else)
            is None
        )


def test_the_days_of_the_settings_are_the_ones_a_backfill_runs(bag):
    from airflow.timetables.base import TimeRestriction
    from pendulum import datetime

    timetable = bag.dags["customer_segmentation"].timetable
    timetable = type(timetable).deserialize(timetable.serialize())
    asked = TimeRestriction(datetime(2017, 12, 30), datetime(2018, 1, 5), catchup=True)
    days, last = [], None
    while info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=asked):
        days.append(info.logical_date.in_timezone("America/New_York").to_date_string())
        last = info.data_interval
    assert days == ["2017-12-30", "2017-12-31", "2018-01-01"]


def test_a_day_outside_the_settings_can_be_triggered_and_runs_its_tasks(bag):
    for dag in bag.dags.values():
        assert dag.end_date is None
        assert all(task.start_date is None and task.end_date is None for task in dag.tasks)


def test_maintenance_erases_nobody_unless_asked_and_keeps_who_out_of_its_tasks(bag):
    dag = bag.dags["maintenance"]
    assert [task.task_id for task in dag.topological_sort()] == ["retain", "erase"]
    assert dict(dag.params) == {
        "source": None,
        "customer": None,
        "phone": None,
        "email": None,
        "linked": False,
    }
    for task in dag.tasks:
        assert list(task.op_args) == [task.task_id]  # rendered fields stay in Airflow's database
        assert not task.op_kwargs
