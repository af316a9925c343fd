"""Champion and challenger: which churn model is in force in a month, and when a person has to say so.

The challenger is the month's model, the champion what was in force the month before. A challenger that
clears its gates is promoted; one that does not is none, and the levels speak alone. A person is asked where
the gates hold but narrowly, where they hold but the champion ranks better, and where a model that ranks well
is off (its decision is `hold`). Until the answer, and where nobody answers, the champion stays in force;
without one, the levels.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from pipeline import churn, monthly
from storage import artifacts, lake
from storage.lake import Day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from models.churn.probability import ChurnModel
    from pipeline.run import Run

log = logging.getLogger(__name__)

PROMOTE, ASK, KEEP = "promote_churn", "approve_churn", "keep_champion"
"""What is done next, by the names of the steps and tasks."""

APPROVED, REJECTED, WAITING = "approved", "rejected", "awaiting_approval"
_CHALLENGER, _ASKED = "churn_challenger.json", "churn_asked.json"
_GATES = {
    "ap_loss": "1 − average precision, over the best rule's · 与最好规则的排序误差之比",
    "ap_gain_bound": "gain over the best rule, lower bound · 平均精度优于最好规则（区间下限）",
    "precision": "precision where the rule flags as many · 标记人数相同时的准确率",
    "ece": "calibration error · 校准误差",
    "base_rate_shift": "shift of the base rate · 基准流失率变动",
    "bands_rising": "realised rates rise from band to band (1: yes) · 各档实际流失率递增（1 为是）",
}
_CAUSES = {
    "failed": "does not hold 未通过",
    "close": "holds narrowly 勉强通过",
    "champion_ranks_better": "the champion ranks better · 现行模型排序更好",
}
_DECISIONS = {
    "publish": "clears its gates 通过检验",
    "hold": "on hold: it ranks well, but fails a gate on its probabilities 排序合格，但概率未通过检验",
    "rule": "no model beats the rules 未胜过规则",
}
_NARROW = 0.1  # what a bound of 0 is held against: a tenth of the average precision there is at most


class AskedOtherwise(ValueError):
    """A run that asked before would ask something else now; the message says what to do."""


def propose(run: Run, version: str) -> None:
    """Note which model a run made: by the time a person answers, another may be in force."""
    lake.write_json(run.folder / _CHALLENGER, {"version": version})


def challenger(run: Run) -> tuple[str, ChurnModel]:
    """Version and model the run proposes. Raises NotFitted where it made none."""
    from models.churn.probability import ChurnModel

    try:
        version = json.loads((run.folder / _CHALLENGER).read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        msg = f"run {run.run_id} made no churn model; clear fit_churn and after"
        raise monthly.NotFitted(msg) from None
    return version, ChurnModel.from_json(artifacts.load(run.lake, churn.kind(run), version))


def champion(run: Run, before: Day) -> tuple[str, ChurnModel] | None:
    """Version and model in force the month before, where that one was published."""
    from models.churn.probability import ChurnModel

    found = artifacts.in_force(run.lake, churn.kind(run), before)
    model = ChurnModel.from_json(found[1]) if found else None
    return (found[0], model) if model and model.is_published else None


def evaluate(run: Run, before: Day, folder: Path) -> dict[str, Any]:
    """Hold the challenger against its gates and against the champion; say what is next, and why.

    `folder` holds the rows the challenger was judged on. Where a person has to be asked, the champion is put
    in force until they answer. Raises AskedOtherwise where they would be shown what was asked before.
    """
    version, model = challenger(run)
    reigning = champion(run, before)
    causes = list(_causes(model, run.settings.approval.margin))
    ranks = _ranks(run, model, reigning[1], folder) if reigning and model.decision != "rule" else None
    if ranks and ranks["champion"] > ranks["challenger"]:
        causes.append("champion_ranks_better")
    asked = model.decision != "rule" and bool(causes)
    told = "\n".join(_told(version, model, reigning, causes, ranks))
    if asked:
        _note_asked(run, version, told)
        keep(run, before, WAITING)
    log.info("churn model %s is %s: %s", version, "for a person to judge" if asked else "clear", causes)
    return {"next": ASK if asked else PROMOTE, "causes": causes, "told": told}


def _note_asked(run: Run, version: str, told: str) -> None:
    """Note what a person is told. Airflow keeps it with the task, also after that is cleared.

    Who answers the second time reads the first text: until apache/airflow's pull request 73235 is in a
    release, nobody may approve a model by the figures of another.
    """
    path = run.folder / _ASKED
    if run.attempt > 1 and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if before["told"] != told:
            msg = (
                f"run {run.run_id} asked about {before['version']}; now it would ask about {version}, or by "
                "other figures, but Airflow would show the first text: delete this DAG run, and trigger its "
                "day again"
            )
            raise AskedOtherwise(msg)
    lake.write_json(path, {"version": version, "told": told})


def promote(run: Run) -> dict[str, Any]:
    """Put the challenger in force; one that was on hold is published, since a person said so."""
    version, model = challenger(run)
    if model.decision == "hold":
        version = _save(run, model.with_decision("publish", APPROVED))
    artifacts.promote(run.lake, churn.kind(run), version)
    return {"churn_version": version}


def keep(run: Run, before: Day, why: str = REJECTED) -> dict[str, Any]:
    """Put the champion in force for this month too; without one the levels speak alone, and `why` is told."""
    reigning = champion(run, before)
    if reigning:
        version = _save(run, reigning[1])
    else:
        decision = "hold" if why == WAITING else "rule"
        version = _save(run, challenger(run)[1].with_decision(decision, why))
    artifacts.promote(run.lake, churn.kind(run), version)
    return {"churn_version": version, "champion": bool(reigning)}


def _save(run: Run, model: ChurnModel) -> str:
    start = run.day.month_start.as_of
    return artifacts.save(run.lake, churn.kind(run), start, model.to_json(), model.card())


def _causes(model: ChurnModel, margin: float) -> Iterator[str]:
    """Why a person is asked: gates that fail on hold, or that hold by less than `margin` of their limit."""
    if model.decision == "hold":
        yield from (f"{gate}_failed" for gate, about in model.gates.items() if not about["holds"])
    if model.decision == "publish":
        for gate, about in model.gates.items():
            room = margin * (abs(about["wanted"]) or _NARROW)
            if gate != "bands_rising" and abs(about["found"] - about["wanted"]) < room:
                yield f"{gate}_close"


def _ranks(run: Run, model: ChurnModel, reigning: ChurnModel, folder: Path) -> dict[str, float] | None:
    """Average precision of both on the challenger's test fold, which neither was trained on."""
    from datetime import date

    from models.churn import evaluate as measure
    from models.churn import folds

    if reigning.score is None or reigning.curve is None:
        return None
    test = date.fromisoformat(model.folds["test"])
    rows = lake.DayColumns(churn.training_rows(folder), test)
    cut = folds.read(rows, test, labelled=True, thresholds=run.settings.thresholds.churn)
    thresholds = run.settings.thresholds.churn
    scored = {"challenger": model, "champion": reigning}
    return {
        name: round(
            measure.average_precision(cut.y, each.probability(cut.by(each.bg_nbd, thresholds).inputs)), 6
        )
        for name, each in scored.items()
    }


def _told(
    version: str,
    model: ChurnModel,
    reigning: tuple[str, ChurnModel] | None,
    causes: list[str],
    ranks: Mapping[str, float] | None,
) -> Iterator[str]:
    """What the approver reads, as Markdown."""
    yield f"**{version}** · {_DECISIONS[model.decision]}"
    yield ""
    if causes:
        yield "Why you are asked 待批原因:"
        yield ""
        yield from (f"* {_cause(code)}" for code in causes)
        yield ""
    yield f"Champion 现行模型: **{reigning[0] if reigning else 'none, levels only 无，仅用等级'}**"
    if ranks:
        yield ""
        new, old = ranks["challenger"], ranks["champion"]
        yield f"Average precision 平均精度: new 新 {new:.4f}, champion 现行 {old:.4f}"
    if reigning and model.base_rate is not None and reigning[1].base_rate is not None:
        yield ""
        yield f"Base rate 基准流失率: {reigning[1].base_rate:.1%} → {model.base_rate:.1%}"
    yield ""
    yield "| gate 检验 | found 实际 | wanted 要求 | holds 通过 |"
    yield "|---|---|---|---|"
    for gate, about in model.gates.items():
        holds = "yes 是" if about["holds"] else "**no 否**"
        yield f"| {_GATES[gate]} | {about['found']:g} | {about['how']} {about['wanted']:g} | {holds} |"
    yield ""
    yield "Approve: the new model is in force for the month. Reject, or no answer: the champion stays."
    yield ""
    yield "批准：本月启用新模型。驳回或逾期未批：沿用现行模型。"


def _cause(code: str) -> str:
    """A cause in words: the code of `_causes` is a gate and what became of it, or stands for itself."""
    gate, _, what = code.rpartition("_")
    return f"{_GATES[gate]}: {_CAUSES[what]}" if gate in _GATES else _CAUSES[code]
