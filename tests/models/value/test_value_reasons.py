"""Every reason of customer value has its words, and its predicate is true of whom it is given to alone."""

import csv
from dataclasses import replace
from pathlib import Path

import duckdb
import population
import pytest

from models import reasons
from models.value import BgNbd, GammaGamma, SecondOrder
from models.value.customer_value import Value

SEED = Path(__file__).parents[3] / "dbt_project" / "seeds" / "reasons.csv"
with SEED.open(encoding="utf-8", newline="") as lines:
    ROWS = {row["reason_code"]: row for row in csv.DictReader(lines) if row["scheme"] == "customer_value"}

KNOWN = Value(
    as_of="2018-01-01", known_on="2018-01-01", said=(),
    repeat_status="ok", second_order_status="ok", amount_status="ok",
    counts={"repeat_buyers": 300, "history_days": 700, "quiet_days": 1},
    wanted={"repeat_buyers": 100, "history_days": 180, "quiet_days": 30},
    repeat=BgNbd(0.8, 30.0, 0.7, 2.5, 500, -99.0),
    second_order=SecondOrder(0.4, 4.0, 1.0, 0.01, 500, 200, -9.0), follow_up=0.9,
    amounts=GammaGamma(6.0, 4.0, 30.0, 500, -9.0), dependence=(0.1, 0.1),
    discount_rate=0.1, clv_horizon_days=365, next_order_within_days=1095,
)  # fmt: skip
WITHOUT = {"repeat": None, "second_order": None}
STATES = {
    "ok": KNOWN,
    "no drop-out, share unknown": replace(
        KNOWN, repeat_status="no_dropout", second_order_status="share_unknown"
    ),
    "insufficient": replace(
        KNOWN, repeat_status="insufficient", second_order_status="insufficient", **WITHOUT
    ),
    "not fitted": replace(KNOWN, repeat_status="not_fitted", second_order_status="not_fitted", **WITHOUT),
    "second order alone": replace(KNOWN, repeat_status="not_fitted", repeat=None),
    "share unknown, nothing else": replace(
        KNOWN, repeat_status="not_fitted", repeat=None, second_order_status="share_unknown"
    ),
}


@pytest.fixture(scope="module")
def crowd():
    return population.crowd(600, seed=8)


@pytest.mark.parametrize("state", STATES)
def test_a_reason_is_true_of_whom_it_is_given_to_and_of_nobody_else(state, crowd):
    scored = STATES[state].score(crowd)
    table = scored.astype({"value_basis": "str", "reason_code": "str"}).assign(
        **{name: crowd[name].astype(float) for name in ("orders_life", "gaps")}
    )
    given = table.groupby("reason_code")["customer_id"].agg(set)
    params = dict(zip(table["reason_code"], scored["reason_params"], strict=True))
    with duckdb.connect() as connection:
        columns = ["customer_id", "orders_life", "gaps", "value_basis", "p_alive", "expected_orders_90d"]
        connection.register("scored", table[columns].replace({float("nan"): None}))
        for code, members in given.items():
            predicate = reasons.render(ROWS[code]["predicate"], params[code])
            found = connection.sql(f"select customer_id from scored where {predicate}").fetchall()
            assert {row[0] for row in found} == members, code
            for language in ("text_zh", "text_en"):
                assert "{" not in reasons.render(ROWS[code][language], params[code])
    assert len(given) == 3


def test_every_reason_is_met_by_somebody(crowd):
    met = {code for value in STATES.values() for code in value.score(crowd)["reason_code"].unique()}
    assert met == set(ROWS)
