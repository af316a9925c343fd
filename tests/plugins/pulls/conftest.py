"""A server of each CRM and the API that talks to it; nothing is waited for."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from crm_servers import Crm, FxiaokeAnswers, ZohoAnswers, account, fxiaoke_account

from pulls.fxiaoke import Fxiaoke
from pulls.pulling import Order
from pulls.zoho_crm import ZohoCrm

FIELDS = ("name", "account_level", "last_modified_time")


@pytest.fixture
def zoho():
    """A Zoho CRM with three accounts, handing out two a page."""
    with Crm(ZohoAnswers).running() as server:
        server.per_page = 2
        server.records["Accounts"] = [account("1", "Ann", 1), account("2", "Bo", 2), account("3", "Cai", 3)]
        yield server


@pytest.fixture
def fxiaoke():
    """A Fxiaoke with three accounts."""
    with Crm(FxiaokeAnswers).running() as server:
        server.described["AccountObj"] = [*FIELDS, "life_status", "is_deleted"]
        server.records["AccountObj"] = [
            fxiaoke_account("a1", "甲", 1),
            fxiaoke_account("a2", "乙", 2),
            fxiaoke_account("a3", "丙", 3),
        ]
        yield server


@pytest.fixture
def pauses():
    """How long was waited, in order; nothing is waited for."""
    return []


@pytest.fixture
def zoho_api(zoho, pauses):
    def made(**given):
        named = {"client_id": "id-1", "client_secret": "client-secret-1", "refresh_token": "refresh-token-1"}
        return ZohoCrm(**named | {"accounts_url": zoho.address, "sleep": pauses.append} | given)

    return made


@pytest.fixture
def fxiaoke_api(fxiaoke, pauses):
    def made(**given):
        named = {"app_id": "FSAID_1", "app_secret": "app-secret-1", "permanent_code": "permanent-code-1"}
        about = {"open_user_id": "FSUID_1", "host": fxiaoke.address, "sleep": pauses.append}
        return Fxiaoke(**named | about | given)

    return made


@pytest.fixture
def order(tmp_path):
    """The order to pull an extract on a day of March 2024, whose window ends at its midnight."""

    def made(extract, columns, day=10):
        delivered_on = date(2024, 3, day)
        return Order(
            extract=extract,
            columns=columns,
            target=tmp_path / "incoming" / extract / f"{extract}_{delivered_on}.jsonl.gz",
            delivered_on=delivered_on,
            until=datetime(2024, 3, day, tzinfo=UTC),
            records=tmp_path / "pulls" / extract,
        )

    return made
