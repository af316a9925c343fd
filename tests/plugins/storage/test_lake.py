"""The lake: one file per partition, put in place in one step, equal bytes for equal rows."""

import contextlib
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage import lake as place
from storage.lake import Day, DiskTooSmall, TableShapeWrong

DAY = Day.of(date(2018, 1, 1))
OWN = {"r": "integer", "value": "double"}


def scores(*customers, r=3):
    return pd.DataFrame(
        {
            "customer_id": list(customers),
            "segment": "RFM01",
            "reason_code": "R1",
            "reason_params": '{"m": 1}',
            "r": r,
            "value": [len(customer) / 7 for customer in customers],
        }
    )


def write(lake, *frames):
    rows = place.write_scores(lake, "rfm", DAY, "2018-01-01-abcd", iter(frames), columns=OWN)
    return rows, place.scores_path(lake, "rfm", DAY)


class TestDay:
    def test_a_day_known_later_has_its_own_partition(self):
        later = Day.of(date(2018, 1, 1), date(2018, 1, 5))
        assert DAY.key == "as_of=2018-01-01"
        assert later.key == "as_of=2018-01-01,known_on=2018-01-05"
        assert DAY < later < Day.of(date(2018, 1, 2))

    def test_a_day_cannot_be_known_before_it_was(self):
        with pytest.raises(ValueError, match="known_on 2017-12-31 lies before as_of 2018-01-01"):
            Day.of(date(2018, 1, 1), date(2017, 12, 31))

    def test_cut_points_are_fitted_as_known_on_the_first_of_the_month(self):
        assert Day.of(date(2018, 1, 17)).month_start == DAY

    def test_cut_points_of_a_day_stated_again_are_fitted_as_known_then(self):
        known_on = date(2018, 3, 1)
        assert Day.of(date(2018, 1, 17), known_on).month_start == Day.of(date(2018, 1, 1), known_on)


class TestPaths:
    def test_features_and_scores_rest_by_day(self, tmp_path):
        features = place.features_path(tmp_path, DAY).relative_to(tmp_path)
        assert str(features) == "features/as_of=2018-01-01/customer_features.parquet"
        assert (
            str(place.scores_path(tmp_path, "rfm", DAY).relative_to(tmp_path))
            == "scores/rfm/as_of=2018-01-01.parquet"
        )

    def test_a_scheme_cannot_leave_its_folder(self, tmp_path):
        with pytest.raises(ValueError, match="cannot name a scheme"):
            place.scores_path(tmp_path, "../rfm", DAY)

    @pytest.mark.parametrize(
        "run_id", ["manual__2018-01-01T00:00:00+00:00", "../../etc", "", ".", "x" * 400, "试"]
    )
    def test_a_run_id_never_leaves_the_runs_folder(self, tmp_path, run_id):
        folder = place.run_dir(tmp_path, run_id)
        assert folder.parent == tmp_path / "runs"
        folder.mkdir(parents=True)
        assert folder.resolve().parent == (tmp_path / "runs").resolve()

    def test_two_run_ids_never_share_a_folder(self, tmp_path):
        ids = ["a:b", "a+b", "a-b", ".a-b", "a b", "a/b"]
        assert len({place.run_dir(tmp_path, run_id) for run_id in ids}) == len(ids)
        assert place.run_dir(tmp_path, "a-b").name == "a-b"


class TestInPlace:
    def test_nothing_is_seen_before_the_file_is_whole(self, tmp_path):
        path = tmp_path / "a" / "x.json"
        place.write_json(path, {"b": 1, "a": "客户"})
        with place.replacing(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == '{\n  "a": "客户",\n  "b": 1\n}\n'
            assert list(path.parent.glob("*.json")) == [path]
        assert path.read_text() == "half"
        assert os.listdir(path.parent) == ["x.json"]

    def test_a_failed_write_leaves_the_old_bytes_and_nothing_else(self, tmp_path):
        path = tmp_path / "x.txt"
        place.write_text(path, "old")
        with contextlib.suppress(ZeroDivisionError), place.replacing(path) as temporary:
            temporary.write_text(f"new {1 / 0}")
        assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["x.txt"])

    def test_text_keeps_its_line_ends(self, tmp_path):
        place.write_text(tmp_path / "x", "a\r\nb\n")
        assert (tmp_path / "x").read_bytes() == b"a\r\nb\n"

    def test_putting_a_file_twice_leaves_one_name(self, tmp_path):
        (tmp_path / "sent").write_bytes(b"1")
        for _ in range(2):
            place.put(tmp_path / "sent", tmp_path / "in" / "kept")
        assert os.listdir(tmp_path / "in") == ["kept"]
        assert (tmp_path / "in" / "kept").samefile(tmp_path / "sent")

    def test_a_copy_does_not_change_with_its_source(self, tmp_path):
        (tmp_path / "mart").write_bytes(b"1")
        place.put(tmp_path / "mart", tmp_path / "published", link=False)
        (tmp_path / "mart").write_bytes(b"2")
        assert (tmp_path / "published").read_bytes() == b"1"

    def test_where_no_link_can_be_made_the_file_is_copied(self, tmp_path, monkeypatch):
        def no_links(*_):
            raise OSError(place.errno.EXDEV, "another disk")

        monkeypatch.setattr(os, "link", no_links)
        (tmp_path / "sent").write_bytes(b"1")
        place.put(tmp_path / "sent", tmp_path / "kept")
        assert (tmp_path / "kept").read_bytes() == b"1"

    def test_only_a_dead_writers_leftovers_go(self, tmp_path):
        killed = (
            "import os, pathlib, sys; from storage.lake import replacing\n"
            "with replacing(pathlib.Path(sys.argv[1])) as temporary:\n"
            "    temporary.write_text('half'); os._exit(9)"
        )
        env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", killed, tmp_path / "deep" / "x"], env=env, check=False)
        with place.replacing(tmp_path / "deep" / "y") as temporary:
            temporary.write_text("whole")
            gone = place.remove_leftovers(tmp_path)
        assert [path.name.startswith(".x@") for path in gone] == [True]
        assert os.listdir(tmp_path / "deep") == ["y"]

    def test_another_machines_leftovers_stay_even_when_its_name_ends_like_ours(self, tmp_path, monkeypatch):
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        monkeypatch.setattr(os, "getpid", lambda: dead.pid)
        left = {}
        for host in ("shop", "web.shop", "x-shop", "shop-2"):
            monkeypatch.setattr(place.socket, "gethostname", lambda host=host: host)
            left[host] = place.temporary_name(tmp_path / "rfm.parquet")
            left[host].touch()
        monkeypatch.setattr(place.socket, "gethostname", lambda: "shop")
        assert place.remove_leftovers(tmp_path) == [left["shop"]]

    def test_duckdbs_log_of_a_leftover_goes_with_it(self, tmp_path, monkeypatch):
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        monkeypatch.setattr(os, "getpid", lambda: dead.pid)
        temporary = place.temporary_name(tmp_path / "bi.duckdb")
        log = temporary.with_name(f"{temporary.name}.wal")
        for path in (temporary, log):
            path.touch()
        assert place.remove_leftovers(tmp_path) == [temporary, log]

    def test_a_machine_that_starts_again_does_not_meet_the_names_it_left(self, tmp_path):
        """In a container the host name, the process ids and every count begin as they did before."""
        script = (
            "import os, pathlib, socket; socket.gethostname = lambda: 'c'; os.getpid = lambda: 7\n"
            "from storage.lake import temporary_name; print(temporary_name(pathlib.Path('x')))"
        )
        env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        names = {
            subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True).stdout
            for _ in range(2)
        }
        assert len(names) == 2

    def test_too_small_a_disk_is_named_before_it_is_full(self, tmp_path):
        place.require_free(tmp_path / "not" / "yet", 1)
        with pytest.raises(DiskTooSmall, match=r"1000000\.00 GB are needed"):
            place.require_free(tmp_path / "not" / "yet", 10**15)


class TestReading:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "f.parquet"
        duckdb.execute(
            f"""copy (
                select * from (values
                    ('a', 1, 0.07::decimal(18, 2), date '2017-12-31', true, 'x', 3::decimal(38, 0)),
                    ('b', 2, null, null, false, null, null),
                    ('c', null, -1.10, date '2017-01-01', null, 'y', -1),
                ) as t (customer_id, orders, net, last_on, consent, band, squares)
            ) to '{path}' (format parquet)"""
        )
        return path

    COLUMNS = ("net", "orders", "last_on", "consent", "band", "squares", "customer_id")

    def test_a_type_does_not_depend_on_what_is_missing(self, file):
        types = [dict(batch.dtypes.astype(str)) for batch in place.batches(file, self.COLUMNS, rows=1)]
        types.append(dict(place.table(file, self.COLUMNS).dtypes.astype(str)))
        expected = {
            "net": "float64",
            "orders": "float64",
            "last_on": "datetime64[us]",
            "consent": "boolean",
            "band": "str",
            "squares": "float64",
            "customer_id": "str",
        }
        assert types == [expected] * 4

    def test_batches_are_the_table_in_order(self, file):
        whole = place.table(file, self.COLUMNS)
        assert whole["net"].tolist()[::2] == [0.07, -1.1]
        assert whole["squares"].tolist()[::2] == [3.0, -1.0]
        assert whole[["net", "orders", "last_on", "consent"]].isna().sum().tolist() == [1, 1, 1, 1]
        pieces = pd.concat(place.batches(file, self.COLUMNS, rows=2), ignore_index=True)
        pd.testing.assert_frame_equal(pieces, whole)

    def test_a_file_without_rows_has_its_types(self, tmp_path, file):
        empty = tmp_path / "empty.parquet"
        duckdb.execute(f"copy (select * from '{file}' limit 0) to '{empty}' (format parquet)")
        types = place.table(file, self.COLUMNS).dtypes
        assert (place.table(empty, self.COLUMNS).dtypes == types).all()
        assert list(place.batches(empty, self.COLUMNS)) == []

    def test_cents_are_the_doubles_sql_compares_with(self, tmp_path):
        path = tmp_path / "cents.parquet"
        cents = [Decimal(cent) / 100 for cent in range(-50_000, 50_000)]
        column = pa.array([*cents, None, Decimal("9999999999999.99")], type=pa.decimal128(18, 2))
        pq.write_table(pa.table({"net": column}), path)
        read = place.table(path, ["net"])["net"]
        assert read.dropna().tolist() == [float(cent) for cent in cents] + [9999999999999.99]
        sql = duckdb.sql(f"select net::double as net from '{path}' where net is not null").fetchall()
        assert read.dropna().tolist() == [net for (net,) in sql]

    def test_a_decimal_beyond_64_bits_is_read(self, tmp_path):
        path = tmp_path / "wide.parquet"
        values = [Decimal(10) ** 25, -(Decimal(10) ** 25), Decimal(1)]
        pq.write_table(pa.table({"x": pa.array(values, type=pa.decimal128(38, 0))}), path)
        assert place.table(path, ["x"])["x"].tolist() == [1e25, -1e25, 1.0]

    def test_a_part_of_a_column_is_read_from_where_it_begins(self):
        values = pa.array([Decimal(1), None, Decimal(-3)], type=pa.decimal128(38, 0))
        assert place._decimals_as_doubles(values.slice(2)).tolist() == [-3.0]

    def test_a_missing_column_is_named(self, file):
        with pytest.raises(KeyError, match=r"f.parquet has no column nett, m; it has customer_id, orders"):
            place.table(file, ["net", "nett", "m"])


class TestScores:
    def test_scores_carry_their_day_scheme_and_cut_points(self, tmp_path):
        rows, path = write(tmp_path, scores("a", "b"), scores("c"))
        assert rows == 3
        first = duckdb.sql(f"select * from '{path}' limit 1")
        assert first.columns == [*place.SCORE_KEYS, "r", "value"]
        assert [str(kind) for kind in first.types] == [
            "VARCHAR",
            "DATE",
            "DATE",
            *["VARCHAR"] * 5,
            "INTEGER",
            "DOUBLE",
        ]
        row = ("a", DAY.as_of, DAY.known_on, "rfm", "RFM01", "R1", '{"m": 1}', "2018-01-01-abcd", 3, 1 / 7)
        assert first.fetchone() == row

    def test_equal_scores_are_equal_bytes_however_they_were_cut(self, tmp_path, monkeypatch):
        monkeypatch.setattr(place, "ROW_GROUP", 3_000)
        everyone = scores(*(f"{number:06}" * (1 + number % 5) for number in range(10_000)))
        written = []
        for size in (10_000, 3_000, 1_999, 37):
            parts = [everyone[start : start + size] for start in range(0, len(everyone), size)]
            _, path = write(tmp_path / str(size), *parts)
            written.append(path.read_bytes())
        assert len(set(written)) == 1
        groups = pq.ParquetFile(path).metadata
        assert [groups.row_group(group).num_rows for group in range(groups.num_row_groups)] == [
            3000,
            3000,
            3000,
            1000,
        ]

    def test_a_missing_score_is_null_whatever_its_dtype(self, tmp_path):
        frames = [
            scores("a", r=float("nan")),
            scores("b", r=pd.array([None], dtype="Int64")),
            scores("c", r=2.0),
        ]
        _, path = write(tmp_path, *frames)
        assert duckdb.sql(f"select r from '{path}'").fetchall() == [(None,), (None,), (2,)]

    def test_a_text_is_written_alike_however_pandas_holds_it(self, tmp_path):
        frame = scores("a", "b", "c").assign(segment=["RFM01", None, "RFM02"])
        held = [frame.astype({"segment": kind}) for kind in ("str", "object", "category")]
        held.append(frame.assign(segment=frame["segment"].astype("category").cat.add_categories(["RFM00"])))
        written = {write(tmp_path / str(n), each)[1].read_bytes() for n, each in enumerate(held)}
        assert len(written) == 1

    def test_a_day_without_customers_is_an_empty_table(self, tmp_path):
        rows, path = write(tmp_path)
        assert (rows, duckdb.sql(f"select count(*) from '{path}'").fetchone()) == (0, (0,))

    @pytest.mark.parametrize(
        "frames",
        [
            [scores("a", "a")],
            [scores("b", "a")],
            [scores("b"), scores("a")],
            [scores("a"), scores("a")],
            [scores("a").assign(customer_id=None)],
        ],
        ids=["twice", "unsorted", "unsorted between frames", "twice between frames", "nobody"],
    )
    def test_a_customer_is_scored_once_and_in_order(self, tmp_path, frames):
        with pytest.raises(TableShapeWrong, match="customer_id must rise"):
            write(tmp_path, *frames)

    @pytest.mark.parametrize(
        ("frame", "fault"),
        [
            (scores("a").drop(columns="r"), r"missing: \['r'\]; not declared: none"),
            (scores("a").assign(extra=1), r"missing: none; not declared: \['extra'\]"),
            (scores("a", r=2.5), "column r is no int32"),
            (scores("a", r="high"), "column r is no int32"),
            (scores("a").assign(segment=pd.Categorical([1])), "column segment is no string"),
        ],
        ids=["missing column", "extra column", "fraction", "text", "category of numbers"],
    )
    def test_scores_of_another_shape_leave_yesterdays_in_place(self, tmp_path, frame, fault):
        _, path = write(tmp_path, scores("a"))
        before = path.read_bytes()
        with pytest.raises(TableShapeWrong, match=fault):
            write(tmp_path, frame)
        assert (path.read_bytes(), os.listdir(path.parent)) == (before, [path.name])

    def test_a_type_nobody_declared_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="'money' is no column type"):
            place.write_parquet(tmp_path / "x.parquet", [], {"a": "money"})


def test_the_columns_of_a_day_are_its_rows_alone_wherever_they_lie(tmp_path):
    path = tmp_path / "days.parquet"
    days = [date(2018, 1, day) for day in (1, 2, 2, 2, 3)]
    rows = pa.table({"as_of": days, "orders": [1, 2, 3, 4, 5]})
    pq.write_table(rows, path, row_group_size=2)

    of_day = place.DayColumns(path, date(2018, 1, 2))

    assert (len(of_day), of_day["orders"].tolist()) == (3, [2, 3, 4])
    assert len(place.DayColumns(path, date(2018, 1, 4))) == 0
    assert place.DayColumns(path, date(2018, 1, 4))["orders"].tolist() == []
    with pytest.raises(KeyError, match="no column visits"):
        of_day["visits"]
