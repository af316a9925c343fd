"""What is personal goes into raw as a hash, whatever the format; everything else about reading stays."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage import declaration, landing, raw, receipts, retention
from storage.reading.pseudonym import HashKey, HashKeyMissing

DAY = date(2017, 1, 5)
KEY = HashKey(b"a key for tests, and for nothing else")
OTHER = HashKey(b"another key, after the first was lost")

DECLARATION = """\
version: 2
sources:
  - name: shop
    config: {meta: {time_zone: UTC, currency: USD}}
    tables:
      - name: people
        config: {meta: {path: "people_{delivered_on}.csv", key: [id], customer_column: id}}
        columns:
          - {name: id, data_type: varchar, config: {meta: {class: id}}}
          - name: phone
            data_type: varchar
            config: {meta: {class: personal, normalise: phone, required: true}}
          - {name: born, data_type: date, config: {meta: {class: personal, keep_personal: ages come from it}}}
          - {name: said, data_type: varchar, config: {meta: {class: free_text}}}
      - name: members
        config: {meta: {path: "members_{delivered_on}.parquet", format: parquet, key: [id]}}
        columns:
          - {name: id, data_type: bigint}
          - {name: email, data_type: varchar, config: {meta: {class: personal, normalise: email}}}
"""


class Shop:
    """Two extracts with something personal in them: one of text, one of typed values."""

    def __init__(self, root):
        self.root, self.lake = root, root / "lake"
        self.declare(DECLARATION)

    def declare(self, text: str) -> None:
        file = self.root / "models" / "shop" / "_shop__sources.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def send(self, name: str, content: str | pa.Table) -> None:
        path = self.root / "incoming" / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(content, path) if isinstance(content, pa.Table) else path.write_text(content)

    def load(self, key: HashKey | None = KEY) -> None:
        sources, pending = declaration.read(self.root / "models", ["shop"]), self.lake / "runs/one/pending"
        landing.land(self.lake, self.root / "incoming", sources, DAY)
        raw.read_pending(self.lake, sources, DAY, pending, "UTC", key)
        raw.put_in_place(self.lake, pending)

    def rows(self, extract: str, layer: str = "raw") -> list[dict]:
        files = sorted((self.lake / layer / "shop" / extract).rglob("*.parquet"))
        return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_values_are_checked_as_sent_and_kept_as_hashes(shop):
    shop.send(
        "people_2017-01-05.csv",
        "id,phone,born,said\n1,+86 138 1234 5678,1990-02-03,ring 13812345678\n"
        "2,,1991-01-01,x\n3,13912345678,,\n",
    )
    shop.load()
    found = [(row["id"], row["phone"], row["born"], row["said"]) for row in shop.rows("people")]
    assert found == [
        ("1", KEY.hash("13812345678"), "1990-02-03", "ring [number]"),
        ("3", KEY.hash("13912345678"), None, None),
    ]
    (held,) = shop.rows("people", "quarantine")
    assert (held["reason"], held["original"]) == ("missing_value", b"2,,1991-01-01,x\n")


def test_typed_deliveries_are_hashed_alike(shop):
    shop.send("members_2017-01-05.parquet", pa.table({"id": [1, 2], "email": [" A@B.example", None]}))
    shop.load()
    assert [(row["id"], row["email"]) for row in shop.rows("members")] == [
        (1, KEY.hash("a@b.example")),
        (2, None),
    ]


def test_another_key_reads_every_delivery_again(shop):
    shop.send("people_2017-01-05.csv", "id,phone,born,said\n1,13812345678,,\n")
    shop.load(KEY)
    shop.load(OTHER)
    assert [row["phone"] for row in shop.rows("people")] == [OTHER.hash("13812345678")]
    (receipt,) = receipts.read_all(shop.lake, "shop", "people").values()
    shop.load(OTHER)
    assert receipts.read_all(shop.lake, "shop", "people") == {receipt.name: receipt}


def test_without_a_key_nothing_is_read(shop):
    shop.send("people_2017-01-05.csv", "id,phone,born,said\n1,13812345678,,\n")
    with pytest.raises(HashKeyMissing, match=r"shop\.people\.phone, shop\.members\.email"):
        shop.load(None)
    assert shop.rows("people") == []


def test_what_becomes_personal_is_hashed_also_where_the_bytes_are_gone_and_no_hash_is_hashed_twice(shop):
    shop.declare(DECLARATION.replace("class: personal, normalise: phone, required: true", "class: plain"))
    shop.send("people_2017-01-05.csv", "id,phone,born,said\n1,138 1234 5678,,\n2,,,\n")
    shop.load()
    assert [row["phone"] for row in shop.rows("people")] == ["138 1234 5678", None]
    retention.expire_landing(shop.lake, DAY + timedelta(days=1))
    shop.declare(DECLARATION)
    shop.load()
    assert [row["phone"] for row in shop.rows("people")] == [KEY.hash("13812345678"), None]
    shop.load(OTHER)
    assert [row["phone"] for row in shop.rows("people")] == [KEY.hash("13812345678"), None]
