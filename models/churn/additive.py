"""An additive score: one lookup table per input, and their sum in log odds.

Inputs are cut at frozen quantile edges into at most 63 bins and one for the unknown; a table says what each
bin adds to the log odds. So a score is row-local, a million rows take a second or two, what an input (or all
inputs of a reason) adds is exact, and what is kept is JSON. Two candidates take this form:

* logistic regression: an input's mid-rank, as a normal score, times a weight, and a weight of its own for the
  unknown; L2-penalised (Hastie, Tibshirani & Friedman 2009, section 4.4).
* gradient boosting whose trees may not mix inputs (interaction_cst="no_interactions" of scikit-learn's
  histogram boosting): a sum of functions of one input each, which is read off by varying one input at a time
  (Lou, Caruana & Gehrke 2012, "Intelligible Models for Classification and Regression").
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

MAX_BINS = 63
_PLACES = 9


class NotAdditive(ArithmeticError):
    """A fitted model is not the sum of its tables; the message gives the largest difference."""


@dataclass(frozen=True)
class Table:
    """One input: a value belongs to the first bin whose edge it does not exceed, nan to the last bin.

    `adds` has an entry per bin, one more than `edges` has, and one for the unknown. `usual` is the bin of a
    typical customer: the median, or the unknown where most are.
    """

    edges: tuple[float, ...]
    adds: tuple[float, ...]
    usual: int

    def codes(self, values: np.ndarray) -> np.ndarray:
        """The bin of each value, as int64."""
        return codes(values, self.edges)

    def contribution(self, values: np.ndarray) -> np.ndarray:
        """What each value adds to the log odds, beyond what the usual bin adds."""
        import numpy as np

        adds = np.asarray(self.adds)
        return (adds - adds[self.usual])[self.codes(values)]

    @property
    def moves(self) -> bool:
        """Whether any value adds anything else than another."""
        return len(set(self.adds)) > 1


@dataclass(frozen=True)
class Additive:
    """A fitted additive score; `intercept` is the log odds of a customer who is usual in every input."""

    kind: str
    intercept: float
    tables: Mapping[str, Table]

    def log_odds(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """The score of each row: the intercept and what each input adds, always summed in the same order."""
        import numpy as np

        rows = len(next(iter(inputs.values())))
        total = np.full(rows, self.intercept)
        for name, table in self.tables.items():
            if table.moves:
                total += table.contribution(inputs[name])
        return total

    def contributions(
        self, inputs: Mapping[str, np.ndarray], groups: Mapping[str, str | None]
    ) -> dict[str | None, np.ndarray]:
        """What the inputs of each group add together; with the intercept they sum to the score."""
        return self.explained(inputs, groups)[1]

    def explained(
        self, inputs: Mapping[str, np.ndarray], groups: Mapping[str, str | None]
    ) -> tuple[np.ndarray, dict[str | None, np.ndarray]]:
        """`log_odds` and `contributions` of each row, each value looked up once for both."""
        import numpy as np

        rows = len(next(iter(inputs.values())))
        total = np.full(rows, self.intercept)
        shares = {group: np.zeros(rows) for group in dict.fromkeys(groups.values())}
        for name, table in self.tables.items():
            if table.moves:
                adds = table.contribution(inputs[name])
                total += adds
                shares[groups[name]] += adds
        return total, shares

    def plain(self) -> dict:
        """The value as JSON knows it; inputs that move nothing keep their name and no table."""
        return {
            "kind": self.kind,
            "intercept": self.intercept,
            "tables": {
                name: {"edges": list(table.edges), "adds": list(table.adds), "usual": table.usual}
                for name, table in self.tables.items()
            },
        }

    @classmethod
    def of_plain(cls, found: Mapping) -> Additive:
        """The value that `plain` wrote."""
        tables = {
            name: Table(tuple(each["edges"]), tuple(each["adds"]), each["usual"])
            for name, each in found["tables"].items()
        }
        return cls(found["kind"], found["intercept"], MappingProxyType(tables))


def codes(values: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """The bin of each value: how many edges lie below it; the unknown come after the last bin."""
    import numpy as np

    found = np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="left")
    return found + np.isnan(values)  # nan sorts after every edge


def quantile_edges(values: np.ndarray, bins: int = MAX_BINS) -> tuple[float, ...]:
    """Rising values that cut `values` into at most `bins` bins of about equal size; () where all are alike.

    An edge is the last value of its bin, and the greatest is none; of few values each has a bin of its own.
    """
    import numpy as np

    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return ()
    distinct = known[np.append(True, known[1:] != known[:-1])] + 0.0
    if len(distinct) > bins:
        last_of_bins = np.arange(1, bins) * len(known) // bins - 1
        distinct = np.unique(np.append(known[last_of_bins] + 0.0, known[-1]))
    return tuple(distinct[:-1].tolist())


def fit_logistic(
    inputs: Mapping[str, np.ndarray],
    y: np.ndarray,
    weight: np.ndarray,
    *,
    penalty: float,
    bins: int = MAX_BINS,
) -> Additive:
    """The logistic candidate; `penalty` is the L2 weight on the coefficients of standardised columns."""
    import numpy as np
    from scipy.special import ndtri
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    columns, shapes = [], {}
    for name, values in inputs.items():
        edges = quantile_edges(values, bins)
        code = codes(values, edges)
        counts = np.bincount(code, minlength=len(edges) + 2).astype(np.float64)
        known = counts[:-1].sum()
        if not edges:
            score = np.zeros(1)
        else:
            ranks = (np.cumsum(counts[:-1]) - counts[:-1] / 2) / known
            score = ndtri(np.clip(ranks, 1e-3, 1 - 1e-3))
        shapes[name] = (edges, counts, np.append(score, 0.0))
        columns.append(np.append(score, 0.0)[code])
        columns.append((code == len(edges) + 1).astype(np.float64))
    x = np.column_stack(columns)
    with threadpool_limits(1):
        model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", max_iter=50, tol=1e-6)
        model.fit(x, y, sample_weight=weight)
    weights = model.coef_[0]
    adds = {}
    for at, (name, (edges, counts, score)) in enumerate(shapes.items()):
        own = weights[2 * at] * score
        own[-1] = weights[2 * at + 1]
        if not counts[-1]:
            own[-1] = 0.0
        adds[name] = (edges, counts, own)
    return _additive("logistic", float(model.intercept_[0]), adds)


def fit_boosting(
    inputs: Mapping[str, np.ndarray],
    y: np.ndarray,
    weight: np.ndarray,
    *,
    seed: int,
    iterations: int,
    learning_rate: float,
    leaves: int,
    l2: float = 5.0,
    bins: int = MAX_BINS,
) -> Additive:
    """The boosting candidate; the seed settles nothing but ties inside scikit-learn.

    Raises NotAdditive when the fitted model is not the sum of what was read off it.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    edges = {name: quantile_edges(values, bins) for name, values in inputs.items()}
    code = {name: codes(values, edges[name]) for name, values in inputs.items()}
    varied = [name for name in inputs if code[name].min() < code[name].max()]
    # where all that is known is alike, the unknown are a bin as any other: a column needs two values
    unknown = {name: np.nan if edges[name] else 1.0 for name in varied}
    x = np.column_stack(
        [np.where(code[name] == len(edges[name]) + 1, unknown[name], code[name]) for name in varied]
    )
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(
            learning_rate=learning_rate,
            max_iter=iterations,
            max_leaf_nodes=leaves,
            min_samples_leaf=max(20, len(y) // 500),
            l2_regularization=l2,
            max_bins=255,
            interaction_cst="no_interactions",
            early_stopping=False,
            random_state=seed,
        ).fit(x, y, sample_weight=weight)
        usual = np.zeros(x.shape[1])
        probes, sizes = [], []
        for at, name in enumerate(varied):
            rows = np.tile(usual, (len(edges[name]) + 2, 1))
            rows[:, at] = [*range(len(edges[name]) + 1), unknown[name]]
            probes.append(rows)
            sizes.append(len(rows))
        read = model.decision_function(np.concatenate([usual[None, :], *probes]))
        sample = x[:: max(len(x) // 1000, 1)]
        expected = model.decision_function(sample)
    base, parts = read[0], np.split(read[1:], np.cumsum(sizes)[:-1])
    read_off = {name: part - base for name, part in zip(varied, parts, strict=True)}
    adds = {
        name: (
            edges[name],
            np.bincount(code[name], minlength=len(edges[name]) + 2),
            read_off.get(name, np.zeros(len(edges[name]) + 2)),
        )
        for name in inputs
    }
    found = _additive("boosting", float(base), adds)
    rows = {name: values[:: max(len(x) // 1000, 1)] for name, values in inputs.items()}
    off = float(np.abs(found.log_odds(rows) - expected).max())
    if off > 1e-6:
        msg = f"boosting is off the sum of its tables by up to {off:g}"
        raise NotAdditive(msg)
    return found


def blend(one: Additive, other: Additive) -> Additive:
    """The mean of two additive scores, which is one itself; both are of the same inputs and rows."""
    import numpy as np

    tables = {}
    for name, first in one.tables.items():
        second = other.tables[name]
        edges = sorted({*first.edges, *second.edges})
        ends = np.array([*edges, np.inf, np.nan])
        adds = [np.asarray(table.adds)[table.codes(ends)] for table in (first, second)]
        if first.usual == len(first.adds) - 1:
            usual = len(ends) - 1
        else:
            # both usual bins hold the median, so they share just one bin of the joint edges
            below = max(
                (table.edges[table.usual - 1] for table in (first, second) if table.usual), default=-np.inf
            )
            usual = int(np.searchsorted(edges, below, side="right"))
        mean = np.round((adds[0] + adds[1]) / 2, _PLACES)
        tables[name] = Table(tuple(edges), tuple(mean.tolist()), usual)
    return Additive("blend", round((one.intercept + other.intercept) / 2, _PLACES), MappingProxyType(tables))


def _additive(kind: str, intercept: float, adds: Mapping[str, tuple]) -> Additive:
    """Tables with equal neighbours joined, numbers rounded, and the usual bins' share in the intercept."""
    import numpy as np

    tables, total = {}, intercept
    for name, (edges, counts, own) in adds.items():
        known, rounded = counts[:-1], np.round(own, _PLACES) + 0.0
        ends = [at for at in range(len(edges)) if rounded[at] != rounded[at + 1]]
        kept = (*ends, len(edges))
        if counts[-1] * 2 > counts.sum() or not known.sum():
            usual = len(kept)
        else:
            median = int(np.searchsorted(np.cumsum(known), known.sum() / 2))
            usual = int(np.searchsorted(kept, median))
        joined = (*(rounded[at] for at in kept), rounded[-1])
        tables[name] = Table(
            tuple(float(edges[at]) for at in ends), tuple(float(each) for each in joined), usual
        )
        total += float(joined[usual])
    return Additive(kind, round(total, _PLACES), MappingProxyType(tables))
