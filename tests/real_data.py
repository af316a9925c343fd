"""Where the real files lie that some tests read: their publishers', and not the repository's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_data(name: str) -> Path:
    """The file or folder `name` of the real data; skips the test, with the reason, where it is not there.

    The folder of all of them is SEGMENTATION_TEST_DATA, or stands beside the repository.
    """
    path = Path(os.environ.get("SEGMENTATION_TEST_DATA") or _BESIDE_THE_REPOSITORY) / name
    if not path.exists():
        pytest.skip(f"{name} of the real data is not here: SEGMENTATION_TEST_DATA says where it is")
    return path
