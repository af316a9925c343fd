"""The failure alert, against a real mail server and a real webhook on this machine."""

import json
import logging
import pickle
import socketserver
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import alerts
import transform
from storage.lake import run_dir, write_parquet

RUN_ID = "scheduled__2018-01-01T10:00:00+00:00"


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


class MailServer(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs to hand over a message."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        receivers = []
        while line := self.rfile.readline().strip():
            verb = line[:4].upper()
            if verb == b"RCPT":
                receivers.append(line.partition(b":")[2].decode())
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (text := self.rfile.readline()) != b".\r\n":
                    lines.append(text.removeprefix(b".") if text.startswith(b"..") else text)
                self.server.received.append(
                    (receivers, message_from_bytes(b"".join(lines), policy=policy.default))
                )
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")


@pytest.fixture
def webhook():
    server = HTTPServer(("127.0.0.1", 0), Webhook)
    server.received, server.status = [], 200
    with serving(server):
        yield server


@pytest.fixture
def mail_server():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer)
    server.received = []
    with serving(server):
        yield server


@pytest.fixture(autouse=True)
def empty_lake(monkeypatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SEGMENTATION_LAKE", str(tmp_path))
    return tmp_path


def connect(monkeypatch, **connection):
    monkeypatch.setenv("AIRFLOW_CONN_SEGMENTATION_ALERTS", json.dumps(connection))


def to_webhook(monkeypatch, server, **more):
    connect(
        monkeypatch,
        conn_type="http",
        host="127.0.0.1",
        port=server.server_port,
        extra={"path": "/hook/s3cret"},
        **more,
    )


def context(**more):
    """What Airflow gives to a DAG's failure callback: no exception."""
    dag = SimpleNamespace(dag_id="customer_segmentation", timezone=ZoneInfo("America/New_York"))
    return {
        "dag": dag,
        "run_id": RUN_ID,
        "ti": SimpleNamespace(task_id="publish.audit"),
        # 02:00 UTC is still the day before in New York.
        "logical_date": datetime(2018, 1, 2, 2, tzinfo=UTC),
        "params": {},
        **more,
    }


def own_fault(message: str, module: str = "storage.published") -> Exception:
    """An exception of ours, as a step raises it."""
    kind = type("Fault", (ValueError,), {"__module__": module})
    return kind(message)


def caught(act, *arguments) -> Exception:
    with pytest.raises((RuntimeError, ValueError)) as raised:
        act(*arguments)
    return raised.value


def leave_gate_results(lake: Path, *verdicts: dict):
    folder = run_dir(lake, RUN_ID) / "gates"
    folder.mkdir(parents=True)
    (folder / "published.json").write_text(json.dumps(verdicts), encoding="utf-8")


BROKEN = {
    "gate": "published",
    "promise": "shares_add_up",
    "subject": "segment_profile.share",
    "strength": "break",
    "passed": False,
    "observed": "0.97",
    "expected": "1.00 per scheme",
    "failing_count": 1,
}


def test_the_webhook_gets_day_task_and_link(monkeypatch, webhook):
    to_webhook(monkeypatch, webhook)

    alerts.on_failure(context())

    [(path, headers, body)] = webhook.received
    sent = json.loads(body)
    assert path == "/hook/s3cret"
    assert headers["Content-Type"].startswith("application/json")
    assert (sent["dag_id"], sent["as_of"], sent["task_id"]) == (
        "customer_segmentation",
        "2018-01-01",
        "publish.audit",
    )
    assert sent["url"].endswith(
        "/dags/customer_segmentation/runs/scheduled__2018-01-01T10%3A00%3A00%2B00%3A00"
    )
    assert all(sent[key] in sent["text"] for key in ("dag_id", "as_of", "task_id", "url"))
    assert "失败任务" in sent["text"]


def test_the_password_is_sent_as_bearer_token(monkeypatch, webhook):
    to_webhook(monkeypatch, webhook, password="t0ken")

    alerts.on_failure(context())

    assert webhook.received[0][1]["Authorization"] == "Bearer t0ken"


def test_a_redirect_does_not_carry_the_token_elsewhere(monkeypatch, webhook, caplog):
    webhook.status = 302
    to_webhook(monkeypatch, webhook, password="t0ken")

    alerts.on_failure(context())

    assert [path for path, _, _ in webhook.received] == ["/hook/s3cret"]
    assert "the alert was not sent: HTTPError: HTTP Error 302" in caplog.text


def test_the_broken_promises_of_the_run_are_named(monkeypatch, webhook, empty_lake):
    to_webhook(monkeypatch, webhook)
    leave_gate_results(
        empty_lake, BROKEN, BROKEN | {"promise": "kept", "passed": True}, BROKEN | {"strength": "note"}
    )

    alerts.on_failure(context())

    assert json.loads(webhook.received[0][2])["reasons"] == [
        "published: shares_add_up (segment_profile.share): observed 0.97, wanted 1.00 per scheme"
    ]


def test_another_runs_promises_are_not_named(monkeypatch, webhook, empty_lake):
    to_webhook(monkeypatch, webhook)
    leave_gate_results(empty_lake, BROKEN)

    alerts.on_failure(context(run_id="manual__2018-01-02"))

    assert json.loads(webhook.received[0][2])["reasons"] == []


def test_what_could_be_a_customers_value_is_not_passed_on(monkeypatch, webhook, empty_lake):
    to_webhook(monkeypatch, webhook)
    leave_gate_results(empty_lake, BROKEN | {"observed": "Wang Fang, wang@example.com"})

    alerts.on_failure(context(exception=KeyError("wang@example.com")))

    assert b"ang@example" not in webhook.received[0][2]
    assert b"Wang Fang" not in webhook.received[0][2]


def test_a_librarys_message_is_not_passed_on(monkeypatch, webhook):
    to_webhook(monkeypatch, webhook)

    alerts.on_failure(context(exception=ValueError("could not convert string to float: 'Wang Fang'")))

    sent = json.loads(webhook.received[0][2])
    assert sent["reasons"] == ["ValueError: see the task's log · 见任务日志"]


def test_our_own_exceptions_lines_are_passed_on_up_to_a_limit(monkeypatch, webhook):
    to_webhook(monkeypatch, webhook)
    lines = [f"promise {number}: observed 1, wanted 0" for number in range(25)]

    alerts.on_failure(context(exception=own_fault("\n".join(lines))))

    reasons = json.loads(webhook.received[0][2])["reasons"]
    assert reasons[:20] == lines[:20]
    assert reasons[20:] == ["… and 5 more · 另有 5 条"]


def node(name: str, status: str, message: str) -> SimpleNamespace:
    """What dbt says of one model."""
    return SimpleNamespace(
        node=SimpleNamespace(unique_id=f"model.segmentation.{name}"),
        status=status,
        message=message,
        failures=2,
    )


CONVERSION = "Conversion Error: Could not convert string 'Wang Fang' to INT32"


@pytest.mark.parametrize(
    ("outcome", "reasons"),
    [
        (
            SimpleNamespace(
                result=SimpleNamespace(
                    results=[node("stg_customers", "error", CONVERSION), node("rfm", "skipped", "")]
                ),
                success=False,
                exception=None,
            ),
            ["dbt build of marts: 1 failed", "model.segmentation.stg_customers"],
        ),
        (
            SimpleNamespace(result=None, success=False, exception=RuntimeError(CONVERSION)),
            ["dbt build of marts: RuntimeError"],
        ),
    ],
)
def test_a_failed_build_names_its_models_and_not_the_engines_words(monkeypatch, webhook, outcome, reasons):
    to_webhook(monkeypatch, webhook)
    fault = caught(transform._judge, outcome, "marts")
    assert CONVERSION in str(fault), "the task's log has all of it"

    alerts.on_failure(context(exception=fault))

    assert json.loads(webhook.received[0][2])["reasons"] == reasons
    assert str(pickle.loads(pickle.dumps(fault))) == str(fault)


def test_broken_data_tests_are_named(monkeypatch, webhook):
    to_webhook(monkeypatch, webhook)
    outcome = SimpleNamespace(
        result=SimpleNamespace(results=[node("one_row_each", "fail", "Got 2 results")]), success=False
    )

    alerts.on_failure(context(exception=caught(transform._judge, outcome, "marts")))

    assert json.loads(webhook.received[0][2])["reasons"] == [
        "dbt build of marts: 1 data tests broken",
        "model.segmentation.one_row_each: 2 rows break it",
    ]


def test_of_our_own_exception_that_passes_on_a_librarys_words_only_the_kind_is_told(
    monkeypatch, webhook, tmp_path
):
    to_webhook(monkeypatch, webhook)
    frame = pd.DataFrame({"customer_id": ["a"], "age": ["Wang Fang"]})
    columns = {"customer_id": "varchar", "age": "bigint"}
    fault = caught(write_parquet, tmp_path / "x.parquet", [frame], columns)
    assert "Wang Fang" in str(fault), "the task's log has all of it"

    alerts.on_failure(context(exception=fault))

    assert json.loads(webhook.received[0][2])["reasons"] == [
        "TableShapeWrong: see the task's log · 见任务日志"
    ]


def test_of_a_gates_exception_the_promises_are_told_and_not_the_keys_it_names(
    monkeypatch, webhook, empty_lake
):
    to_webhook(monkeypatch, webhook)
    leave_gate_results(empty_lake, BROKEN | {"observed": "3 rows: K001, K002, K003"})
    fault = own_fault("1 promise broken\n  observed 3 rows: K001, K002, K003", "expectations.gate")

    alerts.on_failure(context(exception=fault))

    [reason] = json.loads(webhook.received[0][2])["reasons"]
    assert reason.startswith("published: shares_add_up (segment_profile.share): observed (see the run")


def test_each_call_tells_of_its_own_run(monkeypatch, webhook):
    to_webhook(monkeypatch, webhook)

    alerts.on_failure(context())
    alerts.on_failure(context(logical_date=datetime(2018, 1, 5, 10, tzinfo=UTC)))

    assert [json.loads(body)["as_of"] for _, _, body in webhook.received] == ["2018-01-01", "2018-01-05"]


def test_the_day_it_was_known_on_is_told_when_asked_for(monkeypatch, webhook):
    to_webhook(monkeypatch, webhook)

    alerts.on_failure(context(params={"known_on": "2018-01-09"}))

    assert json.loads(webhook.received[0][2])["as_of"] == "2018-01-01 (known_on 2018-01-09)"


def test_airflows_smallest_context_is_enough(monkeypatch, webhook):
    to_webhook(monkeypatch, webhook)
    smallest = {key: value for key, value in context().items() if key in ("dag", "run_id")}

    alerts.on_failure(smallest)

    sent = json.loads(webhook.received[0][2])
    assert (sent["task_id"], sent["as_of"]) == ("?", "?")


@pytest.mark.parametrize("conn_type", ["smtp", "email"])
def test_mail_reaches_every_receiver(monkeypatch, mail_server, conn_type):
    connect(
        monkeypatch,
        conn_type=conn_type,
        host="127.0.0.1",
        port=mail_server.server_address[1],
        extra={
            "to": "ops@example.com, bi@example.com",
            "from_email": "pipeline@example.com",
            "disable_ssl": True,
            "disable_tls": True,
        },
    )

    alerts.on_failure(context(exception=own_fault("share < 1 for <rfm>")))

    [(receivers, mail)] = mail_server.received
    assert receivers == ["<ops@example.com>", "<bi@example.com>"]
    assert mail["From"] == "pipeline@example.com"
    assert mail["Subject"] == "customer_segmentation failed for 2018-01-01 · 2018-01-01 运行失败"
    text = mail.get_body(("html",)).get_content()
    assert "publish.audit" in text
    assert "share &lt; 1 for &lt;rfm&gt;" in text


def test_without_a_connection_the_log_says_how_to_add_one(monkeypatch, caplog):
    monkeypatch.delenv("AIRFLOW_CONN_SEGMENTATION_ALERTS", raising=False)

    with caplog.at_level(logging.INFO, "alerts"):
        alerts.on_failure(context())

    [record] = [record for record in caplog.records if record.name == "alerts"]
    assert "airflow connections add segmentation_alerts" in record.getMessage()


@pytest.mark.parametrize(
    ("connection", "fault"),
    [
        ({"conn_type": "http", "host": "127.0.0.1", "port": 9}, "Connection refused"),
        (
            {"conn_type": "smtp", "host": "127.0.0.1", "port": 9, "extra": {"to": "a@b.c"}},
            "Connection refused",
        ),
        ({"conn_type": "smtp", "host": "127.0.0.1"}, 'has no receiver: set extra {"to": "…"}'),
        ({"conn_type": "http"}, "has no host"),
        ({"conn_type": "http", "host": "file:///etc/passwd"}, "scheme must be http or https"),
        ({"conn_type": "postgres", "host": "db"}, "is of type 'postgres'; wanted smtp, email, http or https"),
    ],
)
def test_an_alert_that_cannot_be_sent_is_logged_with_its_cause_and_raises_nothing(
    monkeypatch, caplog, connection, fault
):
    connect(monkeypatch, **connection)

    alerts.on_failure(context())

    assert "the alert was not sent" in caplog.text
    assert fault in caplog.text


def test_a_refused_alert_is_logged_without_the_webhooks_secrets(monkeypatch, webhook, caplog):
    webhook.status = 500
    to_webhook(monkeypatch, webhook, password="t0ken")

    alerts.on_failure(context())

    assert "HTTP Error 500" in caplog.text
    assert "s3cret" not in caplog.text
    assert "t0ken" not in caplog.text
