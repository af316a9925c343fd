"""One day of the pipeline without Airflow: same dbt project, same models, same gates, step after step.

`python bench/day.py SETTINGS DAY` prints one JSON line a step: wall and CPU seconds (children included), and
the peak resident memory of this process so far (MiB).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from datetime import date
from pathlib import Path

from pipeline import steps
from pipeline.run import Run
from pipeline.settings import load
from storage.lake import Day


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
    main(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))
