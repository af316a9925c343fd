"""What keeps the lake within its limits: retention, and the erasure of one person."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pipeline import hash_key
from pipeline.run import RAW_MODELS, Run, is_going_on
from pipeline.settings import Settings
from storage import declaration, published, retention, upkeep

if TYPE_CHECKING:
    from storage.declaration import Source
    from storage.erasures import Erasure
    from storage.reading.pseudonym import HashKey

log = logging.getLogger(__name__)

DAG_ID = "maintenance"


class NobodyNamed(ValueError):
    """An erasure was asked for, and whom it is of cannot be told."""


def retain(settings: Settings, as_of: date, is_running: Callable[[str], bool]) -> dict[str, int]:
    """Let go what was sent, and what runs left behind, when its days before `as_of` are over.

    Where the newest published day is earlier they are counted back from that one, and nothing goes before
    the first: deliveries of last year that are only being loaded now are not over because today is later.
    """
    newest = published.newest(settings.lake)
    if newest is None:
        log.info("retention for %s: nothing is published yet, so nothing is over", as_of)
        return {}
    as_of = min(as_of, newest)
    kept = settings.retention
    with upkeep.alone(settings.lake):
        counts = (
            retention.expire_landing(settings.lake, as_of - timedelta(days=kept.landing_days))
            | retention.expire_quarantine(settings.lake, as_of - timedelta(days=kept.quarantine_days))
            | retention.expire_runs(settings.lake, as_of - timedelta(days=kept.runs_days), is_running)
        )
    log.info("retention for %s: %s", as_of, counts)
    return counts


def erase(
    settings: Settings,
    source_name: str,
    day: date,
    *,
    customers: Sequence[str] = (),
    phone: str | None = None,
    email: str | None = None,
    linked: bool = False,
) -> list[Erasure]:
    """Erase one person: the customers named, and those of the source with this phone or e-mail address.

    `linked`: also the customers of the other enabled sources who share a phone number or an e-mail address
    with one of them. The source need not be enabled any more.

    Raises NobodyNamed when that is nobody, and what `storage.erasure` raises when somebody remains.
    """
    from storage import erasure

    source, *others = _sources(settings, source_name)
    key = _key()
    wanted = [customer.strip() for customer in customers if customer.strip()]
    for normalise, value in (("phone", phone), ("email", email)):
        if value and value.strip():
            wanted += erasure.customers_with(settings.lake, source, normalise, value, key)
    people = [(source, customer) for customer in dict.fromkeys(wanted)]
    if not people:
        msg = f"no customer of {source_name} is named, or has this phone number or e-mail address"
        raise NobodyNamed(msg)
    elsewhere = dict.fromkeys(
        found
        for _, customer in people
        for found in erasure.linked_customers(settings.lake, source, customer, others, key)
    )
    if linked:
        people += elsewhere
    elif elsewhere:
        names = ", ".join(sorted({other.name for other, _ in elsewhere}))
        log.warning("%d customers of %s share a phone or e-mail and stay", len(elsewhere), names)
    return [erasure.erase(settings.lake, of, customer, day, key, settings.sources) for of, customer in people]


def _sources(settings: Settings, first: str) -> list[Source]:
    names = [first, *(name for name in settings.sources if name != first)]
    return list(declaration.read(RAW_MODELS, names))


def _key() -> HashKey:
    key = hash_key.found()
    if key is None:
        msg = (
            "an erasure is recorded by the keyed hash of the person's id, and there is no key: set "
            f"{hash_key.ENVIRONMENT}, or the password of the Airflow connection {hash_key.CONNECTION}"
        )
        raise NobodyNamed(msg)
    return key


def take(run: Run, step: str, asked: dict[str, Any]) -> dict[str, int]:
    """One step of the DAG: `retain`, or `erase` for what the run was `asked`; counts only."""
    if step == "retain":
        return retain(run.settings, run.day.as_of, is_going_on)
    who = {name: asked.get(name) for name in ("phone", "email") if asked.get(name)}
    customers = [str(asked["customer"])] if asked.get("customer") else []
    if not asked.get("source") and not customers and not who:
        return {"people": 0}
    if not asked.get("source"):
        raise NobodyNamed("the source whose customer is to be erased is not named")
    done = erase(
        run.settings,
        asked["source"],
        run.day.as_of,
        customers=customers,
        linked=bool(asked.get("linked")),
        **who,
    )
    return {
        "people": len(done),
        "found_afterwards": sum(each.search["found"] for each in done),
        **{
            layer: sum(each.counts.get(layer, 0) for each in done)
            for layer in sorted({layer for each in done for layer in each.counts})
        },
    }
