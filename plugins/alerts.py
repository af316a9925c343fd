"""One message when a day fails, by mail or webhook: which day, which task, which promise, where to look.

A DAG takes it as ``on_failure_callback=alerts.on_failure``; a task may take it too. Where the message goes is
the Airflow connection ``segmentation_alerts``, so that addresses and secrets stay out of the code:

- connection type ``smtp`` (or ``email``): host, port, login and password of the mail server; extra
  ``{"to": "a@example.com, b@example.com", "from_email": "…"}`` and whatever else Airflow's SMTP hook
  understands;
- connection type ``http`` or ``https``: the message is posted to the host as JSON; a path goes into extra
  ``{"path": "/hooks/segmentation"}`` or into the host itself, a secret into the password (sent as bearer
  token).

The message never holds a row or a customer's value. It is put together anew on every call: a notifier's
template fields are rendered in place, so one that is reused repeats its first text.
"""

from __future__ import annotations

import hashlib
import html
import json
import logging
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk import Connection

log = logging.getLogger(__name__)

CONNECTION = "segmentation_alerts"
TIMEOUT_SECONDS = 15
REASON_LINES = 20
REASON_LENGTH = 300

HOW_TO_ADD = (
    f"nobody was told: there is no Airflow connection {CONNECTION!r}. Add one under Admin > Connections, or"
    f" run `airflow connections add {CONNECTION} --conn-type https --conn-host https://chat.example.com/hook`"
    ' (mail: --conn-type smtp --conn-host … --conn-extra \'{"to": "…", "from_email": "…"}\')'
)

# Whose messages may be passed on: our own say what was found and wanted, and hold no row. Those of a library
# may quote the very cell they stumbled over, and those of a gate name the first failing keys.
_OWN = {"models", "pipeline", "pulls", "storage", "transform"}
_MEASURE = re.compile(r"[-+\d.,:%\s<>=≤≥/\[\]()]{1,60}[ a-z_]{0,30}")


class AlertsMisconfigured(ValueError):
    """The connection lacks what its type needs; the message names the field."""


@dataclass(frozen=True)
class Failure:
    """What is told of a failed run."""

    dag_id: str
    run_id: str
    as_of: str
    task_id: str
    reasons: tuple[str, ...]
    url: str

    @property
    def subject(self) -> str:
        """One line, for a mail's head."""
        return f"{self.dag_id} failed for {self.as_of} · {self.as_of} 运行失败"

    @property
    def text(self) -> str:
        """The whole message, in both languages."""
        reasons = self.reasons or ("see the task's log · 见任务日志",)
        return "\n".join(
            [
                self.subject,
                "",
                f"DAG · 流程: {self.dag_id}",
                f"Day · 日期 (as_of): {self.as_of}",
                f"Failed task · 失败任务: {self.task_id}",
                "Reason · 原因:",
                *(f"  - {reason}" for reason in reasons),
                f"Run · 运行: {self.url}",
            ]
        )


def on_failure(context: Mapping[str, Any]) -> None:
    """Tell of the failed run of ``context``; never raise for a message that could not be sent.

    The run has failed already, and that must stay what the operator sees: a fault of the mail server is
    logged with its cause.
    """
    from http.client import HTTPException

    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

    failure = _failure(context)
    try:
        from airflow.sdk import BaseHook

        connection = BaseHook.get_connection(CONNECTION)
        _send(connection, failure)
    except AirflowNotFoundException:
        log.warning("%s: %s", failure.subject, HOW_TO_ADD)
    except (AirflowException, HTTPException, OSError, RuntimeError, ValueError) as fault:
        # OSError covers sockets, time-outs, TLS, SMTP and HTTP errors. None of them quotes the address of the
        # webhook, which is often its secret.
        log.error("%s: the alert was not sent: %s", failure.subject, _with_cause(fault))
    else:
        log.info("%s: alert sent by %s", failure.subject, connection.conn_type)


def _failure(context: Mapping[str, Any]) -> Failure:
    """What the context says. A DAG's callback gets no exception, and at worst only the DAG and the run id."""
    from airflow.sdk.configuration import conf

    dag = context["dag"]
    task_instance = context.get("ti")
    run_id = context["run_id"]
    base = conf.get("api", "base_url", fallback=None) or "http://localhost:8080"
    return Failure(
        dag_id=dag.dag_id,
        run_id=run_id,
        as_of=_as_of(context),
        task_id=task_instance.task_id if task_instance is not None else "?",
        reasons=tuple(_reasons(context.get("exception"), run_id)),
        url=f"{base.rstrip('/')}/dags/{quote(dag.dag_id)}/runs/{quote(run_id, safe='')}",
    )


def _as_of(context: Mapping[str, Any]) -> str:
    """The local day of the run's logical date, with the day it was known on when that was asked for."""
    logical_date = context.get("logical_date")
    if logical_date is None:
        return "?"
    day = logical_date.astimezone(context["dag"].timezone).date().isoformat()
    known_on = (context.get("params") or {}).get("known_on")
    return f"{day} (known_on {known_on})" if known_on else day


def _reasons(fault: BaseException | str | None, run_id: str) -> list[str]:
    """What our own exception says, else the promises the run broke, else the kind of exception."""
    lines = _words(fault) if _is_own(fault) else list(_broken_promises(run_id))
    if not lines and isinstance(fault, BaseException):
        lines = [f"{type(fault).__name__}: see the task's log · 见任务日志"]
    more = len(lines) - REASON_LINES
    return lines if more <= 0 else [*lines[:REASON_LINES], f"… and {more} more · 另有 {more} 条"]


def _is_own(fault: object) -> bool:
    return isinstance(fault, BaseException) and type(fault).__module__.partition(".")[0] in _OWN


def _words(fault: BaseException) -> list[str]:
    """The lines of our own exception that may leave the house.

    One that was raised from a library's may repeat its words; of that only what it declares to be fit for
    telling (its attribute `told`).
    """
    quotes = fault.__cause__ is not None and not _is_own(fault.__cause__)
    text = getattr(fault, "told", "" if quotes else str(fault))
    return [line.strip()[:REASON_LENGTH] for line in text.splitlines() if line.strip()]


def _broken_promises(run_id: str) -> Iterator[str]:
    """One line per broken promise in the gate results the run left in the lake."""
    lake = Path(os.environ.get("SEGMENTATION_LAKE") or Path(__file__).resolve().parents[1] / "lake")
    # A run id with characters no folder should have is spelled otherwise, and ends in a part of its hash.
    spelled = f"~{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
    for path in sorted((lake / "runs").glob("*/gates/*.json")):
        folder = path.parent.parent.name
        if folder != run_id and not folder.endswith(spelled):
            continue
        for verdict in json.loads(path.read_text(encoding="utf-8")):
            if not verdict["passed"] and verdict["strength"] == "break":
                yield (
                    f"{verdict['gate']}: {verdict['promise']} ({verdict['subject']}): "
                    f"observed {_measure(verdict['observed'])}, wanted {_measure(verdict['expected'])}"
                )[:REASON_LENGTH]


def _measure(value: object) -> str:
    """A number or a range as it is; anything else could be somebody's name."""
    text = str(value)
    return text if _MEASURE.fullmatch(text) else "(see the run · 见运行页面)"


def _send(connection: Connection, failure: Failure) -> None:
    if connection.conn_type in ("smtp", "email"):
        _mail(connection, failure)
    elif connection.conn_type in ("http", "https"):
        _post(connection, failure)
    else:
        raise AlertsMisconfigured(
            f"connection {CONNECTION!r} is of type {connection.conn_type!r};"
            " wanted smtp, email, http or https"
        )


def _mail(connection: Connection, failure: Failure) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    extra = connection.extra_dejson
    if not extra.get("to"):
        raise AlertsMisconfigured(f'connection {CONNECTION!r} has no receiver: set extra {{"to": "…"}}')
    with SmtpHook(smtp_conn_id=CONNECTION) as hook:
        hook.send_email_smtp(
            to=extra["to"],
            from_email=extra.get("from_email") or connection.login or "segmentation@localhost",
            subject=failure.subject,
            html_content=f"<pre>{html.escape(failure.text)}</pre>",
        )


def _post(connection: Connection, failure: Failure) -> None:
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class NoRedirect(HTTPRedirectHandler):
        """A redirect would carry the bearer token to another host."""

        def redirect_request(self, *_: object) -> None:
            return None

    request = Request(
        _address(connection),
        data=json.dumps({"text": failure.text, **asdict(failure)}, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
        method="POST",
    )
    if connection.password:
        request.add_unredirected_header("Authorization", f"Bearer {connection.password}")
    with build_opener(NoRedirect).open(request, timeout=TIMEOUT_SECONDS):
        pass


def _address(connection: Connection) -> str:
    """The webhook's address: a host with a scheme as it is, else type, host and port; then the path."""
    host = connection.host or ""
    if not host:
        raise AlertsMisconfigured(f"connection {CONNECTION!r} has no host")
    if "://" not in host:
        scheme = "https" if "https" in (connection.conn_type, connection.schema) else "http"
        host = f"{scheme}://{host}" + (f":{connection.port}" if connection.port else "")
    if not host.startswith(("http://", "https://")):
        raise AlertsMisconfigured(f"connection {CONNECTION!r}: the host's scheme must be http or https")
    path = connection.extra_dejson.get("path", "")
    return f"{host.rstrip('/')}/{path.lstrip('/')}" if path else host


def _with_cause(fault: BaseException) -> str:
    """The fault and what caused it, outermost first."""
    said = []
    while fault is not None and len(said) < 5:
        said.append(f"{type(fault).__name__}: {fault}")
        fault = fault.__cause__ or fault.__context__
    return " ← ".join(said)
