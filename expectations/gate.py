"""The gate: hold frames against a suite of literal promises, and say of each promise whether it was kept.

A suite is one of our own YAML files beside this module. Great Expectations does the checking, in an ephemeral
context: nothing is written, nothing is sent. A promise about rows is checked batch by batch on only the
columns the suite names, and the batches' counts are added up before the promise is judged: it holds at any
size, and the cut into batches cannot change a verdict. A promise about a table as a whole is checked on a
small frame of measures that SQL computed over the whole table. Nothing is ever sampled.
"""

from __future__ import annotations

import ast
import functools
import gc
import logging
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    Batches = Callable[[Sequence[str]], Iterable[DataFrame]]

KEPT_KEYS = 100  # failing keys stored per promise: enough to see the pattern, small enough to open
NAMED_KEYS = 3  # failing keys spelled out in `observed`, which stands in logs and messages

STRENGTHS = {"critical": "break", "warning": "note"}

_SUITE_KEYS = {"name", "frames", "promises"}
_FRAME_KEYS = {"key", "about", "names_people"}
_PROMISE_KEYS = {
    *("id", "frame", "type", "kwargs", "where", "mostly", "at_least", "severity"),
    *("subject", "text_zh", "text_en"),
}
# Great Expectations counts their failures row by row, but only over the whole column.
_NEEDS_WHOLE_COLUMN = {
    "expect_column_values_to_be_unique",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
    "expect_compound_columns_to_be_unique",
}


class SuiteWrong(ValueError):
    """A suite is misspelt, or asks for what cannot be checked the way it is given."""


class PromiseBroken(ValueError):
    """A promise of strength "break" does not hold: the day stops here. The message names each of them."""


@dataclass(frozen=True)
class Verdict:
    """What became of one promise (grain: gate, promise).

    `subject` is `table.column`. `observed` and `expected` are short texts. `failing_count` counts rows, or is
    1 for a table that breaks a promise about the whole of it. `failing_keys` holds the first 100 keys in the
    order of the frame; customers' keys are their ids. Two runs over equal frames give equal verdicts.
    """

    gate: str
    promise: str
    subject: str
    strength: str
    passed: bool
    observed: str
    expected: str
    failing_count: int
    failing_keys: tuple[str, ...]
    text_zh: str
    text_en: str

    @property
    def breaks(self) -> bool:
        """Whether the day must stop."""
        return not self.passed and self.strength == "break"


def check(
    suite: Path | str,
    frames: Mapping[str, DataFrame | Batches],
    parameters: Mapping[str, Any] | None = None,
) -> list[Verdict]:
    """Hold `frames` against a suite; one verdict per promise, in the suite's order.

    `suite` is a path, or the name of a suite beside this module. A frame is a DataFrame, or a function from
    the columns wanted to the DataFrames of a table too large for one. `parameters` fills `{$PARAMETER: name}`
    in the promises.

    What Great Expectations cannot check, say because a column is missing, is a broken promise that says so.
    Raises SuiteWrong for a suite or parameters that do not fit; nothing is raised for a broken promise, see
    `require`.
    """
    name, facts, promises = _read(suite, parameters or {})
    missing = sorted({promise.frame for promise in promises} - set(frames))
    if missing:
        msg = f"suite {name} speaks of {', '.join(missing)}; the frames given are {', '.join(sorted(frames))}"
        raise SuiteWrong(msg)
    tallies: dict[str, _Tally] = {}
    with _silence():
        checker = _Checker()
        for frame, about in facts.items():
            mine = [promise for promise in promises if promise.frame == frame]
            if mine:
                tallies |= checker.check(mine, about, frames[frame])
    return [_verdict(name, promise, tallies[promise.id], facts[promise.frame]) for promise in promises]


def require(verdicts: Iterable[Verdict]) -> None:
    """Raise PromiseBroken, naming every broken promise, when one of strength "break" does not hold."""
    broken = [verdict for verdict in verdicts if verdict.breaks]
    if broken:
        raise PromiseBroken("\n".join([_headline(broken), *map(_line, broken)]))


def _headline(broken: Sequence[Verdict]) -> str:
    count = f"{len(broken)} promise{'s' if len(broken) > 1 else ''}"
    return f"gate {broken[0].gate}: {count} broken, nothing goes on"


def _line(verdict: Verdict) -> str:
    return (
        f"  {verdict.subject} ({verdict.promise}): observed {verdict.observed}; expected {verdict.expected}; "
        f"failing {verdict.failing_count:,}. {verdict.text_en} {verdict.text_zh}"
    )


# --- suites ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Frame:
    """What a suite says of a frame: its key, and whether its rows are people, who are not named in texts."""

    key: tuple[str, ...]
    names_people: bool


@dataclass(frozen=True)
class _Promise:
    id: str
    frame: str
    type: str
    kwargs: Mapping[str, Any]
    where: str | None
    mostly: Decimal
    at_least: int
    strength: str
    subject: str
    text_zh: str
    text_en: str

    @property
    def tested(self) -> tuple[str, ...]:
        """The columns whose values are promised something."""
        named = [self.kwargs.get(name) for name in ("column", "column_A", "column_B")]
        return (*(column for column in named if column), *self.kwargs.get("column_list", ()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the promise needs, those of its condition among them."""
        nodes = ast.walk(ast.parse(self.where or "None", mode="eval"))
        return (*self.tested, *sorted({node.id for node in nodes if isinstance(node, ast.Name)}))


def _read(suite: Path | str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, _Frame], list[_Promise]]:
    path = suite if isinstance(suite, Path) else Path(__file__).with_name(f"{suite}.yml")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    _known(content, _SUITE_KEYS, path.name)
    frames = {}
    for name, facts in content["frames"].items():
        _known(facts, _FRAME_KEYS, f"{path.name}: frame {name}")
        frames[name] = _Frame(tuple(facts["key"]), facts.get("names_people", False))
    promises = [_promise(path.name, entry, frames, parameters) for entry in content["promises"]]
    ids = [promise.id for promise in promises]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        msg = f"{path.name}: promise {', '.join(twice)} is made twice; an id stands for one promise"
        raise SuiteWrong(msg)
    return content["name"], frames, promises


def _promise(
    file: str, entry: Mapping[str, Any], frames: Mapping[str, _Frame], parameters: Mapping[str, Any]
) -> _Promise:
    place = f"{file}: promise {entry.get('id', '?')}"
    _known(entry, _PROMISE_KEYS, place)
    lacking = sorted({"id", "frame", "type", "kwargs", "severity", "text_zh", "text_en"} - set(entry))
    if lacking:
        msg = f"{place} lacks {', '.join(lacking)}"
        raise SuiteWrong(msg)
    if entry["frame"] not in frames:
        msg = f"{place}: frame {entry['frame']} is not among the suite's frames, {', '.join(frames)}"
        raise SuiteWrong(msg)
    if entry["severity"] not in STRENGTHS:
        msg = f"{place}: severity {entry['severity']!r} is neither critical (break) nor warning (note)"
        raise SuiteWrong(msg)
    kwargs = {name: _filled(value, parameters, place) for name, value in entry["kwargs"].items()}
    promise = _Promise(
        id=entry["id"],
        frame=entry["frame"],
        type=entry["type"],
        kwargs=kwargs,
        where=entry.get("where"),
        mostly=Decimal(str(entry.get("mostly", 1))),
        at_least=entry.get("at_least", 0),
        strength=STRENGTHS[entry["severity"]],
        subject=entry.get("subject", ""),
        text_zh=entry["text_zh"],
        text_en=entry["text_en"],
    )
    if promise.subject:
        return promise
    subject = ".".join([promise.frame, *promise.tested[:1]])
    return _Promise(**{**vars(promise), "subject": subject})


def _known(entry: Mapping[str, Any], keys: set[str], place: str) -> None:
    unknown = sorted(set(entry) - keys)
    if unknown:
        msg = f"{place}: {', '.join(unknown)} is not a key known here; known: {', '.join(sorted(keys))}"
        raise SuiteWrong(msg)


def _filled(value: Any, parameters: Mapping[str, Any], place: str) -> Any:
    if isinstance(value, Mapping) and set(value) == {"$PARAMETER"}:
        name = value["$PARAMETER"]
        if name not in parameters:
            msg = f"{place} wants parameter {name}; given are {', '.join(sorted(parameters)) or 'none'}"
            raise SuiteWrong(msg)
        return _instant(parameters[name])
    if isinstance(value, list):
        return [_filled(one, parameters, place) for one in value]
    return value


def _instant(value: Any) -> Any:
    """A day as its midnight: pandas columns of days are instants, and compare with nothing else."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


# --- checking ----------------------------------------------------------------------------------------------


@dataclass
class _Tally:
    """What the batches seen so far say of one promise about rows; or the one answer about a whole table."""

    judged: int = 0
    failing: int = 0
    keys: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    error: str = ""
    about_rows: bool = True
    kept: bool = True
    measured: Any = None


@contextmanager
def _silence() -> Iterator[None]:
    """Great Expectations tells at INFO of folders it makes and loads; operators look for our one line.

    One of its modules sets its own level when it is imported, so its parent's level does not reach it.
    """
    import great_expectations

    names = (great_expectations.__name__, "great_expectations.data_context.types.base")
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    for log in levels:
        log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for log, level in levels.items():
            log.setLevel(level)


@contextmanager
def _cycles_freed() -> Iterator[Callable[[], int]]:
    """A way to free what a validation leaves behind: its objects hold each other, and so the batch.

    Left to itself, Python 3.13 keeps four batches (36 MB of a million rows' 8 batches, against 16 of 2).
    What was there before is frozen, so that only what is new is looked at: milliseconds, not half a second.
    """
    gc.freeze()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()


class _Checker:
    """Great Expectations in an ephemeral context: no files, no progress bars, nothing sent anywhere."""

    def __init__(self) -> None:
        import great_expectations as gx

        self._context = gx.get_context(mode="ephemeral")
        self._context.enable_analytics(False)
        self._context.variables.progress_bars = {"globally": False}
        asset = self._context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
        self._whole = asset.add_batch_definition_whole_dataframe("whole")

    def check(
        self, promises: Sequence[_Promise], about: _Frame, frame: DataFrame | Batches
    ) -> dict[str, _Tally]:
        """Check every promise made of one frame; tallies by promise."""
        tallies = {promise.id: _Tally(about_rows=_is_about_rows(promise.type)) for promise in promises}
        if callable(frame):
            whole = [
                promise.id
                for promise in promises
                if not tallies[promise.id].about_rows or promise.type in _NEEDS_WHOLE_COLUMN
            ]
            if whole:
                msg = f"{', '.join(whole)} cannot be checked batch by batch; have SQL measure the whole table"
                raise SuiteWrong(msg)
            columns = dict.fromkeys([*about.key, *(name for each in promises for name in each.columns)])
            batches = frame(list(columns))
        else:
            batches = [frame]
        with _cycles_freed() as free:
            for batch in batches:
                self._check_batch(promises, about, batch.reset_index(drop=True), tallies)
                free()
        if not callable(frame) and not about.names_people:
            for promise in promises:
                tally = tallies[promise.id]
                if tally.about_rows and not tally.failing and not tally.error:
                    tally.measured = _range(frame, promise)
        return tallies

    def _check_batch(
        self,
        promises: Sequence[_Promise],
        about: _Frame,
        batch: DataFrame,
        tallies: Mapping[str, _Tally],
    ) -> None:
        for where in dict.fromkeys(promise.where for promise in promises):
            mine = [promise for promise in promises if promise.where == where]
            tested = dict.fromkeys(column for promise in mine for column in promise.tested)
            # Only what is looked at: a condition copies the rows it chooses.
            judged = batch[[column for column in tested if column in batch.columns]] if where else batch
            try:
                rows = judged[_holds(where, batch)] if where else judged
            except (KeyError, TypeError) as failure:
                for promise in mine:
                    tallies[promise.id].error = f"the condition {where} fails: {failure}"
                continue
            for promise, answer in zip(mine, self._answers(mine, rows), strict=True):
                if isinstance(answer, str):
                    tallies[promise.id].error = answer
                else:
                    _add(tallies[promise.id], promise, about, batch, answer)

    def _answers(self, promises: Sequence[_Promise], rows: DataFrame) -> list[Any]:
        """What Great Expectations says of each promise; or why it could not say anything."""
        import great_expectations as gx
        from great_expectations.exceptions import GreatExpectationsError

        suite = gx.ExpectationSuite(name="promises", expectations=[_expectation(each) for each in promises])
        try:
            # SUMMARY with bare row numbers: with key columns Great Expectations looks each failing row up
            # one by one, 2 ms a row, so a million failing rows take half an hour.
            answers = self._whole.get_batch({"dataframe": rows}).validate(
                suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": KEPT_KEYS}
            )
        except GreatExpectationsError as failure:
            return [_first_line(str(failure))] * len(promises)
        by_id = {answer.expectation_config.meta["id"]: answer for answer in answers.results}
        return [by_id[promise.id] for promise in promises]


_BOTH = {ast.And: operator.and_, ast.Or: operator.or_}
_COMPARED = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _holds(where: str, rows: DataFrame) -> Series:
    """For which rows a condition holds: columns, literals, comparisons, and, or, not. Unknown does not hold.

    pandas' own `query` leaves a copy of the rows in a reference cycle every time: at half a million rows and
    ten conditions a gigabyte and more, until the collector comes round.
    """

    def value(node: ast.expr) -> Any:
        match node:
            case ast.BoolOp(op, parts):
                return functools.reduce(_BOTH[type(op)], map(value, parts))
            case ast.UnaryOp(ast.Not(), part):
                return ~value(part)
            case ast.Compare(left, [op], [right]) if type(op) in _COMPARED:
                return _COMPARED[type(op)](value(left), value(right)).fillna(False)
            case ast.Name(name):
                return rows[name]
            case ast.Constant(constant):
                return constant
        msg = f"the condition {where} is no comparison of columns joined by and, or, not"
        raise SuiteWrong(msg)

    return value(ast.parse(where, mode="eval").body).fillna(False).astype(bool)


def _is_about_rows(expectation: str) -> bool:
    from great_expectations.expectations import expectation as kinds
    from great_expectations.expectations.registry import get_expectation_impl

    maps = (kinds.ColumnMapExpectation, kinds.ColumnPairMapExpectation, kinds.MulticolumnMapExpectation)
    return issubclass(get_expectation_impl(expectation), maps)


def _expectation(promise: _Promise) -> dict[str, Any]:
    # `mostly` is applied to the totals of all batches, never to one batch.
    kwargs = dict(promise.kwargs)
    if "column_A" in kwargs:
        kwargs.setdefault("ignore_row_if", "either_value_is_missing")
    return {"type": promise.type, "kwargs": kwargs, "meta": {"id": promise.id}}


def _add(tally: _Tally, promise: _Promise, about: _Frame, batch: DataFrame, answer: Any) -> None:
    """Add what one batch showed to what the batches before it did."""
    error = _error(answer.exception_info)
    if error:
        tally.error = tally.error or error
        return
    found = answer.result
    if not tally.about_rows:
        tally.kept, tally.measured = bool(answer.success), found.get("observed_value")
        if "partial_missing_list" in found:  # of a set of values that must occur
            tally.keys = sorted(map(_key_text, found["partial_missing_list"]))
            tally.measured = f"without {', '.join(tally.keys)}" if tally.keys else "all of them"
        return
    tally.judged += int(found["element_count"]) - int(found.get("missing_count", 0))
    tally.failing += int(found["unexpected_count"])
    room = KEPT_KEYS - len(tally.keys)
    failing = batch.loc[found.get("partial_unexpected_index_list", [])[:room]]
    if len(failing):
        absent = [name for name in about.key if name not in failing.columns]
        if absent:
            tally.error = f"the key column {', '.join(absent)} is not there"
            return
        keys = ["/".join(parts) for parts in _texts(failing, about.key, _key_text)]
        tally.keys += keys
        if not about.names_people and len(tally.examples) < NAMED_KEYS:
            values = [", ".join(parts) for parts in _texts(failing, promise.tested)]
            examples = [f"{key}: {value}" for key, value in zip(keys, values, strict=True)]
            tally.examples = [*tally.examples, *examples][:NAMED_KEYS]


def _texts(
    rows: DataFrame, columns: Sequence[str], spell: Callable[[Any], str] | None = None
) -> list[tuple[str, ...]]:
    return list(zip(*(map(spell or _text, rows[column]) for column in columns), strict=True))


def _key_text(value: Any) -> str:
    """A part of a key, to be searched for as it stands: no thousands separators."""
    return value if isinstance(value, str) else _text(value).replace(",", "")


def _range(batch: DataFrame, promise: _Promise) -> str | None:
    """What a kept promise was judged on: the one value, or from which to which; None says little more."""
    judged = batch[_holds(promise.where, batch)] if promise.where else batch
    values = judged[promise.tested[0]].dropna()
    if len(values) == 1:
        return _text(values.iloc[0])
    if len(values) and values.dtype.kind in "iuf" and {"min_value", "max_value"} & set(promise.kwargs):
        low, high = _text(values.min()), _text(values.max())
        return low if low == high else f"{low} to {high}"
    return None


def _error(information: Mapping[str, Any]) -> str:
    """The first exception of an answer; Great Expectations gives one, or one per metric, in any order."""
    several = [information] if "raised_exception" in information else list(information.values())
    raised = [one["exception_message"] for one in several if one.get("raised_exception")]
    messages = sorted(_first_line(message).removeprefix("Error: ") for message in raised)
    return messages[0] if messages else ""


def _first_line(text: str | None) -> str:
    return (text or "no message").strip().splitlines()[0][:200]


# --- verdicts ----------------------------------------------------------------------------------------------


def _verdict(gate: str, promise: _Promise, tally: _Tally, about: _Frame) -> Verdict:
    if tally.error:
        passed, observed, failing = False, f"could not be checked: {tally.error}", tally.failing
    elif not tally.about_rows:
        passed, observed = tally.kept, _text(tally.measured)
        failing = 0 if passed else max(len(tally.keys), 1)
    elif tally.judged < promise.at_least:
        passed, failing = False, tally.failing
        observed = f"only {tally.judged:,} rows to judge"
    else:
        passed = tally.judged - tally.failing >= promise.mostly * tally.judged
        observed, failing = _observed_rows(tally), tally.failing
    return Verdict(
        gate=gate,
        promise=promise.id,
        subject=promise.subject,
        strength=promise.strength,
        passed=passed,
        observed=observed,
        expected=_expected(promise),
        failing_count=failing,
        failing_keys=tuple(tally.keys),
        text_zh=promise.text_zh,
        text_en=promise.text_en,
    )


def _observed_rows(tally: _Tally) -> str:
    rows = f"{tally.judged:,} row{'' if tally.judged == 1 else 's'}"
    if not tally.judged:
        return "nothing to judge"
    if tally.examples:
        more = tally.failing - len(tally.examples)
        return "; ".join(tally.examples) + (f"; and {more:,} more" if more else "")
    if tally.failing:
        return f"{tally.failing:,} of {rows} ({tally.failing / tally.judged:.2%}) fail"
    if tally.measured is None:
        return f"all {rows}"
    return tally.measured if tally.judged == 1 else f"{tally.measured} in {rows}"


def _expected(promise: _Promise) -> str:
    parts = [_wanted(promise.type, promise.kwargs)]
    if promise.where:
        parts.append(f"where {promise.where}")
    if promise.mostly < 1:
        parts.append(f"in at least {_text(promise.mostly * 100)} % of rows")
    if promise.at_least:
        parts.append(f"({promise.at_least:,} row{'s' if promise.at_least > 1 else ''} or more)")
    return " ".join(parts)


def _wanted(expectation: str, kwargs: Mapping[str, Any]) -> str:
    """A promise in signs an operator of either language reads."""
    if "min_value" in kwargs or "max_value" in kwargs:
        return _bounds(kwargs)
    if "value_set" in kwargs:
        values = ", ".join(_text(value) for value in kwargs["value_set"])
        return {
            "expect_column_values_to_be_in_set": f"one of {values}" if "," in values else f"= {values}",
            "expect_column_distinct_values_to_contain_set": f"among them {values}",
        }.get(expectation, f"{expectation} {values}")
    if "column_B" in kwargs:
        sign = "=" if expectation == "expect_column_pair_values_to_be_equal" else ">"
        return f"{kwargs['column_A']} {'≥' if kwargs.get('or_equal') else sign} {kwargs['column_B']}"
    return {
        "expect_column_values_to_not_be_null": "a value",
        "expect_column_values_to_be_null": "no value",
        "expect_compound_columns_to_be_unique": f"unique by {', '.join(kwargs.get('column_list', ()))}",
        "expect_column_values_to_be_unique": "unique",
    }.get(expectation, expectation.removeprefix("expect_").replace("_", " "))


def _bounds(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and low == high:
        return f"= {_text(low)}"
    below = "<" if kwargs.get("strict_max") else "≤"
    above = ">" if kwargs.get("strict_min") else "≥"
    parts = [] if low is None else [f"{above} {_text(low)}"]
    return " and ".join(parts if high is None else [*parts, f"{below} {_text(high)}"])


def _text(value: Any) -> str:
    """A value in a stable spelling: whole numbers in full, others to four decimals, midnights as days."""
    import numpy as np
    import pandas as pd

    if not isinstance(value, str) and isinstance(value, Iterable):
        return ", ".join(sorted(map(_text, value)))
    if pd.isna(value):
        return "none"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    return _number(value) if isinstance(value, Real | Decimal) else str(value)


def _number(value: Real | Decimal) -> str:
    if value == value // 1:
        return f"{int(value):,}"
    value = float(value)
    if abs(value) < 0.001 or math.isinf(value):
        return f"{value:.3g}"
    return f"{value:,.4f}".rstrip("0").rstrip(".")
