"""One person taken out of everything below the lake, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage import (
    declaration,
    edition,
    erasure,
    erasures,
    lake,
    landing,
    published,
    raw,
    receipts,
    search,
    upkeep,
)
from storage.lake import Day
from storage.published import Facts
from storage.reading.pseudonym import HashKey

DAY = date(2017, 1, 5)
NEXT = DAY + timedelta(days=1)
KEY = HashKey(b"a key for tests, and for nothing else")

DECLARATION = """\
version: 2
sources:
  - name: shop
    config: {meta: {time_zone: UTC, currency: USD}}
    tables:
      - name: people
        config: {meta: {path: "people_{delivered_on}.csv", key: [person], customer_column: person}}
        columns:
          - {name: person, data_type: varchar, config: {meta: {class: id, required: true}}}
          - {name: phone, data_type: varchar, config: {meta: {class: personal, normalise: phone}}}
      - name: orders
        config: {meta: {path: "orders_{delivered_on}.csv.gz", key: [order_id], customer_column: person}}
        columns:
          - {name: order_id, data_type: varchar, config: {meta: {class: id, required: true}}}
          - {name: person, data_type: varchar, config: {meta: {class: id}}}
          - {name: amount, data_type: "decimal(18,2)"}
      - name: lines
        config: {meta: {path: "lines_{delivered_on}.csv", key: [order_id, product], calendar: any}}
        columns:
          - {name: order_id, data_type: varchar, config: {meta: {class: id}}}
          - {name: product, data_type: varchar}
      - name: visits
        config:
          meta: {path: "visits_{delivered_on}.parquet", format: parquet, key: [v], customer_column: person}
        columns:
          - {name: v, data_type: bigint}
          - {name: person, data_type: varchar, config: {meta: {class: id}}}
"""

SENT = {
    "people_2017-01-05.csv": "person,phone\n12,138 1234 5678\n34,139 0000 1111\n",
    "orders_2017-01-05.csv.gz": (
        "order_id,person,amount\na,12,1.00\nb,34,12.00\nc,,3.00\nd,12,many\ne,34,few\nf,12,4.00\n"
    ),
    "lines_2017-01-05.csv": "order_id,product\na,12\nb,12\nc,12\n",
}


@dataclass(frozen=True)
class Shop:
    """A lake after a day of two customers, 12 and 34."""

    root: Path
    names: tuple[str, str] = ("12", "34")

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def source(self):
        return declaration.read(self.root / "models", ["shop"])[0]

    def write(self, name: str, text: str) -> None:
        import gzip

        content = (
            text.replace("12,138", f"{self.names[0]},138").replace(",12,", f",{self.names[0]},").encode()
        )
        path = self.root / "incoming" / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)

    def load(self, known_on: date = DAY) -> None:
        pending = self.lake / "runs" / "day" / "pending"
        landing.land(self.lake, self.root / "incoming", [self.source], known_on)
        raw.read_pending(self.lake, [self.source], known_on, pending, "UTC", KEY)
        raw.put_in_place(self.lake, pending)
        raw.ensure_empty(self.lake, [self.source])

    def rows(self, extract: str, layer: str = "raw") -> list[dict]:
        files = sorted((self.lake / layer / "shop" / extract).rglob("*.parquet"))
        return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]

    def landed(self) -> set[str]:
        return {path.parent.name for path in (self.lake / "landing").rglob("*") if path.is_file()}

    def erase(self, who: str | None = None, day: date = DAY):
        return erasure.erase(self.lake, self.source, who or self.names[0], day, KEY, ["shop"])

    def publish(self) -> None:
        """Features, scores and one published version as a day makes them, of the two customers."""
        customers = pd.DataFrame({"customer_id": sorted(self.names), "orders_life": [3, 1]})
        types = {"customer_id": "varchar", "orders_life": "bigint"}
        for day in (Day.of(DAY), Day.of(NEXT)):
            lake.write_parquet(lake.features_path(self.lake, day), [customers], types, key="customer_id")
            scores = customers[["customer_id"]].assign(segment="A", reason_code="x", reason_params="{}")
            lake.write_scores(self.lake, "value_tier", day, "v1", [scores], columns={})
            marts = self.lake / "runs" / f"run-{day.as_of}" / "marts"
            marts.mkdir(parents=True)
            with duckdb.connect() as connection:
                connection.register("customers", customers)
                for table, query in (
                    ("rfm", "from customers"),
                    ("segment_profile", "select count(*) as n from customers"),
                ):
                    connection.execute(
                        f"copy ({query}) to '{marts}/{table}.parquet' (format parquet, compression zstd)"
                    )
            published.publish(self.lake, marts, day, Facts("s", "d", "v1", ("shop",)))
            (marts.parent / "run.duckdb").write_bytes(b"half built")


@pytest.fixture(params=[("12", "34"), ("customer-0012", "customer-0034")], ids=["short ids", "long ids"])
def shop(request, tmp_path) -> Iterator[Shop]:
    shop = Shop(tmp_path, request.param)
    file = tmp_path / "models" / "shop" / "_shop__sources.yml"
    file.parent.mkdir(parents=True)
    file.write_text(DECLARATION)
    for name, text in SENT.items():
        shop.write(name, text)
    visits = pa.table({"v": [1, 2, 3], "person": [shop.names[0], "34", None]})
    pq.write_table(visits, tmp_path / "incoming" / "shop" / "visits_2017-01-05.parquet")
    shop.load()
    shop.publish()
    return shop


def test_what_raw_holds_of_the_person_goes_and_all_else_stays(shop):
    shop.erase()
    assert [row["person"] for row in shop.rows("people")] == ["34"]
    assert [(row["order_id"], row["_record"]) for row in shop.rows("orders")] == [("b", 2), ("c", 3)]
    assert [(row["v"], row["_record"]) for row in shop.rows("visits")] == [(2, 2), (3, 3)]


def test_lines_that_name_only_the_order_go_with_it(shop):
    shop.erase()
    assert [row["order_id"] for row in shop.rows("lines")] == ["b", "c"]


def test_files_the_person_is_in_go_whole_and_others_stay(shop):
    shop.write("people_2017-01-06.csv", "person,phone\n56,137 2222 3333\n")
    shop.load(NEXT)
    shop.erase()
    assert shop.landed() == {"people"}


def test_a_file_the_person_was_in_does_not_stay_when_it_is_sent_again(shop):
    shop.erase()
    before = shop.landed()
    shop.write("people_2017-01-06.csv", SENT["people_2017-01-05.csv"])
    shop.load(NEXT)
    assert shop.landed() == before
    assert [row["person"] for row in shop.rows("people")] == ["34"]


def test_records_of_the_person_in_quarantine_go(shop):
    assert len(shop.rows("orders", "quarantine")) == 2
    shop.erase()
    (held,) = shop.rows("orders", "quarantine")
    assert held["original"].startswith(b"e,")


def test_receipts_say_what_was_taken_and_still_add_up(shop):
    shop.erase()
    told = {
        each.extract: each
        for name in ("people", "orders", "lines", "visits")
        for each in receipts.read_all(shop.lake, "shop", name).values()
    }
    counted = {
        name: (each.rows_in, each.rows_raw, each.rows_quarantined, each.rows_erased)
        for name, each in told.items()
    }
    assert counted == {
        "people": (1, 1, 0, 1),
        "orders": (3, 2, 1, 3),
        "lines": (2, 2, 0, 1),
        "visits": (2, 2, 0, 1),
    }
    assert told["orders"].quarantined_by_reason == {"not_a_decimal": 1}


def test_features_scores_and_every_published_version_lose_the_person(shop):
    shop.erase()
    tables = [*(shop.lake / "features").rglob("*.parquet"), *(shop.lake / "scores").rglob("*.parquet")]
    tables += list((shop.lake / "published" / "versions").rglob("rfm.parquet"))
    tables += list((shop.lake / "runs").rglob("rfm.parquet"))
    assert len(tables) == 8
    for path in tables:
        assert pq.read_table(path).column("customer_id").to_pylist() == [max(shop.names)], path
    for csv in (shop.lake / "published" / "versions").rglob("rfm.csv"):
        assert csv.read_text("utf-8-sig").splitlines()[1:] == [f"{max(shop.names)},1"]
    with duckdb.connect(str(shop.lake / "published" / "bi.duckdb"), read_only=True) as connection:
        assert connection.execute("select customer_id from rfm").fetchall() == [(max(shop.names),)]
        assert connection.execute("select n from segment_profile").fetchall() == [(2,)]


def test_a_rewritten_version_is_whole_and_says_that_somebody_was_erased(shop):
    shop.erase()
    for name in published.versions(shop.lake):
        folder = shop.lake / "published" / "versions" / name
        contents = json.loads((folder / "manifest.json").read_text())
        assert contents["erasures"] == 1
        assert contents["tables"]["rfm"]["rows"] == 1
        assert edition.damaged(folder) == []
        told = pq.read_table(folder / "manifest.parquet").to_pydict()
        assert dict(zip(told["table_name"], told["rows"], strict=True)) == {"rfm": 1, "segment_profile": 1}
    assert published.rollback(shop.lake, DAY)["pinned"]


def test_scores_have_the_bytes_of_scoring_without_the_person(shop):
    shop.erase()
    path = lake.scores_path(shop.lake, "value_tier", Day.of(DAY))
    before = path.read_bytes()
    scores = pd.DataFrame(
        {"customer_id": [max(shop.names)], "segment": "A", "reason_code": "x", "reason_params": "{}"}
    )
    lake.write_scores(shop.lake, "value_tier", Day.of(DAY), "v1", [scores], columns={})
    assert path.read_bytes() == before


def test_the_record_holds_no_id_and_says_that_nothing_was_found(shop):
    record = shop.erase()
    text = record.path(shop.lake).read_text()
    assert record.search["found"] == 0
    assert record.state == "done"
    assert erasures.read_all(shop.lake) == [record]
    assert f'"{shop.names[0]}"' not in text
    assert record.erased.customer == KEY.hash(f"shop\0{shop.names[0]}", "erasure")
    assert record.counts["raw_rows"] == 5


def test_an_older_delivery_that_comes_late_does_not_bring_the_person_back_and_a_newer_one_does(shop):
    shop.erase(day=NEXT)
    shop.write("people_2017-01-06.csv", "person,phone\n12,138 1234 5678\n78,137 2222 3333\n")
    shop.write("lines_2017-01-06.csv", "order_id,product\na,13\nb,13\n")
    shop.load(NEXT)
    assert sorted(row["person"] for row in shop.rows("people")) == ["34", "78"]
    assert [row["order_id"] for row in shop.rows("lines")] == ["b", "c", "b"]
    assert "people" not in shop.landed()
    shop.write("people_2017-01-07.csv", "person,phone\n12,138 1234 5678\n90,137 2222 3334\n")
    shop.load(NEXT + timedelta(days=1))
    assert shop.names[0] in [row["person"] for row in shop.rows("people")]


def test_the_same_files_lying_in_the_incoming_place_are_not_landed_again(shop):
    shop.erase()
    before = shop.landed()
    shop.load()
    assert shop.landed() == before
    assert [row["person"] for row in shop.rows("people")] == ["34"]


@pytest.mark.parametrize(
    "step", ["landing", "quarantine", "raw", "features_scores_and_runs", "published", "search"]
)
def test_an_erasure_killed_before_any_step_is_completed_by_the_next(shop, step, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(erasure._Work, step, lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shop.erase()
    (record,) = erasures.read_all(shop.lake)
    assert record.state == "begun"
    assert shop.erase().number == record.number
    assert [row["order_id"] for row in shop.rows("lines")] == ["b", "c"]
    assert [row["order_id"] for row in shop.rows("orders")] == ["b", "c"]


def test_a_file_that_waits_to_be_read_is_named_until_it_has_been(shop):
    shop.write("people_2017-01-06.csv", "person,phone\n12,138 1234 5678\n")
    landing.land(shop.lake, shop.root / "incoming", [shop.source], NEXT)
    with pytest.raises(erasure.PersonRemains, match="landing/shop/people") as left:
        shop.erase(day=NEXT)
    assert not search.token([shop.names[0]]).search(str(left.value).encode())
    shop.load(NEXT)
    assert shop.erase(day=NEXT).search["found"] == 0
    assert [each.state for each in erasures.read_all(shop.lake)] == ["done"]


@pytest.mark.parametrize("where", ["features/x.parquet", "published/x.csv", "notes.json", "run.log"])
def test_what_is_left_anywhere_is_found(shop, where):
    path = shop.lake / where
    path.parent.mkdir(parents=True, exist_ok=True)
    (hashed,) = {row["phone"] for row in shop.rows("people") if row["person"] == shop.names[0]}
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"note": [f"by {hashed}"], "anything": [hashed]}), path)
    else:
        path.write_text(f"phone\n{hashed}\n")
    with pytest.raises(erasure.PersonRemains, match=where):
        shop.erase()


def test_customers_are_found_by_their_phone_however_it_is_written(shop):
    for written in ("13812345678", "+86 138-1234-5678"):
        assert erasure.customers_with(shop.lake, shop.source, "phone", written, KEY) == [shop.names[0]]
    assert erasure.customers_with(shop.lake, shop.source, "phone", "13812345679", KEY) == []


def test_somebody_unknown_changes_nothing_but_the_record(shop):
    files = {
        path: path.read_bytes()
        for path in shop.lake.rglob("*")
        if path.is_file() and path.suffix != ".duckdb"
    }
    record = shop.erase("nobody-here")
    assert record.search["found"] == 0
    changed = {path for path, content in files.items() if path.read_bytes() != content}
    assert {path.name for path in changed} <= {".lock"}


def test_no_log_names_the_person(shop, caplog):
    caplog.set_level(0)
    shop.erase()
    assert "erasure 1 of shop" in caplog.text
    assert not [record for record in caplog.records if shop.names[0] in record.getMessage().split()]


def test_a_step_waits_for_an_erasure_and_an_erasure_for_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(upkeep, "WAIT_SECONDS", 0)
    with (
        upkeep.working(tmp_path),
        upkeep.working(tmp_path),
        pytest.raises(upkeep.LakeInUse, match="a step"),
        upkeep.alone(tmp_path),
    ):
        pass
    with (
        upkeep.alone(tmp_path),
        pytest.raises(upkeep.LakeInUse, match="maintenance"),
        upkeep.working(tmp_path),
    ):
        pass


TWO_SOURCES = """\
version: 2
sources:
  - name: {name}
    config: {{meta: {{time_zone: UTC, currency: USD, numbered_ids: {numbered}}}}}
    tables:
      - name: people
        config: {{meta: {{path: "people_{{delivered_on}}.csv", key: [id], customer_column: id}}}}
        columns:
          - {{name: id, data_type: varchar, config: {{meta: {{class: id}}}}}}
          - {{name: phone, data_type: varchar, config: {{meta: {{class: personal, normalise: phone}}}}}}
          - {{name: customer_id, data_type: varchar, config: {{meta: {{class: id}}}}}}
"""


@pytest.fixture
def two(tmp_path):
    """A shop and a hotline, each with a customer 12; the hotline's 7 has the phone of the shop's 12."""
    sent = {
        "shop": "id,phone,customer_id\n0012,13812345678,\n34,,12\n",
        "hotline": "id,phone,customer_id\n12,,\n7,+86 13812345678,\n",
    }
    for name, text in sent.items():
        file = tmp_path / "models" / name / f"_{name}__sources.yml"
        file.parent.mkdir(parents=True)
        file.write_text(TWO_SOURCES.format(name=name, numbered=str(name == "shop").lower()))
        path = tmp_path / "incoming" / name / "people_2017-01-05.csv"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    root, sources = tmp_path / "lake", declaration.read(tmp_path / "models", ["shop", "hotline"])
    landing.land(root, tmp_path / "incoming", sources, DAY)
    raw.read_pending(root, sources, DAY, root / "runs/day/pending", "UTC", KEY)
    raw.put_in_place(root, root / "runs/day/pending")
    for day, names, enabled in (
        (Day.of(DAY), ["12", "34"], ("shop",)),  # before the hotline was enabled
        (Day.of(NEXT), ["hotline:12", "hotline:7", "shop:12", "shop:34"], ("shop", "hotline")),
    ):
        table = pd.DataFrame({"customer_id": names})
        marts = root / "runs" / f"run-{day.as_of}" / "marts"
        for path in (lake.features_path(root, day), marts / "rfm.parquet"):
            lake.write_parquet(path, [table], {"customer_id": "varchar"})
        published.publish(root, marts, day, Facts("s", "d", "v1", enabled))
    return root, sources


def people(root: Path, day: Day) -> list[str]:
    return pq.read_table(lake.features_path(root, day)).column("customer_id").to_pylist()


def test_a_customer_is_not_their_namesake_of_another_source(two):
    root, (shop, hotline) = two
    enabled = ["shop", "hotline"]
    assert erasure.erase(root, hotline, "12", NEXT, KEY, enabled).search["found"] == 0
    assert people(root, Day.of(DAY)) == ["12", "34"]
    assert people(root, Day.of(NEXT)) == ["hotline:7", "shop:12", "shop:34"]
    assert erasure.erase(root, shop, "012", NEXT, KEY, enabled).search["found"] == 0
    assert people(root, Day.of(DAY)) == ["34"]
    assert people(root, Day.of(NEXT)) == ["hotline:7", "shop:34"]


def test_numbers_are_one_however_they_are_written_and_a_row_that_names_two_goes_with_either(two):
    root, (shop, _) = two
    erasure.erase(root, shop, "12", NEXT, KEY, ["shop", "hotline"])
    (file,) = (root / "raw" / "shop" / "people").rglob("*.parquet")
    assert pq.ParquetFile(file).metadata.num_rows == 0


def test_customers_of_other_sources_are_linked_by_the_hash_of_their_phone(two):
    root, (shop, hotline) = two
    assert erasure.linked_customers(root, shop, "12", [hotline], KEY) == [(hotline, "7")]
    assert erasure.linked_customers(root, hotline, "12", [shop], KEY) == []
