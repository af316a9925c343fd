"""Published: shown in one switch, never half, and the same whatever was killed or came in which order."""

import csv as csv_reader
import os
import socket
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from storage import csv_copies, edition, published, remembered_tables
from storage.lake import Day
from storage.published import Facts, NothingPublished, PublishingHeld, VersionDamaged

FACTS = Facts("s" * 64, "d" * 64, "2018-01-01-0badcafe", ("shop", "app"), ("shop.feedback",))
OTHER_SETTINGS = Facts("t" * 64, "d" * 64, "2018-01-01-0badcafe", ("shop", "app"))
DESCRIPTIONS = {
    "rfm": {
        "description": "One row per customer: it's scored alone.",
        "columns": {"label_zh": "标签 · the customer's segment", "gone": "x"},
    },
    "never_built": {"description": "x", "columns": {}},
}


def january(day):
    return Day.of(date(2018, 1, day))


def name(day, facts=FACTS):
    return published.version_name(day, facts.settings_hash, facts.dictionary_hash)


def marts(lake, day, edition=1):
    """Two tables of two rows, in an order no sort would give, that tell their day and edition."""
    folder = lake / "runs" / f"{day.key}-{edition}" / "marts"
    folder.mkdir(parents=True, exist_ok=True)
    rfm = f"""select *, date '{day.as_of}' as as_of
        from (values ('b', '冠军, "老"客户', 1.50), ('a', null, {edition}.25)) t (customer_id, label_zh, net)
    """
    profile = "select 'RFM01' as segment, 2 as customers union all select '两' || chr(10) || '行', 0"
    for table, sql in {"rfm": rfm, "segment_profile": profile}.items():
        duckdb.execute(f"copy ({sql}) to '{folder}/{table}.parquet' (format parquet)")
    return folder


def publish(lake, day, edition=1, facts=FACTS, **options):
    options = {"descriptions": DESCRIPTIONS, "csv": False} | options
    return published.publish(lake, marts(lake, day, edition), day, facts, **options)


class Told:
    """A memory that tells of the days that were published, in a table `told` of one row a day."""

    def __init__(self, lake, folder):
        self.lake, self.folder, self.days = lake, folder, []

    def remember(self):
        """Nothing: the versions say which days there are."""

    def put(self, as_of):
        """One row for every published day until `as_of`; the name says how many."""
        days = sorted({each[6:16] for each in published.versions(self.lake)})
        days = [each for each in days if each <= as_of.isoformat()]
        tables = self.folder / f"{os.getpid()}-{as_of}"
        tables.mkdir(parents=True, exist_ok=True)
        rows = ", ".join(f"(date '{each}', 'c{each[-1]}')" for each in days)
        table = f"{tables}/told.parquet"
        duckdb.execute(f"copy (from (values {rows}) t (as_of, customer_id)) to '{table}' (format parquet)")
        name = f"as_of={as_of},key=0000000{len(days)}"
        about = {"told": {"description": "One row per day.", "columns": {"as_of": "The day."}}}
        remembered_tables.put(self.lake, name, tables, about, csv=False)
        return name


def bi(lake, *questions):
    """The answers to SQL questions of the BI file; the days it shows when nothing is asked."""
    with duckdb.connect(str(lake / "published" / "bi.duckdb"), read_only=True) as connection:
        asked = questions or ("select distinct as_of from rfm",)
        answers = [connection.execute(question).fetchall() for question in asked]
    return answers if len(answers) > 1 else answers[0]


def files(lake):
    """Every file and link under published with its bytes; the BI file only by its content."""
    root = lake / "published"
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = str(path.readlink())
        elif path.is_file() and path.name != "bi.duckdb":
            found[str(path.relative_to(root))] = path.read_bytes()
    comments = "select table_name, column_name, comment from duckdb_columns() order by all"
    content = "from rfm", "from segment_profile", "from manifest"
    found["bi.duckdb"] = bi(lake, comments, "select table_name from duckdb_tables() order by all", *content)
    return found


def stamps(lake):
    # The lock says who holds it, for as long as somebody does.
    found = (path for path in (lake / "published").rglob("*") if path.is_file() and path.name != ".lock")
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in found}


class TestPublish:
    def test_a_day_is_seen_as_parquet_csv_and_bi_file(self, tmp_path):
        outcome = publish(tmp_path, january(2), csv=True)
        assert outcome == {
            "version": name(january(2)),
            "state": "new",
            "bi": name(january(2)),
            "moved": True,
            "pinned": False,
            "tables": 3,
            "rows": 6,
            "removed": [],
        }
        shown = tmp_path / "published" / "current"
        assert os.readlink(shown) == f"versions/{name(january(2))}"
        assert sorted(path.name for path in shown.iterdir()) == [
            "csv",
            "manifest.json",
            "manifest.parquet",
            "rfm.parquet",
            "segment_profile.parquet",
        ]
        assert sorted(os.listdir(tmp_path / "published")) == [
            ".lock",
            "bi.duckdb",
            "current",
            "current.json",
            "days",
            "versions",
        ]
        in_order = "select customer_id, net from rfm"
        assert [(customer, float(net)) for customer, net in bi(tmp_path, in_order)] == [
            ("b", 1.5),
            ("a", 1.25),
        ]
        assert published.current(tmp_path)["as_of"] == "2018-01-02"
        assert published.current_folder(tmp_path) == shown.resolve()

    def test_the_manifest_has_a_row_per_table_and_the_facts_of_the_day(self, tmp_path):
        publish(tmp_path, Day.of(date(2018, 1, 2), date(2018, 1, 5)))
        manifest = tmp_path / "published" / "current" / "manifest.parquet"
        relation = duckdb.sql(f"from '{manifest}'")
        assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == {
            column: kind.upper() for column, (kind, _) in published.MANIFEST.items()
        }
        day = (date(2018, 1, 2), date(2018, 1, 5))
        made = ("s" * 64, "d" * 64, "2018-01-01-0badcafe", date(2018, 1, 1), "app,shop", "shop.feedback")
        rfm, profile = (
            edition.sha256(manifest.with_name(f"{t}.parquet")) for t in ("rfm", "segment_profile")
        )
        assert relation.fetchall() == [
            (*day, "rfm", 2, 4, rfm, *made),
            (*day, "segment_profile", 2, 2, profile, *made),
        ]

    def test_extra_tables_and_files_lie_beside_and_inner_marts_stay_inside(self, tmp_path):
        day = january(2)
        extra = marts(tmp_path, day, 7) / "rfm.parquet"
        (tmp_path / "gates.html").write_text("ok")
        publish(
            tmp_path,
            day,
            extra={"quality_results": extra},
            files={"gates.html": tmp_path / "gates.html"},
            without={"segment_profile"},
        )
        folder = published.version_of(tmp_path, day)
        assert {path.name for path in folder.iterdir() if path.is_file()} == {
            "gates.html",
            "manifest.json",
            "manifest.parquet",
            "quality_results.parquet",
            "rfm.parquet",
        }
        assert bi(tmp_path, "select table_name from manifest") == [("quality_results",), ("rfm",)]

    def test_comments_reach_the_bi_file(self, tmp_path):
        publish(tmp_path, january(2))
        assert bi(tmp_path, "select comment from duckdb_tables() where table_name = 'rfm'") == [
            ("One row per customer: it's scored alone.",)
        ]
        commented = (
            "select column_name, comment from duckdb_columns() where table_name = 'rfm' and comment <> ''"
        )
        assert bi(tmp_path, commented) == [("label_zh", "标签 · the customer's segment")]
        own = "select count(*) from duckdb_columns() where table_name = 'manifest' and comment is null"
        assert bi(tmp_path, own) == [(0,)]

    def test_a_csv_opens_in_excel_with_its_chinese_intact(self, tmp_path):
        publish(tmp_path, january(2), csv=True)
        folder = tmp_path / "published" / "current" / "csv"
        assert (folder / "rfm.csv").read_bytes() == (
            "\ufeffcustomer_id,label_zh,net,as_of\r\n"
            'b,"冠军, ""老""客户",1.50,2018-01-02\r\n'
            "a,,1.25,2018-01-02\r\n"
        ).encode()
        assert (folder / "segment_profile.csv").read_bytes().endswith('\r\n"两\n行",0\r\n'.encode())
        with (folder / "segment_profile.csv").open(encoding="utf-8-sig", newline="") as file:
            assert list(csv_reader.reader(file))[2] == ["两\n行", "0"]

    def test_a_text_excel_would_compute_is_marked_as_text_and_a_number_stays_a_number(self, tmp_path):
        folder = tmp_path / "marts"
        folder.mkdir()
        texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a=1", "", "冠军"]
        rows = ", ".join(f"({number}, '{text}')" for number, text in enumerate(texts))
        duckdb.execute(
            f"""copy (
                select text as "the ""text"" in it", -number as lower, (-number)::decimal(9, 2) as amount
                from (values {rows}) t (number, text) order by number
            ) to '{folder}/odd.parquet' (format parquet)"""
        )
        published.publish(tmp_path, folder, january(2), FACTS)
        shown = tmp_path / "published" / "current"
        with (shown / "csv" / "odd.csv").open(encoding="utf-8-sig", newline="") as file:
            header, *lines = csv_reader.reader(file)
        assert header == ['the "text" in it', "lower", "amount"]
        assert [line[0] for line in lines] == [
            "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'\r=1", "a=1", "", "冠军",
        ]  # fmt: skip
        assert [line[1:] for line in lines[:2]] == [["0", "0.00"], ["-1", "-1.00"]]
        asked = f"""select "the ""text"" in it" from '{shown}/odd.parquet'"""
        assert [text for (text,) in duckdb.execute(asked).fetchall()] == texts

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
    def test_a_block_may_end_within_a_quoted_text(self, size):
        text = b'a,"x""y\n""",""\n"""\n",1\n'
        blocks = (text[start : start + size] for start in range(0, len(text), size))
        assert b"".join(csv_copies._with_crlf(blocks)) == b'a,"x""y\n""",""\r\n"""\n",1\r\n'

    def test_a_table_longer_than_a_sheet_has_no_csv(self, tmp_path, monkeypatch):
        assert csv_copies.CSV_ROWS + 1 == 2**20
        monkeypatch.setattr(csv_copies, "CSV_ROWS", 1)
        publish(tmp_path, january(2), csv=True)
        assert not (tmp_path / "published" / "current" / "csv").exists()
        monkeypatch.setattr(csv_copies, "CSV_ROWS", 2)
        publish(tmp_path, january(3), csv=True)
        assert len(list((tmp_path / "published" / "current" / "csv").iterdir())) == 3
        publish(tmp_path, january(4), csv=False)
        assert not (tmp_path / "published" / "current" / "csv").exists()

    def test_publishing_equal_tables_again_changes_no_file(self, tmp_path):
        publish(tmp_path, january(2), csv=True)
        before = files(tmp_path), stamps(tmp_path)
        outcome = publish(tmp_path, january(2), csv=True)
        assert (outcome["state"], outcome["moved"]) == ("unchanged", False)
        assert (files(tmp_path), stamps(tmp_path)) == before

    def test_a_failed_publish_leaves_every_byte_and_nothing_half(self, tmp_path):
        publish(tmp_path, january(2))
        before = files(tmp_path), stamps(tmp_path)
        (marts(tmp_path, january(3)) / "rfm.parquet").write_bytes(b"PAR1 half")
        with pytest.raises(Exception, match=r"footer|magic"):
            published.publish(tmp_path, tmp_path / "runs" / "as_of=2018-01-03-1" / "marts", january(3), FACTS)
        assert (files(tmp_path), stamps(tmp_path)) == before
        assert not (tmp_path / "published" / ".work").exists()

    @pytest.mark.parametrize("with_renameat2", [True, False])
    def test_other_bytes_of_a_version_replace_it_whole(self, tmp_path, monkeypatch, with_renameat2):
        if not with_renameat2:
            monkeypatch.setattr(edition.ctypes, "CDLL", lambda *_, **__: object())
        publish(tmp_path, january(2))
        outcome = publish(tmp_path, january(2), edition=2)
        assert (outcome["state"], outcome["moved"]) == ("replaced", True)
        fresh = tmp_path / "fresh"
        publish(fresh, january(2), edition=2)
        assert files(tmp_path) == files(fresh)

    def test_the_published_copy_does_not_follow_the_runs_file(self, tmp_path):
        built = marts(tmp_path, january(2))
        published.publish(tmp_path, built, january(2), FACTS)
        folder = published.version_of(tmp_path, january(2))
        assert not (folder / "rfm.parquet").samefile(built / "rfm.parquet")

    def test_two_tables_of_a_name_or_none_are_refused(self, tmp_path):
        folder = marts(tmp_path, january(2))
        with pytest.raises(ValueError, match=r"^rfm: two tables of a name"):
            publish(tmp_path, january(2), extra={"rfm": folder / "rfm.parquet"})
        with pytest.raises(ValueError, match=r"^manifest: two tables of a name"):
            publish(tmp_path, january(2), extra={"manifest": folder / "rfm.parquet"})
        with pytest.raises(ValueError, match="nothing to publish"):
            published.publish(tmp_path, tmp_path / "nowhere", january(2), FACTS)
        assert not (tmp_path / "published").exists()


class TestWhatBiSees:
    def test_an_older_day_is_stored_and_moves_nothing(self, tmp_path):
        publish(tmp_path, january(3))
        before = stamps(tmp_path)
        outcome = publish(tmp_path, january(2))
        assert (outcome["bi"], outcome["moved"], outcome["state"]) == (name(january(3)), False, "new")
        assert stamps(tmp_path).items() >= before.items()
        assert published.versions(tmp_path) == [name(january(2)), name(january(3))]

    def test_a_day_stated_again_later_is_greater_than_itself(self, tmp_path):
        again = Day.of(date(2018, 1, 2), date(2018, 1, 9))
        for day in (again, january(2)):
            publish(tmp_path, day)
        assert published.current(tmp_path)["version"] == name(again)
        publish(tmp_path, january(3))
        assert published.current(tmp_path)["version"] == name(january(3))
        assert published.previous(tmp_path, january(3)).name == name(again)

    def test_the_order_of_publishing_leaves_no_trace(self, tmp_path):
        days = [january(2), january(3), january(4)]
        ends = []
        for number, order in enumerate([days, days[::-1], [days[1], days[2], days[0]]]):
            # The newest once more: the day just published is kept until the next is.
            for day in (*order, january(4)):
                publish(tmp_path / str(number), day, keep=2)
            ends.append(files(tmp_path / str(number)))
        assert ends[0] == ends[1] == ends[2]

    def test_a_reader_that_has_the_old_file_open_keeps_seeing_it(self, tmp_path):
        publish(tmp_path, january(2))
        script = (
            "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True)\n"
            "ask = lambda: print(c.execute('select as_of from rfm limit 1').fetchone()[0], flush=True)\n"
            "ask(); sys.stdin.readline(); ask(); c.close()\n"
            "c = duckdb.connect(sys.argv[1], read_only=True); ask()"
        )
        path = str(tmp_path / "published" / "bi.duckdb")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "-c", script, path], **pipes) as reader:
            assert reader.stdout.readline() == "2018-01-02\n"
            with open(path, "rb") as old:
                before = old.read()
                publish(tmp_path, january(3))
                old.seek(0)
                assert old.read() == before
            answers, _ = reader.communicate("\n")
        assert answers.split() == ["2018-01-02", "2018-01-03"]

    def test_rollback_pins_the_day_before_and_unpin_returns(self, tmp_path):
        for day in (2, 3, 4):
            publish(tmp_path, january(day))
        newest = files(tmp_path)
        shown = published.rollback(tmp_path)
        assert (shown["version"], shown["pinned"]) == (name(january(3)), True)
        assert published.current(tmp_path) == shown
        assert bi(tmp_path) == [(date(2018, 1, 3),)]
        assert (tmp_path / "published" / "current").resolve().name == name(january(3))
        assert published.rollback(tmp_path)["as_of"] == "2018-01-02"
        with pytest.raises(NothingPublished, match="nothing is published before the version BI sees"):
            published.rollback(tmp_path)
        assert published.unpin(tmp_path)["version"] == name(january(4))
        assert files(tmp_path) == newest

    def test_publishing_while_pinned_does_not_move_bi(self, tmp_path):
        for day in (2, 3):
            publish(tmp_path, january(day))
        published.rollback(tmp_path, date(2018, 1, 2))
        before = stamps(tmp_path)
        outcome = publish(tmp_path, january(4))
        assert (outcome["bi"], outcome["pinned"], outcome["moved"]) == (name(january(2)), True, False)
        assert stamps(tmp_path).items() >= before.items()
        assert published.unpin(tmp_path)["version"] == name(january(4))

    def test_pinning_what_bi_sees_already_builds_nothing(self, tmp_path):
        publish(tmp_path, january(2))
        built = (tmp_path / "published" / "bi.duckdb").stat().st_ino
        assert published.rollback(tmp_path, date(2018, 1, 2))["pinned"]
        assert published.rollback(tmp_path, name(january(2)))["pinned"]
        assert not published.unpin(tmp_path)["pinned"]
        assert (tmp_path / "published" / "bi.duckdb").stat().st_ino == built

    def test_a_lost_bi_file_or_link_comes_back(self, tmp_path):
        publish(tmp_path, january(2))
        whole = files(tmp_path)
        for lost in ("bi.duckdb", "current", "current.json"):
            (tmp_path / "published" / lost).unlink()
            publish(tmp_path, january(2))
            assert files(tmp_path) == whole

    def test_what_is_not_published_cannot_be_shown(self, tmp_path):
        assert (published.current(tmp_path), published.versions(tmp_path)) == (None, [])
        for ask in (published.rollback, published.unpin, published.current_folder):
            with pytest.raises(NothingPublished):
                ask(tmp_path)
        publish(tmp_path, january(2))
        with pytest.raises(NothingPublished, match=f"2018-01-09; there are: {name(january(2))}"):
            published.rollback(tmp_path, date(2018, 1, 9))
        assert not (tmp_path / "published" / "pin.json").exists()

    def test_of_two_settings_the_last_published_stands_for_the_day(self, tmp_path):
        publish(tmp_path, january(2))
        publish(tmp_path, january(2), facts=OTHER_SETTINGS)
        assert published.current(tmp_path)["version"] == name(january(2), OTHER_SETTINGS)
        assert len(published.versions(tmp_path)) == 2
        hashes = (FACTS.settings_hash, FACTS.dictionary_hash)
        assert not published.is_published(tmp_path, january(2), *hashes)
        assert publish(tmp_path, january(2))["moved"]
        assert published.is_published(tmp_path, january(2), *hashes)
        assert published.version_of(tmp_path, january(2)).name == name(january(2))

    def test_a_damaged_version_is_not_shown_and_heals_by_publishing(self, tmp_path):
        for day in (2, 3):
            publish(tmp_path, january(day))
        whole = files(tmp_path)
        (published.version_of(tmp_path, january(2)) / "rfm.parquet").write_bytes(b"edited")
        with pytest.raises(VersionDamaged, match=r"was changed after publishing: rfm.parquet"):
            published.rollback(tmp_path)
        assert bi(tmp_path) == [(date(2018, 1, 3),)]
        published.unpin(tmp_path)
        assert publish(tmp_path, january(2))["state"] == "replaced"
        assert files(tmp_path) == whole


class TestRetention:
    def test_the_newest_days_stay_however_often_they_were_stated(self, tmp_path):
        days = [january(2), january(3), Day.of(date(2018, 1, 3), date(2018, 1, 8)), january(4)]
        removed = [publish(tmp_path, day, keep=2)["removed"] for day in days]
        assert removed == [[], [], [], [name(january(2))]]
        assert published.versions(tmp_path) == [name(day) for day in days[1:]]
        assert len(os.listdir(tmp_path / "published" / "days")) == 3

    def test_a_day_older_than_those_kept_stays_until_the_next_is_published(self, tmp_path):
        for day in (3, 4, 5):
            publish(tmp_path, january(day), keep=2)
        old = publish(tmp_path, january(2), keep=2)
        assert (old["removed"], old["bi"]) == ([], name(january(5)))
        assert published.version_of(tmp_path, january(2)).name == name(january(2))
        assert (published.version_of(tmp_path, january(2)) / "manifest.json").exists()
        assert publish(tmp_path, january(5), keep=2)["removed"] == [name(january(2))]

    def test_the_pinned_version_stays(self, tmp_path):
        for day in (2, 3):
            publish(tmp_path, january(day))
        published.rollback(tmp_path)
        for day in (4, 5):
            publish(tmp_path, january(day), keep=1)
        assert published.versions(tmp_path) == [name(january(2)), name(january(5))]
        published.unpin(tmp_path)
        publish(tmp_path, january(5), keep=1)
        assert published.versions(tmp_path) == [name(january(5))]

    def test_the_day_before_is_the_greatest_that_is_still_there(self, tmp_path):
        for day in (2, 4):
            publish(tmp_path, january(day))
        assert published.previous(tmp_path, january(4)) == published.version_of(tmp_path, january(2))
        assert published.previous(tmp_path, january(3)) == published.version_of(tmp_path, january(2))
        assert published.previous(tmp_path, january(2)) is None


class TestSideBySide:
    def test_a_lock_that_is_never_let_go_is_given_up_and_its_holder_named(self, tmp_path, monkeypatch):
        assert published.LOCK_SECONDS == 600
        monkeypatch.setattr(published, "LOCK_SECONDS", 0.3)
        publish(tmp_path, january(2))
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        given_up = pytest.raises(PublishingHeld, match=rf"held by {holder}.* 0.3 s")
        with published._alone(tmp_path / "published"), given_up as raised:
            publish(tmp_path, january(3))
        assert isinstance(raised.value, TimeoutError)
        assert (tmp_path / "published" / ".lock").read_bytes() == b""
        assert publish(tmp_path, january(3))["state"] == "new"

    def test_days_published_at_once_end_as_those_published_in_order(self, tmp_path):
        days = [january(day) for day in range(2, 6)]
        for day in days:
            publish(tmp_path / "in_order", day, csv=True, keep=3)
            marts(tmp_path / "at_once", day)
        outcomes = []

        def one(day):
            built = tmp_path / "at_once" / "runs" / f"{day.key}-1" / "marts"
            done = published.publish(
                tmp_path / "at_once", built, day, FACTS, descriptions=DESCRIPTIONS, keep=3
            )
            outcomes.append(done["version"])

        workers = [threading.Thread(target=one, args=(day,)) for day in days]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert sorted(outcomes) == [name(day) for day in days]
        for lake in ("in_order", "at_once"):
            publish(tmp_path / lake, days[-1], csv=True, keep=3)
        assert files(tmp_path / "at_once") == files(tmp_path / "in_order")


class TestMemory:
    def told(self, tmp_path):
        return Told(tmp_path, tmp_path / "told")

    def days(self, lake):
        (rows,) = [bi(lake, "select as_of from told order by 1")]
        return [day.day for rows_ in rows for day in (rows_ if isinstance(rows_, tuple) else (rows_,))]

    def test_bi_is_told_of_all_days_until_the_one_it_sees(self, tmp_path):
        for day in (4, 2, 3):
            publish(tmp_path, january(day), memory=self.told(tmp_path))
        assert self.days(tmp_path) == [2, 3, 4]
        folder = tmp_path / "published" / "current_memory"
        assert folder.resolve() == published.current_memory(tmp_path)
        assert (folder / "told.parquet").exists()
        comments = bi(tmp_path, "select comment from duckdb_tables() where table_name = 'told'")
        assert comments == [("One row per day.",)]

    def test_pinned_to_a_day_bi_is_told_of_no_later_one(self, tmp_path):
        for day in (2, 3, 4):
            publish(tmp_path, january(day), memory=self.told(tmp_path))
        published.rollback(tmp_path, january(3).as_of, self.told(tmp_path))
        assert self.days(tmp_path) == [2, 3]
        publish(tmp_path, january(5), memory=self.told(tmp_path))
        assert self.days(tmp_path) == [2, 3]
        published.unpin(tmp_path, self.told(tmp_path))
        assert self.days(tmp_path) == [2, 3, 4, 5]

    def test_whoever_moves_bi_without_a_memory_takes_away_what_would_tell_of_other_days(self, tmp_path):
        for day in (2, 3):
            publish(tmp_path, january(day), memory=self.told(tmp_path))
        published.rollback(tmp_path)
        assert published.current_memory(tmp_path) is None
        assert not (tmp_path / "published" / "current_memory").exists()
        names = bi(tmp_path, "select table_name from duckdb_tables() where table_name = 'told'")
        assert names == []

    def test_the_memory_bi_saw_until_now_stays_for_who_is_reading_it(self, tmp_path):
        for day in (2, 3, 4):
            publish(tmp_path, january(day), memory=self.told(tmp_path))
        left = sorted(path.name[:16] for path in (tmp_path / "published" / "memory").iterdir())
        assert left == ["as_of=2018-01-03", "as_of=2018-01-04"]

    def test_the_same_again_changes_no_file(self, tmp_path):
        publish(tmp_path, january(2), memory=self.told(tmp_path))
        before = (files(tmp_path), stamps(tmp_path))
        assert not publish(tmp_path, january(2), memory=self.told(tmp_path))["moved"]
        after = (files(tmp_path), stamps(tmp_path))
        assert {k: v for k, v in after[0].items() if "told/" not in str(k)} == {
            k: v for k, v in before[0].items() if "told/" not in str(k)
        }

    def test_a_changed_file_of_the_memory_is_not_shown(self, tmp_path):
        publish(tmp_path, january(2), memory=self.told(tmp_path))
        table = published.current_memory(tmp_path) / "told.parquet"
        table.write_bytes(b"other")
        (tmp_path / "published" / "bi.duckdb").unlink()
        with pytest.raises(VersionDamaged, match="told"):
            publish(tmp_path, january(2))

    def test_rows_are_taken_out_of_every_memory_and_bi_is_shown_the_rest(self, tmp_path):
        for day in (2, 3):
            publish(tmp_path, january(day), memory=self.told(tmp_path))

        def take_out(path):
            rest = pq.read_table(path, filters=[("customer_id", "!=", "c2")])
            pq.write_table(rest, path)
            return 1

        assert remembered_tables.without_rows(tmp_path, take_out) == {"told": 2}
        assert self.days(tmp_path) == [3]
        assert remembered_tables.is_whole(tmp_path, published.current_memory(tmp_path).name)
        told = edition.contents(published.current_memory(tmp_path))
        assert (told["tables"]["told"]["rows"], told["erasures"]) == (1, 1)


# Runs in its own process. For every point where a name moves or goes: a forked child is killed right before
# it (in the middle, where a folder is removed), then a second one looks at what is left and does the same
# again. Modules are loaded before the forks, and no database is open then; two points are tried at a time. Of
# the files of a version that is still being made, all in .work, one is enough.
KILLED_EVERYWHERE = """
import os, pathlib, pickle, shutil, sys
import duckdb, pandas, pyarrow.compute, pyarrow.parquet
import test_published as t
from storage import edition, published

root, scenario = pathlib.Path(sys.argv[1]), sys.argv[2]
def back_and_forth(lake):
    published.rollback(lake, t.january(2).as_of)
    published.unpin(lake)

acts = {
    "new": lambda lake: published.publish(lake, root / "new", t.january(4), t.FACTS, csv=False, keep=2),
    "other": lambda lake: published.publish(lake, root / "other", t.january(3), t.FACTS, csv=False),
    "back and forth": back_and_forth,
    "memory": lambda lake: published.publish(
        lake, root / "new", t.january(4), t.FACTS, csv=False, memory=t.Told(lake, root / "told")
    ),
    "memory back": lambda lake: published.rollback(lake, t.january(2).as_of, t.Told(lake, root / "told")),
}
act = acts[scenario]

def kill_at(point):
    count = 0
    def deadly(module, act):
        real = getattr(module, act)
        def step(*names, **options):
            nonlocal count
            name, last = map(str, (names[0], names[-1]))
            staging = act == "replace" and ".work/" in name and ".work/" in last
            early = staging and not last.endswith("manifest.json")
            if os.path.lexists(name) and not early and not (act == "unlink" and name.endswith(".tmp")):
                count += 1
                if count == point:
                    if act == "rmtree":
                        next(filter(pathlib.Path.is_file, sorted(pathlib.Path(name).rglob("*")))).unlink()
                    os._exit(9)
            return real(*names, **options)
        setattr(module, act, step)
    for module, act in [(os, "replace"), (os, "unlink"), (shutil, "rmtree"), (edition, "exchange")]:
        deadly(module, act)

def fork(body, *arguments):
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        code = body(*arguments) or 0
    finally:
        sys.stderr.flush()
        os._exit(code)

def ended(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

def undisturbed():
    shutil.copytree(root / "before", root / "undisturbed", symlinks=True)
    act(root / "undisturbed")
    (root / "end").write_bytes(pickle.dumps(t.files(root / "undisturbed")))

def killed(lake, point):
    shutil.copytree(root / "before", lake, symlinks=True)
    kill_at(point)
    act(lake)

def again(lake, point):
    (shown,), = t.bi(lake)
    assert shown in [t.january(day).as_of for day in (2, 3, 4)], shown
    for version in published.versions(lake):
        assert not edition.damaged(lake / "published" / "versions" / version), version
    assert (lake / "published" / "current" / "manifest.json").exists(), "current leads nowhere"
    assert (published.current_folder(lake) / "manifest.json").exists(), "current.json leads nowhere"
    if scenario.startswith("memory"):
        ((until,),) = t.bi(lake, "select max(as_of) from told")
        assert until == shown, (until, shown)  # what BI is told ends with the day it sees
        assert not edition.damaged(published.current_memory(lake))
        assert (lake / "published" / "current_memory" / "manifest.json").exists()
    act(lake)
    end, wanted = t.files(lake), pickle.loads((root / "end").read_bytes())
    differing = [name for name in end | wanted if end.get(name) != wanted.get(name)]
    assert not differing, (scenario, point, differing)
    shutil.rmtree(lake)

assert ended(fork(undisturbed)) == 0
first, died = 1, [9, 9]
while died == [9, 9]:
    lakes = [(root / f"killed-{point}", point) for point in (first, first + 1)]
    died = [ended(process) for process in [fork(killed, *each) for each in lakes]]
    assert set(died) <= {0, 9}, died
    assert [ended(process) for process in [fork(again, *each) for each in lakes]] == [0, 0]
    first += 2
print(first - 3 + died.count(9))
"""


@pytest.mark.parametrize(
    ("scenario", "points"),
    [("new", 11), ("other", 8), ("back and forth", 12), ("memory", 13), ("memory back", 9)],
)
def test_killed_anywhere_and_run_again_it_ends_the_same(tmp_path, scenario, points):
    for day in (2, 3):
        told = Told(tmp_path / "before", tmp_path / "told") if scenario.startswith("memory") else None
        publish(tmp_path / "before", january(day), csv=False, memory=told)
    marts(tmp_path, january(4)).rename(tmp_path / "new")
    marts(tmp_path, january(3), edition=2).rename(tmp_path / "other")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])}
    # Python 3.12 and later warn of forking beside threads; the child dies before they could matter.
    command = [
        sys.executable,
        "-W",
        "ignore::DeprecationWarning",
        "-c",
        KILLED_EVERYWHERE,
        str(tmp_path),
        scenario,
    ]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stderr == ""
    assert int(done.stdout) >= points  # fewer would mean that the deadly steps are no longer the ones taken
