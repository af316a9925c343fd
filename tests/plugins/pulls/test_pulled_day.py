"""From a vendor's server to raw: what a pull leaves is landed like any other delivery."""

from __future__ import annotations

import gzip
import json
from datetime import date

import duckdb
import pytest
from crm_servers import account

from expectations.gate import PromiseBroken
from pipeline import pulling, settings, steps
from pipeline.run import Run
from storage.lake import Day


@pytest.fixture
def run_of(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGMENTATION_HASH_KEY", "a key of thirty-two characters, at least")
    file = tmp_path / "segmentation.yml"
    file.write_text(
        "sources: [zoho_crm]\ntime_zone: Asia/Shanghai\ncurrency: USD\nlake: lake\nincoming: extracts\n"
        "resources: {min_free_gib: 0.1}\n"
    )

    def made(day):
        return Run(settings.load(file), Day.of(date(2024, 3, day)), f"run-{day}")

    return made


@pytest.fixture
def shop(zoho):
    """An account, an order with a line, and nothing else."""
    person = {"Phone": "+86 138-0000-0000", "Industry": "Retail", "Employees": 12}
    place = {"Billing_Country": "CN", "Billing_State": None, "Billing_City": "西安"}
    created = {"Created_Time": "2024-03-01T10:00:00+08:00"}
    zoho.records = {
        "Accounts": [account("a1", "Name Unasked", 4, **person, **place, **created)],
        "Sales_Orders": [
            account(
                "o1",
                "x",
                4,
                Deal_Name=None,
                Contact_Name=None,
                Status="Approved",
                Grand_Total=33.5,
                Ordered_Items=[
                    {"id": "i1", "Product_Name": {"id": "p1"}, "Quantity": 2, "Total": 30, "Discount": 0}
                ],
                **created,
            )
        ],
        **{name: [] for name in ("Contacts", "Deals", "Cases", "Products")},
    }
    zoho.records["Sales_Orders"][0]["Account_Name"] = {"id": "a1", "name": "Name Unasked"}
    return zoho


def raw(run, extract, columns):
    with duckdb.connect() as connection:
        files = run.lake / "raw" / "zoho_crm" / extract / "delivered_on=*" / "*.parquet"
        return connection.execute(f"select {columns} from '{files}' order by all").fetchall()


def test_a_pulled_day_is_landed_and_loaded_and_nothing_personal_is_in_raw(shop, zoho_api, run_of):
    run = run_of(5)
    lines = pulling.take(run, "zoho_crm", vendor=zoho_api())
    assert {name: count for name, count in lines.items() if count} == {
        "accounts": 1,
        "sales_orders": 1,
        "order_items": 1,
    }
    steps.land(run)
    steps.check_landed(run)
    steps.load_raw(run)
    assert raw(run, "sales_orders", "id, Account_Name, Grand_Total, is_deleted") == [
        ("o1", "a1", "33.5", "false")
    ]
    assert raw(run, "order_items", "Parent_Id, id, Product_Name, Total") == [("o1", "i1", "p1", "30")]
    ((phone, city),) = raw(run, "accounts", "Phone, Billing_City")
    assert city == "西安"
    assert phone
    assert "138" not in phone
    assert raw(run, "pulls", "count(*), sum(cast(lines as bigint))") == [(7, 3)]


def test_a_quiet_day_has_its_account_alone_and_passes_the_gate(shop, zoho_api, run_of):
    pulling.take(run_of(5), "zoho_crm", vendor=zoho_api())
    quiet = run_of(6)
    assert set(pulling.take(quiet, "zoho_crm", vendor=zoho_api()).values()) == {0}
    delivered = [path.name for path in (quiet.settings.incoming / "zoho_crm").rglob("*2024-03-06*")]
    assert delivered == ["pulls_2024-03-06.jsonl.gz"]
    for run in (run_of(5), quiet):
        steps.land(run)
        steps.check_landed(run)
        steps.load_raw(run)


def test_a_pull_that_failed_is_missed_by_the_gate_and_its_day_is_finished_later(shop, zoho_api, run_of):
    run = run_of(5)
    whole = shop.records.pop("Deals")
    with pytest.raises(ValueError, match="Deals: status 400, INVALID_MODULE"):
        pulling.take(run, "zoho_crm", vendor=zoho_api())
    steps.land(run)
    with pytest.raises(PromiseBroken, match="pulls"):
        steps.check_landed(run)
    shop.records["Deals"] = whole
    shop.asked.clear()
    pulling.take(run, "zoho_crm", vendor=zoho_api())
    assert "Accounts" not in {module for module, *_ in shop.asked}  # it was done
    steps.land(run)
    steps.check_landed(run)


def test_a_day_is_pulled_again_from_a_local_day(shop, zoho_api, run_of):
    run = run_of(5)
    pulling.take(run, "zoho_crm", vendor=zoho_api())
    shop.asked.clear()
    pulling.take(run, "zoho_crm", since="2024-03-01", vendor=zoho_api())
    assert {since for module, rest, _, since in shop.asked if module == "Accounts"} == {
        "2024-02-29T16:00:00+00:00"
    }
    account_of_pulls = run.settings.incoming / "zoho_crm" / "pulls" / "pulls_2024-03-05.jsonl.gz"
    told = [json.loads(line) for line in gzip.decompress(account_of_pulls.read_bytes()).splitlines()]
    assert {line["since"] for line in told} == {"2024-02-29T16:00:00+00:00"}
    assert {line["until"] for line in told} == {"2024-03-04T16:00:00+00:00"}


def test_a_bucket_cannot_be_pulled_into(shop, zoho_api, run_of, tmp_path):
    (tmp_path / "segmentation.yml").write_text("sources: [zoho_crm]\nincoming: s3://drop/extracts\n")
    elsewhere = Run(settings.load(tmp_path / "segmentation.yml"), Day.of(date(2024, 3, 5)), "run")
    with pytest.raises(pulling.IncomingNotAFolder, match="s3://drop/extracts"):
        pulling.take(elsewhere, "zoho_crm", vendor=zoho_api())
    assert shop.asked == []
