"""Places files come from: a folder, or a bucket of S3, Google Cloud, Azure or Alibaba Cloud (OSS).

A place lists its files and gives their bytes; it is never written to. A bucket is read through its fsspec
driver, an optional extra of this project, with the credentials of an Airflow connection or, when none is
named, those the driver finds in its environment. The lake itself stays on a POSIX file system.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PIECE = 1 << 20
# Of a bucket so much is asked for at once: a request costs some 50 ms, whatever it brings.
_REMOTE_PIECE = 8 << 20
# What Airflow calls a connection whose type belongs to a provider that is not installed; none is needed here.
_ANY_TYPE = "generic"


class IncomingWrong(ValueError):
    """The place, its connection or its driver is not as the settings say; trying again would not help."""


class ConnectionUnknown(LookupError):
    """Airflow knows no connection of this name, or could not be asked."""


class PlaceUnreachable(ConnectionError):
    """A place did not answer, or not to the end. The next try may find it."""


class FolderMissing(FileNotFoundError):
    """The incoming folder is not there: not mounted, or not what the settings name."""


@dataclass(frozen=True)
class Found:
    """A file of a place: its path below it, its size in bytes, when it was last written.

    `version` differs whenever the bytes may differ; None when the place cannot tell. `settled_after_ns` is
    the instant (ns) before which the same version could still be given to other bytes, as file systems count
    time in steps; None when it never can.
    """

    path: str
    size: int
    version: str | None
    modified_at: str | None
    settled_after_ns: int | None = None


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, or mounted on it."""

    root: Path

    def __str__(self) -> str:
        return str(self.root)

    def files(self, folder: str) -> list[Found]:
        """Every file below `folder`, by path. Links to folders are not followed."""
        if not self.root.is_dir():
            msg = f"the incoming folder {self.root} does not exist"
            raise FolderMissing(msg)
        if not (self.root / folder).is_dir():  # a source that has sent nothing yet
            return []
        found = []
        for parent, _, names in os.walk(self.root / folder, onerror=_raise):
            for name in names:
                path = Path(parent, name)
                try:
                    status = path.stat()
                except FileNotFoundError:  # given another name meanwhile: found there, or the next time
                    continue
                if path.is_file():
                    found.append(_found(path.relative_to(self.root).as_posix(), status))
        return sorted(found, key=lambda each: each.path)

    def pieces(self, file: Found) -> Iterator[bytes]:
        """The bytes of a file, piece by piece."""
        with (self.root / file.path).open("rb") as opened:
            while piece := opened.read(_PIECE):
                yield piece

    def url(self, file: Found) -> str:
        """Where the file lies, for people."""
        return str(self.root / file.path)


def _raise(fault: OSError) -> None:
    """A folder that cannot be looked into is no empty one, as `os.walk` would have it."""
    raise fault


def _found(path: str, status: os.stat_result) -> Found:
    # The time of change moves on with a rename or a write that sets the time of writing back, as rsync does.
    version = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"
    last = max(status.st_mtime_ns, status.st_ctime_ns)
    return Found(path, status.st_size, version, as_instant(status.st_mtime_ns), last)


def as_instant(nanoseconds: int) -> str:
    """A file system's time as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).isoformat()


@dataclass(frozen=True)
class Bucket:
    """A bucket, or a folder in it, by its URL; `connection` is the id of an Airflow connection or None."""

    address: str
    connection: str | None = None
    _driver: _Driver = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        scheme = self.address.partition("://")[0]
        if scheme not in _DRIVERS:
            msg = f"incoming is {self.address!r}; wanted a folder, or a URL that starts with "
            raise IncomingWrong(msg + ", ".join(f"{known}://" for known in _DRIVERS))
        object.__setattr__(self, "_driver", _DRIVERS[scheme])

    def __str__(self) -> str:
        return self.address

    def files(self, folder: str) -> list[Found]:
        """Every object below `folder`, by path."""
        with self._explained():
            listed = self._files.find(f"{self._root}/{folder}", detail=True)
            if not listed:
                self._require_bucket()
        below = len(self._root) + 1
        found = (
            self._object(name[below:], facts)
            for name, facts in listed.items()
            if facts["type"] == "file" and not name.endswith("/")
        )
        return sorted(found, key=lambda each: each.path)

    def pieces(self, file: Found) -> Iterator[bytes]:
        """The bytes of an object, piece by piece.

        Raises PlaceUnreachable also when fewer or more came than the object has.
        """
        came = 0
        with self._explained(self.url(file)):
            opened = self._files.open(
                f"{self._root}/{file.path}", "rb", block_size=_REMOTE_PIECE, cache_type="none"
            )
            with opened:
                while piece := opened.read(_REMOTE_PIECE):
                    came += len(piece)
                    yield piece
        if came != file.size:
            msg = f"{self.url(file)} has {file.size} bytes, and {came} came"
            raise PlaceUnreachable(msg)

    def url(self, file: Found) -> str:
        """Where the object lies, for people."""
        return f"{self.address.rstrip('/')}/{file.path}"

    def _require_bucket(self) -> None:
        """Tell a folder nothing was sent to from a bucket that is not there: a driver's listing does not.

        The bucket's own root is asked for last: who may read one folder only is refused there.
        """
        try:
            self._files.ls(self._root, detail=False)
        except FileNotFoundError:
            self._files.ls(self._root.partition("/")[0], detail=False)

    def _object(self, path: str, facts: Mapping[str, Any]) -> Found:
        tag = next((facts[key] for key in ("ETag", "etag", "generation", "md5Hash") if facts.get(key)), None)
        times = ("LastModified", "last_modified", "updated", "mtime")
        modified = next((facts[key] for key in times if facts.get(key)), None)
        version = None if tag is None else f"{facts['size']}-{tag}-{_instant(modified)}"
        return Found(path, int(facts["size"]), version, _instant(modified))

    @cached_property
    def _root(self) -> str:
        # To OSS, too, the driver of S3 speaks: it knows paths without a scheme only, and its own.
        address = self.address.removeprefix("oss://")
        return self._files._strip_protocol(address).rstrip("/")

    @cached_property
    def _files(self) -> Any:
        """The driver's file system; nothing of it is shared, so that no listing is an old one."""
        file_system = getattr(self._driver.load(self.address), self._driver.file_system)
        options = self._driver.options(self._credentials(), self.address)
        try:
            return file_system(**options, skip_instance_cache=True, use_listings_cache=False)
        except (KeyError, TypeError) as wrong:  # a key file without all its keys, for one
            msg = f"{self.address} cannot be opened with connection {self.connection!r} as it is "
            raise IncomingWrong(msg + f"({type(wrong).__name__} {wrong})") from None

    def _credentials(self) -> _Credentials | None:
        if self.connection is None:
            return None
        from airflow.sdk import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            known = Connection.get(self.connection)
        except AirflowNotFoundException as unknown:
            msg = f"{self.address}: Airflow knows no connection {self.connection!r}"
            raise ConnectionUnknown(msg) from unknown
        if known.conn_type not in (*self._driver.connection_types, _ANY_TYPE):
            wanted = " or ".join((*self._driver.connection_types, _ANY_TYPE))
            found = f"connection {self.connection!r} is of type {known.conn_type!r}"
            msg = f"{found}; {self.address} wants {wanted}"
            raise IncomingWrong(msg)
        try:
            extra = json.loads(known.extra or "{}")
        except ValueError:
            # Without the original: it quotes the text, and secrets stand in it.
            msg = f"the extra of connection {self.connection!r} is no JSON"
            raise IncomingWrong(msg) from None
        return _Credentials(self.connection, known.login, known.password, known.host, extra)

    @contextmanager
    def _explained(self, file: str | None = None) -> Iterator[None]:
        """Say a driver's fault in our words: drivers' messages can hold signed addresses and tokens.

        A `file` was listed: when it is not there any more, the next listing will tell.
        """
        try:
            yield
        except IncomingWrong:
            raise
        except self._driver.faults() as fault:
            kind, codes = _kind(fault)
            by = (
                f"connection {self.connection!r}" if self.connection else "the credentials of the environment"
            )
            said = ", ".join(dict.fromkeys(codes))
            if kind == "refused":
                msg = f"{self.address} refuses {by} ({said})"
                raise IncomingWrong(msg) from None
            if kind == "wrong":
                msg = f"{self.address} cannot be opened with {by} as it is ({said})"
                raise IncomingWrong(msg) from None
            if kind == "missing" and file is None:
                msg = f"{self.address} is not there, as seen with {by} ({said})"
                raise IncomingWrong(msg) from None
            msg = f"{file or self.address} could not be read with {by} ({said})"
            raise PlaceUnreachable(msg) from None


def place(incoming: str | Path, connection: str | None = None) -> Folder | Bucket:
    """The place the setting `incoming` names: a bucket by its URL, else a folder."""
    if "://" in str(incoming):
        return Bucket(str(incoming), connection)
    if connection is not None:
        msg = f"incoming_connection is {connection!r}, but incoming is the folder {incoming}"
        raise IncomingWrong(msg)
    return Folder(Path(incoming))


# --- drivers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Credentials:
    """What an Airflow connection says. Never printed."""

    connection: str
    login: str | None = field(repr=False)
    password: str | None = field(repr=False)
    host: str | None = field(repr=False)
    extra: Mapping[str, Any] = field(repr=False)

    def only(self, *known: str) -> Mapping[str, Any]:
        """The extra, when all its keys are known: one that is passed over may be the one that matters."""
        for key in self.extra:
            if key not in known:
                msg = f"connection {self.connection!r}: {key} in its extra is not known here; known: "
                raise IncomingWrong(msg + ", ".join(known))
        return self.extra


@dataclass(frozen=True)
class _Driver:
    """A fsspec driver: where it is, what it raises, and how a connection's fields are called there."""

    module: str
    file_system: str
    extra: str
    connection_types: tuple[str, ...]
    fault_classes: tuple[str, ...]
    options: Callable[[_Credentials | None, str], dict[str, Any]]

    def load(self, address: str) -> Any:
        # Azure's client logs every header of every request, Google's every failed try with its traceback.
        logging.getLogger("azure").setLevel(logging.WARNING)
        logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as missing:
            msg = (
                f"{address} needs the package {self.module.partition('.')[0]}, and {missing.name} is not "
                f"installed: pip install '.[{self.extra}]'"
            )
            raise IncomingWrong(msg) from missing

    def faults(self) -> tuple[type[BaseException], ...]:
        found: list[type[BaseException]] = [OSError, asyncio.TimeoutError, ValueError]
        for name in self.fault_classes:
            module, _, kind = name.rpartition(".")
            found.append(getattr(importlib.import_module(module), kind))
        return tuple(found)


def _s3(credentials: _Credentials | None, _: str) -> dict[str, Any]:
    if credentials is None:
        return {}
    extra = credentials.only("endpoint_url", "region_name", "aws_session_token", "profile_name", "verify")
    client = {key: extra[key] for key in ("endpoint_url", "region_name", "verify") if key in extra}
    return _given(
        key=credentials.login,
        secret=credentials.password,
        token=extra.get("aws_session_token"),
        profile=extra.get("profile_name"),
        client_kwargs=client,
    )


def _gs(credentials: _Credentials | None, _: str) -> dict[str, Any]:
    # The driver's own default ends in trying without credentials at all, which hides that they are missing.
    if credentials is None:
        return {"token": "google_default"}
    extra = credentials.only("keyfile_dict", "key_path", "project", "is_anonymous", "endpoint_url")
    token: Any = extra.get("keyfile_dict") or extra.get("key_path") or "google_default"
    if extra.get("is_anonymous"):
        token = "anon"
    elif isinstance(token, str) and token.lstrip().startswith("{"):
        token = json.loads(token)
    return _given(token=token, project=extra.get("project"), endpoint_url=extra.get("endpoint_url"))


def _abfs(credentials: _Credentials | None, _: str) -> dict[str, Any]:
    if credentials is None:
        return {"anon": False}
    extra = credentials.only("connection_string", "sas_token", "tenant_id", "account_name")
    if extra.get("connection_string"):
        return {"connection_string": extra["connection_string"]}
    if extra.get("tenant_id"):  # login and password are then those of an application
        return _given(
            account_name=extra.get("account_name"),
            tenant_id=extra["tenant_id"],
            client_id=credentials.login,
            client_secret=credentials.password,
        )
    options = _given(
        account_name=extra.get("account_name") or credentials.login,
        account_key=credentials.password,
        sas_token=extra.get("sas_token"),
    )
    return options | {"anon": False}


def _oss(credentials: _Credentials | None, address: str) -> dict[str, Any]:
    """OSS by its S3 interface, as Alibaba Cloud documents it: the bucket in the host name, signatures of V2.

    The driver of its own, ossfs, says of a bucket it may not list that it is empty.
    """
    if credentials is None:
        msg = f"{address} wants incoming_connection: which endpoint to ask is nowhere in the environment"
        raise IncomingWrong(msg)
    extra = credentials.only("region", "endpoint", "security_token", "addressing_style")
    if not extra.get("endpoint") and not extra.get("region"):
        msg = f"connection {credentials.connection!r} must say region (cn-hangzhou) or endpoint in its extra"
        raise IncomingWrong(msg)
    if not credentials.login or not credentials.password:  # without, the driver would look for AWS's own
        msg = (
            f"connection {credentials.connection!r} must hold an AccessKey: login its id, password its secret"
        )
        raise IncomingWrong(msg)
    endpoint = extra.get("endpoint") or f"https://s3.oss-{extra['region']}.aliyuncs.com"
    style = extra.get("addressing_style", "virtual")
    return _given(
        key=credentials.login,
        secret=credentials.password,
        token=extra.get("security_token"),
        client_kwargs={"endpoint_url": endpoint, "region_name": extra.get("region", "aws-global")},
        config_kwargs={"signature_version": "s3", "s3": {"addressing_style": style}},
    )


def _given(**options: Any) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value}


_AWS_FAULTS = ("botocore.exceptions.BotoCoreError", "botocore.exceptions.ClientError", "aiohttp.ClientError")
_S3 = _Driver("s3fs", "S3FileSystem", "s3", ("aws", "s3"), _AWS_FAULTS, _s3)
_GS = _Driver(
    "gcsfs.core",
    "GCSFileSystem",
    "gcs",
    ("google_cloud_platform",),
    ("gcsfs.retry.HttpError", "google.auth.exceptions.GoogleAuthError", "aiohttp.ClientError"),
    _gs,
)
_ABFS = _Driver(
    "adlfs",
    "AzureBlobFileSystem",
    "azure",
    ("wasb", "adls"),
    ("azure.core.exceptions.AzureError", "aiohttp.ClientError"),
    _abfs,
)
_OSS = _Driver("s3fs", "S3FileSystem", "s3", ("oss",), _AWS_FAULTS, _oss)
_DRIVERS = {"s3": _S3, "gs": _GS, "abfs": _ABFS, "abfss": _ABFS, "oss": _OSS}

_REFUSED = frozenset(
    {"401", "403", "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
) | {
    "DefaultCredentialsError",
    "RefreshError",
    "ClientAuthenticationError",
}


def _kind(fault: BaseException) -> tuple[str, list[str]]:
    """Whether a place refused, has not got it, was asked wrongly or did not answer; and by which codes."""
    codes, kinds, one = [], set(), fault
    seen: list[BaseException] = []
    while one is not None and one not in seen:
        seen.append(one)
        said = [type(one).__name__, *_codes(one)]
        codes += said
        if isinstance(one, PermissionError) or _REFUSED & {*said}:
            kinds.add("refused")
        if isinstance(one, ValueError):
            kinds.add("wrong")
        if isinstance(one, FileNotFoundError) or {"404"} & {*said}:
            kinds.add("missing")
        one = one.__cause__
    return next((kind for kind in ("refused", "missing", "wrong") if kind in kinds), "unreachable"), codes


def _codes(fault: BaseException) -> Iterator[str]:
    answer = getattr(fault, "response", None)
    if isinstance(answer, dict):  # botocore
        yield str(answer.get("Error", {}).get("Code", ""))
        yield str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    for name in ("code", "status_code", "status"):
        value = getattr(fault, name, None)
        if isinstance(value, int | str) and str(value).isalnum():
            yield str(value)


def _instant(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, int | float):
        return as_instant(int(value) * 10**9)
    return value if isinstance(value, str) else None
