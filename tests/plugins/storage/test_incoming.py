"""Files that come from a bucket are as good as files that come from a folder."""

from __future__ import annotations

import importlib
import socket
from dataclasses import dataclass
from datetime import date

import pytest
import stores
from raw_shop import DECLARATION, Shop, csv_lines, order
from stores import SECRET, Store

from storage import incoming, landing

DAYS = date(2018, 1, 1)


@pytest.fixture(scope="module")
def s3_server():
    with stores.moto() as endpoint:
        yield endpoint


@pytest.fixture(params=["s3", "oss", "gs", "abfs"])
def store(request, tmp_path):
    if request.param in {"s3", "oss"}:
        yield getattr(stores, request.param)(request.getfixturevalue("s3_server"))
    elif request.param == "gs":
        with stores.gs() as running:
            yield running
    else:
        with stores.abfs(tmp_path / "azurite") as running:
            yield running


@pytest.fixture
def s3(s3_server):
    return stores.s3(s3_server)


@dataclass(frozen=True)
class Remote(Shop):
    """A shop that sends its files to a bucket."""

    store: Store | None = None

    def land(self, known_on: date = DAYS) -> landing.Landed:
        place = incoming.place(self.store.address, "exports")
        return landing.land(self.lake, place, self.sources, known_on)


@pytest.fixture
def local(tmp_path):
    shop = Shop(tmp_path / "local")
    shop.declare()
    for day, content in (
        (5, csv_lines(order(1), order(2))),
        (6, csv_lines("broken")),
        (7, csv_lines(order(1), order(2))),
    ):
        shop.send(content, date(2017, 1, day))
    shop.send(csv_lines(order(3)), date(2017, 1, 8)).rename(shop.incoming / "shop/orders/订单 1+1.csv.gz")
    (shop.incoming / "shop/orders/orders_2017-01-09.csv.gz").write_bytes(b"")
    (shop.incoming / "shop/orders/orders_2017-01-10.csv.gz.part").write_bytes(b"half")
    return shop


@pytest.fixture
def remote(tmp_path, local, store, monkeypatch):
    store.connect(monkeypatch)
    store.send_all(local.incoming)
    shop = Remote(tmp_path / "remote", store=store)
    shop.declare()
    return shop


def unread(bucket, file):
    raise AssertionError(f"{file.path} was read")
    yield


def test_what_comes_from_a_bucket_lands_as_from_a_folder_and_only_once(local, remote, monkeypatch):
    wanted = local.load()
    landed = remote.land()
    assert [each.status for each in remote.load()] == [each.status for each in wanted]
    assert remote.files() == local.files()
    assert landed == local.land()
    assert landed.unmatched == ("shop/orders/订单 1+1.csv.gz",)
    assert landed.still_being_written == ("shop/orders/orders_2017-01-10.csv.gz.part",)

    monkeypatch.setattr(incoming.Bucket, "pieces", unread)
    assert remote.land() == landed
    monkeypatch.undo()
    remote.store.connect(monkeypatch)

    again = csv_lines(order(1), order(9)).encode()
    remote.store.put("shop/orders/orders_2017-01-05.csv.gz", again)
    assert remote.land().sent_again == ("shop/orders/orders_2017-01-05.csv.gz",)


def test_an_object_that_is_replaced_while_it_is_copied_is_not_taken(remote, monkeypatch):
    pieces = incoming.Bucket.pieces

    def and_the_sender_sends_again(bucket, file):
        yield from pieces(bucket, file)
        if "01-05" in file.path:
            remote.store.put(file.path, b"x" * file.size)

    monkeypatch.setattr(incoming.Bucket, "pieces", and_the_sender_sends_again)
    landed = remote.land()
    assert "shop/orders/orders_2017-01-05.csv.gz" in landed.still_being_written
    assert {receipt.delivered_on.day for receipt in landed.receipts} == {6, 7, 9}


def test_a_bucket_that_is_not_there_is_no_empty_one(store, monkeypatch):
    store.connect(monkeypatch)
    assert incoming.place(store.address, "exports").files("nobody") == []
    with pytest.raises(incoming.IncomingWrong, match=r"://elsewhere/crm is not there.*'exports'") as wrong:
        incoming.place(f"{store.scheme}://elsewhere/crm", "exports").files("shop")
    assert wrong.value.__suppress_context__


def test_an_object_waits_for_its_marker(s3, tmp_path, monkeypatch):
    s3.connect(monkeypatch)
    shop = Remote(tmp_path, store=s3)
    old = 'path: "orders/orders_{delivered_on}.csv.gz"'
    lines = ('path: "orders/dt={delivered_on}/part-*.csv"', "complete_when: marker", "marker: _SUCCESS")
    shop.declare(DECLARATION.replace(old, "\n            ".join(lines)))
    s3.put("shop/orders/dt=2017-01-05/part-0.csv", csv_lines(order(1)).encode())
    assert shop.land().still_being_written == ("shop/orders/dt=2017-01-05/part-0.csv",)
    s3.put("shop/orders/dt=2017-01-05/_SUCCESS", b"")
    assert [receipt.file for receipt in shop.land().receipts] == ["dt=2017-01-05/part-0.csv"]


def test_a_large_object_comes_whole_in_pieces(s3, monkeypatch):
    monkeypatch.setattr(incoming, "_REMOTE_PIECE", 1 << 10)
    s3.connect(monkeypatch)
    content = bytes(range(256)) * 50
    s3.put("shop/big.bin", content)
    place = incoming.place(s3.address, "exports")
    pieces = list(place.pieces(place.files("shop")[0]))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) == 1 << 10


def test_an_object_of_which_less_came_than_it_has_is_not_taken(s3, monkeypatch):
    s3.connect(monkeypatch)
    s3.put("shop/big.bin", b"x" * 100)
    place = incoming.place(s3.address, "exports")
    (found,) = place.files("shop")
    s3.put("shop/big.bin", b"x" * 60)
    with pytest.raises(incoming.PlaceUnreachable, match=r"shop/big.bin has 100 bytes, and 60 came"):
        list(place.pieces(found))


def test_an_object_that_went_after_it_was_listed_is_tried_again(s3, monkeypatch):
    s3.connect(monkeypatch)
    s3.put("shop/big.bin", b"x")
    place = incoming.place(s3.address, "exports")
    (found,) = place.files("shop")
    stores.s3(s3.endpoint)  # a bucket of the same name, with nothing in it
    with pytest.raises(incoming.PlaceUnreachable, match=r"shop/big.bin could not be read"):
        list(place.pieces(found))


def test_credentials_that_are_refused_stop_at_once_and_are_not_shown(s3, monkeypatch):
    s3.connect(monkeypatch)
    s3.put("shop/a.csv", b"x")
    refuses = r"s3://exports/crm refuses connection 'exports' \(PermissionError.*403"
    with stores.refusing(s3.endpoint), pytest.raises(incoming.IncomingWrong, match=refuses) as wrong:
        incoming.place(s3.address, "exports").files("shop")
    assert SECRET not in str(wrong.value)
    assert wrong.value.__suppress_context__


def test_a_store_that_does_not_answer_is_tried_again(s3, monkeypatch):
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        s3.connect(monkeypatch, endpoint_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(
            incoming.PlaceUnreachable, match=r"s3://exports/crm could not be read with connection"
        ):
            incoming.place(s3.address, "exports").files("shop")


def test_without_a_connection_the_credentials_are_the_environments(s3, monkeypatch):
    s3.put("shop/a.csv", b"x")
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_ENDPOINT_URL", s3.endpoint),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    assert [found.path for found in incoming.place(s3.address).files("shop")] == ["shop/a.csv"]


def test_no_credentials_at_all_are_named_as_such(s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(incoming.IncomingWrong, match=r"refuses the credentials of the environment \(NoCred"):
        incoming.place(s3.address).files("shop")


def test_a_connection_airflow_does_not_know_is_named():
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    with pytest.raises(
        incoming.ConnectionUnknown, match=r"s3://exports: Airflow knows no connection 'nowhere'"
    ):
        incoming.place("s3://exports", "nowhere").files("shop")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"conn_type": "google_cloud_platform"},
            r"is of type 'google_cloud_platform'; s3://exports/crm wants aws",
        ),
        ({"role_arn": "arn:aws:iam::1:role/x"}, r"'exports': role_arn in its extra is not known here"),
    ],
)
def test_a_connection_that_does_not_fit_is_not_half_understood(s3, monkeypatch, changed, message):
    s3.connect(monkeypatch, **changed)
    with pytest.raises(incoming.IncomingWrong, match=message) as wrong:
        incoming.place(s3.address, "exports").files("shop")
    assert SECRET not in str(wrong.value)


def test_a_connection_need_not_be_of_a_providers_type(s3, monkeypatch):
    s3.connect(monkeypatch, conn_type="generic")
    s3.put("shop/a.csv", b"x")
    assert [found.path for found in incoming.place(s3.address, "exports").files("shop")] == ["shop/a.csv"]


def test_an_extra_that_is_no_json_is_not_quoted(s3, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_EXPORTS", '{"conn_type": "aws", "extra": "{secret: ' + SECRET + '"}')
    with pytest.raises(incoming.IncomingWrong, match="extra of connection 'exports' is no JSON") as wrong:
        incoming.place(s3.address, "exports").files("shop")
    assert SECRET not in str(wrong.value)
    assert wrong.value.__suppress_context__


@pytest.mark.parametrize(
    ("address", "package", "extra"),
    [
        ("s3://b", "s3fs", "s3"),
        ("gs://b", "gcsfs", "gcs"),
        ("abfs://b", "adlfs", "azure"),
        ("oss://b", "s3fs", "s3"),
    ],
)
def test_a_driver_that_is_missing_is_named_with_what_to_install(monkeypatch, address, package, extra):
    def not_installed(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

    monkeypatch.setattr(importlib, "import_module", not_installed)
    with pytest.raises(
        incoming.IncomingWrong, match=rf"{address}.*{package} is not installed.*'\.\[{extra}\]"
    ):
        incoming.place(address).files("shop")


def test_a_connection_for_a_folder_is_refused(tmp_path):
    with pytest.raises(
        incoming.IncomingWrong, match="incoming_connection is 'x', but incoming is the folder"
    ):
        incoming.place(tmp_path, "x")


OPTIONS = {
    "a key file": (
        "gs://b",
        {"extra": {"keyfile_dict": '{"type": "service_account"}', "project": "p"}},
        {"token": {"type": "service_account"}, "project": "p"},
    ),
    "a key file's path": ("gs://b", {"extra": {"key_path": "/key.json"}}, {"token": "/key.json"}),
    "what Google's machine knows": ("gs://b", {"extra": {}}, {"token": "google_default"}),
    "an Azure account": (
        "abfs://b",
        {"login": "account", "password": "key"},
        {"account_name": "account", "account_key": "key", "anon": False},
    ),
    "an Azure application": (
        "abfs://b",
        {"login": "id", "password": "secret", "extra": {"tenant_id": "t", "account_name": "account"}},
        {"account_name": "account", "tenant_id": "t", "client_id": "id", "client_secret": "secret"},
    ),
    "an OSS region": (
        "oss://b",
        {"login": "id", "password": "secret", "extra": {"region": "cn-hangzhou"}},
        {
            "key": "id",
            "secret": "secret",
            "client_kwargs": {
                "endpoint_url": "https://s3.oss-cn-hangzhou.aliyuncs.com",
                "region_name": "cn-hangzhou",
            },
            "config_kwargs": {"signature_version": "s3", "s3": {"addressing_style": "virtual"}},
        },
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_connection_says_to_the_driver(name):
    address, fields, options = OPTIONS[name]
    said = {"login": None, "password": None, "host": None, "extra": {}} | fields
    driver = incoming._DRIVERS[address.partition("://")[0]]
    assert driver.options(incoming._Credentials("exports", **said), address) == options


@pytest.mark.parametrize("fields", [{"extra": {}}, {"extra": {"region": "cn-hangzhou"}}])
def test_oss_without_a_region_or_a_key_is_refused(fields):
    said = incoming._Credentials("exports", **({"login": None, "password": None, "host": None} | fields))
    with pytest.raises(incoming.IncomingWrong, match="'exports' must"):
        incoming._DRIVERS["oss"].options(said, "oss://b")
    assert "'exports'" in repr(said)
