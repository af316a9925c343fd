"""What a text is about: the topics whose words it holds.

Rules, not a model: a seed lists, per topic, sub-topic and language, the words that stand for it, and people
edit them. A topic the source states beats one that is read (feat_feedback_item). Of a text that speaks of
several things the topic with the most hits is its primary one; of equal ones the first in the order of
TOPICS, then of the seed. A text without a hit has no topic: there is no "other".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from models.text import features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

TOPICS = ("price", "function", "quality", "service", "delivery", "experience")
"""The topics in the order that settles a tie."""


class TopicsWrong(ValueError):
    """A row of the topic seed cannot be used; the message names its row."""


class Read(NamedTuple):
    """One element per text: position in `Rules.subtopics`, -1 for none; the hits of its topic, and all
    hits."""

    subtopic: np.ndarray
    hits: np.ndarray
    all_hits: np.ndarray


@dataclass(frozen=True)
class Rules:
    """The seed made ready: `subtopics` are (topic, sub-topic) in the order that settles a tie."""

    subtopics: tuple[tuple[str, str], ...]
    words: features.Words

    def read(self, texts: Sequence[str]) -> Read:
        """Topics of texts, each by itself."""
        import numpy as np

        none = np.empty(0, dtype=np.int64)
        parts = [(none, none, none), *(_read(self, batch) for batch in features.batches(texts))]
        return Read(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def rules(seed: Sequence[Mapping[str, str]]) -> Rules:
    """The rules of a seed's rows: topic, subtopic and words (separated by |) of one language each.

    Raises TopicsWrong for a topic that is not one of TOPICS and for a row without sub-topic or words.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for number, row in enumerate(seed, 2):
        if row["topic"] not in TOPICS:
            msg = f"row {number}: topic {row['topic']!r}; wanted one of {', '.join(TOPICS)}"
            raise TopicsWrong(msg)
        if not row["subtopic"] or not row["words"]:
            msg = f"row {number}: wanted a subtopic and words, found {row['subtopic']!r}, {row['words']!r}"
            raise TopicsWrong(msg)
        named = (row["topic"], row["subtopic"])
        found.setdefault(named, []).append(row["words"])
    subtopics = tuple(sorted(found, key=lambda named: (TOPICS.index(named[0]), list(found).index(named))))
    listed = [
        {"polarity": "positive", "theme": "/".join(named), "words": "|".join(found[named])}
        for named in subtopics
    ]
    return Rules(subtopics, features.words(listed))


def _read(rules: Rules, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import numpy as np

    matches = rules.words.find(features.code_points(texts))
    counts = np.zeros((len(texts), len(rules.subtopics)), dtype=np.int64)
    np.add.at(counts, (matches.row, matches.theme), 1)
    of_topic = np.array([TOPICS.index(topic) for topic, _ in rules.subtopics])
    by_topic = np.stack([counts[:, of_topic == each].sum(axis=1) for each in range(len(TOPICS))], axis=1)
    primary = by_topic.argmax(axis=1)  # the first of equal ones
    hits = by_topic.max(axis=1)
    within = np.where(of_topic == primary[:, None], counts, -1).argmax(axis=1)
    return np.where(hits > 0, within, -1), hits, counts.sum(axis=1)
