"""The tables of the memory that are as long as all moves: the same at once and slice by slice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_shop import MAY_1, run_dbt, shop

TABLES = ("segment_event", "segment_membership")
# In no order; a scheme that is scored no more, a customer who leaves, one who comes back.
MOVES = [
    ("2", "rfm", date(2017, 4, 2), date(2017, 4, 1), "loyal", "new"),
    ("1", "value_tier", date(2017, 4, 1), None, "A", None),
    ("1", "rfm", date(2017, 4, 1), None, "new", None),
    ("10", "gone's", date(2017, 4, 1), None, "x", None),
    ("2", "rfm", date(2017, 4, 1), None, "new", None),
    ("1", "rfm", date(2017, 4, 2), date(2017, 4, 1), None, "new"),
    ("1", "rfm", date(2017, 4, 3), date(2017, 4, 2), "loyal", None),
]


def built(root, **settings) -> dict[str, bytes]:
    """Each table's bytes."""
    run_dir = root / "run"
    for folder in ("history/moves", "memory", "spill"):
        (run_dir / folder).mkdir(parents=True)
    columns = ("customer_id", "scheme", "as_of", "previous_as_of", "segment", "previous_segment")
    rows = [dict(zip(columns, move, strict=True)) for move in MOVES]
    told = {"cause": "own_behaviour", "net_w": Decimal("1.50"), "previous_net_w": Decimal("2.50")}
    table = pa.Table.from_pylist([row | told for row in rows])
    money = pa.decimal128(18, 2)
    table = table.cast(pa.schema([*list(table.schema)[:7], ("net_w", money), ("previous_net_w", money)]))
    for place in (0, 4):
        pq.write_table(table.slice(place, 4), run_dir / "history" / "moves" / f"{place}.parquet")
    result = run_dbt(
        ["run", "--select", *TABLES], shop(root / "lake"), run_dir, [MAY_1], "America/New_York", **settings
    )
    assert not [each.message for each in result.results if str(each.status) != "success"]
    return {name: (run_dir / "memory" / f"{name}.parquet").read_bytes() for name in TABLES}


@pytest.fixture(scope="module")
def at_once(tmp_path_factory) -> dict[str, bytes]:
    return built(tmp_path_factory.mktemp("at_once"))


def test_sliced_by_scheme_the_tables_have_the_same_bytes(at_once, tmp_path):
    sliced = built(tmp_path, slice_from_rows=6)
    assert len(list((tmp_path / "run" / "spill").glob("segment_membership-*.parquet"))) == 3
    assert sliced == at_once


def test_as_many_rows_as_fit_are_built_at_once(at_once, tmp_path):
    assert built(tmp_path, slice_from_rows=7) == at_once
    assert not list((tmp_path / "run" / "spill").glob("*.parquet"))


def test_a_stay_ends_where_the_next_begins_or_the_customer_leaves(at_once, tmp_path):
    path = tmp_path / "segment_membership.parquet"
    path.write_bytes(at_once["segment_membership"])
    rows = pq.read_table(path, columns=["scheme", "customer_id", "segment_code", "valid_from", "valid_to"])
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        ("gone's", "10", "x", date(2017, 4, 1), None),
        ("rfm", "1", "new", date(2017, 4, 1), date(2017, 4, 2)),
        ("rfm", "1", "loyal", date(2017, 4, 3), None),
        ("rfm", "2", "new", date(2017, 4, 1), date(2017, 4, 2)),
        ("rfm", "2", "loyal", date(2017, 4, 2), None),
        ("value_tier", "1", "A", date(2017, 4, 1), None),
    ]
