"""What is counted over all customers of a day before SQL tells it: whom segments share, whom a step moves.

Overlap is counted here and not in SQL: 300 pairs of 25 schemes take 1.4 CPU seconds a million customers batch
by batch, and 5 and more with five times the memory as grouping sets. Trials are the modules' own judgement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models import overlap, whatif
from models.schemes import SCHEMES
from storage import lake

if TYPE_CHECKING:
    from pathlib import Path

    from models.cutpoints import Cutpoints
    from models.schemes import Thresholds
    from storage.lake import Day

PAIRS = {
    "scheme": "varchar",
    "segment": "varchar",
    "other_scheme": "varchar",
    "other_segment": "varchar",
    "customers": "bigint",
}

TRIALS = {
    "setting": "varchar",
    "direction": "varchar",
    "value_now": "double",
    "value_then": "double",
    "scheme": "varchar",
    "segment": "varchar",
    "customers": "bigint",
    "customers_then": "bigint",
    "moved_in": "bigint",
    "moved_out": "bigint",
    "movers": "bigint",
}


def write_pairs(root: Path, day: Day, folder: Path) -> int:
    """`folder`/segment_pairs.parquet: customers by pair of segments, off the day's scores; number of rows."""
    paths = {scheme: lake.scores_path(root, scheme, day) for scheme in SCHEMES}
    groups = {scheme: module.GROUPS for scheme, module in SCHEMES.items()}
    pairs = overlap.count(lake.side_by_side(paths, "segment"), groups)
    return lake.write_parquet(folder / "segment_pairs.parquet", [pairs], PAIRS)


def write_trials(features: Path, cutpoints: Cutpoints | None, thresholds: Thresholds, folder: Path) -> int:
    """`folder`/threshold_trials.parquet: whom one step of each threshold moves; number of rows.

    Without cut-points nothing is tried, and the file has no rows.
    """
    tried = []
    if cutpoints is not None:
        batches = {scheme: lake.batches(features, module.FEATURES) for scheme, module in SCHEMES.items()}
        tried.append(whatif.count(batches, cutpoints, thresholds))
    return lake.write_parquet(folder / "threshold_trials.parquet", tried, TRIALS)
