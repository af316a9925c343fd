"""Moves: who is in another segment than on the day before, and what moved them.

A move lies between two days of the memory: `since`, the earlier one, and the later one it is told of. Each
has exactly one cause, the first that holds, so the four sum to all moves:

new_cutpoints    the rules changed between the days, and under the earlier rules today's customer would not
                 have moved
own_behaviour    the customer did something on or after `since`
corrected_data   something about an earlier time became known after `since`: late, corrected or withdrawn
passage_of_time  none of these: only the calendar went on

A customer who was not there before arrives, one who is not there any more departs. Nobody departs by
themselves (an erasure, a joined identity, a corrected order did it), and time brings nobody: of an arrival
without an act of its own the data is the cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    import numpy as np
    import pandas as pd

    Restored = Callable[[str, "np.ndarray"], "np.ndarray"]

NEW_CUTPOINTS = "new_cutpoints"
OWN_BEHAVIOUR = "own_behaviour"
CORRECTED_DATA = "corrected_data"
PASSAGE_OF_TIME = "passage_of_time"
CAUSES = (OWN_BEHAVIOUR, PASSAGE_OF_TIME, NEW_CUTPOINTS, CORRECTED_DATA)

KEPT = ("net_w", "last_event_on", "last_late_on")
"""What is remembered of a customer's day beside the segments: the money that moves, and what tells causes."""


def find(before: pd.DataFrame, today: pd.DataFrame, schemes: Sequence[str]) -> pd.DataFrame:
    """The rows of two days that differ, one per customer and scheme, sorted by both.

    Each frame has customer_id (strictly rising), the columns KEPT, and a categorical column per scheme. The
    result has customer_id, scheme, previous_segment (missing: an arrival), segment (missing: a departure),
    net_w and previous_net_w (missing on the same sides), last_event_on, last_late_on, and `row`: the
    customer's place in `today`, -1 for a departure.
    """
    import numpy as np
    import pandas as pd

    place = pd.Index(today["customer_id"]).get_indexer(before["customer_id"])
    stays = place >= 0
    departed = np.flatnonzero(~stays)
    # The row each one would have had: a departure is told between its neighbours.
    between = np.searchsorted(
        today["customer_id"].to_numpy(dtype=object), before["customer_id"].to_numpy(dtype=object)[departed]
    )
    held = np.full(len(today), -1)
    held[place[stays]] = np.flatnonzero(stays)
    parts = []
    for number, scheme in enumerate(sorted(schemes)):
        now, then = today[scheme].cat, before[scheme].cat
        # -2 stands behind the last code, where the -1 of somebody who was not there leads
        codes = np.append(now.categories.get_indexer(then.categories), -2)
        was = codes[np.append(then.codes.to_numpy(), -1)[held]]
        moved = np.flatnonzero(was != now.codes.to_numpy())
        parts.append(_part(number, moved, held[moved], 2 * moved + 1))
        parts.append(_part(number, np.full(len(departed), -1), departed, 2 * between))
    if not parts:
        parts = [_part(0, np.empty(0, int), np.empty(0, int), np.empty(0, int))]
    found = pd.concat(parts, ignore_index=True).sort_values(["place", "held", "scheme"], ignore_index=True)
    return _told(found, before, today, sorted(schemes))


def _part(scheme: int, row: np.ndarray, held: np.ndarray, place: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    # arrivals of one place differ by their row: each has a place of its own
    return pd.DataFrame({"scheme": scheme, "row": row, "held": held, "place": place})


def _told(
    found: pd.DataFrame, before: pd.DataFrame, today: pd.DataFrame, schemes: Sequence[str]
) -> pd.DataFrame:
    """The two days' values at the rows found."""
    import numpy as np
    import pandas as pd

    row, held = found["row"].to_numpy(), found["held"].to_numpy()
    is_there, was_there = row >= 0, held >= 0

    def of(frame: pd.DataFrame, column: str, places: np.ndarray, known: np.ndarray) -> pd.Series:
        values = frame[column].take(places[known]).to_numpy()
        whole = pd.Series(values, index=np.flatnonzero(known))
        return whole.reindex(range(len(found)))

    def segment_of(frame: pd.DataFrame, places: np.ndarray, known: np.ndarray) -> np.ndarray:
        texts = np.full(len(found), None, dtype=object)
        for number, scheme in enumerate(schemes):
            mine = np.flatnonzero((found["scheme"].to_numpy() == number) & known)
            column = frame[scheme].cat
            names = np.append(column.categories.to_numpy(dtype=object), None)
            texts[mine] = names[column.codes.to_numpy()[places[mine]]]
        return texts

    ids = np.empty(len(found), dtype=object)
    ids[is_there] = today["customer_id"].to_numpy(dtype=object)[row[is_there]]
    ids[~is_there] = before["customer_id"].to_numpy(dtype=object)[held[~is_there]]
    return pd.DataFrame(
        {
            "customer_id": ids,
            "scheme": np.array(schemes, dtype=object)[found["scheme"].to_numpy()] if schemes else ids,
            "previous_segment": segment_of(before, held, was_there),
            "segment": segment_of(today, row, is_there),
            "net_w": of(today, "net_w", row, is_there),
            "previous_net_w": of(before, "net_w", held, was_there),
            "last_event_on": of(today, "last_event_on", row, is_there),
            "last_late_on": of(today, "last_late_on", row, is_there),
            "row": row,
        }
    )


def cause(moves: pd.DataFrame, since: date, restored: np.ndarray, rules_differ_otherwise: bool) -> np.ndarray:
    """The cause of each row of `find`, all of one earlier day `since`.

    `restored` says of each row whether the earlier rules would have left today's customer where they were.
    `rules_differ_otherwise`: the days were judged under settings that cannot be tried on each other's
    features (another window, another source), so that a move nothing else explains is theirs.
    """
    import numpy as np
    import pandas as pd

    day = pd.Timestamp(since)
    departs = moves["segment"].isna().to_numpy()
    arrives = moves["previous_segment"].isna().to_numpy()
    acted = (moves["last_event_on"] >= day).to_numpy()
    told_late = (moves["last_late_on"] > day).to_numpy()
    return np.select(
        [departs, restored & ~arrives, acted, told_late | arrives],
        [CORRECTED_DATA, NEW_CUTPOINTS, OWN_BEHAVIOUR, CORRECTED_DATA],
        NEW_CUTPOINTS if rules_differ_otherwise else PASSAGE_OF_TIME,
    ).astype(object)
