"""A shop of two extracts, small enough to read by eye, for the tests of landing and raw."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from storage import declaration, landing, raw

DAY = date(2017, 1, 5)
HEADER = "order_id,customer_id,quantity,amount,ordered_at,note"

DECLARATION = """\
version: 2
sources:
  - name: shop
    description: A small shop.
    config: {meta: {time_zone: UTC, currency: USD}}
    tables:
      - name: orders
        description: One row per order.
        config:
          meta:
            path: "orders/orders_{delivered_on}.csv.gz"
            key: [order_id]
            event_column: ordered_at
            customer_column: customer_id
            required: true
            calendar: daily
            except: ["2017-12-26"]
        columns:
          - {name: order_id, data_type: varchar, config: {meta: {required: true}}}
          - {name: customer_id, data_type: varchar}
          - {name: quantity, data_type: bigint, config: {meta: {max: 100}}}
          - {name: amount, data_type: "decimal(18,2)", config: {meta: {required: true, min: 0}}}
          - {name: ordered_at, data_type: timestamp}
          - {name: note, data_type: varchar}
      - name: stock
        config: {meta: {path: "{delivered_on}/stock*.parquet", format: parquet, key: [product_id]}}
        columns:
          - {name: product_id, data_type: bigint, config: {meta: {required: true}}}
          - {name: price, data_type: "decimal(18,2)", config: {meta: {min: 0}}}
          - {name: counted_at, data_type: timestamp}
"""


@dataclass(frozen=True)
class Shop:
    """The shop's folders, and a day in its life as one call each."""

    root: Path
    time_zone: str = "America/New_York"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def incoming(self) -> Path:
        return self.root / "incoming"

    @property
    def pending(self) -> Path:
        return self.lake / "runs" / "one" / "pending"

    @property
    def sources(self):
        return declaration.read(self.root / "models", ["shop"])

    def declare(self, text: str = DECLARATION) -> None:
        file = self.root / "models" / "shop" / "_shop__sources.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def send(self, content: bytes | str, day: date = DAY, *, compress: bool = True) -> Path:
        content = content.encode() if isinstance(content, str) else content
        file = self.incoming / "shop" / "orders" / f"orders_{day}.csv.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(content, mtime=0) if compress else content)
        return file

    def land(self, known_on: date = date(2018, 1, 1)) -> landing.Landed:
        return landing.land(self.lake, self.incoming, self.sources, known_on)

    def read(self, known_on: date = date(2018, 1, 1)) -> list[raw.Delivery]:
        return raw.read_pending(self.lake, self.sources, known_on, self.pending, self.time_zone)

    def load(self, known_on: date = date(2018, 1, 1)) -> list[raw.Delivery]:
        self.land(known_on)
        self.read(known_on)
        raw.put_in_place(self.lake, self.pending)
        return raw.deliveries(self.lake, self.sources, known_on)

    def rows(self, layer: str = "raw", extract: str = "orders") -> list[dict]:
        import pyarrow.parquet as pq

        files = sorted((self.lake / layer / "shop" / extract).rglob("*.parquet"))
        return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]

    def files(self) -> dict[str, bytes]:
        """Every file of the lake that outlives a run, but for the notes of when and whence files came."""
        return {
            str(path.relative_to(self.lake)): path.read_bytes()
            for path in sorted(self.lake.rglob("*"))
            if path.is_file()
            and path.relative_to(self.lake).parts[0] not in {"runs", "arrivals", "known_files"}
            and path.name[0] != "."
        }


def csv_lines(*lines: str, header: str = HEADER, end: str = "\n") -> str:
    """A file of these lines under the header."""
    return "".join(line + end for line in (header, *lines))


def order(number: int, **changed: str) -> str:
    """A good line; `changed` values as they are to stand in it."""
    values = {
        "order_id": f"o{number}",
        "customer_id": "c1",
        "quantity": "2",
        "amount": "9.50",
        "ordered_at": "2017-01-04 12:00:00",
        "note": "",
    }
    return ",".join((values | changed).values())
