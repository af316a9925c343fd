"""Why a customer is where they are: features, cuts, reasons and actions, from the published tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.gates import SCHEME_TABLES
from pipeline.settings import Settings
from storage import published

if TYPE_CHECKING:
    from pathlib import Path

_TEXT = ("label_zh", "label_en", "reason_zh", "reason_en", "reason_code", "reason_params", "action_codes")
_KEYS = ("customer_id", "as_of", "known_on")
_MOVES = 5  # of a customer in a scheme, the newest
_NAMED = 10  # of the customers one may have meant


class CustomerUnknown(LookupError):
    """No customer of that id, or more than one, is in the published day."""


def text(settings: Settings, customer_id: str) -> str:
    """Everything the published day says about one customer; raises CustomerUnknown and FileNotFoundError.

    With several sources ids are `<source>:<id>`; the bare id will do where one customer only has it.
    """
    import pyarrow.parquet as pq

    folder = published.current_folder(settings.lake)
    asked, customer_id = customer_id, _meant(folder, customer_id)

    def row(table: str) -> dict[str, Any] | None:
        found = pq.read_table(folder / f"{table}.parquet", filters=[("customer_id", "=", customer_id)])
        return found.to_pylist()[0] if found.num_rows else None

    wide = row("customer_360")
    actions = _actions(folder)
    lines = [f"Customer 客户 {customer_id}      {folder.name}"]
    if asked != customer_id:
        lines.append(f"{asked} is an id of one source only · 仅一个来源有此编号")
    lines += ["", "Features · 特征"]
    lines += _facts(
        {key: value for key, value in wide.items() if key not in _KEYS and not key.endswith(("_zh", "_en"))}
    )
    lines += _value(row("customer_value") if (folder / "customer_value.parquet").exists() else None)
    for scheme, title in _titles(folder).items():
        judged = row(SCHEME_TABLES[scheme])
        code = judged.get("segment_code") or judged.get("level")
        lines += [
            "",
            f"{title}: {code} {judged['label_zh']} {judged['label_en']}",
            f"  原因    {judged['reason_zh']}",
            f"  reason  {judged['reason_en']}   [{judged['reason_code']}]",
        ]
        codes = (judged["action_codes"] or "–").split("|")
        lines += [f"  action  {' '.join([code, *actions.get(code, ())])}" for code in codes]
        lines += _facts({key: value for key, value in judged.items() if key not in (*_KEYS, *_TEXT)})
        lines += _churn(judged) if scheme == "churn_level" else []
        lines += _history(settings.lake, folder, scheme, customer_id)
    return "\n".join(lines)


def _value(valued: dict[str, Any] | None) -> list[str]:
    """What to expect of the customer, and what that rests on; nothing for a day before there were values."""
    if valued is None:
        return []
    numbers = ("p_alive", "expected_amount", "clv", "clv_horizon_days", "discount_rate", "next_order_on")
    kept = {name: told for name, told in valued.items() if name in numbers or name.startswith("expected_")}
    return [
        "",
        f"Customer value 客户价值: {valued['value_basis_label_zh']} {valued['value_basis_label_en']}",
        f"  原因    {valued['reason_zh']}",
        f"  reason  {valued['reason_en']}   [{valued['reason_code']}]",
        *_facts(kept),
    ]


def _churn(judged: dict[str, Any]) -> list[str]:
    """How likely the customer is to be lost, why, and how often that has come true before."""
    chance, rate, cut = judged["churn_probability"], judged["record_rate"], judged["churn_cut"]
    flag = "有流失风险 at risk" if judged["flag_churn_risk"] else "未标记 not flagged"
    if judged["flag_churn_risk"]:
        flag += f", by {judged['flag_basis_label_en'].lower()} 依据{judged['flag_basis_label_zh']}"
    lines = [
        f"  flag    {flag}",
        f"  model   {judged['model_status_label_zh']} {judged['model_status_label_en']}",
    ]
    if chance is not None:
        band = f"{judged['churn_band_label_zh']} {judged['churn_band_label_en']}"
        lines.append(
            f"  chance  {chance:.1%} ({band}) to be lost in {judged['horizon_days']} days · 流失概率"
        )
    if cut is not None:
        basis = f"{judged['churn_cut_basis_label_zh']} {judged['churn_cut_basis_label_en']}"
        lines.append(f"  cut     {cut:.1%} ({basis}) · 标记线")
    told = [
        f"{judged[f'churn_reason_{at}_label_zh']} {judged[f'churn_reason_{at}_label_en']}"
        for at in (1, 2, 3)
        if judged[f"churn_reason_{at}"]
    ]
    if told:
        basis = f"{judged['churn_reason_basis_label_zh']} {judged['churn_reason_basis_label_en']}"
        lines.append(f"  because {'; '.join(told)}   [{basis}]")
    record = f"  record  {judged['record_basis_label_zh']} {judged['record_basis_label_en']}"
    if rate is not None:
        record += (
            f": {rate:.1%} ({judged['record_rate_low']:.1%} – {judged['record_rate_high']:.1%}) of "
            f"{judged['record_customers']:,} in {judged['record_runs']} backtests 次回测"
        )
    return [*lines, record]


def _meant(folder: Path, customer_id: str) -> str:
    """The published customer of that id; else the only one of which it is the id within its source."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    ids = pq.read_table(folder / "customer_360.parquet", columns=["customer_id"])["customer_id"]
    if pc.any(pc.equal(ids, customer_id)).as_py():
        return customer_id
    found = sorted(ids.filter(pc.ends_with(ids, f":{customer_id}")).to_pylist())
    if len(found) == 1:
        return found[0]
    msg = f"customer {customer_id!r} is not in the published day {folder.name}"
    if found:
        more = ", …" if len(found) > _NAMED else ""
        msg = f"customer {customer_id!r} may be any of {', '.join(found[:_NAMED])}{more}; say which"
    raise CustomerUnknown(msg)


def _actions(folder: Path) -> dict[str, tuple[str, str]]:
    """Action code → its Chinese and its English name, as far as the published dictionary has them."""
    import pyarrow.parquet as pq

    columns = ["code", "label_zh", "label_en"]
    table = pq.read_table(folder / "dictionary.parquet", columns=columns, filters=[("kind", "=", "action")])
    return {row["code"]: (row["label_zh"], row["label_en"]) for row in table.to_pylist()}


def _titles(folder: Path) -> dict[str, str]:
    """Scheme → what it is called in both languages, in the order the dictionary shows them."""
    import pyarrow.parquet as pq

    columns = ["code", "label_zh", "label_en", "sort_order"]
    table = pq.read_table(folder / "dictionary.parquet", columns=columns, filters=[("kind", "=", "scheme")])
    rows = sorted(table.to_pylist(), key=lambda row: row["sort_order"])
    return {row["code"]: f"{row['label_en']} · {row['label_zh']}" for row in rows}


def _history(lake: Path, folder: Path, scheme: str, customer_id: str) -> list[str]:
    """The customer's last moves in a scheme, the newest first, each with what moved them."""
    import pyarrow.parquet as pq

    memory = published.current_memory(lake)
    if memory is None:
        return []
    of_customer = [("scheme", "=", scheme), ("customer_id", "=", customer_id)]
    stays = pq.read_table(memory / "segment_membership.parquet", filters=of_customer).to_pylist()
    words = _words(folder)
    lines = []
    for stay in sorted(stays, key=lambda each: each["valid_from"], reverse=True)[:_MOVES]:
        zh, en = words.get((scheme, "segment", stay["segment_code"]), ("", ""))
        cause = " ".join(words.get(("memory", "cause", stay["cause"]), ("", "")))
        until = f" – {stay['valid_to']}" if stay["valid_to"] else ""
        lines.append(
            f"  since   {stay['valid_from']}{until}  {stay['segment_code']} {zh} {en}  {cause}".rstrip()
        )
    return lines


def _words(folder: Path) -> dict[tuple[str, str, str], tuple[str, str]]:
    """(scheme, kind, code) → its Chinese and its English label, of the published dictionary."""
    import pyarrow.parquet as pq

    columns = ["scheme", "kind", "code", "label_zh", "label_en"]
    rows = pq.read_table(folder / "dictionary.parquet", columns=columns).to_pylist()
    return {(row["scheme"], row["kind"], row["code"]): (row["label_zh"], row["label_en"]) for row in rows}


def _facts(values: dict[str, Any]) -> list[str]:
    width = max(map(len, values), default=0)
    return [f"    {key:<{width}}  {'–' if value is None else value}" for key, value in values.items()]
