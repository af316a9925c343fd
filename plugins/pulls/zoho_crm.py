"""Zoho CRM's REST API, version 8, read-only.

Airflow connection `zoho_crm_default`, type generic: login = client id, password = client secret, extra =
`{"refresh_token": "…", "accounts_url": "https://accounts.zoho.com"}`; `api_domain` in extra replaces the one
Zoho answers with the token.

What is relied on, and which public page says so; nothing was tried with an account:

- Tokens: POST {accounts_url}/oauth/v2/token with grant_type=refresh_token gives an access token for 3600 s
  (zoho.com/assist/api/refresh-access-token.html, the same text in the documentation of Zoho's products).
- Records: GET {api_domain}/crm/v8/{module}, `fields` required and at most 50, `per_page` at most 200,
  `sort_by` id, Created_Time or Modified_Time; `info.more_records` and `info.next_page_token`; a page token
  serves only the same parameters (TOKEN_BOUND_DATA_MISMATCH), expires (EXPIRED_VALUE) and reaches 100,000
  records (PAGINATION_LIMIT_EXCEEDED); 204 for none (github.com/zoho/crm-oas, v8.0/record: getRecords).
- `If-Modified-Since` on records (zoho.com/crm/developer/docs/api/v2/get-records.html, v5 the same; the v8
  description leaves it out). A server that ignored it would cost requests, not rows: the window is held here.
- Deleted: GET {module}/deleted with `type`, `page`, `per_page` and `If-Modified-Since`; `deleted_time`
  (github.com/zoho/crm-oas, v8.0/record: getDeletedRecords).
- Lines of an order are a subform: GET {module}/{id} (zoho.com/crm/developer/docs/api/v8/subforms.html).
- Too many requests: 429 (zoho.com/crm/developer/docs/api/v2/api-limits.html). `X-RATELIMIT-RESET` is an
  instant, and there is no clock here: the pauses grow, or are what Retry-After says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

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

CONNECTION = "zoho_crm_default"
PER_PAGE = 200
MOST_FIELDS = 50
MOST_RESTARTS = 3  # from one modified time, when page tokens are lost

HOW_TO_ADD = (
    "Add one under Admin > Connections: type generic, login = client id, password = client secret, extra ="
    ' {"refresh_token": "…", "accounts_url": "https://accounts.zoho.com"}'
)


@dataclass(frozen=True)
class Module:
    """Where an extract comes from; `subform` when its rows are the lines within the module's records."""

    name: str
    subform: str | None = None


MODULES = {
    "accounts": Module("Accounts"),
    "contacts": Module("Contacts"),
    "deals": Module("Deals"),
    "sales_orders": Module("Sales_Orders"),
    "order_items": Module("Sales_Orders", subform="Ordered_Items"),
    "cases": Module("Cases"),
    "products": Module("Products"),
}
"""Extract → module of Zoho CRM."""

OURS = frozenset({"is_deleted", "Parent_Id"})
"""Columns not asked for: `is_deleted` marks a tombstone, `Parent_Id` is the order a line was found in."""


class TokenExpired(Exception):
    """The access token is not taken any more; a new one may be."""


class PagesLost(Exception):
    """A page token is of no use any more: go on from the modified time of the last record."""


class ZohoCrmHook(BaseHook):
    """Airflow's way to Zoho CRM: reads the connection, gives the API."""

    conn_name_attr = "connection_id"
    default_conn_name = CONNECTION
    conn_type = "generic"
    hook_name = "Zoho CRM"

    def __init__(self, connection_id: str = CONNECTION) -> None:
        super().__init__()
        self.connection_id = connection_id

    def get_conn(self) -> ZohoCrm:
        """The API, with no request sent yet. ConnectionIncomplete names what the connection lacks."""
        connection = airflow_connection(self.connection_id, HOW_TO_ADD)
        found = fields_of(
            connection,
            secret={"client secret": "password", "refresh token": "refresh_token"},
            plain={"client id": "login", "address of the accounts server": "accounts_url"},
        )
        where = f"Airflow connection {self.connection_id!r}"
        api_domain = connection.extra_dejson.get("api_domain")
        return ZohoCrm(
            client_id=found["client id"],
            client_secret=found["client secret"],
            refresh_token=found["refresh token"],
            accounts_url=safe_address(found["address of the accounts server"], f"{where}: accounts_url"),
            api_domain=safe_address(api_domain, f"{where}: api_domain") if api_domain else None,
        )


class ZohoCrm:
    """Zoho CRM, as `pulls.pulling.Vendor` wants it. The access token is kept in memory only."""

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        accounts_url: str,
        api_domain: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._web = Web("Zoho CRM", sleep=sleep)
        self._client_id = client_id
        self._client_secret = Secret(client_secret)
        self._refresh_token = Secret(refresh_token)
        self._accounts_url = accounts_url
        self._api_domain = api_domain
        self._token: Secret | None = None

    # --- what a pull asks -----------------------------------------------------------------------------------

    def check(self, extract: str, columns: Sequence[str]) -> None:
        """Whether the extract has a module and few enough fields; the pages say whether they are there."""
        module = _module(extract)
        asked = _asked(module, columns)
        if len(asked) > MOST_FIELDS:
            msg = (
                f"Zoho CRM, {module.name}: {len(asked)} fields are declared; at most {MOST_FIELDS} are given"
            )
            raise FieldMissing(msg)

    def page(self, extract: str, columns: Sequence[str], window: Window, cursor: Cursor | None) -> Page:
        """One page: first the records in the order of their modified time, then the deleted ones."""
        module = _module(extract)
        if cursor is None:
            cursor = {"stage": "records", "since": _iso(window.since), "token": None, "seen": None, "lost": 0}
        if cursor["stage"] == "deleted":
            return self._deleted(module, window, cursor)
        try:
            return self._records(module, columns, window, cursor)
        except PagesLost as lost:
            return Page((), _after_lost_pages(module, cursor, lost))

    # --- records --------------------------------------------------------------------------------------------

    def _records(self, module: Module, columns: Sequence[str], window: Window, cursor: Cursor) -> Page:
        asked = ["id", "Modified_Time"] if module.subform else _asked(module, columns)
        params = {
            "fields": ",".join(asked),
            "per_page": str(PER_PAGE),
            "sort_by": "Modified_Time",
            "sort_order": "asc",
        }
        if cursor["token"]:
            params["page_token"] = cursor["token"]
        answer = self._get(module.name, module.name, params, since=cursor["since"])
        records, info = _rows_of(module.name, answer)
        lines: list[Line] = []
        passed = False
        seen = cursor["seen"]
        for record in records:
            _require(module.name, record, asked)
            modified_at = _moment(module.name, "Modified_Time", record["Modified_Time"])
            seen = modified_at.isoformat()
            passed = modified_at >= window.until
            if passed:
                break
            if not window.holds(modified_at):
                continue
            if module.subform:
                lines += self._lines_of_order(module, columns, str(record["id"]), modified_at)
            else:
                lines.append(_line(modified_at, record, columns))
        token = info.get("next_page_token")
        if info.get("more_records") and not passed:
            if not token:
                msg = f"Zoho CRM, {module.name}: more records follow, but there is no next_page_token"
                raise AnswerUnexpected(msg)
            return Page(lines, {**cursor, "token": token, "seen": seen})
        return Page(lines, {"stage": "deleted", "page": 1})

    def _lines_of_order(
        self, module: Module, columns: Sequence[str], order_id: str, modified_at: datetime
    ) -> list[Line]:
        """The lines of one order; a tombstone when it has none, for the order replaces what it had."""
        what = f"{module.name}.{module.subform}"
        answer = self._get(f"{module.name}/{quote(order_id, safe='')}", what, {})
        records, _ = _rows_of(module.name, answer)
        if not records:
            return []  # deleted meanwhile: the next window has the tombstone
        _require(module.name, records[0], [module.subform])
        items = records[0][module.subform] or []
        for item in items:
            _require(what, item, _asked(module, columns))
        here = {"Parent_Id": order_id, "is_deleted": False}
        return [
            Line(modified_at, f"{order_id}.{item['id']}", _values(item, columns) | here) for item in items
        ] or [Line(modified_at, order_id, {"Parent_Id": order_id, "is_deleted": True})]

    # --- deleted records ------------------------------------------------------------------------------------

    def _deleted(self, module: Module, window: Window, cursor: Cursor) -> Page:
        """Tombstones: id and time, nothing of what the record held (`display_name` is a person's name)."""
        params = {"type": "all", "page": str(cursor["page"]), "per_page": str(PER_PAGE)}
        what = f"{module.name}/deleted"
        answer = self._get(what, what, params, since=_iso(window.since))
        records, info = _rows_of(what, answer)
        lines = []
        for record in records:
            _require(what, record, ["id", "deleted_time"])
            deleted_at = _moment(what, "deleted_time", record["deleted_time"])
            if window.holds(deleted_at):
                record_id = str(record["id"])
                values = (
                    {"Parent_Id": record_id}
                    if module.subform
                    else {"id": record_id, "Modified_Time": flat(record["deleted_time"])}
                )
                lines.append(Line(deleted_at, record_id, values | {"is_deleted": True}))
        more = info.get("more_records")
        return Page(lines, {"stage": "deleted", "page": cursor["page"] + 1} if more else None)

    # --- requests -------------------------------------------------------------------------------------------

    def _get(self, path: str, what: str, params: Mapping[str, str], since: str | None = None) -> Any:
        """One GET with a token that is taken; a token refused is replaced once."""
        for last_try in (False, True):
            token = self._access_token()
            headers = {"Authorization": f"Zoho-oauthtoken {token}"}
            if since:
                headers["If-Modified-Since"] = since
            try:
                return self._web.ask(
                    "GET",
                    f"{self._api_domain}/crm/v8/{path}",
                    lambda status, answer: _judged(what, status, answer),
                    what=what,
                    headers=headers,
                    params=params,
                )
            except TokenExpired:
                self._token = None
                if last_try:
                    msg = f"Zoho CRM, {what}: a token just made is refused; is api_domain its data centre?"
                    raise AccessRefused(msg) from None
        return None  # never reached: the second try returns or raises

    def _access_token(self) -> Secret:
        if self._token is None:
            answer = self._web.ask(
                "POST",
                f"{self._accounts_url}/oauth/v2/token",
                _judged_token,
                what="an access token",
                form={
                    "grant_type": "refresh_token",
                    "client_id": self._client_id,
                    "client_secret": str(self._client_secret),
                    "refresh_token": str(self._refresh_token),
                },
            )
            self._token = _masked(answer["access_token"])
            if self._api_domain is None:
                told = str(answer.get("api_domain"))
                self._api_domain = safe_address(told, "api_domain of Zoho's answer")
        return self._token


def _masked(token: str) -> Secret:
    from airflow.sdk.log import mask_secret

    mask_secret(token)
    return Secret(token)


# --- reading answers ----------------------------------------------------------------------------------------


def _judged_token(status: int, answer: Any) -> Mapping[str, Any]:
    if status == 200 and isinstance(answer, Mapping) and answer.get("access_token"):
        return answer
    error = code_of(answer.get("error")) if isinstance(answer, Mapping) else "no code"
    # Sent with status 200 or 400 when more than ten tokens are asked for in ten minutes; later it works.
    if isinstance(answer, Mapping) and str(answer.get("error")) == "Access Denied":
        raise RateLimited("Zoho CRM: too many access tokens were asked for")
    msg = (
        f"Zoho CRM: no access token, status {status}, {error}; "
        "invalid_client: check client id and secret, invalid_code: make a new refresh token"
    )
    raise AccessRefused(msg)


def _judged(what: str, status: int, answer: Any) -> Any:
    if status in (204, 304):
        return None
    if status == 200 and isinstance(answer, Mapping) and answer.get("status") != "error":
        return answer
    error = answer if isinstance(answer, Mapping) else {}
    if "code" not in error and isinstance(error.get("data"), list) and error["data"]:
        error = error["data"][0] if isinstance(error["data"][0], Mapping) else {}
    code = code_of(error.get("code"))
    at = f"Zoho CRM, {what}: status {status}, {code}"
    if code in ("OAUTH_SCOPE_MISMATCH", "NO_PERMISSION", "AUTHORIZATION_FAILED", "LICENSE_NOT_SUPPORTED"):
        msg = f"{at}: the token's scopes or its user's profile do not allow reading it"
        raise AccessRefused(msg)
    if status == 401 or code in ("INVALID_TOKEN", "AUTHENTICATION_FAILURE"):
        raise TokenExpired
    if status == 403:
        msg = f"{at}: not allowed"
        raise AccessRefused(msg)
    if code in ("INVALID_MODULE", "INVALID_URL_PATTERN") or status == 404:
        msg = f"{at}: there is no such module; its API name may have been changed, or api_domain is wrong"
        raise ModuleUnknown(msg)
    if code in ("EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", "PAGINATION_LIMIT_EXCEEDED"):
        raise PagesLost(code)
    if code == "TOO_MANY_REQUESTS":
        raise RateLimited(at)
    if code == "INTERNAL_ERROR":
        raise ServerFault(at)
    raise AnswerUnexpected(at)


def _rows_of(what: str, answer: Any) -> tuple[Sequence[Mapping[str, Any]], Mapping[str, Any]]:
    if answer is None:
        return (), {}
    rows, info = answer.get("data"), answer.get("info") or {}
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        msg = f"Zoho CRM, {what}: the answer has no list of records in `data`"
        raise AnswerUnexpected(msg)
    return rows, info


def _after_lost_pages(module: Module, cursor: Cursor, lost: PagesLost) -> Cursor:
    """Begin anew a second before the last record seen: what comes twice is merged away."""
    if cursor["token"] is None:
        msg = f"Zoho CRM, {module.name}: {lost} without a page token"
        raise AnswerUnexpected(msg) from None
    since = cursor["since"]
    if cursor["seen"]:
        since = _iso(datetime.fromisoformat(cursor["seen"]) - timedelta(seconds=1))
    if since == cursor["since"] and str(lost) == "PAGINATION_LIMIT_EXCEEDED":
        msg = f"Zoho CRM, {module.name}: over 100,000 records were modified in one second; use a bulk export"
        raise AnswerUnexpected(msg) from None
    lost_here = cursor["lost"] + 1 if since == cursor["since"] else 0
    if lost_here > MOST_RESTARTS:
        msg = f"Zoho CRM, {module.name}: {lost}, {lost_here} times over the same page"
        raise AnswerUnexpected(msg) from None
    return {"stage": "records", "since": since, "token": None, "seen": cursor["seen"], "lost": lost_here}


def _module(extract: str) -> Module:
    if extract not in MODULES:
        msg = f"Zoho CRM: extract {extract} is not pulled; pulled are {', '.join(sorted(MODULES))}"
        raise ModuleUnknown(msg)
    return MODULES[extract]


def _asked(module: Module, columns: Sequence[str]) -> list[str]:
    """The fields to ask for: the declared columns that are the vendor's, with id and modified time."""
    needed = ["id"] if module.subform else ["id", "Modified_Time"]
    return [*needed, *(name for name in columns if name not in OURS and name not in needed)]


def _require(what: str, record: Any, names: Sequence[str]) -> None:
    absent = [name for name in names if not isinstance(record, Mapping) or name not in record]
    if absent:
        msg = (
            f"Zoho CRM, {what}: field {', '.join(absent)} is not in the answer; "
            "it was renamed, removed, or is hidden from the connection's user"
        )
        raise FieldMissing(msg)


def _line(modified_at: datetime, record: Mapping[str, Any], columns: Sequence[str]) -> Line:
    return Line(modified_at, str(record["id"]), _values(record, columns) | {"is_deleted": False})


def _values(record: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {name: flat(record[name]) for name in columns if name not in OURS}


def _moment(what: str, field: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        msg = f"Zoho CRM, {what}: field {field} is no instant with an offset any more"
        raise FieldMissing(msg) from None
    return moment


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat() if moment else None
