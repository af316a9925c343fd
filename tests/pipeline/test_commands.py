"""The commands behind make, without Airflow."""

from __future__ import annotations

import fcntl
import json
from datetime import date
from pathlib import Path

import pytest

from pipeline import __main__ as commands
from pipeline import failures, local_airflow
from storage.lake import Day


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with its own settings, lake and Airflow home."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "segmentation.yml").write_text("time_zone: America/New_York\ncurrency: USD\n")
    monkeypatch.setenv("SEGMENTATION_SETTINGS", str(root / "segmentation.yml"))
    monkeypatch.setattr(commands, "REPOSITORY", root)
    monkeypatch.setattr(local_airflow, "HOME", root / ".airflow")
    return root


def test_clean_removes_what_the_project_made_and_nothing_else(project):
    for made in ("lake/raw", "extracts/complete_journey/purchases", "extracts/another", ".airflow"):
        (project / made).mkdir(parents=True)
    (project / "extracts" / "SIMULATED.txt").touch()
    assert commands.main(["clean"]) == 0
    left = {path.relative_to(project).as_posix() for path in project.rglob("*")}
    assert left == {"segmentation.yml", "extracts", "extracts/another"}


def test_clean_leaves_a_lake_outside_the_project_alone(project, tmp_path, capsys):
    elsewhere = tmp_path / "production"
    (elsewhere / "landing").mkdir(parents=True)
    (project / "segmentation.yml").write_text(f"lake: {elsewhere}\n")
    assert commands.main(["clean"]) == 0
    assert (elsewhere / "landing").exists()
    assert "lies outside the project" in capsys.readouterr().out


def test_a_second_run_is_refused_and_told_who_holds_the_first(project, capsys):
    lock = project / "lake" / ".run.lock"
    lock.parent.mkdir()
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("process 4711 runs as_of=2018-01-01")
        file.flush()
        assert commands.main(["run", "--day", "2018-01-01"]) == 1
    assert "process 4711 runs as_of=2018-01-01" in capsys.readouterr().err


def test_a_run_is_not_given_to_an_airflow_that_works_on_another_lake(project, capsys, monkeypatch):
    another = local_airflow.Server(8080, {}, served=True, lake=str(project / "planted" / "lake"))
    monkeypatch.setattr(local_airflow, "running", lambda: another)
    assert commands.main(["run", "--day", "2018-01-01"]) == 1
    said = capsys.readouterr().err
    assert str(project / "planted" / "lake") in said
    assert "make stop first" in said


def test_too_little_disk_is_refused_with_what_is_needed_and_what_is_free(project, capsys):
    (project / "segmentation.yml").write_text("resources: {min_free_gib: 900000.0}\n")
    assert commands.main(["run", "--day", "2018-01-01"]) == 1
    assert "are needed" in capsys.readouterr().err


def test_a_wrong_setting_ends_every_command_with_one_line(project, capsys):
    (project / "segmentation.yml").write_text("curency: USD\n")
    assert commands.main(["status"]) == 1
    assert "line 1: curency: is not a setting; did you mean currency?" in capsys.readouterr().err


def test_without_a_last_day_the_user_must_say_which(project, capsys):
    assert commands.main(["run"]) == 1
    assert "make run DAY=YYYY-MM-DD" in capsys.readouterr().err


def test_an_unknown_customer_and_an_empty_lake_are_said_plainly(project, capsys):
    assert commands.main(["why", "1"]) == 1
    assert commands.main(["rollback"]) == 1
    assert commands.main(["status"]) == 0
    assert "nothing is published yet" in capsys.readouterr().out


def test_the_lock_names_the_day_while_it_runs_and_nothing_after(project):
    settings = commands.load()
    with commands._only_run(settings, Day.of(date(2018, 1, 1))):
        assert "as_of=2018-01-01" in (settings.lake / ".run.lock").read_text()
    assert (settings.lake / ".run.lock").read_text() == ""


@pytest.fixture
def failing(project, monkeypatch):
    """`make run` of a day that Airflow says failed, for the reasons given."""

    server = local_airflow.Server(8080, {}, served=True, lake=str(project / "lake"))

    def run(*failed, running=server, ask=None):
        monkeypatch.setattr(local_airflow, "running", lambda: running)
        monkeypatch.setattr(local_airflow, "trigger", lambda *_: "manual__1")
        monkeypatch.setattr(local_airflow, "follow", lambda *_: "failed")
        monkeypatch.setattr(commands, "_bring_in", lambda _: None)
        monkeypatch.setattr(failures, "of", ask or (lambda *_: list(failed)))
        return commands.main(["run", "--day", "2018-01-01"])

    gates = project / "lake" / "runs" / "manual__1" / "gates"
    gates.mkdir(parents=True)
    verdict = {
        "gate": "landed",
        "passed": False,
        "strength": "break",
        "text_en": "Here.",
        "text_zh": "有",
    }
    told = [verdict | {"subject": "extracts.state_today", "observed": "slips: missing", "expected": "usable"}]
    (gates / "landed.json").write_text(json.dumps(told))
    return run


def test_a_failed_run_says_why_and_nothing_of_a_gate_that_an_earlier_try_met(failing, capsys):
    assert failing(failures.Failure("ingest.land", "HashKeyMissing", "no key\nset one", Path("1.log"))) == 1
    said = capsys.readouterr().out
    assert "  task ingest.land: HashKeyMissing: no key\n     set one\n  task logs: " in said
    assert "slips: missing" not in said


def test_a_run_that_a_gate_stopped_tells_its_broken_promises_once(failing, capsys):
    assert failing(failures.Failure("ingest.check_landed", "PromiseBroken", "slips", Path("1.log"))) == 1
    said = capsys.readouterr().out
    assert "gate landed: Here. · 有\n     extracts.state_today: observed slips: missing" in said
    assert "PromiseBroken" not in said


@pytest.mark.parametrize("command", [["run"], ["rollback"], ["run", "--known-on", "2018-02-01"], ["retain"]])
def test_a_day_that_does_not_exist_is_refused_in_plain_words(project, capsys, command):
    with pytest.raises(SystemExit):
        commands.main([*command, "--day", "2025-13-01"])
    assert "2025-13-01 is no day; wanted YYYY-MM-DD" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["rollback", "unpin"])
def test_before_anything_is_published_bi_can_neither_be_pinned_nor_unpinned(project, capsys, command):
    assert commands.main([command]) == 1
    assert "nothing is published yet" in capsys.readouterr().err
    assert not (project / "lake" / "published").exists()


@pytest.mark.parametrize("customer", [[], [""], [" "]])
def test_why_asks_for_the_customer(project, capsys, customer):
    assert commands.main(["why", *customer]) == 1
    assert "make why CUSTOMER=" in capsys.readouterr().err


def test_airflow_is_asked_why_a_run_failed_before_it_is_stopped(failing, project, monkeypatch):
    server, done = local_airflow.Server(8080, {}, served=False, lake=str(project / "lake")), []
    monkeypatch.setattr(local_airflow, "start", lambda *_: server)
    monkeypatch.setattr(local_airflow, "stop", lambda say: done.append("stopped"))
    assert failing(running=None, ask=lambda *_: done.append("asked") or []) == 1
    assert done == ["asked", "stopped"]
