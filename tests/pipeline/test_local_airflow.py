"""The local Airflow is ours or it is not: which folder, which processes, which port.

The components are stand-ins that take a moment to start instead of fifteen seconds; the API answers as
Airflow's does.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from pipeline import local_airflow
from pipeline.local_airflow import HEADLESS, SERVED, PortTaken

COMPONENT = """
import json, os, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
if sys.argv[-1] == os.environ.get("HAS_WORKER"):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)", "airflow", "worker"])
if sys.argv[-1] != "api-server":
    time.sleep(120)
parts = {name: {"status": "healthy"} for name in ("metadatabase", "scheduler", "dag_processor", "triggerer")}
class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(parts).encode())
    def log_message(self, *_):
        pass
time.sleep(float(os.environ.get("STARTS_AFTER", "0")))
HTTPServer(("127.0.0.1", int(os.environ["AIRFLOW__API__PORT"])), Api).serve_forever()
"""
OTHER_PROGRAM = [sys.executable, "-c", "import time; time.sleep(120)", "/home/me/airflow-notes.txt"]


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A folder of our own with its database set up, and components that are no Airflow but look like it."""
    monkeypatch.setattr(local_airflow, "HOME", tmp_path)
    monkeypatch.setattr(
        local_airflow, "_airflow", lambda *words: [sys.executable, "-c", COMPONENT, "airflow", *words]
    )
    (tmp_path / "airflow.db").touch()
    yield tmp_path
    local_airflow.stop(say=None)


@pytest.fixture
def other_program():
    with subprocess.Popen(OTHER_PROGRAM) as process:
        yield process
        process.kill()


def quietly(text):
    pass


def kill(server, component):
    process = psutil.Process(server.processes[component])
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=5)


def lives(process):
    """Whether it still runs; one that ended stays in the list until its parent has looked."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def recorded(home):
    return json.loads((home / "server.json").read_text())


def record_again(home, **changes):
    (home / "server.json").write_text(json.dumps(recorded(home) | changes))


class TestHome:
    def home_with(self, **variables):
        env = {key: value for key, value in os.environ.items() if key != "SEGMENTATION_AIRFLOW_HOME"}
        env |= {"PYTHONPATH": os.pathsep.join(sys.path)} | variables
        command = [sys.executable, "-c", "from pipeline import local_airflow; print(local_airflow.HOME)"]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()

    def test_it_is_never_the_users_own_airflow(self):
        own = str(local_airflow.REPOSITORY / ".airflow")
        assert self.home_with(AIRFLOW_HOME="/home/me/airflow") == own

    def test_a_test_may_have_another(self):
        assert self.home_with(SEGMENTATION_AIRFLOW_HOME="/tmp/of-a-test") == "/tmp/of-a-test"


class TestRunning:
    def test_nothing_runs_before_the_first_start(self, home):
        assert local_airflow.running() is None

    @pytest.mark.parametrize(("components", "served"), [(HEADLESS, False), (SERVED, True)])
    def test_what_was_started_runs_and_says_whether_it_is_a_runs_own_or_the_users(
        self, home, components, served
    ):
        started = local_airflow.start(components, local_airflow.free_port(), quietly)
        assert started.served is served
        assert local_airflow.running() == started

    @pytest.mark.parametrize(("components", "follows"), [(HEADLESS, False), (SERVED, True)])
    def test_only_the_users_airflow_starts_what_is_due_by_the_schedules(self, home, components, follows):
        server = local_airflow.start(components, local_airflow.free_port(), quietly)
        variables = psutil.Process(server.processes["scheduler"]).environ()
        env = os.environ | {"AIRFLOW_HOME": str(home)}
        env["AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE"] = variables["AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE"]
        # The scheduler's own attribute: an option that was renamed would be ignored without a word.
        asked = (
            "from airflow.jobs.job import Job\n"
            "from airflow.jobs.scheduler_job_runner import SchedulerJobRunner\n"
            "print(SchedulerJobRunner(Job())._scheduler_use_job_schedule)"
        )
        command = [sys.executable, "-c", asked]
        told = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
        assert told.split()[-1] == str(follows)

    def test_another_program_that_got_the_number_of_a_process_is_not_airflow(self, home, other_program):
        server = local_airflow.start(HEADLESS, local_airflow.free_port(), quietly)
        kill(server, "scheduler")
        record_again(home, processes=server.processes | {"scheduler": other_program.pid})
        try:
            assert local_airflow.running() is None
        finally:
            record_again(home, processes=server.processes)

    def test_processes_whose_api_does_not_answer_are_no_airflow_that_runs(self, home, monkeypatch):
        monkeypatch.setattr(local_airflow, "_ANSWER_SECONDS", 0.5)
        server = local_airflow.start(HEADLESS, local_airflow.free_port(), quietly)
        os.kill(server.processes["api-server"], signal.SIGSTOP)
        monkeypatch.setattr(local_airflow, "_CALL_SECONDS", 0.5)
        try:
            assert local_airflow.running() is None
        finally:
            os.kill(server.processes["api-server"], signal.SIGCONT)

    def test_another_programs_answer_on_the_port_is_not_airflows(self, home, monkeypatch):
        monkeypatch.setattr(local_airflow, "_ANSWER_SECONDS", 0.5)
        server = local_airflow.start(HEADLESS, local_airflow.free_port(), quietly)
        (home / "api" / "v2" / "monitor").mkdir(parents=True)
        (home / "api" / "v2" / "monitor" / "health").write_text('{"status": "fine"}')
        port = local_airflow.free_port()
        command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(home)]
        with subprocess.Popen([*command, str(port)], stderr=subprocess.DEVNULL) as elsewhere:
            try:
                while local_airflow.holder_of(port) is None:
                    time.sleep(0.05)
                record_again(home, port=port)
                assert local_airflow.running() is None
            finally:
                record_again(home, port=server.port)
                elsewhere.kill()

    def test_an_airflow_that_is_still_starting_is_waited_for(self, home, monkeypatch):
        port = local_airflow.free_port()
        env = os.environ | {"AIRFLOW__API__PORT": str(port), "STARTS_AFTER": "1"}
        with subprocess.Popen(local_airflow._airflow("api-server"), env=env) as starting:
            state = {"kind": "headless", "port": port, "processes": {"api-server": starting.pid}}
            (home / "server.json").write_text(json.dumps(state))
            try:
                found = local_airflow.running()
            finally:
                starting.kill()
        assert found.processes == {"api-server": starting.pid}


class TestStart:
    def test_what_is_left_of_our_own_airflow_does_not_block_the_port(self, home):
        port = local_airflow.free_port()
        left = local_airflow.start(HEADLESS, port, quietly)
        server = psutil.Process(left.processes["api-server"])
        kill(left, "scheduler")
        again = local_airflow.start(SERVED, port, quietly)
        assert local_airflow.running() == again
        assert not lives(server)

    def test_a_worker_that_lost_its_scheduler_goes_too(self, home, monkeypatch):
        monkeypatch.setenv("HAS_WORKER", "scheduler")
        port = local_airflow.free_port()
        left = local_airflow.start(HEADLESS, port, quietly)
        while not (workers := psutil.Process(left.processes["scheduler"]).children()):
            time.sleep(0.05)
        kill(left, "scheduler")
        assert list(map(lives, workers)) == [True]
        local_airflow.start(HEADLESS, port, quietly)
        assert list(map(lives, workers)) == [False]

    def test_a_port_another_program_holds_is_named_with_its_holder(self, home):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(PortTaken, match=rf"port {port} is in use by process {os.getpid()} "):
                local_airflow.start(SERVED, port, quietly)
        assert not (home / "server.json").exists()


class TestStop:
    def test_another_program_that_got_the_number_of_a_process_is_left_alone(self, home, other_program):
        state = {"kind": "served", "port": 1, "processes": {"api-server": other_program.pid}}
        (home / "server.json").write_text(json.dumps(state))
        assert local_airflow.stop(say=None) is False
        assert other_program.poll() is None
        assert not (home / "server.json").exists()
