"""A DAG without pandas or dbt: what it proves is the services around it, in seconds.

Three workers' tasks add up what each wrote into the shared lake; another tells which secrets it can see.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import DAG, task

with DAG("celery_proof", schedule=None, catchup=False) as dag:

    @task
    def write(number: int) -> str:
        """One file below the lake, and where it is."""
        place = Path(os.environ["LAKE"]) / f"{number}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(str(number))
        return str(place)

    @task
    def add(places: list[str]) -> int:
        """The sum of the files the other tasks wrote."""
        return sum(int(Path(place).read_text()) for place in places)

    @task
    def secrets_in_reach() -> list[str]:
        """Names of the variables of this process that hold what only the control services may know."""
        kept_away = ("SQL_ALCHEMY_CONN", "FERNET_KEY", "JWT_SECRET", "POSTGRES_PASSWORD", "USER_PASSWORDS")
        # Airflow puts an address that cannot be opened where the database's would be.
        real = {name for name, value in os.environ.items() if not value.startswith("airflow-db-not-allowed:")}
        return sorted(name for name in real if name.endswith(kept_away))

    add(write.expand(number=[1, 2, 3]))
    secrets_in_reach()
