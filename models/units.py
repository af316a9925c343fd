"""Columns of a frame as exact whole numbers: money in cents, days and counts as they are.

Whole numbers add up the same in any order, and compare without a last digit to argue about. A frame may come
from pyarrow (decimals are Python objects) or from DuckDB (decimals are doubles); both give the same numbers
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import pandas as pd


class FeatureMissing(KeyError):
    """The frame lacks a column the scheme reads."""


class FeatureUnknown(ValueError):
    """A column holds nulls where the scheme needs a number."""


def require(features: pd.DataFrame, columns: Iterable[str], reader: str) -> None:
    """Raise FeatureMissing naming every one of `columns` that `features` does not have."""
    missing = [column for column in columns if column not in features.columns]
    if missing:
        msg = f"{reader} reads {missing}, which the features do not have"
        raise FeatureMissing(msg)


def whole(features: pd.DataFrame, column: str, missing: int | None = None) -> np.ndarray:
    """The column as int64; nulls become `missing`, or raise FeatureUnknown when that is not given."""
    import numpy as np

    values = features[column]
    if values.dtype.kind in "iub" and isinstance(values.dtype, np.dtype):
        return values.to_numpy(dtype=np.int64)
    unknown = values.isna().to_numpy()
    if unknown.any():
        if missing is None:
            msg = f"{column} is null for {int(unknown.sum())} of {len(values)} customers; wanted a number"
            raise FeatureUnknown(msg)
        if unknown.all():
            return np.full(len(values), missing, dtype=np.int64)
    if values.dtype.kind == "f":
        return np.rint(
            np.where(unknown, missing or 0, values.to_numpy(dtype=np.float64, na_value=0.0))
        ).astype(np.int64)
    return values.fillna(missing if missing is not None else 0).to_numpy(dtype=np.int64)


def cents(features: pd.DataFrame, column: str, missing: int | None = None) -> np.ndarray:
    """The money column as int64 cents; nulls as in `whole`. Exact for amounts below 10**13."""
    import numpy as np

    values = features[column]
    amounts = values.to_numpy(dtype=np.float64, na_value=np.nan)
    unknown = np.isnan(amounts)
    if unknown.any():
        if missing is None:
            msg = f"{column} is null for {int(unknown.sum())} of {len(values)} customers; wanted an amount"
            raise FeatureUnknown(msg)
        amounts = np.where(unknown, missing / 100, amounts)
    return np.rint(amounts * 100).astype(np.int64)


def days_where(features: pd.DataFrame, column: str, needed: np.ndarray) -> np.ndarray:
    """The column as int64 days, -1 for null. Raises FeatureUnknown when null or negative where `needed`."""
    days = whole(features, column, missing=-1)
    wrong = int((needed & (days < 0)).sum())
    if wrong:
        msg = f"{column} is null or negative for {wrong} of {len(days)} customers; wanted days of 0 or more"
        raise FeatureUnknown(msg)
    return days


def positions(features: pd.DataFrame, column: str, values: Sequence[str]) -> np.ndarray:
    """Where each cell stands in `values`, as int64; -1 for null and for a value that is not among them."""
    import pandas as pd

    cells = features[column]
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = cells.astype(object)
    return pd.Index(values).get_indexer(cells.to_numpy(dtype=object, na_value=None)).astype("int64")


def truths(features: pd.DataFrame, column: str) -> np.ndarray:
    """The boolean column as int8: 1 for true, 0 for false, -1 for null."""
    import numpy as np

    return features[column].astype("boolean").to_numpy(dtype=np.int8, na_value=-1)
