"""How many customers two segments share, counted batch by batch."""

import pandas as pd
import pytest

from models import overlap

GROUPS = {"size": ("big", "small"), "mood": ("glad", "sad", "unknown"), "place": ("here", "there")}
ROWS = [
    ("big", "glad", "here"),
    ("big", "glad", "there"),
    ("small", "sad", "here"),
    ("small", "glad", "here"),
]


def frame(rows):
    return pd.DataFrame(rows, columns=list(GROUPS)).astype("category")


def counted(*batches):
    rows = overlap.count([frame(batch) for batch in batches], GROUPS).itertuples(index=False)
    return {(row.scheme, row.segment, row.other_scheme, row.other_segment): row.customers for row in rows}


def test_every_pair_of_segments_with_a_customer_in_both_is_counted_once():
    assert counted(ROWS) == {
        ("size", "big", "size", "big"): 2,
        ("size", "small", "size", "small"): 2,
        ("mood", "glad", "mood", "glad"): 3,
        ("mood", "sad", "mood", "sad"): 1,
        ("place", "here", "place", "here"): 3,
        ("place", "there", "place", "there"): 1,
        ("size", "big", "mood", "glad"): 2,
        ("size", "small", "mood", "glad"): 1,
        ("size", "small", "mood", "sad"): 1,
        ("size", "big", "place", "here"): 1,
        ("size", "big", "place", "there"): 1,
        ("size", "small", "place", "here"): 2,
        ("mood", "glad", "place", "here"): 2,
        ("mood", "glad", "place", "there"): 1,
        ("mood", "sad", "place", "here"): 1,
    }


def test_batches_do_not_change_the_counts():
    assert counted(ROWS[:1], ROWS[1:3], ROWS[3:]) == counted(ROWS)


def test_nobody_shares_nothing():
    assert counted() == {}
    assert counted([]) == {}


@pytest.mark.parametrize("segment", ["huge", None])
def test_a_segment_the_scheme_does_not_have_is_refused(segment):
    with pytest.raises(overlap.SegmentUnknown, match=r"size .* its segments are \['big', 'small'\]"):
        counted([(segment, "glad", "here"), *ROWS])
