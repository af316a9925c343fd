"""Several sources at once: who is who, who looks after whom, and money in one currency."""

from __future__ import annotations

import shutil
from decimal import Decimal

import duckdb
import pytest

from tests.dbt_project.small_shop import PROJECT, FixtureLake, build, run_dbt

DAY = ("2024-03-10", "2024-03-10")
PLACED = {
    "ordered_at": "2024-03-01 10:00:00",
    "status": "paid",
    "line_no": "1",
    "product_id": "p",
    "qty": "1",
}


def customer(customer_id, phone="", email="", crm="", owner="", since="", **more):
    return {
        **more,
        "customer_id": customer_id,
        "phone_hash": phone,
        "email_hash": email,
        "crm_id": crm,
        "account_owner": owner,
        "account_owner_since_on": since,
        "updated_at": "2024-01-01 00:00:00",
    }


# Shop and CRM share: 1-a by phone; 2-b by e-mail; the phone p3 names two customers of the shop, so nobody;
# 5-e by phone, and 5 would also be f by e-mail, which would make one person of two customers of the CRM.
SHOP = [
    customer("1", phone="p1", owner="ann", since="2024-01-05", gender="female", consent_marketing="false"),
    customer("2", email="m2", owner="bob", since="2024-01-01"),
    customer("3", phone="p3"),
    customer("4", phone="p3"),
    customer("5", phone="p5", email="m5"),
    customer("6"),
]
CRM = [
    # fresher, and knows less: what only the shop knows stays, and so does its no
    {
        **customer(
            "a", phone="p1", owner="cat", since="2024-02-01", education="phd", consent_marketing="true"
        ),
        "updated_at": "2024-02-01 00:00:00",
    },
    customer("b", phone="p9", email="m2", owner="bob", since="2024-02-01"),
    customer("c", phone="p3"),
    customer("e", phone="p5"),
    customer("f", email="m5"),
    customer("1"),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    root = tmp_path_factory.mktemp("lake")
    crm = FixtureLake(root, "planted")
    crm.deliver("customers", "2024-03-02", CRM, "k1")
    lake = FixtureLake(root, "standard", beside=[crm])
    lake.deliver("customers", "2024-03-02", SHOP, "s1")
    lines = [
        {**PLACED, "order_id": "o1", "customer_id": "1", "list_price": "10.00"},
        {**PLACED, "order_id": "o2", "customer_id": "5", "list_price": "20.00", "status": " ＰＡＩＤ"},
    ]
    lake.deliver("order_lines", "2024-03-02", lines, "s2")
    crm.deliver(
        "order_lines",
        "2024-03-02",
        [
            {**PLACED, "order_id": "o1", "customer_id": "a", "list_price": "7.00"},
            {**PLACED, "order_id": "o9", "customer_id": "x", "list_price": "3.00"},
        ],
        "k2",
    )
    used = {"product_id": "p", "feature": "timer"}
    uses = ["2024-01-01 08:00:00", "2024-02-20 08:00:00", "2024-02-20 21:00:00", "2024-03-01 08:00:00"]
    lake.deliver(
        "usage_events", "2024-03-02", [{**used, "customer_id": "2", "event_at": at} for at in uses], "s3"
    )
    sent = [("i1", "2", "out", "2024-02-28 09:00:00"), ("i2", "2", "in", "2024-03-01 09:00:00")]
    messages = [
        {"interaction_id": i, "customer_id": c, "direction": d, "sent_at": at} for i, c, d, at in sent
    ]
    lake.deliver("interactions", "2024-03-02", messages, "s4")
    # this system reports use as Parquet, whose columns have their types
    crm.deliver("usage_events", "2024-03-02", [{**used, "customer_id": "a", "event_at": uses[1]}], "k3")
    return lake


@pytest.fixture(scope="module")
def linked(lake, tmp_path_factory):
    return build(
        lake,
        tmp_path_factory.mktemp("linked"),
        DAY,
        zone="Asia/Shanghai",
        identity=["phone_hash", "email_hash", "crm_id"],
    )


def staged(built, query):
    with duckdb.connect(str(built.run_dir / "run.duckdb"), read_only=True) as connection:
        return sorted(connection.execute(query).fetchall())


def test_customers_are_one_person_by_a_value_nobody_else_has(linked):
    people = staged(linked, "select source, source_customer_id, customer_id from staging.stg_identity")
    assert people == [
        ("planted", "1", "planted:1"),  # the same number in two systems says nothing
        ("planted", "a", "standard:1"),
        ("planted", "b", "standard:2"),
        ("planted", "c", "planted:c"),
        ("planted", "e", "standard:5"),
        ("planted", "f", "planted:f"),
        *(("standard", str(n), f"standard:{n}") for n in range(1, 7)),
    ]


def test_what_was_matched_and_what_was_not_is_reported(linked):
    columns = "rule, with_value, other_with_value, linked, linked_before, ambiguous, refused"
    assert linked.rows("identity_report", columns) == [
        ("crm_id", 0, 0, 0, 0, 0, 0),
        ("email_hash", 2, 2, 1, 0, 0, 1),
        ("phone_hash", 4, 4, 2, 0, 1, 0),
    ]


def test_orders_of_one_person_come_together_and_strangers_stay_apart(linked):
    assert linked.rows("customer_features", "customer_id, orders_life, net_life", "orders_life > 0") == [
        ("planted:x", 1, Decimal("3.00")),
        ("standard:1", 2, Decimal("17.00")),
        ("standard:5", 1, Decimal("20.00")),
    ]


def test_use_is_counted_in_days_and_a_contact_is_what_we_sent(linked):
    columns = (
        "usage_days_30d, cast(last_used_on as varchar), usage_coverage, cast(last_contact_on as varchar)"
    )
    assert linked.rows("customer_features", columns, "customer_id = 'standard:2'") == [
        (2, "2024-03-01", 1.0, "2024-02-28")
    ]
    assert linked.rows("customer_features", columns, "customer_id = 'standard:1'") == [
        (1, "2024-02-20", 1.0, None)
    ]


def test_a_person_of_two_sources_has_what_either_knows_and_any_no(linked):
    columns = "gender, education, consent_marketing"
    assert linked.rows("customer_features", columns, "customer_id = 'standard:1'") == [
        ("female", "phd", False)
    ]


def test_two_owners_of_one_person_are_listed_with_both_and_since_when(linked):
    columns = (
        "customer_id, account_owner, cast(since_on as varchar), other_owner, cast(other_since_on as varchar)"
    )
    assert linked.rows("owner_conflicts", columns) == [
        ("standard:1", "ann", "2024-01-05", "cat", "2024-02-01")
    ]


def test_without_a_rule_nobody_is_anybody_else(lake, tmp_path):
    alone = build(lake, tmp_path, DAY, zone="Asia/Shanghai")
    assert len(alone.rows("customer_features", "customer_id")) == 13
    assert alone.rows("identity_report", "rule") == []


RATES = "currency,reporting_currency,valid_from_on,rate\nCNY,USD,2024-01-01,0.14\nCNY,USD,2024-03-01,0.15\n"


def with_rates(run_dir, rates):
    seeds = run_dir / "dbt" / "project" / "seeds"
    shutil.copytree(PROJECT / "seeds", seeds)
    (seeds / "exchange_rates.csv").write_text(rates)


def test_money_is_told_in_the_reporting_currency_at_the_rate_of_its_day(lake, tmp_path):
    with_rates(tmp_path, RATES)
    told = build(lake, tmp_path, DAY, zone="Asia/Shanghai", currency="USD")
    assert told.rows("customer_features", "customer_id, net_life", "orders_life > 0") == [
        ("planted:a", Decimal("1.05")),
        ("planted:x", Decimal("0.45")),
        ("standard:1", Decimal("1.50")),
        ("standard:5", Decimal("3.00")),
    ]
    # every file is still found again to the cent, in the currency it came in
    assert told.rows("feat_reconciliation", "layer, sum(amount)", "true group by layer") == [
        ("features", Decimal("40.00")),
        ("raw", Decimal("40.00")),
    ]


def test_a_day_without_a_rate_stops_the_build(lake, tmp_path):
    with_rates(tmp_path, RATES.replace("2024-01-01", "2024-03-02").replace("2024-03-01", "2024-03-03"))
    command = ["build", "--select", "tag:read_by_features", "raw", "staging", "features"]
    command += ["--exclude-resource-type", "unit_test"]
    results = run_dbt(command, lake, tmp_path, [DAY], "Asia/Shanghai", currency="USD").results
    broken = {each.node.name for each in results if str(each.status) == "fail"}
    assert "assert_money_is_in_the_reporting_currency" in broken
