"""Two servers on this machine that answer as Zoho CRM and Fxiaoke are documented to, with faults on order."""

from __future__ import annotations

import json
import operator
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

OPERATORS = {"GT": operator.gt, "GTE": operator.ge, "LT": operator.lt}
SECRETS = ("client-secret-1", "refresh-token-1", "app-secret-1", "permanent-code-1")


class Crm(ThreadingHTTPServer):
    """What both servers share: records, tokens that end, and `faults`, taken one per answer to a question."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.records = {}
        self.deleted = {}
        self.described = {}
        self.faults = []
        self.asked = []
        self.tokens_made = 0
        self.calls_a_token_lasts = 1_000_000
        self.calls_with_token = 0
        self.credentials_wrong = False
        self.forbidden = set()
        self.per_page = 200
        self.page_tokens_lost = 0
        self.ignores_modified_since = False

    @property
    def token(self):
        return f"access-token-{self.tokens_made}"

    def new_token(self):
        self.tokens_made += 1
        self.calls_with_token = 0
        return self.token

    def takes(self, token):
        self.calls_with_token += 1
        return token == self.token and self.calls_with_token <= self.calls_a_token_lasts

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # headers and body in one piece: else each answer waits 40 ms for an acknowledgement

    def log_message(self, *_):
        pass

    def say(self, status, content=None, headers=()):
        body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def faulty(self, whole):
        """Whether a fault stands in the answer's place."""
        if not self.server.faults:
            return False
        fault = self.server.faults.pop(0)
        body = json.dumps(whole).encode()
        if fault == "fine":
            return False
        if fault == "429":
            self.say(429, {"code": "TOO_MANY_REQUESTS", "status": "error"}, [("Retry-After", "7")])
        elif fault == "500":
            self.say(500, {"code": "INTERNAL_ERROR", "status": "error"})
        elif fault == "cut":  # the connection ends within the answer
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif fault == "half":  # half an answer that says it is whole
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) // 2))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
        elif fault == "gone":
            self.close_connection = True
        else:
            self.say(200, fault)
        return True


class ZohoAnswers(Answering):
    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert self.path == "/oauth/v2/token"
        assert form["grant_type"] == ["refresh_token"]
        if self.server.credentials_wrong or form["refresh_token"] != ["refresh-token-1"]:
            return self.say(200, {"error": "invalid_code"})
        if form["client_secret"] != ["client-secret-1"]:
            return self.say(200, {"error": "invalid_client"})
        return self.say(
            200,
            {
                "access_token": self.server.new_token(),
                "expires_in": 3600,
                "api_domain": self.server.address,
                "token_type": "Bearer",
            },
        )

    def do_GET(self):
        server = self.server
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        since = self.headers.get("If-Modified-Since")
        if not server.takes(self.headers["Authorization"].removeprefix("Zoho-oauthtoken ")):
            return self.say(
                401, {"code": "INVALID_TOKEN", "message": "invalid oauth token", "status": "error"}
            )
        module, _, rest = parts.path.removeprefix("/crm/v8/").partition("/")
        server.asked.append((module, rest, query, since))
        status, answer = self.answer(module, rest, query, since)
        if self.faulty(answer):
            return None
        return self.say(status, answer)

    def answer(self, module, rest, query, since):  # noqa: PLR0911 - one return per documented answer
        server = self.server
        if module in server.forbidden:
            return 403, {"code": "NO_PERMISSION", "status": "error", "message": "denied", "details": {}}
        if module not in server.records:
            return 400, {"code": "INVALID_MODULE", "status": "error", "message": "x", "details": {}}
        if rest == "deleted":
            rows = [
                row
                for row in server.deleted.get(module, [])
                if since is None or instant(row["deleted_time"]) >= instant(since)
            ]
            return self.numbered(rows, int(query["page"]))
        if rest:
            found = [row for row in server.records[module] if row["id"] == rest]
            return (200, {"data": found}) if found else (204, None)
        assert int(query["per_page"]) <= 200
        fields = query["fields"].split(",")
        if len(fields) > 50:
            return 400, {"code": "LIMIT_EXCEEDED", "status": "error", "details": {"limit": 50}}
        rows = sorted(server.records[module], key=lambda row: instant(row["Modified_Time"]))
        if since and not server.ignores_modified_since:
            rows = [row for row in rows if instant(row["Modified_Time"]) >= instant(since)]
        start = 0
        bound = f"{module}.{query['fields']}.{query['sort_by']}.{query['sort_order']}.{since}"
        if "page_token" in query:
            if server.page_tokens_lost:
                server.page_tokens_lost -= 1
                return 400, {"code": "EXPIRED_VALUE", "status": "error", "message": "Page token expired"}
            told, _, number = query["page_token"].rpartition("#")
            if told != bound:
                return 400, {"code": "TOKEN_BOUND_DATA_MISMATCH", "status": "error", "details": {}}
            start = int(number)
        page = rows[start : start + server.per_page]
        more = start + server.per_page < len(rows)
        if not page:
            return 204, None
        info = {
            "per_page": server.per_page,
            "count": len(page),
            "more_records": more,
            "next_page_token": f"{bound}#{start + server.per_page}" if more else None,
        }
        return 200, {
            "data": [{name: row[name] for name in fields if name in row} for row in page],
            "info": info,
        }

    def numbered(self, rows, number):
        size = self.server.per_page
        page = rows[(number - 1) * size : number * size]
        if not page:
            return 204, None
        return 200, {"data": page, "info": {"page": number, "more_records": number * size < len(rows)}}


class FxiaokeAnswers(Answering):
    def do_POST(self):
        server = self.server
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = urlsplit(self.path).path
        assert parse_qs(urlsplit(self.path).query)["thirdTraceId"]
        if path == "/cgi/corpAccessToken/get/V2":
            right = asked["appSecret"] == "app-secret-1" and asked["permanentCode"] == "permanent-code-1"
            if server.credentials_wrong or not right:
                return self.say(
                    200, {"errorCode": 10006, "errorMessage": "the parameter appSecret is illegal"}
                )
            told = {"corpAccessToken": server.new_token(), "corpId": "FSCID_1", "expiresIn": 7200}
            return self.say(200, {"errorCode": 0, **told})
        if not server.takes(asked["corpAccessToken"]):
            return self.say(200, {"errorCode": 20016, "errorMessage": "corpAccessToken is error"})
        assert asked["currentOpenUserId"] == "FSUID_1"
        server.asked.append((path, asked["data"]))
        answer = self.describe(asked) if path.endswith("describe") else self.query(asked["data"])
        if self.faulty(answer):
            return None
        return self.say(200, answer)

    def describe(self, asked):
        name = asked["data"]["apiName"]
        if name in self.server.forbidden:
            return {"errorCode": 20014, "errorMessage": "no right", "traceId": "E-O.1"}
        if name not in self.server.described:
            return {"errorCode": 32000, "errorMessage": "no such object", "traceId": "E-O.1"}
        fields = {field: {"api_name": field} for field in self.server.described[name]}
        return {"errorCode": 0, "data": {"describe": {"api_name": name, "fields": fields}}}

    def query(self, data):
        info = data["search_query_info"]
        assert info["limit"] <= 100
        assert info["offset"] % info["limit"] == 0
        rows = self.server.records.get(data["dataObjectApiName"], [])
        for given in info["filters"]:
            (bound,) = given["field_values"]
            field = given["field_name"]
            kind = str if field == "_id" else int
            rows = [row for row in rows if OPERATORS[given["operator"]](row[field], kind(bound))]
        (order,) = info["orders"]
        rows = sorted(rows, key=lambda row: row[order["fieldName"]], reverse=not order["isAsc"])
        size = min(info["limit"], self.server.per_page)
        page = [
            {field: row[field] for field in info["fieldProjection"] if row.get(field) is not None}
            for row in rows[info["offset"] : info["offset"] + size]
        ]
        return {"errorCode": 0, "data": {"dataList": page, "offset": 0, "limit": size, "total": 0}}


def instant(text):
    return datetime.fromisoformat(text)


def account(record_id, name, day, **fields):
    """An account as Zoho sends it, modified at noon of a day of March 2024."""
    return {
        "id": record_id,
        "Account_Name": name,
        "Owner": {"id": "77", "name": "Owner Name", "email": "owner@example.com"},
        "Annual_Revenue": 10.5,
        "Modified_Time": f"2024-03-{day:02d}T12:00:00+00:00",
        **fields,
    }


def fxiaoke_account(record_id, name, day, **fields):
    """An account as Fxiaoke sends it, modified at noon of a day of March 2024."""
    noon = datetime(2024, 3, day, 12, tzinfo=UTC)
    return {
        "_id": record_id,
        "name": name,
        "account_level": "1",
        "life_status": "normal",
        "last_modified_time": int(noon.timestamp() * 1000),
        **fields,
    }
