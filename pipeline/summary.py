"""What a run left behind, for a person at a terminal: read from the published tables alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.moves import CAUSES
from pipeline.settings import Settings
from storage import lake as place
from storage import published
from storage.lake import Day

if TYPE_CHECKING:
    from pandas import DataFrame


def text(settings: Settings, day: Day) -> str:
    """The summary of the published `day`; raises FileNotFoundError when it is not published."""
    folder = published.version_of(settings.lake, day)
    read = _reader(folder)
    before = published.previous(settings.lake, day)
    manifest = read("manifest")
    blocks = [
        _head(settings, day, manifest),
        _rows(read("delivery"), manifest),
        _gates(read("quality_results")),
        _segments(_titles(folder), _profile(folder), _profile(before) if before else None, before),
        _churn(folder),
        _moves(settings.lake, day, _titles(folder)),
        _places(settings.lake, folder),
    ]
    return "\n\n".join(filter(None, blocks))


def _reader(folder: Path) -> Any:
    import pandas as pd

    return lambda table, columns=None: pd.read_parquet(folder / f"{table}.parquet", columns=columns)


def _profile(folder: Path) -> DataFrame:
    """The segments' profile, each scheme's segments in the order the dictionary shows them."""
    read = _reader(folder)
    dictionary = read("dictionary").query("kind == 'segment'")
    order = dictionary.set_index(["scheme", "code"])["sort_order"].to_dict()
    profile = read("segment_profile")
    keys = list(zip(profile["scheme"], profile["segment_code"], strict=True))
    return profile.assign(place=[order[key] for key in keys]).sort_values(["scheme", "place"])


def _titles(folder: Path) -> dict[str, str]:
    """Scheme → what it is called in both languages, in the order the dictionary shows them."""
    schemes = _reader(folder)("dictionary").query("kind == 'scheme'").sort_values("sort_order")
    return {row["code"]: f"{row['label_en']} · {row['label_zh']}" for row in schemes.to_dict("records")}


def _head(settings: Settings, day: Day, manifest: DataFrame) -> str:
    simulated = sorted(filter(None, manifest["simulated_extracts"].iloc[0].split(",")))
    known = "" if day.known_on == day.as_of else f", known on {day.known_on}"
    lines = [
        f"Customer segmentation · 客户细分      as_of {day.as_of}{known}"
        f" · {settings.time_zone} · {settings.currency}",
        f"  sources 来源      {manifest['sources'].iloc[0]}",
    ]
    if simulated:
        lines.append(
            f"  SIMULATED 模拟数据 {', '.join(simulated)}  (generated, not real feedback · 非真实数据)"
        )
    return "\n".join(lines)


def _rows(delivery: DataFrame, manifest: DataFrame) -> str:
    counts = {
        "accepted 接受": "accepted",
        "duplicate 重复": "duplicate",
        "superseded 被取代": "superseded",
        "anonymous 无客户": "anonymous",
        "quarantined 隔离": "quarantined",
    }
    into = int(delivery["rows_in"].sum())
    parts = "   ".join(f"{label} {int(delivery[column].sum()):,}" for label, column in counts.items())
    return (
        f"Rows in 输入行     {into:,} in {len(delivery):,} deliveries\n"
        f"  = {parts}\n"
        f"Published 发布     {len(manifest):,} tables, {int(manifest['rows'].sum()):,} rows"
    )


def _gates(results: DataFrame) -> str:
    lines = ["Gates 质量关卡"]
    for gate in ("landed", "features", "published"):
        mine = results[results["gate"] == gate]
        broken = mine[~mine["passed"] & (mine["strength"] == "break")]
        notes = mine[~mine["passed"] & (mine["strength"] == "note")]
        verdict = "BROKEN 未通过" if len(broken) else "passed 通过"
        noted = f", {len(notes)} to note 提示" if len(notes) else ""
        lines.append(
            f"  {_pad(gate, 10)} {verdict}: {int(mine['passed'].sum())} of {len(mine)} promises kept{noted}"
        )
        for row in notes.head(5).to_dict("records"):
            lines.append(
                f"      note: {row['text_en']} · {row['text_zh']}: {row['subject']}: {row['observed']}"
            )
    return "\n".join(lines)


def _segments(
    titles: dict[str, str], profile: DataFrame, before: DataFrame | None, before_folder: Path | None
) -> str:
    lines = []
    if before_folder is not None:
        lines.append(
            f"Change in customers since {before_folder.name.split(',')[0]}, published before · 较上一发布日"
        )
    else:
        lines.append("No earlier published day to compare with · 无更早的发布日可比较")
    shares_before = (
        {} if before is None else before.set_index(["scheme", "segment_code"])["customers"].to_dict()
    )
    untold = []
    for scheme, title in titles.items():
        rows = profile[profile["scheme"] == scheme]
        if set(rows.loc[rows["customers"] > 0, "segment_code"]) <= {"unknown"}:
            untold.append(title)  # its extract is absent: a list of zeros tells nobody anything
            continue
        lines += ["", title]
        is_new = not any(known == scheme for known, _ in shares_before)
        table, nobody = [], []
        for row in rows.to_dict("records"):
            size, was = int(row["customers"]), int(shares_before.get((scheme, row["segment_code"]), 0))
            if not size and not was:
                nobody.append(f"{row['label_en']} {row['label_zh']}")
                continue
            change = "" if before is None or is_new else f"{size - was:+,}"
            share = "" if row["share"] is None else f"{float(row['share']):6.1%}"
            table.append((row["label_zh"], row["label_en"], f"{size:,}", share, change))
        lines += _columns(table, right=(2, 3, 4))
        lines += [f"  nobody 无: {', '.join(nobody)}"] if nobody else []
    if untold:
        lines += ["", "Not known of anybody, for want of an extract · 缺少数据，尚无法判定"]
        lines += [f"  {title}" for title in untold]
    return "\n".join(lines)


def _churn(folder: Path) -> str:
    """Whether probabilities of churn are shown, how the model did against the best rule, who is flagged."""
    # a row per customer: only what is counted; what all rows carry is read of one
    read = _reader(folder)
    flags = read("churn_flag", ["flag_churn_risk", "is_eligible", "churn_probability"])
    if flags.empty:
        return ""
    of_all = next(place.batches(folder / "churn_flag.parquet", _OF_MODEL, rows=1)).iloc[0]
    tests = read("churn_backtest")
    status = f"{of_all['model_status_label_en']} {of_all['model_status_label_zh']}"
    base = f", base rate 基准流失率 {of_all['base_rate']:.1%}" if of_all["base_rate"] >= 0 else ""
    lines = [
        f"Churn model · 流失模型 {of_all['churn_version']}",
        f"  {status} ({of_all['churn_definition']}){base}",
        f"  at risk 有流失风险 {int(flags['flag_churn_risk'].sum()):,}; could be lost 可判定流失 "
        f"{int(flags['is_eligible'].sum()):,} of {len(flags):,} customers 位客户",
    ]
    if of_all["churn_cut"] >= 1:
        lines.append(
            "  cut 标记线: by save rate and cost no contact would pay 按挽回率与成本，联系谁都不划算"
        )
    elif of_all["churn_cut"] >= 0:
        over = int((flags["churn_probability"] >= of_all["churn_cut"]).sum())
        lines.append(
            f"  cut 标记线 {of_all['churn_cut']:.1%} ({of_all['churn_cut_basis_label_en']} "
            f"{of_all['churn_cut_basis_label_zh']}); as likely or more to be lost 流失概率达到者 {over:,}"
        )
    known = tests[(tests["churn_version"] == of_all["churn_version"]) & ~tests["is_forecast"]]
    newest = known[(known["cutoff_on"] == known["cutoff_on"].max()) & known["auc"].notna()]
    own, rules = newest[~newest["is_baseline"]], newest[newest["is_baseline"]]
    if len(own) and len(rules):
        best = rules.sort_values(["auc", "model"], ascending=[False, True]).iloc[0]
        lines.append(
            f"  AUC {own.iloc[0]['auc']:.3f}, best baseline 最好的基准 {best['auc']:.3f} "
            f"({best['model_label_en']} {best['model_label_zh']}), on 回测日 {own.iloc[0]['cutoff_on']}"
        )
    return "\n".join(lines)


_OF_MODEL = (
    "churn_version",
    "churn_definition",
    "model_status_label_zh",
    "model_status_label_en",
    "base_rate",
    "churn_cut",
    "churn_cut_basis_label_zh",
    "churn_cut_basis_label_en",
)


def _moves(lake: Path, day: Day, titles: dict[str, str]) -> str:
    """How many moved on the day in each scheme, by cause; nothing where the memory does not tell of it."""
    import pyarrow.parquet as pq

    folder = published.current_memory(lake)
    if folder is None or day.known_on != day.as_of:
        return ""
    table = folder / "segment_migration.parquet"
    of_day = [("period", "=", "day"), ("period_from", "=", day.as_of)]
    moves = pq.read_table(table, filters=of_day).to_pandas()
    since = published.previous(lake, day)
    if not len(moves):
        return ""
    words = {
        row["cause"]: f"{row['cause_label_en']} {row['cause_label_zh']}" for row in moves.to_dict("records")
    }
    causes = [cause for cause in CAUSES if cause in words]
    counts = moves.groupby(["scheme", "cause"])["moves"].sum().to_dict()
    table = [("", *(words[cause] for cause in causes))]
    table += [
        (title, *(f"{int(counts.get((scheme, cause), 0)):,}" for cause in causes))
        for scheme, title in titles.items()
        if any((scheme, cause) in counts for cause in causes)
    ]
    before = f" since {since.name.split(',')[0]}" if since is not None else ""
    head = f"Moves{before}, by cause · 较上一发布日的客群变动及原因"
    return "\n".join([head, *_columns(table, right=range(1, len(causes) + 1))])


def _places(lake: Path, folder: Path) -> str:
    root = lake / "published"
    return "\n".join(
        [
            "Where 位置",
            f"  tables       {root / 'current'}/*.parquet",
            f"  for Excel    {folder / 'csv'}",
            f"  for BI       {root / 'bi.duckdb'}",
            f"  gate report  {folder / 'gates.html'}",
            "  Airflow UI   make ui        one customer: make why CUSTOMER=…",
        ]
    )


def _width(word: str) -> int:
    """Columns a word takes in a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in word)


def _pad(word: str, width: int, right: bool = False) -> str:
    gap = " " * max(0, width - _width(word))
    return gap + word if right else word + gap


def _columns(rows: Iterable[Sequence[str]], right: Sequence[int]) -> list[str]:
    rows = [tuple(map(str, row)) for row in rows]
    if not rows:
        return []
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        ("  " + "  ".join(_pad(cell, widths[i], i in right) for i, cell in enumerate(row))).rstrip()
        for row in rows
    ]
