"""Two CRMs as customers, orders, lines, returns, tickets and products: a few records, checked by eye."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest
from small_shop import FixtureLake, build

DAY = ("2024-03-20", "2024-03-20")


def staged(built, columns, table, where="true"):
    with duckdb.connect(str(built.run_dir / "run.duckdb"), read_only=True) as connection:
        query = f"select {columns} from staging.{table} where {where} order by all"
        return connection.execute(query).fetchall()


def known(day):
    return f"known_from_on <= date '{day}' and date '{day}' < known_until_on"


def zoho(record_id, day, **fields):
    kept = {"id": record_id, "is_deleted": "false", "Modified_Time": f"2024-03-{day:02d}T12:00:00+00:00"}
    return kept | fields


def gone(record_id, day, **fields):
    return {"id": record_id, "is_deleted": "true", "Modified_Time": f"2024-03-{day:02d}T12:00:00Z"} | fields


CREATED = {"Created_Time": "2024-02-29T18:00:00Z"}


def sale(record_id, day, **fields):
    told = {"Account_Name": "a1", "Status": "Approved", "Grand_Total": "33.00"}
    return zoho(record_id, day, **CREATED | told | fields)


@pytest.fixture(scope="module")
def zoho_crm(tmp_path_factory):
    lake = FixtureLake(tmp_path_factory.mktemp("zoho"), "zoho_crm")
    accounts = [
        zoho(
            "a1",
            4,
            Owner="77",
            Phone="hash-1",
            Industry="Retail",
            Employees="12",
            Billing_City="Xi'an",
            **CREATED,
        )
    ]
    lake.deliver("accounts", "2024-03-05", [*accounts, zoho("a2", 4)], "c01")
    lake.deliver("accounts", "2024-03-10", [gone("a2", 9)], "c02")
    contacts = [
        zoho("k1", 4, Account_Name="a1", Email="hash-2"),
        zoho("k2", 4, Email="hash-3", Email_Opt_Out="true", Date_of_Birth="1990-05-01"),
    ]
    lake.deliver("contacts", "2024-03-05", contacts, "c03")
    lake.deliver("sales_orders", "2024-03-05", [sale("o1", 4), sale("o3", 4), sale("o4", 4)], "c04")
    lake.deliver("sales_orders", "2024-03-12", [sale("o2", 11, Deal_Name="d1"), gone("o3", 11)], "c05")
    lake.deliver("sales_orders", "2024-03-14", [sale("o4", 13, Status="Cancelled")], "c11")
    line = {"Parent_Id": "o1", "Product_Name": "p1", "Quantity": "2", "Total": "30.00", "is_deleted": "false"}
    first = [
        line | {"id": "i1", "Discount": "5.00"},
        line | {"id": "i2"},
        line | {"id": "i9", "Parent_Id": "o3"},
        line | {"id": "i4", "Parent_Id": "o4"},
    ]
    lake.deliver("order_items", "2024-03-05", first, "c06")
    lake.deliver(
        "order_items",
        "2024-03-12",
        [
            line | {"id": "i2"},
            line | {"id": "i3", "Parent_Id": "o2"},
            {"Parent_Id": "o3", "is_deleted": "true"},
        ],
        "c07",
    )
    won = {"Account_Name": "a1", "Amount": "100.00", "Stage": "Closed Won", "Closing_Date": "2024-03-02"}
    deals = [zoho("d1", 4, **won), zoho("d2", 4, **won), zoho("d3", 4, **won | {"Stage": "Negotiation"})]
    lake.deliver("deals", "2024-03-05", deals, "c08")
    cases = [
        zoho("t1", 6, Account_Name="a1", Type="Problem", Status="Closed", Owner="77", **CREATED),
        zoho("t2", 6, Related_To="k2", Type="Question", Status="New", Owner="77", **CREATED),
    ]
    lake.deliver("cases", "2024-03-07", cases, "c09")
    product = zoho("p1", 4, Product_Name="Lamp", Product_Category="Light", Unit_Price="15.00")
    lake.deliver("products", "2024-03-05", [product], "c10")
    return build(lake, tmp_path_factory.mktemp("run"), DAY, zone="Asia/Shanghai")


def test_a_customer_of_zoho_is_an_account_or_a_person_without_one(zoho_crm):
    columns = (
        "customer_id, customer_kind, phone_hash, email_hash, consent_marketing, birth_on, city, account_owner"
    )
    assert staged(zoho_crm, columns, "stg_customers", known("2024-03-09")) == [
        ("a1", "company", "hash-1", None, None, None, "Xi'an", "77"),
        ("a2", "company", None, None, None, None, None, None),
        ("k2", "consumer", None, "hash-3", False, date(1990, 5, 1), None, None),
    ]


def test_a_deleted_record_is_known_until_the_day_its_deletion_was(zoho_crm):
    found = staged(zoho_crm, "known_from_on, known_until_on", "stg_customers", "customer_id = 'a2'")
    assert found == [(date(2024, 3, 5), date(2024, 3, 10))]


def test_an_instant_is_a_local_day(zoho_crm):
    found = staged(zoho_crm, "created_on", "stg_customers", "customer_id = 'a1'")
    assert found == [(date(2024, 3, 1),)]  # in China already March


def test_the_lines_of_an_order_are_those_of_its_last_delivery(zoho_crm):
    columns = "order_id, line_id, list_amount, discount_amount, net_amount, status"
    lines = [
        ("d1", "d1", Decimal("100.00"), Decimal("0.00"), Decimal("100.00"), "completed"),
        ("d2", "d2", Decimal("100.00"), Decimal("0.00"), Decimal("100.00"), "completed"),
        ("o1", "i1", Decimal("30.00"), Decimal("5.00"), Decimal("25.00"), "paid"),
        ("o1", "i2", Decimal("30.00"), Decimal("0.00"), Decimal("30.00"), "paid"),
        ("o3", "i9", Decimal("30.00"), Decimal("0.00"), Decimal("30.00"), "paid"),
        ("o4", "i4", Decimal("30.00"), Decimal("0.00"), Decimal("30.00"), "paid"),
    ]
    assert staged(zoho_crm, columns, "stg_order_lines", known("2024-03-11")) == lines
    later = staged(zoho_crm, "order_id, line_id", "stg_order_lines", known("2024-03-12"))
    assert later == [("d2", "d2"), ("o1", "i2"), ("o2", "i3"), ("o4", "i4")]


def test_a_line_follows_its_order_when_that_is_cancelled(zoho_crm):
    lines = staged(zoho_crm, "status, known_from_on, known_until_on", "stg_order_lines", "order_id = 'o4'")
    assert lines == [
        ("cancelled", date(2024, 3, 14), date(9999, 12, 31)),
        ("paid", date(2024, 3, 5), date(2024, 3, 14)),
    ]


def test_a_won_deal_is_an_order_until_a_sales_order_names_it(zoho_crm):
    orders = staged(zoho_crm, "order_id", "stg_orders", known("2024-03-11"))
    assert orders == [("d1",), ("d2",), ("o1",), ("o3",), ("o4",)]
    assert staged(zoho_crm, "order_id", "stg_orders", known("2024-03-12")) == [
        ("d2",),
        ("o1",),
        ("o2",),
        ("o4",),
    ]


def test_a_case_is_a_ticket_of_its_account_or_its_person(zoho_crm):
    assert staged(zoho_crm, "ticket_id, customer_id, kind, closed_at, agent", "stg_service_tickets") == [
        ("t1", "a1", "problem", datetime(2024, 3, 6, 20), "77"),
        ("t2", "k2", "question", None, "77"),
    ]


def test_a_customer_of_zoho_has_features_of_what_is_known(zoho_crm):
    columns = "customer_id, orders_life, net_life"
    assert zoho_crm.rows("customer_features", columns, "orders_life > 0") == [("a1", 3, Decimal("160.00"))]


def test_an_export_by_hand_is_staged_like_a_pull_and_what_it_does_not_hold_is_gone(tmp_path):
    lake = FixtureLake(tmp_path / "lake", "zoho_crm_export")
    created = {"Created_Time": "2024-03-01T02:00:00+08:00", "Modified_Time": "2024-03-04T12:00:00+08:00"}
    lake.deliver("accounts", "2024-03-05", [{"id": "a1", **created}, {"id": "a2", **created}], "c01")
    lake.deliver("accounts", "2024-03-12", [{"id": "a1", **created}], "c02")
    order = {"Account_Name": "a1", "Status": "Delivered", "Grand_Total": "30.00"}
    lake.deliver("sales_orders", "2024-03-05", [{"id": "o1", **order, **created}], "c03")
    lake.deliver("order_items", "2024-03-05", [{"Parent_Id": "o1", "id": "i1", "Total": "30.00"}], "c04")
    built = build(lake, tmp_path / "run", DAY, zone="Asia/Shanghai")
    assert staged(built, "customer_id, created_on", "stg_customers", known("2024-03-11")) == [
        ("a1", date(2024, 3, 1)),  # still February in UTC
        ("a2", date(2024, 3, 1)),
    ]
    assert staged(built, "customer_id", "stg_customers", known("2024-03-12")) == [("a1",)]
    assert staged(built, "line_id, net_amount, status, ordered_on", "stg_order_lines") == [
        ("i1", Decimal("30.00"), "delivered", date(2024, 3, 1))
    ]


# --- Fxiaoke ------------------------------------------------------------------------------------------------


def at(day, hour=12):
    return str(int(datetime(2024, 3, day, hour, tzinfo=UTC).timestamp() * 1000))


def fxk(record_id, day, **fields):
    kept = {"id": record_id, "is_deleted": "false", "last_modified_time": at(day)}
    return kept | fields


@pytest.fixture(scope="module")
def fxiaoke(tmp_path_factory):
    lake = FixtureLake(tmp_path_factory.mktemp("fxiaoke"), "fxiaoke")
    accounts = [fxk("a1", 4, tel="hash-1", owner='["1000"]', create_time=at(1)), fxk("a2", 4)]
    lake.deliver("accounts", "2024-03-05", accounts, "c01")
    lake.deliver("accounts", "2024-03-10", [fxk("a2", 9, is_deleted="true")], "c02")
    contacts = [fxk("k1", 4, account_id="a1"), fxk("k2", 4, mobile1="hash-3")]
    lake.deliver("contacts", "2024-03-05", contacts, "c03")
    order = {"account_id": "a1", "order_amount": "40.00", "order_time": at(1, 18)}
    orders = [fxk("o1", 4, life_status="normal", **order), fxk("o2", 4, life_status="under_review", **order)]
    lake.deliver("sales_orders", "2024-03-05", orders, "c04")
    line = {"product_id": "p1", "quantity": "2", "product_price": "25.00", "subtotal": "40.00"}
    lines = [fxk("l1", 4, order_id="o1", **line), fxk("l2", 4, order_id="o2", **line | {"product_price": ""})]
    lake.deliver("sales_order_products", "2024-03-05", lines, "c05")
    back = {"account_id": "a1", "order_id": "o1", "returned_goods_inv_amount": "15.00"}
    returns = [
        fxk("r1", 6, life_status="normal", returned_goods_time=at(6), returned_goods_reason="1", **back),
        fxk("r2", 6, life_status="under_review", returned_goods_time=at(6), **back),
    ]
    lake.deliver("returned_goods", "2024-03-07", returns, "c06")
    lake.deliver(
        "cases", "2024-03-07", [fxk("t1", 6, account_id="a1", owner='["1001"]', create_time=at(6))], "c07"
    )
    lake.deliver("products", "2024-03-05", [fxk("p1", 4, name="台灯", category="3", price="25.00")], "c08")
    return build(lake, tmp_path_factory.mktemp("run"), DAY, zone="Asia/Shanghai")


def test_a_customer_of_fxiaoke_is_an_account_or_a_person_without_one(fxiaoke):
    columns = "customer_id, customer_kind, phone_hash, account_owner, created_on"
    assert staged(fxiaoke, columns, "stg_customers", known("2024-03-20")) == [
        ("a1", "company", "hash-1", "1000", date(2024, 3, 1)),
        ("k2", "consumer", "hash-3", None, None),
    ]


def test_an_order_is_paid_once_it_is_approved_and_dated_in_local_time(fxiaoke):
    assert staged(fxiaoke, "order_id, status, ordered_on", "stg_orders") == [
        ("o1", "paid", date(2024, 3, 2)),  # 18:00 UTC is past midnight in China
        ("o2", "created", date(2024, 3, 2)),
    ]


def test_a_line_without_a_list_price_has_no_discount(fxiaoke):
    columns = "line_id, list_amount, discount_amount, net_amount"
    assert staged(fxiaoke, columns, "stg_order_lines") == [
        ("l1", Decimal("50.00"), Decimal("10.00"), Decimal("40.00")),
        ("l2", Decimal("40.00"), Decimal("0.00"), Decimal("40.00")),
    ]


def test_only_an_approved_return_counts(fxiaoke):
    columns = "return_id, customer_id, order_id, amount, returned_on"
    assert staged(fxiaoke, columns, "stg_returns") == [("r1", "a1", "o1", Decimal("15.00"), date(2024, 3, 6))]


def test_a_ticket_and_a_product_of_fxiaoke_are_there(fxiaoke):
    assert staged(fxiaoke, "ticket_id, customer_id, agent, opened_on", "stg_service_tickets") == [
        ("t1", "a1", "1001", date(2024, 3, 6))
    ]
    assert staged(fxiaoke, "product_id, product_name, list_price", "stg_products") == [
        ("p1", "台灯", Decimal("25.00"))
    ]


@pytest.mark.parametrize("source", ["zoho_crm", "fxiaoke"])
def test_a_pull_and_an_export_differ_in_what_tells_of_deleted_records_only(source):
    from pipeline.run import RAW_MODELS
    from storage import declaration

    pulled, exported = (declaration.read(RAW_MODELS, [name])[0] for name in (source, f"{source}_export"))
    *extracts, account = pulled.extracts
    assert account.name == "pulls"
    for one, other in zip(extracts, exported.extracts, strict=True):
        assert (one.name, one.fills) == (other.name, other.fills)
        assert [name for name in one.column_names if name != "is_deleted"] == list(other.column_names)
        assert {column.name for column in one.columns if column.is_hashed} == {
            column.name for column in other.columns if column.is_hashed
        }
        assert (one.format, other.format, other.delivers) == ("jsonl", "csv", "snapshot")
