"""The declaration of a source: which files it delivers, when, and what stands in them.

A source is declared once, in `<raw models>/<source>/_<source>__sources.yml`: an ordinary dbt sources file
whose `config.meta` says what dbt does not need to know. The loader, the gate and dbt all read that one file.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from storage import date_format
from storage.naming import MarkerPattern, PathPattern, PatternWrong

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# What the loader adds to every row of raw; no declared column may be called so.
ADDED_BY_LOADER = ("_delivered_on", "_file", "_content", "_record")

# Encodings in which a line end, a quote and a comma are each one byte that is never part of another
# character, so that a file can be cut into records before it is decoded; and UTF-16, which is decoded first.
_ENCODINGS = re.compile(r"utf-8|ascii|iso8859-\d+|cp125\d|gbk|gb18030|big5|utf-16(-le|-be)?")

FORMATS = ("csv", "parquet", "jsonl", "excel", "fixed_width")
# Formats whose records are lines of text, packed or not.
_TEXT = frozenset({"csv", "jsonl", "fixed_width"})
# What else may be declared of how a file of a format is written.
_WRITTEN = {
    "csv": {"delimiter", "encoding", "encoding_candidates", "member"},
    "parquet": set(),
    "jsonl": {"encoding", "encoding_candidates", "member"},
    "excel": {"sheet", "header_row"},
    "fixed_width": {"encoding", "encoding_candidates", "member", "positions", "header_lines"},
}
_TYPES = re.compile(r"varchar|bigint|double|date|timestamp|boolean|decimal\(\d{1,2},\s*\d{1,2}\)")
_NAME = re.compile(r"[a-z][a-z0-9_]*")

# Keys that are dbt's own: dbt checks their values, we only keep a misspelt key from going unseen.
_DBT_ANYWHERE = frozenset({"name", "description", "config", "tags", "tests", "data_tests"})
_DBT_SOURCE = _DBT_ANYWHERE | {
    "tables",
    "quoting",
    "schema",
    "database",
    "loader",
    "loaded_at_field",
    "freshness",
}
_DBT_TABLE = _DBT_ANYWHERE | {"columns", "quoting", "identifier", "loader", "loaded_at_field", "freshness"}
_DBT_COLUMN = _DBT_ANYWHERE | {"data_type", "quote", "constraints"}
_DBT_CONFIG = frozenset(
    {"meta", "enabled", "event_time", "freshness", "loaded_at_field", "loaded_at_query", "tags"}
)
_DBT_META = frozenset({"external_location", "formatter"})  # dbt-duckdb's: where a source is read from

# The canonical entities of staging, in the order of the input contract. `coupon_redemptions` has no staging
# model of its own: its rows are touches, but whether coupons are told of at all is known apart from mailings.
ENTITIES = (
    "customers",
    "orders",
    "order_lines",
    "returns",
    "feedback",
    "survey_responses",
    "service_tickets",
    "usage_events",
    "web_events",
    "interactions",
    "social",
    "referrals",
    "campaigns",
    "campaign_touches",
    "coupon_redemptions",
    "products",
    "regions",
    "holidays",
    "market",
    "feature_releases",
    "loyalty_points",
    "competitors",
)

# How a later delivery stands to the earlier ones: its rows replace those of their keys, it replaces all of
# them, or it replaces the documents it holds.
DELIVERS = ("rows", "snapshot", "documents")

# What a column holds, for whoever must not see it.
CLASSES = ("plain", "id", "personal", "free_text", "money")

_SOURCE_META = frozenset({"time_zone", "currency", "numbered_ids", "mixed_currencies"})
_EXTRACT_META = (
    frozenset({"path", "format", "delimiter", "encoding", "key", "load_column", "event_column"})
    | {"customer_column", "required", "calendar", "except", "simulated", "fills", "delivers", "document"}
    | {"amount", "leaves_out"}
    | {"complete_when", "marker"}
    | {option for options in _WRITTEN.values() for option in options}
)
_COLUMN_META = frozenset({"required", "min", "max", "values", "class", "normalise", "keep_personal"}) | {
    *("start", "width", "sent_as", "date_format"),
}


class DeclarationMissing(FileNotFoundError):
    """An enabled source has no declaration file."""


class DeclarationWrong(ValueError):
    """A declaration file holds a key or value that means nothing; the message says where."""


@dataclass(frozen=True)
class Column:
    """One declared column: its type in SQL's words and what every row's value must keep to.

    `privacy` is the declared class; `normalise` says how a phone number or e-mail address is written before
    it is hashed; `keep_personal` is the reason why a personal value goes into raw as sent. `start` (1 = the
    first) and `width` are its place on a line of fixed width. `sent_as` is its name in the files, where that
    is another one; `date_format` says how its days or instants are written, as `storage.date_format` has it.
    """

    name: str
    data_type: str
    required: bool = False
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    values: tuple[str, ...] = ()
    privacy: str = "plain"
    normalise: str | None = None
    keep_personal: str | None = None
    start: int | None = None
    width: int | None = None
    sent_as: str | None = None
    date_format: str | None = None

    @property
    def sent_name(self) -> str:
        """What the files call the column."""
        return self.sent_as or self.name

    @property
    def is_hashed(self) -> bool:
        """Whether raw holds a keyed hash in the value's place: personal, and no reason given to keep it."""
        return self.privacy == "personal" and self.keep_personal is None

    @property
    def kind(self) -> str:
        """The type without its precision, e.g. `decimal`."""
        return self.data_type.partition("(")[0]


@dataclass(frozen=True)
class Extract:
    """One declared kind of file of a source.

    `path` is below `<incoming>/<source>/`, a pattern as `storage.naming` reads it. A file is whole when it is
    `stable`, or when a `marker` stands beside it.

    `calendar` is `daily`, `weekly:<weekday>` or `any` (never due); `exceptions` are the days on
    which nothing is due all the same. `fills` are the canonical entities its rows go into, `delivers` and
    `document` say what a later delivery replaces. `amount` is the money of a row, in SQL over the declared
    columns, by which raw is reconciled with staging; `leaves_out` is the reason why staging leaves rows out.

    How the file is written: `encoding` is a codec's name, or `detect` with the `encoding_candidates` tried
    behind UTF-8; `member` is a pattern for the file meant in a zip; `sheet` and `header_row` (1 = the first)
    are a workbook's; `positions` (`characters` or `bytes`) and `header_lines` are of fixed width.
    """

    source: str
    name: str
    path: str
    format: str
    delimiter: str
    encoding: str
    key: tuple[str, ...]
    load_column: str | None
    event_column: str | None
    customer_column: str | None
    required: bool
    calendar: str
    exceptions: frozenset[date]
    simulated: bool
    columns: tuple[Column, ...]
    fills: tuple[str, ...] = ()
    delivers: str = "rows"
    document: tuple[str, ...] = ()
    amount: str | None = None
    leaves_out: str | None = None
    complete_when: str = "stable"
    marker: str | None = None
    encoding_candidates: tuple[str, ...] = ()
    member: str | None = None
    sheet: str | None = None
    header_row: int = 1
    positions: str = "characters"
    header_lines: int = 0

    def is_due(self, day: date) -> bool:
        """Whether the calendar promises a delivery with `delivered_on` = `day`."""
        if day in self.exceptions or self.calendar == "any":
            return False
        return self.calendar == "daily" or WEEKDAYS[day.weekday()] == self.calendar.removeprefix("weekly:")

    def delivered_on(self, relative_path: str | Path) -> date | None:
        """The day a file below `<incoming>/<source>/` was delivered on, by its name; None when not ours."""
        return self._pattern.delivered_on(Path(relative_path).as_posix())

    def file_name(self, relative_path: str) -> str:
        """How receipts and raw call a file: its path below the folders all files of the extract share."""
        return self._pattern.below_folder(relative_path)

    def marker_of(self, relative_path: str, day: date) -> str | None:
        """Where, below `<incoming>/<source>/`, the file lies that says this one is whole; None: none does."""
        return MarkerPattern(self.marker).of(relative_path, day) if self.marker else None

    @cached_property
    def _pattern(self) -> PathPattern:
        return PathPattern(self.path)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The declared columns in their declared order."""
        return tuple(column.name for column in self.columns)

    @property
    def sent_names(self) -> tuple[str, ...]:
        """What the files call the declared columns, in their declared order."""
        return tuple(column.sent_name for column in self.columns)


@dataclass(frozen=True)
class Source:
    """A source system. `time_zone` is that of naive timestamps in its files, `currency` of its amounts.

    `numbered_ids`: every customer, order, line and product of it has a whole number for an id.
    `mixed_currencies`: rows say their own currency where it is not the source's. `external_location` is where
    dbt finds its raw.
    """

    name: str
    time_zone: str
    currency: str
    extracts: tuple[Extract, ...]
    numbered_ids: bool = False
    mixed_currencies: bool = False
    external_location: str | None = None


def read(raw_models: Path, enabled: Sequence[str]) -> tuple[Source, ...]:
    """Read the declarations of the enabled sources from dbt's folder of raw models, in the order given.

    Raises DeclarationMissing for a source without a file and DeclarationWrong, naming file, source, table and
    key, for anything that is misspelt, missing or cannot be so.
    """
    return tuple(_read_source(raw_models / name / f"_{name}__sources.yml", name) for name in enabled)


def variables(sources: Sequence[Source]) -> dict[str, Any]:
    """What dbt must know of the enabled sources while it parses, when it cannot read their declarations yet.

    `extracts`: source → its extracts; `fills`: entity → [source, extract] of those that fill it; `resent`:
    entity → the sources among them whose deliveries hold all there is, each time.

    Raises DeclarationWrong for a source dbt would look for in the wrong place.
    """
    for source in sources:
        if f"/raw/{source.name}/{{name}}/" not in (source.external_location or ""):
            wanted = f'external_location: "{_location(source.name)}"'
            msg = f"source {source.name}: external_location: dbt reads raw from there; write\n{wanted}"
            raise DeclarationWrong(msg)
    fills: dict[str, list[list[str]]] = {}
    resent: dict[str, list[str]] = {}
    for source in sources:
        for extract in source.extracts:
            for entity in extract.fills:
                fills.setdefault(entity, []).append([source.name, extract.name])
                if extract.delivers == "snapshot" and source.name not in resent.setdefault(entity, []):
                    resent[entity].append(source.name)
    return {
        "enabled_sources": [source.name for source in sources],
        "numbered_sources": [source.name for source in sources if source.numbered_ids],
        "currencies": {source.name: source.currency for source in sources},
        "mixed_currencies": [source.name for source in sources if source.mixed_currencies],
        "extracts": {source.name: [extract.name for extract in source.extracts] for source in sources},
        "fills": fills,
        "resent": resent,
    }


def _read_source(file: Path, name: str) -> Source:
    if not file.is_file():
        msg = f"source {name} is enabled, but its declaration {file} does not exist"
        raise DeclarationMissing(msg)
    place = _Place(str(file))
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _OneKeyLoader)
    except yaml.YAMLError as wrong:
        raise place.wrong(f"is not YAML: {wrong}") from wrong
    place.mapping(content, {"version", "sources"})
    sources = place.at("sources").sequence(content.get("sources"))
    if len(sources) != 1 or not isinstance(sources[0], dict) or sources[0].get("name") != name:
        raise place.at("sources").wrong(f"must declare exactly one source, called {name}")
    return _source(place.at(f"source {name}"), sources[0], name)


def _location(name: str) -> str:
    """Where dbt finds the raw of a source's tables."""
    folder = f'{{{{ var(\\"lake_root\\") }}}}/raw/{name}/{{name}}/delivered_on=*/*.parquet'
    return f"read_parquet('{folder}', hive_partitioning = true)"


def _source(place: _Place, content: dict[str, Any], name: str) -> Source:
    place.mapping(content, _DBT_SOURCE)
    place.name(name)
    meta = place.meta(content, _SOURCE_META)
    time_zone = place.at("time_zone").text(meta.get("time_zone"))
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise place.at("time_zone").wrong(f"{time_zone!r} is no time zone") from unknown
    currency = place.at("currency").text(meta.get("currency"))
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise place.at("currency").wrong(f"{currency!r} is no currency code such as USD")
    tables = place.at("tables").sequence(content.get("tables"))
    extracts = tuple(_extract(place, table, name) for table in tables)
    place.at("tables").distinct([extract.name for extract in extracts])
    place.at("tables").distinct([extract.path for extract in extracts])
    numbered = place.at("numbered_ids").flag(meta.get("numbered_ids", False))
    mixed = place.at("mixed_currencies").flag(meta.get("mixed_currencies", False))
    return Source(name, time_zone, currency, extracts, numbered, mixed, meta.get("external_location"))


def _extract(source: _Place, content: Any, source_name: str) -> Extract:
    name = source.at("tables").name(content.get("name") if isinstance(content, dict) else None)
    place = source.at(f"table {name}")
    place.mapping(content, _DBT_TABLE)
    meta = place.meta(content, _EXTRACT_META)
    columns = tuple(_column(place, column) for column in place.at("columns").sequence(content.get("columns")))
    names = [column.name for column in columns]
    place.at("columns").distinct(names)

    def among_columns(key: str) -> str | None:
        if meta.get(key) is not None and meta[key] not in names:
            raise place.at(key).wrong(f"{meta[key]!r} is not a declared column")
        return meta.get(key)

    delivers = place.at("delivers").one_of(meta.get("delivers", "rows"), DELIVERS)
    key = place.at("key").sequence(meta.get("key"))
    for column in key:
        if column not in names and not (column == "_record" and delivers == "snapshot"):
            raise place.at("key").wrong(f"{column!r} is not a declared column")
    document = place.at("document").sequence(meta.get("document", []), empty=delivers != "documents")
    for column in document:
        if column not in key or delivers != "documents":
            raise place.at("document").wrong(f"{column!r} must be in the key, and delivers must be documents")
    if delivers != "rows" and meta.get("load_column"):
        raise place.at("load_column").wrong(
            f"only rows have one; {delivers} are replaced by a later delivery"
        )
    fills = tuple(place.at("fills").sequence(meta.get("fills", []), empty=True))
    for entity in fills:
        place.at("fills").one_of(entity, ENTITIES)
    event = among_columns("event_column")
    if event and columns[names.index(event)].kind not in {"date", "timestamp"}:
        raise place.at("event_column").wrong(f"{event} must be a date or a timestamp")
    file_format = place.at("format").one_of(meta.get("format", "csv"), FORMATS)
    written = _written(place, meta, file_format)
    _require_places(place, columns, file_format)
    _require_sent_names(place, columns, file_format)
    return Extract(
        source=source_name,
        name=name,
        path=_path(place.at("path"), meta.get("path"), file_format),
        format=file_format,
        key=tuple(key),
        load_column=among_columns("load_column"),
        event_column=event,
        customer_column=among_columns("customer_column"),
        required=place.at("required").flag(meta.get("required", False)),
        calendar=_calendar(place.at("calendar"), meta.get("calendar", "any")),
        exceptions=_days(place.at("except"), meta.get("except", [])),
        simulated=place.at("simulated").flag(meta.get("simulated", False)),
        columns=columns,
        fills=fills,
        delivers=delivers,
        document=tuple(document),
        **{
            name: None if meta.get(name) is None else place.at(name).text(meta[name])
            for name in ("amount", "leaves_out")
        },
        complete_when=place.at("complete_when").one_of(
            meta.get("complete_when", "stable"), {"stable", "marker"}
        ),
        marker=_marker(place.at("marker"), meta),
        **written,
    )


def _written(place: _Place, meta: dict[str, Any], file_format: str) -> dict[str, Any]:
    """How a file is written, as far as its format leaves it open."""
    for option in {option for options in _WRITTEN.values() for option in options} & set(meta):
        if option not in _WRITTEN[file_format]:
            raise place.at(option).wrong(f"means nothing where the format is {file_format}")
    encoding = _encoding(place.at("encoding"), meta.get("encoding", "utf-8"))
    candidates = place.at("encoding_candidates").sequence(meta.get("encoding_candidates", []), empty=True)
    if candidates and encoding != "detect":
        raise place.at("encoding_candidates").wrong("are only tried with encoding: detect")
    if encoding == "detect" and "encoding_candidates" not in meta:
        candidates = ["gb18030"]
    tried = tuple(_encoding(place.at("encoding_candidates"), each) for each in candidates)
    if "detect" in tried or any(each.startswith("utf-16") for each in tried):
        raise place.at("encoding_candidates").wrong("utf-16 is known by its byte order mark, or declared")
    options: dict[str, Any] = {
        name: place.at(name).text(meta[name]) for name in ("member", "sheet") if meta.get(name) is not None
    }
    return options | {
        "delimiter": _delimiter(place.at("delimiter"), meta.get("delimiter", ",")),
        "encoding": encoding,
        "encoding_candidates": tried,
        "header_row": place.at("header_row").count(meta.get("header_row", 1), least=1),
        "header_lines": place.at("header_lines").count(meta.get("header_lines", 0), least=0),
        "positions": place.at("positions").one_of(
            meta.get("positions", "characters"), ("characters", "bytes")
        ),
    }


def _require_places(place: _Place, columns: Sequence[Column], file_format: str) -> None:
    """Every column of a fixed-width file has its place, and no place is of two; no other file has places."""
    for column in columns:
        at = place.at(f"column {column.name}")
        if (column.start is None) != (column.width is None):
            raise at.wrong("start and width go together")
        if (column.start is None) == (file_format == "fixed_width"):
            raise at.wrong("must have start and width where, and only where, the format is fixed_width")
    ends = 0
    for column in sorted(columns, key=lambda each: each.start or 0):
        if column.start is not None and column.width is not None:
            if column.start <= ends:
                raise place.at(f"column {column.name}").wrong("begins before the column before it ends")
            ends = column.start + column.width - 1


def _require_sent_names(place: _Place, columns: Sequence[Column], file_format: str) -> None:
    """No two columns are one of the file, and none has the name of another declared column there."""
    names = {column.name for column in columns}
    for column in columns:
        at = place.at(f"column {column.name}").at("sent_as")
        if column.sent_as is None:
            continue
        if file_format == "fixed_width":
            raise at.wrong("means nothing where the format is fixed_width: its columns have places, no names")
        if file_format == "csv" and any(sign in column.sent_as for sign in "\r\n"):
            raise at.wrong("is a name on one line")
        if column.sent_as in names - {column.name}:
            raise at.wrong(f"{column.sent_as!r} is the name of another declared column")
    sent = [column.sent_name for column in columns]
    # Of the columns of Parquet, DuckDB does not tell those apart that differ in case alone.
    place.at("sent_as").distinct([name.lower() for name in sent] if file_format == "parquet" else sent)


def _column(table: _Place, content: Any) -> Column:
    name = table.at("columns").text(content.get("name") if isinstance(content, dict) else None)
    place = table.at(f"column {name}")
    place.mapping(content, _DBT_COLUMN)
    if name in ADDED_BY_LOADER:
        raise place.wrong("is a name the loader keeps for itself")
    data_type = place.at("data_type").text(content.get("data_type")).lower()
    if not _TYPES.fullmatch(data_type):
        wanted = "varchar, bigint, double, decimal(p,s), date, timestamp or boolean"
        raise place.at("data_type").wrong(f"{data_type!r} is not one of {wanted}")
    meta = place.meta(content, _COLUMN_META)
    column = Column(
        name,
        data_type,
        required=place.at("required").flag(meta.get("required", False)),
        minimum=_bound(place.at("min"), meta.get("min"), data_type),
        maximum=_bound(place.at("max"), meta.get("max"), data_type),
        values=tuple(str(value) for value in place.at("values").sequence(meta.get("values", []), empty=True)),
        **_privacy(place, meta, data_type),
        sent_as=None if meta.get("sent_as") is None else place.at("sent_as").text(meta["sent_as"]),
        date_format=_date_format(place.at("date_format"), meta.get("date_format"), data_type),
        **{
            name: place.at(name).count(meta[name], least=1)
            for name in ("start", "width")
            if meta.get(name) is not None
        },
    )
    if column.values and column.kind != "varchar":
        raise place.at("values").wrong(f"accepted values are for varchar, not for {data_type}")
    return column


def _privacy(place: _Place, meta: dict[str, Any], data_type: str) -> dict[str, str | None]:
    privacy = place.at("class").one_of(meta.get("class", "plain"), CLASSES)
    normalise, reason = meta.get("normalise"), meta.get("keep_personal")
    if normalise is not None:
        place.at("normalise").one_of(normalise, ("phone", "email"))
    if reason is not None:
        place.at("keep_personal").text(reason)
    if privacy != "personal" and (normalise or reason):
        raise place.wrong("normalise and keep_personal are for columns of class personal")
    if privacy == "personal" and reason is None and data_type != "varchar":
        raise place.at("class").wrong(
            f"a hash is text: declare {data_type} as varchar, or give keep_personal"
        )
    return {"privacy": privacy, "normalise": normalise, "keep_personal": reason}


def _date_format(place: _Place, value: Any, data_type: str) -> str | None:
    if value is None:
        return None
    if data_type not in {"date", "timestamp"}:
        raise place.wrong(f"is of a date or a timestamp, not of {data_type}")
    try:
        date_format.check(place.text(value), data_type)
    except date_format.FormatWrong as wrong:
        raise place.wrong(f"{value!r} {wrong}") from wrong
    return value


def _bound(place: _Place, value: Any, data_type: str) -> int | float | str | None:
    if value is None:
        return None
    if data_type in {"date", "timestamp"}:
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError as wrong:
            raise place.wrong(f"{value!r} is not a day such as 2017-01-31") from wrong
    if data_type in {"varchar", "boolean"}:
        raise place.wrong(f"{data_type} has no smallest or greatest value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise place.wrong(f"{value!r} is not a number")
    return value


def _path(place: _Place, value: Any, file_format: str) -> str:
    path = place.text(value)
    try:
        PathPattern(path)
    except PatternWrong as wrong:
        raise place.wrong(f"{path!r} {wrong}") from wrong
    if path.lower().endswith((".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz")):
        raise place.wrong(f"{path!r}: a file may be packed as .gz, .zst or .zip")
    if path.lower().endswith((".gz", ".zst", ".zip")) and file_format not in _TEXT:
        raise place.wrong(f"{path!r}: {file_format} is compressed as it is, and not read from an archive")
    return path


def _marker(place: _Place, meta: dict[str, Any]) -> str | None:
    if meta.get("complete_when") != "marker":
        if "marker" in meta:
            raise place.wrong("is only looked for with complete_when: marker")
        return None
    marker = place.text(meta.get("marker"))
    try:
        MarkerPattern(marker)
    except PatternWrong as wrong:
        raise place.wrong(f"{marker!r} {wrong}") from wrong
    return marker


def _delimiter(place: _Place, value: Any) -> str:
    delimiter = place.text(value)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n\\':
        raise place.wrong(f"{delimiter!r} is not one ASCII character that can separate columns")
    return delimiter


def _encoding(place: _Place, value: Any) -> str:
    if value == "detect":
        return "detect"
    try:
        encoding = codecs.lookup(place.text(value)).name
    except LookupError as unknown:
        raise place.wrong(f"{value!r} is no encoding") from unknown
    if not _ENCODINGS.fullmatch(encoding):
        raise place.wrong(f"{value!r} is not read; have the source send UTF-8")
    return encoding


def _calendar(place: _Place, value: Any) -> str:
    return place.one_of(value, {"daily", "any", *(f"weekly:{weekday}" for weekday in WEEKDAYS)})


def _days(place: _Place, value: Any) -> frozenset[date]:
    try:
        return frozenset(date.fromisoformat(str(day)) for day in place.sequence(value, empty=True))
    except ValueError as wrong:
        raise place.wrong(f"{wrong}; days are written as 2017-12-26") from wrong


@dataclass(frozen=True)
class _Place:
    """Where in which file we are, for messages, and the checks whose failing needs one."""

    path: str

    def at(self, name: str) -> _Place:
        return _Place(f"{self.path}: {name}")

    def wrong(self, what: str) -> DeclarationWrong:
        return DeclarationWrong(f"{self.path}: {what}")

    def mapping(self, value: Any, known: Collection[str]) -> None:
        if not isinstance(value, dict):
            raise self.wrong(f"must be a mapping, is {value!r}")
        for key in value:
            if key not in known:
                raise self.at(str(key)).wrong(f"is not a key known here; known: {', '.join(sorted(known))}")

    def meta(self, content: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
        config = content.get("config") or {}
        self.at("config").mapping(config, _DBT_CONFIG)
        meta = config.get("meta") or {}
        self.at("config.meta").mapping(meta, known | _DBT_META)
        return meta

    def sequence(self, value: Any, *, empty: bool = False) -> list[Any]:
        if not isinstance(value, list) or (not value and not empty):
            raise self.wrong(f"must be a list{'' if empty else ' with something in it'}, is {value!r}")
        return value

    def text(self, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise self.wrong(f"must be text, is {value!r}")
        return value

    def name(self, value: Any) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self.wrong(f"{value!r} is not a name of small letters, digits and underscores")
        return value

    def flag(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.wrong(f"must be true or false, is {value!r}")
        return value

    def count(self, value: Any, *, least: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(f"must be a whole number of {least} or more, is {value!r}")
        return value

    def one_of(self, value: Any, accepted: Collection[str]) -> str:
        if value not in accepted:
            raise self.wrong(f"{value!r} is not one of {', '.join(sorted(accepted))}")
        return value

    def distinct(self, values: list[str]) -> None:
        for value in values:
            if values.count(value) > 1:
                raise self.wrong(f"{value!r} is declared more than once")


class _OneKeyLoader(yaml.SafeLoader):
    """YAML as always, but a key given twice in one mapping is an error: the first would be lost silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                msg = f"key {key!r} is given more than once"
                raise yaml.constructor.ConstructorError(None, None, msg, node.start_mark)
        return super().construct_mapping(node, deep)
