"""Where the key of the hashes comes from."""

from __future__ import annotations

import pytest

from pipeline import hash_key
from pipeline.run import RAW_MODELS
from storage import declaration
from storage.reading.pseudonym import HashKey, HashKeyMissing, HashKeyTooShort

TEXT = "sixteen bytes or more, and random"
AIRFLOW = "AIRFLOW_CONN_SEGMENTATION_HASH_KEY"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    monkeypatch.delenv(hash_key.ENVIRONMENT, raising=False)
    monkeypatch.delenv(AIRFLOW, raising=False)


def test_the_environment_comes_before_the_airflow_connection(monkeypatch):
    monkeypatch.setenv(AIRFLOW, f'{{"conn_type": "generic", "password": "{TEXT}"}}')
    assert hash_key.found() == HashKey(TEXT.encode())
    monkeypatch.setenv(hash_key.ENVIRONMENT, TEXT + "!")
    assert hash_key.found() == HashKey(TEXT.encode() + b"!")


def test_a_source_with_hashed_columns_cannot_start_without_a_key():
    with pytest.raises(HashKeyMissing, match=r"standard\.customers\.phone_hash"):
        hash_key.needed(declaration.read(RAW_MODELS, ["standard"]))


def test_a_source_without_any_needs_no_key_and_does_not_ask_airflow(monkeypatch):
    monkeypatch.setattr(hash_key, "_of_connection", lambda: pytest.fail("asked"))
    assert hash_key.needed(declaration.read(RAW_MODELS, ["complete_journey"])) is None


def test_a_short_key_is_refused_wherever_it_comes_from(monkeypatch):
    monkeypatch.setenv(hash_key.ENVIRONMENT, "secret")
    with pytest.raises(HashKeyTooShort) as refused:
        hash_key.found()
    assert "secret" not in str(refused.value)


def test_an_empty_variable_is_no_key(monkeypatch):
    monkeypatch.setenv(hash_key.ENVIRONMENT, "")
    assert hash_key.found() is None
