"""The card of a churn model: what it is, how it did, and why it is published or not, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.churn.inputs import GROUPS, INPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from models.churn.probability import ChurnModel

_GATES = {
    "ap_loss": "1 - average precision, over that of the best rule",
    "ap_gain_bound": "lower bound of the gain in average precision",
    "precision": "precision where as many are flagged as by the rule",
    "ece": "expected calibration error, ten bins",
    "base_rate_shift": "shift of the base rate since calibration",
    "bands_rising": "realised rates rise from band to band (1: yes)",
}
_STRONGEST = 12


def card(model: ChurnModel) -> str:
    """The card as Markdown text."""
    rate = "unknown" if model.base_rate is None else f"{model.base_rate:.1%}"
    lines = [
        f"# Churn model of {model.as_of}",
        "",
        f"Lost: no valid order within {model.horizon_days} days. Asked of customers of the levels L0 to L3",
        f"with an order in the window; {rate} of them were lost at the last cut-off. The past was seen:",
        f"{model.known}.",
        "",
        f"Status **{model.status}**, decision **{model.decision}**"
        + (f": {'; '.join(model.why)}." if model.why else "."),
        "",
        "| cut-off | fold | customers | could be lost | were lost | rate |",
        "|---|---|---|---|---|---|",
        *(_cutoff(day, each, model.folds) for day, each in model.counts.items()),
        "",
    ]
    if model.folds["overlapping"]:
        lines += [
            "History is short: label windows of the folds overlap, which flatters what was measured.",
            "",
        ]
    if model.gates:
        lines += ["## Gates", "", "| gate | found | wanted | against | holds |", "|---|---|---|---|---|"]
        lines += [
            f"| {_GATES[name]} | {gate['found']:.4f} | {gate['how']} {gate['wanted']:.4f} "
            f"| {gate.get('against', '')} | {'yes' if gate['holds'] else '**no**'} |"
            for name, gate in model.gates.items()
        ]
        lines += [""]
    if model.backtest:
        lines += _backtest(model)
    lines += _record(model)
    if model.score is not None:
        lines += _strongest(model)
    return "\n".join(lines) + "\n"


def _cutoff(day: str, each: Mapping[str, Any], folds: Mapping[str, Any]) -> str:
    fold = "train" if day in folds["train"] else ""
    fold = {folds["calibrate"]: "calibrate", folds["test"]: "test"}.get(day, fold)
    rate = f"{each['churned'] / each['eligible']:.1%}" if each["eligible"] else ""
    return f"| {day} | {fold} | {each['customers']:,} | {each['eligible']:,} | {each['churned']:,} | {rate} |"


def _backtest(model: ChurnModel) -> list[str]:
    """Ranking and calibration of the model and of its rivals at each cut-off it was tried on."""
    lines = [
        "## Backtest",
        "",
        "Trained, chosen and calibrated on earlier cut-offs alone; rivals rank the same customers.",
        "",
        "| cut-off | judged by | AUC | average precision | Brier | ECE | lift of the first tenth |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in model.backtest:
        if row["band"] in ("all", "flagged"):
            shown = (row[name] for name in ("auc", "ap", "brier", "ece", "lift"))
            numbers = " | ".join("" if each is None else f"{each:.3f}" for each in shown)
            lines.append(f"| {row['cutoff']} | {row['model']} | {numbers} |")
    off = " · ".join(f"{day} {value:+.2f}" for day, value in model.level["off"].items())
    return [
        *lines,
        "",
        f"Season: {model.level['season']}. Calibrated log odds were off by {off};",
        f"{model.shift:+.2f} is expected.",
        "",
    ]


def _record(model: ChurnModel) -> list[str]:
    lines = [
        "## What came of it the last times",
        "",
        "| flag | customers | were lost | rate | 90 % interval |",
    ]
    lines += ["|---|---|---|---|---|"]
    for kind, entries in model.record.items():
        for code, each in entries.items():
            if each["rate"] is None:
                lines.append(f"| {kind} {code} | 0 | | | |")
            else:
                lines.append(
                    f"| {kind} {code} | {each['n']:,} | {each['churned']:,} | {each['rate']:.1%} "
                    f"| {each['low']:.1%} to {each['high']:.1%} |"
                )
    return [*lines, ""]


def _strongest(model: ChurnModel) -> list[str]:
    """The inputs whose tables reach widest, and the groups no input of which moves anything."""
    reach = {
        name: (min(table.adds), max(table.adds)) for name, table in model.score.tables.items() if table.moves
    }
    widest = sorted(reach, key=lambda name: (reach[name][0] - reach[name][1], name))[:_STRONGEST]
    averages = ", ".join(f"{kind} {ap:.4f}" for kind, ap in model.candidates.items())
    silent = [group for group in GROUPS if not any(INPUTS[name].group == group for name in reach)]
    return [
        "## What it reads",
        "",
        f"Candidate: {model.score.kind} (average precision on the calibration fold: {averages}).",
        "",
        "| input | reason | extract | log odds from | to |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {INPUTS[name].group or ''} | {INPUTS[name].extract} "
            f"| {reach[name][0] - model.score.tables[name].adds[model.score.tables[name].usual]:+.2f} "
            f"| {reach[name][1] - model.score.tables[name].adds[model.score.tables[name].usual]:+.2f} |"
            for name in widest
        ),
        "",
        *([f"No data to tell {', '.join(silent)} by.", ""] if silent else []),
    ]
