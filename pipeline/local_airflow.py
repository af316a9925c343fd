"""Airflow on this machine alone: start it, follow a run, stop it.

Loopback only, SQLite, LocalExecutor with few slots: more than four on SQLite end in "database is locked".
Everything it keeps lies in `.airflow/`, so a later `make ui` shows the runs and logs made headless before.
Tests have it elsewhere, by the variable SEGMENTATION_AIRFLOW_HOME. AIRFLOW_HOME is not asked: what that names
is the user's own, and `make clean` removes ours.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.settings import REPOSITORY, load
from storage import lake

HOME = Path(os.environ.get("SEGMENTATION_AIRFLOW_HOME") or REPOSITORY / ".airflow").absolute()
HEADLESS = ("api-server", "scheduler", "dag-processor")
SERVED = (*HEADLESS, "triggerer")
_PARALLELISM = 2  # cores of the smallest machine this is meant for; SQLite bears four
_START_SECONDS = 120
_ANSWER_SECONDS = _START_SECONDS  # what looks dead may be another's that is only just starting
_CALL_SECONDS = 30
_STOP_SECONDS = 15
_POLL_SECONDS = 0.3


class AirflowNotReady(RuntimeError):
    """A local Airflow component died or did not answer in time; the message names its log."""


class PortTaken(OSError):
    """The port is held by another program; the message names it."""


class RunRefused(RuntimeError):
    """Airflow would not start the run; the message carries its answer."""


@dataclass(frozen=True)
class Server:
    """A local Airflow: where it answers, which processes it consists of, and for whom it is.

    `served` is true of one that was started for the user, by `make ui`, and stays; false of one that a
    `make run` started for itself and stops when it is done. `lake` is the one of the settings it runs with.
    """

    port: int
    processes: dict[str, int]
    served: bool
    lake: str

    @property
    def url(self) -> str:
        """The address of the UI."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the public REST API, as JSON; raises urllib.error.HTTPError for a refusal."""
        request = urllib.request.Request(
            f"{self.url}/api/v2{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def environment(port: int, *, served: bool) -> dict[str, str]:
    """The environment every local Airflow process runs in.

    Only one that is `served` to the user keeps the DAGs' schedules: `make run DAY=…` asks for one day, and
    must not start what happens to be due today as well.
    """
    own = {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow.db'}",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(_PARALLELISM),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__INSTANCE_NAME": "Customer segmentation 客户细分",
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret("jwt"),
        "AIRFLOW__API__SECRET_KEY": _secret("api"),
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": str(served),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "plugins")]),
        "PYTHONUNBUFFERED": "1",
        "SEGMENTATION_LAKE": str(load().lake),
    }
    # Twice the start-up time of every process, when a container image sets it.
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return inherited | own


def _secret(name: str) -> str:
    """A random secret that all local processes share, made once, readable by its owner only."""
    path = HOME / f"{name}.secret"
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()


def holder_of(port: int) -> str | None:
    """What listens on `port` of this machine, in words, or None when it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            pass
        else:
            return None
    import psutil

    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return "a process of another user"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def running() -> Server | None:
    """The local Airflow that is up, or None: its processes are Airflow's and its API answers.

    One that is still starting, or too busy to answer at once, is waited for: whoever took it for dead would
    start another, and end the run it works on.
    """
    server = _recorded()
    deadline = time.monotonic() + _ANSWER_SECONDS
    while server and all(map(_airflow_process, server.processes.values())):
        if _health(server):
            return server
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    return None


def _recorded() -> Server | None:
    """The local Airflow that was started last and not stopped; after a crash it may be gone."""
    try:
        state = json.loads((HOME / "server.json").read_text())
    except FileNotFoundError:
        return None
    return Server(state["port"], state["processes"], state.get("kind") == "served", state.get("lake", ""))


def _record(server: Server) -> None:
    kind = "served" if server.served else "headless"
    state = {"kind": kind, "port": server.port, "processes": server.processes, "lake": server.lake}
    lake.write_json(HOME / "server.json", state)


def _airflow_process(pid: int) -> Any:
    """The process of that number if it is Airflow's: after a reboot it can be anybody's. Else None."""
    import psutil

    try:
        process = psutil.Process(pid)
        words = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    # `python -m airflow scheduler`, `/…/bin/airflow scheduler`, or the title it gives itself, in one word.
    return process if any(re.match(r"(.*/)?airflow( |$)", word) for word in words) else None


def _health(server: Server) -> dict[str, Any]:
    """Airflow's parts and how they are; empty when it does not answer, or the answer is not Airflow's."""
    try:
        health = server.call("GET", "/monitor/health")
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    return health if isinstance(health, dict) and "scheduler" in health else {}


def start(components: Sequence[str], port: int, say: Callable[[str], None]) -> Server:
    """Start the components on `port` and wait until they answer; what is left of an earlier one is stopped.

    Raises PortTaken when somebody else listens there, AirflowNotReady when a component dies or is too slow.
    """
    stop(say=None)
    held = holder_of(port)
    if held:
        raise PortTaken(f"port {port} is in use by {held}; choose another with PORT=…")
    logs = HOME / "logs" / "components"
    logs.mkdir(parents=True, exist_ok=True)
    served = set(SERVED) <= set(components)
    env = environment(port, served=served)
    if not (HOME / "airflow.db").exists():
        say("setting up Airflow's metadata database")
        with (logs / "db-migrate.log").open("w") as out:
            done = subprocess.run(_airflow("db", "migrate"), env=env, stdout=out, stderr=out, check=False)
        if done.returncode:
            raise AirflowNotReady(f"airflow db migrate failed; see {logs / 'db-migrate.log'}")
    server = Server(port, {}, served=served, lake=env["SEGMENTATION_LAKE"])
    for component in components:
        with (logs / f"{component}.log").open("w") as out:
            process = subprocess.Popen(
                _airflow(component),
                env=env,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        server.processes[component] = process.pid
        _record(server)
    try:
        _wait_until_healthy(server, components, logs)
    except BaseException:
        stop(say=None)
        raise
    return server


def _airflow(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


def _wait_until_healthy(server: Server, components: Sequence[str], logs: Path) -> None:
    names = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}
    wanted = [names[component] for component in components if component in names]
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        _require_alive(server)
        health = _health(server)
        if health and all(health.get(name, {}).get("status") == "healthy" for name in wanted):
            return
        time.sleep(_POLL_SECONDS)
    raise AirflowNotReady(f"Airflow did not become healthy within {_START_SECONDS} s; see {logs}")


def _require_alive(server: Server) -> None:
    for component, pid in server.processes.items():
        if not _airflow_process(pid):
            log = HOME / "logs" / "components" / f"{component}.log"
            raise AirflowNotReady(f"Airflow's {component} stopped; see {log}")


def stop(say: Callable[[str], None] | None) -> bool:
    """Stop the local Airflow, children included; return whether there was one."""
    import psutil

    server = _recorded()
    if server is None:
        return False
    found = _family(server)
    for process in found:
        _signal(process, signal.SIGINT)
    _, left = psutil.wait_procs(found, timeout=_STOP_SECONDS)
    for process in left:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(left, timeout=_STOP_SECONDS)
    (HOME / "server.json").unlink(missing_ok=True)
    if say and found:
        say("Airflow stopped")
    return bool(found)


def _family(server: Server) -> list[Any]:
    """Every process of a local Airflow, also those whose component died: each began a session of its own."""
    import psutil

    found = {}
    for pid in psutil.pids():
        try:
            if os.getsid(pid) in server.processes.values() and (process := _airflow_process(pid)):
                found |= {one.pid: one for one in (process, *process.children(recursive=True))}
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    return list(found.values())


def _signal(process: Any, number: int) -> None:
    import psutil

    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def trigger(
    server: Server, dag_id: str, logical_date: str, conf: dict[str, str], say: Callable[[str], None]
) -> str:
    """Start a run of `dag_id` for the instant `logical_date` (ISO 8601 with zone); return its run id.

    A run of that instant that ended before is cleared and runs again under its old id.
    Raises RunRefused when one is going on, or when Airflow does not take it.
    """
    _wait_for_dag(server, dag_id)
    server.call("PATCH", f"/dags/{dag_id}", {"is_paused": False})
    try:
        # run_after too, or the UI would show the run under the day it was started on.
        wanted = {"logical_date": logical_date, "run_after": logical_date, "conf": conf}
        run = server.call("POST", f"/dags/{dag_id}/dagRuns", wanted)
    except urllib.error.HTTPError as refusal:
        if refusal.code != 409:
            raise RunRefused(f"Airflow refused the run: {refusal.read().decode()[:500]}") from refusal
        stamp = logical_date.replace("+", "%2B")
        runs = server.call("GET", f"/dags/{dag_id}/dagRuns?logical_date_gte={stamp}&logical_date_lte={stamp}")
        run = runs["dag_runs"][0]
        if run["state"] in ("running", "queued"):
            raise RunRefused(
                f"{dag_id} already runs for {logical_date}: run {run['dag_run_id']} is {run['state']} since "
                f"{run['start_date'] or run['queued_at']}"
            ) from refusal
        say(f"running {run['dag_run_id']} again (it ended {run['state']})")
        server.call("POST", f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}/clear", {"dry_run": False})
    return run["dag_run_id"]


def _wait_for_dag(server: Server, dag_id: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            server.call("GET", f"/dags/{dag_id}")
        except urllib.error.HTTPError as refusal:
            if refusal.code != 404:
                raise
        else:
            return
        faults = server.call("GET", "/importErrors")["import_errors"]
        if faults:
            first = faults[0]
            raise RunRefused(f"{first['filename']} does not import:\n{first['stack_trace']}")
        time.sleep(_POLL_SECONDS)
    raise RunRefused(f"Airflow did not find the DAG {dag_id} within {_START_SECONDS} s")


def follow(server: Server, dag_id: str, run_id: str, say: Callable[[str], None]) -> str:
    """Report every task of the run as it starts and ends; return the run's final state.

    Raises AirflowNotReady when a component stops meanwhile: the run would wait for it for ever.
    """
    seen: dict[str, str] = {}
    began = time.monotonic()
    while True:
        _require_alive(server)
        run = server.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")
        tasks = server.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=200")
        for task in sorted(tasks["task_instances"], key=lambda item: item["start_date"] or "~"):
            key = f"{task['task_id']}[{task['map_index']}]" if task["map_index"] >= 0 else task["task_id"]
            state = task["state"] or ""
            if seen.get(key) == state:
                continue
            seen[key] = state
            if state in ("running", "success", "failed", "up_for_retry", "upstream_failed"):
                took = f" in {task['duration']:.1f} s" if state != "running" and task["duration"] else ""
                say(f"{time.monotonic() - began:6.1f} s  {key}: {state}{took}")
        if run["state"] in ("success", "failed"):
            return run["state"]
        time.sleep(_POLL_SECONDS)
