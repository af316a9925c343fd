"""What docs/churn_evaluation.md promises of real purchases, from the publishers' files, by its own script."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.real_data import real_data

_SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "churn_real.py"


def trained(tmp_path: Path, source: str):
    data = real_data(source).parent
    spec = importlib.util.spec_from_file_location("churn_real", _SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.trained(data, tmp_path / source, source, 90)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("source", ["online_retail", "cdnow"])
def test_the_model_ranks_above_every_rule_and_p_alive_at_each_cutoff(tmp_path, source):
    model = trained(tmp_path, source)
    assert model.decision == "publish"
    cutoffs = {row["cutoff"] for row in model.backtest}
    assert len(cutoffs) == 3
    for cutoff in cutoffs:
        rows = [row for row in model.backtest if row["cutoff"] == cutoff]
        own = next(row for row in rows if row["band"] == "all" and not row["is_baseline"])
        for rival in (row for row in rows if row["is_baseline"]):
            for measure in ("auc", "ap"):
                assert own[measure] > rival[measure], (cutoff, rival["model"], measure)


@pytest.mark.slow
@pytest.mark.long
def test_a_label_that_tells_nothing_apart_leaves_the_rule_on_olist(tmp_path):
    model = trained(tmp_path, "olist")
    assert (model.status, model.decision) == ("degenerate", "rule")
    assert all("99." in each for each in model.why)
