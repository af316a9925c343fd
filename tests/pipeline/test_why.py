"""Which customer is meant, and what is told of them, from published tables written by eye."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import why
from pipeline.gates import SCHEME_TABLES
from pipeline.settings import load

VERSION = "as_of=2025-04-01,key=0123abcd"
LABELS = {"label_zh": "甲", "label_en": "A", "reason_zh": "因", "reason_en": "for", "reason_code": "R1"}


@pytest.fixture
def tell(tmp_path, monkeypatch):
    """What is told of a customer where those ids are published, all of them with the same actions."""
    (tmp_path / "segmentation.yml").write_text("time_zone: Asia/Shanghai\ncurrency: CNY\n")
    monkeypatch.setenv("SEGMENTATION_SETTINGS", str(tmp_path / "segmentation.yml"))
    folder = tmp_path / "lake" / "published" / "versions" / VERSION
    folder.mkdir(parents=True)
    (folder.parents[1] / "current.json").write_text(json.dumps({"version": VERSION}))

    def told(customer, ids, actions="AC3|AC99"):
        for table in ("customer_360", *SCHEME_TABLES.values()):
            rows = [
                {"customer_id": each, "segment_code": "S1", "action_codes": actions, "orders": 7} | LABELS
                for each in ids
            ]
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{table}.parquet")
        entries = [
            {"kind": "action", "code": "AC3", "label_zh": "小额优惠券", "label_en": "Small coupon"},
            {"kind": "segment", "code": "AC99", "label_zh": "段", "label_en": "no action"},
            {"kind": "scheme", "code": "rfm", "label_zh": "细分", "label_en": "RFM"},
        ]
        entries = [entry | {"sort_order": place} for place, entry in enumerate(entries)]
        pq.write_table(pa.Table.from_pylist(entries), folder / "dictionary.parquet")
        return why.text(load(), customer)

    return told


def test_an_id_that_one_source_only_has_is_found_without_the_source(tell):
    said = tell("M1", ["tower:M11", "tower:XM1", "lighthouse:M1"]).splitlines()
    assert said[0].startswith("Customer 客户 lighthouse:M1 ")
    assert said[1].startswith("M1 is an id of one source only")


def test_the_full_id_goes_before_another_that_ends_in_it(tell):
    said = tell("M1", ["tower:M1", "M1"])
    assert "Customer 客户 M1 " in said
    assert "one source only" not in said


def test_an_id_of_several_sources_is_answered_with_the_customers_it_may_be(tell):
    with pytest.raises(why.CustomerUnknown, match="may be any of lighthouse:M1, tower:M1; say which"):
        tell("M1", ["tower:M1", "lighthouse:M1", "tower:M2"])
    with pytest.raises(why.CustomerUnknown, match=r"of s10:1, (s\d+:1, ){9}…; say which"):
        tell("1", [f"s{number}:1" for number in range(10, 30)])


def test_an_id_nobody_has_is_said_to_be_unknown(tell):
    with pytest.raises(why.CustomerUnknown, match="'M3' is not in the published day"):
        tell("M3", ["tower:M1"])


def test_an_action_is_told_by_code_and_name_and_by_code_alone_without_one(tell):
    assert "  action  AC3 小额优惠券 Small coupon\n  action  AC99\n" in tell("1", ["1"])


@pytest.mark.parametrize("none", [None, ""])
def test_no_action_is_told_as_none(tell, none):
    assert "  action  –\n" in tell("1", ["1"], actions=none)


def test_what_is_expected_of_a_customer_is_told_with_what_it_rests_on(tell, tmp_path):
    assert "Customer value" not in tell("M1", ["M1"])  # a day of before there were values
    valued = {
        "customer_id": "M1", "value_basis_label_zh": "复购规律", "value_basis_label_en": "Repeat purchases",
        "reason_zh": "因", "reason_en": "by BG/NBD", "reason_code": "VALUE_REPEAT", "p_alive": 0.87,
        "expected_orders_90d": 1.25, "expected_amount": 40.0, "clv": None, "net_life": 9.0,
    }  # fmt: skip
    folder = tmp_path / "lake" / "published" / "versions" / VERSION
    pq.write_table(pa.Table.from_pylist([valued]), folder / "customer_value.parquet")
    said = tell("M1", ["M1"])
    block = said[said.index("Customer value 客户价值: 复购规律 Repeat purchases") :].splitlines()
    assert block[2] == "  reason  by BG/NBD   [VALUE_REPEAT]"
    assert "    p_alive              0.87" in block
    assert "    clv                  –" in block
    assert not any("net_life" in line for line in block)
