"""One request to a vendor's API: asked again while that may help, and told apart from what never will.

httpx and tenacity do the work: Airflow's own task client rests on the same two, so they are there and kept. A
fault (no connection, a cut or unreadable answer, 5xx, 429) is asked again with growing pauses and is then a
ConnectionError, which Airflow retries later. What would be as wrong the next time is a ValueError.

No message holds an address, a header or anything the vendor wrote, for each of them may carry a secret or a
customer's value; only its error codes are passed on.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

if TYPE_CHECKING:
    from airflow.sdk import Connection

T = TypeVar("T")
Judge = Callable[[int, Any], T]
"""Takes the status and the JSON of an answer (None when it has none); returns what is wanted or raises."""

ATTEMPTS = 6  # with the pauses below about a minute; Airflow's own retries come after
LONGEST_PAUSE_SECONDS = 120
TIMEOUT = httpx.Timeout(60, connect=10)

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ServerFault(ConnectionError):
    """The vendor could not be reached, or answered with a fault or half an answer; later it may not."""


class RateLimited(ServerFault):
    """The vendor refuses because it is asked too often; `after_seconds` is when to ask again, if it said."""

    def __init__(self, message: str, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class AccessRefused(PermissionError, ValueError):
    """Credentials, scopes or permissions are not enough; asking again changes nothing."""


class ConnectionIncomplete(ValueError):
    """The Airflow connection is not there or lacks a field; the message names both."""


class ModuleUnknown(ValueError):
    """The vendor does not know a module that was asked for; the message names it."""


class FieldMissing(ValueError):
    """A field that was asked for is not in the vendor's answer; the message names module and field."""


class AnswerUnexpected(ValueError):
    """An answer is not of the shape the vendor documents; the message names module and code."""


class Secret(str):
    """A text that does not show itself where frames and values are printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Web:
    """The connection to one vendor. `name` stands in messages; `sleep` is given by tests."""

    def __init__(self, name: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        # At INFO it writes a line for every page, with the address.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.name = name
        self.sleep = sleep
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False)  # secrets go to one host only

    def ask(
        self,
        method: str,
        address: str,
        judge: Judge[T],
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> T:
        """Send one request, as often as it takes, and return what `judge` makes of the answer.

        `what` says in messages what was asked for. Raises ServerFault when the last attempt failed, and
        whatever `judge` raises.
        """
        again = Retrying(
            retry=retry_if_exception_type(ServerFault),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            sleep=self.sleep,
            reraise=True,
        )
        question = self._client.build_request(
            method, address, headers=headers, params=params, data=form, json=body
        )
        return again(self._once, question, judge, what)

    def _once(self, question: httpx.Request, judge: Judge[T], what: str) -> T:
        try:
            answer = self._client.send(question)
        except httpx.RequestError as fault:
            # Not chained: its request holds the headers.
            msg = f"{self.name}: {type(fault).__name__} while asking for {what}"
            raise ServerFault(msg) from None
        status = answer.status_code
        if status == 429:
            msg = f"{self.name}: too many requests, while asking for {what}"
            raise RateLimited(msg, _seconds(answer.headers.get("Retry-After")))
        if status >= 500:
            msg = f"{self.name}: status {status} while asking for {what}"
            raise ServerFault(msg)
        return judge(status, self._content(answer, what))

    def _content(self, answer: httpx.Response, what: str) -> Any:
        if not answer.content:
            return None
        try:
            return json.loads(answer.content, parse_float=Decimal)
        except ValueError:
            if answer.status_code >= 300:
                return None
            # Not chained: the error holds the text it could not read.
            msg = f"{self.name}: an answer that is not whole JSON, while asking for {what}"
            raise ServerFault(msg) from None


def code_of(value: Any) -> str:
    """A vendor's error code as it may stand in a message; what does not look like one is not told."""
    text = str(value)
    return text if _CODE.fullmatch(text) else "no code"


def safe_address(address: str, where: str) -> str:
    """An address of a connection without its last slash; refused where secrets would travel unencrypted."""
    parts = urlsplit(address)
    if (parts.scheme != "https" and parts.hostname not in _LOOPBACK) or not parts.hostname:
        msg = f"{where} must be an https:// address"
        raise ConnectionIncomplete(msg)
    return address.rstrip("/")


def airflow_connection(connection_id: str, how_to_add: str) -> Connection:
    """An Airflow connection; ConnectionIncomplete with `how_to_add` when there is none."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        msg = f"there is no Airflow connection {connection_id!r}. {how_to_add}"
        raise ConnectionIncomplete(msg) from None


def fields_of(
    connection: Connection, *, secret: Mapping[str, str], plain: Mapping[str, str]
) -> dict[str, str]:
    """Fields of a connection by their names: `login`, `password`, or a key of its extra.

    `secret` and `plain` map what a field is for to its name; secrets are masked in every log from here on.
    Raises ConnectionIncomplete naming the field that is empty.
    """
    from airflow.sdk.log import mask_secret

    extra = connection.extra_dejson
    found = {}
    for use, name in {**secret, **plain}.items():
        value = getattr(connection, name) if name in ("login", "password") else extra.get(name)
        if not value:
            msg = f"Airflow connection {connection.conn_id!r}: {name} ({use}) is empty"
            raise ConnectionIncomplete(msg)
        found[use] = str(value)
    for use in secret:
        mask_secret(found[use])
        found[use] = Secret(found[use])
    return found


_grow = wait_exponential(multiplier=1, min=1, max=60)


def _pause(state: RetryCallState) -> float:
    """As long as the vendor asked for, else 1, 2, 4 … seconds."""
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.after_seconds if isinstance(fault, RateLimited) else None
    return _grow(state) if asked is None else min(asked, LONGEST_PAUSE_SECONDS)


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is not used by these vendors and not read."""
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
