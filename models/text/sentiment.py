"""Whether a text speaks well or ill: learned from the ratings of other texts, else from listed words.

A rating says what its author meant, so the company's own rated feedback teaches best. Of each text two
views are used (models/text/features.py): its grams, which learn the words of the company's own field, and its
listed words, whose meaning holds in fields nobody has rated yet. Gram g weighs

    v_g = |ln((p_g + a) / (q_g + a)) - ln(sum(p + a) / sum(q + a))| + b·(ln((1 + n) / (1 + n_g)) + 1)

with p_g and q_g the texts of good and of bad rating that hold it: the log-count ratio of Wang & Manning 2012
("Baselines and Bigrams", section 2), here without its sign, plus a share of the inverse document frequency.
A text's grams are scaled to length 1, the listed words are put beside them, and a logistic regression learns
from both. What is kept is one number per bucket, so scoring a text is a sum.

A text gets the probability that its author is content, in [0, 1], or nan where nothing in it is known:
never a middle value. Row-local, and the same for the same text and model.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from models.text import features
from models.text.features import BAD, BITS, CONTRAST, GOOD, NEGATION, NOT_BAD, NOT_GOOD
from models.thresholds import check_above, check_kinds, check_within, threshold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    import numpy as np
    import scipy.sparse as sp

STATUSES = ("ok", "weak_labels")
_PLACES = 6  # decimals kept of learned numbers that are not packed
_KINDS = CONTRAST + 1
_SIGN = (1.0, -1.0, -1.0, 0.3, 0.0, 0.0)  # what a listed word says, by kind; "not bad" is faint praise
_SUMMARY = 5  # columns of _summary


class SentimentUnreadable(ValueError):
    """A stored model is not one that this code wrote."""


@dataclass(frozen=True)
class Thresholds:
    """What learning needs and how hard it is held back. Raises ThresholdInvalid for a value without sense."""

    good_from: int = threshold(4, unit="rating, 1 to 5", reason="4 and 5 stars are praise")
    bad_to: int = threshold(2, unit="rating, 1 to 5", reason="1 and 2 are blame; 3 is left out of learning")
    texts: int = threshold(300, unit="rated texts", reason="listed words have .90 on meals, so many .92")
    texts_per_side: int = threshold(
        50, unit="texts of good, and of bad rating", reason="a fifth is held out to judge by"
    )
    most_texts: int = threshold(
        100_000, unit="texts", reason="62,000 take 20 s and 1 GB; which, their hash decides"
    )
    gram_texts: int = threshold(2, unit="texts", reason="what one text alone holds names that text")
    smoothing: float = threshold(1.0, unit="texts added to each count", reason="add-one")
    rarity: float = threshold(1.0, unit="weight", reason="b of the formula: rare grams count somewhat more")
    penalty: float = threshold(
        6.0, unit="inverse penalty C", reason="best of 1 to 12 on three data sets together"
    )
    listed: float = threshold(0.5, unit="scale", reason="listed words beside grams scaled to length 1")
    slice_texts: int = threshold(200, unit="held-out texts", reason="an AUC of fewer says little")

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 1, 5, "good_from", "bad_to")
        check_above(self, self.bad_to, "good_from")
        check_above(self, 0, "smoothing", "rarity", "penalty", "listed", "most_texts", "gram_texts")
        check_within(self, 1, 10**9, "texts", "texts_per_side", "slice_texts")


class Measure(NamedTuple):
    """One figure of the evaluation on held-out texts: `slice_kind` all | script | channel | …"""

    measure: str
    slice_kind: str
    slice: str
    value: float
    texts: int


@dataclass(frozen=True)
class Sentiment:
    """A frozen model. Built by `fit`; `to_json` and `from_json` keep it as data.

    `status` is ok where it was learned, weak_labels where the listed words alone judge; `shortfalls` say why.
    `grams` holds the buckets that weigh anything, with their weights and squared lengths (packed, see _pack);
    `summary` and `kinds` weigh the listed words: their summary, and each kind by theme. The probability is
    1 / (1 + exp(-(slope · sum + offset))), slope and offset fitted on held-out texts (Platt scaling).
    """

    status: str
    shortfalls: tuple[str, ...]
    counts: Mapping[str, int]
    evaluation: tuple[Measure, ...]
    listed: tuple[tuple[str, str, str], ...]
    grams: str
    summary: tuple[float, ...]
    kinds: tuple[float, ...]
    intercept: float
    slope: float
    offset: float

    @cached_property
    def words(self) -> features.Words:
        """The word list it was made with."""
        return features.words(_rows(self.listed))

    @cached_property
    def _by_bucket(self) -> tuple[np.ndarray, np.ndarray]:
        return _unpack(self.grams)

    def score(self, texts: Sequence[str]) -> np.ndarray:
        """The probability that each text's author is content; nan where nothing in it is known."""
        import numpy as np

        parts = [self._score(batch) for batch in features.batches(texts)]
        return np.concatenate([np.empty(0), *parts])

    def _score(self, texts: Sequence[str]) -> np.ndarray:
        import numpy as np

        points = features.code_points(texts)
        matches = self.words.find(points)
        n = len(texts)
        summary = _summary(matches, n)
        known = np.bincount(matches.row[matches.found < NEGATION], minlength=n) > 0
        if self.status != "ok":
            total = _WEAK_SLOPE * summary[:, _BALANCE]
        else:
            row, bucket = features.grams(points, matches)
            weights, squares = self._by_bucket
            square = np.bincount(row, squares[bucket], minlength=n)
            known |= square > 0
            total = np.bincount(row, weights[bucket], minlength=n) / np.sqrt(np.maximum(square, 1e-12))
            # column by column: a matrix product may add up in another order for other batch sizes
            for column, weight in enumerate(self.summary):
                total += weight * summary[:, column]
            row, column, weight = _by_theme(matches, len(self.words.themes))
            total += np.bincount(row, weight * np.array(self.kinds)[column], minlength=n)
            total += self.intercept
        probability = 1 / (1 + np.exp(-np.clip(self.slope * total + self.offset, -30, 30)))
        return np.where(known, probability, np.nan)

    def to_json(self) -> str:
        """The model as JSON with sorted keys; equal models give equal text."""
        found = {part.name: getattr(self, part.name) for part in fields(self)}
        found["counts"] = dict(self.counts)
        return json.dumps(found, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Sentiment:
        """The model that `to_json` wrote. Raises SentimentUnreadable when fields are missing or unknown."""
        found = json.loads(text)
        wanted = {part.name for part in fields(cls)}
        if set(found) != wanted:
            msg = f"a sentiment model has {sorted(wanted)}, found {sorted(found)}; fit it again"
            raise SentimentUnreadable(msg)
        found["evaluation"] = tuple(Measure(*each) for each in found["evaluation"])
        found["listed"] = tuple(tuple(each) for each in found["listed"])
        for name in ("shortfalls", "summary", "kinds"):
            found[name] = tuple(found[name])
        return cls(**found)

    def card(self) -> str:
        """What this model is and how well it did, in Markdown, for a person to read before promoting it."""
        lines = [
            "# Sentiment of free text",
            "",
            f"Status: **{self.status}**" + (f" ({'; '.join(self.shortfalls)})." if self.shortfalls else "."),
            "",
            "| texts | n |",
            "|---|---|",
            *(f"| {name.replace('_', ' ')} | {count:,} |" for name, count in self.counts.items()),
            "",
            "## On held-out texts",
            "",
            "A fifth of the rated texts, chosen by the hash of the text, was not learned from. auc: the",
            "chance that a text of good rating scores above one of bad rating; auc_weak_labels: the same",
            "by listed words alone. brier: mean squared distance of the probability from what was rated,",
            "after calibration on these texts.",
            "",
            "| measure | of | value | texts |",
            "|---|---|---|---|",
            *(
                f"| {each.measure} | {each.slice_kind}: {each.slice} | {each.value:.4f} | {each.texts:,} |"
                for each in self.evaluation
            ),
        ]
        return "\n".join(lines) + "\n"


_WEAK_SLOPE = 3.0  # with it, two good words and no bad one mean .88
_BALANCE = 0  # column of _summary


def fit(
    texts: Sequence[str],
    ratings: Sequence[float],
    listed: Iterable[Mapping[str, str]],
    thresholds: Thresholds,
    slices: Mapping[str, Sequence[str]] | None = None,
) -> Sentiment:
    """The model learned from rated texts, whatever their order; `listed` is the seed of words.

    A text that is blank or rated in between teaches nothing. `slices` (name → a value per text, as channel)
    are evaluated apart where enough texts were held out.
    """
    import numpy as np

    listed = tuple((row["polarity"], row["theme"], row["words"]) for row in listed)
    learned = _Rated.of(texts, ratings, thresholds, slices or {})
    counts = {
        "rated_texts": learned.rated,
        "learned_from": len(learned.texts),
        "good": int(learned.is_good.sum()),
        "bad": int((~learned.is_good).sum()),
        "held_out": int(learned.is_held_out.sum()),
        "held_out_good": int((learned.is_held_out & learned.is_good).sum()),
        "held_out_bad": int((learned.is_held_out & ~learned.is_good).sum()),
    }
    weak = Sentiment(
        "weak_labels", (), counts, (), listed, "", (0.0,) * _SUMMARY, (), 0.0, slope=1.0, offset=0.0
    )
    shortfalls = _shortfalls(counts, thresholds)
    out, side = learned.is_held_out, learned.is_good
    by_words = np.nan_to_num(weak.score(learned.held_out_texts), nan=0.5)
    evaluation = _measures("auc_weak_labels", by_words, learned, thresholds)
    if not shortfalls:
        matrix = _matrix(learned.texts, weak.words, thresholds)
        _, raw = _learn(weak, matrix.take(~out), side[~out], thresholds, matrix.take(out))
        slope, offset = _calibrated(raw, side[out])
        chance = 1 / (1 + np.exp(-(slope * raw + offset)))
        found = _measures("auc", chance, learned, thresholds)
        brier = Measure("brier", "all", "all", _rounded(((chance - side[out]) ** 2).mean()), int(out.sum()))
        evaluation = (*found, brier, *evaluation)
        if found[0].value >= next(each.value for each in evaluation if each.measure == "auc_weak_labels"):
            whole, _ = _learn(weak, matrix, side, thresholds)
            return _with(whole, status="ok", evaluation=evaluation, slope=slope, offset=offset)
        shortfalls = ("what was learned does worse than the listed words",)
    return _with(weak, shortfalls=shortfalls, evaluation=evaluation)


@dataclass(frozen=True)
class _Rated:
    """Texts to learn from, in an order that only they decide."""

    texts: Sequence[str]
    is_good: np.ndarray
    is_held_out: np.ndarray
    slices: Mapping[str, np.ndarray]
    rated: int

    @property
    def held_out_texts(self) -> Sequence[str]:
        return [text for text, out in zip(self.texts, self.is_held_out, strict=True) if out]

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        ratings: Sequence[float],
        thresholds: Thresholds,
        slices: Mapping[str, Sequence[str]],
    ) -> _Rated:
        """Blank texts and ratings in between left out; sorted by hash, cut off at the most to learn from."""
        import numpy as np

        rating = np.asarray(ratings, dtype=np.float64)
        teaches = (rating >= thresholds.good_from) | (rating <= thresholds.bad_to)
        at = [place for place in np.flatnonzero(teaches).tolist() if texts[place].strip()]
        digests = {place: hashlib.blake2b(texts[place].encode(), digest_size=12).digest() for place in at}
        names = sorted(slices)
        beside = {place: tuple(str(slices[name][place]) for name in names) for place in at}
        at.sort(key=lambda place: (digests[place], rating[place], beside[place]))
        rated, at = len(at), at[: thresholds.most_texts]
        chosen = [texts[place] for place in at]
        parts = {
            name: np.array([beside[place][column] for place in at], dtype=object)
            for column, name in enumerate(names)
        }
        return cls(
            chosen,
            np.array([rating[place] >= thresholds.good_from for place in at], dtype=bool),
            np.array([digests[place][-1] % 5 == 0 for place in at], dtype=bool),  # one text, one side
            {"script": np.array([_script(text) for text in chosen], dtype=object)} | parts,
            rated,
        )


def _script(text: str) -> str:
    """han, kana, hangul, latin, cyrillic or other: the first of these the text holds a letter of."""
    ranges = {
        "kana": ("\u3040", "\u30ff"),
        "hangul": ("\uac00", "\ud7af"),
        "han": ("\u4e00", "\u9fff"),
        "cyrillic": ("\u0400", "\u04ff"),
        "latin": ("A", "\u024f"),
    }
    for name, (first, last) in ranges.items():
        if any(first <= letter <= last for letter in text):
            return name
    return "other"


def _shortfalls(counts: Mapping[str, int], wanted: Thresholds) -> tuple[str, ...]:
    """What there is too little of to learn from, in words with both numbers; empty when there is enough."""
    found = []
    if counts["learned_from"] < wanted.texts:
        found.append(f"{counts['learned_from']} rated texts of {wanted.texts} wanted")
    found += [
        f"{counts[side]} texts of {side} rating of {wanted.texts_per_side} wanted"
        for side in ("good", "bad")
        if counts[side] < wanted.texts_per_side
    ]
    if not found:  # few texts said again and again may all be on one side of the hold-out
        tenth = max(wanted.texts_per_side // 10, 1)
        found += [
            f"{counts[part]} held-out texts of {side} rating, {tenth} to {counts[side] - tenth} wanted"
            for side, part in (("good", "held_out_good"), ("bad", "held_out_bad"))
            if not tenth <= counts[part] <= counts[side] - tenth
        ]
    return tuple(found)


@dataclass(frozen=True)
class _Matrix:
    """Texts as rows: the grams they hold, the summary of their listed words, and these by kind and theme."""

    grams: sp.csr_matrix
    beside: sp.csr_matrix

    def take(self, rows: np.ndarray) -> _Matrix:
        return _Matrix(self.grams[rows], self.beside[rows])


def _matrix(texts: Sequence[str], words: features.Words, thresholds: Thresholds) -> _Matrix:
    import numpy as np
    import scipy.sparse as sp

    buckets, lengths, summaries, kinds = [], [], [], []
    themes = len(words.themes)
    for batch in features.batches(texts):
        points = features.code_points(batch)
        matches = words.find(points)
        row, bucket = features.grams(points, matches)
        buckets.append(bucket.astype(np.int32))
        lengths.append(np.bincount(row, minlength=len(batch)))
        summaries.append(sp.csr_matrix(_summary(matches, len(batch))))
        row, column, weight = _by_theme(matches, themes)
        kinds.append(sp.csr_matrix((weight, (row, column)), shape=(len(batch), _KINDS * themes)))
    index = np.concatenate(buckets)
    start = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    grams = sp.csr_matrix((np.ones(len(index)), index, start), shape=(len(texts), 1 << BITS))
    return _Matrix(grams, sp.hstack([sp.vstack(summaries), sp.vstack(kinds)]).tocsr() * thresholds.listed)


def _summary(matches: features.Matches, n: int) -> np.ndarray:
    """What a text's listed words come to, whatever its length: balance, first, last, one-sidedness."""
    import numpy as np

    counts = np.zeros((n, _KINDS))
    np.add.at(counts, (matches.row, matches.found), 1)
    good = counts[:, GOOD] + _SIGN[NOT_BAD] * counts[:, NOT_BAD]
    bad = counts[:, BAD] + counts[:, NOT_GOOD]
    sign = np.array(_SIGN)[matches.found]
    speaks = sign != 0
    row, sign = matches.row[speaks], sign[speaks]
    first, last = np.zeros(n), np.zeros(n)
    last[row] = sign
    first[row[::-1]] = sign[::-1]
    return np.column_stack(
        [
            (good - bad) / (good + bad + 1),
            last,
            first,
            (good > 0) & (bad == 0),
            (bad > 0) & (good == 0),
        ]
    )


def _by_theme(matches: features.Matches, themes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, column, weight) of the listed words of each text by kind and theme, sorted by both.

    The weight is ln(1 + count) over the root of the text's sum of these, if that is above 1: a long text says
    more of everything, not everything more strongly.
    """
    import numpy as np

    width = _KINDS * themes
    key, count = np.unique(matches.row * width + matches.found * themes + matches.theme, return_counts=True)
    row, weight = key // width, np.log1p(count)
    total = np.bincount(row, weight, minlength=1)
    return row, key % width, weight / np.sqrt(np.maximum(total, 1))[row]


def _learn(
    base: Sentiment,
    matrix: _Matrix,
    is_good: np.ndarray,
    thresholds: Thresholds,
    judged: _Matrix | None = None,
) -> tuple[Sentiment, np.ndarray]:
    """The model of these texts, and its sums for the texts of `judged`."""
    import numpy as np
    import scipy.sparse as sp
    from sklearn.linear_model import LogisticRegression

    n = matrix.grams.shape[0]
    texts = np.bincount(matrix.grams.indices, minlength=1 << BITS)
    used = np.flatnonzero(texts >= thresholds.gram_texts)
    good = np.bincount(matrix.grams[is_good].indices, minlength=1 << BITS) + thresholds.smoothing
    bad = texts - good + 2 * thresholds.smoothing
    ratio = np.abs(np.log(good / good.sum()) - np.log(bad / bad.sum()))[used]
    v = ratio + thresholds.rarity * (np.log((1 + n) / (1 + texts[used])) + 1)

    def side_by_side(part: _Matrix) -> sp.csr_matrix:
        weighed = part.grams[:, used] @ sp.diags_array(v)
        square = part.grams[:, used] @ v**2
        unit = sp.diags_array(1 / np.sqrt(np.maximum(square, 1e-12))) @ weighed
        whole = sp.hstack([unit, part.beside]).tocsr()
        whole.indices, whole.indptr = whole.indices.astype(np.int32), whole.indptr.astype(np.int32)
        return whole

    # liblinear: one thread and its own arithmetic, so the same bytes whatever BLAS there is; its random
    # numbers are used by other solvers only
    regression = LogisticRegression(
        C=thresholds.penalty,
        solver="liblinear",
        intercept_scaling=3.0,
        tol=0.01,
        max_iter=100,
        random_state=0,
    ).fit(side_by_side(matrix), is_good)
    learned = regression.coef_.ravel()
    beside = learned[len(used) :] * thresholds.listed
    model = _with(
        base,
        grams=_pack(used, learned[: len(used)] * v, v**2),
        summary=tuple(_rounded(each) for each in beside[:_SUMMARY]),
        kinds=tuple(_rounded(each) for each in beside[_SUMMARY:]),
        intercept=_rounded(regression.intercept_[0]),
    )
    sums = regression.decision_function(side_by_side(judged)) if judged is not None else np.empty(0)
    return model, sums


def _calibrated(sums: np.ndarray, is_good: np.ndarray) -> tuple[float, float]:
    """Slope and offset that turn sums into probabilities on texts that were not learned from."""
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=100.0, solver="liblinear", intercept_scaling=10.0, random_state=0)
    regression.fit(sums[:, None], is_good)
    return max(_rounded(regression.coef_[0, 0]), 0.05), _rounded(regression.intercept_[0])


def _measures(
    measure: str, scores: np.ndarray, learned: _Rated, thresholds: Thresholds
) -> tuple[Measure, ...]:
    """AUC over the held-out texts, and over each slice with enough of them; first the whole."""
    import numpy as np

    out = learned.is_held_out
    side = learned.is_good[out]
    found = []
    whole = {"all": np.full(int(out.sum()), "all", dtype=object)}
    for kind, values in (whole | {name: each[out] for name, each in learned.slices.items()}).items():
        for value in sorted(set(values.tolist())):
            at = values == value
            enough = kind == "all" or at.sum() >= thresholds.slice_texts
            if enough and 0 < side[at].sum() < at.sum():
                found.append(Measure(measure, kind, value, auc(side[at], scores[at]), int(at.sum())))
    return tuple(found)


def auc(is_good: np.ndarray, scores: np.ndarray) -> float:
    """The chance that a good one scores above a bad one, ties counting half; 4 decimals."""
    import numpy as np

    # by hand: scipy.stats has the ranks too, but takes two seconds to import
    _, place, times = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2)[place]
    good = int(is_good.sum())
    above = ranks[is_good].sum() - good * (good + 1) / 2
    return round(float(above / (good * (len(is_good) - good))), 4)


def _rounded(value: float) -> float:
    return round(float(value), _PLACES) + 0.0  # + 0.0: no -0.0


def _with(model: Sentiment, **changes: Any) -> Sentiment:
    return Sentiment(**{part.name: getattr(model, part.name) for part in fields(model)} | changes)


def _rows(listed: Iterable[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"polarity": polarity, "theme": theme, "words": words} for polarity, theme, words in listed]


def _pack(buckets: np.ndarray, weights: np.ndarray, squares: np.ndarray) -> str:
    """Buckets with weight and squared length as text: 16 bits each, scaled by the greatest of its kind.

    In base64: the gaps between buckets (4 bytes), weights (2, signed), squares (2), after the two scales (8).
    Sums of rounded weights differ from the exact ones by less than .001.
    """
    import numpy as np

    gaps = np.diff(buckets, prepend=0).astype("<u4")
    scales = np.array(
        [np.abs(weights).max(initial=1e-9) / 32767, squares.max(initial=1e-9) / 65535], dtype="<f8"
    )
    whole = (
        np.rint(weights / scales[0]).astype("<i2"),
        np.maximum(np.rint(squares / scales[1]), 1).astype("<u2"),
    )
    packed = scales.tobytes() + gaps.tobytes() + whole[0].tobytes() + whole[1].tobytes()
    return base64.b64encode(packed).decode("ascii")


def _unpack(packed: str) -> tuple[np.ndarray, np.ndarray]:
    """Weight and squared length of every bucket; 0 for those that weigh nothing."""
    import numpy as np

    content = base64.b64decode(packed)
    scales = np.frombuffer(content[:16], dtype="<f8")
    n = (len(content) - 16) // 8
    buckets = np.cumsum(np.frombuffer(content, dtype="<u4", count=n, offset=16), dtype=np.int64)
    weights, squares = np.zeros(1 << BITS), np.zeros(1 << BITS)
    weights[buckets] = np.frombuffer(content, dtype="<i2", count=n, offset=16 + 4 * n) * scales[0]
    squares[buckets] = np.frombuffer(content, dtype="<u2", count=n, offset=16 + 6 * n) * scales[1]
    return weights, squares
