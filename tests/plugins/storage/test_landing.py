"""Landing: every delivered file once, byte for byte, whatever interrupts it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from datetime import date
from pathlib import Path

import pytest
from raw_shop import DAY, Shop, csv_lines, order

from storage import incoming, landing, raw
from storage.receipts import Receipt


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    shop.declare()
    return shop


def test_a_file_lands_byte_for_byte_under_its_own_hash_and_cannot_be_written(shop):
    content = shop.send(csv_lines(order(1))).read_bytes()
    (receipt,) = shop.land().receipts
    landed = shop.lake / "landing/shop/orders" / f"{hashlib.sha256(content).hexdigest()}.csv.gz"
    assert landed.read_bytes() == content
    assert stat.S_IMODE(landed.stat().st_mode) == 0o400
    assert (receipt.delivered_on, receipt.file, receipt.bytes) == (
        DAY,
        "orders_2017-01-05.csv.gz",
        len(content),
    )
    name = f"2017-01-05__orders_2017-01-05.csv.gz__{receipt.sha256[:12]}.json"
    assert [path.name for path in (shop.lake / "receipts/shop/orders").iterdir()] == [name]


def test_landing_again_changes_nothing(shop):
    shop.send(csv_lines(order(1)))
    first = shop.land()
    before = {path: path.stat().st_mtime_ns for path in shop.lake.rglob("*") if path.is_file()}
    assert shop.land() == first
    assert {path: path.stat().st_mtime_ns for path in shop.lake.rglob("*") if path.is_file()} == before


def test_landing_again_keeps_what_is_known_of_a_file_that_was_read(shop):
    shop.send(csv_lines(order(1)))
    before = shop.load()
    shop.land()
    assert raw.deliveries(shop.lake, shop.sources, DAY) == before


def test_a_file_of_a_later_day_does_not_land_yet(shop):
    shop.send(csv_lines(order(1)), date(2017, 1, 6))
    assert shop.land(date(2017, 1, 5)).receipts == ()
    assert len(shop.land(date(2017, 1, 6)).receipts) == 1


def test_a_file_no_declaration_names_is_reported(shop):
    shop.send(csv_lines(order(1)))
    (shop.incoming / "shop" / "orders" / "orders_2017-1-5.csv.gz").write_bytes(b"?")
    (shop.incoming / "shop" / "readme.txt").write_text("?")
    assert shop.land().unmatched == ("shop/orders/orders_2017-1-5.csv.gz", "shop/readme.txt")


def test_a_file_whose_name_says_it_is_being_written_is_left_alone_and_named(shop):
    shop.send(csv_lines(order(1)))
    names = (
        "orders_2017-01-06.csv.gz.part",
        "orders_2017-01-06.csv.gz.tmp",
        "_temporary/0/orders_2017-01-06.csv.gz",
    )
    for name in (*names, ".orders_2017-01-06.csv.gz", "~$orders_2017-01-06.csv.gz"):
        file = shop.incoming / "shop" / "orders" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"half")
    landed = shop.land()
    assert len(landed.receipts) == 1
    assert landed.unmatched == ()
    assert landed.still_being_written == tuple(sorted(f"shop/orders/{name}" for name in names))


def test_a_file_that_grows_while_it_is_copied_is_not_taken(shop, monkeypatch):
    shop.send(csv_lines(order(1)), date(2017, 1, 5))
    growing = shop.send(csv_lines(order(2)), date(2017, 1, 6))
    pieces = incoming.Folder.pieces

    def and_the_sender_goes_on(folder, file):
        yield from pieces(folder, file)
        with growing.open("ab") as opened:
            opened.write(b"more")

    monkeypatch.setattr(incoming.Folder, "pieces", and_the_sender_goes_on)
    landed = shop.land()
    assert [receipt.delivered_on.day for receipt in landed.receipts] == [5]
    assert landed.still_being_written == ("shop/orders/orders_2017-01-06.csv.gz",)
    assert len(list((shop.lake / "landing/shop/orders").iterdir())) == 1  # nothing half, nothing temporary
    monkeypatch.undo()
    assert [receipt.delivered_on.day for receipt in shop.land().receipts] == [5, 6]


def marked(shop: Shop, marker: str, path: str = "orders/orders_{delivered_on}.csv.gz") -> None:
    from raw_shop import DECLARATION

    old = 'path: "orders/orders_{delivered_on}.csv.gz"'
    lines = (f'path: "{path}"', "complete_when: marker", f'marker: "{marker}"')
    shop.declare(DECLARATION.replace(old, "\n            ".join(lines)))


@pytest.mark.parametrize(
    ("marker", "stands_at"),
    [
        ("{file}.done", "orders/orders_2017-01-05.csv.gz.done"),
        ("{stem}.OK", "orders/ORDERS_2017-01-05.ok"),
        ("_SUCCESS", "orders/_SUCCESS"),
        ("ready/{delivered_on:%Y%m%d}", "ready/20170105"),
    ],
)
def test_a_file_waits_for_its_marker(shop, marker, stands_at):
    marked(shop, marker)
    sent = shop.send(csv_lines(order(1)))
    landed = shop.land()
    assert (landed.receipts, landed.unmatched) == ((), ())
    assert landed.still_being_written == ("shop/orders/orders_2017-01-05.csv.gz",)
    file = shop.incoming / "shop" / stands_at
    file.parent.mkdir(exist_ok=True)
    file.touch()
    landed = shop.land()
    assert [receipt.file for receipt in landed.receipts] == [sent.name]
    assert (landed.unmatched, landed.still_being_written) == ((), ())


def test_a_marker_is_no_delivery_even_where_the_path_would_take_it(shop):
    marked(shop, "{file}.done", "orders/orders_{delivered_on}*")
    sent = shop.send(csv_lines(order(1)))
    sent.with_name(sent.name + ".done").touch()
    landed = shop.land()
    assert [receipt.file for receipt in landed.receipts] == [sent.name]
    assert landed.still_being_written == ()


def test_a_marker_of_another_file_counts_for_nothing_and_is_reported(shop):
    marked(shop, "{file}.done")
    sent = shop.send(csv_lines(order(1)))
    sent.with_name("orders_2017-01-06.csv.gz.done").touch()
    landed = shop.land()
    assert landed.receipts == ()
    assert landed.unmatched == ("shop/orders/orders_2017-01-06.csv.gz.done",)


def hive(shop: Shop, path: str = "orders/dt={delivered_on}/part-*.csv") -> None:
    from raw_shop import DECLARATION

    shop.declare(DECLARATION.replace("orders/orders_{delivered_on}.csv.gz", path))


def test_the_parts_of_a_hive_partition_are_deliveries_of_their_own(shop):
    hive(shop)
    for day, part, number in ((5, 0, 1), (5, 1, 2), (6, 0, 3)):
        file = shop.incoming / f"shop/orders/dt=2017-01-0{day}/part-{part}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(csv_lines(order(number)))
    loaded = shop.load()
    files = ["dt=2017-01-05/part-0.csv", "dt=2017-01-05/part-1.csv", "dt=2017-01-06/part-0.csv"]
    assert [each.file for each in loaded] == files
    assert [
        (row["order_id"], row["_file"]) for row in sorted(shop.rows(), key=lambda row: row["order_id"])
    ] == (list(zip(("o1", "o2", "o3"), files, strict=True)))
    names = [path.name for path in sorted((shop.lake / "receipts/shop/orders").iterdir())]
    assert names == [
        f"{each.delivered_on}__dt={each.delivered_on}%2F{each.file[14:]}__{each.content}.json"
        for each in loaded
    ]


def test_a_slash_in_a_path_and_its_escape_in_a_name_are_two_receipts():
    names = [Receipt("shop", "orders", DAY, file, "0" * 64, 1).name for file in ("a/b.csv", "a%2Fb.csv")]
    assert names[0] != names[1]
    assert all(name.count("/") == 2 for name in names)


def test_a_name_too_long_for_a_file_of_its_own_is_cut_and_stays_its_own(shop):
    from raw_shop import DECLARATION

    shop.declare(DECLARATION.replace("orders/orders_{delivered_on}.csv.gz", "订单/*{delivered_on}.csv"))
    folder = shop.incoming / "shop" / "订单"
    folder.mkdir(parents=True)
    for number, last in enumerate("甲乙"):
        (folder / f"{'华东大区门店销售明细' * 7}{last}2017-01-05.csv").write_text(csv_lines(order(number)))
    shop.land()
    loaded = shop.load()
    assert [each.rows_raw for each in loaded] == [1, 1]
    assert all(len(path.name.encode()) < 160 for path in (shop.lake / "receipts/shop/orders").iterdir())
    assert sorted(each.file[70] for each in loaded) == sorted("甲乙")


def test_capitals_in_a_name_make_no_difference(shop):
    shop.send(csv_lines(order(1))).rename(shop.incoming / "shop/orders/ORDERS_2017-01-05.CSV.GZ")
    (each,) = shop.load()
    assert (each.file, each.rows_raw) == ("ORDERS_2017-01-05.CSV.GZ", 1)


def test_a_name_that_is_no_text_is_reported(shop):
    shop.send(csv_lines(order(1)))
    folder = os.fsencode(shop.incoming / "shop/orders")
    with open(folder + b"/\xb6\xa9\xb5\xa5_2017-01-05.csv.gz", "wb"):
        pass
    landed = shop.land()
    assert len(landed.receipts) == 1
    assert landed.unmatched == ("shop/orders/\\xb6\\xa9\\xb5\\xa5_2017-01-05.csv.gz",)


def test_an_incoming_folder_that_is_not_there_is_no_empty_one(shop):
    with pytest.raises(incoming.FolderMissing, match="incoming"):
        shop.land()


def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(shop, monkeypatch):
    shop.send(csv_lines(order(1)))
    scandir = os.scandir

    def locked(path):
        if str(path).endswith("orders"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(PermissionError, match="orders"):
        shop.land()


def unread(folder, file):
    raise AssertionError(f"{file.path} was read")
    yield


def test_a_file_that_is_known_is_not_read_again(shop, monkeypatch):
    monkeypatch.setattr(landing, "TIME_STEP_NS", -(10**18))
    shop.send(csv_lines(order(1)))
    first = shop.land()
    monkeypatch.setattr(incoming.Folder, "pieces", unread)
    assert shop.land() == first


def test_a_file_written_within_the_last_step_of_time_is_read_again(shop, monkeypatch):
    shop.send(csv_lines(order(1)))
    shop.land()
    monkeypatch.setattr(incoming.Folder, "pieces", unread)
    with pytest.raises(AssertionError, match="was read"):
        shop.land()


def test_without_what_is_known_of_files_all_is_as_it_was(shop, monkeypatch):
    monkeypatch.setattr(landing, "TIME_STEP_NS", -(10**18))
    shop.send(csv_lines(order(1)))
    first = shop.load()
    (shop.lake / "known_files/shop.json").write_text("half a fi")
    assert shop.load() == first
    (shop.lake / "known_files/shop.json").unlink()
    assert shop.load() == first


def test_bytes_that_were_lost_from_landing_are_copied_again(shop, monkeypatch):
    monkeypatch.setattr(landing, "TIME_STEP_NS", -(10**18))
    shop.send(csv_lines(order(1)))
    (receipt,) = shop.land().receipts
    receipt.landed_path(shop.lake).unlink()
    shop.land()
    assert receipt.landed_path(shop.lake).exists()


def test_a_known_file_sent_again_with_its_size_and_time_is_noticed(shop, monkeypatch):
    monkeypatch.setattr(landing, "TIME_STEP_NS", -(10**18))
    sent = shop.send(csv_lines(order(1)))
    status = sent.stat()
    first = shop.land()
    content = shop.send(csv_lines(order(2))).read_bytes()
    assert len(content) == status.st_size
    os.utime(sent, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = shop.land()
    assert (first.sent_again, second.sent_again) == ((), ("shop/orders/orders_2017-01-05.csv.gz",))
    assert second.receipts[0].sha256 == hashlib.sha256(content).hexdigest()


def test_it_is_noted_whence_and_when_a_file_came_and_nothing_else_knows(shop):
    sent = shop.send(csv_lines(order(1)))
    os.utime(sent, ns=(0, 1_483_599_600 * 10**9))
    (receipt,) = shop.land().receipts
    arrival = receipt.arrival_path(shop.lake)
    noted = json.loads(arrival.read_text())
    assert (noted["came_from"], noted["written_at"]) == (str(sent), "2017-01-05T07:00:00+00:00")
    assert noted["landed_at"] > "2017-01-05T07:00:00+00:00"
    assert not any("_at" in key for key in json.loads(receipt.path(shop.lake).read_text()))
    before = arrival.read_bytes()
    os.utime(sent)
    shop.load()
    assert arrival.read_bytes() == before


def test_files_land_in_the_order_of_their_days(shop):
    for day in (7, 5, 6):
        shop.send(csv_lines(order(day)), date(2017, 1, day))
    assert [receipt.delivered_on.day for receipt in shop.land().receipts] == [5, 6, 7]


def test_the_same_name_with_other_bytes_is_another_delivery(shop):
    shop.send(csv_lines(order(1)))
    shop.load()
    shop.send(csv_lines(order(1), order(2)))
    assert sorted(each.rows_raw for each in shop.load()) == [1, 2]


def test_two_declarations_of_one_file_are_refused(shop):
    from raw_shop import DECLARATION

    shop.declare(
        DECLARATION.replace(
            '"{delivered_on}/stock*.parquet", format: parquet', '"orders/orders*{delivered_on}.csv.gz"'
        )
    )
    shop.send(csv_lines(order(1)))
    with pytest.raises(landing.FileOfTwoExtracts, match="orders and stock"):
        shop.land()


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it is done."""


def killed_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """Die before the `step`th rename, and leave everything lying about."""
    done = 0
    replace, unlink = os.replace, Path.unlink

    def dying_replace(source, target):
        nonlocal done
        if done >= step:
            raise Killed
        done += 1
        replace(source, target)

    def dead_unlink(path, missing_ok=False):
        if done < step:
            unlink(path, missing_ok=missing_ok)

    patch.setattr(os, "replace", dying_replace)
    patch.setattr(Path, "unlink", dead_unlink)


def test_a_day_killed_at_any_rename_and_run_again_is_as_if_undisturbed(tmp_path):
    def fresh(name: str) -> Shop:
        shop = Shop(tmp_path / name)
        shop.declare()
        first = csv_lines(order(1), order(2), order(3, amount="x"))
        for day, content in ((5, first), (6, csv_lines("broken", "broken")), (7, first)):
            shop.send(content, date(2017, 1, day))
        return shop

    undisturbed = fresh("undisturbed")
    wanted = undisturbed.load()
    assert [each.status for each in wanted] == ["accepted", "set_aside", "duplicate"]
    killed, step = True, 0
    while killed:
        shop = fresh(f"killed at {step}")
        with pytest.MonkeyPatch.context() as patch:
            killed_at(patch, step)
            try:
                shop.load()
                killed = False
            except Killed:
                pass
        assert shop.load() == wanted
        assert shop.files() == undisturbed.files()
        assert not list((shop.pending / "receipts").rglob("*.json"))
        step += 1
    # landed, arrivals, receipts; a raw pending, receipts pending; raw, quarantine, receipts
    assert step - 1 == 2 + 3 + 3 + 1 + 3 + 1 + 2 + 3
