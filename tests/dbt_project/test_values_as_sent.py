"""How staging reads what raw keeps as sent: days in a declared format, accepted values in any spelling."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import duckdb
import pytest

from storage.reading.row_checks import literal, spelt_alike
from tests.dbt_project.small_shop import FixtureLake, run_dbt

DAY = ("1998-07-01", "1998-07-01")
EXTRACT = "'cdnow', 'purchases'"
SENT = (
    "(select '00001' as customer_id, ' 19970131' as sold_on, '2' as number_of_cds, '9.5' as dollar_value, "
    "'a' as _content)"
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = FixtureLake(tmp_path_factory.mktemp("values") / "lake", "cdnow")
    lake.deliver("purchases", "1998-07-01", [], "a")
    return lake


def shown(lake, tmp_path, query: str) -> list[dict]:
    (result,) = run_dbt(
        ["show", "--inline", query, "--limit", "1000"], lake, tmp_path, [DAY], "Asia/Shanghai"
    ).results
    table = result.agate_table
    return [dict(zip(table.column_names, row, strict=True)) for row in table.rows]


def test_a_day_is_read_by_its_declared_format_wherever_staging_reads_it(lake, tmp_path):
    values = {
        "sent": f"sent_date('sold_on', {EXTRACT})",
        "as_instant": f"sent_date('sent.SOLD_ON', {EXTRACT}, 'timestamp')",
        "in_contract": f"contract_value('sold_on', 'date', {EXTRACT})",
        # midnight in New York is one in the afternoon in Shanghai
        "local": f"local_time('sold_on', {EXTRACT})",
        "local_text": f"local_time(text('sent.sold_on'), {EXTRACT})",
        "local_contract": f"contract_value('sold_on', 'timestamp', {EXTRACT})",
        "no_column": f"local_time(\"'1997-01-31 00:00'\", {EXTRACT})",
    }
    columns = ", ".join(f"cast({{{{ {macro} }}}} as varchar) as {name}" for name, macro in values.items())
    (found,) = shown(lake, tmp_path, f"select {columns} from {SENT} as sent")
    read = {name: datetime.fromisoformat(str(value)) for name, value in found.items()}
    midnight, afternoon = datetime(1997, 1, 31), datetime(1997, 1, 31, 13)
    assert read == {
        name: afternoon if "local" in name or name == "no_column" else midnight for name in values
    }


def test_the_money_of_a_row_can_be_told_where_a_day_has_a_format(lake, tmp_path):
    (found,) = shown(
        lake, tmp_path, f'select amount from ({{{{ row_amounts({EXTRACT}, "{SENT}") }}}}) as sent'
    )
    assert found["amount"] == Decimal("9.50")
    # no money of ours hangs on a day, and DuckDB reads no column in vain: look at what is asked of it
    (asked,) = shown(lake, tmp_path, f"select $${{{{ row_amounts({EXTRACT}, 'sent') }}}}$$ as words")
    assert "cast(strptime(nullif(trim(sold_on), ''), '%Y%m%d') as date) as sold_on" in asked["words"]


def test_staging_reads_every_spelling_the_loader_accepts_as_one_code(lake, tmp_path):
    spellings = ["app", "APP", "ＡＰＰ", " app ", "\tApp\r\n", "\u3000ａｐｐ\u00a0"]
    others = ["a p p", "é", "e\u0301", "Ｏ'k", "９－０", "已付款", "", "  "]
    cases = " union all ".join(
        f"select {i} as i, {literal(text)} as sent" for i, text in enumerate([*spellings, *others])
    )
    found = shown(
        lake, tmp_path, f"select i, {{{{ code('sent') }}}} as code from ({cases}) as texts order by i"
    )
    codes = [row["code"] for row in found]
    accepted = [
        duckdb.execute(f"select {spelt_alike(literal(text))}").fetchone()[0] for text in [*spellings, *others]
    ]
    assert codes[: len(spellings)] == ["app"] * len(spellings)
    assert codes == [text or None for text in accepted]
