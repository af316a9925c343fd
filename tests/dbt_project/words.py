"""What the dictionary must hold: every code of every coded column of the published tables, in both languages.

A text column of a published table is a code unless it stands in `TEXTS`, or is words itself (_zh, _en).
`kinds` finds the entries of the dictionary a code column speaks of; a column nobody can find them for fails
its test, with what to do about it.
"""

from __future__ import annotations

import ast
import csv
import re
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"

TEXTS = {
    # ids, names and places as the sources write them
    "customer_id", "source", "extract", "file", "city", "country", "province", "industry", "occupation",
    "education", "income_band", "company_size_band", "policy_tags", "top_category", "second_category",
    "third_category", "top_brand", "preferred_payment", "preferred_delivery", "top_category_1",
    "top_category_2", "top_category_3", "top_viewed_category", "top_scenario", "member_level", "product_id",
    "feature", "lost_to_stated", "referral_channel",
    "account_owner", "product_name", "department", "category_function", "category_use", "brand",
    "package_size", "material", "origin", "region", "reference",
    "feedback_id", "category", "owner", "agent_hash",
    # JSON, SQL, versions and other texts no list could hold
    "reason_params", "predicate", "cutpoint_version", "cohort", "sources", "simulated_extracts", "table_name",
    "columns", "sha256", "settings_hash", "dictionary_hash", "promise", "subject", "observed", "expected",
    "measure", "setting", "model_version", "slice", "value_version", "churn_version", "churn_definition",
    # the three scores side by side, each explained as rfm.score
    "rfm_code",
    # the dictionary's own key
    "code",
}  # fmt: skip

# Where the name of the column does not say which entries it speaks of: (table or *, column) → (scheme, kind).
KINDS = {
    ("*", "other_scheme"): ("all", "scheme"),
    ("dictionary", "kind"): ("dictionary", "kind"),
    ("segment_event", "kind"): ("memory", "event"),
    ("lifecycle", "churn_level"): ("churn_level", "segment"),
    ("*", "usage_hour_band"): ("usage", "hour_band"),
    ("value_tier", "value_basis"): ("value_tier", "basis"),
    ("customer_value", "value_basis"): ("customer_value", "basis"),
    ("satisfaction", "satisfaction_basis"): ("satisfaction", "basis"),
    ("satisfaction", "dissatisfied_reasons"): ("satisfaction", "sign"),
    ("referral", "crv_basis"): ("referral", "basis"),
    ("*", "churn_band"): ("churn_probability", "band"),
    ("churn_backtest", "band"): ("churn_probability", "band"),
    ("churn_flag", "churn_cut_basis"): ("churn_probability", "cut_basis"),
    ("churn_drift", "reason_group"): ("churn_probability", "churn_reason"),
    **{("churn_flag", f"churn_reason_{at}"): ("churn_probability", "churn_reason") for at in (1, 2, 3)},
    ("*", "nps_class"): ("satisfaction", "nps_class"),
    ("complaint_cause", "kind"): ("feedback", "kind"),
    ("feedback_item_state", "kind"): ("feedback", "kind"),
    ("*", "topic"): ("feedback", "topic"),
    ("*", "subtopic"): ("feedback", "subtopic"),
    ("*", "loop_state"): ("feedback", "loop_state"),
    ("*", "period"): ("feedback", "period"),
    ("*", "verdict"): ("feedback", "verdict"),
    ("loyalty_sensitivity", "part"): ("loyalty", "part"),
    ("loyalty_sensitivity", "weight_change"): ("loyalty", "weight_change"),
    ("referral_channel", "channel"): ("referral", "channel"),
    ("feedback_loop", "channel"): ("feedback", "channel"),
    ("feedback_item_state", "channel"): ("feedback", "channel"),
    ("text_evaluation", "status"): ("feedback", "status"),
    ("*", "brief_class"): ("kano_attribute", "need_class"),
    ("*", "measured_class"): ("kano_attribute", "need_class"),
    ("*", "city_tier"): ("geo_segment", "segment"),
    ("*", "city_tier_basis"): ("geo_segment", "city_match"),
}
SCHEME_OF = {"churn_flag": "churn_level"}
"""Published table → its scheme, where they have different names."""


def rows(seed: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def labels() -> dict[tuple[str, str], set[str]]:
    """(scheme, kind) → its codes."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in rows("labels"):
        found.setdefault((row["scheme"], row["kind"]), set()).add(row["code"])
    return found


def contracts() -> dict[str, dict[str, dict[str, Any]]]:
    """Published table → column → its contract, also of the tables the publishing step writes."""
    found = {}
    for folder in ("marts", "memory"):
        for path in sorted((PROJECT / "models" / folder).glob("*.yml")):
            told = yaml.safe_load(path.read_text(encoding="utf-8"))
            tables = list(told.get("models", []))
            tables += [
                table
                for source in told.get("sources", [])
                if source.get("schema") == "published"
                for table in source["tables"]
            ]
            for table in tables:
                if (table.get("config") or {}).get("meta", {}).get("published") is not False:
                    found[table["name"]] = {column["name"]: column for column in table.get("columns", [])}
    return found


def code_columns(contract: dict[str, dict[str, Any]]) -> list[str]:
    """The columns of a table that hold codes; the dictionary's own scheme only says whose its entries are."""
    return [
        name
        for name, column in contract.items()
        if column["data_type"] == "varchar"
        and name not in TEXTS
        and not name.endswith(("_zh", "_en"))
        and not (name == "scheme" and "predicate" in contract)
    ]


def kinds(table: str, column: str, known: dict[tuple[str, str], set[str]]) -> set[tuple[str, str]]:
    """The (scheme, kind) a code column speaks of; empty when the dictionary has no entries for it."""
    own = SCHEME_OF.get(table, table)
    told = _told_by_its_mart(table)
    if column in told:
        *scheme, kind = told[column].split(".")
        return {(scheme[0] if scheme else own, kind)} & set(known)
    if column == "scheme":
        return {("all", "scheme"), ("all", "group")} & set(known)
    named = KINDS.get((table, column)) or KINDS.get(("*", column))
    if named:
        return {named} & set(known)
    if column.endswith("segment_code"):
        prefix = column.removesuffix("segment_code").rstrip("_")
        wanted = prefix if (prefix, "segment") in known else own
        every = {(scheme, kind) for scheme, kind in known if kind in ("segment", "group", "age_band")}
        return {(wanted, "segment")} & set(known) or every
    kind = column.removesuffix("_code")
    for scheme in (own, "all", "customer_360"):
        if (scheme, kind) in known:
            return {(scheme, kind)}
    return {place for place in known if place[1] == kind}


def _told_by_its_mart(table: str) -> dict[str, str]:
    """Column → kind, as the call of marts_scheme that makes the table says."""
    path = PROJECT / "models" / "marts" / f"{table}.sql"
    found = re.search(r"words=({[^}]*})", path.read_text(encoding="utf-8")) if path.exists() else None
    return ast.literal_eval(found[1]) if found else {}


def unknown_codes(folder: Path) -> list[str]:
    """What a published version holds that its dictionary does not explain, as table.column: code."""
    import pandas as pd

    dictionary = pd.read_parquet(folder / "dictionary.parquet", columns=["scheme", "kind", "code"])
    known: dict[tuple[str, str], set[str]] = {}
    for scheme, kind, code in dictionary.itertuples(index=False):
        known.setdefault((scheme, kind), set()).add(code)
    found = []
    for table, contract in contracts().items():
        path = folder / f"{table}.parquet"
        columns = code_columns(contract) if path.exists() else []
        rows = pd.read_parquet(path, columns=columns) if columns else pd.DataFrame()
        if "scheme" in columns and table != "dictionary":
            rows = rows[rows["scheme"] != "category"]  # its segments are the shop's own product categories
        for column in columns:
            explained = set().union(*(known[place] for place in _places(table, column, known)))
            # * is no code: a row of all of them together
            codes = set(rows[column].dropna().str.split("|").explode()) - {"", "*"}
            found += [f"{table}.{column}: {code}" for code in sorted(codes - explained)]
    return found


def _places(table: str, column: str, known: dict[tuple[str, str], set[str]]) -> set[tuple[str, str]]:
    if column in ("action_codes", "reason_code"):
        return {place for place in known if place[1] == column.split("_", maxsplit=1)[0]}
    return kinds(table, column, known)
