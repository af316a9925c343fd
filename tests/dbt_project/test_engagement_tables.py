"""The use of functions, and schemes of engagement where no extract was delivered, as BI reads them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from test_marts import CUSTOMERS, Shop, broken, project  # noqa: F401  (a fixture)

AS_OF = date(2018, 1, 1)


@pytest.fixture(scope="module")
def shop(project, tmp_path_factory):  # noqa: F811
    built = Shop(tmp_path_factory.mktemp("engagement"), project)
    built.beside["feat_usage_feature"] = [
        # product, function, users, users of the product, uses
        (AS_OF, "7", "export", 9, 100, 30),
        (AS_OF, "7", "report", 10, 100, 40),
        (AS_OF, "8", "export", 1, 99, 1),
        (AS_OF, "8", "report", 99, 99, 500),
    ]
    assert broken(built.build()) == []
    return built


def test_a_function_is_of_low_use_below_a_tenth_of_a_hundred_users(shop):
    columns = (
        "product_id, feature, usage_rate, low_use_flag, use_level, use_level_label_zh, use_level_label_en"
    )
    assert shop.rows(f"select {columns} from {{feature_usage}}") == [
        ("7", "export", Decimal("0.090000"), True, "low", "使用率低", "Low use"),
        ("7", "report", Decimal("0.100000"), False, "common", "正常使用", "In use"),
        ("8", "export", Decimal("0.010101"), False, "too_few_users", "样本不足", "Too few users"),
        ("8", "report", Decimal("1.000000"), False, "too_few_users", "样本不足", "Too few users"),
    ]


@pytest.mark.parametrize(
    "scheme", ["usage", "interaction", "social", "membership", "contact_channel", "silent"]
)
def test_where_nothing_is_delivered_everybody_is_unknown_in_both_languages(shop, scheme):
    found = shop.rows(f"select segment_code, label_zh, label_en, count(*) from {{{scheme}}} group by all")
    assert found == [("unknown", "未知", "Unknown", len(CUSTOMERS))]


def test_without_web_events_the_stage_says_that_it_rests_on_orders_only(shop):
    found = shop.rows(
        "select customer_id, segment_code, stage_basis, stage_basis_label_zh from {decision_stage}"
    )
    assert {row[2:] for row in found} == {("orders_only", "仅订单")}
    assert {row[0]: row[1] for row in found} == {
        "ann": "purchase",
        "bob": "post_purchase",
        "cat": "unknown",
        "dan": "unknown",
        "eve": "unknown",
        "fay": "unknown",
    }
