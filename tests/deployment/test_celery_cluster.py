"""The services of docker-compose.yml, started as processes, publish a small day on a Celery worker.

Needs Debian's postgresql and redis-server; minutes rather than seconds.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import native_cluster
import pytest
from native_cluster import CONTROL, NativeCluster, path_of
from shop import write_shop

pytestmark = pytest.mark.slow

PROOF = "celery_proof"
DAILY = "customer_segmentation"
FIRST, DAY = date(2017, 10, 2), date(2017, 12, 18)  # the day is a Monday: the weekly extracts are due
SETTINGS = f"""sources: [complete_journey]
time_zone: America/New_York
currency: USD
schedule: {{start: {FIRST}, end: {DAY}}}
resources: {{min_free_gib: 0.1}}
"""
# Limits, not targets: on two cores with six other builds (load 12) the daily run took 220 s.
SECONDS = {PROOF: 120, DAILY: 600}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with settings and a small shop's extracts; the lake comes to lie in it."""
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder / "extracts", FIRST, DAY, customers=60)
    (folder / "segmentation.yml").write_text(SETTINGS, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def cluster(request, shop):
    """All services; the folder with their logs stays when a test fails."""
    absent = native_cluster.missing_programs()
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (Debian packages)")
    with NativeCluster(shop / "segmentation.yml", Path(__file__).parent / "dags") as running:
        failed_before = request.session.testsfailed
        yield running
        running.failed = request.session.testsfailed > failed_before
        if running.failed:
            print(f"\nlogs of the services: {running.root}")


@pytest.fixture(scope="module")
def proof(cluster):
    return cluster.run(PROOF, SECONDS[PROOF])


def test_a_run_triggered_through_the_api_turns_green(cluster, proof):
    states = {task["task_id"]: task["state"] for task in cluster.tasks(proof)}
    assert proof["state"] == "success", states


def test_a_task_reads_what_others_wrote_into_the_shared_lake(cluster, proof):
    assert cluster.returned(proof, "add") == 6


def test_a_task_sees_no_secret_of_the_control_services(cluster, proof):
    assert cluster.returned(proof, "secrets_in_reach") == []


def test_the_api_shows_the_log_of_a_task_that_ran_on_a_worker(cluster, proof):
    log = cluster.call("GET", f"{path_of(proof)}/taskInstances/add/logs/1")["content"]
    assert PROOF in str(log)


@pytest.mark.parametrize("service", ["postgres", "redis", *CONTROL, "worker"])
def test_the_declared_health_check_passes(cluster, proof, service):
    checked = cluster.check_health(service)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_health_of_every_control_service_is_told_by_the_api(cluster, proof):
    health = cluster.call("GET", "/api/v2/monitor/health")
    assert {part: state["status"] for part, state in health.items()} == {
        "metadatabase": "healthy",
        "scheduler": "healthy",
        "dag_processor": "healthy",
        "triggerer": "healthy",
    }


def test_the_daily_dag_publishes_its_day(cluster, shop, proof):
    run = cluster.run(DAILY, SECONDS[DAILY], logical_date=f"{DAY}T05:00:00-05:00")
    states = {task["task_id"]: task["state"] for task in cluster.tasks(run)}
    assert set(states.values()) == {"success"}, states
    published = shop / "lake" / "published" / "current"
    assert published.resolve().name.startswith(f"as_of={DAY}")
    assert (published / "customer_360.parquet").is_file()
