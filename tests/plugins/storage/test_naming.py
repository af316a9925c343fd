"""The day of a delivery, as read from its path."""

from __future__ import annotations

from datetime import date

import pytest

from storage.naming import DayAmbiguous, MarkerPattern, PathPattern, PatternWrong

DAY = date(2017, 1, 5)


@pytest.mark.parametrize(
    ("pattern", "path", "day"),
    [
        ("orders_{delivered_on}.csv", "orders_2017-01-05.csv", DAY),
        ("orders_{delivered_on}.csv", "orders_2017-02-30.csv", None),
        ("orders_{delivered_on:%Y%m%d}.csv", "orders_20170105.csv", DAY),
        ("orders_{delivered_on:%Y%m%d}.csv", "orders_2017-01-05.csv", None),
        ("orders_{delivered_on:%Y%m%d}_*.csv", "orders_20170105_093000.csv", DAY),
        ("{delivered_on:%d.%m.%y}.csv", "05.01.17.csv", DAY),
        ("{delivered_on:%Y/%m/%d}/orders.csv", "2017/01/05/orders.csv", DAY),
        ("{delivered_on:year=%Y/month=%-m/day=%-d}/*.parquet", "year=2017/month=1/day=5/0.parquet", DAY),
        ("{delivered_on:year=%Y/month=%-m/day=%-d}/*.parquet", "year=2017/month=01/day=05/0.parquet", DAY),
        (
            "{delivered_on:year=%Y/month=%-m/day=%-d}/*.parquet",
            "year=2017/month=11/day=25/0.parquet",
            date(2017, 11, 25),
        ),
        ("dt={delivered_on}/part-*.csv", "dt=2017-01-05/part-0.csv", DAY),
        ("dt={delivered_on}/part-*.csv", "dt=2017-01-05/deep/part-0.csv", None),
        ("dt={delivered_on}/region=*/part-*.csv", "dt=2017-01-05/region=east/part-0.csv", DAY),
        ("{delivered_on:%Y%m}/orders_{delivered_on}.csv", "201701/orders_2017-01-05.csv", DAY),
        ("{delivered_on:%Y%m}/orders_{delivered_on}.csv", "201702/orders_2017-01-05.csv", None),
        ("{delivered_on:%Y%m}/{delivered_on:%d}.csv", "201701/05.csv", DAY),
        ("订单/{delivered_on:%Y年%m月%d日}销售明细.csv", "订单/2017年01月05日销售明细.csv", DAY),
        ("café/{delivered_on}.csv", "cafe\u0301/2017-01-05.csv", DAY),
        ("Orders/{delivered_on}.CSV", "ORDERS/2017-01-05.csv", DAY),
        ("sold_{last_day}.csv", "sold_2017-01-04.csv", DAY),
        ("sold_{first_day}_{last_day}.csv", "sold_2016-12-29_2017-01-04.csv", DAY),
        ("sold_{first_day}_{last_day}.csv", "sold_2017-01-05_2017-01-04.csv", None),
        ("sold_{first_day:%Y%m%d}-{delivered_on:%m%d%Y}.csv", "sold_20161229-01052017.csv", DAY),
        ("a.b_{delivered_on}.csv", "aXb_2017-01-05.csv", None),
    ],
)
def test_the_day_is_read_as_the_path_says_it_is_written(pattern, path, day):
    assert PathPattern(pattern).delivered_on(path) == day


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*{delivered_on}*.csv", "from_2017-01-01_to_2017-01-05.csv"),
        ("*{delivered_on:%Y%m%d}*.csv", "120170105.csv120170106.csv"),
    ],
)
def test_a_name_that_can_be_read_as_of_two_days_is_not_guessed(pattern, path):
    with pytest.raises(DayAmbiguous, match="2017-01-0"):
        PathPattern(pattern).delivered_on(path)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("orders.csv", "delivered_on"),
        ("{delivered_on}_{last_day}.csv", "in its place"),
        ("{first_day}.csv", "delivered_on"),
        ("{delivered_on:%Y%m}.csv", "year, month and day"),
        ("{delivered_on:%Y-%b-%d}.csv", "%b"),
        ("{delivered_on:%Y-%-m%-d}.csv", "no fixed width"),
        ("{delivered_on:%Y-%m-%-d}*.csv", "no fixed width"),
        ("{day}.csv", "placeholders"),
        ("{delivered_on.csv", "placeholders"),
        ("*/{delivered_on}.csv", "partition"),
        ("dt={delivered_on}*/x.csv", "partition"),
        ("/orders/{delivered_on}.csv", "below"),
        ("../{delivered_on}.csv", "below"),
        ("orders//{delivered_on}.csv", "below"),
        ("orders/{delivered_on}/", "below"),
    ],
)
def test_a_path_that_cannot_name_files_is_refused_with_its_reason(pattern, why):
    with pytest.raises(PatternWrong, match=why):
        PathPattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "path", "name"),
    [
        ("orders/orders_{delivered_on}.csv", "orders/orders_2017-01-05.csv", "orders_2017-01-05.csv"),
        ("a/b/dt={delivered_on}/*.csv", "a/b/dt=2017-01-05/0.csv", "dt=2017-01-05/0.csv"),
        ("a/{delivered_on:%Y/%m/%d}/x.csv", "a/2017/01/05/x.csv", "2017/01/05/x.csv"),
        ("{delivered_on}.csv", "2017-01-05.csv", "2017-01-05.csv"),
    ],
)
def test_a_file_is_called_by_its_path_below_the_folders_that_never_change(pattern, path, name):
    assert PathPattern(pattern).below_folder(path) == name


@pytest.mark.parametrize(
    ("marker", "stands_at"),
    [
        ("{file}.done", "a/x_2017.csv.gz.done"),
        ("{stem}.ok", "a/x_2017.ok"),
        ("_SUCCESS", "a/_SUCCESS"),
        ("done/{delivered_on:%Y%m%d}/{file}", "done/20170105/x_2017.csv.gz"),
        ("{delivered_on:%-d.%-m}.ok", "a/5.1.ok"),
    ],
)
def test_a_marker_stands_beside_its_file_or_where_it_says(marker, stands_at):
    assert MarkerPattern(marker).of("a/x_2017.csv.gz", DAY) == stands_at


@pytest.mark.parametrize(
    "marker", ["{file}", "*.done", "{last_day}.ok", "{name}.ok", "../x", "{delivered_on:%H}.ok"]
)
def test_a_marker_that_cannot_be_is_refused(marker):
    with pytest.raises(PatternWrong):
        MarkerPattern(marker)
