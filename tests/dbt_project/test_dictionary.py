"""The dictionary is whole: every scheme, segment, code, reason, action and column has its words twice."""

from __future__ import annotations

import re

import pytest
import words

from models.churn import probability, reasons, training
from models.churn.inputs import INPUTS
from models.schemes import SCHEMES

KNOWN = words.labels()
CONTRACTS = words.contracts()
CHINESE = re.compile(r"[一-鿿]")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_has_its_title_and_its_segments_in_the_dictionary(scheme):
    assert scheme in KNOWN["all", "scheme"]
    assert KNOWN[scheme, "segment"] == set(SCHEMES[scheme].GROUPS)


def test_no_segment_or_title_is_of_a_scheme_that_is_not_there():
    segments = {scheme for scheme, kind in KNOWN if kind == "segment"}
    assert segments == KNOWN["all", "scheme"] == set(SCHEMES)


def test_every_word_the_churn_model_says_is_in_the_dictionary():
    known = {
        kind: KNOWN["churn_probability", kind] for scheme, kind in KNOWN if scheme == "churn_probability"
    }
    assert KNOWN["churn_drift", "input"] == {*INPUTS}
    assert known["churn_reason"] == set(reasons.CODES)
    assert known["churn_reason_basis"] == set(reasons.BASES)
    assert known["band"] == {"all", *probability.BANDS, "flagged"}
    assert known["model"] == {"blend", "logistic", "boosting", *training.BASELINES, "no_purchase"}


@pytest.mark.parametrize("seed", ["labels", "reasons", "actions"])
def test_every_entry_is_written_in_both_languages(seed):
    for row in words.rows(seed):
        for column, text in row.items():
            if column.endswith("_zh"):
                # names such as NPS or 300 are the same in Chinese
                assert CHINESE.search(text) or (column == "label_zh" and text), row
            elif column.endswith("_en"):
                assert text.strip(), row
                assert not CHINESE.search(text), row


def test_no_entry_stands_there_twice():
    for seed, key in (("labels", ("scheme", "kind", "code")), ("reasons", ("scheme", "reason_code"))):
        keys = [tuple(row[column] for column in key) for row in words.rows(seed)]
        assert sorted({each for each in keys if keys.count(each) > 1}) == []


def test_every_action_an_entry_names_exists_and_every_segment_names_one():
    actions = {row["action_code"] for row in words.rows("actions")}
    for row in words.rows("labels"):
        named = set(filter(None, row["action_codes"].split("|")))
        assert named <= actions, row["code"]
        assert named or row["kind"] != "segment", row["code"]


@pytest.mark.parametrize("table", CONTRACTS)
def test_every_column_says_what_it_is_in_both_languages(table):
    for name, column in CONTRACTS[table].items():
        assert column.get("description", "").strip(), name
        label = (column.get("config") or {}).get("meta", {}).get("label_zh", "")
        assert label.strip(), f"{table}.{name} has no meta label_zh"


@pytest.mark.parametrize("table", CONTRACTS)
def test_every_coded_column_has_entries_in_the_dictionary(table):
    for name in words.code_columns(CONTRACTS[table]):
        if name in ("action_codes", "reason_code"):
            continue  # seeds of their own, entries of the dictionary as well
        assert words.kinds(table, name, KNOWN), (
            f"{table}.{name}: write its codes into labels.csv (kind {name.removesuffix('_code')}), "
            "say in KINDS which they are, or put it among the TEXTS if it is not a code"
        )


def test_every_kind_of_entry_is_an_entry_itself():
    assert {kind for _, kind in KNOWN} | {"reason", "action"} == KNOWN["dictionary", "kind"]
