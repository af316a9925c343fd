"""What was read of texts, kept so that a text is read once: by a hash of the text, never the text.

    readings/<reader>/<sha256[:12]>.parquet     text_key, reading, sentiment: what one run read anew

A reader is a frozen model with its rules; what it reads of a text depends on nothing else, so files of one
reader agree wherever they overlap, and any of them may be deleted at any time. Only the readers used last
are kept.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storage import lake as place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

COLUMNS = {"text_key": "bigint", "reading": "integer", "sentiment": "double"}
KEPT = 6  # readers: a month has one, and days of a few months may be stated again side by side


class Readings(NamedTuple):
    """What is known, sorted by text_key: a code and a number per text."""

    text_key: np.ndarray
    reading: np.ndarray
    sentiment: np.ndarray


def known(lake: Path, reader: str) -> Readings:
    """Everything this reader has read before."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for path in sorted((lake / "readings" / reader).glob("*.parquet")):
        try:
            tables.append(pq.ParquetFile(path).read())
        except FileNotFoundError:  # another run dropped the oldest readers
            continue
    if not tables:
        return Readings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    whole = pa.concat_tables(tables)
    keys = whole["text_key"].to_numpy()
    keys, first = np.unique(keys, return_index=True)
    return Readings(
        keys,
        whole["reading"].to_numpy()[first].astype(np.int64),
        whole["sentiment"].to_numpy()[first],
    )


def keep(lake: Path, reader: str, new: Readings) -> None:
    """Add what was read anew, and drop the readers used longest ago."""
    import pandas as pd

    root = lake / "readings"
    folder = root / reader
    if len(new.text_key):
        frame = pd.DataFrame(new._asdict())
        name = hashlib.sha256(new.text_key.tobytes()).hexdigest()[:12]
        place.write_parquet(folder / f"{name}.parquet", [frame], COLUMNS)
        os.utime(folder)
    if root.exists():
        readers = sorted(
            (path for path in root.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime
        )
        for old in readers[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def texts(path: Path, columns: Sequence[str], rows: int = 200_000) -> Iterator[pd.DataFrame]:
    """The texts to read, in frames of at most `rows`; text_key stays the whole number it is."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows, columns=list(columns)):
            yield batch.to_pandas()
