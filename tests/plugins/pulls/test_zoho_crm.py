"""Zoho CRM, against a server on this machine that answers as its public documentation says."""

from __future__ import annotations

import gzip
import json
import logging
from types import SimpleNamespace

import pytest
from crm_servers import SECRETS, account

from pulls import web
from pulls.pulling import pull
from pulls.zoho_crm import CONNECTION, MODULES, ZohoCrmHook

COLUMNS = ("id", "Account_Name", "Owner", "Annual_Revenue", "Modified_Time", "is_deleted")
LINES = ("Parent_Id", "id", "Product_Name", "Quantity", "Total", "is_deleted")


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def names(path):
    return [row["Account_Name"] for row in rows(path)]


def test_every_record_of_every_page_comes_once_in_the_order_it_was_modified(zoho, zoho_api, order):
    zoho.records["Accounts"] += [account(str(n), f"N{n}", 4) for n in range(10, 16)]
    asked = order("accounts", COLUMNS)
    assert pull(zoho_api(), asked).lines == 9
    assert [row["id"] for row in rows(asked.target)] == [
        "1", "2", "3", "10", "11", "12", "13", "14", "15",
    ]  # fmt: skip


def test_a_record_is_sent_on_with_its_references_as_ids_and_its_numbers_as_they_came(zoho, zoho_api, order):
    asked = order("accounts", COLUMNS)
    pull(zoho_api(), asked)
    first = gzip.decompress(asked.target.read_bytes()).decode().splitlines()[0]
    assert first == (
        '{"id":"1","Account_Name":"Ann","Owner":"77","Annual_Revenue":10.5,'
        '"Modified_Time":"2024-03-01T12:00:00Z","is_deleted":false}'
    )


def test_a_day_asks_for_what_changed_since_the_last_one(zoho, zoho_api, order):
    pull(zoho_api(), order("accounts", COLUMNS, day=3))
    zoho.records["Accounts"][0] = account("1", "Ann changed", 4)
    zoho.asked.clear()
    asked = order("accounts", COLUMNS, day=5)
    pull(zoho_api(), asked)
    assert {since for *_, since in zoho.asked} == {"2024-03-02T23:00:00+00:00"}
    assert names(asked.target) == ["Cai", "Ann changed"]


def test_what_was_modified_after_the_day_began_waits_for_the_next_day(zoho, zoho_api, order):
    asked = order("accounts", COLUMNS, day=2)
    pull(zoho_api(), asked)
    assert names(asked.target) == ["Ann"]
    assert [rest for _, rest, *_ in zoho.asked] == ["", "deleted"]  # the second page is not asked for


def test_a_server_that_ignores_the_modified_time_costs_requests_not_rows(zoho, zoho_api, order):
    pull(zoho_api(), order("accounts", COLUMNS, day=3))
    zoho.ignores_modified_since = True
    asked = order("accounts", COLUMNS, day=5)
    pull(zoho_api(), asked)
    assert names(asked.target) == ["Cai"]


def test_a_deleted_record_leaves_its_id_and_nothing_of_a_person(zoho, zoho_api, order):
    zoho.deleted["Accounts"] = [
        {
            "id": "8",
            "display_name": "Secret Name",
            "deleted_time": "2024-03-03T01:00:00+00:00",
            "type": "recycle",
        },
        {"id": "9", "display_name": None, "deleted_time": "2024-03-04T01:00:00+00:00", "type": "permanent"},
        {"id": "7", "display_name": "Later", "deleted_time": "2024-03-11T01:00:00+00:00", "type": "recycle"},
    ]
    asked = order("accounts", COLUMNS)
    pull(zoho_api(), asked)
    gone = [row for row in rows(asked.target) if row["is_deleted"]]
    assert [row["id"] for row in gone] == ["8", "9"]
    assert gone[0]["Modified_Time"] == "2024-03-03T01:00:00Z"
    assert "Secret Name" not in gzip.decompress(asked.target.read_bytes()).decode()


def test_nothing_changed_is_no_file_but_a_pull_that_was_made(zoho, zoho_api, order):
    zoho.records["Accounts"] = []
    asked = order("accounts", COLUMNS)
    assert pull(zoho_api(), asked).lines == 0
    assert not asked.target.exists()
    assert pull(zoho_api(), asked).before


def test_the_lines_of_an_order_come_whole_and_an_order_without_lines_says_so(zoho, zoho_api, order):
    item = {"id": "i1", "Product_Name": {"id": "p1", "name": "Lamp"}, "Quantity": 2, "Total": 30}
    zoho.records["Sales_Orders"] = [
        account("o1", "x", 1, Ordered_Items=[item, item | {"id": "i2"}]),
        account("o2", "x", 2, Ordered_Items=[]),
    ]
    zoho.deleted["Sales_Orders"] = [{"id": "o3", "deleted_time": "2024-03-03T01:00:00+00:00"}]
    asked = order("order_items", LINES)
    pull(zoho_api(), asked)
    found = [
        (row["Parent_Id"], row["id"], row["Product_Name"], row["is_deleted"]) for row in rows(asked.target)
    ]
    assert found == [
        ("o1", "i1", "p1", False),
        ("o1", "i2", "p1", False),
        ("o2", None, None, True),
        ("o3", None, None, True),
    ]


# --- tokens -------------------------------------------------------------------------------------------------


def test_an_expired_token_is_replaced_and_no_row_is_lost_or_doubled(zoho, zoho_api, order):
    zoho.calls_a_token_lasts = 1
    asked = order("accounts", COLUMNS)
    pull(zoho_api(), asked)
    assert names(asked.target) == ["Ann", "Bo", "Cai"]
    assert zoho.tokens_made == 3  # one for each call: two pages and the deleted ones


def test_a_token_that_is_never_taken_is_refused_after_one_new_one(zoho, zoho_api, order):
    zoho.calls_a_token_lasts = 0
    with pytest.raises(web.AccessRefused, match="Accounts: a token just made is refused"):
        pull(zoho_api(), order("accounts", COLUMNS))
    assert zoho.tokens_made == 2


@pytest.mark.parametrize(
    ("given", "code"),
    [({"refresh_token": "wrong-one"}, "invalid_code"), ({"client_secret": "wrong-one"}, "invalid_client")],
)
def test_wrong_credentials_fail_at_once_and_are_not_told(zoho, zoho_api, order, pauses, caplog, given, code):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(web.AccessRefused, match=code) as refused:
        pull(zoho_api(**given), order("accounts", COLUMNS))
    assert isinstance(refused.value, ValueError)
    assert pauses == []
    told = caplog.text + repr(refused.value) + repr(refused.value.__context__)
    assert not [secret for secret in (*SECRETS, "wrong-one") if secret in told]


def test_a_missing_permission_names_the_module(zoho, zoho_api, order):
    zoho.forbidden.add("Accounts")
    with pytest.raises(web.AccessRefused, match="Accounts: status 403, NO_PERMISSION"):
        pull(zoho_api(), order("accounts", COLUMNS))


# --- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500", "cut", "half", "gone"])
def test_a_fault_is_asked_again_and_the_file_is_the_same(zoho, zoho_api, order, pauses, fault):
    asked = order("accounts", COLUMNS)
    pull(zoho_api(), asked)
    undisturbed = asked.target.read_bytes()
    asked.record.unlink()
    zoho.faults = ["fine", fault, fault]
    pull(zoho_api(), asked)
    assert asked.target.read_bytes() == undisturbed
    assert pauses == [1, 2]


def test_too_many_requests_waits_as_long_as_the_server_says(zoho, zoho_api, order, pauses):
    zoho.faults = ["429", "429"]
    asked = order("accounts", COLUMNS)
    pull(zoho_api(), asked)
    assert pauses == [7, 7]
    assert names(asked.target) == ["Ann", "Bo", "Cai"]


@pytest.mark.parametrize(("fault", "kind"), [("429", web.RateLimited), ("500", web.ServerFault)])
def test_a_fault_that_stays_is_one_airflow_retries_later(zoho, zoho_api, order, pauses, fault, kind):
    zoho.faults = [fault] * web.ATTEMPTS
    with pytest.raises(kind) as raised:
        pull(zoho_api(), order("accounts", COLUMNS))
    assert not isinstance(raised.value, ValueError)
    assert len(pauses) == web.ATTEMPTS - 1


# --- what has changed at the vendor's -----------------------------------------------------------------------


def test_a_renamed_field_fails_at_once_naming_module_and_field(zoho, zoho_api, order, pauses):
    for record in zoho.records["Accounts"]:
        record["Company"] = record.pop("Account_Name")
    with pytest.raises(web.FieldMissing, match="Accounts: field Account_Name is not in the answer"):
        pull(zoho_api(), order("accounts", COLUMNS))
    assert pauses == []


def test_a_field_renamed_in_the_lines_of_an_order_is_named_too(zoho, zoho_api, order):
    zoho.records["Sales_Orders"] = [account("o1", "x", 1, Ordered_Items=[{"id": "i1", "Qty": 2}])]
    with pytest.raises(web.FieldMissing, match=r"Sales_Orders\.Ordered_Items: field Product_Name, Quantity"):
        pull(zoho_api(), order("order_items", LINES))


def test_a_modified_time_of_another_kind_is_named(zoho, zoho_api, order):
    zoho.records["Accounts"][0]["Modified_Time"] = "2024-03-01 12:00"
    zoho.records["Accounts"] = zoho.records["Accounts"][:1]
    with pytest.raises(web.FieldMissing, match="Modified_Time is no instant"):
        pull(zoho_api(), order("accounts", COLUMNS))


def test_an_unknown_module_is_named(zoho, zoho_api, order):
    with pytest.raises(web.ModuleUnknown, match="Deals: status 400, INVALID_MODULE"):
        pull(zoho_api(), order("deals", ("id", "Modified_Time")))
    with pytest.raises(web.ModuleUnknown, match=f"pulled are {', '.join(sorted(MODULES))}"):
        pull(zoho_api(), order("leads", ("id", "Modified_Time")))


def test_more_fields_than_are_given_are_refused_before_anything_is_asked(zoho, zoho_api, order):
    with pytest.raises(web.FieldMissing, match="52 fields are declared; at most 50"):
        pull(zoho_api(), order("accounts", tuple(f"F{n}" for n in range(50))))
    assert zoho.asked == []


@pytest.mark.parametrize("answer", [{"data": {"id": "1"}}, {"data": ["1"]}, {"records": []}, {"data": None}])
def test_an_answer_of_another_shape_is_not_taken_for_no_records(zoho, zoho_api, order, answer):
    zoho.faults = [answer]
    with pytest.raises(web.AnswerUnexpected, match="no list of records"):
        pull(zoho_api(), order("accounts", COLUMNS))


# --- long pulls ---------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


def test_a_killed_pull_goes_on_at_the_page_it_was_at_and_gives_the_same_bytes(zoho, zoho_api, order):
    zoho.records["Accounts"] += [account(str(n), f"N{n}", 4) for n in range(10, 16)]
    asked = order("accounts", COLUMNS)
    pull(zoho_api(), asked)
    undisturbed = asked.target.read_bytes()
    asked.record.unlink()
    asked.target.unlink()

    killed = zoho_api()
    page, taken = killed.page, []

    def dies_at_the_third(*given):
        if len(taken) == 2:
            raise Killed
        taken.append(given)
        return page(*given)

    killed.page = dies_at_the_third
    with pytest.raises(Killed):
        pull(killed, asked)
    assert not asked.target.exists()
    zoho.asked.clear()
    pull(zoho_api(), asked)
    assert asked.target.read_bytes() == undisturbed
    assert [rest for _, rest, *_ in zoho.asked] == ["", "", "", "deleted"]  # five pages, two were there
    assert zoho.asked[0][2]["page_token"].endswith("#4")


def test_a_lost_page_token_goes_on_from_the_last_record_seen(zoho, zoho_api, order):
    zoho.records["Accounts"] += [account(str(n), f"N{n}", n) for n in range(4, 9)]
    asked = order("accounts", COLUMNS)
    zoho.page_tokens_lost = 2
    pull(zoho_api(), asked)
    assert [row["id"] for row in rows(asked.target)] == [str(n) for n in range(1, 9)]


def test_page_tokens_that_are_always_lost_do_not_go_on_for_ever(zoho, zoho_api, order):
    zoho.records["Accounts"] = [account(str(n), "same time", 4) for n in range(9)]
    zoho.page_tokens_lost = 1_000
    with pytest.raises(web.AnswerUnexpected, match="times over the same page"):
        pull(zoho_api(), order("accounts", COLUMNS))


# --- the Airflow connection ---------------------------------------------------------------------------------


def connection(**given):
    told = {"login": "id-1", "password": "client-secret-1"}
    extra = {"refresh_token": "refresh-token-1", "accounts_url": "https://accounts.zoho.com"}
    extra |= given.pop("extra", {})
    return SimpleNamespace(conn_id=CONNECTION, extra_dejson=extra, **told | given)


@pytest.fixture
def airflow_has(monkeypatch):
    from airflow.sdk import BaseHook

    def set_to(found):
        monkeypatch.setattr(BaseHook, "get_connection", lambda _: found)

    return set_to


def test_the_hook_gives_the_api_its_connection_names(zoho, order, airflow_has):
    airflow_has(connection(extra={"accounts_url": zoho.address}))
    assert pull(ZohoCrmHook().get_conn(), order("accounts", COLUMNS)).lines == 3


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"login": None}, "login"),
        ({"password": ""}, "password"),
        ({"extra": {"refresh_token": ""}}, "refresh_token"),
        ({"extra": {"accounts_url": "http://accounts.zoho.com"}}, "accounts_url must be an https"),
        ({"extra": {"api_domain": "ftp://zohoapis.com"}}, "api_domain must be an https"),
    ],
)
def test_an_incomplete_connection_names_the_field_and_not_its_value(airflow_has, given, named):
    airflow_has(connection(**given))
    with pytest.raises(web.ConnectionIncomplete, match=named) as wrong:
        ZohoCrmHook().get_conn()
    assert not [secret for secret in SECRETS if secret in str(wrong.value)]


def test_a_connection_that_is_not_there_says_how_to_add_it(monkeypatch):
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    def missing(_):
        raise AirflowNotFoundException

    monkeypatch.setattr(BaseHook, "get_connection", missing)
    with pytest.raises(web.ConnectionIncomplete, match=r"no Airflow connection 'zoho_crm_default'\. Add one"):
        ZohoCrmHook().get_conn()


def test_no_secret_and_no_customer_is_in_any_log_of_a_pull(zoho, zoho_api, order, caplog):
    caplog.set_level(logging.DEBUG)
    zoho.calls_a_token_lasts = 2
    zoho.faults = ["429", "500", "cut"]
    pull(zoho_api(), order("accounts", COLUMNS))
    hidden = (*SECRETS, "access-token-", "Ann", "owner@example.com", "Owner Name")
    assert not [text for text in hidden if text in caplog.text]
    assert "pulled accounts: 3 records for 2024-03-10" in caplog.text
