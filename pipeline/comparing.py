"""What is counted over all scores of a day before SQL tells it: the customers two segments share.

Counted here and not in SQL: 300 pairs of 25 schemes take 1.4 CPU seconds a million customers batch by batch,
and 5 and more with five times the memory as grouping sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models import overlap
from models.schemes import SCHEMES
from storage import lake

if TYPE_CHECKING:
    from pathlib import Path

    from storage.lake import Day

PAIRS = {
    "scheme": "varchar",
    "segment": "varchar",
    "other_scheme": "varchar",
    "other_segment": "varchar",
    "customers": "bigint",
}


def write_pairs(root: Path, day: Day, folder: Path) -> int:
    """`folder`/segment_pairs.parquet: customers by pair of segments, off the day's scores; number of rows."""
    paths = {scheme: lake.scores_path(root, scheme, day) for scheme in SCHEMES}
    groups = {scheme: module.GROUPS for scheme, module in SCHEMES.items()}
    pairs = overlap.count(lake.side_by_side(paths, "segment"), groups)
    return lake.write_parquet(folder / "segment_pairs.parquet", [pairs], PAIRS)
