"""Texts of any language as hashed features, a whole batch of texts at a time.

No tokenizer, no language detection, nothing to download: a batch becomes one array of code points, and every
feature is arithmetic on that array. So Chinese, which has no blanks, and Portuguese, which has accents that
half of its writers leave out, go the same way, at tens of thousands of texts a second on one core.

Two views of the same text are taken:

* *grams*: runs of 1 to 3 characters (to 4 where none is an ideograph), with the text's two ends as
  characters of their own; whole words, and pairs of neighbouring words, where words have blanks between them;
  pairs of neighbouring listed words. Each is a bucket number below 2**BITS.
* *listed words* (`Words`): where a word list says "good", "bad", "not" or "but", longest match first, with
  a "not" shortly before turning good into not good. This is what carries over to a field of which no rated
  text has been seen.

Row-local: what a text gives depends on no other text of the batch. Hashes are fixed multiplications, never
Python's own, which differ from process to process.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

BITS = 20
"""Buckets are numbered below 2**BITS: 60,000 reviews hold some 400,000 grams that occur twice."""

BATCH = 4096
"""Texts a batch: with BITS for the bucket, a batch's row number still fits 32 bits, which sort fastest."""

_END = 0xFFFF  # a code point no text may hold: stands at both ends of each text
_BLANK = 32
_CJK = 0x2E80  # from here on scripts are written without blanks
_LONGEST = 4

GOOD, BAD, NOT_GOOD, NOT_BAD, NEGATION, CONTRAST = range(6)
"""What a listed word turned out to be in its place."""

_POLARITIES = {"positive": GOOD, "negative": BAD, "negation": NEGATION, "contrast": CONTRAST}


class WordsWrong(ValueError):
    """A word list cannot be read; the message names its row."""


class Matches(NamedTuple):
    """Listed words found in a batch, in the order of the texts: one element per match."""

    row: np.ndarray
    found: np.ndarray
    theme: np.ndarray


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in slices of BATCH."""
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def code_points(texts: Sequence[str]) -> np.ndarray:
    """The texts as one array: END text END END text END, one code point each, spelled alike.

    Alike: full-width and half-width (NFKC), upper and lower case, accented Latin letters and plain ones, any
    digit (all 0), any run of white space.
    """
    import numpy as np

    end = chr(_END)
    joined = (end + end).join(texts)
    if joined.count(end) != 2 * max(len(texts) - 1, 0):
        joined = (end + end).join(text.replace(end, " ") for text in texts)
    joined = end + unicodedata.normalize("NFKC", joined).lower() + end
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32)
    points = np.where(points <= _END, _tables()[0][np.minimum(points, _END)], points)
    blank, edge = points == _BLANK, points == _END
    spare = np.zeros(len(points), dtype=bool)
    spare[1:] = blank[1:] & (blank[:-1] | edge[:-1])
    spare[:-1] |= blank[:-1] & edge[1:]
    return points[~spare]


@cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """For each code point up to END how it is spelled here, and whether it is part of a word."""
    import numpy as np

    spelled = np.arange(_END + 1, dtype=np.uint32)
    in_word = np.zeros(_END + 1, dtype=bool)
    for point in range(_END):
        letter = chr(point)
        in_word[point] = letter.isalnum() or letter == "'"
        if letter.isdecimal():
            spelled[point] = ord("0")
        elif letter.isspace() or point < _BLANK:
            spelled[point] = _BLANK
        elif 0xC0 <= point < 0x250:
            plain = unicodedata.normalize("NFKD", letter)
            if len(plain) > 1 and unicodedata.combining(plain[1]):
                spelled[point] = ord(plain[0])
        elif letter in "’‘`´":
            spelled[point] = ord("'")
    return spelled, in_word


def _is_in_word(points: np.ndarray) -> np.ndarray:
    import numpy as np

    return (points < _END) & _tables()[1][np.minimum(points, _END)]


def rows(points: np.ndarray) -> np.ndarray:
    """Which text each code point of the batch belongs to, counted from 0; its two ends belong to it."""
    import numpy as np

    return ((np.cumsum(points == _END) - 1) >> 1).astype(np.uint32)


def _stir(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two hashes of 32 bits as one: order matters, overflow is meant."""
    import numpy as np

    mixed = (left * np.uint32(0x01000193)) ^ (right * np.uint32(0x85EBCA6B))
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(15)
    return mixed


def _keys(row: np.ndarray, hashed: np.ndarray, kind: int) -> np.ndarray:
    """Row and bucket in one number of 32 bits; `kind` keeps equal hashes of different features apart."""
    import numpy as np

    bucket = ((hashed + np.uint32((kind * 0x9E3779B1) & 0xFFFFFFFF)) * np.uint32(0x27D4EB2F)) >> np.uint32(
        32 - BITS
    )
    return (row << np.uint32(BITS)) | bucket


def grams(points: np.ndarray, matches: Matches) -> tuple[np.ndarray, np.ndarray]:
    """(row, bucket) of every gram of a batch, each bucket once a text, sorted by both."""
    import numpy as np

    row, edge = rows(points), points == _END
    parts = [*_character_grams(points, row, edge), *_word_grams(points, row)]
    if len(matches.row) > 1:
        beside = matches.row[1:] == matches.row[:-1]
        first, second = matches.row[:-1][beside].astype(np.uint32), matches
        for kind, coded in ((20, second.found), (21, second.found * 64 + second.theme)):
            code = coded.astype(np.uint32)
            parts.append(_keys(first, _stir(code[:-1], code[1:])[beside], kind))
    keys = np.sort(np.concatenate(parts))
    if len(keys):
        keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    return keys >> np.uint32(BITS), keys & np.uint32((1 << BITS) - 1)


def _character_grams(points: np.ndarray, row: np.ndarray, edge: np.ndarray) -> Iterator[np.ndarray]:
    """Keys of the runs of 1 to _LONGEST characters that do not leave their text."""
    import numpy as np

    hashed = np.zeros(len(points), dtype=np.uint32)
    leaves = np.zeros(len(points), dtype=bool)  # an end strictly inside
    ideograph = (points >= _CJK) & ~edge
    has_ideograph = np.zeros(len(points), dtype=bool)
    for length in range(1, _LONGEST + 1):
        n = len(points) - length + 1
        if n <= 0:
            return
        hashed = _stir(hashed[:n], points[length - 1 :])
        has_ideograph = has_ideograph[:n] | ideograph[length - 1 :]
        leaves = leaves[:n]
        if length > 2:
            leaves = leaves | edge[length - 2 : len(points) - 1]
        at = ~leaves & ~(edge[:n] & edge[length - 1 :])
        if length == _LONGEST:
            at &= ~has_ideograph
        yield _keys(row[:n][at], hashed[at], length)


def _word_grams(points: np.ndarray, row: np.ndarray) -> Iterator[np.ndarray]:
    """Keys of the words, and the pairs of neighbouring words, of scripts with blanks between words."""
    import numpy as np

    inside = _is_in_word(points) & (points < _CJK)
    starts = inside.copy()
    starts[1:] &= ~inside[:-1]
    start = np.flatnonzero(starts)
    if not len(start):
        return
    at = np.flatnonzero(inside)
    word = np.cumsum(starts)[at] - 1
    place = (at - start[word]).astype(np.uint32)
    letters = _stir(points[at], place + np.uint32(1))
    first = np.flatnonzero(starts[at])
    hashed = np.add.reduceat(letters, first, dtype=np.uint32)
    of = row[start]
    yield _keys(of, hashed, 10)
    beside = of[1:] == of[:-1]
    yield _keys(of[:-1][beside], _stir(hashed[:-1], hashed[1:])[beside], 11)


# --- listed words ------------------------------------------------------------------------------------------

_WIDE = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class _Level:
    """All beginnings of listed words of one length: sorted hashes, and for a whole word what it is."""

    hashes: np.ndarray
    perhaps: np.ndarray  # by the first 16 bits of a hash: spares most of them the search
    polarity: np.ndarray  # -1 where it is only a beginning
    theme: np.ndarray
    trailing: np.ndarray  # 1 where the last character is the blank after a word


@dataclass(frozen=True)
class Words:
    """A word list, made ready to be found in a batch of texts at once.

    Made by `words` from the rows of a seed; `themes` are its themes in the order of their first row.
    """

    themes: tuple[str, ...]
    first: np.ndarray
    levels: tuple[_Level, ...]

    def find(self, points: np.ndarray) -> Matches:
        """The listed words in a batch, longest first and left to right, with negations taken into account."""
        import numpy as np

        text = np.where(_is_in_word(points), points, np.uint32(_BLANK))
        at = np.flatnonzero(self.first[np.minimum(text, _END)])
        size = len(text)
        end = np.zeros(size, dtype=np.int64)
        polarity = np.full(size, -1, dtype=np.int8)
        theme = np.zeros(size, dtype=np.int8)
        hashed = np.zeros(len(at), dtype=np.uint64)
        for length, level in enumerate(self.levels, 1):
            inside = at + length <= size
            at, hashed = at[inside], hashed[inside]
            hashed = _widen(hashed, text[at + length - 1])
            perhaps = level.perhaps[hashed >> np.uint64(48)]
            at, hashed = at[perhaps], hashed[perhaps]
            place = np.minimum(np.searchsorted(level.hashes, hashed), len(level.hashes) - 1)
            goes_on = level.hashes[place] == hashed
            at, hashed, place = at[goes_on], hashed[goes_on], place[goes_on]
            whole = level.polarity[place] >= 0
            found, of = at[whole], place[whole]
            end[found] = found + length - level.trailing[of]
            polarity[found] = level.polarity[of]
            theme[found] = level.theme[of]
            if not len(at):
                break
        at = np.flatnonzero(polarity >= 0)
        if len(at):  # one that begins within an earlier one is part of it: 不错 is not 错
            furthest = np.maximum.accumulate(end[at])
            at = at[np.concatenate([[True], at[1:] >= furthest[:-1]])]
        return self._judged(points, at, end[at], polarity[at], theme[at])

    def _judged(
        self, points: np.ndarray, at: np.ndarray, end: np.ndarray, polarity: np.ndarray, theme: np.ndarray
    ) -> Matches:
        import numpy as np

        row = rows(points)[np.minimum(at + 1, len(points) - 1)]  # a word may begin with the blank before it
        found = polarity.astype(np.int64)
        if len(at) > 1:
            reach = np.where(points[np.minimum(at + 1, len(points) - 1)] >= _CJK, 3, 14)[:-1]
            negated = (row[1:] == row[:-1]) & (polarity[:-1] == NEGATION) & (at[1:] - end[:-1] <= reach)
            found[1:] = np.where(negated & (polarity[1:] == GOOD), NOT_GOOD, found[1:])
            found[1:] = np.where(negated & (polarity[1:] == BAD), NOT_BAD, found[1:])
        return Matches(row, found, theme.astype(np.int64))


def _widen(hashed: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A hash of 64 bits, one character longer: word lists are compared by it alone."""
    import numpy as np

    mixed = (hashed ^ points.astype(np.uint64)) * np.uint64(_WIDE)
    return mixed ^ (mixed >> np.uint64(29))


def words(listed: Sequence[Mapping[str, str]]) -> Words:
    """A word list from rows with polarity, theme and words (separated by |; * stands for any ending).

    The first row that lists a word decides. Raises WordsWrong for an unknown polarity.
    """
    import numpy as np

    themes: dict[str, int] = {}
    spelled: dict[tuple[int, ...], tuple[int, int, int]] = {}
    for number, entry in enumerate(listed, 2):
        if entry["polarity"] not in _POLARITIES:
            msg = f"row {number}: polarity {entry['polarity']!r}; wanted one of {', '.join(_POLARITIES)}"
            raise WordsWrong(msg)
        theme = themes.setdefault(entry["theme"], len(themes))
        for word in filter(None, entry["words"].split("|")):
            pattern, trailing = pattern_of(word)
            spelled.setdefault(pattern, (_POLARITIES[entry["polarity"]], theme, trailing))
    first = np.zeros(_END + 1, dtype=bool)
    levels: list[dict[int, tuple[int, int, int]]] = []
    for pattern, meaning in spelled.items():
        first[min(pattern[0], _END)] = True
        hashed = np.zeros(1, dtype=np.uint64)
        for length, point in enumerate(pattern, 1):
            hashed = _widen(hashed, np.array([point], dtype=np.uint32))
            if length > len(levels):
                levels.append({})
            level = levels[length - 1]
            if length == len(pattern):
                level[int(hashed[0])] = meaning
            else:
                level.setdefault(int(hashed[0]), (-1, 0, 0))
    return Words(tuple(themes), first, tuple(_level(level) for level in levels))


def _level(level: Mapping[int, tuple[int, int, int]]) -> _Level:
    import numpy as np

    order = sorted(level)
    polarity, theme, trailing = zip(*(level[each] for each in order), strict=True)
    hashes = np.array(order, dtype=np.uint64)
    perhaps = np.zeros(1 << 16, dtype=bool)
    perhaps[hashes >> np.uint64(48)] = True
    return _Level(
        hashes,
        perhaps,
        np.array(polarity, dtype=np.int8),
        np.array(theme, dtype=np.int8),
        np.array(trailing, dtype=np.int64),
    )


def pattern_of(word: str) -> tuple[tuple[int, ...], int]:
    """How a listed word is spelled in a batch, and 1 if its last character is the blank after it.

    A word of a script with blanks stands between two; with * at its end it may go on.
    """
    import numpy as np

    goes_on = word.endswith("*")
    points = code_points([word.rstrip("*")])[1:-1]
    points = np.where(_is_in_word(points), points, np.uint32(_BLANK)).tolist()
    if points and points[0] >= _CJK:
        return tuple(points), 0
    return (_BLANK, *points, *(() if goes_on else (_BLANK,))), 0 if goes_on else 1
