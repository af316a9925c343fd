"""Reading the day's texts: once each, and only where somebody delivers any."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.text import topics
from pipeline import feedback_text
from pipeline.run import RAW_MODELS
from storage import declaration
from storage.readings import Readings

NOTHING = Readings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


@pytest.mark.parametrize(
    ("source", "expected"), [("planted", True), ("olist", True), ("online_retail", False), ("cdnow", False)]
)
def test_nothing_is_built_where_nobody_delivers_free_text(source, expected):
    assert feedback_text.speaks(declaration.read(RAW_MODELS, [source])) is expected


class Counting:
    """A model that says 0.5 of everything and counts what it was asked."""

    def __init__(self):
        self.asked = []

    def score(self, texts):
        self.asked += texts
        return np.full(len(texts), 0.5)


@pytest.fixture
def rules():
    return topics.rules([{"topic": "price", "subtopic": "level", "words": "贵"}])


def frame(**texts):
    keys = {text: key for key, text in enumerate(sorted(set(texts.values())), 1)}
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp("2018-01-01"),
            "source": "shop",
            "feedback_id": list(texts),
            "text": list(texts.values()),
            "text_key": [keys[text] for text in texts.values()],
        }
    )


def test_a_text_is_read_once_whoever_says_it(rules):
    model = Counting()
    memory = feedback_text._Memory(NOTHING, rules, model)
    first = memory.judged(frame(a="贵", b="好", c="贵"), "v1")
    again = memory.judged(frame(d="好", e="贵"), "v1")
    assert sorted(model.asked) == ["好", "贵"]
    assert first["topic"].fillna("none").tolist() == ["price", "none", "price"]
    assert again["topic"].fillna("none").tolist() == ["none", "price"]
    assert "text" not in first

    later = feedback_text._Memory(memory.new(), rules, model)
    later.judged(frame(f="好", g="贵"), "v1")
    assert later.read_anew == 0
    assert len(model.asked) == 2
