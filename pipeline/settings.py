"""`segmentation.yml`: read, checked against the code's own defaults, and frozen.

Every setting has its default in code beside its use; the file only overrides. A wrong key or value is named
with its line before anything runs.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, make_dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.schemes import Thresholds
from storage.incoming import place

REPOSITORY = Path(__file__).resolve().parents[1]


class SettingsInvalid(ValueError):
    """A key or value of the settings file is wrong; the message names file, line, key and what was wanted."""


@dataclass(frozen=True)
class Schedule:
    """When the daily run starts, in the settings' time zone, and the first and last day it runs for."""

    cron: str = "0 5 * * *"
    training_cron: str = "0 5 1 * *"
    maintenance_cron: str = "0 3 * * 0"
    start: date = date(2020, 1, 1)
    end: date | None = None
    catchup: bool = False


@dataclass(frozen=True)
class Publish:
    """What BI gets: how many of the newest days are kept, and whether CSV copies (with BOM) lie beside."""

    keep: int = 30
    csv: bool = True

    def __post_init__(self) -> None:
        if self.keep < 1:
            msg = f"keep is {self.keep}; at least 1 day must be kept"
            raise ValueError(msg)


def _features() -> type:
    """The thresholds of the SQL as a settings class: names and defaults are those of dbt_project.yml."""
    import yaml

    project = yaml.safe_load((REPOSITORY / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))
    defaults = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in project["vars"][project["name"]].items()
    }

    def check(self: Any) -> None:
        if self.window_days < 30:
            msg = f"window_days is {self.window_days}; a window under 30 days leaves nothing to rank"
            raise ValueError(msg)
        for name, default in defaults.items():
            value = getattr(self, name)
            least = "0 or more" if default == 0 else "more than 0"
            if isinstance(value, int | float) and (value < 0 or (value == 0 and default != 0)):
                msg = f"{name} is {value}; wanted {least}"
                raise ValueError(msg)

    kinds = {
        name: tuple[str, ...] if isinstance(value, tuple) else type(value) for name, value in defaults.items()
    }
    parts = [(name, kinds[name], field(default=value)) for name, value in defaults.items()]
    return make_dataclass("Features", parts, frozen=True, namespace={"__post_init__": check})


Features = _features()


@dataclass(frozen=True)
class Retention:
    """How long what was sent is kept, in days, counted back from the day of the maintenance run.

    `landing_days`: files as they came, from the day they were delivered on. `quarantine_days`: records that
    could not be read, as they came, likewise. `runs_days`: what a run left behind beside what it published.
    """

    landing_days: int = 90
    quarantine_days: int = 30
    runs_days: int = 30

    def __post_init__(self) -> None:
        for name in ("landing_days", "quarantine_days", "runs_days"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}; wanted at least 1 day, or no run could be repeated"
                raise ValueError(msg)


@dataclass(frozen=True)
class Approval:
    """When a person is asked about a month's churn model, and how long.

    `margin`: a gate that holds by less than this share of its limit is close. `response_hours`: after these
    without an answer the model of the month before stays.
    """

    margin: float = 0.05
    response_hours: float = 72.0

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1:
            msg = f"margin is {self.margin}; wanted a share from 0 to 1"
            raise ValueError(msg)
        if self.response_hours <= 0:
            msg = f"response_hours is {self.response_hours}; wanted more than 0, or nobody could answer"
            raise ValueError(msg)


@dataclass(frozen=True)
class Resources:
    """Limits of one build: DuckDB's memory in its own notation, the models that are built at once and share
    it, and the free disk a run must find (GiB).
    """

    memory_limit: str = "4GB"
    models_at_once: int = 2
    min_free_gib: float = 2.0

    def __post_init__(self) -> None:
        if self.models_at_once < 1:
            msg = f"models_at_once is {self.models_at_once}; at least one model has to be built"
            raise ValueError(msg)

    @property
    def of_build(self) -> dict[str, Any]:
        """What `transform.build` takes of them."""
        return {"memory_limit": self.memory_limit, "models_at_once": self.models_at_once}


@dataclass(frozen=True)
class Settings:
    """All settings of one deployment; paths are absolute.

    `incoming` is a folder, or the URL of a bucket (`s3://`, `gs://`, `abfs://`, `oss://`) that is opened with
    the credentials of the Airflow connection `incoming_connection`, or with the environment's.
    `identity` are the columns by which customers of several sources are the same person, the strongest first;
    without any, ids of different sources are different people.
    `what_if` says on which days one step of each threshold is tried on all customers (monthly: on the first);
    it is the one table whose cost grows with schemes times thresholds.
    """

    sources: tuple[str, ...] = ("complete_journey",)
    time_zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    lake: Path = Path("lake")
    incoming: str | Path = Path("extracts")
    incoming_connection: str | None = None
    schedule: Schedule = field(default_factory=Schedule)
    publish: Publish = field(default_factory=Publish)
    features: Features = field(default_factory=Features)  # type: ignore[valid-type]
    resources: Resources = field(default_factory=Resources)
    retention: Retention = field(default_factory=Retention)
    approval: Approval = field(default_factory=Approval)
    approved_shift: tuple[str, ...] = ()
    identity: tuple[Literal["phone_hash", "email_hash", "crm_id"], ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    what_if: Literal["daily", "monthly", "never"] = "daily"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as fault:
            msg = f"time_zone is {self.time_zone!r}; wanted a name of the IANA database, e.g. Asia/Shanghai"
            raise ValueError(msg) from fault
        place(self.incoming, self.incoming_connection)
        if not self.sources:
            msg = "sources is empty; wanted at least one enabled source"
            raise ValueError(msg)
        if len(self.currency) != 3 or not self.currency.isupper():
            msg = f"currency is {self.currency!r}; wanted an ISO 4217 code, e.g. CNY"
            raise ValueError(msg)

    @property
    def incoming_folder(self) -> Path | None:
        """Where extracts are dropped on this machine; None when they come from a bucket."""
        return None if "://" in str(self.incoming) else Path(self.incoming)

    @property
    def fit_hash(self) -> str:
        """SHA-256 over the settings cut-points depend on."""
        return _hash(self._fitted_under())

    @property
    def meaning_hash(self) -> str:
        """SHA-256 over the settings that change what is published (not where or when it is made)."""
        return _hash(
            self._fitted_under() | {"approved_shift": sorted(self.approved_shift), "what_if": self.what_if}
        )

    @property
    def features_hash(self) -> str:
        """SHA-256 over the settings features depend on: two days of different ones cannot be compared."""
        return _hash({name: told for name, told in self._fitted_under().items() if name != "thresholds"})

    def _fitted_under(self) -> dict[str, Any]:
        return {
            # joined customers bear the id of the first source that knows them
            "sources": list(self.sources) if self.identity else sorted(self.sources),
            "identity": list(self.identity),
            "time_zone": self.time_zone,
            "currency": self.currency,
            "features": _plain(self.features),
            "thresholds": _plain(self.thresholds),
        }


def load(path: Path | None = None) -> Settings:
    """The settings of `path`, of the file named by SEGMENTATION_SETTINGS, or of `segmentation.yml`.

    Raises SettingsInvalid naming file, line and key, and FileNotFoundError when there is no file.
    """
    path = Path(path or os.environ.get("SEGMENTATION_SETTINGS") or REPOSITORY / "segmentation.yml").resolve()
    data, lines = _read(path)
    settings = _Checker(path.name, lines).build(Settings, data, ())
    places = {"lake": (path.parent / settings.lake).resolve()}
    if settings.incoming_folder is not None:
        places["incoming"] = (path.parent / settings.incoming_folder).resolve()
    return replace(settings, **places)


def _read(path: Path) -> tuple[dict[str, Any], dict[tuple, int]]:
    """The file as plain data, and the line of every key in it."""
    import yaml

    text = path.read_text(encoding="utf-8")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        msg = f"{path.name}{where}: not readable as YAML: {getattr(fault, 'problem', fault)}"
        raise SettingsInvalid(msg) from fault
    if not isinstance(data, dict):
        msg = f"{path.name} line 1: wanted a mapping of settings, found {type(data).__name__}"
        raise SettingsInvalid(msg)
    lines: dict[tuple, int] = {}

    def walk(node: Any, at: tuple) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*at, key.value)
                if here in lines:
                    msg = f"{path.name} line {key.start_mark.line + 1}: {'.'.join(here)} is set twice"
                    raise SettingsInvalid(msg)
                lines[here] = key.start_mark.line + 1
                walk(value, here)

    walk(root, ())
    return data, lines


@dataclass(frozen=True)
class _Checker:
    """Builds a frozen settings class out of plain data, naming the line of whatever does not fit."""

    file: str
    lines: Mapping[tuple, int]

    def fault(self, at: tuple, what: str) -> SettingsInvalid:
        while at and at not in self.lines:
            at = at[:-1]
        line = f" line {self.lines[at]}" if at else ""
        return SettingsInvalid(f"{self.file}{line}: {'.'.join(map(str, at)) or 'settings'}: {what}")

    def unknown(self, at: tuple, known: Any) -> SettingsInvalid:
        close = difflib.get_close_matches(str(at[-1]), list(known), n=1)
        hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(sorted(known))}"
        return self.fault(at, f"is not a setting; {hint}")

    def build(self, kind: type, data: Any, at: tuple) -> Any:
        if not isinstance(data, dict):
            raise self.fault(at, f"wanted a mapping, found {data!r}")
        hints = typing.get_type_hints(kind)
        known = {item.name: hints[item.name] for item in fields(kind) if not _derived(kind, item)}
        values = {}
        for key, value in data.items():
            if key not in known:
                raise self.unknown((*at, key), known)
            values[key] = self.value(known[key], value, (*at, key))
        missing = [
            item.name
            for item in fields(kind)
            if item.name not in values and item.default is MISSING and item.default_factory is MISSING
        ]
        if missing:
            raise self.fault(at, f"{', '.join(missing)} must be set")
        try:
            return kind(**values)
        except (ValueError, TypeError) as fault:
            named = next((key for key in values if key in str(fault)), None)
            raise self.fault((*at, named) if named else at, str(fault)) from fault

    def value(self, wanted: Any, found: Any, at: tuple) -> Any:  # noqa: PLR0911 - one return per kind of value
        origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
        if origin in (typing.Union, types.UnionType):
            if found is None and type(None) in arguments:
                return None
            rest = [item for item in arguments if item is not type(None)]
            return self.value(rest[0], found, at)
        if origin in (tuple, list):
            if not isinstance(found, list):
                raise self.fault(at, f"wanted a list, found {found!r}")
            return tuple(self.value(arguments[0], item, at) for item in found)
        if is_dataclass(wanted):
            return self.build(wanted, found, at)
        if origin is typing.Literal:
            if found not in arguments:
                raise self.fault(at, f"is {found!r}; wanted one of {', '.join(map(str, arguments))}")
            return found
        if wanted is Path:
            if not isinstance(found, str):
                raise self.fault(at, f"wanted a path, found {found!r}")
            return Path(found)
        if wanted is float and isinstance(found, int) and not isinstance(found, bool):
            return found  # as the defaults are written: 3 and 3.0 would be two settings to the hash
        if wanted is date and isinstance(found, datetime):
            raise self.fault(at, f"wanted a day (YYYY-MM-DD), found {found!r}")
        plain = isinstance(wanted, type) and wanted in (str, int, float, bool, date)
        if plain and (not isinstance(found, wanted) or (wanted is int and isinstance(found, bool))):
            raise self.fault(at, f"wanted {wanted.__name__}, found {found!r}")
        return found


def _derived(kind: type, item: Field) -> bool:
    """Whether a field of a scheme's thresholds is taken from another scheme, so not set in its place."""
    return kind.__module__.startswith("models.") and kind is not Thresholds and "unit" not in item.metadata


def thresholds_as_set(thresholds: Thresholds) -> dict[str, Any]:
    """Thresholds as a settings file would set them: plain data, without what follows from other schemes."""
    return _as_set(thresholds)


def _as_set(value: Any) -> Any:
    if not is_dataclass(value):
        return _plain(value)
    kept = (item.name for item in fields(value) if not _derived(type(value), item))
    return {name: _as_set(getattr(value, name)) for name in kept}


def thresholds_of(told: Mapping[str, Any]) -> Thresholds:
    """The thresholds `thresholds_as_set` told; those that are new since have their defaults.

    Raises SettingsInvalid for one there is no more.
    """
    return _Checker("thresholds of a remembered day", {}).build(Thresholds, dict(told), ())


def _hash(meaning: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A settings class as plain JSON data, for hashing."""
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in sorted(value.items())}
    if isinstance(value, date | Path):
        return str(value)
    return value
