"""docker-compose.yml without Docker: its services as processes of this machine.

Environment, commands and health checks are those of the file itself, read and interpolated here; only
addresses, paths and what Docker would otherwise supply (Postgres' and Redis' own options, one log port per
host) are put in their place. So a wrong variable, command or health check in the file fails here too. What
stays unproved is the image, the volumes and the networks.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from pathlib import Path
from types import TracebackType

import yaml

REPOSITORY = Path(__file__).parents[2]
CONTROL = ("api-server", "scheduler", "dag-processor", "triggerer")
USER = "operator"

_START_SECONDS = 180
_STOP_SECONDS = 30
_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\})")


class ServiceNotHealthy(RuntimeError):
    """A service died or its health check did not pass in time; the message ends with its last lines."""


class RunNotDone(RuntimeError):
    """A DAG run did not end in time, or its DAG never appeared."""


def missing_programs() -> list[str]:
    """Which of the Debian programs this needs are not installed."""
    wanted = {"postgresql": _postgres_program("initdb"), "redis-server": shutil.which("redis-server")}
    return [package for package, program in wanted.items() if program is None]


def interpolate(value, variables: dict[str, str]):
    """A parsed compose value with ${NAME}, ${NAME:-default}, ${NAME:?message} and $$ resolved.

    KeyError names a variable that has neither value nor default.
    """
    if isinstance(value, dict):
        return {key: interpolate(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def resolve(found: re.Match) -> str:
        if found["dollar"]:
            return "$"
        if found["kind"] == "-":
            return variables.get(found["name"]) or found["rest"]
        return variables[found["name"]]

    return _REFERENCE.sub(resolve, value)


def _postgres_program(name: str) -> str | None:
    """Debian keeps the server's programs out of PATH, one folder a version; the newest is taken."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return shutil.which(name, path=os.pathsep.join([*map(str, reversed(folders)), os.environ["PATH"]]))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def _bundles(more_dags: Path) -> list[dict]:
    """The DAGs folder of the compose file, which is the default of the first, and one more."""
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return [
        {"name": "dags-folder", "classpath": local, "kwargs": {}},
        {"name": "proof", "classpath": local, "kwargs": {"path": str(more_dags)}},
    ]


class NativeCluster:
    """The services of docker-compose.yml, running inside the context; logs stay after a failure."""

    def __init__(self, settings: Path, more_dags: Path):
        """Serves the repository's DAGs over `settings`, and those in the folder `more_dags`."""
        self.root = Path(tempfile.mkdtemp(prefix="segmentation-cluster-"))
        self.root.chmod(0o755)  # the servers run as another user and must get through to their folders
        self.failed = False
        self._processes: dict[str, subprocess.Popen] = {}
        self._token: str | None = None
        postgres, redis, api, health, *log_ports = _free_ports(6)
        self.url = f"http://127.0.0.1:{api}"
        self._ports = {"postgres": postgres, "redis": redis}
        self._password = secrets.token_hex(12)
        self._extra = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "plugins")]),
            "PYTHONUNBUFFERED": "1",
            "LANG": "C.UTF-8",
            "LAKE": str(self.root / "lake"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(_bundles(more_dags)),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.root / "logs"),
            # One host has one of each port; in containers the defaults do.
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(log_ports[0]),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(log_ports[1]),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(health),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        }
        self._services = self._read(settings, api, health)

    def _read(self, settings: Path, api: int, health: int) -> dict[str, dict]:
        variables = {
            "POSTGRES_PASSWORD": secrets.token_hex(16),
            "REDIS_PASSWORD": secrets.token_hex(16),
            "AIRFLOW_FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW_JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW_API_SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW_USERS": f"{USER}:admin",
            "AIRFLOW_USER_PASSWORDS": json.dumps({USER: self._password}),
            "SEGMENTATION_INCOMING": str(self.root / "incoming"),
            "SEGMENTATION_SETTINGS_FILE": str(settings),
            "WORKER_CONCURRENCY": "2",
        }
        text = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
        here = {
            "@postgres:5432": f"@127.0.0.1:{self._ports['postgres']}",
            "@redis:6379": f"@127.0.0.1:{self._ports['redis']}",
            "http://api-server:8080": self.url,
            "http://localhost:8080": self.url,
            "http://localhost:8974": f"http://127.0.0.1:{health}",
            "--host 0.0.0.0 --port 8080": f"--host 127.0.0.1 --port {api}",
            "/opt/segmentation": str(REPOSITORY),
            "/etc/segmentation/segmentation.yml": str(settings),
            "/srv/lake": str(settings.parent / "lake"),
            "/run/airflow": str(self.root / "run"),
        }
        for there, substitute in here.items():
            if there not in text:
                raise ValueError(f"docker-compose.yml no longer has {there!r}: adapt tests/deployment to it")
            text = text.replace(there, substitute)
        return interpolate(yaml.safe_load(text)["services"], variables)

    def __enter__(self) -> NativeCluster:
        try:
            self._start_postgres()
            self._start_redis()
            self._wait_healthy("postgres", "redis")
            self._run_to_end("airflow-init")
            self._start("api-server")
            self._start("dag-processor")
            self._wait_healthy("api-server")
            for name in ("scheduler", "triggerer", "worker"):
                self._start(name)
        except BaseException:
            self.failed = True
            self._stop()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.failed = self.failed or kind is not None
        self._stop()

    # --- services ---

    def _environment(self, name: str) -> dict[str, str]:
        home = self.root / "home" / name
        home.mkdir(parents=True, exist_ok=True)
        declared = {key: str(value) for key, value in self._services[name].get("environment", {}).items()}
        # Nothing is inherited: what a service needs must stand in the compose file.
        return declared | self._extra | {"AIRFLOW_HOME": str(home), "HOME": str(home)}

    def _start(self, name: str, command: list[str] | None = None, user: str | None = None) -> None:
        service = self._services[name]
        if command is None:
            command = [*service.get("entrypoint", ["airflow"]), *service.get("command", [])]
        (self.root / "run").mkdir(exist_ok=True)
        environment = self._environment(name)
        with self.log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [shutil.which(command[0], path=environment["PATH"]), *command[1:]],
                env=environment,
                cwd=self._environment_folder(name, user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
            )

    def _environment_folder(self, name: str, user: str | None) -> Path:
        folder = self.root / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        if user:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        return folder

    def _run_to_end(self, name: str) -> None:
        self._start(name)
        if self._processes.pop(name).wait(_START_SECONDS) != 0:
            raise ServiceNotHealthy(self._message(name, "ended with an error"))

    def _start_postgres(self) -> None:
        # Postgres refuses to run as root, for whom Debian's package brings an account.
        user = "postgres" if os.geteuid() == 0 else None
        folder = self._environment_folder("postgres", user)
        declared = self._services["postgres"]["environment"]
        password = self.root / "postgres.password"
        password.write_text(declared["POSTGRES_PASSWORD"])
        if user:
            shutil.chown(password, user)
        password.chmod(0o600)
        cluster = folder / "cluster"
        subprocess.run(
            [
                _postgres_program("initdb"),
                f"--pgdata={cluster}",
                f"--username={declared['POSTGRES_USER']}",
                f"--pwfile={password}",
                "--auth-local=trust",
                "--encoding=UTF8",
                "--no-sync",
                *declared["POSTGRES_INITDB_ARGS"].split(),
            ],
            check=True,
            cwd=folder,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            stdout=subprocess.DEVNULL,
        )
        address = ["-p", str(self._ports["postgres"]), "-k", str(folder)]
        server = [
            _postgres_program("postgres"),
            "-D",
            str(cluster),
            *address,
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        self._start("postgres", [*server, "-c", "fsync=off"], user)
        self._services["postgres"]["healthcheck"]["test"] += [
            "--host=127.0.0.1",
            f"--port={self._ports['postgres']}",
        ]
        self._wait_healthy("postgres")
        # The image's first start makes the database POSTGRES_DB.
        address = [
            "--host",
            str(folder),
            "--port",
            str(self._ports["postgres"]),
            "--username",
            declared["POSTGRES_USER"],
        ]
        subprocess.run([_postgres_program("createdb"), *address, declared["POSTGRES_DB"]], check=True)

    def _start_redis(self) -> None:
        user = "redis" if os.geteuid() == 0 else None
        folder = self._environment_folder("redis", user)
        shell, flag, script = self._services["redis"]["command"]
        own = f" --bind 127.0.0.1 --port {self._ports['redis']} --dir {folder}"
        self._start("redis", [shell, flag, script + own], user)
        test = self._services["redis"]["healthcheck"]["test"]
        test[1] = test[1].replace("redis-cli", f"redis-cli -p {self._ports['redis']}")

    def check_health(self, name: str) -> subprocess.CompletedProcess:
        """Runs the health check that the compose file declares for a service."""
        kind, *test = self._services[name]["healthcheck"]["test"]
        environment = self._environment(name)
        command = (
            ["sh", "-c", *test]
            if kind == "CMD-SHELL"
            else [shutil.which(test[0], path=environment["PATH"]), *test[1:]]
        )
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def _wait_healthy(self, *names: str) -> None:
        for name in names:
            give_up = time.monotonic() + _START_SECONDS
            while self.check_health(name).returncode != 0:
                if self._processes[name].poll() is not None:
                    raise ServiceNotHealthy(self._message(name, "died"))
                if time.monotonic() > give_up:
                    raise ServiceNotHealthy(self._message(name, f"was not healthy after {_START_SECONDS} s"))
                time.sleep(0.5)

    def log(self, name: str) -> Path:
        """What a service printed."""
        return self.root / f"{name}.log"

    def _message(self, name: str, what: str) -> str:
        lines = self.log(name).read_text(errors="replace").splitlines()[-25:]
        return "\n".join([f"{name} {what}; the logs are in {self.root}", *lines])

    def _stop(self) -> None:
        """Asks each service to end, those that use others first, and kills what is left of its group."""
        airflow = [name for name in self._processes if name not in ("postgres", "redis")]
        for name in airflow:
            _signal_group(self._processes[name], signal.SIGINT)
        for name in (*airflow, "redis", "postgres"):
            process = self._processes.get(name)
            if process is None:
                continue
            if name not in airflow:
                _signal_group(process, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            _signal_group(process, signal.SIGKILL)
            process.wait()
        if not self.failed:
            shutil.rmtree(self.root)

    # --- REST API ---

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        """One call of the REST API as the logged-in user, as JSON; urllib.error.HTTPError for a refusal."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token is None and path != "/auth/token":
            login = self.call("POST", "/auth/token", {"username": USER, "password": self._password})
            self._token = login["access_token"]
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def run(self, dag_id: str, timeout: float, **request) -> dict:
        """Triggers a DAG once it is parsed, with `request` as the body; returns the run when it has ended."""
        return self.wait(self.trigger(dag_id, timeout, **request), timeout)

    def trigger(self, dag_id: str, timeout: float, **request) -> dict:
        """Triggers a DAG once it is parsed, with `request` as the body; returns the run as it starts."""
        give_up = time.monotonic() + timeout
        while not self._is_known(dag_id):
            broken = self.call("GET", "/api/v2/importErrors")["import_errors"]
            if broken or time.monotonic() > give_up:
                found = [f"{error['filename']}: {error['stack_trace']}" for error in broken]
                raise RunNotDone("\n".join([f"DAG {dag_id} has not appeared", *found]))
            time.sleep(0.5)
        self.pause(dag_id, paused=False)
        return self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, **request})

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Lets no task of the DAG start until it goes on; what works goes on working."""
        self.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": paused})

    def wait(self, run: dict, timeout: float, **until: str) -> dict:
        """Waits until the run has ended, or until tasks are in the states named; returns the run.

        RunNotDone when it takes longer, or ends while a task in another state was waited for.
        """
        give_up = time.monotonic() + timeout
        while True:
            run = self.call("GET", path_of(run))
            ended = run["state"] in ("success", "failed")
            if ended and not until:
                return run
            states = self.states(run) if until else {}
            if until and until.items() <= states.items():
                return run
            if ended or time.monotonic() > give_up:
                raise RunNotDone(
                    f"{run['dag_run_id']} is {run['state']} after at most {timeout} s: {self.states(run)}; "
                    f"logs in {self.root}"
                )
            time.sleep(0.5)

    def states(self, run: dict) -> dict[str, str]:
        """The state of each task of a run."""
        return {task["task_id"]: task["state"] for task in self.tasks(run)}

    def tasks(self, run: dict) -> list[dict]:
        """The task instances of a run."""
        return self.call("GET", f"{path_of(run)}/taskInstances")["task_instances"]

    def returned(self, run: dict, task_id: str):
        """What an unmapped task returned."""
        return self.call("GET", f"{path_of(run)}/taskInstances/{task_id}/xcomEntries/return_value")["value"]

    def _is_known(self, dag_id: str) -> bool:
        try:
            self.call("GET", f"/api/v2/dags/{dag_id}")
        except urllib.error.HTTPError as refusal:
            if refusal.code != 404:
                raise
            return False
        return True


def path_of(run: dict) -> str:
    """Where the API keeps a run."""
    return f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}"


def _signal_group(process: subprocess.Popen, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
