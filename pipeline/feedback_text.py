"""Topic and sentiment of the day's free texts, read before the features are built.

One dbt build stages the feedback, Python reads it, and what was read rests beside the run's features; the
texts themselves go as soon as they were read. The model is the month's, frozen like the cut-points: learned
from what was rated before the first of the month and known on it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import shutil
from typing import TYPE_CHECKING, Any

from pipeline import monthly
from pipeline.run import SEEDS
from storage import artifacts, lake, raw, readings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from models.text.sentiment import Sentiment, Thresholds
    from models.text.topics import Rules
    from pipeline.run import Run
    from storage.declaration import Source
    from storage.lake import Day

log = logging.getLogger(__name__)

READ = {
    "as_of": "date",
    "source": "varchar",
    "feedback_id": "varchar",
    "topic": "varchar",
    "subtopic": "varchar",
    "sentiment": "decimal(5,4)",
    "model_version": "varchar",
}
EVALUATION = {
    "model_version": "varchar",
    "status": "varchar",
    "measure": "varchar",
    "slice_kind": "varchar",
    "slice": "varchar",
    "value": "double",
    "texts": "bigint",
}
_TO_READ = "feedback_to_read.parquet"


def speaks(sources: Sequence[Source]) -> bool:
    """Whether an enabled source delivers feedback in free text at all."""
    return any(
        "feedback" in extract.fills and any(_is_text(column) for column in extract.columns)
        for source in sources
        for extract in source.extracts
    )


def _is_text(column: Any) -> bool:
    return column.name == "text" or column.privacy == "free_text"


def read(run: Run, folder: Path, day: Day, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Read the texts known on `day` into `folder`, for the features that are built there.

    The month's model is made when it is not there, from the same staged texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not speaks(run.sources):
        lake.write_parquet(folder / "feedback_text.parquet", [], READ)
        lake.write_parquet(folder / "text_evaluation.parquet", [], EVALUATION)
        return {"texts": 0}
    found = artifacts.in_force(run.lake, kind(run), day)
    work = folder / "text"
    try:
        days = [day] if found else sorted({day, day.month_start})
        staged = _stage(run, work, day, days, variables)
        if found is None:
            _fit(run, staged, day)
            found = artifacts.in_force(run.lake, kind(run), day)
        version, model = found[0], _model(found[1])
        counts = _read(run, staged, folder, day, version, model)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    lake.write_parquet(folder / "text_evaluation.parquet", [_evaluation(version, model)], EVALUATION)
    log.info("read feedback for %s with %s (%s): %s", day.key, version, model.status, counts)
    return {"model_version": version, "status": model.status, **counts}


def fit(run: Run, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The month's model, fitted now: what `read` does when the training DAG has not."""
    if not speaks(run.sources):
        return {"made": False}
    start = run.day.month_start
    work = run.folder / "text"
    try:
        return _fit(run, _stage(run, work, start, [start], variables), start)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def kind(run: Run) -> str:
    """Where the run's models rest; see `monthly.kind`."""
    return monthly.kind(run, "sentiment")


def _stage(run: Run, work: Path, day: Day, days: Sequence[Day], variables: Mapping[str, Any]) -> Path:
    """Build what leads to the texts of `days`, and nothing else; return their file."""
    import transform

    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    raw.write_deliveries(work / "deliveries.parquet", raw.deliveries(run.lake, run.sources, day.known_on))
    known = [{"as_of": each.as_of.isoformat(), "known_on": each.known_on.isoformat()} for each in days]
    transform.build(
        ("+feedback_to_read",),
        work,
        {**variables, "run_dir": str(work), "as_of_dates": known},
        "text",
        **run.settings.resources.of_build,
        tests=False,  # the build of the features runs them over the same rows
    )
    return work / _TO_READ


def _fit(run: Run, staged: Path, day: Day) -> dict[str, Any]:
    import pandas as pd

    start = day.month_start
    columns = ("as_of", "source", "channel", "text", "rating")
    parts = [
        frame[(frame["as_of"].astype(str) == start.as_of.isoformat()) & frame["rating"].notna()]
        for frame in readings.texts(staged, columns)
    ]
    rated = pd.concat(parts) if parts else pd.DataFrame(columns=list(columns))
    model = learn(
        rated["text"].tolist(),
        rated["rating"].tolist(),
        run.settings.thresholds.sentiment,
        {name: rated[name].fillna("").tolist() for name in ("source", "channel")},
    )
    holds, saved = monthly.save(run, kind(run), model)
    return {"model_version": holds, "fitted": saved, "made": True, "status": model.status}


def learn(
    texts: Sequence[str],
    ratings: Sequence[float],
    thresholds: Thresholds | None = None,
    slices: Mapping[str, Sequence[str]] | None = None,
) -> Sentiment:
    """The model of these texts under the shipped word list."""
    from models.text import sentiment

    wanted = thresholds or sentiment.Thresholds()
    return sentiment.fit(texts, ratings, _seed("feedback_words"), wanted, slices)


def _model(payload: str) -> Sentiment:
    from models.text.sentiment import Sentiment

    return Sentiment.from_json(payload)


def _read(run: Run, staged: Path, folder: Path, day: Day, version: str, model: Sentiment) -> dict[str, int]:
    """Write what the model and the rules read of every text, reading only those not read before."""
    from models.text import topics

    seed = _seed("feedback_topics")
    rules = topics.rules(seed)
    named = hashlib.sha256(json.dumps(seed, sort_keys=True).encode()).hexdigest()[:8]
    reader = f"{run.settings.fit_hash[:8]}-{version}-{named}"
    memory = _Memory(readings.known(run.lake, reader), rules, model)
    columns = ("as_of", "source", "feedback_id", "text", "text_key")
    rows = lake.write_parquet(
        folder / "feedback_text.parquet",
        (memory.judged(frame, version) for frame in readings.texts(staged, columns)),
        READ,
    )
    readings.keep(run.lake, reader, memory.new())
    return {"texts": rows, "read_anew": memory.read_anew}


class _Memory:
    """What is known of texts by their key: looked up where it is, read where it is not."""

    def __init__(self, known: readings.Readings, rules: Rules, model: Sentiment) -> None:
        self._known = known
        self._rules = rules
        self._model = model
        self._new: list[readings.Readings] = []
        self.read_anew = 0

    def judged(self, frame: pd.DataFrame, version: str) -> pd.DataFrame:
        """The rows of `frame` with topic, sub-topic and sentiment in place of the text."""
        import numpy as np
        import pandas as pd

        keys = frame["text_key"].to_numpy(dtype=np.int64)
        self._learn(keys, frame["text"])
        at = np.searchsorted(self._known.text_key, keys)
        code, sentiment = self._known.reading[at], self._known.sentiment[at]
        subtopics = [(None, None), *self._rules.subtopics]
        topic, subtopic = (np.array([each[part] for each in subtopics], dtype=object) for part in (0, 1))
        return pd.DataFrame(
            {
                "as_of": frame["as_of"],
                "source": frame["source"],
                "feedback_id": frame["feedback_id"],
                "topic": pd.Series(topic[code + 1], dtype="str"),
                "subtopic": pd.Series(subtopic[code + 1], dtype="str"),
                "sentiment": _decimals(sentiment),
                "model_version": version,
            }
        )

    def _learn(self, keys: np.ndarray, texts: pd.Series) -> None:
        import numpy as np

        found = np.searchsorted(self._known.text_key, keys)
        there = np.zeros(len(keys), dtype=bool)
        if len(self._known.text_key):
            there = self._known.text_key[np.minimum(found, len(self._known.text_key) - 1)] == keys
        absent, first = np.unique(keys[~there], return_index=True)
        if not len(absent):
            return
        unread = texts[~there].iloc[first].tolist()
        new = readings.Readings(
            absent, self._rules.read(unread).subtopic, np.round(self._model.score(unread), 4)
        )
        self.read_anew += len(absent)
        self._new.append(new)
        whole = readings.Readings(*(np.concatenate(parts) for parts in zip(self._known, new, strict=True)))
        order = np.argsort(whole.text_key, kind="stable")
        self._known = readings.Readings(*(part[order] for part in whole))

    def new(self) -> readings.Readings:
        """What was read anew, sorted by key."""
        import numpy as np

        empty = readings.Readings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        whole = [np.concatenate(parts) for parts in zip(empty, *self._new, strict=True)]
        order = np.argsort(whole[0], kind="stable")
        return readings.Readings(*(part[order] for part in whole))


def _decimals(values: np.ndarray) -> Any:
    """Probabilities as decimals of four places; null for nan."""
    import pandas as pd
    import pyarrow as pa

    tenths = pa.array(values, from_pandas=True).cast(pa.decimal128(5, 4))
    return pd.Series(tenths, dtype=pd.ArrowDtype(tenths.type))


def _evaluation(version: str, model: Sentiment) -> pd.DataFrame:
    import pandas as pd

    rows = [(version, model.status, *measure) for measure in model.evaluation]
    rows += [
        (version, model.status, name, "all", "all", float(count), count)
        for name, count in model.counts.items()
    ]
    return pd.DataFrame(rows, columns=list(EVALUATION))


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
