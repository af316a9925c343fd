"""The dbt project a run builds from."""

from __future__ import annotations

import pytest

import transform
from pipeline.retries import DEFAULTS
from transform import BuildFailed, ModelWrong

PROJECT_FILE = """name: small
version: "1.0"
profile: segmentation
models: {+materialized: table}
"""


@pytest.fixture
def failure(tmp_path, monkeypatch):
    """What building a project of these models (name → SQL) raises, under dbt and DuckDB themselves."""
    own = tmp_path / "project"
    for folder in ("raw", "staging"):
        (own / "models" / folder).mkdir(parents=True)
    (own / "dbt_project.yml").write_text(PROJECT_FILE)
    (own / "profiles.yml").write_text((transform.PROJECT / "profiles.yml").read_text())
    monkeypatch.setattr(transform, "PROJECT", own)

    def build(memory_limit: str = "1GB", **models: str) -> BuildFailed:
        for name, sql in models.items():
            (own / "models" / f"{name}.sql").write_text(sql)
        with pytest.raises(BuildFailed) as raised:
            transform.build(["*"], tmp_path / "run", {"enabled_sources": []}, "small", memory_limit)
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
