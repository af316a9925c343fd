"""Customer value beside its peers, in one call: seconds after imports, CPU and peak memory, and ratios.

    python bench/value.py --peers FOLDER --peer-python PYTHON_WITH_LIFETIMES --customers 1000000

`FOLDER` holds the peers: `gen_clv.py` (a generator of purchase histories) and `bgnbd_fit.py` (BG/NBD fit and
P(alive) of every customer: `--impl lifetimes`, and `--impl fast`, a bare one with the same mathematics). Each
is run in turn with ours, `--reps` times, in a process of its own; medians are compared, because absolute
times swing on a shared machine. Ours is measured twice: the peers' work (fit and P(alive)) and purchases
expected in 30, 90 and 365 days; and everything the pipeline fits and scores, which no peer does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the peers have it; ours makes no use of BLAS

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins"), str(REPOSITORY / "bench")]


def main() -> None:
    """Generate, run everybody in turn, print one table."""
    options = _options()
    if options.one:
        (_take_everything if options.everything else _take)(options.one)
        return
    from run import _measured

    options.work.mkdir(parents=True, exist_ok=True)
    data = options.work / f"{options.customers}.parquet"
    if not data.exists():
        _measured([options.peer_python, str(options.peers / "gen_clv.py"), str(options.customers), str(data)])
    peer = [options.peer_python, str(options.peers / "bgnbd_fit.py"), str(data), "--impl"]
    commands = {
        "lifetimes": [*peer, "lifetimes"],
        "bare": [*peer, "fast"],
        "ours": [sys.executable, __file__, "--one", str(data)],
        "ours, everything": [sys.executable, __file__, "--one", str(data), "--everything"],
    }
    results: dict[str, list[dict]] = {name: [] for name in commands}
    for _ in range(options.reps):
        for name, command in commands.items():
            results[name].append(_measured(command))
    _report(options.customers, results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--peers", type=Path, default=os.environ.get("BENCH_PEERS"))
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter with lifetimes")
    parser.add_argument("--work", type=Path, default=Path(".bench", "value").resolve())
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--everything", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.one and not options.peers:
        parser.error("--peers, or BENCH_PEERS: the folder of the peers")
    options.peers = Path(options.peers or ".").resolve()
    return options


def _take(data: Path) -> None:
    """The peers' work and purchases expected, on the histories in `data`: one JSON line."""
    import scipy.optimize
    import scipy.special

    from models.value import customer_value, fit_bg_nbd

    del scipy  # imported so that imports are not measured, here as with the peers
    x, t_x, t = _histories(data)
    timed = _Clock()
    model = fit_bg_nbd(x, t_x, t)
    timed("fit")
    alive = model.p_alive(x, t_x, t)
    timed("p_alive")
    for days in customer_value.HORIZONS:
        model.expected_purchases(days, x, t_x, t)
    timed("expected")
    law = {name: round(getattr(model, name), 4) for name in ("r", "alpha", "a", "b")}
    print(json.dumps({**timed.seconds, **law, "p_alive_sum": round(float(alive.sum()), 3)}))


def _take_everything(data: Path) -> None:
    """The laws of repeat purchases, second orders and amounts, and every number published: one JSON line."""
    import numpy as np
    import pandas as pd
    import scipy.optimize
    import scipy.special

    from models.value import customer_value

    del scipy
    x, t_x, t = _histories(data)
    rng = np.random.default_rng(0)
    features = pd.DataFrame(
        {
            "customer_id": pd.Series(np.char.mod("c%09d", np.arange(len(x))), dtype="str"),
            "as_of": np.datetime64("2026-01-01", "us"),
            "known_on": np.datetime64("2026-01-01", "us"),
            "orders_life": x + 1,
            "gaps": x,
            "recency_days": t - np.where(x > 0, t_x, 0),
            "tenure_days": t,
            "second_order_days": np.where(x > 0, np.maximum(np.ceil(t_x / np.maximum(x, 1)), 1), np.nan),
            "net_life": np.round((x + 1) * rng.lognormal(3, 0.5, len(x)), 2),
        }
    )
    timed = _Clock()
    fitted = customer_value.fit(features, customer_value.Thresholds())
    timed("fit")
    fitted.score(features)
    timed("score")
    print(json.dumps({**timed.seconds, "status": fitted.status}))


def _histories(data: Path) -> list[np.ndarray]:
    """Repeat purchases, the time of the last, and the time observed, in days."""
    import pyarrow.parquet as pq

    table = pq.read_table(data)
    return [table[name].to_numpy() for name in ("frequency", "recency", "T")]


class _Clock:
    """Seconds between one call and the next, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[f"{name}_s"] = round(now - self._since, 3)
        self._since = time.perf_counter()


def _report(customers: int, results: dict[str, list[dict]]) -> None:
    def median(name: str, *parts: str) -> float:
        return statistics.median(sum(run["said"][0][part] for part in parts) for run in results[name])

    seconds = {name: median(name, "fit_s", "score_s") for name in results if name != "ours"}
    seconds["ours"] = median("ours", "fit_s", "p_alive_s")
    print(f"\n{customers:,} customers · medians of {len(results['ours'])} runs in turn")
    print(f"{'seconds after imports':24}{'fit and score':>14}{'to ours':>9}   whole process: CPU s, peak MiB")
    for name, runs in results.items():
        ratio = seconds[name] / seconds["ours"]
        cpu, peak = statistics.median(run["cpu"] for run in runs), max(run["peak_mib"] for run in runs)
        print(f"{name:24}{seconds[name]:14.2f}{ratio:8.1f}×{cpu:18.1f}{peak:10,}")
    for name, what in (("ours", "with purchases expected"), ("ours, everything", "the same in parts")):
        parts = [part for part in results[name][0]["said"][0] if part.endswith("_s")]
        told = ", ".join(f"{part.removesuffix('_s')} {median(name, part):.2f}" for part in parts)
        print(f"{name}, {what}: {median(name, *parts):.2f} s ({told})")
    laws = {name: results[name][-1]["said"][0] for name in ("lifetimes", "ours")}
    print(f"r, alpha, a, b: lifetimes {laws['lifetimes']['params']}, ", end="")
    print(f"ours {[laws['ours'][name] for name in ('r', 'alpha', 'a', 'b')]}")


if __name__ == "__main__":
    main()
