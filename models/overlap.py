"""Overlap: how many customers two segments of different schemes share.

A scheme puts each customer into one segment, so the segments of two schemes are the rows and columns of a
table of counts that adds up to all customers. With 25 schemes these are 300 tables; each costs one addition
and one count a customer, batch by batch, so the whole is linear in customers and needs one batch's memory.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import pandas as pd


class SegmentUnknown(ValueError):
    """A score names a segment its scheme does not have."""


def count(batches: Iterable[pd.DataFrame], groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """One row per pair of segments of two schemes with a customer in both, and one per segment by itself.

    `batches` hold a categorical column of segment codes per scheme of `groups` (scheme → its codes), one row
    per customer. Columns: scheme, segment, other_scheme, other_segment, customers; each pair once, schemes in
    the order of `groups`; a segment beside itself gives its size. Raises SegmentUnknown.
    """
    import numpy as np
    import pandas as pd

    tables = {
        pair: np.zeros((len(groups[pair[0]]), len(groups[pair[1]])), dtype=np.int64)
        for pair in combinations(groups, 2)
    }
    sizes = {scheme: np.zeros(len(codes), dtype=np.int64) for scheme, codes in groups.items()}
    for batch in batches:
        places = {scheme: places_of(scheme, batch[scheme], codes) for scheme, codes in groups.items()}
        for scheme, codes in groups.items():
            sizes[scheme] += np.bincount(places[scheme], minlength=len(codes))
        for (scheme, other), table in tables.items():
            rows, columns = table.shape
            cells = places[scheme] * np.int32(columns) + places[other]
            shared = np.bincount(cells, minlength=rows * columns).reshape(rows, columns)
            np.add(table, shared, out=table)
    found = [
        (scheme, code, scheme, code, int(customers))
        for scheme, size in sizes.items()
        for code, customers in zip(groups[scheme], size, strict=True)
        if customers
    ]
    for (scheme, other), table in tables.items():
        for row, column in np.argwhere(table):
            found.append((scheme, groups[scheme][row], other, groups[other][column], int(table[row, column])))
    return pd.DataFrame(found, columns=["scheme", "segment", "other_scheme", "other_segment", "customers"])


def places_of(scheme: str, segments: pd.Series, codes: Sequence[str]) -> np.ndarray:
    """The place of each customer's segment among `codes`, as int32."""
    import numpy as np

    known = {code: place for place, code in enumerate(codes)}
    categories = segments.cat.categories.tolist()
    unknown = sorted(set(categories) - set(known))
    if unknown or segments.isna().any():
        msg = f"{scheme} has customers in {unknown or 'no segment'}; its segments are {list(codes)}"
        raise SegmentUnknown(msg)
    lookup = np.array([known[category] for category in categories], dtype=np.int32)
    return lookup[segments.cat.codes.to_numpy()] if len(lookup) else np.empty(0, dtype=np.int32)
