"""What was sent is kept for days, not for ever; what was read of it stays."""

from __future__ import annotations

import json
import stat
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest
from raw_shop import DAY, DECLARATION, Shop, csv_lines, order

from storage import landing, raw, receipts, retention
from storage.lake import write_json

NEXT = DAY + timedelta(days=1)


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    shop.declare()
    return shop


def rows(shop: Shop, layer: str = "raw") -> list[dict]:
    files = sorted((shop.lake / layer / "shop" / "orders").glob("delivered_on=2*/*.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def landed(shop: Shop) -> list:
    return [path for path in (shop.lake / "landing").rglob("*") if path.is_file()]


def read_a_day(shop: Shop, known_on: date = DAY) -> None:
    landing.land(shop.lake, shop.incoming, shop.sources, known_on)
    raw.read_pending(shop.lake, shop.sources, known_on, shop.pending, shop.time_zone)
    raw.put_in_place(shop.lake, shop.pending)


def test_files_go_when_their_days_are_over_and_their_rows_stay(shop):
    shop.send(csv_lines(order(1)), DAY)
    shop.send(csv_lines(order(2)), NEXT)
    read_a_day(shop, NEXT)
    counts = retention.expire_landing(shop.lake, NEXT)
    assert (counts["landing_files"], len(landed(shop))) == (1, 1)
    assert [row["order_id"] for row in rows(shop)] == ["o1", "o2"]


def test_a_file_still_lying_in_the_incoming_place_is_not_landed_again(shop):
    shop.send(csv_lines(order(1)))
    read_a_day(shop)
    retention.expire_landing(shop.lake, NEXT)
    for cache in (shop.lake / "known_files").glob("*"):
        cache.unlink()  # also when every file is looked at again
    read_a_day(shop)
    assert landed(shop) == []
    assert [row["order_id"] for row in rows(shop)] == ["o1"]


def test_the_same_bytes_delivered_later_keep_the_file(shop):
    shop.send(csv_lines(order(1)), DAY)
    shop.send(csv_lines(order(1)), NEXT)
    read_a_day(shop, NEXT)
    assert retention.expire_landing(shop.lake, NEXT)["landing_files"] == 0


def test_a_file_nobody_has_read_stays_and_is_counted(shop):
    shop.send(csv_lines(order(1)))
    landing.land(shop.lake, shop.incoming, shop.sources, DAY)
    counts = retention.expire_landing(shop.lake, NEXT)
    assert (counts["landing_files"], counts["landing_unread"], len(landed(shop))) == (0, 1, 1)


def test_a_changed_declaration_keeps_what_raw_holds_of_files_that_are_gone(shop, caplog):
    shop.send(csv_lines(order(1)), DAY)
    read_a_day(shop)
    retention.expire_landing(shop.lake, NEXT)
    shop.declare(DECLARATION.replace("name: note, data_type: varchar", "name: remark, data_type: varchar"))
    shop.send(csv_lines(order(2, note="well")).replace("note", "remark"), NEXT)
    read_a_day(shop, NEXT)
    assert [(row["order_id"], row["remark"]) for row in rows(shop)] == [("o1", None), ("o2", "well")]
    assert "bytes have expired" in caplog.text
    told = {
        each.delivered_on: each.reason for each in receipts.read_all(shop.lake, "shop", "orders").values()
    }
    assert told == {DAY: "kept_as_read", NEXT: None}  # the gate says so
    raw.ensure_empty(shop.lake, shop.sources)
    assert (
        len({pq.read_schema(file) for file in (shop.lake / "raw" / "shop" / "orders").rglob("*.parquet")})
        == 1
    )


def test_quarantine_is_emptied_and_its_counts_stay(shop):
    shop.send(csv_lines(order(1), order(2), order(3, quantity="many")))
    read_a_day(shop)
    assert len(rows(shop, "quarantine")) == 1
    assert retention.expire_quarantine(shop.lake, DAY) == {"quarantine_rows": 0}
    assert retention.expire_quarantine(shop.lake, NEXT) == {"quarantine_rows": 1}
    assert rows(shop, "quarantine") == []
    (receipt,) = receipts.read_all(shop.lake, "shop", "orders").values()
    assert receipt.rows_quarantined == 1
    assert retention.expire_quarantine(shop.lake, NEXT) == {"quarantine_rows": 0}


def test_old_runs_go_and_what_the_gates_of_a_published_day_said_stays(tmp_path):
    for name, as_of, version in (
        ("failed", "2017-01-01", None),
        ("published", "2017-01-02", "as_of=2017-01-02,key=00000000"),
        ("retired", "2017-01-03", "as_of=2017-01-03,key=00000000"),
        ("going-on", "2017-01-04", None),
        ("young", "2017-02-01", None),
    ):
        folder = tmp_path / "runs" / name
        write_json(folder / "run.json", {"run_id": name, "as_of": as_of, "known_on": as_of})
        write_json(folder / "gates" / "landed.json", [])
        (folder / "run.duckdb").write_bytes(b"x")
        write_json(tmp_path / "runs" / f"as_of={as_of}.claim.json", {"run_id": name})
        if version:
            write_json(folder / "published.json", {"version": version})
    (tmp_path / "published" / "versions" / "as_of=2017-01-02,key=00000000").mkdir(parents=True)
    counts = retention.expire_runs(tmp_path, date(2017, 2, 1), lambda run_id: run_id == "going-on")
    assert counts == {"run_folders": 2, "run_leftovers": 1}
    left = {
        path.relative_to(tmp_path / "runs").as_posix()
        for path in (tmp_path / "runs").rglob("*")
        if path.is_file()
    }
    kept = {
        f"{name}/{file}"
        for name in ("going-on", "young")
        for file in ("run.json", "run.duckdb", "gates/landed.json")
    }
    kept |= {f"published/{file}" for file in ("run.json", "published.json", "gates/landed.json")}
    assert left - {path for path in left if "claim" in path} == kept
    assert {json.loads(path.read_text())["run_id"] for path in (tmp_path / "runs").glob("*.claim.json")} == {
        "published",
        "going-on",
        "young",
    }


def test_what_was_sent_is_its_owners_alone_whatever_the_umask(shop):
    import os

    before = os.umask(0)
    try:
        shop.send(csv_lines(order(1), order(2, quantity="many"), order(3)))
        landing.land(shop.lake, shop.incoming, shop.sources, DAY)
        raw.read_pending(shop.lake, shop.sources, DAY, shop.pending, shop.time_zone)
        pending = stat.S_IMODE(shop.pending.stat().st_mode)
        raw.put_in_place(shop.lake, shop.pending)
        raw.ensure_empty(shop.lake, shop.sources)
        retention.expire_quarantine(shop.lake, NEXT)
    finally:
        os.umask(before)
    assert pending == 0o700
    for layer in ("landing", "quarantine"):
        root = shop.lake / layer
        found = [root, *root.rglob("*")]
        assert len(found) > 3
        assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}, layer
        files = {
            stat.S_IMODE(path.stat().st_mode)
            for path in found
            if path.is_file() and path.name != "none.parquet"
        }
        assert files == {0o400 if layer == "landing" else 0o600}, layer
