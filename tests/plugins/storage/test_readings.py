"""What was read of texts is found again by their keys, and holds no text."""

from __future__ import annotations

import os

import numpy as np
import pyarrow.parquet as pq

from storage import readings
from storage.readings import Readings


def some(*keys):
    return Readings(np.array(keys, np.int64), np.array(keys, np.int64) % 7, np.array(keys) / 10)


def test_what_several_runs_kept_is_known_once_and_sorted(tmp_path):
    readings.keep(tmp_path, "model", some(3, 5, 2**62))
    readings.keep(tmp_path, "model", some(1, 5))
    known = readings.known(tmp_path, "model")
    assert known.text_key.tolist() == [1, 3, 5, 2**62]
    assert known.sentiment.tolist()[:3] == [0.1, 0.3, 0.5]
    assert readings.known(tmp_path, "another").text_key.tolist() == []


def test_only_keys_codes_and_numbers_are_kept(tmp_path):
    readings.keep(tmp_path, "model", some(3))
    (file,) = tmp_path.rglob("*.parquet")
    assert [str(field.type) for field in pq.read_schema(file)] == ["int64", "int32", "double"]


def test_the_readers_used_last_are_kept(tmp_path):
    for age in range(readings.KEPT + 2):
        readings.keep(tmp_path, f"model-{age}", some(1))
        os.utime(tmp_path / "readings" / f"model-{age}", (age, age))
    readings.keep(tmp_path, "model-0", Readings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)))
    left = {path.name for path in (tmp_path / "readings").iterdir()}
    assert left == {f"model-{age}" for age in range(2, readings.KEPT + 2)}
