"""Taking rows out of a Parquet file leaves the others as they are, written the same way."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage import lake, rewriting
from storage.lake import ROW_GROUP


def without(path, condition: str) -> int:
    with duckdb.connect() as connection:
        return rewriting.without_rows(path, condition, connection)


def test_a_table_of_the_lake_has_the_bytes_it_would_have_had_without_the_rows(tmp_path):
    types = {"customer_id": "varchar", "orders": "bigint"}
    count = 2 * ROW_GROUP + 10
    rows = pd.DataFrame(
        {"customer_id": [f"{i:07d}" for i in range(count)], "orders": [i % 7 for i in range(count)]}
    )
    lake.write_parquet(tmp_path / "all.parquet", [rows], types, key="customer_id")
    lake.write_parquet(
        tmp_path / "fewer.parquet", [rows.drop(index=[5, ROW_GROUP + 3])], types, key="customer_id"
    )
    taken = without(tmp_path / "all.parquet", f"customer_id in ('{5:07d}', '{ROW_GROUP + 3:07d}')")
    assert taken == 2
    assert (tmp_path / "all.parquet").read_bytes() == (tmp_path / "fewer.parquet").read_bytes()


def test_a_table_dbt_wrote_has_the_bytes_of_the_same_copy_without_the_rows(tmp_path):
    with duckdb.connect() as connection:
        for name, condition in (("all", "true"), ("fewer", "i not in (3, 200000)")):
            query = (
                f"select i::varchar as customer_id, i / 7 as net from range(300000) as r(i) where {condition}"
            )
            connection.execute(
                f"copy ({query}) to '{tmp_path}/{name}.parquet' (format parquet, compression zstd)"
            )
    assert without(tmp_path / "all.parquet", "customer_id in ('3', '200000')") == 2
    assert (tmp_path / "all.parquet").read_bytes() == (tmp_path / "fewer.parquet").read_bytes()


def test_groups_encodings_and_statistics_of_raw_stay(tmp_path):
    path = tmp_path / "raw.parquet"
    table = pa.table({"a": ["x", "y"] * 50, "b": [str(i) for i in range(100)], "_record": list(range(100))})
    with pq.ParquetWriter(
        *(path, table.schema), compression="zstd", use_dictionary=["a"], write_statistics=["_record"],
        column_encoding={"_record": "DELTA_BINARY_PACKED"},
    ) as writer:  # fmt: skip
        writer.write_table(table.slice(0, 30))
        writer.write_table(table.slice(30))
    path.chmod(0o600)
    before = pq.read_metadata(path)
    assert without(path, "_record in (1, 2, 99)") == 3
    after = pq.read_metadata(path)
    assert [after.row_group(i).num_rows for i in range(2)] == [28, 69]
    for column in range(3):
        old, new = before.row_group(1).column(column), after.row_group(1).column(column)
        for said in ("encodings", "is_stats_set", "compression"):
            assert getattr(old, said) == getattr(new, said)
    assert path.stat().st_mode & 0o777 == 0o600
    assert pq.read_table(path).column("_record").to_pylist() == [i for i in range(100) if i not in (1, 2, 99)]


@pytest.mark.parametrize("condition", ["false", "customer_id = 'nobody'", "null"])
def test_a_file_without_such_rows_is_left_alone(tmp_path, condition):
    lake.write_parquet(
        tmp_path / "a.parquet", [pd.DataFrame({"customer_id": ["1"]})], {"customer_id": "varchar"}
    )
    before = (tmp_path / "a.parquet").stat()
    assert without(tmp_path / "a.parquet", condition) == 0
    after = (tmp_path / "a.parquet").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_all_rows_may_go_and_the_columns_stay(tmp_path):
    lake.write_parquet(
        tmp_path / "a.parquet", [pd.DataFrame({"customer_id": ["1"]})], {"customer_id": "varchar"}
    )
    assert without(tmp_path / "a.parquet", "true") == 1
    left = pq.read_table(tmp_path / "a.parquet")
    assert (left.num_rows, left.column_names) == (0, ["customer_id"])
