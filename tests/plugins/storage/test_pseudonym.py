"""What stands in raw where a source sent something personal."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.declaration import Column, Extract, Source
from storage.reading import pseudonym
from storage.reading.pseudonym import HashKey, HashKeyMissing, HashKeyTooShort

SECRET = b"0123456789abcdef-a-key-for-tests"
KEY = HashKey(SECRET)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def hashes(values: list[str | None], normalise: str | None = None, key: HashKey = KEY) -> list[str | None]:
    with duckdb.connect() as connection:
        key.put_on(connection)
        rows = pa.table({"value": pa.array(values, pa.string())})
        found = pseudonym.with_pseudonyms(
            rows, extract(Column("value", "varchar", privacy="personal", normalise=normalise)), connection
        )
        return found.column("value").to_pylist()


def extract(*columns: Column) -> Extract:
    return Extract(
        "shop",
        "people",
        "p_{delivered_on}.csv",
        "csv",
        ",",
        "utf-8",
        ("value",),
        None,
        None,
        None,
        False,
        "any",
        frozenset(),
        False,
        columns,
    )


def digest(text: str) -> str:
    return hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=200), st.lists(TEXTS, min_size=1, max_size=5))
def test_the_hash_is_hmac_sha256_of_any_text_under_any_key(secret, texts):
    with duckdb.connect() as connection:
        HashKey(secret).put_on(connection)
        rows = pa.table({"value": texts})
        connection.register("texts", rows)
        found = connection.execute(f"select {pseudonym.hashed('value')} from texts").fetchall()
    assert [row for (row,) in found] == [
        hmac.new(secret, text.encode(), "sha256").hexdigest() for text in texts
    ]
    assert [row for (row,) in found] == [HashKey(secret).hash(text) for text in texts]


@pytest.mark.parametrize(
    "sent",
    [
        "13812345678",
        " 138-1234-5678 ",
        "+86 138 1234 5678",
        "008613812345678",
        "8613812345678",
        "（+86）13812345678",
        "１３８１２３４５６７８",
        "＋８６１３８１２３４５６７８",
        "13812345678.0",
        "\u300013812345678\t",
    ],
)
def test_a_mobile_number_has_one_hash_however_it_is_written(sent):
    assert hashes([sent], "phone") == [digest("13812345678")]


@pytest.mark.parametrize(
    ("sent", "digits"),
    [
        ("+44 20 7946 0958", "442079460958"),
        ("0044 20 7946 0958", "442079460958"),
        ("+1 (415) 555-2671", "14155552671"),
        ("8621 6543 2100", "862165432100"),
        ("861381", "861381"),
        ("021-65432100", "02165432100"),
    ],
)
def test_other_numbers_keep_their_country_and_area(sent, digits):
    assert hashes([sent], "phone") == [digest(digits)]


@pytest.mark.parametrize(
    ("normalise", "sent"),
    [("phone", ["0", "12345", "n/a", "-"]), ("email", ["none", "无", "a@b@c", "@"])],
)
def test_what_stands_for_no_number_or_address_joins_nobody(normalise, sent):
    assert hashes(sent, normalise) == [None] * len(sent)


def test_numbers_of_two_people_are_never_made_one():
    different = ["13812345678", "13812345679", "+44 138 1234 5678", "013812345678", "1381234567"]
    assert len(set(hashes(different, "phone"))) == len(different)


def test_an_address_is_trimmed_and_small_and_other_text_only_trimmed():
    assert hashes([" Ann.Lee@Example.COM\r\n"], "email") == [digest("ann.lee@example.com")]
    assert hashes([" Ann Lee "]) == [digest("Ann Lee")]


def test_what_says_nothing_of_anybody_is_not_hashed():
    for normalise in ("phone", "email", None):
        assert hashes([None, "", "  \t"], normalise) == [None, "", ""]
    assert hashes(["n/a", "无"], "phone") == [None, None]


def test_rows_stay_in_order_and_other_columns_as_sent():
    count = 300_000
    rows = pa.table({"id": pa.array(map(str, range(count))), "value": pa.array(map(str, range(count)))})
    columns = (Column("id", "varchar", privacy="id"), Column("value", "varchar", privacy="personal"))
    with duckdb.connect() as connection:
        KEY.put_on(connection)
        found = pseudonym.with_pseudonyms(rows, extract(*columns), connection)
    assert found.schema.equals(rows.schema)
    assert found.column("id").equals(rows.column("id"))
    assert found.column("value")[-1].as_py() == digest(str(count - 1))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("call me: 138-1234-5678, or a.b@c.example!", "call me: [number], or [e-mail]!"),
        ("电话１３８１２３４５６７８或021-65432100，+44 20 7946 0958", "电话[number]或[number]，[number]"),
        ("身份证11010519491231002X 卡6222 0212 3456 7890", "身份证[number] 卡[number]"),
        (
            "ordered 2 on 2025-03-08 for 1299.00, order 10045",
            "ordered 2 on 2025-03-08 for 1299.00, order 10045",
        ),
        ("", ""),
        (None, None),
    ],
)
def test_numbers_and_addresses_are_struck_out_of_free_text_and_nothing_else_is(sent, kept):
    with duckdb.connect() as connection:
        rows = pa.table({"value": pa.array([sent], pa.string())})
        text = extract(Column("value", "varchar", privacy="free_text"))
        assert pseudonym.with_pseudonyms(rows, text, connection).column("value").to_pylist() == [kept]


def test_the_key_stands_in_no_statement_error_or_text_of_it():
    with duckdb.connect() as connection:
        KEY.put_on(connection)
        with pytest.raises(duckdb.Error) as wrong:
            connection.execute(f"select {pseudonym.hashed('nowhere')}, error('x') from (select 1 as one)")
        with pytest.raises(duckdb.Error) as at_run_time:
            connection.execute(f"select cast({pseudonym.hashed('one')} as integer) from (select 'a' as one)")
    shown = f"{wrong.value} {at_run_time.value} {KEY!r} {KEY} {pseudonym.hashed('nowhere')}"
    assert SECRET.decode() not in shown
    assert SECRET.hex() not in shown.lower()


def test_keys_are_told_apart_by_a_name_that_gives_nothing_away():
    assert KEY.name == HashKey(SECRET).name != HashKey(SECRET + b"!").name
    assert len(KEY.name) == 8
    assert KEY.hash("a", "erasure") != KEY.hash("a")


def test_a_key_that_could_be_guessed_is_refused():
    with pytest.raises(HashKeyTooShort, match="15 bytes"):
        HashKey(b"x" * 15)


def test_a_missing_key_is_named_with_the_columns_that_need_it():
    kept = Column("born", "date", privacy="personal", keep_personal="ages are computed from it")
    source = Source("shop", "UTC", "USD", (extract(Column("phone", "varchar", privacy="personal"), kept),))
    with pytest.raises(HashKeyMissing, match="SEGMENTATION_HASH_KEY") as missing:
        pseudonym.require_key(None, [source])
    assert "shop.people.phone" in str(missing.value)
    assert "born" not in str(missing.value)
    pseudonym.require_key(KEY, [source])
    pseudonym.require_key(None, [Source("shop", "UTC", "USD", (extract(kept),))])
