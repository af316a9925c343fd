"""One day of the pipeline without Airflow: same dbt project, same models, same gates, step after step.

Prints one JSON line a step: wall and CPU seconds (children included), and the peak resident memory of this
process so far (MiB).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from datetime import date
from pathlib import Path

# make sets PYTHONPATH; by hand it need not be.
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins")]

from pipeline import steps  # noqa: E402
from pipeline.run import Run  # noqa: E402
from pipeline.settings import load  # noqa: E402
from storage.lake import Day  # noqa: E402


def main(settings_file: Path, as_of: date) -> None:
    """Take every step of the day in order."""
    run = Run(load(settings_file), Day.of(as_of), f"bench__{as_of}")
    for step in steps.STEPS:
        wall, cpu = time.perf_counter(), os.times()
        counts = steps.take(run, step)
        now = os.times()
        used = sum(after - before for after, before in zip(now[:4], cpu[:4], strict=True))
        peak = max(
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        line = {
            "step": step,
            "wall_s": round(time.perf_counter() - wall, 2),
            "cpu_s": round(used, 2),
            "peak_mib": peak >> 10,
            "counts": counts,
        }
        print(json.dumps(line, default=str), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("settings", type=Path, help="the settings file, say segmentation.yml")
    parser.add_argument("day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the as_of to take")
    options = parser.parse_args()
    main(options.settings, options.day)
