"""Landing: every delivered file once, byte for byte, whatever interrupts it."""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import date
from pathlib import Path

import pytest
from raw_shop import DAY, Shop, csv_lines, order

from storage import landing, raw


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
    assert stat.S_IMODE(landed.stat().st_mode) == 0o444
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
    before = {path: path.stat().st_mtime_ns for path in shop.lake.rglob("*")}
    assert shop.land() == first
    assert {path: path.stat().st_mtime_ns for path in shop.lake.rglob("*")} == before


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


def test_a_file_still_being_written_is_left_alone(shop):
    shop.send(csv_lines(order(1)))
    for name in (
        "orders_2017-01-06.csv.gz.part",
        "orders_2017-01-06.csv.gz.tmp",
        ".orders_2017-01-06.csv.gz",
    ):
        (shop.incoming / "shop" / "orders" / name).write_bytes(b"half")
    landed = shop.land()
    assert len(landed.receipts) == 1
    assert landed.unmatched == ()


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
    # two landed files, three receipts; a pending raw, three pending receipts; raw, quarantine, receipts
    assert step - 1 == 2 + 3 + 1 + 3 + 1 + 2 + 3
