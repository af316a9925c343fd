"""The files of a new source: what is the same for every source, written once so that nobody types it.

`make new-source NAME=shop` copies the standard contract's declaration under the new name and writes its
models. With a declaration of one's own already in place, it writes what that still needs: a view over raw
and the judge of repeated rows for each extract, and for each entity an extract fills a staging model to
complete.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from storage import declaration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.declaration import Column, Extract, Source

CONTRACT = "standard"


class NameUnfit(ValueError):
    """A source cannot be called that."""


def write(models: Path, name: str, like: str = CONTRACT) -> list[Path]:
    """Write what source `name` lacks below dbt's folder of models; return the files written.

    None is overwritten.

    Raises NameUnfit for a name dbt could not use, and what `declaration.read` raises.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or "__" in name:
        msg = f"{name!r} is no name for a source; wanted small letters, digits and single underscores"
        raise NameUnfit(msg)
    raw, staging = models / "raw", models / "staging"
    declared = raw / name / f"_{name}__sources.yml"
    written = []
    if not declared.exists():
        original = (raw / like / f"_{like}__sources.yml").read_text(encoding="utf-8")
        copy = original.replace(f"- name: {like}\n", f"- name: {name}\n", 1)
        copy = copy.replace(f"/raw/{like}/", f"/raw/{name}/")
        written += _new(declared, copy)
    source = declaration.read(raw, [name])[0]
    contract = declaration.read(raw, [CONTRACT])[0]
    for extract in source.extracts:
        written += _new(raw / name / f"raw_{name}__{extract.name}.sql", _raw_view(source, extract))
        written += _new(
            staging / name / "repeated" / f"stg_{name}__{extract.name}_repeated.sql",
            _repeated(source, extract),
        )
    for entity in _entities(source):
        written += _new(staging / name / f"stg_{name}__{entity}.sql", _staged(source, entity, contract))
    for extract, line in headers(source).items():
        written += _new(models.parents[1] / "docs" / "sources" / name / "headers" / f"{extract}.csv", line)
    written += _describe(raw / name / f"_{name}__raw.yml", _raw_descriptions(source))
    written += _describe(staging / name / f"_{name}__staging.yml", _staging_descriptions(source))
    return written


def headers(source: Source) -> dict[str, str]:
    """Extract → the header line its CSV files begin with."""
    return {extract.name: _header_line(extract) for extract in source.extracts if extract.format == "csv"}


def _header_line(extract: Extract) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=extract.delimiter, lineterminator="\n").writerow(extract.sent_names)
    return line.getvalue()


def _entities(source: Source) -> list[str]:
    """The entities with a staging model of their own, in the contract's order."""
    filled = {entity for extract in source.extracts for entity in extract.fills}
    if "coupon_redemptions" in filled:  # they are touches
        filled = filled - {"coupon_redemptions"} | {"campaign_touches"}
    return [entity for entity in declaration.ENTITIES if entity in filled]


def _raw_view(source: Source, extract: Extract) -> str:
    return (
        f"select * from {{{{ source('{source.name}', '{extract.name}') }}}}\n"
        "where delivered_on <= cast('{{ var(\"known_on\") }}' as date)\n"
    )


def _repeated(source: Source, extract: Extract) -> str:
    return (
        "{{ config(materialized='table') }}\n\n"
        f"{{{{ repeated_rows('{source.name}', '{extract.name}') }}}}\n"
    )


def _staged(source: Source, entity: str, contract: Source) -> str:
    known = {extract.name: set(extract.column_names) for extract in contract.extracts}
    same = [extract for extract in source.extracts if extract.name == entity and entity in extract.fills]
    if same and set(same[0].column_names) <= known.get(entity, set()):
        if entity == "order_lines":
            table = "{{ config(materialized='table') }}\n\n"
            return f"{table}{{{{ order_lines_from_contract('{source.name}') }}}}\n"
        if entity == "campaign_touches" and "orders" in known:
            return f"{{{{ campaign_touches_from_contract('{source.name}') }}}}\n"
        return f"{{{{ from_contract('{source.name}', '{entity}') }}}}\n"
    filling = [extract for extract in source.extracts if entity in extract.fills]
    return _skeleton(source, entity, filling)


def _skeleton(source: Source, entity: str, filling: Sequence[Extract]) -> str:
    """A model that builds, and says what stands where: the columns are the engineer's to name."""
    ctes = ",\n\n".join(
        f"{extract.name} as (\n    {{{{ versions('{source.name}', '{extract.name}') }}}}\n)"
        for extract in filling or source.extracts[:1]
    )
    first = (filling or source.extracts)[0]
    sent = "".join(f"        -- {_cast(first, column)} as …,\n" for column in first.columns)
    # By what a line came with, its money is found again from raw to features.
    delivery = "        delivery,\n" if entity in ("order_lines", "returns") else ""
    return f"""with

{ctes},

-- name the columns of macros/entities.sql: {entity} that these files know; the others are null without a word
renamed as (
    select
        '{source.name}' as source,
{sent}{delivery}        known_from_on,
        known_until_on
    from {first.name}
)

select * from renamed
"""


def _cast(extract: Extract, column: Column) -> str:
    """A column as staging reads it: raw holds text as sent, but for Parquet."""
    name = column.name
    if extract.format == "parquet":
        return name
    if column.kind == "timestamp":
        return f"{{{{ local_time(text('{name}'), '{extract.source}', '{extract.name}') }}}}"
    if column.kind == "date":
        return f"{{{{ sent_date(text('{name}'), '{extract.source}', '{extract.name}') }}}}"
    if column.kind == "varchar":
        return f"{{{{ {'code' if column.values else 'text'}('{name}') }}}}"
    return f"cast({{{{ text('{name}') }}}} as {column.data_type})"


def _raw_descriptions(source: Source) -> Iterator[tuple[str, str]]:
    for extract in source.extracts:
        grain = _grain(source, extract)
        yield f"raw_{source.name}__{extract.name}", f"{grain} as sent, of every delivery until known_on."


def _staging_descriptions(source: Source) -> Iterator[tuple[str, str]]:
    for entity in _entities(source):
        of = next((extract for extract in source.extracts if entity in extract.fills), source.extracts[0])
        yield f"stg_{source.name}__{entity}", f"{_grain(source, of)} and version."
    for extract in source.extracts:
        yield (
            f"stg_{source.name}__{extract.name}_repeated",
            f"One row per raw row of {extract.name} whose key was sent more than once, with its verdict and "
            "the days on which it is seen.",
        )


def _grain(source: Source, extract: Extract) -> str:
    """The grain of an extract without its full stop: the key, in words."""
    words = (column.removesuffix("_id").replace("_", " ").strip() for column in extract.key)
    return f"One row per {', '.join(words)}"


def _describe(path: Path, descriptions: Iterator[tuple[str, str]]) -> list[Path]:
    """Add the models a file of descriptions does not name yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else "version: 2\n\nmodels:\n"
    known = {model["name"] for model in (yaml.safe_load(text).get("models") or [])}
    added = "".join(
        f"  - name: {name}\n    description: {words}\n" for name, words in descriptions if name not in known
    )
    if not added:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip("\n") + "\n" + added, encoding="utf-8")
    return [path]


def _new(path: Path, text: str) -> list[Path]:
    if path.exists():
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return [path]
