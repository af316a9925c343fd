"""The dbt project a run builds from."""

from __future__ import annotations

import shutil

import duckdb
import pytest

import transform
from pipeline.retries import DEFAULTS
from transform import BuildFailed, ModelWrong

MACROS = [transform.PROJECT / "macros" / name for name in ("parquet_file.sql", "slices.sql")]
PROJECT_FILE = """name: small
version: "1.0"
profile: segmentation
models: {+materialized: table}
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A project of its own, without a model yet."""
    own = tmp_path / "project"
    for folder in ("raw", "staging"):
        (own / "models" / folder).mkdir(parents=True)
    (own / "dbt_project.yml").write_text(PROJECT_FILE)
    (own / "profiles.yml").write_text((transform.PROJECT / "profiles.yml").read_text())
    monkeypatch.setattr(transform, "PROJECT", own)
    return own


def variables(tmp_path, run, day="2018-01-01"):
    return {
        "enabled_sources": [],
        "lake_root": str(tmp_path / "lake"),
        "run_dir": str(tmp_path / run),
        "day_key": f"as_of={day}",
        "as_of_dates": [{"as_of": day, "known_on": day}],
        "known_on": day,
    }


@pytest.fixture
def failure(own, tmp_path):
    """What building a project of these models (name → SQL) raises, under dbt and DuckDB themselves."""

    def build(memory_limit: str = "1GB", **models: str) -> BuildFailed:
        for name, sql in models.items():
            (own / "models" / f"{name}.sql").write_text(sql)
        with pytest.raises(BuildFailed) as raised:
            transform.build(["*"], tmp_path / "run", variables(tmp_path, "run"), "small", memory_limit)
        return raised.value

    return build


def is_tried_again(fault: BaseException) -> bool:
    return DEFAULTS["retry_policy"].evaluate(fault, 1, 3).action.value != "fail"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("selec 1", "Parser Error"),
        ("select no_such_column from (select 1 as a)", "Binder Error"),
        ("select * from no_such_table", "Catalog Error"),
        ("select 'twelve'::integer as quantity", "Conversion Error"),
        ("select strptime('twelve', '%d') as ordered_on", "Invalid Input Error"),
        ("select {{ exceptions.raise_compiler_error('no such source') }}", "Compilation Error"),
        ("select * from {{ ref('no_such_model') }}", "depends on a node named 'no_such_model'"),
        ("select {{ 1 ", "unexpected end of template"),
    ],
)
def test_a_model_that_is_wrong_itself_is_not_tried_again(failure, sql, words):
    fault = failure(wrong=sql)
    assert words in str(fault)
    assert isinstance(fault, ModelWrong)
    assert not is_tried_again(fault)


def test_a_model_that_lacked_memory_or_a_file_is_tried_again(failure, tmp_path):
    missing = f"select * from read_parquet('{tmp_path}/Binder Error/Parser Error: no such file')"
    fault = failure(missing=missing)
    assert "IO Error" in str(fault)
    assert is_tried_again(fault)
    fault = failure("8MB", missing="select list(range) from range(9000000)")
    assert "Out of Memory Error" in str(fault)
    assert is_tried_again(fault)


def test_a_wrong_model_fails_the_build_at_once_whatever_stopped_the_others(failure, tmp_path):
    fault = failure(missing=f"select * from read_parquet('{tmp_path}/none')", wrong="selec 1")
    assert "IO Error" in str(fault)
    assert "Parser Error" in str(fault)
    assert not is_tried_again(fault)


def test_a_run_builds_from_the_project_of_the_release_that_runs_it(tmp_path, monkeypatch):
    for release in ("old", "new"):
        (tmp_path / release / "models" / "raw").mkdir(parents=True)
        (tmp_path / release / "models" / "staging").mkdir()
        monkeypatch.setattr(transform, "PROJECT", tmp_path / release)
        folder = transform.project(tmp_path / "run", ["shop"])
    assert (folder / "models").readlink() == tmp_path / "new" / "models"


DAILY = """{{ config(materialized='parquet_file', location=var('run_dir') ~ '/day.parquet') }}
select '{{ var("known_on") }}' as known_on, word from {{ source('told', 'words') }}
"""
TOLD = """version: 2
sources:
  - name: told
    config:
      meta:
        external_location: >-
          read_csv('{{ var("run_dir") }}/{{ var("day_key") }}.csv')
    tables: [{name: words}]
"""


@pytest.fixture
def daily(own, tmp_path):
    """What a build of one day leaves: its model reads and writes in the run's folder."""
    (own / "models" / "_told.yml").write_text(TOLD)
    (own / "models" / "day.sql").write_text(DAILY)
    (own / "macros").mkdir()
    for macro in MACROS:
        shutil.copyfile(macro, own / "macros" / macro.name)

    def built(day, run):
        (tmp_path / run).mkdir()
        (tmp_path / run / f"as_of={day}.csv").write_text(f"word\nof {run}\n")
        transform.build(["*"], tmp_path / run, variables(tmp_path, run, day), "small", "1GB")
        return duckdb.sql(f"from '{tmp_path / run / 'day.parquet'}'").fetchall()

    return built


def test_days_share_one_parsed_project_and_nothing_of_each_other(daily, tmp_path):
    assert daily("2018-01-01", "first") == [("2018-01-01", "of first")]
    kept = list((tmp_path / "lake" / "parsed").glob("*/partial_parse.msgpack"))
    parsed_at = kept[0].stat().st_mtime_ns
    assert daily("2018-02-03", "second") == [("2018-02-03", "of second")]
    assert list((tmp_path / "lake" / "parsed").glob("*/partial_parse.msgpack")) == kept
    assert kept[0].stat().st_mtime_ns == parsed_at


def test_a_changed_model_is_parsed_again(daily, own, tmp_path):
    daily("2018-01-01", "first")
    (own / "models" / "day.sql").write_text(DAILY.replace("word from", "upper(word) as word from"))
    assert daily("2018-01-01", "second") == [("2018-01-01", "OF SECOND")]
    assert len(list((tmp_path / "lake" / "parsed").glob("*/partial_parse.msgpack"))) == 2


def test_a_parse_that_was_killed_is_done_again(daily, tmp_path):
    daily("2018-01-01", "first")
    for half in (tmp_path / "lake" / "parsed").glob("*/manifest.json"):
        half.unlink()
    assert daily("2018-01-01", "second") == [("2018-01-01", "of second")]


def test_few_parsed_projects_are_kept(daily, own, tmp_path):
    for number in range(6):
        (own / "models" / "other.sql").write_text(f"select {number} as n")
        daily("2018-01-01", f"run{number}")
    assert len(list((tmp_path / "lake" / "parsed").iterdir())) == 4
