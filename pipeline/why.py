"""Why a customer is where they are: features, cuts and reasons, from the published tables."""

from __future__ import annotations

from typing import Any

from pipeline.settings import Settings
from storage import published

_TABLES = {
    "rfm": "RFM",
    "purchase_group": "Purchase behaviour · 购买行为",
    "value_tier": "Value tier · 价值分层",
    "lifecycle": "Lifecycle · 生命周期",
    "churn_flag": "Churn warning · 流失预警",
}
_TEXT = ("label_zh", "label_en", "reason_zh", "reason_en", "reason_code", "reason_params", "action_codes")
_KEYS = ("customer_id", "as_of", "known_on")


class CustomerUnknown(LookupError):
    """No customer of that id is in the published day."""


def text(settings: Settings, customer_id: str) -> str:
    """Everything the published day says about one customer; raises CustomerUnknown and FileNotFoundError."""
    import pyarrow.parquet as pq

    folder = published.current_folder(settings.lake)

    def row(table: str) -> dict[str, Any] | None:
        found = pq.read_table(folder / f"{table}.parquet", filters=[("customer_id", "=", customer_id)])
        return found.to_pylist()[0] if found.num_rows else None

    wide = row("customer_360")
    if wide is None:
        msg = f"customer {customer_id!r} is not in the published day {folder.name}"
        raise CustomerUnknown(msg)
    lines = [f"Customer 客户 {customer_id}      {folder.name}", "", "Features · 特征"]
    lines += _facts(
        {key: value for key, value in wide.items() if key not in _KEYS and not key.endswith(("_zh", "_en"))}
    )
    for table, title in _TABLES.items():
        judged = row(table)
        code = judged.get("segment_code") or judged.get("level")
        lines += [
            "",
            f"{title}: {code} {judged['label_zh']} {judged['label_en']}",
            f"  原因    {judged['reason_zh']}",
            f"  reason  {judged['reason_en']}   [{judged['reason_code']}]",
            f"  action  {judged['action_codes'] or '–'}",
        ]
        lines += _facts({key: value for key, value in judged.items() if key not in (*_KEYS, *_TEXT)})
    return "\n".join(lines)


def _facts(values: dict[str, Any]) -> list[str]:
    width = max(map(len, values), default=0)
    return [f"    {key:<{width}}  {'–' if value is None else value}" for key, value in values.items()]
