"""Why a task failed is said from the log of its last try."""

import json

import pytest

from pipeline import failures, local_airflow

RUN = "manual__2025-04-01T05:00:00+08:00"


def raised(kind, text):
    detail = [
        {"exc_type": kind, "exc_value": text, "frames": []},
        {"exc_type": "Cause", "exc_value": "deeper"},
    ]
    return {"level": "error", "event": "Task failed with exception", "error_detail": detail}


class Airflow:
    """Answers as Airflow's API does, about the tasks it is given."""

    def __init__(self, *tasks):
        self.tasks = list(tasks)

    def call(self, method, path):
        assert path.startswith(f"/dags/daily/dagRuns/{RUN}/taskInstances")
        return {"task_instances": self.tasks}


def task(name, state="failed", tries=1, index=-1, ended="1"):
    return {"task_id": name, "state": state, "try_number": tries, "map_index": index, "end_date": ended}


@pytest.fixture
def write(monkeypatch, tmp_path):
    monkeypatch.setattr(local_airflow, "HOME", tmp_path)

    def log(place, *records):
        path = failures.logs("daily", RUN) / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
        return path

    return log


def told(*tasks):
    return [failure.lines() for failure in failures.of(Airflow(*tasks), "daily", RUN)]


def test_a_failed_task_is_named_with_its_exception_and_all_its_text(write):
    ended = {"level": "info", "event": "::endgroup::"}
    write(
        "task_id=ingest.land/attempt=1.log",
        raised("HashKeyMissing", "there is no key\n  set one 设置"),
        ended,
    )
    assert told(task("ingest.land"), task("score.rfm", "success"), task("publish", "upstream_failed")) == [
        ["ingest.land: HashKeyMissing: there is no key", "  set one 设置"]
    ]


def test_the_last_try_says_why_and_an_alert_that_fails_behind_it_does_not(write):
    write("task_id=build/attempt=1.log", raised("IOException", "first"))
    alert = raised("ConnectionError", "no mail") | {"event": "Failed to run task callback"}
    write("task_id=build/attempt=2.log", raised("BuildFailed", "second"), alert)
    assert told(task("build", tries=2)) == [["build: BuildFailed: second"]]


def test_each_of_several_is_told_in_the_order_they_ended(write):
    write("task_id=pull/map_index=3/attempt=1.log", raised("TimeoutError", ""))
    write("task_id=land/attempt=1.log", raised("ValueError", "a"))
    assert told(task("pull", index=3, ended="2"), task("land", ended="1")) == [
        ["land: ValueError: a"],
        ["pull[3]: TimeoutError"],
    ]


def test_of_a_long_text_the_first_lines_are_told_and_where_the_rest_is(write):
    log = write("task_id=build/attempt=1.log", raised("BuildFailed", "\n".join(map(str, range(20)))))
    [lines] = told(task("build"))
    assert lines == ["build: BuildFailed: 0", *map(str, range(1, 15)), f"… 5 more lines in {log}"]


def test_a_task_that_was_killed_raised_nothing(write):
    log = write("task_id=build/attempt=1.log", {"level": "info", "event": "building"})
    log.write_text(log.read_text() + '{"event":"Task failed with exception","error_det')
    gone = log.with_name("attempt=2.log")
    said = "build: ended without an exception, as if it had been killed; see"
    assert told(task("build")) == [[f"{said} {log}"]]
    assert told(task("build", tries=2)) == [[f"{said} {gone}"]]
