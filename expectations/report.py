"""The report of the gates: one page that opens anywhere, without a network, in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from expectations.gate import Verdict

_TEMPLATE = Path(__file__).with_name("report.html.j2")

# What each gate stands before, in the order of a day.
GATES = {
    "landed": ("到货", "Landed", "送达的文件进入原始层之前", "before what was delivered goes into raw"),
    "features": ("特征", "Features", "特征交给模型评分之前", "before features are scored"),
    "published": ("发布", "Published", "结果表展示给报表之前", "before BI sees the tables"),
}

_STATES = {
    "kept": ("通过", "kept"),
    "note": ("提示", "note"),
    "broken": ("未通过", "broken"),
    "waiting": ("未运行", "not reached"),
}


def render(
    verdicts: Sequence[Verdict],
    as_of: date,
    known_on: date | None = None,
    *,
    title_zh: str = "质量关卡报告",
    title_en: str = "Report of the gates",
) -> str:
    """The verdicts of a day as one HTML page; equal verdicts give equal text.

    Nothing in it is loaded from elsewhere. Gates that have not spoken are shown as such. Failing keys are
    shown as they are in the verdicts, at most 100 of them for a promise.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    gates = [_gate(name, [verdict for verdict in verdicts if verdict.gate == name]) for name in GATES]
    broken = [verdict for verdict in verdicts if verdict.breaks]
    state = "broken" if broken else "waiting" if any(gate["state"] == "waiting" for gate in gates) else "kept"
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        title_zh=title_zh,
        title_en=title_en,
        as_of=as_of.isoformat(),
        known_on=known_on.isoformat() if known_on and known_on != as_of else "",
        state=state,
        headline=_headline(state, len(broken)),
        gates=gates,
        states=_STATES,
        attention=sorted(
            (_row(verdict) for verdict in verdicts if not verdict.passed),
            key=lambda row: row["state"] != "broken",
        ),
    )


def _headline(state: str, broken: int) -> tuple[str, str]:
    if state == "broken":
        promises = f"{broken} promise{'s are' if broken > 1 else ' is'} broken"
        return (
            f"{broken} 项承诺未通过，当天停止，未发布",
            f"{promises}: the day stopped and published nothing",
        )
    if state == "waiting":
        return "到目前为止全部通过，尚有关卡未运行", "No promise is broken so far; not every gate has spoken"
    return "全部关卡通过", "Every gate was passed"


def _gate(name: str, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    label_zh, label_en, before_zh, before_en = GATES[name]
    rows = [_row(verdict) for verdict in verdicts]
    counts = {state: sum(row["state"] == state for row in rows) for state in ("kept", "note", "broken")}
    state = "waiting" if not rows else "broken" if counts["broken"] else "note" if counts["note"] else "kept"
    return {
        "name": name,
        "label_zh": label_zh,
        "label_en": label_en,
        "before_zh": before_zh,
        "before_en": before_en,
        "state": state,
        "counts": counts,
        "total": len(rows),
        "rows": rows,
    }


def _row(verdict: Verdict) -> dict[str, Any]:
    state = "kept" if verdict.passed else "broken" if verdict.breaks else "note"
    return {"verdict": verdict, "state": state, "anchor": f"{verdict.gate}-{verdict.promise}"}
