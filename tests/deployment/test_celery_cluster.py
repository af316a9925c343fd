"""The services of docker-compose.yml, started as processes, publish a small day on a Celery worker.

Needs Debian's postgresql and redis-server; minutes rather than seconds.
"""

from __future__ import annotations

import pytest
from native_cluster import CONTROL, path_of

pytestmark = pytest.mark.slow


def test_a_run_triggered_through_the_api_turns_green(cluster, proof):
    states = cluster.states(proof)
    assert proof["state"] == "success", states


def test_a_task_reads_what_others_wrote_into_the_shared_lake(cluster, proof):
    assert cluster.returned(proof, "add") == 6


def test_a_task_sees_no_secret_of_the_control_services(cluster, proof):
    assert cluster.returned(proof, "secrets_in_reach") == []


def test_the_api_shows_the_log_of_a_task_that_ran_on_a_worker(cluster, proof):
    log = cluster.call("GET", f"{path_of(proof)}/taskInstances/add/logs/1")["content"]
    assert "celery_proof" in str(log)


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


def test_the_daily_dag_publishes_its_day(cluster, shop, daily):
    states = cluster.states(daily)
    assert set(states.values()) == {"success"}, states
    published = shop.lake / "published" / "current"
    assert published.resolve().name.startswith("as_of=2017-12-18")
    assert (published / "customer_360.parquet").is_file()
