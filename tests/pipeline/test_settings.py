from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from pipeline import settings as module
from pipeline.settings import REPOSITORY, SettingsInvalid, load


def write(folder: Path, text: str) -> Path:
    path = folder / "segmentation.yml"
    path.write_text(text)
    return path


def test_an_empty_file_gives_the_defaults_of_the_code(tmp_path):
    settings = load(write(tmp_path, ""))
    assert settings.time_zone == "Asia/Shanghai"
    assert settings.publish.keep == 30
    assert settings.lake == tmp_path / "lake"
    assert settings.thresholds.lifecycle.new_days == 30


def test_the_shipped_file_is_valid():
    settings = load(module.REPOSITORY / "segmentation.yml")
    assert settings.sources == ("complete_journey",)
    assert settings.schedule.end == date(2018, 1, 1)


def test_a_threshold_replaces_its_default_and_nothing_else(tmp_path):
    text = (
        "thresholds:\n  rfm: {fixed_orders: [2, 4, 8]}\n  churn_level: {shrinkage: 5, q75_cap_days: 300.5}\n"
    )
    found = load(write(tmp_path, text)).thresholds
    assert found.rfm.fixed_orders == (2, 4, 8)
    assert found.rfm.mode == "quantile"
    assert found.lifecycle.levels.shrinkage == found.churn_level.shrinkage == 5
    assert found.churn_level.q75_cap_days == 300.5


def test_a_default_written_out_means_the_same_as_left_out(tmp_path):
    plain = load(write(tmp_path, ""))
    written = load(write(tmp_path, "thresholds:\n  churn_level: {shrinkage: 3, q75_cap_days: 365}\n"))
    assert plain.meaning_hash == written.meaning_hash


def test_the_order_of_sources_means_something_where_customers_are_joined(tmp_path):
    def hashes(more):
        orders = ("[standard, planted]", "[planted, standard]")
        return {load(write(tmp_path, f"sources: {order}\n{more}")).meaning_hash for order in orders}

    assert len(hashes("")) == 1
    assert len(hashes("identity: [phone_hash]\n")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: [x]\ncurency: USD\n", r"line 2: curency: is not a setting; did you mean currency\?"),
        ("publish:\n  keep: many\n", r"line 2: publish\.keep: wanted int, found 'many'"),
        ("publish:\n  keep: 0\n", r"line 2: publish\.keep: keep is 0"),
        ("time_zone: Mars/Olympus\n", r"line 1: time_zone: time_zone is 'Mars/Olympus'"),
        ("currency: usd\n", r"line 1: currency: .*ISO 4217"),
        ("schedule:\n  start: yesterday\n", r"line 2: schedule\.start: wanted date"),
        ("thresholds:\n  rfmm: {}\n", r"line 2: thresholds\.rfmm: is not a setting; did you mean rfm\?"),
        ("thresholds:\n  rfm:\n    nonsense: 3\n", r"line 3: thresholds\.rfm\.nonsense: is not a setting"),
        ("thresholds:\n  lifecycle: {declining_ratio: 3}\n", r"line 2: .*declining_ratio"),
        (
            "thresholds:\n  lifecycle: {levels: {}}\n",
            r"line 2: thresholds\.lifecycle\.levels: is not a setting",
        ),
        ("lake: a\nlake: b\n", r"line 2: lake is set twice"),
        ("publish: [1]\n", r"line 1: publish: wanted a mapping"),
        ("sources: complete_journey\n", r"line 1: sources: wanted a list"),
        ("features:\n  window_days: 3.5\n", r"line 2: features\.window_days: wanted int"),
        ("lake: [\n", r"line 2: not readable as YAML"),
        ("- 1\n", r"line 1: wanted a mapping of settings"),
        ("incoming: ftp://host/crm\n", r"line 1: incoming: .*s3://"),
        ("incoming_connection: crm\n", r"line 1: incoming_connection: .*is the folder extracts"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(SettingsInvalid, match=message):
        load(write(tmp_path, text))


def test_extracts_come_from_a_folder_beside_the_file_or_from_a_bucket(tmp_path):
    folder = load(write(tmp_path, "incoming: drop\n"))
    assert folder.incoming == folder.incoming_folder == tmp_path / "drop"
    bucket = load(write(tmp_path, "incoming: s3://exports/crm\nincoming_connection: exports\n"))
    assert (bucket.incoming, bucket.incoming_folder) == ("s3://exports/crm", None)
    assert folder.meaning_hash == bucket.meaning_hash


def test_the_meaning_changes_with_a_threshold_but_not_with_a_place(tmp_path):
    plain = load(write(tmp_path, ""))
    moved = load(write(tmp_path, "lake: elsewhere\npublish: {keep: 3}\n"))
    narrower = load(write(tmp_path, "features: {window_days: 180}\n"))
    assert plain.meaning_hash == moved.meaning_hash
    assert plain.meaning_hash != narrower.meaning_hash


def test_approving_a_shift_is_published_but_leaves_the_cut_points_in_force(tmp_path):
    plain, approved = load(write(tmp_path, "")), load(write(tmp_path, "approved_shift: [rfm]\n"))
    assert plain.meaning_hash != approved.meaning_hash
    assert plain.fit_hash == approved.fit_hash


def test_a_threshold_of_the_sql_is_a_setting_with_the_projects_own_default(tmp_path):
    project = yaml.safe_load((REPOSITORY / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))
    defaults = project["vars"]["segmentation"]
    found = load(write(tmp_path, "features: {premium_price_ratio: 1.5}\n")).features
    assert found.premium_price_ratio == 1.5
    assert found.new_product_days == defaults["new_product_days"]
    loose = [name for name, value in project["vars"].items() if isinstance(value, int | float)]
    assert loose == [], (
        "a number every run shares belongs under segmentation, where a setting can override it"
    )


def test_a_threshold_of_the_sql_is_above_zero(tmp_path):
    with pytest.raises(SettingsInvalid, match=r"line 1: features\.key_needs: key_needs is 0; wanted more"):
        load(write(tmp_path, "features: {key_needs: 0}\n"))
