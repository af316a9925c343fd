"""What `make new-source` writes: whole, once, and over nothing."""

from __future__ import annotations

import shutil

import pytest

from pipeline import new_source
from pipeline.run import RAW_MODELS
from storage import declaration


@pytest.fixture
def models(tmp_path):
    """dbt's folder of models with the contract alone, in a repository of its own."""
    models = tmp_path / "dbt_project" / "models"
    shutil.copytree(RAW_MODELS / "standard", models / "raw" / "standard")
    return models


def test_a_contract_source_is_whole_after_one_command(models):
    written = new_source.write(models, "teashop")
    source = declaration.read(models / "raw", ["teashop"])[0]
    assert source.name == "teashop"
    names = {path.name for path in written}
    for extract in source.extracts:
        assert f"raw_teashop__{extract.name}.sql" in names
        assert f"stg_teashop__{extract.name}_repeated.sql" in names
    assert "stg_teashop__order_lines.sql" in names
    lines = (models / "staging" / "teashop" / "stg_teashop__customers.sql").read_text()
    assert lines == "{{ from_contract('teashop', 'customers') }}\n"


def test_nothing_that_is_there_is_written_over(models):
    mine = models / "staging" / "teashop" / "stg_teashop__customers.sql"
    mine.parent.mkdir(parents=True)
    mine.write_text("-- mine\n")
    new_source.write(models, "teashop")
    assert mine.read_text() == "-- mine\n"
    assert new_source.write(models, "teashop") == []


def test_a_source_of_its_own_shape_gets_staging_models_to_fill_in(models):
    declared = models / "raw" / "till" / "_till__sources.yml"
    declared.parent.mkdir(parents=True)
    declared.write_text("""
version: 2
sources:
  - name: till
    description: A till.
    config: {meta: {time_zone: UTC, currency: EUR}}
    tables:
      - name: slips
        description: One row per slip.
        config:
          meta: {path: "slips_{delivered_on}.csv", fills: [order_lines], key: [slip], calendar: any}
        columns:
          - {name: slip, data_type: varchar}
          - {name: sum, data_type: "decimal(18,2)"}
""")
    new_source.write(models, "till")
    skeleton = (models / "staging" / "till" / "stg_till__order_lines.sql").read_text()
    assert "{{ versions('till', 'slips') }}" in skeleton
    assert "-- cast({{ text('sum') }} as decimal(18,2)) as …," in skeleton
    assert "        delivery,\n        known_from_on,\n" in skeleton


@pytest.mark.parametrize("name", ["Tea", "tea shop", "tea__shop", "9tea", ""])
def test_a_name_dbt_could_not_use_is_refused(models, name):
    with pytest.raises(new_source.NameUnfit):
        new_source.write(models, name)


def test_the_header_files_of_the_contract_are_its_declared_columns():
    (source,) = declaration.read(RAW_MODELS, [new_source.CONTRACT])
    folder = RAW_MODELS.parents[2] / "docs" / "sources" / new_source.CONTRACT / "headers"
    assert {path.stem: path.read_text() for path in folder.glob("*.csv")} == new_source.headers(source)
