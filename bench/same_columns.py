"""The columns a lean peer has as well, by the dbt models that make them, one at a time.

In a run dbt builds two models at once, and each then has half the machine: a peer's SQL has all of it. Prints
one JSON line: model → seconds. The lake has to hold the raw data of the day.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from datetime import date
from pathlib import Path

# make sets PYTHONPATH; by hand it need not be.
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins")]

from pipeline import steps  # noqa: E402
from pipeline.run import Run  # noqa: E402
from pipeline.settings import load  # noqa: E402
from storage.lake import Day  # noqa: E402

MODELS = (
    "stg_bench__lines_repeated",
    "stg_returns",
    "stg_products",
    "feat_order",
    "feat_order_uncounted",
    "feat_return",
    "feat_product",
    "feat_customer_category",
    "feat_customer",
)
"""Keys that repeat, orders, returns, prices, categories, customers: the like of its key and features."""


def main(settings_file: Path, as_of: date) -> None:
    """Build them and what they read, in a folder of their own that goes again."""
    run = Run(load(settings_file), Day.of(as_of), "bench__same_columns", None)
    shutil.rmtree(run.folder, ignore_errors=True)
    seconds = steps.time_models(run, MODELS, run.folder)
    shutil.rmtree(run.folder)
    print(json.dumps({model: round(each, 3) for model, each in seconds.items()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("settings", type=Path, help="the settings file, say segmentation.yml")
    parser.add_argument("day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the as_of that was taken")
    options = parser.parse_args()
    main(options.settings, options.day)
