"""The services of docker-compose.yml, started as processes, run a DAG to green on a Celery worker.

Needs Debian's postgresql and redis-server; about a minute on two cores.
"""

from __future__ import annotations

from pathlib import Path

import native_cluster
import pytest
from native_cluster import CONTROL, NativeCluster, path_of

pytestmark = pytest.mark.slow

# The folder and DAG that are run; REPOSITORY / "dags" and "customer_segmentation" run the real one.
DAGS = Path(__file__).parent / "dags"
DAG_ID = "celery_proof"
SECONDS = 90


@pytest.fixture(scope="module")
def cluster(request):
    """All services, healthy; the folder with their logs stays when a test fails."""
    absent = native_cluster.missing_programs()
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (Debian packages)")
    with NativeCluster(DAGS) as running:
        failed_before = request.session.testsfailed
        yield running
        running.failed = request.session.testsfailed > failed_before
        if running.failed:
            print(f"\nlogs of the services: {running.root}")


@pytest.fixture(scope="module")
def run(cluster):
    return cluster.run(DAG_ID, SECONDS)


def test_a_run_triggered_through_the_api_turns_green(cluster, run):
    states = {task["task_id"]: task["state"] for task in cluster.tasks(run)}
    assert run["state"] == "success", states


def test_a_task_reads_what_others_wrote_into_the_shared_lake(cluster, run):
    assert cluster.returned(run, "add") == 6


def test_a_task_sees_no_secret_of_the_control_services(cluster, run):
    assert cluster.returned(run, "secrets_in_reach") == []


def test_the_api_shows_the_log_of_a_task_that_ran_on_a_worker(cluster, run):
    log = cluster.call("GET", f"{path_of(run)}/taskInstances/add/logs/1")["content"]
    assert "celery_proof" in str(log)


@pytest.mark.parametrize("service", ["postgres", "redis", *CONTROL, "worker"])
def test_the_declared_health_check_passes(cluster, run, service):
    checked = cluster.check_health(service)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_health_of_every_control_service_is_told_by_the_api(cluster, run):
    health = cluster.call("GET", "/api/v2/monitor/health")
    assert {part: state["status"] for part, state in health.items()} == {
        "metadatabase": "healthy",
        "scheduler": "healthy",
        "dag_processor": "healthy",
        "triggerer": "healthy",
    }
