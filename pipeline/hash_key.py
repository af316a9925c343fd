"""The key under which personal values are hashed: where it is set, and who is told when it is not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.declaration import Source
    from storage.reading.pseudonym import HashKey

ENVIRONMENT = "SEGMENTATION_HASH_KEY"
CONNECTION = "segmentation_hash_key"


def needed(sources: Sequence[Source]) -> HashKey | None:
    """The key when a declared column is hashed, or there is one in the environment; None otherwise.

    Raises HashKeyMissing naming the columns, and HashKeyTooShort.
    """
    from storage.reading import pseudonym

    hashes = any(pseudonym.hashed_columns(extract) for source in sources for extract in source.extracts)
    key = found(ask_airflow=hashes)
    pseudonym.require_key(key, sources)
    return key


def found(*, ask_airflow: bool = True) -> HashKey | None:
    """The key of the environment or else, asked for, the password of the Airflow connection; None without."""
    from storage.reading.pseudonym import HashKey

    text = os.environ.get(ENVIRONMENT) or (_of_connection() if ask_airflow else None)
    return HashKey(text.encode()) if text else None


def _of_connection() -> str | None:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get(CONNECTION).password
    except AirflowNotFoundException:
        return None
