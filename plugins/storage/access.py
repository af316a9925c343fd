"""Access: what was sent is for its owner's eyes alone.

Landing and quarantine hold names, numbers and addresses as they came. Their folders are 0700 and their files
0600 or, where nothing may be changed any more, 0400; the mode is set, so the process's umask does not matter.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = 0o700
FILE = 0o600
READ_ONLY = 0o400


def private_folder(path: Path, root: Path) -> Path:
    """Make the folder `path`, and it and every folder between it and `root` its owner's alone; return it."""
    path.mkdir(parents=True, exist_ok=True)
    for folder in (path, *path.parents):
        if folder == root:
            break
        _set(folder, FOLDER)
    return path


def private_file(path: Path, mode: int = FILE) -> Path:
    """Make a file its owner's alone; return it."""
    _set(path, mode)
    return path


def _set(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        os.chmod(path, mode)
