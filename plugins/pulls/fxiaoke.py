"""The open API of 纷享销客 (Fxiaoke), read-only.

Airflow connection `fxiaoke_default`, type generic: login = appId, password = appSecret, extra =
`{"permanent_code": "…", "open_user_id": "FSUID_…"}`; `host` in extra replaces https://open.fxiaoke.com.

What is relied on, and which page of developer.fxiaoke.com/openapi_v2 (or of the older wiki at
open.fxiaoke.com) says so. The pages were read as others noted them down; nothing was tried with an account.

- Token: POST /cgi/corpAccessToken/get/V2 with appId, appSecret, permanentCode gives corpAccessToken and
  corpId for 7200 s; at most ten calls a minute, never two at once (start/auth/app-info). It travels in the
  body with corpId and currentOpenUserId (start/example/old); the newer way puts it into headers. A
  thirdTraceId, a new UUID each time, stands in the address.
- Errors come with status 200 and an `errorCode` other than 0; 20016 is a token that is wrong or has expired;
  -1 and 50009 a busy server, 14001 and 30004 too many calls, 30002 and 30003 no calls left (全局返回码).
- Records: POST /cgi/crm/v2/data/query, `search_query_info` with limit ≤ 100, filters (field_name, operator,
  field_values as texts; times in milliseconds), orders (fieldName, isAsc), fieldProjection; answered as
  data.dataList (字段值说明). Beyond an offset of 10,000: order by _id, offset 0, and `_id GT` the last one
  seen, until a page is not full (深翻页文档). Done here from the first page on, until a page is empty.
  `BETWEEN` is left aside: no page says whether its ends are included.
- Fields: POST /cgi/crm/v2/object/describe, answered as data.describe.fields by API name.
- 100 calls in 20 s for each interface (频次限制说明): a pause of 0.2 s before each.
- life_status `invalid` (作废) and is_deleted mark what is gone. What was removed for good after that is told
  by no documented query.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseHook

from pulls.pulling import Cursor, Line, Page, Window, flat
from pulls.web import (
    AccessRefused,
    AnswerUnexpected,
    FieldMissing,
    ModuleUnknown,
    RateLimited,
    Secret,
    ServerFault,
    Web,
    airflow_connection,
    code_of,
    fields_of,
    safe_address,
)

CONNECTION = "fxiaoke_default"
HOST = "https://open.fxiaoke.com"
LIMIT = 100
PACE_SECONDS = 0.2

HOW_TO_ADD = (
    "Add one under Admin > Connections: type generic, login = appId, password = appSecret, extra ="
    ' {"permanent_code": "…", "open_user_id": "FSUID_…"}'
)

OBJECTS = {
    "accounts": "AccountObj",
    "contacts": "ContactObj",
    "sales_orders": "SalesOrderObj",
    "sales_order_products": "SalesOrderProductObj",
    "returned_goods": "ReturnedGoodsInvoiceObj",
    "cases": "CasesObj",
    "products": "ProductObj",
}
"""Extract → API name of the object."""

ID, MODIFIED = "_id", "last_modified_time"
OURS = frozenset({"id", "is_deleted"})
"""Columns not asked for by that name: `id` is _id, `is_deleted` what the record says of itself."""

STATE = ("life_status", "is_deleted")
"""Fields that say whether a record is gone; asked for where an object has them."""

_TOKEN_REFUSED = {20016}
_BUSY = {-2, -1, 50009}
_TOO_OFTEN = {14001, 30004}
_USED_UP = {30002, 30003}
_NO_SUCH_OBJECT = {32000}


class TokenExpired(Exception):
    """The corpAccessToken is not taken any more; a new one may be."""


class FxiaokeHook(BaseHook):
    """Airflow's way to Fxiaoke: reads the connection, gives the API."""

    conn_name_attr = "connection_id"
    default_conn_name = CONNECTION
    conn_type = "generic"
    hook_name = "Fxiaoke"

    def __init__(self, connection_id: str = CONNECTION) -> None:
        super().__init__()
        self.connection_id = connection_id

    def get_conn(self) -> Fxiaoke:
        """The API, with no request sent yet. ConnectionIncomplete names what the connection lacks."""
        connection = airflow_connection(self.connection_id, HOW_TO_ADD)
        found = fields_of(
            connection,
            secret={"appSecret": "password", "permanentCode": "permanent_code"},
            plain={"appId": "login", "the employee it reads as": "open_user_id"},
        )
        host = connection.extra_dejson.get("host", HOST)
        return Fxiaoke(
            app_id=found["appId"],
            app_secret=found["appSecret"],
            permanent_code=found["permanentCode"],
            open_user_id=found["the employee it reads as"],
            host=safe_address(host, f"Airflow connection {self.connection_id!r}: host"),
        )


class Fxiaoke:
    """Fxiaoke, as `pulls.pulling.Vendor` wants it. The token is kept in memory only."""

    def __init__(
        self,
        *,
        app_id: str,
        app_secret: str,
        permanent_code: str,
        open_user_id: str,
        host: str = HOST,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._web = Web("Fxiaoke", sleep=sleep)
        self._app_id = app_id
        self._app_secret = Secret(app_secret)
        self._permanent_code = Secret(permanent_code)
        self._open_user_id = open_user_id
        self._host = host
        self._signed: dict[str, str] | None = None
        self._described: dict[str, frozenset[str]] = {}

    def check(self, extract: str, columns: Sequence[str]) -> None:
        """Whether the object still has every declared field.

        A record says nothing of it: fields without a value are left out of the answer.
        """
        name = _object(extract)
        absent = [field for field in columns if field not in OURS and field not in self._fields(name)]
        if absent:
            msg = (
                f"Fxiaoke, {name}: field {', '.join(absent)} is not in its description; "
                "it was renamed, removed, or is hidden from the connection's employee"
            )
            raise FieldMissing(msg)

    def page(self, extract: str, columns: Sequence[str], window: Window, cursor: Cursor | None) -> Page:
        """One page of the window's records, in the order of their ids."""
        name = _object(extract)
        state = [field for field in STATE if field in self._fields(name)]
        last = cursor["last"] if cursor else None
        filters = [_filter(MODIFIED, "LT", _milliseconds(window.until))]
        if window.since:
            filters.append(_filter(MODIFIED, "GTE", _milliseconds(window.since)))
        if last:
            filters.append(_filter(ID, "GT", last))
        asked = {
            "includeNull": True,
            "data": {
                "dataObjectApiName": name,
                "find_explicit_total_num": False,
                "search_query_info": {
                    "limit": LIMIT,
                    "offset": 0,
                    "filters": filters,
                    "orders": [{"fieldName": ID, "isAsc": True}],
                    "fieldProjection": [ID, MODIFIED, *state, *_asked(columns, state)],
                },
            },
        }
        answer = self._post("/cgi/crm/v2/data/query", name, asked)
        records = _within(answer, "data", "dataList")
        if not isinstance(records, list) or not all(isinstance(record, Mapping) for record in records):
            msg = f"Fxiaoke, {name}: the answer has no list of records in data.dataList"
            raise AnswerUnexpected(msg)
        lines = []
        for record in records:
            for field in (ID, MODIFIED):
                if not record.get(field):
                    msg = f"Fxiaoke, {name}: field {field} is not in the answer"
                    raise FieldMissing(msg)
            record_id = str(record[ID])
            if last is not None and record_id <= last:
                # Going on would lose records or never end.
                msg = f"Fxiaoke, {name}: the records do not come in the order of {ID} that was asked for"
                raise AnswerUnexpected(msg)
            last = record_id
            modified_at = _moment(name, record[MODIFIED])
            if window.holds(modified_at):
                lines.append(Line(modified_at, record_id, _values(record, columns)))
        # A page that is not full is said to be the last; an empty one surely is, whatever limit they keep.
        return Page(lines, {"last": last} if records else None)

    def _fields(self, name: str) -> frozenset[str]:
        """The fields an object is described to have; asked for once."""
        if name not in self._described:
            asked = {"apiName": name, "includeDetail": True}
            answer = self._post("/cgi/crm/v2/object/describe", name, {**asked, "data": asked})
            fields = _within(answer, "data", "describe", "fields")
            if not isinstance(fields, Mapping):
                msg = f"Fxiaoke, {name}: its description has no data.describe.fields"
                raise AnswerUnexpected(msg)
            self._described[name] = frozenset(fields)
        return self._described[name]

    # --- requests -------------------------------------------------------------------------------------------

    def _post(self, path: str, what: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """One call with a token that is taken; a token refused is replaced once."""
        for last_try in (False, True):
            signed = self._sign_in()
            self._web.sleep(PACE_SECONDS)
            try:
                return self._web.ask(
                    "POST",
                    f"{self._host}{path}",
                    lambda status, answer: _judged(what, status, answer),
                    what=what,
                    params={"thirdTraceId": str(uuid.uuid4())},
                    body={**signed, **asked},
                )
            except TokenExpired:
                self._signed = None
                if last_try:
                    msg = f"Fxiaoke, {what}: a token just made is refused"
                    raise AccessRefused(msg) from None
        return {}  # never reached: the second try returns or raises

    def _sign_in(self) -> dict[str, str]:
        if self._signed is None:
            from airflow.sdk.log import mask_secret

            answer = self._web.ask(
                "POST",
                f"{self._host}/cgi/corpAccessToken/get/V2",
                _judged_token,
                what="a corpAccessToken",
                params={"thirdTraceId": str(uuid.uuid4())},
                body={
                    "appId": self._app_id,
                    "appSecret": str(self._app_secret),
                    "permanentCode": str(self._permanent_code),
                },
            )
            mask_secret(answer["corpAccessToken"])
            self._signed = {
                "corpAccessToken": Secret(answer["corpAccessToken"]),
                "corpId": str(answer.get("corpId")),
                "currentOpenUserId": self._open_user_id,
            }
        return self._signed


# --- reading answers ----------------------------------------------------------------------------------------


def _judged_token(status: int, answer: Any) -> Mapping[str, Any]:
    code = _code(answer)
    if status == 200 and code == 0 and answer.get("corpAccessToken"):
        return answer
    _raise_if_passing("a corpAccessToken", code)
    msg = f"Fxiaoke: no corpAccessToken, errorCode {code_of(code)}; check appId, appSecret and permanent_code"
    raise AccessRefused(msg)


def _judged(what: str, status: int, answer: Any) -> Mapping[str, Any]:
    code = _code(answer)
    if status == 200 and code == 0:
        return answer
    _raise_if_passing(what, code)
    if code in _TOKEN_REFUSED:
        raise TokenExpired
    trace = code_of(answer.get("traceId")) if isinstance(answer, Mapping) else "none"
    at = f"Fxiaoke, {what}: errorCode {code_of(code)}, traceId {trace}"
    if code in _USED_UP:
        msg = f"{at}: the company's calls of today are used up, or none were bought"
        raise AccessRefused(msg)
    if code in _NO_SUCH_OBJECT:
        msg = f"{at}: the object or a field of the question is not known"
        raise ModuleUnknown(msg)
    if isinstance(code, int) and (10000 <= code < 12000 or 15003 <= code < 21000):
        msg = f"{at}: the app or its employee may not read it; check the connection and the app's permissions"
        raise AccessRefused(msg)
    raise AnswerUnexpected(at)


def _raise_if_passing(what: str, code: Any) -> None:
    if code in _TOO_OFTEN:
        msg = f"Fxiaoke: errorCode {code}, too many calls, while asking for {what}"
        raise RateLimited(msg)
    if code in _BUSY:
        msg = f"Fxiaoke: errorCode {code} while asking for {what}"
        raise ServerFault(msg)


def _code(answer: Any) -> Any:
    return answer.get("errorCode") if isinstance(answer, Mapping) else None


def _within(answer: Any, *names: str) -> Any:
    for name in names:
        answer = answer.get(name) if isinstance(answer, Mapping) else None
    return answer


def _object(extract: str) -> str:
    if extract not in OBJECTS:
        msg = f"Fxiaoke: extract {extract} is not pulled; pulled are {', '.join(sorted(OBJECTS))}"
        raise ModuleUnknown(msg)
    return OBJECTS[extract]


def _asked(columns: Sequence[str], besides: Sequence[str]) -> list[str]:
    return [name for name in columns if name not in OURS and name not in (ID, MODIFIED, *besides)]


def _values(record: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    is_here = record.get("life_status") != "invalid" and record.get("is_deleted") in (None, False, 0, "0")
    ours = {"id": str(record[ID]), "is_deleted": not is_here}
    return {name: flat(record.get(name)) for name in columns if name not in OURS} | ours


def _filter(field: str, operator: str, value: str) -> dict[str, Any]:
    return {"field_name": field, "operator": operator, "field_values": [value]}


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def _moment(name: str, value: Any) -> datetime:
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit():
        msg = f"Fxiaoke, {name}: field {MODIFIED} is no time in milliseconds any more"
        raise FieldMissing(msg)
    return datetime.fromtimestamp(int(value) / 1000, UTC)
