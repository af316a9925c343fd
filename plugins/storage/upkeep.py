"""Upkeep: maintenance has the lake to itself, between the steps of the days.

A step of a day holds the lake together with any other step; retention and erasure hold it alone. Without
that, a day that was being built while a person was erased would publish the person again. The kernel drops
the lock with the process.
"""

from __future__ import annotations

import fcntl
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

WAIT_SECONDS = 3600  # a step may take so long; then maintenance gives up and is tried again
_POLL_SECONDS = 0.2


class LakeInUse(TimeoutError):
    """A step, or maintenance, held the lake for longer than anybody waits."""


@contextmanager
def working(lake: Path) -> Iterator[None]:
    """Hold the lake together with other steps, while no maintenance goes on."""
    with _held(lake, fcntl.LOCK_SH):
        yield


@contextmanager
def alone(lake: Path) -> Iterator[None]:
    """Hold the lake while no step works on it."""
    with _held(lake, fcntl.LOCK_EX):
        yield


@contextmanager
def _held(lake: Path, how: int) -> Iterator[None]:
    lake.mkdir(parents=True, exist_ok=True)
    with (lake / ".upkeep.lock").open("a") as file:
        deadline = time.monotonic() + WAIT_SECONDS
        waiting = False
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    who = "maintenance" if how == fcntl.LOCK_SH else "a step of a day"
                    msg = f"{file.name} is still held by {who} after {WAIT_SECONDS} s"
                    raise LakeInUse(msg) from None
            if not waiting:
                log.info("%s is held by others; waiting", file.name)
            waiting = True
            time.sleep(_POLL_SECONDS)
        yield
