"""One cluster for the tests of this folder: minutes to start, train and publish, so each is done once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import native_cluster
import pytest
from asking import Shop
from native_cluster import NativeCluster

PROOF = "celery_proof"
DAILY = "customer_segmentation"
DAY = date(2017, 12, 18)  # a Monday: the weekly extracts are due
# Limits, not targets: on two cores with six other builds (load 12) the daily run took 220 s.
SECONDS = {PROOF: 120, DAILY: 600}


@pytest.fixture(scope="package")
def shop(tmp_path_factory):
    """A folder with settings and a small shop's extracts; the lake comes to lie in it."""
    return Shop(tmp_path_factory.mktemp("shop"), DAY)


@pytest.fixture(scope="package")
def cluster(request, shop):
    """All services; the folder with their logs stays when a test fails."""
    absent = native_cluster.missing_programs()
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (Debian packages)")
    with NativeCluster(shop.settings_file, Path(__file__).parent / "dags") as running:
        failed_before = request.session.testsfailed
        yield running
        running.failed = request.session.testsfailed > failed_before
        if running.failed:
            print(f"\nlogs of the services: {running.root}")


@pytest.fixture(scope="package")
def proof(cluster):
    return cluster.run(PROOF, SECONDS[PROOF])


@pytest.fixture(scope="package")
def training(cluster, shop, proof):
    """The month's training, as far as its question, with a champion of the month before in place."""
    return shop.train(cluster)


@pytest.fixture(scope="package")
def rejected(cluster, shop, training):
    return shop.answered(cluster, training, "Reject")


@pytest.fixture(scope="package")
def unanswered(cluster, shop, training, rejected):
    """Asked again, and nobody answers within two seconds."""
    shop.set_response_hours(2 / 3600)
    shop.ask_again(cluster, training)
    yield shop.answered(cluster, training, None)
    shop.set_response_hours(72)


@pytest.fixture(scope="package")
def approved(cluster, shop, training, unanswered):
    shop.set_response_hours(72)
    shop.ask_again(cluster, training)
    return shop.answered(cluster, training, "Approve")


@pytest.fixture(scope="package")
def daily(cluster, approved):
    """The day, run after the month's models were made and approved; they are not made once more."""
    return cluster.run(DAILY, SECONDS[DAILY], logical_date=f"{DAY}T05:00:00-05:00")
