"""What BI reads, built from six customers small enough to check by eye.

The marts are built by dbt itself in a copy of the project whose features and staging are three fixture files,
so nothing but the marts, their seeds and their macros is tested here.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import words
import yaml

from models import cutpoints, schemes
from models.churn import probability
from models.value import BgNbd, GammaGamma, SecondOrder, customer_value
from pipeline import churn, churn_facts, comparing, value
from pipeline.gates import SCHEME_TABLES
from storage import lake

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
SCHEMES = dict(SCHEME_TABLES)
BY_HAND = ("rfm", "purchase_group", "value_tier", "lifecycle", "churn_level")
"""Schemes whose scores are written below; the others' are what their own module says of the six customers."""
UPSTREAM = "path:seeds path:models/features path:models/staging"
PUBLISHED = [
    *(*SCHEMES.values(), "customer_360", "segment_profile", "segment_trend"),
    *("dictionary", "delivery", "reconciliation"),
]

CONTRACTS = yaml.safe_load((PROJECT / "models" / "features" / "_features.yml").read_text(encoding="utf-8"))
# Columns of customer_features with their types; whatever a customer below does not state is null.
FEATURES = {
    column["name"]: column["data_type"]
    for model in CONTRACTS["models"]
    if model["name"] == "customer_features"
    for column in model["columns"]
}
# customer: orders ever, orders and net in the window, recency, tenure
CUSTOMERS = {
    "ann": (12, 12, "1200.00", 3, 300),
    "bob": (8, 6, "300.50", 20, 350),
    "cat": (1, 1, "15.25", 40, 40),
    "dan": (1, 1, "500.00", 100, 100),
    "eve": (0, 0, "0.00", None, None),
    "fay": (2, 0, "0.00", 400, 700),
}
CATEGORIES = [
    ("ann", "bread", "700.00"), ("ann", "milk", "500.00"), ("bob", "milk", "300.50"),
    ("cat", "soap", "15.25"), ("dan", "bread", "500.00"), ("fay", "soap", "0.00"),
]  # fmt: skip

# Feature models that only tables of surveys and feedback read: empty unless a test fills them.
DAY = {"as_of": "date"}
BESIDE = {
    "feat_usage_feature": DAY
    | dict.fromkeys(["product_id", "feature"], "varchar")
    | dict.fromkeys(["users", "active_users", "uses"], "bigint"),
    "feat_kano_pair": DAY | dict.fromkeys(["customer_id", "attribute", "category"], "varchar"),
    "feat_survey_answer": DAY
    | dict.fromkeys(["customer_id", "question_kind", "attribute", "attribute_as_sent", "answer"], "varchar")
    | {"age_days": "integer"},
    "feat_unspoken": DAY
    | dict.fromkeys(["customer_id", "evidence_kind", "subject"], "varchar")
    | {"times": "bigint"},
    "feat_feedback_item": DAY
    | dict.fromkeys(["customer_id", "kind", "topic", "subtopic"], "varchar")
    | {"created_on": "date", "age_days": "integer"}
    | dict.fromkeys(["source", "feedback_id", "channel", "related_order_id"], "varchar")
    | dict.fromkeys(["created_at", "first_response_at", "resolved_at", "reopened_at"], "timestamp")
    | {"sentiment": "decimal(5,4)", "topic_basis": "varchar"},
    "feat_feedback_outcome": DAY
    | dict.fromkeys(["source", "feedback_id", "category", "owner"], "varchar")
    | dict.fromkeys(["csat_before_hundredths", "csat_after_hundredths"], "integer")
    | {
        "is_observed_60d": "boolean",
        "has_reordered_60d": "boolean",
        "expected_reorder_share": "decimal(5,4)",
    },
    "feat_service_ticket": DAY
    | dict.fromkeys(["kind", "agent_hash"], "varchar")
    | {"opened_on": "date", "age_days": "integer", "response_minutes": "bigint", "csat": "integer"},
    "feat_referral": DAY
    | dict.fromkeys(["channel", "referrer_id"], "varchar")
    | {"age_days": "integer", "is_success": "boolean", "success_age_days": "integer", "is_self": "boolean"}
    | {"referral_value": "decimal(18,2)", "reward_cost": "decimal(18,2)"},
}

EVALUATION = dict.fromkeys(["model_version", "status", "measure", "slice_kind", "slice"], "varchar") | {
    "value": "double",
    "texts": "bigint",
}

REASONS = [
    ("rfm", "RFM_PROSPECT", "尚无有效订单", "No valid order", "orders_life = 0"),
    ("rfm", "RFM_ONCE", "只有一单，距今不超过 {days} 天", "One order, at most {days} days ago",
     "orders_life = 1 and recency_days <= {days}"),
    ("rfm", "RFM_RECENT", "最近 {days} 天内买过，{word}", "Bought within {days} days, {word}",
     "orders_life > 1 and recency_days <= {days}"),
    ("rfm", "RFM_AWAY", "超过 {days} 天未购买", "Away for more than {days} days",
     "orders_life > 1 and recency_days > {days}"),
    ("purchase_group", "PB_PROSPECT", "无订单", "No order", "orders_life = 0"),
    ("purchase_group", "PB_WAITING", "一单，未满 {t2_days} 天", "One order, up to {t2_days} days old",
     "orders_life = 1 and tenure_days <= {t2_days}"),
    ("purchase_group", "PB_MATURED", "一单，已满 {t2_days} 天", "One order, over {t2_days} days old",
     "orders_life = 1 and tenure_days > {t2_days}"),
    ("purchase_group", "PB_GRID", "频次与金额得分", "Frequency and amount scores", "orders_life > 1"),
    ("value_tier", "V_A", "价值不低于 {v_a}", "Value at least {v_a}", "value > 0 and value >= {v_a}"),
    ("value_tier", "V_C", "价值低于 {v_a}", "Value below {v_a}", "value > 0 and value < {v_a}"),
    ("value_tier", "V_D", "窗口期无价值", "No value in the window", "value <= 0"),
    ("lifecycle", "LC_PROSPECT", "无订单", "No order", "orders_life = 0"),
    ("lifecycle", "LC_ONCE", "一单", "One order", "orders_life = 1"),
    ("lifecycle", "LC_CHURNED", "已流失", "Churned", "orders_life > 1 and churn_level = '{level}'"),
    ("lifecycle", "LC_MATURE", "多单", "Several orders", "orders_life > 1 and churn_level <> 'L4'"),
    ("churn_level", "CH_NO_ORDER", "无订单", "No order", "orders_life = 0"),
    ("churn_level", "CH_ACTIVE", "未超过个人节奏", "Within rhythm", "recency_days <= q75_days"),
    ("churn_level", "CH_WATCH", "稍超过个人节奏", "Past rhythm",
     "recency_days > q75_days and recency_days <= churned_after_days"),
    ("churn_level", "CH_CHURNED", "超过流失天数", "Past the limit", "recency_days > churned_after_days"),
]  # fmt: skip

# one customer's month, as feat_customer_month has it
MONTH = {"as_of": "date", "customer_id": "varchar", "month": "integer", "orders": "bigint",
         "net_amount": "decimal(18,2)", "is_repeat": "boolean", "is_at_risk": "boolean", "is_lost": "boolean",
         "csat_answers": "bigint", "csat_satisfied": "bigint", "nps_answers": "bigint",
         "nps_promoters": "bigint", "nps_detractors": "bigint", "is_referrer": "boolean"}  # fmt: skip
DECEMBER = 2017 * 12 + 11
MONTHS = [
    ("ann", DECEMBER, 2, "40.50", True, True, False, 0, 0, 0, 0, 0, True),
    ("bob", DECEMBER, 1, "10.00", False, False, False, 0, 0, 0, 0, 0, False),
    ("ann", DECEMBER - 12, 1, "5.00", False, False, False, 0, 0, 0, 0, 0, False),
    ("fay", DECEMBER - 12, 0, "0.00", False, True, True, 0, 0, 0, 0, 0, False),
    ("fay", DECEMBER - 24, 1, "7.00", False, False, False, 0, 0, 0, 0, 0, False),
]  # fmt: skip


# laws a customer's value is read off; none of them were fitted on six customers
LAWS = customer_value.Value(
    as_of="2018-01-01", known_on="2018-01-01", said=(),
    repeat_status="ok", second_order_status="ok", amount_status="ok",
    counts={"repeat_buyers": 3, "history_days": 700, "quiet_days": 3},
    wanted={"repeat_buyers": 2, "history_days": 180, "quiet_days": 30},
    repeat=BgNbd(0.8, 30.0, 0.7, 2.5, 5, -99.0), second_order=SecondOrder(0.4, 4.0, 1.0, 0.01, 5, 3, -9.0),
    follow_up=0.9, amounts=GammaGamma(6.0, 4.0, 30.0, 5, -9.0), dependence=(0.1, 0.1),
    discount_rate=0.1, clv_horizon_days=365, next_order_within_days=1095,
)  # fmt: skip


# who could be lost, how likely, and why; nobody of the six made a model
CHURN = [
    ("ann", True, 0.05, "low", None, None, None, None),
    ("bob", True, 0.40, "mid", "frequency_drop", "price", None, "model"),
    ("cat", True, 0.70, "high", "service", None, None, "survey"),
    ("dan", True, 0.10, "low", None, None, None, None),
    ("eve", False, None, None, None, None, None, None),
    ("fay", False, None, None, None, None, None, None),
]
CHURN_MODEL = {
    "churn_version": "c1", "trained_as_of": "2018-01-01", "model_status": "published",
    "definition": "no_order_90d", "horizon_days": 90, "model_kind": "blend", "known": "as_then",
    "is_overlapping": False, "season": "unknown", "last_cutoff": "2017-10-03", "base_rate": 0.1, "cut": 0.66,
    "cut_basis": "default",
}  # fmt: skip
CHURN_RECORD = [
    ("band", "low", 200, 8, 0.04, 0.02, 0.07, 0.4),
    ("band", "mid", 0, 0, None, None, None, None),
    ("band", "high", 20, 12, 0.6, 0.42, 0.76, 6.0),
    ("level", "L0", 180, 4, 0.0222, 0.01, 0.05, 0.2),
    ("level", "L2", 30, 9, 0.3, 0.18, 0.45, 3.0),
]
CHURN_BACKTEST = [  # band, customers, expected and realised churners, of the model and of a rule of days
    ("blend", False, "all", 220, 20.0, 20),
    ("blend", False, "low", 200, 9.5, 8),
    ("blend", False, "high", 20, 10.5, 12),
    ("no_purchase_45d", True, "flagged", 40, None, 10),
]


def params(**values):
    return json.dumps(values, sort_keys=True)


def scores():
    """Scheme → rows of (customer, segment, reason, parameters, the scheme's own columns in order)."""
    recent, away, once = params(days=30.0, word="常客"), params(days=30.0), params(days=365)
    t2, v_a = params(t2_days=60), params(v_a=300.5)
    limits = (40.0, 90.0, 135.0, 180.0, 3.1, 0.4)
    nothing = (None, None, None, None, None, None)
    return {
        "rfm": [
            ("ann", "RFM01", "RFM_RECENT", recent, 5, 5, 5, 5, "555", "HHH"),
            ("bob", "RFM02", "RFM_RECENT", recent, 4, 4, 4, 4, "444", "HHH"),
            ("cat", "RFM05", "RFM_ONCE", once, 4, 1, 1, 1, "411", "HLL"),
            ("dan", "RFM07", "RFM_ONCE", once, 3, 1, 4, 1, "314", "LLH"),
            ("eve", "RFM00", "RFM_PROSPECT", params(), None, None, None, None, None, None),
            ("fay", "RFM11", "RFM_AWAY", away, 1, 2, 1, 2, "121", "LLL"),
        ],
        "purchase_group": [
            ("ann", "PB1_loyal_big", "PB_GRID", params(), 5, 5, None, False, "regular"),
            ("bob", "PB3_frequent_small", "PB_GRID", params(), 4, 3, None, False, "regular"),
            ("cat", "PB5_one_time", "PB_WAITING", t2, 1, 1, "awaiting_second", False, "once"),
            ("dan", "PB5_one_time", "PB_MATURED", t2, 1, 4, "matured", True, "once"),
            ("eve", "PB0_prospect", "PB_PROSPECT", params(), None, None, None, False, None),
            ("fay", "PB4_marginal", "PB_GRID", params(), 2, 2, None, False, "occasional"),
        ],
        "value_tier": [
            ("ann", "A", "V_A", v_a, "net", 1200.0, "high"),
            ("bob", "A", "V_A", v_a, "net", 300.5, "high"),
            ("cat", "C", "V_C", v_a, "net", 15.25, "light"),
            ("dan", "A", "V_A", v_a, "net", 500.0, "high"),
            ("eve", "D", "V_D", params(), "net", 0.0, None),
            ("fay", "D", "V_D", params(), "net", 0.0, None),
        ],
        "lifecycle": [
            ("ann", "LC4_mature", "LC_MATURE", params(), 25.0, 0.12, None, "old", "L0"),
            ("bob", "LC4_mature", "LC_MATURE", params(), 40.0, 0.5, None, "old", "L0"),
            ("cat", "LC2_awaiting_second", "LC_ONCE", params(), 30.0, 1.3333, None, "new", "L0"),
            ("dan", "LC10_one_time_overdue", "LC_ONCE", params(), 30.0, 3.3333, None, None, "L2"),
            ("eve", "LC0_prospect", "LC_PROSPECT", params(), None, None, None, None, "no_order"),
            ("fay", "LC8_churned", "LC_CHURNED", params(level="L4"), 60.0, 6.6667, None, None, "L4"),
        ],
        "churn_level": [
            ("ann", "L0", "CH_ACTIVE", params(), *limits, "personal", False),
            ("bob", "L0", "CH_ACTIVE", params(), *limits, "personal", False),
            ("cat", "L0", "CH_ACTIVE", params(), *limits, "second_order", False),
            ("dan", "L2", "CH_WATCH", params(), *limits, "second_order", True),
            ("eve", "no_order", "CH_NO_ORDER", params(), *nothing, None, False),
            ("fay", "L4", "CH_CHURNED", params(), *limits, "personal", False),
        ],
    }


def write(path, columns, rows):
    """Rows as one Parquet file with these column types, in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create table t ({typed})")
        if rows:
            connection.executemany(f"insert into t values ({', '.join('?' * len(columns))})", rows)
        connection.execute(f"copy t to '{path}' (format parquet)")


class Shop:
    """Fixture files of one day in a folder of their own, and the marts built over them."""

    def __init__(self, folder, project):
        self.folder = folder
        self.project = project
        self.customers = dict(CUSTOMERS)
        self.scores = scores()
        self.laws = LAWS
        self.spoil = lambda valued: valued
        self.churn = list(CHURN)
        self.churn_model = dict(CHURN_MODEL)
        self.churn_backtest = list(CHURN_BACKTEST)
        self.days = {}  # scheme: the day its rows say they are of, where that is another
        self.categories = list(CATEGORIES)
        self.beside = {}  # model of BESIDE: its rows
        self.evaluation = []
        self.cutpoints = ("ok", None, None)
        self.answers = {"ann": {"csat_last": 5, "nps_last": 9}, "bob": {"csat_last": 4, "nps_last": 3}}
        self.is_counted = True  # scores nobody could compare are left to dbt's own tests
        self.months = list(MONTHS)
        self.account = [
            ("till", "purchases", "2017-12-30", "a.csv", "c0ffee", 10, 6, 1, 1, 1, 1),
            ("till", "purchases", "2017-12-31", "b.csv", "beef01", 4, 4, 0, 0, 0, 0),
            ("till", "purchases", "2017-12-31", "b.csv", "beef02", 5, 3, 2, 0, 0, 0),
        ]

    def write(self, as_of="2018-01-01"):
        day = {"as_of": as_of, "known_on": as_of}
        features = []
        for customer, (orders, orders_w, net, recency, tenure) in self.customers.items():
            known = {
                "customer_id": customer, **day, "orders_life": orders, "orders_w": orders_w, "net_life": net,
                "net_w": net, "recency_days": recency, "tenure_days": tenure, "gaps": max(orders - 1, 0),
                "age_band": "young" if customer == "ann" else None, "usage_coverage": 0.0,
                **self.answers.get(customer, {}),
            }  # fmt: skip
            features.append([known.get(name) for name in FEATURES])
        path = self.folder / "customer_features.parquet"
        write(path, FEATURES, features)
        in_order = self.folder / "customer_features_in_order.parquet"  # as the features always are
        write(in_order, FEATURES, sorted(features, key=lambda row: row[list(FEATURES).index("customer_id")]))
        fitted = cutpoints.fit(lake.Columns(in_order), schemes.Thresholds())
        category = {"customer_id": "varchar", "as_of": "date", "known_on": "date", "category": "varchar",
                    "net_w": "decimal(18,2)"}  # fmt: skip
        write(
            self.folder / "feat_customer_category.parquet",
            category,
            [(customer, as_of, as_of, name, net) for customer, name, net in self.categories],
        )
        for name, columns in BESIDE.items():
            rows = self.beside.get(name, [])
            if name == "feat_feedback_item":  # an item is told by its first columns, and numbered
                known = [
                    row if len(row) > 7 else (*row, "s", f"i{number}") for number, row in enumerate(rows)
                ]
                rows = [(*row, *[None] * (len(columns) - len(row))) for row in known]
            write(self.folder / f"{name}.parquet", columns, rows)
        account = dict.fromkeys(["source", "extract"], "varchar") | {"delivered_on": "date"}
        account |= dict.fromkeys(["file", "content"], "varchar")
        counts = ["rows_in", "accepted", "duplicate", "superseded", "anonymous", "quarantined"]
        account |= dict.fromkeys(counts, "bigint")
        write(self.folder / "row_account.parquet", account, self.account)
        of_files = dict.fromkeys(["source", "extract"], "varchar") | {"delivered_on": "date"}
        of_files |= {"file": "varchar", "layer": "varchar", "rows": "bigint", "amount": "decimal(18,2)"}
        moved = [("shop", "sales", as_of, "a.csv", layer, 5, "9.99") for layer in ("raw", "features")]
        write(self.folder / "feat_reconciliation.parquet", of_files, moved)
        told = {"as_of": "date", "has_referrals": "boolean", "has_survey_responses": "boolean"}
        write(self.folder / "feat_delivered.parquet", told, [(as_of, True, False)])
        write(self.folder / "feat_customer_month.parquet", MONTH, [(as_of, *row) for row in self.months])
        kinds = {"status": "varchar", "gini": "double", "top_fifth_share": "double"}
        write(self.folder / "cutpoints.parquet", kinds, [self.cutpoints])
        write(self.folder / "text_evaluation.parquet", EVALUATION, self.evaluation)
        for scheme, rows in self.scores.items():
            columns = dict.fromkeys(["customer_id", "segment", "reason_code", "reason_params"], "varchar")
            columns |= schemes.SCHEMES[scheme].COLUMNS | {
                "as_of": "date",
                "known_on": "date",
                "scheme": "varchar",
            }
            columns |= {"cutpoint_version": "varchar"}
            day = self.days.get(scheme, as_of)
            path = self.folder / "lake" / "scores" / scheme / f"as_of={as_of}.parquet"
            write(path, columns, [(*row, day, day, scheme, "v1") for row in rows])
        for scheme, module in schemes.SCHEMES.items():
            if scheme not in BY_HAND:
                judged = (
                    module.assign(batch, fitted, getattr(schemes.Thresholds(), scheme))
                    for batch in lake.batches(in_order, module.FEATURES)
                )
                lake.write_scores(
                    self.folder / "lake", scheme, lake.Day.of(date.fromisoformat(as_of)), "v1", judged,
                    columns=module.COLUMNS,
                )  # fmt: skip

        day = lake.Day.of(date.fromisoformat(as_of))
        told = {"as_of": day.as_of, "known_on": day.known_on, "value_version": "v1"}
        valued = (
            self.spoil(self.laws.score(batch).assign(**told))
            for batch in lake.batches(in_order, customer_value.FEATURES)
        )
        lake.write_parquet(
            lake.scores_path(self.folder / "lake", "customer_value", day),
            valued, value.KEYS | customer_value.COLUMNS, key="customer_id",
        )  # fmt: skip

        self._write_churn(day)
        if self.is_counted:
            comparing.write_pairs(
                self.folder / "lake", lake.Day.of(date.fromisoformat(as_of)), self.folder / "compared"
            )
        trials = [
            ("lifecycle.mature_orders", "up", 3.0, 4.0, "lifecycle", segment, *counts, 1)
            for segment, *counts in (("LC4_mature", 4, 3, 0, 1), ("LC5_steady_light", 2, 3, 1, 0))
        ]
        write(self.folder / "compared" / "threshold_trials.parquet", comparing.TRIALS, trials)

    def _write_churn(self, day):
        columns = churn.KEYS | probability.COLUMNS
        told = ["customer_id", "is_eligible", "churn_probability", "churn_band"]
        told += ["reason_1", "reason_2", "reason_3", "reason_basis"]
        rows = [
            dict(zip(told, row, strict=True), as_of=day.as_of, known_on=day.known_on, churn_version="c1")
            for row in self.churn
        ]
        path = lake.scores_path(self.folder / "lake", "churn_probability", day)
        write(path, columns, [[row.get(name) for name in columns] for row in rows])
        write(
            self.folder / "churn_model.parquet", churn_facts.MODEL,
            [[self.churn_model.get(name) for name in churn_facts.MODEL]],
        )  # fmt: skip
        records = [("c1", *row, 2, "2017-09-03", "2017-10-03") for row in CHURN_RECORD]
        write(self.folder / "churn_record.parquet", churn_facts.RECORD, records)
        tests = []
        for model, is_baseline, band, customers, expected, lost in self.churn_backtest:
            row = {
                "churn_version": "c1", "trained_as_of": "2018-01-01", "cutoff": "2017-10-03", "model": model,
                "is_baseline": is_baseline, "band": band, "season": "unknown", "base_rate": 0.1,
                "n": customers, "expected_true": expected,
                "expected_false": None if expected is None else customers - expected,
                "realised_true": lost, "realised_false": customers - lost,
            }  # fmt: skip
            tests.append([row.get(name) for name in churn_facts.BACKTEST])
        write(self.folder / "churn_backtest.parquet", churn_facts.BACKTEST, tests)
        drift = {
            "churn_version": "c1", "input": "recency_days", "extract": "order_lines", "psi": 0.3,
            "customers": 9, "reason_group": "frequency_drop", "status": "alert", "since": "2018-01-01",
        }  # fmt: skip
        write(
            self.folder / "churn_drift.parquet", churn_facts.DRIFT,
            [[drift.get(name) for name in churn_facts.DRIFT]],
        )  # fmt: skip

    def build(self, select="path:seeds path:models", as_of="2018-01-01"):
        """dbt build of the marts; returns {node name: status}."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        self.write(as_of)
        for name in ("marts", "target"):
            (self.folder / name).mkdir(exist_ok=True)
        variables = {
            "lake_root": str(self.folder / "lake"),
            "run_dir": str(self.folder),
            "day_key": f"as_of={as_of}",
            "as_of_dates": [{"as_of": as_of, "known_on": as_of}],
        }
        command = ["build", "--select", *select.split(), "--vars", json.dumps(variables), "--quiet"]
        command += ["--indirect-selection", "cautious"]
        command += ["--project-dir", str(self.project), "--profiles-dir", str(self.project)]
        command += ["--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "target")]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEGMENTATION_RUN_DUCKDB", str(self.folder / "run.duckdb"))
            patch.setenv("SEGMENTATION_SPILL", str(self.folder / "spill"))
            patch.setenv("DO_NOT_TRACK", "1")
            try:
                outcome = dbtRunner().invoke(command)
            finally:
                DuckDBConnectionManager.close_all_connections()
        assert outcome.exception is None, outcome.exception
        return {result.node.name: str(result.status) for result in outcome.result.results}

    def rows(self, sql):
        """Rows of `sql`, in which {table} stands for the Parquet file of a mart."""
        files = {path.stem: f"'{path}'" for path in (self.folder / "marts").glob("*.parquet")}
        with duckdb.connect() as connection:
            return connection.execute(sql.format_map(files)).fetchall()

    def measure(self, table, measure, subject=""):
        found = self.rows(
            "select value from {published_measures} where "
            f"table_name = '{table}' and measure = '{measure}' and subject = '{subject}'"
        )
        assert len(found) == 1
        return found[0][0]


def broken(statuses):
    return sorted(name for name, status in statuses.items() if status not in ("success", "pass", "no-op"))


def _empty_what_reads_others(project, stubs):
    """Marts of features without a fixture here (they have their own tests) become tables without rows."""
    contracts = words.contracts()
    for path in (project / "models" / "marts").glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        if set(re.findall(r"ref\('((?:feat|stg)_\w+)'\)", text)) <= stubs:
            continue
        config = re.match(r"{{ config\(.*?\) }}\n", text, flags=re.S)
        columns = (
            f"cast(null as {kind['data_type']}) as {name}" for name, kind in contracts[path.stem].items()
        )
        path.write_text(
            f"{config[0] if config else ''}select {', '.join(columns)} where false\n", encoding="utf-8"
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project with its own marts, seeds and macros; fixture files stand for features and staging."""
    copy = tmp_path_factory.mktemp("marts") / "dbt_project"
    shutil.copytree(
        PROJECT,
        copy,
        ignore=shutil.ignore_patterns(
            "raw", "staging", "features", "text", "memory", "tests", "target", "logs", "_exposures.yml"
        ),
    )
    stubs = (
        ("features", "customer_features"),
        ("features", "feat_customer_category"),
        ("features", "feat_reconciliation"),
        ("features", "feat_customer_month"),
        ("features", "feat_delivered"),
        ("staging", "row_account"),
        *(("features", name) for name in BESIDE),
    )
    for layer, table in stubs:
        stub = copy / "models" / layer / f"{table}.sql"
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text(
            "{{ config(materialized='view') }}\n"
            f"select * from read_parquet('{{{{ var(\"run_dir\") }}}}/{table}.parquet')\n",
            encoding="utf-8",
        )
    _empty_what_reads_others(copy, {table for _, table in stubs})
    with (copy / "seeds" / "reasons.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    with (copy / "seeds" / "reasons.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *REASONS, *(row for row in rows if row[0] not in BY_HAND)])
    return copy


@pytest.fixture(scope="module")
def shop(project, tmp_path_factory):
    """The six customers as they are, built once."""
    built = Shop(tmp_path_factory.mktemp("day"), project)
    assert broken(built.build()) == []
    return built


@pytest.fixture
def another_shop(project, tmp_path):
    return Shop(tmp_path, project)


def test_every_customer_is_in_every_scheme_once(shop):
    for table in (*SCHEMES.values(), "customer_360"):
        found = shop.rows(f"select customer_id from {{{table}}}")
        assert found == [(customer,) for customer in sorted(CUSTOMERS)], table


def test_every_row_says_its_day(shop):
    for table in PUBLISHED:
        found = shop.rows(f"select distinct as_of, known_on from {{{table}}}")
        assert found == [(date(2018, 1, 1), date(2018, 1, 1))], table


def test_labels_are_there_in_both_languages(shop):
    for table in (*SCHEMES.values(), "segment_profile", "dictionary"):
        words = shop.rows(f"select label_zh, label_en from {{{table}}}")
        assert words, table
        assert all(zh and en for zh, en in words), table
    assert shop.rows("select rfm8_label_zh, rfm8_label_en from {rfm} where customer_id = 'ann'") == [
        ("重要价值客户", "High value: keep")
    ]


def test_reasons_are_sentences_with_their_numbers(shop):
    found = shop.rows("select reason_zh, reason_en from {rfm} where customer_id = 'ann'")
    assert found == [("最近 30 天内买过，常客", "Bought within 30 days, 常客")]
    for table in SCHEMES.values():
        assert shop.rows(f"select * from {{{table}}} where concat(reason_zh, reason_en) like '%{{{{%'") == []


def test_a_one_time_buyer_who_may_come_back_is_not_surveyed(shop):
    found = shop.rows("select customer_id, action_codes from {purchase_group} where orders_life = 1")
    assert found == [("cat", "AC4"), ("dan", "AC5")]


def test_the_profile_adds_up_to_the_population(shop):
    found = shop.rows(
        "select scheme, sum(customers), sum(net_w), sum(share) from {segment_profile} group by scheme"
    )
    for scheme, customers, net, share in found:
        assert (customers, str(net)) == (6, "2015.75"), scheme
        assert abs(float(share) - 1) < 1e-5, scheme
    assert len(found) == len(SCHEMES)


def test_a_segment_nobody_is_in_has_a_profile(shop):
    found = shop.rows(
        "select customers, share, net_w, median_net_w from {segment_profile} where segment_code = 'B'"
    )
    assert [tuple(map(str, row)) for row in found] == [("0", "0.000000", "0.00", "None")]


def test_a_profile_shows_medians_and_top_categories(shop):
    found = shop.rows(
        "select customers, net_w, revenue_share, median_net_w, median_recency_days, top_category_1, "
        "top_category_1_share, top_category_2, top_category_3 from {segment_profile} where segment_code = 'A'"
    )
    # ann 1200.00, bob 300.50, dan 500.00; bread 1200.00 and milk 800.50 of 2000.50
    assert [tuple(map(str, row)) for row in found] == [
        ("3", "2000.50", "0.992435", "500.00", "20.0", "bread", "0.599850", "milk", "None")
    ]


def test_a_profile_says_how_often_they_come_back_and_what_they_say(shop):
    found = shop.rows(
        "select net_index, repeat_rate, churn_risk_share, csat_answers, csat_mean, nps_answers, nps "
        "from {segment_profile} where segment_code = 'A'"
    )
    # 2000.50 of three against 2015.75 of six; ann and bob of three came back, dan is at risk; two answers are
    # no NPS; how many were asked is unknown where no survey is delivered
    assert [tuple(map(str, row)) for row in found] == [
        ("198.5", "0.6667", "0.3333", "None", "4.50", "None", "None")
    ]
    nobody = shop.rows(
        "select net_index, repeat_rate, churn_risk_share, csat_answers, csat_mean, nps_answers "
        "from {segment_profile} where segment_code = 'RFM00'"
    )
    assert [tuple(map(str, row)) for row in nobody] == [("0.0", "None", "None", "None", "None", "None")]


def test_an_overlap_is_told_from_both_sides(shop):
    columns = "customers, other_customers, customers_in_both, share, other_share, jaccard, lift"
    found = shop.rows(
        f"select label_en, other_label_en, {columns} from {{segment_overlap}} "
        "where segment_code in ('A', 'PB5_one_time') and other_segment_code in ('A', 'PB5_one_time')"
    )
    # A: ann, bob, dan; one-time: cat, dan; all six: 1 in both, 4 in either, chance gives 3 x 2 / 6 = 1
    assert [tuple(map(str, row)) for row in found] == [
        ("One-time buyer", "Class A (core)", "2", "3", "1", "0.500000", "0.333333", "0.250000", "1.0000"),
        ("Class A (core)", "One-time buyer", "3", "2", "1", "0.333333", "0.500000", "0.250000", "1.0000"),
    ]


def test_every_pair_of_schemes_adds_up_to_the_population(shop):
    found = shop.rows(
        "select scheme, other_scheme, sum(customers_in_both) from {segment_overlap} group by all order by all"
    )
    assert found == [(one, other, 6) for one in sorted(SCHEMES) for other in sorted(SCHEMES) if one != other]


def test_a_table_of_other_customers_or_in_another_order_is_not_laid_beside_the_rest(project, tmp_path):
    wrong = Shop(tmp_path, project)
    assert not broken(wrong.build())
    path = tmp_path / "marts" / "churn_flag.parquet"
    for fault in ("where customer_id <> 'cat'", "order by customer_id desc"):
        with duckdb.connect() as connection:
            connection.execute(f"create table flags as from '{path}'")
            connection.execute(f"copy (from flags {fault}) to '{path}'")
            assert "customer_360" in broken(wrong.build("customer_360"))
            connection.execute(f"copy flags to '{path}'")
    assert not broken(wrong.build("customer_360"))


def test_one_step_of_a_threshold_says_who_would_move(shop):
    columns = "customers, customers_then, net_change, moved_in, moved_out, movers, movers_share"
    found = shop.rows(
        f"select segment_code, direction_label_en, {columns} from {{threshold_whatif}} order by 1"
    )
    # of the six in the trial's scheme one goes from one stage to the other
    assert [tuple(map(str, row)) for row in found] == [
        ("LC4_mature", "One step up", "4", "3", "-1", "0", "1", "1", "0.166667"),
        ("LC5_steady_light", "One step up", "2", "3", "1", "1", "0", "1", "0.166667"),
    ]


def test_attractiveness_ranks_the_segments_of_a_scheme_by_what_is_known(shop):
    found = shop.rows(
        "select segment_code, size_p, growth, growth_p, spend, spend_p, competition_p, attractiveness, "
        "coverage, recommended from {segment_attractiveness} where scheme = 'value_tier' order by 1"
    )
    # A: 3 customers, 666.83 each, buyers doubled, net tenfold; C: 1 at 15.25; D: 2 at 0; no market
    # A (.30 x .8333 + .25 x .5 + .30 x .8333) / .85; C (.30 x .1667 + .30 x .5) / .60; D the other way about
    none = "None"
    assert [tuple(map(str, row)) for row in found] == [
        ("A", "0.8333", "5.0500", "0.5000", "666.83", "0.8333", none, "73.53", "0.85", "1"),
        ("B", none, none, none, none, none, none, none, "0.00", none),
        ("C", "0.1667", none, none, "15.25", "0.5000", none, "33.33", "0.60", "2"),
        ("D", "0.5000", none, none, "0.00", "0.1667", none, "33.33", "0.60", "2"),
    ]


OF_CUT_POINTS = "cutpoint_version, cutpoint_status, gini, top_fifth_share"


def test_a_profile_names_its_cut_points(shop):
    found = shop.rows(f"select distinct scheme, {OF_CUT_POINTS} from {{segment_profile}} order by all")
    assert found == [(scheme, "v1", "ok", None, None) for scheme in sorted(SCHEMES)]


def test_a_profile_says_that_there_was_too_little_data_and_how_unequal_values_are(another_shop):
    another_shop.cutpoints = ("insufficient", 0.684, 0.55)
    tables = [*SCHEMES.values(), "customer_value", "customer_360", "segment_category", "segment_profile"]
    select = f"{UPSTREAM} {' '.join(tables)}"
    assert broken(another_shop.build(select)) == []
    found = another_shop.rows(
        f"select distinct scheme, {OF_CUT_POINTS} from {{segment_profile}} order by all"
    )
    of_values = {"value_tier": (0.684, 0.55)}
    assert found == [
        (scheme, "v1", "insufficient", *of_values.get(scheme, (None, None))) for scheme in sorted(SCHEMES)
    ]
    kinds = dict(another_shop.rows("select name, type from parquet_schema({segment_profile})"))
    assert kinds["gini"] == kinds["top_fifth_share"] == "DOUBLE"
    another_shop.cutpoints = ("fine", None, None)
    assert broken(another_shop.build("segment_profile")) == ["segment_profile_has_a_known_cutpoint_status"]


def test_a_wide_row_has_its_five_sections_and_every_group(shop):
    found = shop.rows(
        "select age_band_label_zh, usage_days_30d, usage_coverage, rfm_segment_code, "
        "purchase_group_label_en, value_tier_segment_code, lifecycle_label_zh, churn_level_label_en, "
        "flag_churn_risk "
        "from {customer_360} where customer_id = 'ann'"
    )
    assert found == [("青年", None, 0.0, "RFM01", "Loyal big customer", "A", "成熟期", "Active", False)]


def test_the_dictionary_names_actions_in_their_order(shop):
    found = shop.rows(
        "select action_codes, action_names_zh, action_names_en from {dictionary} "
        "where scheme = 'rfm' and kind = 'segment' and code = 'RFM10'"
    )
    assert found == [
        ("AC23|AC3", "建立信任、主动沟通与客户教育；小额优惠券",
         "Build trust, proactive contact and education; Small coupon")
    ]  # fmt: skip
    reasons = shop.rows(
        f"select code from {{dictionary}} where kind = 'reason' and predicate <> '' and scheme in {BY_HAND}"
    )
    assert sorted(reasons) == sorted((reason[1],) for reason in REASONS)


def test_a_file_sent_twice_under_one_name_is_one_row(shop):
    found = shop.rows(
        "select file, deliveries, rows_in, accepted, duplicate, superseded, anonymous, quarantined "
        "from {delivery}"
    )
    assert found == [("a.csv", 1, 10, 6, 1, 1, 1, 1), ("b.csv", 2, 9, 7, 2, 0, 0, 0)]
    assert shop.measure("delivery", "rows_unaccounted") == 0


def test_the_measures_find_nothing_wrong(shop):
    wrong = (
        "select table_name, measure, value from {published_measures} "
        "where value <> 0 and (measure like '%missing%' or measure like '%difference' "
        "or measure like 'reason%' or measure like '%unknown' "
        "or measure in ('rows_of_another_day', 'segments_not_in_dictionary'))"
    )
    assert shop.rows(wrong) == []
    for table in (*SCHEMES.values(), "customer_360"):
        assert (shop.measure(table, "rows"), shop.measure(table, "distinct_keys")) == (6, 6)
    assert shop.measure("customer_features", "net_w") == 2015.75
    assert shop.measure("segment_profile", "share", "value_tier/A") == 0.5


def test_rows_in_another_order_give_the_same_bytes(shop, another_shop):
    # features and scores are always written in the order of their customers
    another_shop.categories.reverse()
    another_shop.account.reverse()
    assert broken(another_shop.build()) == []
    for table in [*PUBLISHED, "published_measures"]:
        name = f"marts/{table}.parquet"
        assert (shop.folder / name).read_bytes() == (another_shop.folder / name).read_bytes(), table


@pytest.fixture(scope="module")
def untrue_reasons(project, tmp_path_factory):
    """ann is called churned at level L0; for cat, 200 days are in use beside the 60 of dan."""
    wrong = Shop(tmp_path_factory.mktemp("untrue"), project)
    lifecycle, groups = wrong.scores["lifecycle"], wrong.scores["purchase_group"]
    lifecycle[0] = ("ann", "LC8_churned", "LC_CHURNED", params(level="L4"), *lifecycle[0][4:])
    groups[2] = (*groups[2][:3], params(t2_days=200), *groups[2][4:])
    assert broken(wrong.build()) == []
    return wrong


def test_a_reason_that_is_not_true_is_counted(untrue_reasons):
    assert untrue_reasons.measure("lifecycle", "reason_mismatches") == 1
    assert untrue_reasons.measure("rfm", "reason_mismatches") == 0


def test_two_reasons_true_for_one_customer_are_counted(untrue_reasons):
    # dan is over 60 days old, as his reason says, and at most 200, as cat's says
    assert untrue_reasons.measure("purchase_group", "reason_mismatches") == 0
    assert untrue_reasons.measure("purchase_group", "reason_overlaps") == 1


def test_a_reason_that_compares_a_number_bi_cannot_see_stops_the_build(project, another_shop):
    seed = project / "seeds" / "reasons.csv"
    before = seed.read_text(encoding="utf-8")
    seed.write_text(before.replace("orders_life = 1\n", "net_30d = 1\n"), encoding="utf-8")
    try:
        assert "reason_replay" in broken(another_shop.build())
    finally:
        seed.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def faulty_scores(project, tmp_path_factory):
    """A fault in the scores of each of four schemes; the statuses of dbt's nodes."""
    faulty = Shop(tmp_path_factory.mktemp("faulty"), project)
    faulty.is_counted = False
    faulty.scores["lifecycle"].pop()
    faulty.scores["churn_level"].append(faulty.scores["churn_level"][0])
    faulty.scores["value_tier"][0] = ("ann", "E", "V_A", params(v_a=300.5), "gross", 1200.0, "high")
    faulty.days["rfm"] = "2017-12-31"
    return faulty.build(f"{UPSTREAM} lifecycle churn_flag value_tier rfm")


def test_a_customer_left_out_of_a_scheme_breaks_the_build(faulty_scores):
    assert [name for name in broken(faulty_scores) if "lifecycle" in name] == ["lifecycle_is_filled_in"]


def test_a_customer_scored_twice_breaks_the_build(faulty_scores):
    assert [name for name in broken(faulty_scores) if "churn" in name] == ["churn_flag_key_is_unique"]


def test_a_code_without_words_breaks_the_build(faulty_scores):
    assert [name for name in broken(faulty_scores) if "value_tier" in name] == [
        "value_tier_codes_have_words",
        "value_tier_is_filled_in",
    ]


def test_scores_of_another_day_are_not_taken(faulty_scores):
    assert [name for name in broken(faulty_scores) if "rfm" in name] == ["rfm_is_filled_in"]


def test_seeds_have_words_for_every_code():
    """Both languages, a definition, and only actions that exist; codes as the schemes write them."""
    with (PROJECT / "seeds" / "labels.csv").open(encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    with (PROJECT / "seeds" / "actions.csv").open(encoding="utf-8", newline="") as file:
        actions = [row["action_code"] for row in csv.DictReader(file)]
    assert actions == [f"AC{number}" for number in range(1, 32)]
    keys = [(row["scheme"], row["kind"], row["code"]) for row in labels]
    assert len(set(keys)) == len(keys)
    for row in labels:
        for column in ("label_zh", "label_en", "definition_zh", "definition_en"):
            assert row[column].strip(), (row["code"], column)
        assert set(filter(None, row["action_codes"].split("|"))) <= set(actions), row["code"]
        assert row["kind"] != "segment" or row["action_codes"], row["code"]
    segments = {}
    for row in labels:
        if row["kind"] == "segment":
            segments.setdefault(row["scheme"], []).append(row["code"])
    groups = {scheme: sorted(module.GROUPS) for scheme, module in schemes.SCHEMES.items()}
    assert {scheme: sorted(codes) for scheme, codes in segments.items()} == groups
    assert [len(groups[scheme]) for scheme in BY_HAND] == [12, 6, 4, 11, 6]


def test_a_trend_adds_up_months_beside_the_year_before(shop):
    found = shop.rows(
        "select month, active_customers, repeat_customers, orders, net_amount, repeat_rate, "
        "at_risk_customers, lost_customers, churn_rate, referrers, referral_rate, csat_answers "
        "from {segment_trend} where scheme = 'value_tier' and segment_code = 'A' and cohort = 'all' "
        "order by month"
    )
    none, half = Decimal(0), Decimal("0.5")
    assert found == [
        (date(2016, 12, 1), 1, 0, 1, Decimal("5.00"), none, 0, 0, None, 0, none, None),
        (date(2017, 12, 1), 2, 1, 3, Decimal("50.50"), half, 1, 0, none, 1, half, None),
    ]
    found = shop.rows(
        "select month, active_customers_year_before, net_amount_year_before from {segment_trend} "
        "where scheme = 'value_tier' and segment_code in ('A', 'D') and cohort = 'all' "
        "order by segment_code, month"
    )
    assert found == [
        (date(2016, 12, 1), None, None),
        (date(2017, 12, 1), 1, Decimal("5.00")),
        (date(2016, 12, 1), 1, Decimal("7.00")),
    ]


def test_a_flag_is_up_by_level_or_by_probability_and_carries_its_record(shop):
    told = shop.rows(
        "select customer_id, flag_churn_risk, flag_basis, churn_band, record_basis, record_rate, "
        "record_customers from {churn_flag} order by all"
    )
    assert told == [
        ("ann", False, None, "low", "band", 0.04, 200),
        # nobody was in the band in a backtest, so the level's record is told
        ("bob", False, None, "mid", "level", 0.0222, 180),
        ("cat", True, "probability", "high", "band", 0.6, 20),
        # the level alone raised the flag, so its record counts
        ("dan", True, "level", "low", "level", 0.3, 30),
        ("eve", False, None, None, "not_judged", None, None),
        ("fay", False, None, None, "not_judged", None, None),
    ]
    reasons = shop.rows(
        "select churn_reason_1_label_zh, churn_reason_2_label_en, churn_reason_basis_label_zh, "
        "model_status_label_zh, base_rate, churn_cut, churn_cut_basis_label_zh from {churn_flag} "
        "where customer_id = 'bob'"
    )
    assert reasons == [("购买变少", "Price", "模型", "已发布", 0.1, 0.66, "默认值")]


def test_the_wide_table_raises_the_same_flags(shop):
    own = shop.rows("select customer_id, flag_churn_risk from {churn_flag} order by all")
    assert shop.rows("select customer_id, flag_churn_risk from {customer_360} order by all") == own


def test_a_backtest_tells_what_came_and_what_is_expected_of_today(shop):
    told = shop.rows(
        "select model, quiet_days, band, is_forecast, customers, expected_true, realised_true, realised_rate "
        "from {churn_backtest} order by is_forecast, model, band"
    )
    assert told == [
        ("blend", 0, "all", False, 220, 20.0, 20, 0.090909),
        ("blend", 0, "high", False, 20, 10.5, 12, 0.6),
        ("blend", 0, "low", False, 200, 9.5, 8, 0.04),
        ("no_purchase", 45, "flagged", False, 40, None, 10, 0.25),
        ("blend", 0, "all", True, 4, 1.25, None, None),
        ("blend", 0, "high", True, 1, 0.7, None, None),
        ("blend", 0, "low", True, 2, 0.15, None, None),
        ("blend", 0, "mid", True, 1, 0.4, None, None),
    ]


def test_drift_names_the_input_and_its_extract(shop):
    told = shop.rows(
        "select input_label_zh, extract, reason_group_label_zh, psi, status_label_zh from {churn_drift}"
    )
    assert told == [("距上次购买天数", "order_lines", "购买变少", 0.3, "报警")]
    assert shop.measure("churn_drift", "drift_alerts") == 1


def test_the_flags_are_measured(shop):
    for measure in (
        "flags_wrong", "flags_without_record", "chances_unpublished", "bands_out_of_order",
        "chances_out_of_range",
    ):  # fmt: skip
        assert shop.measure("churn_flag", measure) == 0
    for measure in ("labels_one_sided", "counts_off", "bands_falling", "base_rates_out_of_range"):
        assert shop.measure("churn_backtest", measure) == 0


def test_a_flag_that_cannot_be_is_counted(project, tmp_path):
    wrong = Shop(tmp_path, project)
    wrong.churn[0] = ("ann", True, 1.2, "low", None, None, None, None)
    wrong.churn[5] = ("fay", False, 0.3, "mid", None, None, None, None)
    wrong.churn_model |= {"base_rate": 0.99}
    wrong.churn_backtest[0] = ("blend", False, "all", 220, 20.0, 220)
    wrong.churn_backtest[1] = ("blend", False, "low", 200, 9.0, 180)
    assert broken(wrong.build()) == []
    counted = {"chances_out_of_range": 1, "chances_unpublished": 1, "bands_out_of_order": 2}
    assert {name: wrong.measure("churn_flag", name) for name in counted} == counted
    counted = {"labels_one_sided": 1, "bands_falling": 1, "base_rates_out_of_range": 1}
    assert {name: wrong.measure("churn_backtest", name) for name in counted} == counted


def test_under_the_rule_a_flag_carries_the_record_of_its_level(project, tmp_path):
    rule = Shop(tmp_path, project)
    rule.churn = [(name, is_eligible, *[None] * 6) for name, is_eligible, *_ in CHURN]
    rule.churn_model |= {"model_status": "challenger_lost", "cut": None}
    assert broken(rule.build()) == []
    told = rule.rows(
        "select customer_id, flag_churn_risk, churn_probability, model_status_label_en, record_basis, "
        "record_rate from {churn_flag} where customer_id in ('ann', 'dan') order by all"
    )
    lost = "Lost to the rule"
    assert told == [("ann", False, None, lost, "level", 0.0222), ("dan", True, None, lost, "level", 0.3)]
    assert rule.measure("churn_flag", "flags_wrong") == 0
    assert rule.rows("select count(*) from {churn_backtest} where is_forecast") == [(0,)]


def test_everybody_is_valued_by_what_they_did(shop):
    told = shop.rows(
        "select customer_id, value_basis, value_basis_label_zh, amount_basis_label_en, p_alive > 0.5, "
        "expected_revenue_90d > 0, clv > expected_revenue_90d, reason_code from {customer_value} order by all"
    )
    repeat = ("repeat", "复购规律", "Own and general amounts")
    once = ("second_order", "首购到再购的时间", "Own and general amounts")
    assert told == [
        ("ann", *repeat, True, True, True, "VALUE_REPEAT"),
        ("bob", *repeat, True, True, True, "VALUE_REPEAT"),
        ("cat", *once, False, True, True, "VALUE_SECOND_ORDER"),
        ("dan", *once, False, True, True, "VALUE_SECOND_ORDER"),
        ("eve", "no_order", "无订单", "No order", None, None, None, "VALUE_NO_ORDER"),
        ("fay", *repeat, False, True, True, "VALUE_REPEAT"),
    ]
    reasons = dict(shop.rows("select customer_id, reason_en from {customer_value}"))
    assert "3 of 5 customers have come back" in reasons["cat"]
    assert "r=0.8, alpha=30 days" in reasons["ann"]


def test_the_values_are_measured(shop):
    for measure in (
        "chances_out_of_range", "expectations_negative", "horizons_out_of_order", "values_above_revenue",
        "numbers_without_ground", "next_orders_in_the_past", "values_difference", "reason_mismatches",
    ):  # fmt: skip
        assert shop.measure("customer_value", measure) == 0
    assert shop.measure("customer_value", "rows") == 6
    assert shop.measure("customer_value", "value_versions") == 1


def test_a_value_that_cannot_be_is_counted(project, tmp_path):
    wrong = Shop(tmp_path, project)

    def spoil(valued):
        valued = valued.set_index("customer_id", drop=False)
        valued.loc["ann", "p_alive"] = 1.5
        valued.loc["bob", "expected_orders_30d"] = 999.0
        valued.loc["cat", "expected_amount"] = -1.0
        valued.loc["dan", "clv"] = 999.0
        valued.loc["eve", "expected_orders_365d"] = 1.0
        valued.loc["ann", "next_order_on"] = pd.Timestamp("2017-12-31")
        valued.loc["dan", "value_version"] = "v2"
        return (
            valued.astype({"reason_code": object})
            .assign(
                reason_code=lambda frame: frame["reason_code"].mask(
                    frame["customer_id"] == "fay", "VALUE_NO_ORDER"
                )
            )
            .reset_index(drop=True)
        )

    wrong.spoil = spoil
    assert broken(wrong.build()) == []
    counted = {
        "chances_out_of_range": 1, "horizons_out_of_order": 1, "expectations_negative": 1,
        "values_above_revenue": 1, "numbers_without_ground": 1, "next_orders_in_the_past": 1,
        "value_versions": 2, "reason_mismatches": 1, "values_difference": 0,
    }  # fmt: skip
    assert {name: wrong.measure("customer_value", name) for name in counted} == counted


def test_every_scheme_tells_the_same_months_of_everybody(shop):
    found = shop.rows(
        "select distinct month, sum(net_amount) over (partition by scheme, month) from {segment_trend} "
        "where cohort = 'all' order by month"
    )
    assert found == [(date(2016, 12, 1), Decimal("5.00")), (date(2017, 12, 1), Decimal("50.50"))]
