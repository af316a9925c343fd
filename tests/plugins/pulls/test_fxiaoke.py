"""Fxiaoke, against a server on this machine that answers as its public documentation says."""

from __future__ import annotations

import gzip
import json
import logging
from types import SimpleNamespace

import pytest
from crm_servers import SECRETS, fxiaoke_account

from pulls import web
from pulls.fxiaoke import CONNECTION, LIMIT, PACE_SECONDS, FxiaokeHook
from pulls.pulling import pull

COLUMNS = ("id", "name", "account_level", "last_modified_time", "is_deleted")
NOON_1 = 1709294400000


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def names(path):
    return [row["name"] for row in rows(path)]


def test_more_records_than_an_offset_reaches_come_once_in_the_order_they_were_modified(
    fxiaoke, fxiaoke_api, order
):
    many = [fxiaoke_account(f"b{n:03d}", f"第{n}", 9 - n % 8) for n in range(2 * LIMIT + 5)]
    fxiaoke.records["AccountObj"] = many
    asked = order("accounts", COLUMNS)
    assert pull(fxiaoke_api(), asked).lines == len(many)
    expected = sorted(many, key=lambda row: (row["last_modified_time"], row["_id"]))
    assert names(asked.target) == [row["name"] for row in expected]
    questions = [data["search_query_info"] for path, data in fxiaoke.asked if path.endswith("query")]
    assert [question["offset"] for question in questions] == [0, 0, 0, 0]


def test_a_server_that_gives_less_than_was_asked_for_loses_nothing(fxiaoke, fxiaoke_api, order):
    fxiaoke.per_page = 2
    asked = order("accounts", COLUMNS)
    pull(fxiaoke_api(), asked)
    assert names(asked.target) == ["甲", "乙", "丙"]


def test_a_record_is_sent_on_as_it_came_a_field_without_a_value_as_null(fxiaoke, fxiaoke_api, order):
    del fxiaoke.records["AccountObj"][0]["account_level"]
    asked = order("accounts", COLUMNS)
    pull(fxiaoke_api(), asked)
    first = gzip.decompress(asked.target.read_bytes()).decode().splitlines()[0]
    assert first == (
        f'{{"id":"a1","name":"甲","account_level":null,"last_modified_time":{NOON_1},"is_deleted":false}}'
    )


def test_a_day_asks_for_what_changed_since_the_last_one(fxiaoke, fxiaoke_api, order):
    pull(fxiaoke_api(), order("accounts", COLUMNS, day=3))
    fxiaoke.records["AccountObj"][0] = fxiaoke_account("a1", "甲改", 4)
    asked = order("accounts", COLUMNS, day=5)
    pull(fxiaoke_api(), asked)
    assert names(asked.target) == ["丙", "甲改"]


def test_an_invalidated_and_a_deleted_record_are_marked(fxiaoke, fxiaoke_api, order):
    fxiaoke.records["AccountObj"][0]["life_status"] = "invalid"
    fxiaoke.records["AccountObj"][1]["is_deleted"] = True
    asked = order("accounts", COLUMNS)
    pull(fxiaoke_api(), asked)
    assert [row["is_deleted"] for row in rows(asked.target)] == [True, True, False]


def test_an_object_without_a_state_is_pulled_without_asking_for_one(fxiaoke, fxiaoke_api, order):
    fxiaoke.described["AccountObj"] = ["name", "account_level", "last_modified_time"]
    asked = order("accounts", COLUMNS)
    pull(fxiaoke_api(), asked)
    projection = fxiaoke.asked[-1][1]["search_query_info"]["fieldProjection"]
    assert projection == ["_id", "last_modified_time", "name", "account_level"]
    assert len(rows(asked.target)) == 3


def test_an_expired_token_is_replaced_and_no_row_is_lost_or_doubled(fxiaoke, fxiaoke_api, order):
    fxiaoke.calls_a_token_lasts = 1
    asked = order("accounts", COLUMNS)
    pull(fxiaoke_api(), asked)
    assert names(asked.target) == ["甲", "乙", "丙"]
    assert fxiaoke.tokens_made == 3  # one for each call: the fields, a page, and an empty one


def test_a_token_that_is_never_taken_is_refused_after_one_new_one(fxiaoke, fxiaoke_api, order):
    fxiaoke.calls_a_token_lasts = 0
    with pytest.raises(web.AccessRefused, match="AccountObj: a token just made is refused"):
        pull(fxiaoke_api(), order("accounts", COLUMNS))
    assert fxiaoke.tokens_made == 2


@pytest.mark.parametrize("given", [{"app_secret": "wrong-one"}, {"permanent_code": "wrong-one"}])
def test_wrong_credentials_fail_at_once_and_are_not_told(fxiaoke, fxiaoke_api, order, pauses, caplog, given):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(web.AccessRefused, match="errorCode 10006; check appId") as refused:
        pull(fxiaoke_api(**given), order("accounts", COLUMNS))
    assert isinstance(refused.value, ValueError)
    assert pauses == []
    told = caplog.text + repr(refused.value)
    assert not [secret for secret in (*SECRETS, "wrong-one") if secret in told]


def test_a_missing_permission_names_the_object(fxiaoke, fxiaoke_api, order):
    fxiaoke.forbidden.add("AccountObj")
    with pytest.raises(web.AccessRefused, match=r"AccountObj: errorCode 20014, traceId E-O\.1"):
        pull(fxiaoke_api(), order("accounts", COLUMNS))


@pytest.mark.parametrize("fault", ["500", "cut", "half", "gone", {"errorCode": -1}, {"errorCode": 50009}])
def test_a_fault_is_asked_again_and_the_file_is_the_same(fxiaoke, fxiaoke_api, order, pauses, fault):
    asked = order("accounts", COLUMNS)
    pull(fxiaoke_api(), asked)
    undisturbed = asked.target.read_bytes()
    asked.record.unlink()
    pauses.clear()
    fxiaoke.faults = ["fine", fault, fault]
    pull(fxiaoke_api(), asked)
    assert asked.target.read_bytes() == undisturbed
    assert pauses == [PACE_SECONDS, PACE_SECONDS, 1, 2, PACE_SECONDS]


@pytest.mark.parametrize("code", [30004, 14001])
def test_too_many_calls_wait_longer_each_time_and_are_then_retried_later(
    fxiaoke, fxiaoke_api, order, pauses, code
):
    fxiaoke.faults = [{"errorCode": code}] * web.ATTEMPTS
    with pytest.raises(web.RateLimited, match=str(code)) as fault:
        pull(fxiaoke_api(), order("accounts", COLUMNS))
    assert not isinstance(fault.value, ValueError)
    assert pauses == [PACE_SECONDS, 1, 2, 4, 8, 16]


def test_calls_that_are_used_up_for_today_fail_at_once(fxiaoke, fxiaoke_api, order, pauses):
    fxiaoke.faults = [{"errorCode": 30002, "traceId": "E-O.1"}]
    with pytest.raises(web.AccessRefused, match="used up"):
        pull(fxiaoke_api(), order("accounts", COLUMNS))
    assert pauses == [PACE_SECONDS]


def test_a_renamed_field_fails_at_once_naming_object_and_field(fxiaoke, fxiaoke_api, order):
    fxiaoke.described["AccountObj"].remove("account_level")
    with pytest.raises(web.FieldMissing, match="AccountObj: field account_level is not in its description"):
        pull(fxiaoke_api(), order("accounts", COLUMNS))
    assert [path for path, _ in fxiaoke.asked] == ["/cgi/crm/v2/object/describe"]


def test_an_unknown_object_is_named(fxiaoke, fxiaoke_api, order):
    with pytest.raises(web.ModuleUnknown, match="CasesObj: errorCode 32000"):
        pull(fxiaoke_api(), order("cases", COLUMNS))
    with pytest.raises(web.ModuleUnknown, match="extract leads is not pulled"):
        pull(fxiaoke_api(), order("leads", COLUMNS))


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ({"errorCode": 0, "data": {"_id": "a1"}}, web.AnswerUnexpected, "no list of records"),
        ({"errorCode": 0}, web.AnswerUnexpected, "no list of records"),
        ({"errorCode": 77}, web.AnswerUnexpected, "errorCode 77"),
        ({"errorCode": 0, "data": {"dataList": [{"_id": "a1"}]}}, web.FieldMissing, "last_modified_time"),
        (
            {"errorCode": 0, "data": {"dataList": [{"_id": "a1", "last_modified_time": "2024-03-01"}]}},
            web.FieldMissing,
            "no time in milliseconds",
        ),
        (
            {
                "errorCode": 0,
                "data": {"dataList": [fxiaoke_account("a2", "乙", 2), fxiaoke_account("a1", "甲", 1)]},
            },
            web.AnswerUnexpected,
            "do not come in the order",
        ),
    ],
)
def test_an_answer_of_another_shape_is_not_taken_for_records(fxiaoke, fxiaoke_api, order, answer, kind, told):
    fxiaoke.faults = ["fine", answer]
    with pytest.raises(kind, match=told):
        pull(fxiaoke_api(), order("accounts", COLUMNS))


def test_the_hook_gives_the_api_its_connection_names(fxiaoke, order, monkeypatch):
    from airflow.sdk import BaseHook

    import pulls.web

    monkeypatch.setattr(pulls.web.time, "sleep", lambda _: None)
    extra = {"permanent_code": "permanent-code-1", "open_user_id": "FSUID_1", "host": fxiaoke.address}
    found = SimpleNamespace(conn_id=CONNECTION, login="FSAID_1", password="app-secret-1", extra_dejson=extra)
    monkeypatch.setattr(BaseHook, "get_connection", lambda _: found)
    assert pull(FxiaokeHook().get_conn(), order("accounts", COLUMNS)).lines == 3
    del extra["open_user_id"]
    with pytest.raises(web.ConnectionIncomplete, match="open_user_id"):
        FxiaokeHook().get_conn()


def test_no_secret_and_no_customer_is_in_any_log_of_a_pull(fxiaoke, fxiaoke_api, order, caplog):
    caplog.set_level(logging.DEBUG)
    fxiaoke.calls_a_token_lasts = 2
    fxiaoke.faults = ["500", "cut"]
    pull(fxiaoke_api(), order("accounts", COLUMNS))
    assert not [text for text in (*SECRETS, "access-token-", "甲") if text in caplog.text]
    assert "pulled accounts: 3 records for 2024-03-10" in caplog.text
