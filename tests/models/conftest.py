"""A population of 800 drawn customers and the cut-points fitted on it; also puts `population` on the path."""

import population
import pytest

from models import cutpoints, schemes


@pytest.fixture(scope="session")
def crowd():
    return population.crowd(800)


@pytest.fixture(scope="session")
def fitted(crowd):
    return cutpoints.fit(crowd, schemes.Thresholds())
