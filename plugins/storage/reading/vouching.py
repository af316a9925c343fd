"""Vouching for whole columns of text at once: nearly all are what they were declared to be.

Arrow reads fewer spellings of a number or an instant than are accepted, and with the exceptions looked for
here none that is not; a column it reads throughout keeps its promises. One it cannot vouch for is no worse:
it is then judged value by value, in SQL, which takes ten times as long.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from storage.declaration import Column
    from storage.reading.row_checks import RowChecks

# Arrow also takes an hour without minutes and a minute without seconds; these lengths are a day, and a
# second of a day.
_LENGTHS = {"date": (10,), "timestamp": (10, 19)}


def unvouched_columns(rows: pa.Table, checks: RowChecks) -> frozenset[str]:
    """The columns of `rows`, all of them text, in which some value may break a promise."""
    return frozenset(
        column.name
        for column in checks.columns
        if not _keeps_all(rows.column(column.name).combine_chunks(), column, checks.before.get(column.name))
    )


def _keeps_all(text: pa.Array, column: Column, before: datetime | None) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.required and text.null_count:
        return False
    if column.date_format:
        return text.null_count == len(text)
    if column.kind == "varchar":
        accepted = pa.array([*column.values, "", None], pa.string())
        return not (column.required and _may_be_blank(text)) and (
            not column.values or pc.all(pc.is_in(text, accepted)).as_py() is not False
        )
    try:
        values = _read(text, column)
    except pa.ArrowInvalid:
        return False
    return values is not None and _is_in_bounds(values, column, before)


def _is_in_bounds(values: pa.Array, column: Column, before: datetime | None) -> bool:
    import pyarrow.compute as pc

    if column.kind == "double" and pc.all(pc.is_finite(values)).as_py() is False:
        return False
    minimum, maximum = (_bound(bound, column) for bound in (column.minimum, column.maximum))
    if minimum is None and maximum is None and before is None:
        return True
    found = pc.min_max(values).as_py()
    smallest, greatest = found["min"], found["max"]
    return smallest is None or (
        (minimum is None or smallest >= minimum)
        and (maximum is None or greatest <= maximum)
        and (before is None or greatest < _ticks(before, column))
    )


def _may_be_blank(text: pa.Array) -> bool:
    import pyarrow.compute as pc

    shortest = pc.min(pc.binary_length(text)).as_py()
    return shortest == 0 or bool(pc.any(pc.starts_with(text, " ")).as_py())


def _read(text: pa.Array, column: Column) -> pa.Array | None:
    """The values of a column as Arrow reads them, instants as ticks; None when it may read too much."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.kind == "bigint":
        return None if _may_be_hexadecimal(text) else pc.cast(text, pa.int64())
    if column.kind in _LENGTHS:
        lengths = pc.min_max(pc.binary_length(text)).as_py()
        if lengths["min"] != lengths["max"] or lengths["min"] not in (*_LENGTHS[column.kind], None):
            return None
        if column.kind == "date":
            return pc.cast(pc.cast(text, pa.date32()), pa.int32())
        return pc.cast(pc.cast(text, pa.timestamp("us")), pa.int64())
    if column.kind == "decimal":
        precision, scale = (int(digits) for digits in re.findall(r"\d+", column.data_type))
        return pc.cast(text, pa.decimal128(precision, scale))
    return pc.cast(text, pa.float64() if column.kind == "double" else pa.bool_())


def _may_be_hexadecimal(text: pa.Array) -> bool:
    """Whether an x stands in the values: Arrow takes 0x1F for 31."""
    import numpy as np

    values = text.buffers()[2]
    return values is not None and bool(np.any((np.frombuffer(values, np.uint8) | 0x20) == ord("x")))


def _bound(bound: Any, column: Column) -> Any:
    if bound is None or column.kind == "bigint":
        return bound
    if column.kind == "decimal":
        return Decimal(str(bound))
    if column.kind == "double":
        return float(bound)
    return _ticks(datetime.combine(date.fromisoformat(str(bound)), time()), column)


def _ticks(instant: datetime, column: Column) -> int:
    """An instant as Arrow counts it: days of a date, microseconds of a timestamp, since 1970."""
    since = instant - datetime(1970, 1, 1)
    return since.days if column.kind == "date" else since // timedelta(microseconds=1)
