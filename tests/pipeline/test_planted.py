"""The planted shop's files: the same for the same shop, all there, as declared, the truth read by none."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline import __main__ as commands
from pipeline import planted
from pipeline.planted import TRUTH, faults, truth
from pipeline.planted.extracts import assemble
from pipeline.planted.shop import Shop, monthly, nightly, weekly
from pipeline.run import RAW_MODELS
from pipeline.settings import REPOSITORY, load
from storage import declaration

SMALL = Shop(customers=300)


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    planted.bring_in(folder / "extracts", SMALL)
    return folder


@pytest.fixture(scope="module")
def assembled():
    rows = assemble(SMALL, planted.live(SMALL))
    return rows, faults.plant(SMALL, rows)


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_shop_gives_the_same_bytes_and_another_seed_other_ones(brought, tmp_path):
    planted.bring_in(tmp_path / "same" / "extracts", SMALL)
    assert digest(tmp_path / "same") == digest(brought)
    planted.bring_in(tmp_path / "other" / "extracts", Shop(seed=2, customers=300))
    ours, others = digest(brought), digest(tmp_path / "other")
    reference = ("regions", "holidays", "market", "competitors", "feature_releases", "products", "campaigns/")
    drawn = [
        name for name in ours if not any(word in name for word in (*reference, "kano", "web_events_2025"))
    ]
    assert len(drawn) > 500
    same = [name for name in drawn if ours[name] == others.get(name)]
    assert len(same) < len(drawn) / 50, same


def test_what_is_there_is_left_alone_and_what_was_cut_short_comes_back(brought):
    before = digest(brought)
    cut = brought / "extracts" / "planted" / "orders" / "orders_2025-12-31.csv.gz"
    cut.write_bytes(cut.read_bytes()[:100])
    written = planted.bring_in(brought / "extracts", SMALL)
    assert {name: count for name, count in written.items() if count} == {"orders": 1}
    assert digest(brought) == before


def test_every_extract_of_the_contract_is_filled_with_exactly_its_columns(assembled):
    contract, source = declaration.read(RAW_MODELS, ["standard", "planted"])
    declared = {extract.name: extract.column_names for extract in source.extracts}
    assert declared == {extract.name: extract.column_names for extract in contract.extracts}
    rows, _ = assembled
    assert {name: tuple(each.columns) for name, each in rows.items()} == {
        name: tuple(columns) for name, columns in declared.items()
    }
    for name, each in rows.items():
        assert len(each) > 0, name
        blank = [column for column, values in each.columns.items() if not any(values)]
        # a line leaves to its order what belongs to the order; no product has gone out of sale
        assert set(blank) <= {"status", "channel", "store_id", "valid_to_on"}, (name, blank)


def test_names_products_and_feedback_are_in_chinese_and_english(assembled):
    rows, _ = assembled
    for extract, column in (("customers", "name"), ("products", "product_name"), ("feedback", "text")):
        texts = rows[extract].columns[column]
        assert any(ord(letter) > 0x4E00 for text in texts for letter in text), extract
        assert any(text[:3].isascii() or " / " in text for text in texts), extract


def test_what_changes_is_sent_again_and_each_version_knows_more(assembled):
    rows, _ = assembled
    items = rows["feedback"].columns
    versions: dict[str, list[tuple[str, str]]] = {}
    for number, identifier in enumerate(items["feedback_id"]):
        versions.setdefault(identifier, []).append(
            (items["resolved_at"][number], items["updated_at"][number])
        )
    several = [each for each in versions.values() if len(each) > 1]
    assert len(several) > 50
    assert all(
        updated == sorted(updated) for updated in ([version[1] for version in each] for each in several)
    )
    assert any(not each[0][0] and each[-1][0] for each in several)


def test_deliveries_come_the_morning_after_each_week_each_month_and_on_the_last_day():
    shop = Shop(customers=300, first_day=date(2024, 1, 1), last_day=date(2025, 12, 31))
    day = np.array([0, 2, 3, shop.days - 71, shop.days - 70, shop.days - 1])
    days = {
        name: (shop.origin() + each(shop, day)).astype(str).tolist()
        for name, each in (("weekly", weekly), ("monthly", monthly), ("nightly", nightly))
    }
    assert days["weekly"] == [
        "2024-01-04",
        "2024-01-04",
        "2024-01-11",
        "2025-10-23",
        "2025-10-30",
        "2026-01-01",
    ]
    assert days["monthly"] == ["2024-02-01"] * 3 + ["2025-11-01"] * 2 + ["2026-01-01"]
    assert days["nightly"] == [
        "2024-01-04",
        "2024-01-04",
        "2024-01-11",
        "2025-10-23",
        "2025-10-24",
        "2026-01-01",
    ]


def test_every_planted_fault_stands_in_the_files_as_often_as_the_account_says(assembled, brought):
    rows, planted_rows = assembled
    accounts = {account.extract: account for account in faults.accounts(SMALL, rows, planted_rows)}
    assert {name: sum(bad.rows for bad in faults.BAD_VALUES if bad.extract == name) for name in accounts} == {
        name: account.quarantined for name, account in accounts.items()
    }
    lines = []
    for path in (brought / "extracts" / "planted" / "order_lines").glob("*.csv.gz"):
        lines += list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    assert len(lines) == accounts["order_lines"].rows_in
    assert sum(line["qty"] == "two" for line in lines) == 3
    assert sum(line["qty"] == "-1" for line in lines) == 2
    assert sum(line["product_id"] == "" for line in lines) == 2
    for account in accounts.values():
        outcomes = (
            account.accepted,
            account.duplicate,
            account.superseded,
            account.anonymous,
            account.quarantined,
        )
        assert account.rows_in == sum(outcomes)
    folder = brought / "extracts" / "planted"
    assert sum(path.stat().st_size == 0 for path in folder.rglob("*.*")) == 1
    hashes = [value for name, value in digest(folder / "returns").items()]
    assert len(hashes) - len(set(hashes)) == 1


def test_the_truth_has_every_customer_and_every_group():
    life = planted.live(SMALL)
    table = truth.customers(SMALL, life)
    assert len(set(table["customer_id"])) == SMALL.customers
    for column, least in (
        ("purchase_group", 6), ("need", 6), ("leave_reason", 4), ("price_tier", 3), ("age_band", 3),
        ("hours", 3), ("occasion", 4), ("city_tier", 6), ("barrier", 4), ("stop_reason", 4),
        ("decision_stage", 5),
    ):  # fmt: skip
        assert len(set(table[column])) >= least, column


def test_a_referrer_always_joined_before_and_chains_end(assembled):
    life = planted.live(SMALL)
    table = truth.referrals(SMALL, life)
    people = life.people
    joined = dict(zip(people.customer_id.tolist(), people.joined.tolist(), strict=True))
    assert table["referee_id"]
    assert max(int(depth) for depth in table["depth"]) >= 2
    pairs = zip(table["referrer_id"], table["referee_id"], strict=True)
    assert all(joined[referrer] < joined[referee] for referrer, referee in pairs)


def test_a_shop_too_small_to_hold_its_truths_is_refused():
    with pytest.raises(ValueError, match="too small"):
        Shop(customers=20)
    with pytest.raises(ValueError, match="too small"):
        Shop(first_day=date(2025, 1, 1))


def reads_the_truth(text: str) -> bool:
    return TRUTH in text or "planted.truth" in text or "planted import truth" in text


def test_no_step_of_the_pipeline_knows_where_the_truth_is():
    parts = ("dags", "plugins", "models", "expectations", "dbt_project", "pipeline", "bench")
    files = [
        path
        for part in parts
        for path in (REPOSITORY / part).rglob("*")
        if path.suffix in (".py", ".sql", ".yml", ".yaml", ".csv") and "target" not in path.parts
    ]
    assert len(files) > 100
    makers = REPOSITORY / "pipeline" / "planted"
    found = [path for path in files if makers not in path.parents and reads_the_truth(path.read_text())]
    assert not found, f"only tests may read the truth: {found}"
    assert reads_the_truth("read_csv('../planted_truth/customers.csv')")
    assert all(
        extract.path.split("/")[0] != TRUTH
        for extract in declaration.read(RAW_MODELS, ["planted"])[0].extracts
    )


def test_the_truth_lies_beside_the_extracts_and_tells_the_account(brought):
    assert {path.name for path in brought.iterdir()} == {"extracts", TRUTH}
    with (brought / TRUTH / "accounts.csv").open() as file:
        accounts = {row["extract"]: row for row in csv.DictReader(file)}
    assert json.loads(accounts["orders"]["reasons"]) == {"after_delivery": 2, "not_an_accepted_value": 3}


def test_make_run_with_its_name_takes_the_settings_of_the_planted_shop(tmp_path):
    settings = REPOSITORY / "docs" / "sources" / "planted" / "segmentation.yml"
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "called with $* under ${SEGMENTATION_SETTINGS:-the usual settings}"\n')
    python.chmod(0o755)
    (tmp_path / "ok").touch()  # as make knows an environment that is there

    def told(*arguments: str) -> str:
        command = ["make", "-s", "-C", str(REPOSITORY), f"VENV={tmp_path}", "run", *arguments]
        bare = {name: value for name, value in os.environ.items() if name != "SEGMENTATION_SETTINGS"}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=bare).stdout.strip()

    assert told("SOURCE=planted") == f"called with -m pipeline run under {settings}"
    assert told() == "called with -m pipeline run under the usual settings"
    assert told("SOURCE=no_such_source") == told()
    loaded = load(settings)
    assert loaded.sources == (planted.SOURCE,)
    assert loaded.schedule.end == Shop().as_of
    assert REPOSITORY in loaded.lake.parents
    assert loaded.lake != load(REPOSITORY / "segmentation.yml").lake


def test_only_the_planted_shop_alone_is_hashed_under_the_key_everybody_knows(tmp_path, monkeypatch, capsys):
    keys = []
    for sources in ("[planted]", "[planted, standard]"):
        settings = tmp_path / "segmentation.yml"
        settings.write_text(f"sources: {sources}\n")
        monkeypatch.setenv("SEGMENTATION_SETTINGS", str(settings))
        monkeypatch.delenv("SEGMENTATION_HASH_KEY", raising=False)
        assert commands.main(["status"]) == 0
        keys.append(os.environ.get("SEGMENTATION_HASH_KEY"))
    assert keys == [planted.DEMO_HASH_KEY, None]
    assert "nothing is published yet" in capsys.readouterr().out


def test_make_clean_removes_the_planted_shop_and_its_truth(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "REPOSITORY", tmp_path)
    monkeypatch.setattr(commands.local_airflow, "HOME", tmp_path / ".airflow")
    (tmp_path / "docs").mkdir()
    settings = tmp_path / "docs" / "segmentation.yml"
    settings.write_text("sources: [planted]\nlake: ../planted/lake\nincoming: ../planted/extracts\n")
    monkeypatch.setenv("SEGMENTATION_SETTINGS", str(settings))
    for place in ("lake", "extracts/planted/orders", TRUTH, "extracts/ours"):
        (tmp_path / "planted" / place).mkdir(parents=True)
    assert commands.main(["clean"]) == 0
    assert sorted(path.name for path in (tmp_path / "planted").rglob("*")) == ["extracts", "ours"]
