"""Every reason is run as SQL over the features and its scheme's scores, and must return its members."""

import csv
from dataclasses import replace
from pathlib import Path
from string import Formatter
from types import MappingProxyType

import duckdb
import pandas as pd
import population
import pyarrow as pa
import pytest

from models import cutpoints, reasons, schemes
from models.schemes import SCHEMES
from models.segments.value_tier import TierCuts

SEED = Path(__file__).parents[2] / "dbt_project" / "seeds" / "reasons.csv"
with SEED.open(encoding="utf-8", newline="") as lines:
    TEMPLATES = {
        (row["scheme"], row["reason_code"]): row for row in csv.DictReader(lines) if row["scheme"] in SCHEMES
    }


@pytest.fixture(scope="module")
def drawn():
    """A crowd and a few rare customers; half of those with an order in the window have a known margin."""
    rare = [
        *(population.customer(f"d{age}", (age, 9), (age, 30)) for age in (3, 40, 60, 90, 100, 170, 200, 300)),
        population.customer("light", (20, 50), (110, 50), tenure_days=181),
    ]
    rows = pd.concat([population.crowd(900, seed=7), population.frame(*rare)], ignore_index=True)
    known = (rows["orders_w"] > 0) & (rows.index % 2 == 0)
    rows.loc[known, "margin_w"] = [round(amount / 4, 2) for amount in rows.loc[known, "net_w"]]
    return rows


@pytest.fixture(scope="module")
def artifacts(drawn):
    """Cut-points of each kind the schemes branch on."""
    fitted = cutpoints.fit(drawn, schemes.Thresholds())
    return {
        "fitted": fitted,
        "too little data": replace(fitted, status="insufficient"),
        "calendar": replace(fitted, gap_law=None, second_order_law=None, t2_days=60),
        "margin": replace(fitted, value_basis="margin", margin_tiers=TierCuts(1500, 400, 100, 0.5, 0.6)),
        "never reached": population.cuts(
            r_cuts=(-90, None, None, None),
            f_cuts=(4, 4, None),
            f_life_cuts=(None,) * 3,
            m_cuts=(1500, 1500, None, None),
            m_life_cuts=(None,) * 4,
            net_tiers=TierCuts(None, None, 0, None, None),
            tau_0_by_category=MappingProxyType({"bread": 55.0}),
        ),
    }


@pytest.fixture(scope="module")
def database(drawn):
    schema = pa.Schema.from_pandas(drawn, preserve_index=False)
    for name in cutpoints.MONEY:
        schema = schema.set(schema.get_field_index(name), pa.field(name, pa.decimal128(18, 2)))
    with duckdb.connect() as connection:
        connection.register(
            "arrow_features", pa.Table.from_pandas(drawn, schema=schema, preserve_index=False)
        )
        connection.execute("create table customer_features as from arrow_features")
        yield connection


ARTIFACTS = ["fitted", "too little data", "calendar", "margin", "never reached"]


@pytest.mark.parametrize("artifact", ARTIFACTS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_reason_returns_its_members_and_nobody_else(scheme, artifact, drawn, artifacts, database):
    scores = SCHEMES[scheme].assign(drawn, artifacts[artifact], getattr(schemes.Thresholds(), scheme))
    database.register(
        "scores", scores.astype({"reason_params": "str", "segment": "str", "reason_code": "str"})
    )
    claimed = scores.groupby(["reason_code", "reason_params"], observed=True)["customer_id"].agg(set)
    for (code, params), members in claimed.items():
        predicate = reasons.render(TEMPLATES[scheme, code]["predicate"], params)
        joined = (
            f"select customer_id from customer_features join scores using (customer_id) where {predicate}"
        )
        assert {row[0] for row in database.sql(joined).fetchall()} == members, (code, params, predicate)


def test_the_draw_meets_every_reason(drawn, artifacts):
    met = set()
    for scheme, module in SCHEMES.items():
        for cuts in artifacts.values():
            found = module.assign(drawn, cuts, getattr(schemes.Thresholds(), scheme))
            met |= {(scheme, code) for code in found["reason_code"].unique()}
    assert set(TEMPLATES) - met == set()


def test_every_reason_a_scheme_can_give_has_a_row_and_every_row_a_reason(drawn, artifacts):
    possible = set()
    for scheme, module in SCHEMES.items():
        found = module.assign(drawn, artifacts["margin"], getattr(schemes.Thresholds(), scheme))
        possible |= {(scheme, code) for code in found["reason_code"].cat.categories}
    assert possible == set(TEMPLATES)


def test_every_text_is_filled_from_the_parameters_of_its_reason(drawn, artifacts):
    for scheme, module in SCHEMES.items():
        found = module.assign(drawn, artifacts["fitted"], getattr(schemes.Thresholds(), scheme))
        for code, params in found[["reason_code", "reason_params"]].drop_duplicates().itertuples(index=False):
            row = TEMPLATES[scheme, code]
            for language in ("text_zh", "text_en"):
                assert "{" not in reasons.render(row[language], params)


def test_texts_are_written_in_both_languages_with_the_same_numbers():
    for row in TEMPLATES.values():
        names = [
            {name for _, name, _, _ in Formatter().parse(row[language]) if name}
            for language in ("text_zh", "text_en")
        ]
        assert names[0] == names[1], row["reason_code"]
        assert any("一" <= letter <= "鿿" for letter in row["text_zh"])
        assert row["text_en"].isascii()
        assert row["predicate"]


def test_parameters_are_json_with_sorted_keys_whatever_order_they_are_given_in():
    first = reasons.reason("A", "CODE", b=1.5, a="1–2")
    assert first.params == '{"a": "1–2", "b": 1.5}'
    assert first == reasons.reason("A", "CODE", a="1–2", b=1.5)
    with pytest.raises(KeyError, match="c"):
        reasons.render("x > {c}", first.params)
